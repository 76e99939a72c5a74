"""Small results to draw."""

from typing import Any

import numpy as np
from matplotlib.text import Text

from odeviz.analysis.results import (
    DataResult,
    DecisionResult,
    DensityResult,
    Extent,
    FieldResult,
    FlowResult,
    SolverChoice,
    StepTable,
)
from odeviz.training.snapshot import History

SQUARE = Extent(-4.0, 4.0, -4.0, 4.0)


def gaussian(n: int = 24) -> DensityResult:
    x = np.linspace(-4, 4, 2 * n + 1)[1::2]
    log_density = -0.5 * (x[None] ** 2 + x[:, None] ** 2) - np.log(2 * np.pi)
    return DensityResult(0.7, SQUARE, log_density, float(np.exp(log_density).sum() * (8 / n) ** 2), 10)


def spiral_flow(labelled: bool = True, count: int = 12) -> FlowResult:
    t = np.linspace(0, 1, 21)
    start = np.linspace(0, 2 * np.pi, count, endpoint=False)
    angle = start + 2 * t[:, None]
    paths = (1 + t)[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    labels = np.arange(count) % 2 if labelled else np.full(count, -1)
    return FlowResult(t, paths, labels, steps(), SolverChoice(), 10, 26, 1e-5, 1.0)


def steps(rejected: bool = True) -> StepTable:
    accepted = np.array([True, not rejected, True, True])
    return StepTable(
        np.array([0.0, 0.25, 0.25, 0.5]),
        np.array([0.25, 0.5, 0.25, 0.5]),
        np.array([0.1, 3.0, 0.2, 0.4]),
        accepted,
    )


def rotation_field() -> FieldResult:
    x = np.linspace(-4, 4, 9)
    velocity = np.stack(np.broadcast_arrays(-x[:, None], x[None]), axis=-1)
    return FieldResult(np.array([0.0, 1.0]), x, x, np.stack([velocity, -velocity]), 10)


def half_plane(classes: int = 2) -> DecisionResult:
    x = np.linspace(-4, 4, 33)[1::2]
    scores = np.stack(
        [np.broadcast_to(np.cos(2 * np.pi * k / classes) * x, (16, 16)) for k in range(classes)]
    )
    weights = np.exp(3 * scores)
    return DecisionResult(0.0, SQUARE, weights / weights.sum(axis=0), 10)


def two_points() -> DataResult:
    return DataResult(np.array([[-1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]))


def history(rows: int = 50) -> History:
    i = np.arange(1, rows + 1)
    metric = np.where(i % 10 == 0, 0.9, np.nan)
    return History(i, 0.1 * i, 3.0 / i, np.full(rows, 14.0), np.full(rows, 17.0), metric)


RESULTS: dict[str, dict[str, Any]] = {
    "flow": {
        "flow": spiral_flow(),
        "field": rotation_field(),
        "decision": half_plane(),
        "data": two_points(),
    },
    "density": {"density": gaussian(), "data": two_points()},
    "decision": {"decision": half_plane(), "data": two_points()},
    "loss": {"history": history()},
    "nfe": {"history": history()},
    "steps": {"flow": spiral_flow()},
}


def texts(figure: Any) -> str:
    figure.draw_without_rendering()
    return " | ".join(text.get_text() for text in figure.findobj(Text))
