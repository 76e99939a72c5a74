"""Studies whose answers are known.

A field z' = A z + b is built exactly from one relu layer, as relu(z) - relu(-z) = z.
"""

from typing import Any

import numpy as np
import torch

from odeviz.analysis import SolverChoice, Study
from odeviz.analysis.results import Extent
from odeviz.models import CNF, ODENet
from odeviz.tasks.experiment import DataConfig, Experiment
from odeviz.tasks.learning import build_model

TIGHT = SolverChoice("dopri5", 1e-6, 1e-6)
ROTATION = np.array([[0.0, -2.0], [2.0, 0.0]])
SADDLE = np.array([[0.7, 0.4], [-0.2, -0.3]])
SQUARE = Extent(-6.0, 6.0, -6.0, 6.0)


def linear_model(model: Any, A: np.ndarray, b: tuple[float, ...] | None = None) -> Any:
    """Give a model with one relu layer of ``2 * dim`` units the field z' = A z + b."""
    dim = len(A)
    eye, matrix = torch.eye(dim), torch.tensor(A, dtype=torch.float32)
    inner, outer = model.field.layers
    with torch.no_grad():
        inner.weight.copy_(torch.cat([eye, -eye]))
        inner.bias.zero_()
        outer.weight.copy_(torch.cat([matrix, -matrix], dim=1))
        outer.bias.copy_(torch.tensor(b if b is not None else (0.0,) * dim))
    return model


def flow_study(A: np.ndarray, b: tuple[float, float] = (0.0, 0.0), t1: float = 1.0) -> Study:
    model = CNF(2, (4,), activation="relu", time="none", t1=t1, learn_t1=False)
    return Study.of(linear_model(model, A, b), Experiment(task="density"), iteration=7)


def classifier_study(A: np.ndarray, readout: np.ndarray, extra_dims: int = 0) -> Study:
    dim = 2 + extra_dims
    model = ODENet(2, len(readout), (2 * dim,), activation="relu", time="none", extra_dims=extra_dims)
    with torch.no_grad():
        model.readout.weight.copy_(torch.tensor(readout, dtype=torch.float32))
        model.readout.bias.zero_()
    return Study.of(linear_model(model, A), Experiment(task="classification"))


class Cubic(torch.nn.Module):
    """z' = -z³ in each dimension: backwards from t, what lies beyond 1/sqrt(2 t) has come from nowhere."""

    dim = 2

    def __init__(self) -> None:
        super().__init__()
        self.rate = torch.nn.Parameter(torch.ones(()))

    def forward(self, t: Any, z: torch.Tensor) -> torch.Tensor:
        return -self.rate * z**3

    def with_divergence(self, t: Any, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self(t, z), (-3.0 * self.rate * z**2).sum(1)


def trained_study(task: str = "density", **more: Any) -> Study:
    """A curved field: the first weights of the default model, made stronger."""
    data = DataConfig(name="moons")
    experiment = Experiment(task=task, data=data, **more)
    model = build_model(experiment)
    with torch.no_grad():
        for parameter in model.field.parameters():
            parameter.mul_(1.6)
    return Study.of(model, experiment)


def ring(count: int = 16) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


NO_LABELS = np.full(16, -1)
