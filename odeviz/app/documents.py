"""Model files, presets and exports: everything that touches the disk, off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QSettings, Signal, Slot
from PySide6.QtWidgets import QDialog, QWidget

from odeviz.app.dialogs import MODEL_FILES, SESSION_FILES, Dialogs
from odeviz.app.export_dialog import ExportDialog
from odeviz.app.exports import EXPORTS, FIGURE_FORMATS, TABLE_FORMATS, Export, Shown, write
from odeviz.app.main_window import MainWindow
from odeviz.app.pictures import Pictures
from odeviz.app.recent_files import RecentFiles
from odeviz.app.session_view import view_of
from odeviz.bridge import JobRunner, Trouble
from odeviz.state import Workbench
from odeviz.storage.model_file import SUFFIX, load_model, save_model
from odeviz.storage.paths import pretrained
from odeviz.storage.session_file import SUFFIX as SESSION_SUFFIX
from odeviz.storage.session_file import View, load_session, save_session
from odeviz.tasks.presets import preset
from odeviz.training.snapshot import Snapshot
from odeviz.widgets.grab import grab, write_png


class Documents(QObject):
    """Opens, saves and exports. What cannot be read or written is told in a sentence, and nothing changes."""

    #: A model was read: the :class:`Snapshot`, its file or None for a preset's, and the :class:`View` of a session.
    opened = Signal(object, object, object)
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
        #: The file on show if it is a session's, and the model that its file holds.
        self._session: Path | None = None
        self._in_file: Snapshot | None = None
        bench.undo_stack.cleanChanged.connect(self._on_clean)

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
            partial(load_session, path),
            lambda read: self._on_read(*read, path),
            lambda trouble: self._cannot_open(path, trouble),
        )

    def open_recent(self, place: int) -> None:
        """Open one of the files opened or saved lately; one that cannot be opened is dropped from the list."""
        if place < len(self.recent.names):
            self.open(Path(self.recent.names[place]))

    def _on_read(self, snapshot: Snapshot, view: View | None, path: Path) -> None:
        self.recent.add(path)
        self.opened.emit(snapshot, path, view)

    def showing(self, snapshot: Snapshot, path: Path | None, session: bool) -> None:
        """A model is on show now, as a file has it; ``session`` says whether the file tells more than the model."""
        self._session = path if session else None
        self._in_file = snapshot

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
            lambda snapshot: self.opened.emit(snapshot, None, None),
            lambda trouble: self._fail(f"The model shipped for {chosen.title} could not be opened", trouble),
        )

    # Saving.

    def save(self) -> bool:
        """Save to the model's file, asking for one if there is none; False if the person did not say where."""
        if self.bench.path is None:
            return self.save_as()
        self._save_to(self.bench.path, self.is_session)
        return True

    def save_as(self) -> bool:
        """Ask for a file; its suffix says whether the model alone or the session is saved."""
        if self.is_session:
            kinds, suffix = f"{SESSION_FILES};;{MODEL_FILES}", SESSION_SUFFIX
        else:
            kinds, suffix = f"{MODEL_FILES};;{SESSION_FILES}", SUFFIX
        path = self.dialogs.file_to_save("Save as", self._folder() / self._suggestion(suffix[1:]), kinds)
        if path is None:
            return False
        self._save_to(path, session=path.suffix.lower() == SESSION_SUFFIX)
        return True

    def save_session_as(self) -> bool:
        """Ask for a file, and save the model with what is shown of it."""
        path = self.dialogs.file_to_save(
            "Save the session", self._folder() / self._suggestion(SESSION_SUFFIX[1:]), SESSION_FILES
        )
        if path is None:
            return False
        self._save_to(path, session=True)
        return True

    @property
    def is_session(self) -> bool:
        """Whether the file on show is a session's."""
        return self.bench.path is not None and self.bench.path == self._session

    @property
    def only_view_changed(self) -> bool:
        """Whether the model on show is the one in its session's file, and only what is shown of it is not."""
        return self.is_session and self.bench.latest is self._in_file

    def _save_to(self, path: Path, session: bool) -> None:
        # Whichever moment of the run is on show: what it has come to is what would be lost.
        snapshot = self.bench.latest
        if snapshot is None:
            return
        self._remember(path)
        work: Callable[[], None] = partial(save_model, path, snapshot)
        if session:
            work = partial(save_session, path, snapshot, view_of(self.bench, self.window))
            # What is done from here on is not in the file.
            self.bench.undo_stack.setClean()
        self.jobs.submit(
            work,
            lambda _: self._saved(path, snapshot, session),
            lambda trouble: self._cannot_save(path, trouble),
        )

    def _saved(self, path: Path, snapshot: Snapshot, session: bool) -> None:
        self.recent.add(path)
        self.showing(snapshot, path, session)
        behind = snapshot is not self.bench.latest or (session and not self.bench.undo_stack.isClean())
        self.bench.set_document(path, unsaved=behind)
        self.bench.say(f"Saved {path.name}.")
        self.saved.emit()

    def _cannot_save(self, path: Path, trouble: Trouble) -> None:
        self.bench.undo_stack.resetClean()
        self._fail(f"{path.name} could not be saved", trouble)

    @Slot(bool)
    def _on_clean(self, clean: bool) -> None:
        """A session's file also holds what is shown: a change of it puts the file behind, and undoing that does not."""
        if self.only_view_changed:
            self.bench.set_document(self.bench.path, unsaved=not clean)

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
