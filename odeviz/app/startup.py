"""Opening the window: first what is seen, then what controls it, the engine behind both."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QSettings, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QApplication

from odeviz.app.errors import ErrorHooks
from odeviz.app.garbage import GarbageCollector
from odeviz.app.main_window import MainWindow
from odeviz.app.sources import leave_unread
from odeviz.storage.paths import config_dir, state_dir
from odeviz.training.trouble import Trouble
from odeviz.widgets.button_keys import ButtonKeys
from odeviz.widgets.focus_ring import FocusRing
from odeviz.widgets.see_through_tips import SeeThroughTips
from odeviz.widgets.theme import MODES, TEXT_SIZES, Theme

if TYPE_CHECKING:
    from odeviz.app.controller import Controller

OPENING_PRESET = "moons-density"


@dataclass(frozen=True, slots=True)
class ToOpen:
    """What the window opens on: a file, else an experiment's line, else a preset."""

    file: Path | None = None
    preset: str = OPENING_PRESET
    experiment: str = ""

    @classmethod
    def of(cls, file: str | None, preset: str | None, experiment: str | None) -> ToOpen:
        return cls(Path(file) if file is not None else None, preset or OPENING_PRESET, experiment or "")


#: Seconds after which a busy worker hands the interpreter to a window that waits for it. Python's own 5 ms are a third
#: of a frame, and a paint may wait several times. A training thread would pay for it; a process of its own does not.
SWITCH = 0.0005
#: Milliseconds between two plots that are made in good time.
SPARES = 60


class Desk(QObject):
    """A window with all that belongs to it, opened on a model; :meth:`clear` takes everything away again."""

    #: The first paint is done.
    painted = Signal()

    def __init__(
        self,
        app: QApplication,
        settings: QSettings | None = None,
        theme: str | None = None,
        autosave: Path | None = None,
    ) -> None:
        super().__init__()
        # The solver bar says so itself, and nobody reads a window's standard error.
        warnings.filterwarnings("ignore", message="rtol = .* ask for less than the rounding")
        self.hooks = ErrorHooks(self)
        self.garbage = GarbageCollector(self)
        self.theme = Theme(theme or _remembered_theme(settings), self)
        _wear_remembered(self.theme, settings)
        self.theme.apply(app)
        self.ring = FocusRing(self.theme, app, self)
        self.keys = ButtonKeys(app, self)
        self.tips = SeeThroughTips(app, self)
        self.window = MainWindow(self.theme, settings)
        self._settings, self._autosave = settings, autosave
        self._controller: Controller | None = None
        self._switch = sys.getswitchinterval()
        self.hooks.caught.connect(self._on_caught)
        self.window.painted.connect(self._on_painted)
        self._to_open = ToOpen()
        self._spares = QTimer(self)
        self._spares.setInterval(SPARES)
        self._spares.timeout.connect(self._add_spare)
        self._ended: bool | None = None

    @property
    def controller(self) -> Controller:
        """It comes after the window's first paint, or when it is asked for before."""
        if self._controller is None:
            self._controller = self._control()
        return self._controller

    def open(self, what: ToOpen = ToOpen()) -> None:
        """Show the window; after its first paint, open what it shall open on."""
        self._to_open = what
        self.window.show()

    @Slot()
    def shutdown(self, timeout: float = 2.0) -> bool:
        """Cancel and join all threads, once; True if all have ended within ``timeout`` seconds."""
        if self._ended is None:
            self._ended = self._controller is None or self._controller.shutdown(timeout)
        return self._ended

    def clear(self, timeout: float = 2.0) -> bool:
        """Join the threads, destroy the window, put Python's hooks back; True if all threads have ended."""
        ended = self.shutdown(timeout)
        self.window.may_close = True
        self.window.deleteLater()
        self.garbage.stop()
        sys.setswitchinterval(self._switch)
        self.hooks.restore()
        self.deleteLater()
        return ended

    def _control(self) -> Controller:
        # Nothing of it is seen: a newcomer need not wait for what it imports.
        from odeviz.app.controller import Controller

        control = Controller(self.window, settings=self._settings, autosave=self._autosave)
        if control.trainer.apart:
            sys.setswitchinterval(SWITCH)
        return control

    @Slot()
    def _on_painted(self) -> None:
        self.window.painted.disconnect(self._on_painted)
        # A moment later, so that the painted window reaches the screen before the worker starts to import.
        QTimer.singleShot(0, self._open)

    @Slot()
    def _open(self) -> None:
        self.painted.emit()
        what = self._to_open
        documents, pictures = self.controller.documents, self.controller.pictures
        # What has been imported by then stays to the end: full collections need not look at it. But once only, for
        # what is set aside is never collected.
        once = Qt.ConnectionType.SingleShotConnection
        pictures.shown.connect(self.garbage.settle, once)
        pictures.shown.connect(self._spares.start, once)
        self.controller.trainer.running_changed.connect(self.garbage.settle, once)
        if what.file is not None:
            documents.failed.connect(self._open_default)
            documents.opened.connect(self._opened)
            documents.untrained.connect(self._opened)
            documents.open(what.file)
        elif not what.experiment or not self.controller.strings.open(what.experiment):
            documents.open_preset(what.preset)
        self.controller.autosave.start()
        self.controller.guidance.offer_tour()

    @Slot()
    def _add_spare(self) -> None:
        """Make a plot that a view may need, while nothing else is to be done."""
        panels = (self.window.view, self.window.precision)
        if self.controller.pictures.settled and not any(panel.add_spare() for panel in panels):
            self._spares.stop()

    @Slot()
    def _opened(self) -> None:
        self.controller.documents.failed.disconnect(self._open_default)
        self.controller.documents.opened.disconnect(self._opened)
        self.controller.documents.untrained.disconnect(self._opened)

    @Slot()
    def _open_default(self) -> None:
        """The file asked for could not be read: the window is not left empty."""
        self._opened()
        self.controller.documents.open_preset(OPENING_PRESET)

    @Slot(object)
    def _on_caught(self, trouble: Trouble) -> None:
        if self._ended is None and self._controller is not None:
            self._controller.dialogs.trouble(trouble, "Something went wrong")


