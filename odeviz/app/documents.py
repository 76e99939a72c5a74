"""Model files, sessions and presets, read and written off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, Signal, Slot

from odeviz.app.dialogs import MODEL_FILES, SESSION_FILES, Dialogs
from odeviz.app.experiment_strings import title_of
from odeviz.app.main_window import MainWindow
from odeviz.app.pictures import Pictures
from odeviz.app.recent_files import RecentFiles
from odeviz.app.session_view import view_of
from odeviz.bridge import JobRunner, Trouble
from odeviz.state import Workbench
from odeviz.storage.model_file import SUFFIX, load_model, save_model
from odeviz.storage.origin import Origin, is_carrier, read_origin
from odeviz.storage.paths import pretrained
from odeviz.storage.session_file import SUFFIX as SESSION_SUFFIX
from odeviz.storage.session_file import View, load_session, save_session
from odeviz.tasks.own_data import OWN
from odeviz.tasks.presets import preset
from odeviz.training.snapshot import Snapshot


class Documents(QObject):
    """Opens and saves. What cannot be read or written is told in a sentence, and nothing changes."""

    #: A model was read: the :class:`Snapshot`, its file or None for a preset's, and the :class:`View` of a session.
    opened = Signal(object, object, object)
    #: A preset without a shipped model, or a figure, was opened: the title of its :class:`Experiment`, and that.
    untrained = Signal(str, object)
    #: A table that carries no experiment was opened: its path. It may hold a person's data.
    table_found = Signal(object)
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
        #: The run that is kept beside it there.
        self._kept_in_file: Snapshot | None = None
        bench.undo_stack.cleanChanged.connect(self._on_changed)
        bench.kept_changed.connect(self._on_changed)

    # Opening.

    def ask_open(self) -> None:
        path = self.dialogs.model_to_open(self.folder())
        if path is not None:
            self.open(path)

    @Slot(object)
    def open(self, path: Path) -> None:
        """Read a model or a session and show it; of an exported figure, show the experiment that it carries."""
        self.remember(path)
        if is_carrier(path):
            self.jobs.submit(
                partial(read_origin, path),
                lambda origin: self._on_origin(origin, path),
                lambda trouble: self._not_carried(path, trouble),
            )
            return
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

    def _not_carried(self, path: Path, trouble: Trouble) -> None:
        if path.suffix.lower() == ".csv" and path.is_file():
            self.table_found.emit(path)
        else:
            self._cannot_open(path, trouble)

    def _on_origin(self, origin: Origin, path: Path) -> None:
        if origin.experiment.data.name == OWN:
            sentence = "Its experiment learns from somebody's own data, which a figure does not hold."
            self._cannot_open(path, Trouble(sentence))
        else:
            self.untrained.emit(title_of(origin.experiment), origin.experiment)

    def showing(self, snapshot: Snapshot, path: Path | None, view: View | None) -> None:
        """A model is on show now as a file has it, and with a ``view`` of a session's file what that tells besides."""
        self._session = path if view is not None else None
        self._in_file = snapshot
        # One kept before is still there if the session has none.
        self._kept_in_file = self.bench.kept if view is None or view.kept is None else view.kept

    def _cannot_open(self, path: Path, trouble: Trouble) -> None:
        self.recent.remove(path)
        self.fail(f"{path.name} could not be opened", trouble, path)

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
            lambda trouble: self.fail(
                f"The model shipped for {chosen.title} could not be opened", trouble, path
            ),
        )

    # Saving.

    def save(self) -> bool:
        """Save to the model's file, asking for one if there is none; False if the person did not say where."""
        if not self._is_there():
            return False
        if self.bench.path is None:
            return self.save_as()
        self._save_to(self.bench.path, self.is_session)
        return True

    def save_as(self) -> bool:
        """Ask for a file; its suffix says whether the model alone or the session is saved."""
        if not self._is_there():
            return False
        if self.is_session:
            kinds, suffix = f"{SESSION_FILES};;{MODEL_FILES}", SESSION_SUFFIX
        else:
            kinds, suffix = f"{MODEL_FILES};;{SESSION_FILES}", SUFFIX
        path = self.dialogs.file_to_save("Save as", self.folder() / self.suggestion(suffix[1:]), kinds)
        if path is None:
            return False
        self._save_to(path, session=path.suffix.lower() == SESSION_SUFFIX)
        return True

    def save_session_as(self) -> bool:
        """Ask for a file, and save the model with its run and what is shown of it."""
        if not self._is_there():
            return False
        path = self.dialogs.file_to_save(
            "Save the session", self.folder() / self.suggestion(SESSION_SUFFIX[1:]), SESSION_FILES
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

    def kept_in_session(self) -> Snapshot | None:
        """The run kept to compare with that the file on show holds."""
        return self._kept_in_file if self.is_session else None

    def _save_to(self, path: Path, session: bool) -> None:
        # Whichever moment of the run is on show: what it has come to is what would be lost.
        snapshot = self.bench.latest
        assert snapshot is not None, "looked at before"
        self.remember(path)
        work: Callable[[], None] = partial(save_model, path, snapshot)
        view = view_of(self.bench, self.window) if session else None
        if view is not None:
            work = partial(save_session, path, snapshot, view)
            # What is done from here on is not in the file.
            self.bench.undo_stack.setClean()
        self.jobs.submit(
            work,
            lambda _: self._saved(path, snapshot, view),
            lambda trouble: self._cannot_save(path, trouble),
        )

    def _is_there(self) -> bool:
        """Whether there is a model to be saved; says so if there is none."""
        if self.bench.latest is None:
            self.bench.say(
                "There is no model to save yet: it is being made. Save it when its picture is there."
            )
        return self.bench.latest is not None

    def _saved(self, path: Path, snapshot: Snapshot, view: View | None) -> None:
        self.recent.add(path)
        self.showing(snapshot, path, view)
        behind = snapshot is not self.bench.latest or (view is not None and self._view_is_behind)
        self.bench.set_document(path, unsaved=behind)
        self.bench.say(f"Saved {path.name}.")
        self.saved.emit()

    def _cannot_save(self, path: Path, trouble: Trouble) -> None:
        self.bench.undo_stack.resetClean()
        self.fail(f"{path.name} could not be saved", trouble, path)

    @property
    def _view_is_behind(self) -> bool:
        """Whether what is shown is not what the session's file tells."""
        return not self.bench.undo_stack.isClean() or self.bench.kept is not self._kept_in_file

    @Slot()
    def _on_changed(self) -> None:
        """A session's file also holds what is shown: a change of it puts the file behind, and undoing that does not."""
        if self.only_view_changed:
            self.bench.set_document(self.bench.path, unsaved=self._view_is_behind)

    # Inside.

    def fail(self, title: str, trouble: Trouble, path: Path | None = None) -> None:
        """Tell what could not be done, and why; the details name the file."""
        self.dialogs.trouble(trouble if path is None else trouble.about(str(path)), title)
        self.failed.emit(f"{title}: {trouble.sentence}")

    def suggestion(self, suffix: str = "") -> str:
        """A name for a file of what is on show."""
        experiment = self.bench.snapshot.experiment if self.bench.snapshot else self.bench.experiment
        name = self.bench.path.stem if self.bench.path else f"{experiment.data.name}-{experiment.task}"
        return f"{name}.{suffix}" if suffix else name

    def folder(self) -> Path:
        """Where files are offered to be: beside the model, or where the last one was."""
        if self.bench.path is not None:
            return self.bench.path.parent
        folder = self._settings.value("files/folder") if self._settings is not None else None
        return Path(str(folder)) if folder and Path(str(folder)).is_dir() else Path.home()

    def remember(self, path: Path) -> None:
        """The folder a file was read from or written to."""
        if self._settings is not None:
            self._settings.setValue("files/folder", str(path.resolve().parent))
