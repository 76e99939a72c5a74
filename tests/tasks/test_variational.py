"""Fits to given densities: the potentials by quadrature, figures in closed form, and the shipped grid."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import ndtr

from odeviz.models import SolverOptions
from odeviz.tasks import Experiment
from odeviz.tasks.chart import Charts, Maps
from odeviz.tasks.learning import build_model, task_for
from odeviz.tasks.registry import expected_shapes
from odeviz.tasks.scene import Scene
from odeviz.tasks.variational.grid import KINDS, UNITS, fitted
from odeviz.tasks.variational.potentials import POTENTIALS
from odeviz.tasks.variational.views import draw
from odeviz.training import Session
from odeviz.training.runtime import one_thread


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def table(name, x, y):
    """exp(-U) as Rezende and Mohamed (2015), table 1, write it."""
    w1 = np.sin(2 * np.pi * x / 4)
    w2 = 3 * np.exp(-0.5 * ((x - 1) / 0.6) ** 2)
    w3 = 3 / (1 + np.exp(-(x - 1) / 0.3))

    def bell(u, s):
        return np.exp(-0.5 * (u / s) ** 2)

    return {
        "U1": lambda: bell(np.hypot(x, y) - 2, 0.4) * (bell(x - 2, 0.6) + bell(x + 2, 0.6)),
        "U2": lambda: bell(y - w1, 0.4),
        "U3": lambda: bell(y - w1, 0.35) + bell(y - w1 + w2, 0.35),
        "U4": lambda: bell(y - w1, 0.4) + bell(y - w1 + w3, 0.35),
    }[name]()


def square(n, half=4.0):
    axis = half * ((2 * np.arange(n) + 1) / n - 1)
    return np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2), (2 * half / n) ** 2


@pytest.mark.parametrize("name", POTENTIALS)
def test_energy_is_the_papers_for_arrays_and_tensors(name):
    points = np.random.default_rng(0).uniform(-4, 4, size=(500, 2))
    expected = table(name, *points.T)
    assert np.exp(-POTENTIALS[name].energy(points)) == pytest.approx(expected, rel=1e-9, abs=1e-300)
    tensor = POTENTIALS[name].energy(torch.from_numpy(points), torch)
    assert np.exp(-tensor.numpy()) == pytest.approx(expected, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize(("name", "published"), [("U1", 1.878), ("U2", 2.083), ("U3", 2.642), ("U4", 2.685)])
def test_log_z_is_the_integral_over_the_square(name, published):
    points, cell = square(800)
    log_z = math.log(table(name, *points.T).sum() * cell)
    assert POTENTIALS[name].log_z == pytest.approx(log_z, abs=1e-4)
    assert log_z == pytest.approx(published, abs=1.5e-3)


def test_log_z_of_a_band_is_in_closed_form():
    assert POTENTIALS["U2"].log_z == pytest.approx(math.log(8 * 0.4 * math.sqrt(2 * math.pi)), abs=1e-4)


@pytest.mark.parametrize("name", POTENTIALS)
def test_points_follow_their_density(name):
    potential, (points, cell) = POTENTIALS[name], square(400)
    p = table(name, *points.T) * cell / math.exp(potential.log_z)
    drawn = potential.sample(20_000, np.random.default_rng(1)).astype(np.float64)
    assert np.abs(drawn).max() <= 4
    for statistic in (lambda z: z[:, 0], lambda z: z[:, 1] ** 2, potential.energy):
        values = statistic(drawn)
        error = values.std() / math.sqrt(len(values))
        assert values.mean() == pytest.approx((p * statistic(points)).sum(), abs=4 * error)
    assert potential.density(50).sum() * (8 / 50) ** 2 == pytest.approx(1.0, abs=5e-3)


def still(model):
    with torch.no_grad():
        for p in model.field.parameters():
            p.zero_()
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_figures_of_a_flow_that_stays_are_those_of_the_normal(kind):
    experiment = Experiment.of("variational", {"data.name": "U2", "options.model": kind, "options.units": 3})
    model = build_model(experiment)
    with torch.no_grad():
        if kind == "planar-nf":
            # w = 0 makes u keep its length; u = 0 then moves nothing.
            model.field.weight.zero_()
            model.field.bias.zero_()
            model.field.out.zero_()
        else:
            still(model)
    figures = task_for(experiment).metrics(model, full=True)
    points, cell = square(400)
    inside = (2 * ndtr(4.0) - 1) ** 2
    q = np.exp(-0.5 * (points**2).sum(1)) / (2 * math.pi) / inside
    expected = (
        q * (np.log(q) - np.log(table("U2", *points.T)) + math.log(8 * 0.4 * math.sqrt(2 * math.pi)))
    ).sum()
    assert figures["kl"] == pytest.approx(expected * cell, abs=4 * figures["kl_se"])
    assert figures["outside"] == pytest.approx(1 - inside, abs=5e-4)
    assert figures["mass"] == pytest.approx(1.0, abs=1e-5)


def test_loss_is_the_divergence_while_nothing_leaves_the_square():
    experiment = Experiment.of("variational", {"data.name": "U1", "options.units": 4})
    task, model = task_for(experiment), build_model(experiment)
    batch = task.batch(np.random.default_rng(0), 1.0)
    x, log_q = model.carry(batch.z0)
    kept = (x.abs() <= 4).all(1)
    assert kept.all()
    expected = (log_q.detach().numpy() - np.log(table("U1", *x.detach().numpy().T))).mean() + 1.87750
    assert task.loss(model, batch).item() == pytest.approx(expected, abs=1e-4)
    far = batch.z0.clone()
    far[0] = 40.0
    assert task.loss(model, batch._replace(z0=far)).item() > task.loss(model, batch).item() + 40


@pytest.mark.parametrize("progress", [0.0, 0.2, 0.7])
def test_annealed_loss_is_the_divergence_from_the_lower_potential(progress):
    experiment = Experiment.of("variational", {"data.name": "U3", "options.units": 4, "options.anneal": 0.5})
    task, model = task_for(experiment), build_model(experiment)
    batch, height = task.batch(np.random.default_rng(0), progress), min(1.0, 0.01 + 2 * progress)
    x, log_q = (part.detach().numpy() for part in model.carry(batch.z0))
    points, cell = square(300)
    log_z = math.log((table("U3", *points.T) ** height).sum() * cell)
    expected = (log_q - height * np.log(table("U3", *x.T))).mean() + log_z
    assert (np.abs(x) <= 4).all()
    assert task.loss(model, batch).item() == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_gets_better_and_repeats(kind):
    experiment = Experiment.of(
        "variational",
        {"options.model": kind, "options.units": 2, "training.batch": 128, "options.anneal": 0.0},
    )
    runs = []
    for _ in range(2):
        session = Session(experiment)
        before = session.task.metrics(session.model, full=False)["kl"]
        while session.iteration < 40 and session.step():
            pass
        runs.append(session.metrics["loss"])
        assert session.task.metrics(session.model, full=False)["kl"] < before
    assert runs[0] == runs[1]
    state = {name: tuple(tensor.shape) for name, tensor in session.model.state_dict().items()}
    assert expected_shapes(experiment) == state


def test_layers_have_no_solver():
    layers = Experiment.of("variational", {"options.model": "planar-nf"})
    applying = {entry.path for entry in layers.entries() if layers.applies(entry)}
    assert not [path for path in applying if path.startswith(("solver.", "field."))]


# --- the grid


def divergence(potential, model, n=100):
    """KL of q, given the square, from p, by quadrature."""
    points, cell = square(n)
    log_q = model.log_prob_at(
        torch.from_numpy(points).float(), model.t1, SolverOptions(rtol=1e-5, atol=1e-5)
    ).double()
    q = log_q.exp().numpy() * cell
    log_p = np.log(table(potential, *points.T)) - POTENTIALS[potential].log_z
    return (q * (log_q.numpy() - math.log(q.sum()) - log_p)).sum() / q.sum()


@pytest.mark.parametrize("potential", POTENTIALS)
@pytest.mark.parametrize("units", UNITS)
def test_continuous_flow_fits_no_worse_than_the_planar_one(potential, units):
    continuous, planar = (fitted(potential, kind, units) for kind in KINDS)
    for fit in (continuous, planar):
        assert fit.kl > -3 * fit.se
        assert fit.se < 0.02
        assert divergence(potential, fit.model) == pytest.approx(fit.kl, abs=4 * fit.se + 0.01)
    assert continuous.kl <= planar.kl + 3 * math.hypot(continuous.se, planar.se)


@pytest.mark.parametrize("kind", KINDS)
def test_views_are_drawn(kind):
    experiment = Experiment.of("variational", {"options.model": kind, "options.units": 4, "data.name": "U3"})
    session = Session(experiment)
    scene = Scene(session.model, session.task, SolverOptions(rtol=1e-3, atol=1e-3))
    compared, grid, units, film = (draw(key, scene) for key in ("comparison", "grid", "units", "filmstrip"))
    assert isinstance(compared, Maps)
    assert isinstance(grid, Maps)
    assert isinstance(units, Charts)
    assert isinstance(film, Maps)
    assert len(grid.maps) == 8
    assert len(film.maps) == 6
    cell = (8 / len(compared.maps[0].values)) ** 2
    for picture in compared.maps:
        assert picture.values.sum() * cell == pytest.approx(1.0, abs=0.02)
