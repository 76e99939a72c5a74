"""Snapshot and history: frozen, picklable copies of what training has reached. No torch, no Qt."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from odeviz.tasks.experiment import Experiment
from odeviz.tasks.registry import task_of
from odeviz.tasks.task import Figure
from odeviz.training.checkpoints import Checkpoint

#: A mean loss is taken over the last of so many parts of the iterations made, but over so many iterations at least.
#: So it follows the fall at the beginning, and no later row changes it.
MEAN_PART, _MEAN_LEAST = 20, 5


@dataclass(frozen=True, slots=True)
class Score:
    """How good a model is by its task's first figure."""

    figure: Figure
    value: float
    #: Measured on all there is to measure it on, not at a quick look while training.
    final: bool

    @property
    def name(self) -> str:
        """What it is called wherever it is told."""
        return f"final {self.figure.label}" if self.final else self.figure.label

    @property
    def text(self) -> str:
        """The value as it is shown."""
        return self.figure.text(self.value)


@dataclass(frozen=True, slots=True)
class History:
    """One row per recorded iteration; read-only columns of equal length ``[rows]``.

    The number of rows is bounded: a long run is thinned evenly, so ``iteration`` may skip.
    """

    iteration: NDArray[np.int64]
    seconds: NDArray[np.float64]
    loss: NDArray[np.float64]
    #: Evaluations of the field; NaN for a model that solves nothing.
    nfe_forward: NDArray[np.float64]
    nfe_backward: NDArray[np.float64]
    #: The first of the task's figures; NaN where it was not evaluated.
    metric: NDArray[np.float64]

    @classmethod
    def empty(cls) -> History:
        none = np.empty(0)
        none.setflags(write=False)
        index = np.empty(0, dtype=np.int64)
        index.setflags(write=False)
        return cls(index, none, none, none, none, none)

    def __len__(self) -> int:
        return len(self.iteration)

    @property
    def solves(self) -> bool:
        """Whether any iteration solved anything, so that there are evaluations to tell."""
        return bool(np.isfinite(self.nfe_forward).any())

    def mean_loss(self) -> NDArray[np.float64]:
        """At each row the mean of the latest losses (see :data:`MEAN_PART`), non-finite ones left out."""
        good = np.isfinite(self.loss)
        total = np.r_[0.0, np.cumsum(np.where(good, self.loss, 0.0))]
        count = np.r_[0, np.cumsum(good)]
        first = np.searchsorted(self.iteration, _mean_from(self.iteration), side="right")
        with np.errstate(invalid="ignore", divide="ignore"):
            result: NDArray[np.float64] = (total[1:] - total[first]) / (count[1:] - count[first])
        return result

    def metric_at_end(self) -> float:
        """The first figure at the last quick look; NaN before the first."""
        known = self.metric[np.isfinite(self.metric)]
        return float(known[-1]) if len(known) else math.nan

    def until(self, iteration: int) -> History:
        """The rows up to an iteration."""
        rows = int(np.searchsorted(self.iteration, iteration, side="right"))
        return History(*(getattr(self, name)[:rows] for name in History.__slots__))


def _mean_from(iteration: NDArray[np.int64]) -> NDArray[np.int64]:
    """The last iteration that a mean loss at an iteration leaves out."""
    return iteration - np.maximum(_MEAN_LEAST, iteration // MEAN_PART)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What training has reached. Immutable; crosses threads and processes freely; the latest wins.

    Each is equal to itself only.
    """

    experiment: Experiment
    iteration: int
    #: Seconds spent training (pauses excluded).
    seconds: float
    #: The model's ``state_dict`` as read-only arrays.
    weights: Mapping[str, NDArray[np.generic]]
    history: History = field(default_factory=History.empty)
    #: Latest values by name, for example ``{"loss": ..., "accuracy": ...}``.
    metrics: Mapping[str, float] = field(default_factory=dict)
    #: A person's own data that it was trained on, by name; read-only.
    data: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    #: Why training stopped by itself, one sentence; empty when all is well.
    message: str = ""
    #: Moments of the run to go back to, in order; empty for a model that was read from a file.
    checkpoints: tuple[Checkpoint, ...] = ()

    @property
    def mean_loss(self) -> float:
        """The mean of the latest losses, where its history's :meth:`History.mean_loss` ends; NaN without any."""
        return float(self.history.mean_loss()[-1]) if len(self.history) else math.nan

    @property
    def score(self) -> Score | None:
        """The task's first figure, where it is known."""
        figure = task_of(self.experiment).headline
        value, quick = self.metrics.get(figure.name, math.nan), self.history.metric_at_end()
        return Score(figure, value, math.isfinite(quick) and quick != value) if math.isfinite(value) else None

    @property
    def moments(self) -> tuple[int, ...]:
        """The iterations that can be looked at: those of the checkpoints, and its own."""
        return (
            *(kept.iteration for kept in self.checkpoints if kept.iteration < self.iteration),
            self.iteration,
        )

    def nearest(self, iteration: float) -> Snapshot:
        """The model at that of its :attr:`moments` which is nearest to an iteration."""
        wanted = min(self.moments, key=lambda moment: abs(moment - iteration))
        return next(
            (self.at(kept) for kept in self.checkpoints if kept.iteration == wanted != self.iteration), self
        )

    def at(self, checkpoint: Checkpoint) -> Snapshot:
        """The model as it was at one of the checkpoints, with the history until then."""
        history = self.history.until(checkpoint.iteration)
        metrics = {"loss": float(history.loss[-1])} if len(history) else {}
        if math.isfinite(quick := history.metric_at_end()):
            metrics[task_of(self.experiment).headline.name] = quick
        earlier = tuple(kept for kept in self.checkpoints if kept.iteration <= checkpoint.iteration)
        return dataclasses.replace(
            self,
            iteration=checkpoint.iteration,
            seconds=checkpoint.seconds,
            weights=checkpoint.weights,
            history=history,
            metrics=metrics,
            message="",
            checkpoints=earlier,
        )
