"""A film that is written while people go on: how far it is stands in the status bar, where it can be cancelled."""

from __future__ import annotations

import threading
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from odeviz.app.export_jobs import Job, write_film
from odeviz.app.status_bar import StatusBar
from odeviz.bridge import JobRunner, Trouble
from odeviz.exporting.apart import Apart
from odeviz.tasks.numerals import thousands


class FilmExport(QObject):
    """One film at a time. With ``apart`` it is made in a process of its own, else whoever began it makes it."""

    #: How far it is: what is being done, how much of it, and of how much.
    reported = Signal(str, int, int)
    #: A film is being written now, or none any more.
    changed = Signal()
    #: The :class:`Job` was written, or (False) cancelled; and what stopped it, as a :class:`Trouble`.
    ended = Signal(object, bool)
    failed = Signal(object, object)

    def __init__(self, bar: StatusBar, apart: Apart | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bar, self.apart = bar, apart
        self._writer = JobRunner(parent=self)
        self.job: Job | None = None
        self.cancelled = threading.Event()
        self.reported.connect(self._on_reported)

    def begin(self, job: Job) -> None:
        """This film is under way."""
        assert job.path is not None
        self.job, self.cancelled = job, threading.Event()
        self._bar.set_going(f"{job.path.name}: beginning…", 0.0)
        self.changed.emit()
        if self.apart is not None:
            work = partial(write_film, job, self.apart, self.reported.emit, self.cancelled)
            self._writer.submit(work, self.end, self.fail)

    def cancel(self) -> None:
        """The film is not wanted any more."""
        if self.job is not None and self.job.path is not None:
            self.cancelled.set()
            self._bar.set_going(f"{self.job.path.name}: cancelling…", None)

    @Slot(bool)
    def end(self, whole: bool) -> None:
        """It is written, or was cancelled."""
        job = self._finish()
        if job is not None:
            self.ended.emit(job, whole)

    def fail(self, trouble: Trouble) -> None:
        """It cannot be written."""
        job = self._finish()
        if job is not None:
            self.failed.emit(job, trouble)

    def shutdown(self, timeout: float) -> bool:
        """Give up what is under way; True if its thread has ended within the bound."""
        self.cancelled.set()
        if self.apart is not None:
            self.apart.close()
        return self._writer.shutdown(timeout)

    def _finish(self) -> Job | None:
        job, self.job = self.job, None
        self._bar.set_going("", None)
        self.changed.emit()
        return job

    @Slot(str, int, int)
    def _on_reported(self, doing: str, done: int, of: int) -> None:
        if self.job is None or self.job.path is None or self.cancelled.is_set() or not of:
            return
        # To compute the pictures and to draw them takes about as long.
        share = done / of / 2 + (0.5 if doing == "Drawing" else 0.0)
        self._bar.set_going(
            f"{self.job.path.name}: {doing.lower()} {thousands(done)} of {thousands(of)}", share
        )
