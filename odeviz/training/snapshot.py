"""Snapshot and history: frozen, picklable copies of what training has reached. No torch, no Qt."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from odeviz.tasks.experiment import Experiment
from odeviz.tasks.registry import task_of
from odeviz.training.checkpoints import Checkpoint


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

    def until(self, iteration: int) -> History:
        """The rows up to an iteration."""
        rows = int(np.searchsorted(self.iteration, iteration, side="right"))
        return History(*(getattr(self, name)[:rows] for name in History.__slots__))


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
        known = history.metric[np.isfinite(history.metric)]
        if len(known):
            metrics[task_of(self.experiment).headline.name] = float(known[-1])
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
