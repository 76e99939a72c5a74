"""Classifiers: their models and planes, boundaries against closed forms, and the views."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from odeviz.analysis import SolverChoice, Study
from odeviz.models import ODENet, ResidualNet, SolverOptions
from odeviz.storage import load_model
from odeviz.storage.paths import pretrained
from odeviz.tasks import Experiment
from odeviz.tasks.chart import Charts
from odeviz.tasks.classification import TASK
from odeviz.tasks.classification.boundary import boundary
from odeviz.tasks.learning import build_model, task_for
from odeviz.tasks.plane import Plane
from odeviz.tasks.presets import PRESETS
from odeviz.tasks.registry import task_of
from odeviz.tasks.viewpoint import Viewpoint
from odeviz.training import Session
from odeviz.training.runtime import one_thread

CHOICE = SolverChoice("dopri5", 1e-5, 1e-5)
TIGHT = SolverOptions(rtol=1e-9, atol=1e-9)
SQUARE = (-4.0, 4.0, -4.0, 4.0)


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def rotation(angle: float) -> ODENet:
    """A flow that turns the plane by ``angle``, read off by the sign of x."""
    model = ODENet(2, 2, (4,), activation="relu", time="none").double()
    inner, outer = model.field.layers
    turn = torch.tensor([[0.0, -angle], [angle, 0.0]], dtype=torch.float64)
    with torch.no_grad():
        inner.weight.copy_(torch.cat([torch.eye(2), -torch.eye(2)]))
        inner.bias.zero_()
        outer.weight.copy_(torch.cat([turn, -turn], dim=1))
        outer.bias.zero_()
        model.readout.weight.copy_(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
        model.readout.bias.zero_()
    return model.requires_grad_(False)


def radial(controlled: bool) -> ODENet:
    """h' = |x| (in the 1-norm), one extra dimension or controlled: the boundary is the diamond |x| + |y| = 1.5."""
    extra = 0 if controlled else 1
    model = ODENet(
        2, 2, (8,), activation="relu", time="none", extra_dims=extra, controlled=controlled
    ).double()
    for parameter in model.parameters():
        parameter.requires_grad_(False).zero_()
    inner, outer = model.field.layers
    at = 2 if controlled else 0  # where the input is seen, which neither moves nor is moved
    for k, (axis, sign) in enumerate([(0, 1.0), (0, -1.0), (1, 1.0), (1, -1.0)]):
        inner.weight[k, at + axis] = sign
        outer.weight[extra * 2, k] = 1.0
    if controlled:
        # h1' = |u| - u1, so that h1(1) = |u|.
        outer.weight[0, 0] -= 1.0
        outer.weight[0, 1] += 1.0
    model.readout.weight[0, extra * 2] = 1.0
    model.readout.bias[0] = -1.5
    return model


def test_the_line_run_back_is_the_turned_line():
    model = rotation(0.7)
    found = boundary(model, SQUARE, None, TIGHT)
    assert found.run_back
    assert len(found.curves) == 1
    (curve,) = found.curves
    # x = 0 at t1 was, before the turn by 0.7, the line at right angles to (cos 0.7, -sin 0.7).
    away = curve @ np.array([np.cos(0.7), -np.sin(0.7)])
    assert np.abs(away).max() < 1e-4
    # It goes from edge to edge of the square, and not much further.
    assert found.length == pytest.approx(8 / np.cos(0.7), rel=0.05)
    assert not found.closed
    assert np.linalg.norm(np.diff(curve, axis=0), axis=1).max() < 8 / 60


def test_points_of_a_boundary_run_back_are_undecided():
    model = build_model(Experiment().with_setting("dtype", "float64")).requires_grad_(False)
    for parameter in model.field.parameters():
        parameter.mul_(2.0)
    found = boundary(model, SQUARE, None, TIGHT)
    points = np.concatenate(found.curves)
    scores = model.classify_from(torch.from_numpy(points), 0.0, TIGHT)
    assert (scores[:, 0] - scores[:, 1]).abs().max() < 1e-3
    assert all(np.linalg.norm(np.diff(curve, axis=0), axis=1).max() < 8 / 100 for curve in found.curves)


@pytest.mark.parametrize("controlled", [False, True])
def test_with_a_dimension_more_or_its_input_in_view_a_boundary_can_close(controlled):
    model = radial(controlled)
    plane = Plane.of_axes(model.state_dim, like=next(model.parameters()))
    if controlled:
        task = task_for(Experiment().with_settings({"options.controlled": True, "dtype": "float64"}))
        plane = task.plane(model)
    found = boundary(model, SQUARE, plane, SolverOptions(rtol=1e-6, atol=1e-6))
    assert not found.run_back
    assert (len(found.curves), found.closed) == (1, 1)
    assert np.abs(np.abs(found.curves[0]).sum(1) - 1.5).max() < 0.02


def test_a_boundary_outside_the_picture_has_no_curves():
    model = rotation(0.0)
    model.readout.bias.copy_(torch.tensor([100.0, 0.0]))
    assert boundary(model, SQUARE, None, TIGHT).curves == ()


def test_models_are_those_of_the_options():
    residual = Experiment().with_settings({"options.model": "residual-net", "options.blocks": 5})
    model = build_model(residual)
    assert isinstance(model, ResidualNet)
    assert len(model.field.blocks) == 5
    tied = build_model(residual.with_setting("options.tied", True))
    assert (
        sum(p.numel() for p in tied.field.parameters()) < sum(p.numel() for p in model.field.parameters()) / 4
    )
    assert build_model(Experiment().with_setting("options.controlled", True)).state_dim == 4
    offered = {entry.path for entry in residual.entries() if residual.applies(entry)}
    assert not offered & {
        "solver.method",
        "solver.rtol",
        "solver.adjoint",
        "field.time",
        "options.controlled",
    }


