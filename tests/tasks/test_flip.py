"""The 1-D flip: its floor, its planes, slope fields and views."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from odeviz.analysis import SolverChoice, Study
from odeviz.analysis.results import Extent
from odeviz.storage import load_model
from odeviz.storage.paths import pretrained
from odeviz.tasks import Experiment
from odeviz.tasks.flip import TASK, floor
from odeviz.tasks.learning import build_model, task_for
from odeviz.tasks.presets import PRESETS
from odeviz.tasks.registry import task_of
from odeviz.training.runtime import one_thread

TIGHT = SolverChoice("dopri5", 1e-8, 1e-8)
LINE = Experiment.of("flip", {"dtype": "float64"})
ANODE = LINE.with_setting("field.extra_dims", 1)
CONTROLLED = LINE.with_setting("options.controlled", True)


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def strong(experiment, scale=2.0):
    model = build_model(experiment)
    with torch.no_grad():
        for parameter in model.field.parameters():
            parameter.mul_(scale)
    return model


def test_the_floor_is_the_papers():
    # The mean of x^2 over n equal distances from -1 to 1 is (n + 1) / (3 (n - 1)).
    assert floor(LINE) == pytest.approx(101 / 297, abs=1e-12)
    assert floor(LINE) == pytest.approx(0.3401, abs=5e-5)
    assert floor(LINE.with_setting("data.samples", 16)) == pytest.approx(17 / 45)
    assert floor(ANODE) is None
    assert floor(CONTROLLED) is None


@pytest.mark.parametrize("seed", range(6))
def test_no_flow_of_the_line_is_below_the_floor(seed):
    experiment = LINE.with_setting("seed", seed)
    model, task = strong(experiment, 3.0), task_for(experiment)
    figures = task.metrics(model, full=True)
    assert figures["above_floor"] > 0
    assert figures["mse"] == pytest.approx(floor(LINE) + figures["above_floor"])
    # Because it increases, whatever its weights are.
    y = model.map(torch.linspace(-1, 1, 200, dtype=torch.float64)[:, None])[:, 0]
    assert (y.diff() > 0).all()


def test_a_rotation_by_half_a_turn_flips_with_one_dimension_more():
    model, task = (
        build_model(ANODE.with_settings({"field.depth": 1, "field.width": 4, "field.activation": "relu"})),
        task_for(ANODE),
    )
    turn = torch.tensor([[0.0, -math.pi], [math.pi, 0.0]], dtype=torch.float64)
    inner, outer = model.field.layers
    with torch.no_grad():
        for parameter in model.field.parameters():
            parameter.zero_()
        inner.weight.copy_(torch.cat([torch.eye(2), -torch.eye(2)]))  # relu(z), relu(-z)
        outer.weight.copy_(torch.cat([turn, -turn], dim=1))
    assert task.metrics(model, full=True)["mse"] < 1e-9


def test_the_plane_of_a_line_is_time_and_state():
    study = Study.of(strong(LINE), LINE)
    assert study.extent == Extent(0.0, 1.0, -1.2, 1.2, "t", "z", equal=False, dims=1)
    seeds, labels = study.default_seeds(9)
    assert seeds.shape == (9, 1)
    flow = study.flow(seeds, labels, TIGHT, frames=11)
    assert np.allclose(flow.paths[..., 0], np.linspace(0, 1, 11)[:, None], atol=1e-7)
    assert np.allclose(flow.paths[0, :, 1], seeds[:, 0])
    assert labels.tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1]


def test_the_slope_field_is_the_field_at_each_columns_time():
    model = strong(LINE)
    field = Study.of(model, LINE).field(Extent(0.0, 1.0, -1.0, 1.0, equal=False), n=5)
    assert field.velocity.shape == (2, 5, 5, 2)
    assert np.array_equal(field.velocity[0], field.velocity[1])
    for i, t in enumerate(field.x):
        h = torch.tensor(field.y)[:, None]
        expected = model.field(float(t), h)[:, 0].detach().numpy()
        assert np.allclose(field.velocity[0, :, i, 1], expected, atol=1e-12)
    assert np.array_equal(field.velocity[..., 0], np.ones((2, 5, 5)))


def test_a_seed_in_the_plane_is_passed_through_at_its_own_time():
    model = strong(LINE)
    points = np.array([[0.5, 0.3], [0.0, -0.7], [1.0, 0.1], [0.25, 0.9]])
    flow = Study.of(model, LINE).flow(points, np.full(4, -1), TIGHT, frames=5)
    for k, frame in enumerate((2, 0, 4, 1)):
        assert flow.paths[frame, k] == pytest.approx(points[k], abs=2e-5)

    def rhs(t, h):
        with torch.no_grad():
            return model.field(t, torch.tensor(h)[None])[0].numpy()

    back = solve_ivp(rhs, (0.5, 0.0), [0.3], rtol=1e-11, atol=1e-11).y[0, -1]
    assert flow.paths[0, 0, 1] == pytest.approx(back, abs=2e-5)


def test_what_is_under_the_mouse_is_at_the_time_under_the_mouse():
    model = strong(LINE)
    probe = Study.of(model, LINE).probe((0.7, 0.2), t=0.1)
    state = torch.tensor([[0.2]], dtype=torch.float64)
    assert probe.velocity == pytest.approx((1.0, model.field(0.7, state).item()))
    slope = torch.autograd.functional.jacobian(lambda h: model.field(0.7, h), state).item()
    assert probe.divergence == pytest.approx(slope)


def test_the_plane_of_a_controlled_flow_is_input_and_state():
    model = strong(CONTROLLED)
    study = Study.of(model, CONTROLLED)
    seeds, labels = study.default_seeds(7)
    flow = study.flow(seeds, labels, TIGHT, frames=4)
    x = np.linspace(-1, 1, 7)
    assert np.allclose(flow.paths[:, :, 0], x)
    assert np.allclose(flow.paths[0, :, 1], x)
    end = model.map(torch.tensor(x)[:, None])[:, 0].detach().numpy()
    assert np.allclose(flow.paths[-1, :, 1], end, atol=2e-3)
    # Every arrow points straight up or down.
    assert not study.field(study.extent, n=4).velocity[..., 0].any()


def test_the_data_are_where_each_input_is_to_go():
    for experiment, column in ((LINE, 1), (CONTROLLED, 1), (ANODE, 0)):
        data = Study.of(build_model(experiment), experiment).data(1000)
        assert np.allclose(data.points[:, column], np.linspace(1, -1, 100))
        assert (data.points[data.labels == 1, column] < 0).all()


@pytest.mark.parametrize("experiment", [LINE, ANODE, CONTROLLED])
def test_views_tell_how_many_paths_changed_places(experiment):
    study = Study.of(strong(experiment, 1.0), experiment)
    paths, output = (study.view(view.key, TIGHT) for view in TASK.views)
    assert paths.over_time
    starts, _ = study.default_seeds(1000)
    assert [curve.of for curve in paths.curves] == list(range(len(starts))), "the flow's own"
    assert paths.note.startswith("0\u00a0% ")
    truth, flow = output.curves
    assert np.array_equal(truth.y, -truth.x)
    assert np.isfinite(flow.y).all()
    assert ("No flow" in output.note) == (experiment is LINE)


@pytest.mark.parametrize("name", ["flip-node", "flip-anode", "flip-controlled"])
def test_shipped_models_hold_their_gates(name):
    snapshot = load_model(pretrained(name))
    assert all(gate.holds(snapshot.metrics[gate.figure]) for gate in PRESETS[name].gates)
    view = Study(snapshot).view("paths", SolverChoice("dopri5", 1e-5, 1e-5))
    crossed = float(view.note.split("%")[0])
    assert crossed == (0 if name == "flip-node" else 100)


def test_quick_figures_have_the_headline_alone():
    assert set(task_for(LINE).metrics(build_model(LINE), full=False)) == {task_of(LINE).headline.name}