def application() -> QApplication:
    """The process's Qt application, made if there is none."""
    leave_unread()
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(sys.argv[:1])
    app.setApplicationName("odeviz")
    app.setDesktopFileName("odeviz")
    return app


def run_window(what: ToOpen, theme: str | None = None, size: tuple[int, int] | None = None) -> int:
    """Open the window, stay until it is closed, leave no thread behind."""
    app = application()
    settings = QSettings(str(config_dir() / "window.ini"), QSettings.Format.IniFormat)
    desk = Desk(app, settings, theme, state_dir() / "autosave")
    if size is not None:
        desk.window.setWindowState(Qt.WindowState.WindowNoState)
        desk.window.resize(*size)
    app.aboutToQuit.connect(desk.shutdown)
    before = signal.signal(signal.SIGINT, lambda *_: app.quit())
    desk.open(what)
    code = app.exec()
    ended = desk.clear()
    app.processEvents()
    signal.signal(signal.SIGINT, before)
    if not ended:
        # A worker is deep inside a long import or solve. Tearing the interpreter down under it could crash.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _remembered_theme(settings: QSettings | None) -> str:
    mode: Any = settings.value("window/theme") if settings is not None else None
    return mode if mode in MODES else "system"


def _wear_remembered(theme: Theme, settings: QSettings | None) -> None:
    """Text and motion as they were chosen last."""
    if settings is None:
        return
    size, calm = settings.value("window/text"), settings.value("window/calm")
    for each in TEXT_SIZES:
        # An INI file holds texts only.
        if str(size) == str(each):
            theme.set_scale(each)
    if calm is not None:
        theme.set_calm(str(calm).lower() == "true")
