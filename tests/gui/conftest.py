"""The theme and small results that the panels' tests share."""

import dataclasses

import numpy as np
import pytest
from on_plane import EXTENT
from PySide6.QtCore import QPoint
from PySide6.QtGui import QCursor

from odeviz.analysis.overlays import SpaceResult
from odeviz.analysis.projection import Projection
from odeviz.analysis.results import (
    DataResult,
    DecisionResult,
    DensityResult,
    FieldResult,
    FlowResult,
    SolverChoice,
    StepTable,
)
from odeviz.panels.flow_view import FlowView
from odeviz.training.snapshot import History
from odeviz.widgets.theme import Theme


@pytest.fixture(autouse=True)
def _clean(nothing_left):
    """Every test here leaves nothing behind."""


@pytest.fixture
def theme(qapp):
    """A light theme that has dressed the application."""
    theme = Theme("light")
    theme.apply(qapp)
    yield theme
    theme.deleteLater()


@pytest.fixture
def show(qtbot, theme):
    """Make a widget of a class, show it at a size, and close it after the test."""

    # Where a test before has left it, the mouse would be over what is shown.
    QCursor.setPos(QPoint(4000, 4000))

    def make(kind, *args, size=(640, 520), **options):
        widget = kind(theme, *args, **options)
        qtbot.addWidget(widget)
        widget.resize(*size)
        widget.show()
        # The first paint settles the axes.
        widget.grab()
        return widget

    return make


@pytest.fixture
def steps():
    """Four accepted steps over [0, 1] and one that was rejected."""
    return StepTable(
        t=np.array([0.0, 0.1, 0.3, 0.3, 0.6]),
        h=np.array([0.1, 0.2, 0.6, 0.3, 0.4]),
        error=np.array([0.2, 0.5, 2.5, 0.9, 0.4]),
        accepted=np.array([True, True, False, True, True]),
    )


@pytest.fixture
def make_flow(steps):
    """A flow in which every point moves right by t."""

    def make(count=6, frames=5, labels=None, **changes):
        t = np.linspace(0.0, 1.0, frames)
        start = np.linspace(-1.0, 1.0, count)
        paths = np.stack([start + t[:, None], np.broadcast_to(start, (frames, count))], axis=2)
        labels = np.arange(count) % 2 if labels is None else labels
        facts = {
            "choice": SolverChoice(),
            "iteration": 3,
            "nfe": 26,
            "error": 2.3e-5,
            "milliseconds": 3.14,
            **changes,
        }
        return FlowResult(t=t, paths=paths, labels=labels, steps=steps, **facts)

    return make


@pytest.fixture
def field():
    """A field that points up at t = 0 and right at t = 1."""
    axis = np.linspace(-1.5, 1.5, 4)
    velocity = np.zeros((2, 4, 4, 2))
    velocity[0, ..., 1] = velocity[1, ..., 0] = 1.0
    return FieldResult(np.array([0.0, 1.0]), axis, axis, velocity, 3)


@pytest.fixture
def density():
    """The standard normal density on a grid."""
    axis = (np.arange(40) + 0.5) / 10 - 2.0
    x, y = np.meshgrid(axis, axis)
    return DensityResult(0.5, EXTENT, -0.5 * (x**2 + y**2) - np.log(2 * np.pi), 0.954, 3)


@pytest.fixture
def partial(density):
    """The same where a solve reached the right half alone."""
    log_density = density.log_density.copy()
    log_density[:, :20] = np.nan
    message = "50 % of the view was not reached. The solve stopped."
    return dataclasses.replace(
        density, log_density=log_density, mass=0.477, status="max_steps", message=message
    )


@pytest.fixture
def decision():
    """Two classes divided by the line x = 0."""
    axis = (np.arange(40) + 0.5) / 10 - 2.0
    x, _ = np.meshgrid(axis, axis)
    p = 1 / (1 + np.exp(-4 * x))
    return DecisionResult(0.5, EXTENT, np.stack([p, 1 - p]), 3)


@pytest.fixture
def data():
    """Four points of two classes."""
    return DataResult(np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]), np.array([0, 1, 0, 1]))


@pytest.fixture
def history():
    """Fifty iterations with a falling loss and an accuracy at every tenth."""
    rows = np.arange(1, 51)
    metric = np.where(rows % 10 == 0, 1 - 1 / rows, np.nan)
    return History(rows, rows * 0.01, 1.0 / rows, 14.0 + rows // 20, 20.0 + rows // 20, metric)


@pytest.fixture
def view(show):
    """An empty flow view."""
    view = show(FlowView, size=(560, 560))
    view.set_extent(EXTENT)
    return view


@pytest.fixture
def full(view, make_flow, field, density, data):
    """A flow view with something in every layer that is there at first."""
    view.set_field(field)
    view.set_density(density)
    view.set_data(data)
    view.set_flow(make_flow())
    return view


@pytest.fixture
def deep(view, make_flow):
    """Three coordinates seen from above, the third of which is how high a path lies."""
    flow = make_flow()
    high = np.broadcast_to(np.linspace(-0.9, 0.9, 6), flow.paths.shape[:2])
    paths = np.concatenate([flow.paths, high[..., None]], axis=2)
    projection = Projection("space", (0, 1, 2), (-90.0, 90.0))
    view.set_projection(SpaceResult(3, False, ("x", "y", "z"), np.zeros(3), np.eye(3), np.eye(3)), projection)
    view.set_flow(FlowResult(**{**{f: getattr(flow, f) for f in flow.__slots__}, "paths": paths}))
    view.set_time(1.0)
    return view
