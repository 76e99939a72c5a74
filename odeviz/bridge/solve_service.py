"""The solver thread: it turns (snapshot, request) into results. The latest request of a kind wins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from odeviz.bridge.requests import BACKGROUND, INTERRUPTING, Request
from odeviz.training.engine import load_engine
from odeviz.training.priority import step_back
from odeviz.training.snapshot import Snapshot
from odeviz.training.trouble import Trouble

StudyFactory = Callable[[Snapshot], Any]
#: What is known of a model without a study: the result, or None.
Recall = Callable[[Snapshot, Request], Any]


def nothing(snapshot: Snapshot, request: Request) -> None:
    """Nothing is known without a study."""


def make_study(snapshot: Snapshot) -> Any:
    """A real study. The first one imports torch: in the solver thread."""
    load_engine("odeviz.analysis.study")
    from odeviz.analysis.study import Study

    return Study(snapshot)


@dataclass(frozen=True, slots=True)
class Answer:
    """A request's outcome: a result, or trouble where an exception stopped it."""

    request: Request
    snapshot: Snapshot
    generation: int
    result: Any = None
    trouble: Trouble | None = None
    #: How long the solver thread worked on it.
    seconds: float = 0.0


@dataclass(slots=True)
class _Job:
    request: Request
    snapshot: Snapshot
    generation: int
    cancel: threading.Event = field(default_factory=threading.Event)
    #: Interrupted for something more urgent: to be taken up again.
    put_back: bool = False


class SolverLoop:
    """The loop of the solver thread, without the thread; ``deliver`` is called from the one that runs it."""

    def __init__(
        self, study_factory: StudyFactory, deliver: Callable[[Answer], None], recall: Recall = nothing
    ) -> None:
        self._make_study, self._recall = study_factory, recall
        self._deliver = deliver
        self._changed = threading.Condition()
        self._waiting: dict[str, _Job] = {}
        self._current: _Job | None = None
        self._study: tuple[Snapshot, Any] | None = None
        self._stopped = False

    def submit(self, job: _Job, patient: bool) -> None:
        """Put a job in its kind's slot; unless ``patient``, the running job of that kind is cancelled."""
        with self._changed:
            self._waiting[job.request.kind] = job
            now = self._current
            if now is not None:
                if now.request.kind == job.request.kind:
                    now.put_back = False
                    if not patient:
                        now.cancel.set()
                elif job.request.urgency <= INTERRUPTING < now.request.urgency or (
                    job.request.urgency < BACKGROUND <= now.request.urgency
                ):
                    now.put_back = True
                    now.cancel.set()
            self._changed.notify()

    def withdraw(self, kind: str | None) -> None:
        """Forget what is asked of a kind, or of all kinds, and cancel what is being solved of it."""
        with self._changed:
            for name in [kind] if kind is not None else list(self._waiting):
                self._waiting.pop(name, None)
            if self._current is not None and kind in (None, self._current.request.kind):
                self._current.put_back = False
                self._current.cancel.set()

    def before(self, kind: str) -> tuple[str, ...] | None:
        """The kinds that are solved before what is asked of a kind; None where nothing of it is asked."""
        with self._changed:
            now, job = self._current, self._waiting.get(kind)
            if job is None:
                return () if now is not None and now.request.kind == kind else None
            ahead = [one for one in self._waiting.values() if one.request.urgency < job.request.urgency]
            ahead.sort(key=lambda one: one.request.urgency)
            return tuple(one.request.kind for one in ([now] if now is not None else []) + ahead)

    def forget(self) -> None:
        """Let go of the model that was asked last; the next request prepares its own anew."""
        self._study = None

    def stop(self) -> None:
        """Cancel everything and end :meth:`run`."""
        self._stopped = True
        self.withdraw(None)
        with self._changed:
            self._changed.notify()

    def run(self) -> None:
        """Solve what is asked until stopped."""
        while not self._stopped:
            with self._changed:
                while not self._waiting and not self._stopped:
                    self._changed.wait()
            self.turn()

    def turn(self) -> bool:
        """Solve the most urgent request; False if there was none."""
        with self._changed:
            if self._stopped or not self._waiting:
                return False
            job = min(self._waiting.values(), key=lambda waiting: waiting.request.urgency)
            del self._waiting[job.request.kind]
            self._current = job
        answer = self._solve(job)
        with self._changed:
            self._current = None
            if job.put_back and answer is None and job.request.kind not in self._waiting:
                self._waiting[job.request.kind] = _Job(job.request, job.snapshot, job.generation)
        if answer is not None:
            self._deliver(answer)
        return True

    def _solve(self, job: _Job) -> Answer | None:
        began = time.perf_counter()
        try:
            result = self._recall(job.snapshot, job.request)
            if result is None:
                result = job.request.answer(self._study_of(job.snapshot), job.cancel)
        except Exception as error:
            trouble = Trouble.of(error, "The solver")
            return Answer(job.request, job.snapshot, job.generation, trouble=trouble)
        if result is None and job.cancel.is_set():
            return None
        seconds = time.perf_counter() - began
        return Answer(job.request, job.snapshot, job.generation, result, seconds=seconds)

    def _study_of(self, snapshot: Snapshot) -> Any:
        known = self._study
        if known is None or known[0] is not snapshot:
            # The one before goes first: there is not always room for two.
            known = self._study = None
            known = self._study = (snapshot, self._make_study(snapshot))
        return known[1]


