"""Training as the window shows it: what the buttons do, what the trainer reports, hot settings, speed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from odeviz.app.main_window import MainWindow
from odeviz.bridge import Device, Phase, Trainer, Trouble
from odeviz.panels.panel import Later, at_once
from odeviz.state import TrainingStatus, Workbench
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.own_data import OWN
from odeviz.tasks.registry import task_of
from odeviz.tasks.settings import find
from odeviz.training.snapshot import Snapshot


class RunControl(QObject):
    """Joins workbench, trainer, form and status bar."""

    #: An exception stopped training: a :class:`Trouble` with details.
    crashed = Signal(object)
    #: Training shall go faster or slower.
    pace_changed = Signal()

    def __init__(
        self, bench: Workbench, trainer: Trainer, window: MainWindow, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.bench, self.trainer, self.window = bench, trainer, window
        #: The most iterations a second; None: as many as there is time for.
        self.pace: float | None = None
        #: Whether the model on show has a solver, whether its state jumps, and which experiment says so.
        self.solves, self.jumps = True, False
        self._judged: Experiment | None = None
        self._speed_from: tuple[float, int] | None = None
        #: Why the last run ended.
        self._verdict = ""
        #: Puts off what an opening need not draw at once.
        self.later: Later = at_once
        #: Calls what throws a run away, perhaps after a question.
        self.may_start: Callable[[Callable[[], object]], object] = _at_once
        bench.experiment_changed.connect(self.show_experiment)
        bench.running_changed.connect(self.show_experiment)
        bench.latest_changed.connect(self._on_snapshot)
        bench.snapshot_changed.connect(self._on_shown)
        bench.training_changed.connect(self._on_training)
        trainer.phase_changed.connect(self._on_phase)
        trainer.running_changed.connect(bench.set_running)
        trainer.troubled.connect(self._on_trouble)
        trainer.device_changed.connect(self._on_device)
        trainer.ended.connect(self._on_ended)
        window.form.restart_requested.connect(self.restart)

    # What a person does.

    @Slot()
    def toggle(self) -> None:
        """Pause, go on, or start from scratch: whichever makes sense now."""
        if self.trainer.phase is Phase.TRAINING:
            self.trainer.pause()
        elif self._has_session():
            self.trainer.resume()
        else:
            self._continue()

    @Slot()
    def restart(self) -> None:
        """Train from scratch."""
        self.may_start(self._start)

    def reset(self) -> None:
        """Fresh weights, paused."""
        self.may_start(partial(self._start, paused=True))

    def step_once(self) -> None:
        """One iteration; of a new run if nothing is running."""
        # That the model is not trained yet is true no more.
        self.bench.say("")
        if self.trainer.phase is not Phase.STARTING and not self._has_session():
            self._continue(then_step=True)
        else:
            self.trainer.step()

    def _continue(self, then_step: bool = False) -> None:
        """Train on from the model on show if it is not finished, else from scratch; or only make a step."""
        unfinished = self._unfinished()
        begin = partial(self._begin, unfinished, then_step)
        if unfinished is not None:
            begin()
        else:
            self.may_start(begin)

    def _begin(self, snapshot: Snapshot | None, then_step: bool) -> None:
        self._start(snapshot, paused=then_step)
        if then_step:
            self.trainer.step()

    def set_pace(self, pace: float | None) -> None:
        """Train at most so fast, from now on."""
        self.pace = pace
        self._speed_from = None
        self.trainer.set_pace(pace)
        self.window.show_pace(pace)
        self.pace_changed.emit()

    def _start(self, snapshot: Snapshot | None = None, paused: bool = False) -> None:
        """A session of the edited experiment, with a person's own data if it learns from them."""
        experiment = self.bench.experiment
        data = self.bench.data if experiment.data.name == OWN else {}
        self.trainer.start(experiment, snapshot, data=data, paused=paused)

    def _has_session(self) -> bool:
        """Whether the trainer holds a run of the edited experiment that can go on."""
        phase, running = self.trainer.phase, self.bench.running
        if running is None or not running.is_hot_change(self.bench.experiment):
            return False
        if phase is Phase.FINISHED:
            return self._unfinished() is not None
        return phase in (Phase.PAUSED, Phase.TRAINING, Phase.TROUBLE)

    def _unfinished(self) -> Snapshot | None:
        """The model reached if the edited experiment asks for more iterations of it."""
        latest, edited = self.bench.latest, self.bench.experiment
        if latest is None or latest.iteration >= edited.training.iterations:
            return None
        return latest if latest.experiment.is_hot_change(edited) else None

    # What the trainer reports.

    def take_snapshot(self) -> None:
        """Called on every tick: show what training has reached."""
        snapshot = self.trainer.take_snapshot()
        if snapshot is None:
            return
        self.bench.set_snapshot(snapshot)
        self.bench.set_document(self.bench.path, unsaved=snapshot.iteration > 0)
        now = time.monotonic()
        if self._speed_from is None or snapshot.iteration < self._speed_from[1]:
            self._speed_from = (now, snapshot.iteration)
        elif now - self._speed_from[0] >= 1.0 and self.trainer.phase is Phase.TRAINING:
            then, iteration = self._speed_from
            self.window.status.set_speed((snapshot.iteration - iteration) / (now - then))
            self._speed_from = (now, snapshot.iteration)

    @Slot(object)
    def _on_phase(self, phase: Phase) -> None:
        self._speed_from = None
        self.window.status.set_speed(0.0)
        over = phase is not Phase.FINISHED and self._verdict and self.bench.message == self._verdict
        if phase is Phase.TRAINING or over:
            self.bench.say("")
        if phase is not Phase.TROUBLE:
            self.bench.set_training(TrainingStatus(phase))

    @Slot(str)
    def _on_ended(self, verdict: str) -> None:
        self._verdict = verdict
        self.bench.say(verdict, lasting=True)

    @Slot(object)
    def _on_trouble(self, trouble: Trouble) -> None:
        self.bench.set_training(TrainingStatus(self.trainer.phase, trouble.sentence))
        self.bench.say(trouble.sentence, lasting=True)
        if trouble.unexpected:
            self.crashed.emit(trouble)

    @Slot(object)
    def _on_training(self, status: TrainingStatus) -> None:
        self.window.status.set_phase(status.phase)
        if status.phase is not Phase.STARTING:
            self.window.flow.set_message(status.message)

    @Slot(object)
    def _on_device(self, device: Device) -> None:
        name = device.name.upper() if device.name in ("cpu", "mps") else device.name
        self.window.status.set_device(name, device.reason)

    @Slot()
    def show_experiment(self) -> None:
        """Show the settings in the form, and hand a session those that apply to it at once."""
        bench = self.bench
        live = self.trainer.phase not in (Phase.IDLE, Phase.STARTING)
        self.window.form.set_experiment(bench.experiment, bench.running, live, self.later)
        if live and bench.running is not None:
            hot = hot_part(bench.running, bench.experiment)
            if hot != bench.running:
                self.trainer.apply(hot)

    @Slot(object)
    def _on_snapshot(self, snapshot: Snapshot | None) -> None:
        if snapshot is None:
            return
        self.window.status.set_snapshot(snapshot)

    @Slot(object)
    def _on_shown(self, snapshot: Snapshot | None) -> None:
        """A learnt end time is told beside the one that it began with; and whether anything is solved."""
        if snapshot is not None and snapshot.experiment is not self._judged:
            self._judged = snapshot.experiment
            self.solves = self._judged.applies(find(self._judged, "solver.method"))
            self.jumps = task_of(self._judged).jumps
        log_t1 = None if snapshot is None else snapshot.weights.get("log_t1")
        learnt = "" if log_t1 is None else f"learnt: {math.exp(float(log_t1)):.3f}"
        self.window.form.set_note("solver.t1", learnt)


def _at_once(start: Callable[[], object]) -> object:
    return start()


def hot_part(running: Experiment, edited: Experiment) -> Experiment:
    """The running experiment with those of the edited settings that apply without a restart."""
    if edited.task != running.task:
        return running
    cold = set(running.cold_changes(edited))
    values = edited.values()
    return running.with_settings({path: values[path] for path in running.changed(edited) if path not in cold})
