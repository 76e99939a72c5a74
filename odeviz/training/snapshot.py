"""Snapshot and history: frozen, picklable copies of what training has reached. No torch, no Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from odeviz.tasks.experiment import Experiment


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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What training has reached. Immutable; crosses threads and processes freely; the latest wins."""

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
