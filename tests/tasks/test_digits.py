"""Digits: the data, its split, the three models' figures, the plane and the views."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from odeviz.analysis import SolverChoice, Study
from odeviz.models import SolverOptions
from odeviz.storage import load_model
from odeviz.storage.paths import pretrained
from odeviz.tasks import Experiment
from odeviz.tasks.chart import Charts, Maps, Table
from odeviz.tasks.digits import TASK
from odeviz.tasks.digits.images import split
from odeviz.tasks.digits.shipped import PRESET_OF, shipped
from odeviz.tasks.learning import build_model, task_for
from odeviz.tasks.presets import PRESETS
from odeviz.training.runtime import one_thread

CHOICE = SolverChoice("dopri5", 1e-4, 1e-4)


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def experiment(**settings):
    return Experiment.of("digits", {name.replace("__", "."): value for name, value in settings.items()})


def test_the_set_is_the_one_of_the_archive_split_without_overlap():
    trained, tested = split()
    assert (len(trained.labels), len(tested.labels)) == (1347, 450)
    # The archive's own count of its test set's digits.
    counts = np.bincount(np.concatenate([trained.labels, tested.labels]))
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    pixels = np.concatenate([trained.pixels, tested.pixels])
    assert pixels.shape == (1797, 64)
    assert (pixels.min(), pixels.max()) == (0.0, 1.0)
    assert np.array_equal(pixels * 16, np.round(pixels * 16))
    rows = {row.tobytes() for row in trained.pixels}
    assert not any(row.tobytes() in rows for row in tested.pixels)
    assert np.bincount(tested.labels).min() > 30
    with pytest.raises(ValueError, match="read-only"):
        trained.pixels[0, 0] = 0.5


def test_error_counts_wrong_answers():
    task, model = task_for(experiment()), build_model(experiment())
    with torch.no_grad():  # always "3"
        model.readout.weight.zero_()
        model.readout.bias.copy_(torch.eye(10)[3])
    expected = (split()[1].labels != 3).mean()
    assert task.metrics(model, full=False) == {"error": pytest.approx(expected)}
    with torch.no_grad():
        model.readout.bias.fill_(math.nan)
    assert math.isnan(task.metrics(model, full=False)["error"])


@pytest.mark.parametrize("model", ["ode-net", "residual-net", "rk-net"])
def test_figures_are_those_of_table_1(model):
    about = experiment(
        options__model=model, solver__method="rk4", solver__steps=5, solver__adjoint="backsolve"
    )
    if model == "rk-net":
        about = about.with_setting("solver.adjoint", "discrete")
    built, task = build_model(about), task_for(about)
    figures = task.metrics(built, full=True)
    assert figures["parameters"] == {"ode-net": 6698, "residual-net": 27562, "rk-net": 6698}[model]
    assert figures["nfe"] == {"ode-net": 20, "residual-net": 6, "rk-net": 20}[model]
    assert ("tolerance_shift" in figures) == (model != "residual-net")
    # The adjoint ODE keeps the batch's end state alone: 64 digits of 32 numbers in float32.
    assert figures["bytes_kept"] == 64 * 32 * 4 if model == "ode-net" else figures["bytes_kept"] > 64 * 32 * 4
    # Measuring leaves the model as it was.
    assert all(parameter.grad is None for parameter in built.parameters())
    frozen = build_model(about).requires_grad_(False)
    assert task.cost(frozen)["bytes_kept"] == figures["bytes_kept"]


def test_settings_that_a_model_ignores_are_not_offered():
    offered = {}
    for model in ("ode-net", "residual-net", "rk-net"):
        about = experiment(options__model=model)
        offered[model] = {entry.path for entry in about.entries() if about.applies(entry)}
    assert "solver.rtol" not in offered["residual-net"]
    assert "options.blocks" in offered["residual-net"] - offered["ode-net"]
    assert "solver.adjoint" not in offered["rk-net"]
    assert {"solver.rtol", "solver.adjoint"} <= offered["ode-net"]


def test_the_plane_holds_the_largest_variances_of_the_end_states():
    task, model = task_for(experiment()), build_model(experiment())
    plane = task.plane(model)
    start = model.lift(torch.from_numpy(split()[0].pixels[:500].copy()))
    ends = model.flow(start, (0.0, 1.0), SolverOptions(rtol=1e-7, atol=1e-7)).y1.double().detach()
    covariance = np.cov(ends.numpy().T)
    largest = np.sort(np.linalg.eigvalsh(covariance))[::-1][:2]
    points = plane.points(ends.float(), torch.tensor(1.0)).double().numpy()
    assert np.allclose(np.cov(points.T), np.diag(largest), atol=2e-3 * largest[0])
    assert torch.allclose(plane.basis.T @ plane.basis, torch.eye(2), atol=1e-5)
    # The same model's plane is always the same one, not its mirror image.
    assert torch.equal(task.plane(model).basis, plane.basis)


def test_a_flow_that_does_not_arrive_has_a_plane_too():
    task, model = task_for(experiment()), build_model(experiment())
    with torch.no_grad():
        next(model.field.parameters()).fill_(math.nan)
    assert torch.equal(task.plane(model).basis[:2], torch.eye(2))
    assert np.isfinite(task.extent(model)).all()


def test_trajectories_are_digits_in_the_plane():
    study = Study.of(build_model(experiment()), experiment())
    seeds, labels = study.default_seeds(30)
    assert seeds.shape == (30, 32)
    assert set(labels) <= set(range(10))
    flow = study.flow(seeds, labels, CHOICE, frames=5)
    assert flow.paths.shape == (5, 30, 2)
    assert study.extent.x_label == "first component"
    assert study.data(7).points.shape == (7, 2)


@pytest.mark.parametrize("name", PRESET_OF.values())
def test_the_record_is_that_of_the_shipped_model_and_within_its_gates(name):
    recorded = shipped()[next(model for model, preset in PRESET_OF.items() if preset == name)]
    assert recorded == json.loads(json.dumps(load_model(pretrained(name)).metrics))
    assert all(gate.holds(recorded[gate.figure]) for gate in PRESETS[name].gates)


def test_the_shipped_ode_net_is_as_good_with_a_third_of_the_parameters():
    ode, residual = shipped()["ode-net"], shipped()["residual-net"]
    assert ode["error"] <= residual["error"] + 0.01
    assert ode["parameters"] <= residual["parameters"] / 3


def drawn(name):
    study = Study(load_model(pretrained(name)))
    return {view.key: study.view(view.key, CHOICE) for view in TASK.views}


def test_views_of_an_ode_net():
    views = drawn("digits-odenet")
    table = views["table1"]
    assert isinstance(table, Table)
    # The model on show is one of the shipped: it has no second row.
    assert [row[0] for row in table.rows] == ["ODE-Net", "Residual net", "RK-Net"]
    assert table.current == 0
    tolerance = views["tolerance"]
    assert isinstance(tolerance, Charts)
    work = tolerance.charts[1].curves[0].y
    assert (np.diff(work) <= 0).all()
    confusion, mistakes = views["confusion"], views["mistakes"]
    assert isinstance(confusion, Maps)
    (matrix,) = confusion.maps
    wrong = matrix.counts[::-1] * (1.0 - np.eye(10))
    # At the solver's tolerance of the view, the figure that was recorded.
    assert wrong.sum() == pytest.approx(450 * shipped()["ode-net"]["error"], abs=2)
    assert len(mistakes.maps) == min(12, int(wrong.sum()))
    assert np.allclose(matrix.values.sum(1), 1.0)
    assert matrix.counts.sum() == 450


def test_a_residual_net_has_no_tolerance_to_vary():
    assert isinstance(drawn("digits-resnet")["tolerance"], Table)
