"""Options of density estimation, a person's own points, and its views, against closed forms."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy.stats import norm

from odeviz.analysis.results import Extent, SolverChoice
from odeviz.analysis.study import Study
from odeviz.models import SolverOptions
from odeviz.tasks import Experiment
from odeviz.tasks.chart import Charts, Maps
from odeviz.tasks.density.learning import draw_noise
from odeviz.tasks.density.views import SHARES
from odeviz.tasks.learning import build_model, task_for
from odeviz.tasks.plane import Plane
from odeviz.tasks.scene import Scene
from odeviz.tasks.viewpoint import Viewpoint
from odeviz.training import Session
from odeviz.training.runtime import one_thread

SMALL = Experiment.of("density", {"field.width": 8, "training.batch": 32})
CHOICE = SolverChoice("dopri5", 1e-4, 1e-4, 10)


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def still(model):
    with torch.no_grad():
        for p in model.field.parameters():
            p.zero_()
    return model


def rng(seed=0):
    return np.random.default_rng(seed)


def own(n=400, centre=(100.0, -5.0), spread=(20.0, 0.5)):
    points = (np.array(centre) + np.array(spread) * rng(3).normal(size=(n, 2))).astype(np.float32)
    return {"points": points, "labels": np.full(n, -1, dtype=np.int64)}


# --- options


@pytest.mark.parametrize("trace", ["hutchinson-rademacher", "hutchinson-gaussian"])
def test_noise_is_drawn_from_the_batchs_chance_alone(trace):
    task = task_for(SMALL.with_setting("options.trace", trace))
    first, again, other = (task.batch(rng(seed), 0.0) for seed in (1, 1, 2))
    assert torch.equal(first.noise, again.noise)
    assert not torch.equal(first.noise, other.noise)
    # The points are those of a run with the exact trace.
    exact = task_for(SMALL).batch(rng(1), 0.0)
    assert exact.noise is None
    assert torch.equal(first.x, exact.x)


def test_noise_has_mean_zero_and_unit_covariance():
    n = 20_000
    for trace in ("hutchinson-rademacher", "hutchinson-gaussian"):
        noise = draw_noise(trace, (n, 2), rng())
        assert np.abs(noise.mean(0)).max() < 4 / math.sqrt(n)
        assert np.abs(noise.T @ noise / n - np.eye(2)).max() < 4 * math.sqrt(2 / n)
    assert set(np.unique(draw_noise("hutchinson-rademacher", (100, 2), rng()))) == {-1.0, 1.0}


def test_noisy_loss_is_that_of_its_noise():
    task = task_for(SMALL.with_setting("options.trace", "hutchinson-gaussian"))
    model, batch = build_model(SMALL), task.batch(rng(), 0.0)
    expected = -model.log_prob(batch.x, noise=batch.noise).mean()
    assert task.loss(model, batch).item() == pytest.approx(expected.item(), abs=1e-6)


def test_end_time_is_jittered_uniformly():
    task = task_for(SMALL.with_setting("options.steer", 0.3))
    chance = rng()
    shares = np.array([task.batch(chance, 0.0).stretch for _ in range(400)])
    assert 0.7 <= shares.min() < 0.72
    assert 1.28 < shares.max() <= 1.3
    assert shares.mean() == pytest.approx(1.0, abs=4 * 0.3 / math.sqrt(3 * 400))
    assert task_for(SMALL).batch(rng(), 0.0).stretch == 1.0


def test_regularisers_add_their_weighted_means():
    settings = {"options.kinetic": 0.2, "options.jacobian": 0.03}
    task, model = task_for(SMALL.with_settings(settings)), build_model(SMALL)
    model.solver = SolverOptions(rtol=1e-5, atol=1e-5)
    batch = task.batch(rng(), 0.0)
    parts = model.regularized_log_prob(batch.x)
    expected = task_for(SMALL).loss(model, batch) + 0.2 * parts.kinetic.mean() + 0.03 * parts.jacobian.mean()
    assert task.loss(model, batch).item() == pytest.approx(expected.item(), abs=1e-5)


def test_options_that_change_the_loss_alone_are_hot():
    session = Session(SMALL)
    session.step()
    changes = {"options.trace": "hutchinson-rademacher", "options.kinetic": 0.1, "options.jacobian": 0.1}
    session.apply(SMALL.with_settings({**changes, "options.steer": 0.2}))
    assert session.step()
    assert SMALL.cold_changes(SMALL.with_setting("options.field", "planar")) == ["options.field"]


def test_settings_of_the_other_field_mean_nothing():
    planar = SMALL.with_setting("options.field", "planar")
    applying = {entry.path for entry in planar.entries() if planar.applies(entry)}
    assert "field.width" in applying
    assert not applying & {"field.depth", "field.activation", "field.time"}


@pytest.mark.parametrize(
    "settings",
    [
        {"options.field": "planar"},
        {"options.trace": "hutchinson-rademacher", "options.kinetic": 0.01},
        {"options.field": "planar", "options.trace": "hutchinson-gaussian", "options.jacobian": 0.01},
    ],
    ids=str,
)
def test_every_combination_learns(settings):
    session = Session(SMALL.with_settings({**settings, "options.steer": 0.1}))
    losses = []
    while len(losses) < 12 and session.step():
        losses.append(session.metrics["loss"])
    assert not session.message
    assert np.mean(losses[-3:]) < losses[0]


# --- a person's own points


def test_own_points_are_scored_in_their_own_units():
    data = own()
    experiment = SMALL.with_setting("data.name", "own")
    task = task_for(experiment, data=data)
    figures = task.metrics(still(build_model(experiment, data)), full=True)
    # A still flow is the normal with the mean and the deviations of all points, axis by axis.
    centre, unit = data["points"].mean(0), data["points"].std(0)
    expected = -norm.logpdf(data["points"], centre, unit).sum(1)
    assert figures["nll"] == pytest.approx(expected.mean(), abs=5 * expected.std() / math.sqrt(80))
    assert figures["mass"] == pytest.approx(1.0, abs=1e-3)
    assert "entropy" not in figures


def test_own_points_are_parted_once():
    data = own(100)
    task = task_for(SMALL.with_settings({"data.name": "own", "training.batch": 1000}), data=data)
    learnt = task.batch(rng(), 0.0).x
    assert learnt.shape == (80, 2)
    seen = {tuple(row) for row in learnt.tolist()}
    assert not seen & {tuple(row) for row in task._held_out(1000).tolist()}
    again = task_for(SMALL.with_settings({"data.name": "own", "training.batch": 1000}), data=data)
    assert {tuple(row) for row in again.batch(rng(), 0.0).x.tolist()} == seen


def test_own_points_are_shown_where_they_are():
    data = own()
    experiment = SMALL.with_setting("data.name", "own")
    task = task_for(experiment, data=data)
    x0, x1, y0, y1 = task.extent(build_model(experiment, data))
    points = data["points"]
    assert x0 < points[:, 0].min() < points[:, 0].max() < x1
    assert y0 < points[:, 1].min() < points[:, 1].max() < y1
    model = still(build_model(experiment, data))
    starts, _ = task.starts(model, 4000, 0)
    assert starts.mean(0) == pytest.approx(points.mean(0), abs=2.0)
    plane = task.plane(model)
    there = torch.from_numpy(starts)
    assert torch.allclose(plane.points(plane.states(there), torch.tensor(0.0)), there, atol=1e-3)
    assert plane.states(there).std(0).numpy() == pytest.approx(1.0, abs=0.05)


def test_density_of_own_points_integrates_to_one_in_their_own_units():
    data = own()
    session = Session(SMALL.with_setting("data.name", "own"), data=data)
    still(session.model)
    study = Study(session.snapshot())
    centre, unit = data["points"].mean(0), data["points"].std(0)
    half = 5 * unit
    extent = Extent(centre[0] - half[0], centre[0] + half[0], centre[1] - half[1], centre[1] + half[1])
    result = study.density(study.t1, extent, 60, CHOICE)
    assert result.mass == pytest.approx(1.0, abs=1e-3)
    probe = study.probe((float(centre[0]), float(centre[1])), study.t1)
    assert probe.log_density == pytest.approx(-math.log(2 * math.pi * unit.prod()), abs=1e-4)
    seeds, labels = study.default_seeds(50)
    flow = study.flow(seeds, labels, CHOICE, frames=3)
    assert np.abs(flow.paths[0] - seeds).max() < 1e-3


def test_points_on_a_line_have_no_density():
    data = own()
    data["points"] = np.stack([data["points"][:, 0], 3 * data["points"][:, 0]], 1)
    with pytest.raises(ValueError, match="own points must not lie on one line"):
        Session(SMALL.with_setting("data.name", "own"), data=data)
    with pytest.raises(ValueError, match="needs points"):
        Session(SMALL.with_setting("data.name", "own"))


def test_velocity_in_the_plane_is_in_its_units():
    unit = torch.tensor([2.0, 0.5])
    plane = Plane(torch.tensor([1.0, -1.0]), torch.diag(unit), torch.diag(1 / unit))
    points, step = torch.randn(5, 2), torch.randn(5, 2)
    assert torch.allclose(plane.points(plane.states(points), torch.tensor(0.0)), points, atol=1e-6)
    moved = plane.points(plane.states(points) + step, torch.tensor(0.0)) - points
    assert torch.allclose(moved, plane.velocity(step), atol=1e-6)
    assert plane.log_scale == pytest.approx(0.0, abs=1e-6)


# --- views


@pytest.fixture(scope="module")
def scene():
    session = Session(SMALL)
    for _ in range(5):
        session.step()
    return Scene(
        session.model.eval().requires_grad_(False), session.task, SolverOptions(rtol=1e-5, atol=1e-5)
    )


def draw(scene, key):
    from odeviz.tasks.density.views import draw

    return draw(key, scene)


def test_filmstrip_shows_the_densities_of_its_times(scene):
    film = draw(scene, "filmstrip")
    assert isinstance(film, Maps)
    x0, x1, y0, y1 = film.maps[0].extent
    n = len(film.maps[0].values)
    for share, picture in zip(SHARES, film.maps, strict=True):
        x = x0 + (x1 - x0) * (10 + 0.5) / n
        y = y0 + (y1 - y0) * (20 + 0.5) / n
        point = torch.tensor([[x, y]])
        expected = scene.model.log_prob_at(point, share * scene.model.t1, SolverOptions(rtol=1e-6, atol=1e-6))
        assert math.log(picture.values[20, 10]) == pytest.approx(expected.item(), abs=0.02)


def test_marginals_integrate_to_the_mass(scene):
    picture = draw(scene, "marginals")
    assert isinstance(picture, Charts)
    for chart in picture.charts:
        data, model = chart.curves
        assert data.y.sum() * (data.x[1] - data.x[0]) == pytest.approx(1.0, abs=0.01)
        assert model.y.sum() * (model.x[1] - model.x[0]) == pytest.approx(1.0, abs=0.02)


def test_samples_are_the_models(scene):
    data, drawn = draw(scene, "samples").curves
    expected = scene.model.sample(1500, torch.Generator().manual_seed(0))
    assert np.allclose(np.stack([drawn.x, drawn.y], 1), expected, atol=1e-4)
    assert len(data.x) == 1500


def test_at_the_playhead_samples_and_data_are_carried_to_its_time(scene):
    begun = dataclasses.replace(scene, viewpoint=Viewpoint(t=0.0))
    data, drawn = draw(begun, "samples").curves
    base = scene.model.base_sample(1500, torch.Generator().manual_seed(0))
    assert np.array_equal(np.stack([drawn.x, drawn.y], 1), base)
    at_end = np.stack([getattr(draw(scene, "samples").curves[0], axis) for axis in "xy"], 1)
    back = torch.as_tensor(np.stack([data.x, data.y], 1))
    there = scene.model.flow(back, (0.0, scene.model.t1), scene.solver).y1
    assert np.allclose(there, at_end, atol=1e-3), "the data's points, run back"
    normal = np.exp(-0.5 * draw(begun, "marginals").charts[0].curves[1].x ** 2) / math.sqrt(2 * math.pi)
    assert np.allclose(draw(begun, "marginals").charts[0].curves[1].y, normal, atol=0.01)


def test_a_filmstrip_shows_the_times_that_are_chosen(scene):
    chosen = dataclasses.replace(scene, values={"pictures": 3.0, "first": 20.0, "last": 60.0})
    assert [picture.t / scene.model.t1 for picture in draw(chosen, "filmstrip").maps] == [0.2, 0.4, 0.6]


def test_bands_of_the_noise_are_the_estimates_deviations(scene):
    path = draw(scene, "noise").charts[0]
    gaussian, signs, *draws, exact = path.curves
    assert np.allclose(gaussian.y, exact.y)
    # In two dimensions e^T J e - tr J is e1 e2 (J12 + J21) for signs: less than Gaussian noise at every time.
    assert ((signs.high - signs.y) <= (gaussian.high - gaussian.y) + 1e-9).all()
    spread = np.array([curve.y for curve in draws])
    assert spread.shape == (8, len(exact.x))
    states = scene.model.flow(
        torch.from_numpy(scene.learning.starts(scene.model, 1, 1)[0]), exact.x.tolist(), SolverOptions()
    ).y[:, 0]
    for k in (0, 40, 80):
        with torch.no_grad():
            divergence = scene.model.field.divergence(float(exact.x[k]), states[k : k + 1])
        assert exact.y[k] == pytest.approx(divergence.item(), abs=1e-3)
