"""The trainer: it loops ``session.step()``, in a thread or a process, and leaves snapshots in a mailbox."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from odeviz.bridge.mailbox import Mailbox
from odeviz.bridge.training_process import Loss, TrainingProcess, is_wanted
from odeviz.tasks.experiment import Experiment
from odeviz.training.child import why_not
from odeviz.training.loop import Command, Phase, Report, SessionFactory, TrainingLoop, make_session
from odeviz.training.snapshot import Snapshot
from odeviz.training.trouble import Trouble

log = logging.getLogger(__name__)


#: Iterations a second while something else is under a hand.
HELD_PACE = 4.0


class Trainer(QObject):
    """Trains on a thread of its own. Every method returns at once; signals arrive on the GUI thread.

    The latest snapshot waits in a one-slot mailbox: :meth:`take_snapshot`.
    With ``process=True`` it trains in a process of its own, which keeps its whole speed while the window paints;
    where none can be started, in the thread after all, and the log says why.
    With ``synchronous=True`` there is neither: commands are obeyed at once, :meth:`advance` makes steps.
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
    _lost = Signal(object)

    def __init__(
        self,
        session_factory: SessionFactory = make_session,
        *,
        synchronous: bool = False,
        process: bool = False,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._mailbox: Mailbox[Snapshot] = Mailbox()
        self._session_factory = session_factory
        self._loop = TrainingLoop(session_factory, self._mailbox, self._reported.emit)
        self._thread: threading.Thread | None = None
        self._process: TrainingProcess | None = None
        #: Whether it trains in a process of its own, which nothing here can slow down.
        self.apart = process and is_wanted()
        self._pace: float | None = None
        self._held = False
        self._synchronous = synchronous
        self._closed = False
        self._dropping = 0
        self.phase = Phase.IDLE
        kind = Qt.ConnectionType.DirectConnection if synchronous else Qt.ConnectionType.QueuedConnection
        self._reported.connect(self._on_report, kind)
        self._lost.connect(self._on_lost, Qt.ConnectionType.QueuedConnection)

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
        self._send("start", experiment, snapshot, dict(data), paused)

    def pause(self) -> None:
        """Stop after the step being made."""
        self._send("pause")

    def resume(self) -> None:
        """Go on."""
        self._send("resume")

    def step(self) -> None:
        """One iteration, then paused."""
        self._send("step_once")

    def set_pace(self, pace: float | None) -> None:
        """Make at most so many iterations a second; None: as many as there is time for."""
        self._pace = pace
        self._tell_pace()

    def hold(self, held: bool) -> None:
        """Train hardly at all while something else is ``held`` by a hand and needs the processor, else at its pace."""
        if held != self._held:
            self._held = held
            self._tell_pace()

    def _tell_pace(self) -> None:
        if not self._unborn:
            self._send("set_pace", self._present_pace)

    @property
    def _present_pace(self) -> float | None:
        return self._pace if not self._held else min(HELD_PACE, self._pace or HELD_PACE)

    def apply(self, experiment: Experiment) -> None:
        """Hand hot settings to the running session; it takes them over between two steps."""
        self._send("apply", experiment)

    def drop(self) -> None:
        """Forget the session and its snapshots still under way: the window shows something else now."""
        if self._closed:
            return
        self._set_phase(Phase.IDLE)
        if not self._unborn:
            self._dropping += 1
            self._send("drop")

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
            self._send("warm_up")

    @property
    def pid(self) -> int | None:
        """The number of the process that trains, if there is one."""
        return None if self._process is None else self._process.pid

    def shutdown(self, timeout: float = 2.0) -> bool:
        """End thread and process; True if they have ended within ``timeout`` seconds. Later commands are ignored."""
        self._closed = True
        if self._process is not None:
            return self._process.shutdown(timeout)
        if self._thread is None:
            return True
        self._loop.post(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def _unborn(self) -> bool:
        """Whether nothing has been asked yet that needs thread or process."""
        return not self._synchronous and self._process is None and self._thread is None

    def _send(self, name: str, *arguments: Any) -> None:
        if self._closed:
            return
        command = Command(name, arguments)
        if self._synchronous:
            self._loop.post(command)
            self._loop.obey()
            return
        begins = self._unborn
        if begins and self.apart:
            self._begin_process()
        if begins and self._present_pace is not None:
            self._deliver(Command("set_pace", (self._present_pace,)))
        self._deliver(command)

    def _deliver(self, command: Command) -> None:
        if self._process is not None:
            self._process.post(command)
            return
        self._loop.post(command)
        if self._thread is None:
            # A Python thread and not a QThread: one alive at exit does not abort the process.
            self._thread = threading.Thread(target=self._loop.run, name="trainer", daemon=True)
            self._thread.start()

    def _begin_process(self) -> None:
        obstacle = why_not()
        if obstacle:
            self._stay_here(obstacle)
        else:
            self._process = TrainingProcess(
                self._session_factory, self._mailbox, self._reported.emit, self._lost.emit
            )

    def _stay_here(self, why: str) -> None:
        log.warning("Training stays in the window's process: %s.", why)
        self.apart = False

    @Slot(object)
    def _on_lost(self, loss: Loss) -> None:
        """The process has ended by itself: killed, or crashed in native code, or it never came up."""
        if self._closed or loss.process is not self._process:
            return
        unheard = loss.process.unheard
        loss.process.shutdown(1.0)
        self._process = None
        if unheard is not None:
            self._stay_here(f"no process could be started ({loss.how})")
            for command in unheard:
                self._deliver(command)
            return
        log.warning("The process that trains has ended: %s.", loss.how)
        self._dropping = 0
        had_session = self.phase is not Phase.IDLE
        self._set_phase(Phase.IDLE)
        if had_session:
            self.troubled.emit(
                Trouble(
                    f"Training was cut off: its process has ended ({loss.how}). "
                    "The last good model is kept; Train goes on from it."
                )
            )

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
