"""Which views any flow is offered, without torch; and that every one of them is drawn, cancelled or refused."""

import dataclasses
import subprocess
import sys
import threading
from importlib import import_module

import numpy as np
import pytest
import torch
from studies import flow_study, trained_study
from torch import nn

from odeviz.analysis import SolverChoice, Study, diagnostics
from odeviz.engine import solve
from odeviz.fields import AutogradField
from odeviz.models import FlowModel, SolverOptions
from odeviz.tasks.chart import Chart, Charts, Maps, Table
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.learning import build_model
from odeviz.tasks.plane import TimePlane
from odeviz.tasks.presets import PRESETS
from odeviz.tasks.registry import task_of
from odeviz.tasks.scene import Scene
from odeviz.tasks.task import View

KEYS = [view.key for view in diagnostics.VIEWS]
#: Those whose pictures depend on the state's dimensions; the others plot errors and costs.
SHAPED = [key for key in KEYS if key not in ("tolerance", "work-precision", "order", "cost")]
LOOSE = SolverChoice("dopri5", 1e-3, 1e-3)


def test_views_are_listed_without_torch() -> None:
    code = "import sys, odeviz.analysis.diagnostics as d; assert d.VIEWS and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_view_has_one_maker() -> None:
    made = {
        key: family
        for family in diagnostics._FAMILIES
        for key in import_module(f"odeviz.analysis.diagnostics.{family}").VIEWS
    }
    assert made == diagnostics._MAKER
    assert len(set(KEYS)) == len(KEYS)


@pytest.mark.parametrize("name", PRESETS)
def test_only_a_flow_that_is_its_fields_alone_has_them(name: str) -> None:
    """If this fails for a new task: set ``jumps``, or list ``solver.method`` among the settings it does not use."""
    experiment = PRESETS[name].experiment
    if not diagnostics.common_views(experiment):
        return
    model = build_model(experiment).eval().requires_grad_(False)
    z0 = torch.randn(4, model.state_dim, generator=torch.Generator().manual_seed(0)).to(
        next(model.parameters())
    )
    options = SolverOptions("rk4", steps=3)
    alone = solve(model.field, z0, (0.0, model.t1), method="rk4", steps=3).y1
    same = model.flow(z0, (0.0, model.t1), options).y1
    torch.testing.assert_close(same, alone, rtol=0.0, atol=0.0, equal_nan=True)


FIRST = {
    preset.experiment.task: preset
    for preset in reversed(PRESETS.values())
    if diagnostics.common_views(preset.experiment)
}


@pytest.mark.parametrize("task", FIRST)
@pytest.mark.parametrize("key", ["reverse", "stiffness", "divergence-curl", "nfe-map"])
def test_every_task_has_them(task: str, key: str) -> None:
    experiment = FIRST[task].experiment
    study = Study.of(build_model(experiment), experiment)
    picture = study.view(key, SolverChoice("dopri5", 1e-2, 1e-2))
    assert picture is not None
    assert picture.note
    assert "nan" not in picture.note


def test_baselines_and_jumps_have_none() -> None:
    assert diagnostics.common_views(PRESETS["digits-resnet"].experiment) == ()
    assert diagnostics.common_views(PRESETS["bouncing-ball"].experiment) == ()


def test_a_tasks_own_view_counts_where_two_have_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = Experiment()
    task = dataclasses.replace(task_of(experiment), views=(View("order", "Mine", "."),))
    monkeypatch.setattr(diagnostics, "task_of", lambda experiment: task)
    # What is remembered of the real task says nothing of this one, nor the other way round.
    monkeypatch.setattr(diagnostics, "common_views", diagnostics.common_views.__wrapped__)
    views = diagnostics.views_of(experiment)
    assert [view.title for view in views if view.key == "order"] == ["Mine"]
    assert len(views) == len(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_a_view_can_be_cancelled_and_asked_again(key: str) -> None:
    study = flow_study(np.array([[-0.5, -1.0], [1.0, -0.5]]))
    cancel = threading.Event()
    cancel.set()
    assert study.view(key, LOOSE, cancel=cancel) is None
    picture = study.view(key, LOOSE)
    assert isinstance(picture, Chart | Charts | Maps | Table)
    assert picture.note
    assert "nan" not in picture.note


class Line:
    """A task whose states have one dimension, shown over time."""

    experiment = Experiment()

    def plane(self, model: FlowModel) -> TimePlane:
        return TimePlane()

    def extent(self, model: FlowModel) -> tuple[float, float, float, float]:
        return (0.0, 1.0, -2.0, 2.0)

    def starts(self, model: FlowModel, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        h = np.random.default_rng(seed).standard_normal((n, 1))
        return np.concatenate([np.zeros((n, 1)), h], axis=1), np.full(n, -1)


class OneDimensional(FlowModel):
    t1 = 1.0

    def __init__(self) -> None:
        super().__init__(SolverOptions())
        torch.manual_seed(0)
        self.field = AutogradField(nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1)), 1)


@pytest.mark.parametrize("key", SHAPED)
def test_a_state_of_one_dimension_is_shown_over_itself(key: str) -> None:
    model = OneDimensional().eval().requires_grad_(False)
    with torch.no_grad():
        picture = diagnostics.draw(key, Scene(model, Line(), SolverOptions(rtol=1e-3, atol=1e-3)))
    assert picture.note


@pytest.mark.parametrize("key", SHAPED)
def test_more_dimensions_than_the_plane_has_are_no_hindrance(key: str) -> None:
    study = trained_study("classification", field=Experiment().with_setting("field.extra_dims", 4).field)
    picture = study.view(key, SolverChoice("rk4", steps=6))
    assert picture is not None
    assert picture.note


def test_a_flow_that_does_not_arrive_is_said_to() -> None:
    study = flow_study(np.array([[np.nan, 0.0], [0.0, 1.0]]))
    for key in KEYS:
        picture = study.view(key, LOOSE)
        assert isinstance(picture, Chart)
        assert "does not arrive" in picture.note
