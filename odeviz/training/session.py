"""The session: a run of an experiment, one iteration at a time. Plain Python and torch, no Qt."""

from __future__ import annotations

import copy
import dataclasses
import math
import time
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn.utils import get_total_norm

from odeviz.engine import Solution
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.learning import NO_DATA, Data, build_model, solver_options, task_for
from odeviz.tasks.numerals import thousands
from odeviz.tasks.registry import TASKS
from odeviz.training import runtime
from odeviz.training.checkpoints import Keeper
from odeviz.training.recorder import Recorder
from odeviz.training.snapshot import Snapshot
from odeviz.training.stopping import StopRules
from odeviz.training.weights import copy_weights, load_weights

#: Iterations between two quick looks at held-out points: a power of two, so that thinning keeps them.
_METRIC_EVERY = 32
_BATCH_STREAM = 103


class Session:
    """A run of an experiment.

    ::

        session = Session(experiment)
        while session.step():
            ...
        print(session.evaluate(), session.message)

    Deterministic for a seed: on the CPU, losses repeat bit for bit, and a run that is interrupted and taken up
    again through ``state_dict`` equals one that was not. With a ``snapshot`` it goes on from those weights, that
    iteration and that history, with a fresh optimiser.

    A stop rule of the settings may end it before its iterations are done: ``ended`` says why, ``go_on`` overrules.

    Numerical trouble raises nothing: ``step`` returns False, ``message`` says what happened and what to do, and
    the model keeps the last weights whose loss was finite. A hot change of the settings clears the message.

    Raises ``ValueError`` in one sentence when the device is not there or the snapshot's weights do not fit.
    """

    def __init__(
        self, experiment: Experiment, snapshot: Snapshot | None = None, data: Data = NO_DATA
    ) -> None:
        self.data = dict(data if snapshot is None else snapshot.data)
        self.runtime = runtime.choose(experiment.device)
        self.experiment = experiment
        self.iteration = 0 if snapshot is None else snapshot.iteration
        self.seconds = 0.0 if snapshot is None else snapshot.seconds
        self.message = ""
        #: Latest values by name.
        self.metrics: dict[str, float] = {} if snapshot is None else dict(snapshot.metrics)
        # First: it says what is wrong with the data, which the model's shape may depend on.
        self.task = task_for(experiment, self.runtime.device, self.data)
        model = build_model(experiment, self.data)
        if snapshot is not None:
            load_weights(model, snapshot.weights)
        self.model = model.to(self.runtime.device)
        self._recorder = Recorder(history=None if snapshot is None else snapshot.history)
        self._rules = StopRules()
        # A run that goes on may be over already.
        self._ended = self._rules.verdict(experiment.training, self.iteration, self.seconds)
        self._keeper = Keeper(() if snapshot is None else snapshot.checkpoints)
        self._rng = np.random.default_rng([experiment.seed, _BATCH_STREAM, self.iteration])
        self._parameters = list(self.model.parameters())
        # The weights whose loss was last seen to be finite.
        self._good = [p.detach().clone() for p in self._parameters]
        # Adam for weight decay 0. Imported here: torch.optim takes more than a second to load.
        from torch.optim import AdamW

        fused = self.runtime.device.type in ("cpu", "cuda")
        self._optimizer = AdamW(self._parameters, weight_decay=experiment.training.weight_decay, fused=fused)
        self._keep_checkpoint()

    @property
    def ended(self) -> str:
        """Why the run is over, in one sentence; "" while it can go on."""
        total = self.experiment.training.iterations
        if self._ended or self.iteration < total:
            return self._ended
        return f"All {thousands(total)} iterations are done." if total > 1 else "The iteration is done."

    @property
    def finished(self) -> bool:
        """Whether the experiment's iterations are done, or a stop rule has ended the run."""
        return bool(self.ended)

    def step(self, progress: float | None = None) -> bool:
        """Make one iteration; False when none was made: the run is over, or ``message`` says why it stopped.

        ``progress`` in [0, 1] replaces iteration / iterations for the learning-rate schedule, for a run that is
        bounded by time; it is over at 1.
        """
        share = self._progress() if progress is None else progress
        if share >= 1.0 or self.message or self._ended:
            return False
        started = time.perf_counter()
        with runtime.one_thread():
            row = self._iterate(share)
            if row is None:
                return False
            self.iteration += 1
            metric = math.nan
            if self.iteration % max(_METRIC_EVERY, self._recorder.stride) == 0:
                metric = self._quick_metric()
        self.seconds += time.perf_counter() - started
        loss, forward, backward = row
        self.metrics |= {"loss": loss, "nfe_forward": forward, "nfe_backward": backward}
        self._recorder.add((self.iteration, self.seconds, loss, forward, backward, metric))
        self._keep_checkpoint()
        self._rules.see(loss)
        self._ended = self._rules.verdict(self.experiment.training, self.iteration, self.seconds)
        return True

    def _progress(self) -> float:
        return self._rules.progress(self.experiment.training, self.iteration, self.seconds)

    def go_on(self) -> None:
        """Let a run that a stop rule has ended go on; a rule that is still met ends it no more."""
        if self._ended:
            self._rules.overrule()
            self._ended = ""

    def _keep_checkpoint(self) -> None:
        self._keeper.offer(self.iteration, self.seconds, partial(copy_weights, self.model))

    def _iterate(self, share: float) -> tuple[float, float, float] | None:
        """One gradient step: loss and evaluations forwards and backwards; None when it was abandoned."""
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self.experiment, share)
        batch = self.task.batch(self._rng, share)
        self._optimizer.zero_grad()
        loss = self.task.loss(self.model, batch)
        # A baseline without a flow solves nothing.
        solution = self.model.last_solution
        value = loss.item()
        if solution is not None and not solution.ok:
            return self._stop(_clause(solution.message), "another tolerance, method or learning rate")
        if not math.isfinite(value):
            return self._stop(f"the loss became {value}", "a smaller learning rate")
        self._keep_weights()
        torch.autograd.backward(loss)
        if not math.isfinite(get_total_norm([p.grad for p in self._parameters if p.grad is not None]).item()):
            return self._stop(
                "the gradient is not finite", "a smaller learning rate or another gradient mode"
            )
        self._optimizer.step()
        if solution is None:
            return value, math.nan, math.nan
        self._warm_start(solution)
        return value, float(solution.stats.nfe_forward), float(solution.stats.nfe_backward)

    @torch.no_grad()
    def _keep_weights(self) -> None:
        for kept, parameter in zip(self._good, self._parameters, strict=True):
            kept.copy_(parameter)

    def _warm_start(self, solution: Solution) -> None:
        """Begin the next solve with the step that this one found: it saves the search for one."""
        first = solution.stats.first_step
        if first is not None and self.model.solver.adaptive:
            share = first / abs(solution.t[-1] - solution.t[0])
            self.model.solver = dataclasses.replace(self.model.solver, first_step=share)

    @torch.no_grad()
    def _stop(self, what: str, remedy: str) -> None:
        """Take back the last good weights and say why."""
        for kept, parameter in zip(self._good, self._parameters, strict=True):
            parameter.copy_(kept)
        # Moments of a run that diverged would hold back the next attempt.
        self._optimizer.state.clear()
        self.model.solver = solver_options(self.experiment)
        self.message = (
            f"Training stopped at iteration {self.iteration + 1}: {what}. "
            f"The last good weights are kept; try {remedy}, or reset."
        )

    def _quick_metric(self) -> float:
        figures = self.task.metrics(self.model, full=False)
        self.metrics |= figures
        return figures[TASKS[self.experiment.task].headline.name]

    def evaluate(self) -> dict[str, float]:
        """All figures of the task at their full precision, on points that training never saw."""
        warm, self.model.solver = self.model.solver, solver_options(self.experiment)
        try:
            with runtime.one_thread():
                figures = self.task.metrics(self.model, full=True)
        finally:
            self.model.solver = warm
        self.metrics |= figures
        return figures

    def apply(self, experiment: Experiment) -> None:
        """Take over hot settings; the next iteration uses them.

        Raises ``ValueError`` naming the settings that need a restart.
        """
        cold = self.experiment.cold_changes(experiment)
        if cold:
            raise ValueError(f"{', '.join(cold)} cannot change while training; restart to apply")
        self.experiment = experiment
        self.model.solver = solver_options(experiment)
        self.task = task_for(experiment, self.runtime.device, self.data)
        for group in self._optimizer.param_groups:
            group["weight_decay"] = experiment.training.weight_decay
        self.message = ""
        self._rules.renew()
        self._ended = self._rules.verdict(experiment.training, self.iteration, self.seconds)

    def snapshot(self) -> Snapshot:
        """A frozen copy of what training has reached."""
        return Snapshot(
            experiment=self.experiment,
            data=self.data,
            iteration=self.iteration,
            seconds=self.seconds,
            weights=copy_weights(self.model),
            history=self._recorder.history(),
            metrics=dict(self.metrics),
            message=self.message,
            checkpoints=self._keeper.checkpoints,
        )

    def state_dict(self) -> dict[str, Any]:
        """Everything an exact resumption needs, besides the experiment."""
        return copy.deepcopy(
            {
                "iteration": self.iteration,
                "seconds": self.seconds,
                "message": self.message,
                "metrics": self.metrics,
                "model": self.model.state_dict(),
                "good": self._good,
                "optimizer": self._optimizer.state_dict(),
                "batches": self._rng.bit_generator.state,
                "recorder": self._recorder.state_dict(),
                "first_step": self.model.solver.first_step,
                "checkpoints": self._keeper.state_dict(),
                "rules": self._rules.state_dict(),
                "ended": self._ended,
            }
        )

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on exactly where ``state`` was taken, in a session of the same experiment."""
        state = copy.deepcopy(state)
        self.iteration, self.seconds = state["iteration"], state["seconds"]
        self.message, self.metrics = state["message"], state["metrics"]
        self.model.load_state_dict(state["model"])
        self._good = [kept.to(self.runtime.device) for kept in state["good"]]
        self._optimizer.load_state_dict(state["optimizer"])
        self._rng.bit_generator.state = state["batches"]
        self._recorder.load_state_dict(state["recorder"])
        self._keeper.load_state_dict(state["checkpoints"])
        self._rules.load_state_dict(state["rules"])
        self._ended = state["ended"]
        self.model.solver = dataclasses.replace(
            solver_options(self.experiment), first_step=state["first_step"]
        )


def learning_rate(experiment: Experiment, progress: float) -> float:
    """The schedule's learning rate at ``progress`` in [0, 1] of the run."""
    training = experiment.training
    if training.schedule == "cosine":
        return 0.5 * training.lr * (1.0 + math.cos(math.pi * progress))
    return training.lr


def _clause(sentence: str) -> str:
    """A sentence as a part of another one."""
    return sentence[:1].lower() + sentence[1:].rstrip(".")
