"""The training loop: commands in, reports and snapshots out. It runs in a thread or in a process of its own. No Qt.

Whatever goes in or comes out is frozen and can be pickled.
"""

from __future__ import annotations

import enum
import queue
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from odeviz.tasks.experiment import Experiment
from odeviz.training.engine import load_engine
from odeviz.training.snapshot import Snapshot
from odeviz.training.trouble import Trouble

#: Snapshots a second: enough for the eye, few enough for training not to notice.
SNAPSHOT_RATE = 20.0
#: Seconds without a word after which what a session has left behind is cleared up.
TIDY_AFTER = 0.5


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


@dataclass(frozen=True, slots=True)
class Command:
    """A method of :class:`TrainingLoop` to call between two steps, with what."""

    name: str
    arguments: tuple[Any, ...] = ()


class Outlet(Protocol):
    """Where snapshots are left: ``put`` replaces one that nobody has taken."""

    def put(self, item: Snapshot, /) -> None: ...
    def take(self) -> Snapshot | None: ...


def make_session(
    experiment: Experiment, snapshot: Snapshot | None, data: Mapping[str, Any]
) -> TrainingSession:
    """A real session. The first one imports torch: where the loop runs."""
    load_engine(optimizer=True)
    from odeviz.training.session import Session

    return Session(experiment, snapshot, data)


class TrainingLoop:
    """Obeys commands and makes steps; ``report`` is called from the thread that runs it."""

    def __init__(
        self, session_factory: SessionFactory, mailbox: Outlet, report: Callable[[Report], None]
    ) -> None:
        self._make_session = session_factory
        self._mailbox = mailbox
        self._report = report
        self._commands: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._session: TrainingSession | None = None
        self._phase = Phase.IDLE
        self._published = 0.0
        self._stopped = False
        #: The most iterations a second, and when the next is due.
        self._pace: float | None = None
        self._due = 0.0
        #: When the litter of a session that is gone is to be cleared up.
        self._tidy_at: float | None = None

    def post(self, command: Command | None) -> None:
        """Queue a command; None ends the loop. Any thread may call this."""
        self._commands.put(command)

    def run(self) -> None:
        """Obey commands and train until told to end."""
        while not self._stopped:
            now = time.monotonic()
            self.obey(wait=self.rest(now) if self._phase is Phase.TRAINING else self._untidy(now))
            now = time.monotonic()
            if self._stopped:
                return
            if self._phase is Phase.TRAINING:
                # A command has cut the rest short, or the step is due.
                if self.rest(now) <= 0.0:
                    self._step()
            elif self._untidy(now) == 0.0:
                self._tidy_at = None
                self.tidy()

    def tidy(self) -> None:
        """Called when a session is gone and nothing is to be done: a loop with a process to itself clears up."""

    def _untidy(self, now: float) -> float | None:
        """Seconds from ``now`` until it is time to clear up; None if there is nothing to."""
        return None if self._tidy_at is None else max(0.0, self._tidy_at - now)

    def _let_go(self) -> None:
        """Forget the session."""
        if self._session is not None:
            self._session = None
            self._tidy_at = time.monotonic() + TIDY_AFTER

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
                getattr(self, command.name)(*command.arguments)
            except Exception as error:
                self._tell(Phase.TROUBLE, Trouble.of(error, "The training engine"))

    def warm_up(self) -> None:
        """Import what training needs, so that the first start does not wait for it."""
        load_engine(optimizer=True)

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
        self._let_go()
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
        self._let_go()
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