class SolveService(QObject):
    """Answers requests on a thread of its own: ``ask`` returns at once, ``answered`` comes on the GUI thread.

    Every request has a generation number. A newer request of a kind cancels the older, and an answer older
    than the newest impatient request of its kind is dropped. A *patient* request (one of many while a slider
    is dragged) lets the solve under way finish and be shown, so that the picture follows the hand.
    With ``synchronous=True`` there is no thread: :meth:`ask` answers before it returns. What ``recall`` knows is
    answered without a study.
    """

    #: An :class:`Answer`.
    answered = Signal(object)
    #: Whether anything is asked and not yet answered.
    busy_changed = Signal(bool)

    _arrived = Signal(object)

    def __init__(
        self,
        study_factory: StudyFactory = make_study,
        *,
        synchronous: bool = False,
        recall: Recall = nothing,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._loop = SolverLoop(study_factory, self._arrived.emit, recall)
        self._thread: threading.Thread | None = None
        self._synchronous = synchronous
        self._closed = False
        self._generation = 0
        #: Per kind: answers of an older generation are stale.
        self._floor: dict[str, int] = {}
        #: Per kind: the newest request not yet answered.
        self._open: dict[str, int] = {}
        kind = Qt.ConnectionType.DirectConnection if synchronous else Qt.ConnectionType.QueuedConnection
        self._arrived.connect(self._on_arrived, kind)

    def ask(self, snapshot: Snapshot, request: Request, *, patient: bool = False) -> int:
        """Ask; returns the request's generation number."""
        self._generation += 1
        if self._closed:
            return self._generation
        kind = request.kind
        if not patient:
            self._floor[kind] = self._generation
        was_busy = bool(self._open)
        self._open[kind] = self._generation
        if not was_busy:
            self.busy_changed.emit(True)
        self._loop.submit(_Job(request, snapshot, self._generation), patient)
        if self._synchronous:
            while self._loop.turn():
                pass
        elif self._thread is None:
            self._thread = threading.Thread(target=self._run, name="solver", daemon=True)
            self._thread.start()
        return self._generation

    def withdraw(self, kind: str | None = None) -> None:
        """Take back the requests of a kind, or all: they are cancelled, and their answers will not come."""
        self._loop.withdraw(kind)
        for name in [kind] if kind is not None else list(self._open):
            self._floor[name] = self._generation + 1
            self._settle(name)

    def forget(self) -> None:
        """Nothing more is wanted of the model that was asked last: let go of it."""
        self._loop.forget()

    def is_open(self, kind: str) -> bool:
        """Whether a request of this kind waits for its answer."""
        return kind in self._open

    def before(self, kind: str) -> tuple[str, ...] | None:
        """The kinds that are solved before a request of this one, () where it is being solved; None without one."""
        return self._loop.before(kind)

    @property
    def busy(self) -> bool:
        """Whether any request waits for its answer."""
        return bool(self._open)

    def _run(self) -> None:
        step_back()
        self._loop.run()

    def shutdown(self, timeout: float = 2.0) -> bool:
        """Cancel everything and end the thread; True if it has ended within ``timeout`` seconds."""
        self._closed = True
        self._loop.stop()
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _settle(self, kind: str) -> None:
        if self._open.pop(kind, None) is not None and not self._open:
            self.busy_changed.emit(False)

    @Slot(object)
    def _on_arrived(self, answer: Answer) -> None:
        kind = answer.request.kind
        if self._closed or answer.generation < self._floor.get(kind, 0):
            return
        # An older patient answer must not come after a newer one.
        self._floor[kind] = max(self._floor.get(kind, 0), answer.generation)
        if self._open.get(kind) == answer.generation:
            self._settle(kind)
        self.answered.emit(answer)
