"""Files and figures off the GUI thread: callables run on one worker, their outcome comes back."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from odeviz.training.trouble import Trouble


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[Trouble], None]


@dataclass(frozen=True, slots=True)
class _Outcome:
    job: _Job
    value: Any = None
    trouble: Trouble | None = None


class JobRunner(QObject):
    """Runs jobs one after another on a thread that starts with the first.

    With ``synchronous=True`` a job runs where it is submitted.
    """

    #: The number of jobs not yet delivered has become non-zero or zero.
    busy_changed = Signal(bool)

    _finished = Signal(object)

    def __init__(self, *, synchronous: bool = False, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._synchronous = synchronous
        self._waiting = 0
        self._closed = False
        kind = Qt.ConnectionType.DirectConnection if synchronous else Qt.ConnectionType.QueuedConnection
        self._finished.connect(self._deliver, kind)

    def submit(
        self, work: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[Trouble], None]
    ) -> None:
        """Run ``work()`` on the worker; then ``done(value)`` or ``failed(trouble)`` on the GUI thread."""
        if self._closed:
            return
        self._waiting += 1
        if self._waiting == 1:
            self.busy_changed.emit(True)
        job = _Job(work, done, failed)
        if self._synchronous:
            self._work(job)
            return
        self._jobs.put(job)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="files", daemon=True)
            self._thread.start()

    def shutdown(self, timeout: float = 2.0) -> bool:
        """Finish the jobs under way (a file being saved is saved); True if the thread ended within the bound."""
        self._closed = True
        if self._thread is None:
            return True
        self._jobs.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._work(job)
            # What it worked with is not held until the next one comes.
            del job

    def _work(self, job: _Job) -> None:
        try:
            outcome = _Outcome(job, value=job.work())
        except Exception as error:
            outcome = _Outcome(job, trouble=Trouble.of(error))
        self._finished.emit(outcome)

    @Slot(object)
    def _deliver(self, outcome: _Outcome) -> None:
        self._waiting -= 1
        if self._waiting == 0:
            self.busy_changed.emit(False)
        if self._closed:
            return
        if outcome.trouble is not None:
            outcome.job.failed(outcome.trouble)
        else:
            outcome.job.done(outcome.value)