def test_a_controlled_decision_at_the_start_is_that_of_the_inputs():
    experiment = Experiment().with_setting("options.controlled", True)
    model = build_model(experiment)
    study = Study.of(model, experiment)
    decision = study.decision(0.0, study.extent, 8, CHOICE)
    centres = (np.arange(8) + 0.5) - 4.0
    grid = torch.from_numpy(np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)).float()
    model.solver = SolverOptions(rtol=1e-5, atol=1e-5)
    expected = torch.softmax(model(grid), 1)[:, 1].detach().numpy().reshape(8, 8)
    assert np.allclose(decision.probability[1], expected, atol=1e-4)
    flow = study.flow(*study.default_seeds(6), CHOICE, frames=3)
    assert np.allclose(flow.paths[0], study.default_seeds(6)[0], atol=1e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"field.extra_dims": 1},
        {"options.controlled": True},
        {"options.model": "residual-net", "options.blocks": 3},
        {"options.model": "residual-net", "options.tied": True},
    ],
    ids=str,
)
def test_every_model_has_every_view(settings):
    experiment = Experiment().with_settings({"field.width": 8, **settings})
    study = Study.of(build_model(experiment), experiment)
    drawn, euler, probability, confusion = (study.view(view.key, CHOICE) for view in TASK.views)
    p, entropy = (one.values for one in probability.maps)
    assert np.allclose(entropy, -(p * np.log2(p) + (1 - p) * np.log2(1 - p)), atol=1e-6)
    begun = study.view("probability", CHOICE, viewpoint=Viewpoint(t=0.0)).maps[0]
    assert np.allclose(begun.points, study.default_seeds(len(begun.points))[0], atol=1e-6)
    assert {curve.role for curve in drawn.curves} >= {"class0", "class1"}
    assert isinstance(euler, Charts)
    errors = euler.charts[1].curves[0].y
    # Twice the blocks, half the distance: row 1 of the paper's table, on this model.
    assert errors[-2] / errors[-1] == pytest.approx(2.0, rel=0.1)
    (matrix,) = confusion.maps
    assert matrix.counts.sum() == 2000
    names = tuple(map(study.task.classes.name, range(2)))
    assert confusion.matrix == (names[::-1], names)


def test_the_polylines_have_the_solver_bars_number_of_steps():
    experiment = Experiment().with_setting("field.width", 8)
    study = Study.of(build_model(experiment), experiment)
    euler = study.view("euler", SolverChoice("euler", steps=7))
    assert len(euler.charts[0].curves[1].x) == 8
    # The net's own blocks, for a residual net.
    experiment = experiment.with_settings({"options.model": "residual-net", "options.blocks": 3})
    study = Study.of(build_model(experiment), experiment)
    assert len(study.view("euler", SolverChoice("euler", steps=7)).charts[0].curves[1].x) == 4


@pytest.mark.parametrize("name", ["annuli-node", "annuli-controlled", "moons-resnet"])
def test_shipped_models_hold_their_gates(name):
    metrics = load_model(pretrained(name)).metrics
    assert all(gate.holds(metrics[gate.figure]) for gate in PRESETS[name].gates)


def test_the_shipped_boundaries_are_what_their_cards_say():
    open_, closed = (
        Study(load_model(pretrained(name))).view("boundary", CHOICE).note
        for name in ("annuli-node", "annuli-controlled")
    )
    assert open_.startswith("One open line")
    assert "1 curve, 1 closed" in closed


def labelled(n=200, scale=1.0, classes=(0, 1)):
    rng = np.random.default_rng(3)
    labels = np.array(classes, dtype=np.int64)[np.arange(n) % len(classes)]
    points = scale * (rng.normal(size=(n, 2)) + 2.0 * (labels == classes[-1])[:, None])
    return {"points": points.astype(np.float32), "labels": labels}


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_a_persons_own_classes_are_learnt_whatever_their_names_and_size(scale):
    experiment = Experiment.of(
        "classification",
        {
            "data.name": "own",
            "field.width": 8,
            "training.iterations": 60,
            "training.lr": 0.05,
            "solver.method": "rk4",
        },
    )
    session = Session(experiment, data=labelled(scale=scale, classes=(4, 9)))
    while session.step():
        pass
    assert session.evaluate()["accuracy"] > 0.8
    x0, x1, y0, y1 = session.task.extent(session.model)
    assert x1 - x0 == y1 - y0 < 20


def test_own_points_that_cannot_be_told_apart_are_refused():
    experiment = Experiment.of("classification", {"data.name": "own"})
    for data, words in (
        (labelled(classes=(-1,)), "have no labels"),
        (labelled(classes=(2,)), "must be of 2 classes, not 1"),
        (labelled(classes=(0, 1, 2)), "must be of 2 classes, not 3"),
        (labelled(classes=(-1, 0, 1)), "must all have a label"),
        (labelled(n=100, classes=(0,) * 19 + (1,)), "at least 8 points, not 5"),
    ):
        with pytest.raises(ValueError, match=words):
            TASK.check_data(experiment, data)


def test_classes_are_called_as_their_data_call_them() -> None:
    experiment = Experiment("classification")
    assert task_of(experiment).classes(experiment, {}).told(1) == "lower moon"
    own = experiment.with_setting("data.name", "own")
    known = task_of(own).classes(own, {"labels": np.array([3, 7, 7, 3])})
    assert [known.told(k) for k in range(2)] == ["class 3", "class 7"]
    digits = PRESETS["digits-odenet"].experiment
    assert task_of(digits).classes(digits, {}).told(7) == "digit 7"
