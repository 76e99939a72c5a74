"""What is not saved survives a crash: it is written once a minute, and offered at the next start."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, QTimer, Signal, Slot

from odeviz.app.main_window import MainWindow
from odeviz.app.session_view import view_of, without_time
from odeviz.bridge import JobRunner, Trouble
from odeviz.state import Workbench
from odeviz.storage.atomic import WriteError
from odeviz.storage.model_file import ModelFileError
from odeviz.storage.session_file import SUFFIX, View, load_session, save_session
from odeviz.training.checkpoints import thinned
from odeviz.training.snapshot import Snapshot

#: Milliseconds between two looks at what has changed.
PERIOD = 60_000
#: What is written once a minute has no more than this of its run's earlier models.
MOST_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class LeftOver:
    """What a process that has gone did not save. Nobody else is offered it while its lock is held."""

    snapshot: Snapshot
    view: View
    when: datetime
    path: Path
    lock: QLockFile

    def remove(self) -> None:
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
        self.lock.unlock()


class Autosave(QObject):
    """One file for each running process in ``folder``; without a folder nothing is written or offered.

    ``kept_in_file`` tells which run kept to compare with is in the open session's file already.

    Files are written and read on the worker; the GUI thread only takes down what is shown.
    """

    #: The :class:`LeftOver` to offer has changed; it may be None.
    offered = Signal(object)

    def __init__(
        self,
        bench: Workbench,
        window: MainWindow,
        jobs: JobRunner,
        folder: Path | None,
        kept_in_file: Callable[[], Snapshot | None] = lambda: None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._kept_in_file = kept_in_file
        self._bench, self._window, self._jobs, self._folder = bench, window, jobs, folder
        name = f"{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        self._path = folder / name if folder is not None else Path()
        self._lock = _lock_of(self._path)
        self._saved: tuple[Snapshot, View] | None = None
        self._told = False
        self._timer = QTimer(self)
        self._timer.setInterval(PERIOD)
        self._timer.timeout.connect(self.save)
        #: What an earlier process left behind.
        self.left_over: LeftOver | None = None

    def start(self) -> None:
        """Look for what was left behind, and save from now on."""
        if self._folder is not None:
            self._timer.start()
            self._look()

    @Slot()
    def save(self) -> None:
        """Write what would be lost, if it is not written yet; take the file away when there is nothing to lose."""
        if self._folder is None:
            return
        snapshot, kept = self._bench.latest, self._bench.kept
        lost = kept is not None and kept is not self._kept_in_file()
        if snapshot is None or not (self._bench.unsaved or not self._bench.undo_stack.isClean() or lost):
            if self._saved is not None:
                self._saved = None
                self._jobs.submit(partial(_remove, self._path), _ignore, _ignore)
            return
        view = view_of(self._bench, self._window)
        if self._saved is not None and self._saved[0] is snapshot and self._saved[1] == without_time(view):
            return
        self._saved = snapshot, without_time(view)
        self._jobs.submit(
            partial(_write, self._path, self._lock, snapshot, view), self._on_written, self._on_trouble
        )

    def close(self) -> None:
        """The end, as it should be: nothing is left behind. What was not answered is offered again next time."""
        self._timer.stop()
        if self._folder is not None:
            _remove(self._path)
            self._lock.unlock()
        if self.left_over is not None:
            self.left_over.lock.unlock()

    def stop(self) -> None:
        """Write nothing any more."""
        self._timer.stop()

    def discard(self) -> None:
        """What was left behind is not wanted."""
        left = self.take()
        if left is not None:
            self._jobs.submit(left.remove, self._look_on, _ignore)

    def take(self) -> LeftOver | None:
        """What was left behind is wanted: it is shown from now on, and kept until it is written again."""
        taken = self.left_over
        self._offer(None)
        return taken

    def taken_over(self, taken: LeftOver) -> None:
        """What was left behind is on show."""
        self.save()
        self._jobs.submit(taken.remove, self._look_on, _ignore)

    def _look(self) -> None:
        if self._folder is not None:
            self._jobs.submit(partial(_find, self._folder), self._offer, self._on_trouble)

    def _look_on(self, _: object) -> None:
        self._look()

    def _offer(self, found: LeftOver | None) -> None:
        if found is not self.left_over:
            self.left_over = found
            self.offered.emit(found)

    def _on_written(self, _: object) -> None:
        self._told = False

    def _on_trouble(self, trouble: Trouble) -> None:
        # A disk that is full now is full in a minute, too: once is enough.
        self._saved = None
        if not self._told:
            self._told = True
            self._bench.say(f"What is not saved would not survive a crash: {trouble.sentence}", lasting=True)


def _lock_of(path: Path) -> QLockFile:
    """The lock of a file: held as long as its process runs, and known to be stale when that has gone."""
    lock = QLockFile(f"{path}.lock")
    lock.setStaleLockTime(0)
    return lock


def _write(path: Path, lock: QLockFile, snapshot: Snapshot, view: View) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error
    # First the lock: a file without one has been left behind.
    if lock.isLocked() or lock.tryLock(0):
        few = dataclasses.replace(snapshot, checkpoints=thinned(snapshot.checkpoints, MOST_BYTES))
        save_session(path, few, view)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _find(folder: Path) -> LeftOver | None:
    """The newest file whose process has gone, and its lock; one that cannot be read is taken away."""
    files: list[tuple[float, Path]] = []
    with contextlib.suppress(OSError):
        files = sorted(((path.stat().st_mtime, path) for path in folder.glob(f"*{SUFFIX}")), reverse=True)
    for when, path in files:
        lock = _lock_of(path)
        if not lock.tryLock(0):
            continue
        try:
            snapshot, view = load_session(path)
        except ModelFileError:
            view = None
        if view is not None:
            return LeftOver(snapshot, view, datetime.fromtimestamp(when), path, lock)
        _remove(path)
        lock.unlock()
    return None


def _ignore(_: object) -> None:
    """Nothing follows."""
