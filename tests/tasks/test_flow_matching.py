"""Flow matching: couplings against brute force, figures against closed forms."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
import torch
from scipy.special import i0, i1

from odeviz.analysis import SolverChoice, Study
from odeviz.models import CNF, Transport
from odeviz.tasks import Experiment
from odeviz.tasks.chart import Chart
from odeviz.tasks.flow_matching.coupling import coupled
from odeviz.tasks.flow_matching.distributions import BASES, distribution
from odeviz.tasks.flow_matching.measures import energy_distance, euler, paths
from odeviz.tasks.learning import build_model, task_for
from odeviz.tasks.registry import task_of
from odeviz.training import Session
from odeviz.training.runtime import one_thread

SMALL = {"field.width": 8, "training.batch": 64}
NORMAL = Experiment.of(
    "flow-matching", SMALL | {"options.source": "normal", "options.coupling": "independent"}
)
FROM_MOONS = Experiment.of("flow-matching", SMALL | {"options.source": "moons", "data.name": "rings"})
SHIFT = (1.5, -0.5)


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def rng(seed=0):
    return np.random.default_rng(seed)


def shifting(model):
    """The model with a field that is the same everywhere."""
    with torch.no_grad():
        for p in model.field.parameters():
            p.zero_()
        model.field.layers[-1].bias.copy_(torch.tensor(SHIFT))
    return model


def turning(model, angle):
    """The model with a field that turns the plane about the origin, by ``angle`` from 0 to 1."""
    model.field = torch.nn.Module()
    model.field.forward = lambda t, z: angle * torch.stack([-z[:, 1], z[:, 0]], dim=1)
    model.field.dim = 2
    return model


# Couplings.


@pytest.mark.parametrize("seed", range(5))
def test_optimal_transport_is_the_best_of_all_permutations(seed):
    source, target = rng(seed).normal(size=(2, 6, 2))
    best = min(np.square(source - target[list(order)]).sum() for order in permutations(range(6)))
    joined = coupled(source, target, "optimal-transport")
    assert np.square(source - joined).sum() == pytest.approx(best, rel=1e-12)
    assert sorted(map(tuple, joined)) == sorted(map(tuple, target))


def test_optimal_transport_on_a_line_keeps_the_order():
    source, target = np.zeros((2, 200, 2))
    source[:, 0], target[:, 0] = rng().normal(size=(2, 200))
    joined = coupled(source, target, "optimal-transport")
    assert np.array_equal(np.argsort(joined[:, 0]), np.argsort(source[:, 0]))


def test_large_batches_are_assigned_in_parts():
    source, target = rng().normal(size=(2, 700, 2))
    joined = coupled(source, target, "optimal-transport")
    for part in (slice(0, 512), slice(512, 700)):
        assert np.array_equal(joined[part], coupled(source[part], target[part], "optimal-transport"))


def test_independent_pairs_are_left_as_they_were_drawn():
    source, target = rng().normal(size=(2, 20, 2))
    assert coupled(source, target, "independent") is target


# The distributions.


def test_closed_density_of_the_source_is_that_of_its_points():
    base = BASES["8gaussians"]
    points = torch.tensor(distribution("8gaussians", 0.5).sample(20_000, rng(1)), dtype=torch.float64)
    model = build_model(Experiment.of("flow-matching")).double()
    surprise = -model.base_log_prob(points)
    # The entropy by quadrature, in datasets.py.
    assert surprise.mean().item() == pytest.approx(2.8319, abs=4 * surprise.std().item() / math.sqrt(20_000))
    assert base.centres.shape == (8, 2)


def test_own_points_are_centred_scaled_and_held_out():
    given = rng().normal(size=(50, 2)).astype(np.float32) * [300.0, 30.0] + [1e4, -7.0]
    data = {"points": given.astype(np.float32), "labels": np.full(50, -1)}
    own = distribution("own", 0.0, data)
    seen = {tuple(row) for row in own.sample(2000, rng()).tolist()}
    unseen = {tuple(row) for row in own.test(2000, rng()).tolist()}
    assert (len(seen), len(unseen)) == (40, 10)
    assert not seen & unseen
    everything = np.array(sorted(seen | unseen))
    assert everything.mean(axis=0) == pytest.approx([0.0, 0.0], abs=1e-4)
    assert (everything**2).mean() == pytest.approx(1.0, rel=1e-4)
    # One factor for both axes: the cloud keeps its shape.
    assert np.ptp(everything, axis=0)[0] / np.ptp(everything, axis=0)[1] == pytest.approx(
        np.ptp(given, axis=0)[0] / np.ptp(given, axis=0)[1], rel=1e-3
    )


def test_own_points_are_shown_in_their_own_units():
    given = (rng().normal(size=(400, 2)) * [300.0, 30.0] + [1e4, -7.0]).astype(np.float32)
    own = NORMAL.with_setting("data.name", "own")
    task = task_for(own, data={"points": given, "labels": np.full(400, -1)})
    model = build_model(own)
    x0, x1, y0, y1 = task.extent(model)
    assert x0 < given[:, 0].min() < given[:, 0].max() < x1
    assert y0 < given[:, 1].min() < given[:, 1].max() < y1
    shown = task.shown(model, 50)[0]
    assert np.abs(shown[:, None] - given[None]).sum(2).min(1).max() < 0.01
    # What is read as a state of the plane and drawn again is the same point.
    plane = task.plane(model)
    points = torch.tensor(shown)
    assert torch.allclose(plane.points(plane.states(points)[None], torch.zeros(1))[0], points, rtol=1e-5)
    # A field that is zero leaves the normal, whose density in the points' units has their unit's square below it.
    with torch.no_grad():
        for p in model.field.parameters():
            p.zero_()
    unit = float(np.sqrt(np.square(given - given.mean(0)).mean()))
    study = Study(Session(own, data={"points": given, "labels": np.full(400, -1)}).snapshot())
    seeds = study.default_seeds(1000)[0]
    assert seeds.mean(0) == pytest.approx(given.mean(0), abs=4 * unit / math.sqrt(1000))
    start = study.flow(*study.default_seeds(50), SolverChoice(), with_error=False).paths[0]
    assert start == pytest.approx(study.default_seeds(50)[0], rel=1e-4)
    data = next(c for c in study.view("samples", SolverChoice()).curves if c.label == "data")
    assert data.x.mean() == pytest.approx(given[4::5, 0].mean(), abs=0.2 * unit)
    held_out = (given[4::5] - given.mean(0)) / unit
    expected = math.log(2 * math.pi) + 0.5 * np.square(held_out).sum(1).mean() + 2 * math.log(unit)
    figures = task.metrics(model, full=True)
    assert figures["nll"] == pytest.approx(expected, abs=4 * figures["nll_se"])
    assert "gap" not in figures


# The regression.


def test_a_batch_lies_on_straight_lines_between_source_and_data():
    task = task_for(Experiment.of("flow-matching", SMALL | {"training.batch": 2000}))
    t, x, velocity = task.batch(rng(), 0.0)
    assert t.shape == (2000, 1)
    assert 0.0 <= t.min() < 0.01 < 0.99 < t.max() < 1.0
    start, end = x - t * velocity, x + (1 - t) * velocity
    for ends, held_out in ((start, task.held_out_source(2000)), (end, task.held_out(2000))):
        distance = energy_distance(ends, held_out, 200)
        assert abs(distance.mean) < 4 * distance.se < 0.05


def test_path_noise_has_the_standard_deviation_asked_for():
    quiet, noisy = (
        task_for(NORMAL.with_settings({"options.sigma": sigma, "training.batch": 8000}))
        for sigma in (0.0, 0.3)
    )
    (t, x, velocity), (t2, x2, velocity2) = quiet.batch(rng(), 0.0), noisy.batch(rng(), 0.0)
    assert torch.equal(t, t2)
    assert torch.equal(velocity, velocity2)
    assert (x2 - x).std().item() == pytest.approx(0.3, rel=4 / math.sqrt(2 * 16_000))


def test_batches_repeat_with_their_chance():
    task = task_for(Experiment.of("flow-matching", SMALL))
    first, again, other = (task.batch(rng(seed), 0.0)[1] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_loss_is_the_squared_error_of_the_velocity():
    task, model = task_for(NORMAL), shifting(build_model(NORMAL))
    t, x, velocity = task.batch(rng(), 0.0)
    expected = np.square(np.array(SHIFT) - velocity.numpy().astype(np.float64)).sum(axis=1).mean()
    loss = task.loss(model, (t, x, velocity))
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    loss.backward()
    # d/db of mean |b - u|^2 at the last bias.
    slope = 2 * (np.array(SHIFT) - velocity.numpy().mean(axis=0))
    assert model.field.layers[-1].bias.grad.numpy() == pytest.approx(slope, rel=1e-4)
    assert model.last_solution is None


def test_the_best_field_between_normals_is_found():
    """From N(0, I) to itself with independent pairs, E[x1 - x0 | x_t] = (2 t - 1) x / (t^2 + (1 - t)^2)."""
    t = torch.linspace(0.05, 0.95, 7)[:, None]
    generator = torch.Generator().manual_seed(0)
    x0, x1 = torch.randn(2, 400_000, generator=generator)
    spread = t**2 + (1 - t) ** 2
    at = (1 - t) * x0 + t * x1
    fitted = (at * (x1 - x0)).sum(1) / at.square().sum(1)
    assert fitted == pytest.approx(((2 * t - 1) / spread)[:, 0], abs=0.01)


# Figures.


def test_energy_distance_of_two_normals_is_the_closed_one():
    x, y = torch.randn(2, 8192, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    shift = 1.2
    # |X - Y| is Rice with scale sqrt(2); E = sqrt(pi) L_1/2(-shift^2 / 4), L the Laguerre function.
    at = -(shift**2) / 4
    laguerre = math.exp(at / 2) * ((1 - at) * i0(-at / 2) - at * i1(-at / 2))
    expected = 2 * math.sqrt(math.pi) * laguerre - 2 * math.sqrt(math.pi)
    found = energy_distance(x, y + torch.tensor([shift, 0.0], dtype=torch.float64))
    assert found.mean == pytest.approx(expected, abs=4 * found.se)
    assert found.se < 0.03
    same = energy_distance(x, y)
    assert abs(same.mean) < 4 * same.se
    assert same.se < 0.003


@pytest.mark.parametrize("angle", [0.5, 2.0, 3.0])
def test_path_of_a_turn_is_an_arc(angle):
    start = torch.randn(30, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    carried = paths(turning(Transport(), angle), start)
    # A polyline of 64 pieces is short by (angle / 64)^2 / 24.
    assert carried.ratio.numpy() == pytest.approx(angle / 2 / math.sin(angle / 2), rel=2e-4)
    assert carried.end.norm(dim=1).numpy() == pytest.approx(start.norm(dim=1).numpy(), rel=1e-4)


def test_euler_pushes_along_a_straight_flow_exactly():
    start = torch.randn(5, 2)
    model = shifting(Transport())
    assert torch.allclose(euler(model, start, 1), start + torch.tensor(SHIFT), atol=1e-6)
    assert model.last_solution.stats.nfe_forward == 1
    assert torch.allclose(paths(model, start).ratio, torch.ones(5), atol=1e-5)


def test_figures_of_a_shift_are_the_closed_ones():
    figures = task_for(NORMAL).metrics(shifting(build_model(NORMAL)), full=True)
    assert set(figures) == {figure.name for figure in task_of(NORMAL).figures}
    assert figures["chord_ratio"] == pytest.approx(1.0, abs=1e-5)
    assert figures["cost"] == pytest.approx(1.5**2 + 0.5**2, rel=1e-5)
    assert all(figures[f"energy_{k}"] == pytest.approx(figures["energy"], abs=1e-5) for k in (1, 2, 4, 8))
    # E|u - b|^2 = tr Cov x0 + E|x1 - b|^2 over the arcs, plus twice the variance .04 of the noise.
    angle = np.pi * (np.arange(1000) + 0.5) / 1000
    upper = np.stack([np.cos(angle), np.sin(angle)], 1)
    arcs = 2 * np.concatenate([upper, np.array([1.0, 0.5]) - upper]) + np.array([-1.0, -0.2])
    off = np.square(arcs - np.array(SHIFT)).sum(1).mean() + 0.08
    assert figures["matching_loss"] == pytest.approx(2.0 + off, rel=0.05)
    assert figures["nll"] == pytest.approx(0.5 * off + math.log(2 * math.pi), abs=4 * figures["nll_se"])
    assert figures["gap_in_se"] == pytest.approx((figures["nll"] - 2.3939) / figures["nll_se"])


def test_a_source_without_closed_density_has_none_to_show():
    model = build_model(FROM_MOONS)
    assert isinstance(model, Transport)
    assert isinstance(build_model(NORMAL), CNF)
    assert (task_of(NORMAL).behind(NORMAL), task_of(FROM_MOONS).behind(FROM_MOONS)) == ("density", "")
    figures = task_for(FROM_MOONS).metrics(model, full=True)
    assert not {"nll", "gap"} & set(figures)
    assert math.isfinite(figures["energy"])


def test_figures_of_a_failed_solve_are_nan():
    for experiment in (NORMAL, FROM_MOONS):
        task, model = task_for(experiment), build_model(experiment)
        with torch.no_grad():
            next(model.field.parameters()).fill_(math.nan)
        assert math.isnan(task.metrics(model, full=False)["chord_ratio"])


# In a session and in views.


def test_training_solves_nothing_and_the_coupling_is_hot():
    session = Session(NORMAL.with_setting("training.iterations", 40))
    while session.iteration < 33:
        assert session.step()
    session.apply(session.experiment.with_setting("options.coupling", "optimal-transport"))
    while session.step():
        pass
    history = session.snapshot().history
    assert len(history) == 40
    assert np.isnan(history.nfe_forward).all()
    assert history.metric[31] >= 1.0


def test_trajectories_start_at_the_source():
    study = Study.of(build_model(FROM_MOONS), FROM_MOONS)
    seeds, labels = study.default_seeds(4000)
    # The moons' centre (1/2, 1/4), doubled and moved by (-1, -.2).
    assert seeds.mean(axis=0) == pytest.approx([0.0, 0.3], abs=0.1)
    assert (labels == -1).all()


@pytest.mark.parametrize("experiment", [NORMAL, FROM_MOONS], ids=["density", "none"])
def test_views_are_charts_of_finite_frozen_numbers(experiment):
    study = Study.of(build_model(experiment), experiment)
    for view in task_of(experiment).views:
        chart = study.view(view.key, SolverChoice())
        assert isinstance(chart, Chart)
        assert chart.note.endswith(".")
        for curve in chart.curves:
            assert curve.x.shape == curve.y.shape
            assert not curve.y.flags.writeable
            if curve.label != "pairs":
                assert np.isfinite(curve.y).all()


def test_histogram_holds_all_but_the_longest_paths():
    study = Study.of(build_model(NORMAL), NORMAL)
    (bars,) = study.view("straightness", SolverChoice()).curves
    assert 0.985 <= bars.y.sum() <= 1.0


def test_a_view_can_be_cancelled_and_a_failed_flow_shows_nothing():
    import threading

    model = build_model(NORMAL)
    stopped = threading.Event()
    stopped.set()
    assert Study.of(model, NORMAL).view("few-steps", SolverChoice(), stopped) is None
    with torch.no_grad():
        next(model.field.parameters()).fill_(math.nan)
    assert Study.of(model, NORMAL).view("few-steps", SolverChoice()).curves == ()
    assert Study.of(model, NORMAL).view("straightness", SolverChoice()).curves == ()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"options.source": "annuli"}, "options.source must be one of normal, moons"),
        ({"options.coupling": "ot"}, "options.coupling must be one of independent, optimal-transport"),
        ({"options.sigma": 2.0}, "options.sigma must be a number from 0 to 1, not 2"),
    ],
)
def test_wrong_settings_are_named(settings, words):
    with pytest.raises(ValueError, match=words):
        Experiment.of("flow-matching", settings)
