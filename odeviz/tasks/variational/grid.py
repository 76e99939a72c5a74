"""The shipped models of the grid: continuous and planar flows of 2, 8 and 32 units for each potential. Imports torch.

``resources/fit_grid.py`` makes the file they are in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from odeviz.models import DensityModel
from odeviz.tasks.learning import build_model
from odeviz.tasks.variational.presets import experiment_of

FILE = Path(__file__).with_name("grid.npz")
KINDS = ("planar-cnf", "planar-nf")
UNITS = (2, 8, 32)
_LABELS = {"planar-cnf": "CNF, M = {}", "planar-nf": "NF, K = {}"}


@dataclass(frozen=True, slots=True)
class Fit:
    """A trained model with its KL(q‖p) and the standard error, in nats."""

    label: str
    model: DensityModel
    kl: float
    se: float


def prefix(potential: str, kind: str, units: int) -> str:
    """Where a model's entries are in the file."""
    return f"{potential}/{kind}/{units}/"


@cache
def _arrays() -> dict[str, NDArray[np.generic]]:
    with np.load(FILE, allow_pickle=False) as file:
        return dict(file)


@cache
def fitted(potential: str, kind: str, units: int) -> Fit:
    """A model of the grid; its parameters are shared by all callers."""
    start = prefix(potential, kind, units)
    state = {name.removeprefix(start): array for name, array in _arrays().items() if name.startswith(start)}
    kl, se = (float(state.pop(name)) for name in ("kl", "kl_se"))
    model = build_model(experiment_of(potential, kind, units))
    model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in state.items()})
    assert isinstance(model, DensityModel)
    return Fit(_LABELS[kind].format(units), model.eval().requires_grad_(False), kl, se)
