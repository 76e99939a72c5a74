"""Model files, presets and exports: everything that touches the disk, off the GUI thread."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QSettings, Signal, Slot
from PySide6.QtWidgets import QDialog, QWidget

from odeviz.app.dialogs import MODEL_FILES, Dialogs
from odeviz.app.export_dialog import ExportDialog
from odeviz.app.exports import EXPORTS, FIGURE_FORMATS, TABLE_FORMATS, Export, Shown, write
from odeviz.app.main_window import MainWindow
from odeviz.app.pictures import Pictures
from odeviz.app.recent_files import RecentFiles
from odeviz.bridge import JobRunner, Trouble
from odeviz.state import Workbench
from odeviz.storage.model_file import load_model, save_model
from odeviz.storage.paths import pretrained
from odeviz.tasks.presets import preset
from odeviz.training.snapshot import Snapshot
from odeviz.widgets.grab import grab, write_png


class Documents(QObject):
    """Opens, saves and exports. What cannot be read or written is told in a sentence, and nothing changes."""

    #: A model was read: the :class:`Snapshot`, and its file or None for a preset's.
    opened = Signal(object, object)
    #: A preset without a shipped model was chosen: its title and :class:`Experiment`.
    untrained = Signal(str, object)
    saved = Signal()
    #: A file could not be read or written: the sentence.
    failed = Signal(str)

    def __init__(
        self,
        bench: Workbench,
        pictures: Pictures,
        window: MainWindow,
        jobs: JobRunner,
        dialogs: Dialogs,
        settings: QSettings | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.bench, self.pictures, self.window = bench, pictures, window
        self.jobs, self.dialogs, self._settings = jobs, dialogs, settings
        self.recent = RecentFiles(settings, self)

    # Opening.

    def ask_open(self) -> None:
        path = self.dialogs.model_to_open(self._folder())
        if path is not None:
            self.open(path)

    @Slot(object)
    def open(self, path: Path) -> None:
        """Read a model file and show it."""
        self._remember(path)
        self.jobs.submit(
            partial(load_model, path),
            lambda snapshot: self._on_read(snapshot, path),
            lambda trouble: self._cannot_open(path, trouble),
        )

    def open_recent(self, place: int) -> None:
        """Open one of the files opened or saved lately; one that cannot be opened is dropped from the list."""
        if place < len(self.recent.names):
            self.open(Path(self.recent.names[place]))

    def _on_read(self, snapshot: Snapshot, path: Path) -> None:
        self.recent.add(path)
        self.opened.emit(snapshot, path)

    def _cannot_open(self, path: Path, trouble: Trouble) -> None:
        self.recent.remove(path)
        self._fail(f"{path.name} could not be opened", trouble)

    @Slot(str)
    def open_preset(self, name: str) -> None:
        """Show a preset's shipped model, or its experiment where none is shipped."""
        chosen = preset(name)
        path = pretrained(name)
        if path is None:
            self.untrained.emit(chosen.title, chosen.experiment)
            return
        self.jobs.submit(
            partial(load_model, path),
            lambda snapshot: self.opened.emit(snapshot, None),
            lambda trouble: self._fail(f"The model shipped for {chosen.title} could not be opened", trouble),
        )

    # Saving.

    def save(self) -> bool:
        """Save to the model's file, asking for one if there is none; False if the person did not say where."""
        if self.bench.path is None:
            return self.save_as()
        self._save_to(self.bench.path)
        return True

    def save_as(self) -> bool:
        path = self.dialogs.file_to_save(
            "Save the model", self._folder() / self._suggestion("odeviz"), MODEL_FILES
        )
        if path is None:
            return False
        self._save_to(path)
        return True

    def _save_to(self, path: Path) -> None:
        # Whichever moment of the run is on show: what it has come to is what would be lost.
        snapshot = self.bench.latest
        if snapshot is None:
            return
        self._remember(path)
        self.jobs.submit(
            partial(save_model, path, snapshot),
            lambda _: self._saved(path, snapshot),
            lambda trouble: self._fail(f"{path.name} could not be saved", trouble),
        )

    def _saved(self, path: Path, snapshot: Snapshot) -> None:
        self.recent.add(path)
        self.bench.set_document(path, unsaved=snapshot is not self.bench.latest)
        self.bench.say(f"Saved {path.name}.")
        self.saved.emit()

    # Exporting.

    def export(self, data_first: bool = False) -> None:
        """Ask which panel to export, and how."""
        now = self._shown()
        if now is not None:
            there = [export for export in EXPORTS if export.there(now)]
            self.dialogs.run(partial(self._export_dialog, there, data_first))

    def _export_dialog(self, there: list[Export], data_first: bool, parent: QWidget) -> QDialog:
        dialog = ExportDialog(there, data_first, parent)
        dialog.wanted.connect(self.export_panel)
        return dialog

    @Slot(object, str, int)
    def export_panel(self, export: Export, suffix: str, dpi: int) -> None:
        """Ask for the file and write it."""
        now = self._shown()
        if now is None:
            return
        kinds = (FIGURE_FORMATS | TABLE_FORMATS)[suffix]
        suggestion = self._folder() / f"{self._suggestion('')}-{export.key}.{suffix}"
        path = self.dialogs.file_to_save(
            f"Export {export.title.lower()}", suggestion, f"{kinds} (*.{suffix})"
        )
        if path is not None:
            self._write(path, partial(write, export, now, path, dpi))

    def export_view(self) -> None:
        """Save the flow view as it is seen."""
        suggestion = self._folder() / f"{self._suggestion('')}-view.png"
        path = self.dialogs.file_to_save("Export the view as seen", suggestion, "PNG picture (*.png)")
        if path is not None:
            # Only the GUI thread can paint a widget; encoding and writing are the worker's.
            picture = grab(self.window.flow, 2.0).toImage()
            self._write(path, partial(_save_image, picture, path))

    def _write(self, path: Path, work: Any) -> None:
        self._remember(path)
        self.bench.say(f"Exporting {path.name}…")
        self.jobs.submit(
            work,
            lambda _: self.bench.say(f"Exported {path.name}."),
            lambda trouble: self._fail(f"{path.name} could not be exported", trouble),
        )

    # Inside.

    def _shown(self) -> Shown | None:
        snapshot = self.bench.snapshot
        if snapshot is None:
            return None
        return Shown(snapshot, dict(self.pictures.results), self.bench.playhead.t)

    def _fail(self, title: str, trouble: Trouble) -> None:
        self.bench.say(f"{title}: {trouble.sentence}")
        self.failed.emit(f"{title}: {trouble.sentence}")
        # A foreseen failure says all in its sentence; a traceback beside it would only frighten.
        self.dialogs.trouble(trouble if trouble.unexpected else Trouble(trouble.sentence), title)

    def _suggestion(self, suffix: str) -> str:
        experiment = self.bench.snapshot.experiment if self.bench.snapshot else self.bench.experiment
        name = self.bench.path.stem if self.bench.path else f"{experiment.data.name}-{experiment.task}"
        return f"{name}.{suffix}" if suffix else name

    def _folder(self) -> Path:
        if self.bench.path is not None:
            return self.bench.path.parent
        folder = self._settings.value("files/folder") if self._settings is not None else None
        return Path(str(folder)) if folder and Path(str(folder)).is_dir() else Path.home()

    def _remember(self, path: Path) -> None:
        if self._settings is not None:
            self._settings.setValue("files/folder", str(path.resolve().parent))


def _save_image(picture: Any, path: Path) -> None:
    if path.suffix.lower() != ".png":
        raise ValueError(f"the view as seen is saved as .png, not {path.suffix or 'without a suffix'}")
    write_png(picture, path)
