"""The trainer thread: it loops ``session.step()`` and leaves snapshots in a mailbox."""

from __future__ import annotations

import enum
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol

from PySide6.QtCore import QObject, Qt, Signal, Slot

from odeviz.bridge.engine import load_engine
from odeviz.bridge.mailbox import Mailbox
from odeviz.bridge.trouble import Trouble
from odeviz.tasks.experiment import Experiment
from odeviz.training.snapshot import Snapshot

#: Snapshots a second: enough for the eye, few enough for training not to notice.
SNAPSHOT_RATE = 20.0


class Phase(enum.StrEnum):
    """What the trainer is doing."""

    IDLE = "idle"
    STARTING = "starting"
    TRAINING = "training"
    PAUSED = "paused"
    FINISHED = "finished"
    TROUBLE = "trouble"


class TrainingSession(Protocol):
    """The part of :class:`odeviz.training.session.Session` the trainer uses."""

    @property
    def finished(self) -> bool: ...
    @property
    def ended(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def runtime(self) -> Any: ...
    def step(self) -> bool: ...
    def go_on(self) -> None: ...
    def snapshot(self) -> Snapshot: ...
    def apply(self, experiment: Experiment) -> None: ...


SessionFactory = Callable[[Experiment, Snapshot | None, Mapping[str, Any]], TrainingSession]


@dataclass(frozen=True, slots=True)
class Device:
    """Where a session computes, and one sentence why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What the loop tells the window: its phase, the session's experiment, and what went wrong."""

    phase: Phase
    experiment: Experiment | None = None
    trouble: Trouble | None = None
    device: Device | None = None
    #: Why the run is over.
    ended: str = ""


def make_session(
    experiment: Experiment, snapshot: Snapshot | None, data: Mapping[str, Any]
) -> TrainingSession:
    """A real session. The first one imports torch: in the trainer thread."""
    load_engine(optimizer=True)
    from odeviz.training.session import Session

    return Session(experiment, snapshot, data)


class TrainingLoop:
    """The loop of the trainer thread, without the thread: commands in, reports and snapshots out.

    ``report`` is called from the thread that runs the loop.
    """

    def __init__(
        self, session_factory: SessionFactory, mailbox: Mailbox[Snapshot], report: Callable[[Report], None]
    ) -> None:
        self._make_session = session_factory
        self._mailbox = mailbox
        self._report = report
        self._commands: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._session: TrainingSession | None = None
        self._phase = Phase.IDLE
        self._published = 0.0
        self._stopped = False
        #: The most iterations a second, and when the next is due.
        self._pace: float | None = None
        self._due = 0.0

    def post(self, command: Callable[[], None] | None) -> None:
        """Queue a command (a bound method of the loop); None ends the loop. Any thread may call this."""
        self._commands.put(command)

    def run(self) -> None:
        """Obey commands and train until told to end."""
        while not self._stopped:
            self.obey(wait=self.rest(time.monotonic()) if self._phase is Phase.TRAINING else None)
            # A command has cut the rest short, or the step is due.
            if self._phase is Phase.TRAINING and not self._stopped and self.rest(time.monotonic()) <= 0.0:
                self._step()

    def turn(self) -> None:
        """Obey what is queued, then make one step if training, at whatever pace."""
        self.obey()
        if self._phase is Phase.TRAINING and not self._stopped:
            self._step()

    def rest(self, now: float) -> float:
        """Seconds from ``now`` until the pace allows the next step; 0 when it is due."""
        return 0.0 if self._pace is None else min(max(self._due - now, 0.0), 1.0 / self._pace)

    def obey(self, wait: float | None = 0.0) -> None:
        """Obey what is queued; first wait up to so many seconds for a command, None for as long as it takes."""
        while not self._stopped:
            try:
                command = self._commands.get(block=wait != 0.0, timeout=wait)
            except queue.Empty:
                return
            wait = 0.0
            if command is None:
                self._stopped = True
                return
            try:
                command()
            except Exception as error:
                self._tell(Phase.TROUBLE, Trouble.of(error, "The training engine"))

    def start(
        self, experiment: Experiment, snapshot: Snapshot | None, data: Mapping[str, Any], paused: bool
    ) -> None:
        """A new session; if it cannot be made, the one before stays, paused."""
        self._tell(Phase.STARTING)
        try:
            session = self._make_session(experiment, snapshot, data)
            first = session.snapshot()
        except Exception as error:
            self._tell(Phase.TROUBLE, Trouble.of(error, "Training could not start"))
            return
        self._session = session
        self._mailbox.put(first)
        device = Device(str(session.runtime.device), session.runtime.reason)
        self._tell(Phase.PAUSED if paused else Phase.TRAINING, experiment=experiment, device=device)

    def pause(self) -> None:
        if self._session is not None and self._phase is Phase.TRAINING:
            self._publish()
            self._tell(Phase.PAUSED)

    def resume(self) -> None:
        if self._session is not None and self._phase is not Phase.TRAINING:
            if self._session.finished:
                self._session.go_on()
            self._tell(Phase.TRAINING)

    def set_pace(self, pace: float | None) -> None:
        """Make at most so many iterations a second; None: as many as there is time for."""
        self._pace = pace
        self._due = 0.0

    def step_once(self) -> None:
        """One iteration, then paused."""
        if self._session is not None:
            self._phase = Phase.PAUSED
            if self._session.finished:
                self._session.go_on()
            self._step()
            if self._phase is Phase.PAUSED:
                self._publish()
                self._tell(Phase.PAUSED)

    def apply(self, experiment: Experiment) -> None:
        """Take over hot settings between two steps."""
        if self._session is None:
            return
        try:
            self._session.apply(experiment)
        except Exception as error:
            self._tell(Phase.TROUBLE, Trouble.of(error, "The settings could not be applied"))
        else:
            self._tell(self._phase, experiment=experiment)

    def drop(self) -> None:
        """Forget the session."""
        self._session = None
        self._mailbox.take()
        self._tell(Phase.IDLE)

    def _step(self) -> None:
        assert self._session is not None
        if self._pace is not None:
            # From when it was due, so that delays do not add up; a long one is not made up for.
            now, gap = time.monotonic(), 1.0 / self._pace
            self._due = (self._due if now - self._due < gap else now) + gap
        try:
            going = self._session.step()
        except Exception as error:
            self._tell(Phase.TROUBLE, Trouble.of(error, "Training stopped"))
            return
        if going:
            if time.monotonic() - self._published >= 1.0 / SNAPSHOT_RATE:
                self._publish()
            return
        self._publish()
        if self._session.finished:
            self._tell(Phase.FINISHED, ended=self._session.ended)
        else:
            self._tell(Phase.TROUBLE, Trouble(self._session.message or "Training stopped."))

    def _publish(self) -> None:
        if self._session is not None:
            self._mailbox.put(self._session.snapshot())
            self._published = time.monotonic()

    def _tell(
        self,
        phase: Phase,
        trouble: Trouble | None = None,
        experiment: Experiment | None = None,
        device: Device | None = None,
        ended: str = "",
    ) -> None:
        self._phase = phase
        self._report(Report(phase, experiment, trouble, device, ended))


class Trainer(QObject):
    """Trains on a thread of its own. Every method returns at once; signals arrive on the GUI thread.

    The latest snapshot waits in a one-slot mailbox: :meth:`take_snapshot`.
    With ``synchronous=True`` there is no thread: commands are obeyed at once, :meth:`advance` makes steps.
    """

    #: The new :class:`Phase`.
    phase_changed = Signal(object)
    #: The experiment a session has started with or taken over.
    running_changed = Signal(object)
    #: A :class:`Trouble`; training has paused and the last good snapshot stays.
    troubled = Signal(object)
    #: The :class:`Device` a new session has taken.
    device_changed = Signal(object)
    #: The run is over: one sentence says why.
    ended = Signal(str)

    _reported = Signal(object)

    def __init__(
        self,
        session_factory: SessionFactory = make_session,
        *,
        synchronous: bool = False,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._mailbox: Mailbox[Snapshot] = Mailbox()
        self._loop = TrainingLoop(session_factory, self._mailbox, self._reported.emit)
        self._thread: threading.Thread | None = None
        self._synchronous = synchronous
        self._closed = False
        self._dropping = 0
        self.phase = Phase.IDLE
        kind = Qt.ConnectionType.DirectConnection if synchronous else Qt.ConnectionType.QueuedConnection
        self._reported.connect(self._on_report, kind)

    def start(
        self,
        experiment: Experiment,
        snapshot: Snapshot | None = None,
        *,
        data: Mapping[str, Any] = MappingProxyType({}),
        paused: bool = False,
    ) -> None:
        """Train ``experiment`` from scratch, or on from ``snapshot``; with ``paused``, only get ready.

        ``data`` is a person's own, where the experiment learns from it.
        """
        if not self._closed:
            # At once, so that a second click does not start a second session.
            self._set_phase(Phase.STARTING)
        self._send(partial(self._loop.start, experiment, snapshot, data, paused))

    def pause(self) -> None:
        """Stop after the step being made."""
        self._send(self._loop.pause)

    def resume(self) -> None:
        """Go on."""
        self._send(self._loop.resume)

    def step(self) -> None:
        """One iteration, then paused."""
        self._send(self._loop.step_once)

    def set_pace(self, pace: float | None) -> None:
        """Make at most so many iterations a second; None: as many as there is time for."""
        self._send(partial(self._loop.set_pace, pace))

    def apply(self, experiment: Experiment) -> None:
        """Hand hot settings to the running session; it takes them over between two steps."""
        self._send(partial(self._loop.apply, experiment))

    def drop(self) -> None:
        """Forget the session and its snapshots still under way: the window shows something else now."""
        if self._closed:
            return
        self._dropping += 1
        self._set_phase(Phase.IDLE)
        self._send(self._loop.drop)

    def take_snapshot(self) -> Snapshot | None:
        """The latest snapshot, once."""
        return None if self._dropping else self._mailbox.take()

    def advance(self, steps: int = 1) -> None:
        """In synchronous mode: make up to this many steps now."""
        for _ in range(steps):
            self._loop.turn()

    def warm_up(self) -> None:
        """Import what training needs, so that the first click on Train does not wait for it."""
        if not self._synchronous:
            self._send(partial(load_engine, optimizer=True))

    def shutdown(self, timeout: float = 2.0) -> bool:
        """End the thread; True if it has ended within ``timeout`` seconds. Later commands are ignored."""
        self._closed = True
        if self._thread is None:
            return True
        self._loop.post(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _send(self, command: Callable[[], Any]) -> None:
        if self._closed:
            return
        self._loop.post(command)
        if self._synchronous:
            self._loop.obey()
        elif self._thread is None:
            # A Python thread and not a QThread: one alive at exit does not abort the process.
            self._thread = threading.Thread(target=self._loop.run, name="trainer", daemon=True)
            self._thread.start()

    @Slot(object)
    def _on_report(self, report: Report) -> None:
        if self._closed:
            return
        if self._dropping:
            # Of a session that is gone: only that it has gone is news.
            self._dropping -= report.phase is Phase.IDLE
            return
        if report.experiment is not None:
            self.running_changed.emit(report.experiment)
        if report.device is not None:
            self.device_changed.emit(report.device)
        self._set_phase(report.phase)
        if report.trouble is not None:
            self.troubled.emit(report.trouble)
        if report.ended:
            self.ended.emit(report.ended)

    def _set_phase(self, phase: Phase) -> None:
        if phase is not self.phase:
            self.phase = phase
            self.phase_changed.emit(phase)
