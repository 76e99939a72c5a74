"""Dynamics: systems against SciPy and closed forms, windows, figures and views."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from odeviz.analysis.results import SolverChoice
from odeviz.analysis.study import Study
from odeviz.engine import solve
from odeviz.models import SolverOptions
from odeviz.tasks import Experiment
from odeviz.tasks.chart import Chart, Charts, Maps, Table
from odeviz.tasks.dynamics import MODELS, TASK, truth
from odeviz.tasks.dynamics.systems import SYSTEMS
from odeviz.tasks.dynamics.views import draw
from odeviz.tasks.learning import build_model, task_for
from odeviz.tasks.registry import expected_shapes
from odeviz.tasks.scene import Scene
from odeviz.tasks.viewpoint import Viewpoint
from odeviz.training.runtime import one_thread

#: The equations as they stand in the literature.
EQUATIONS = {
    "cubic-spiral": lambda x, y: (-0.1 * x**3 - 2 * y**3, 2 * x**3 - 0.1 * y**3),
    "lotka-volterra": lambda x, y: (1.5 * x - x * y, x * y - 3 * y),
    "pendulum": lambda q, p: (p, -np.sin(q)),
    "double-well": lambda x, v: (v, x - x**3),
    "duffing": lambda x, v: (v, -0.2 * v + x - x**3),
    "van-der-pol": lambda x, v: (v, (1 - x**2) * v - x),
    "fitzhugh-nagumo": lambda v, w: (v - v**3 / 3 - w + 0.5, 0.08 * (v + 0.7 - 0.8 * w)),
    "lorenz": lambda x, y, z: (10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z),
}
SMALL = {
    "data.samples": 160,
    "options.trajectories": 4,
    "field.width": 8,
    "solver.t1": 2.0,
    "training.batch": 16,
}


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def experiment(**settings):
    return Experiment.of("dynamics", SMALL | settings)


def known(name="lotka-volterra", **more):
    """Task and model of a system whose learnt parameters are the true ones."""
    values = {"data.name": name, "options.model": "known", "dtype": "float64"} | more
    chosen = experiment(**values)
    model = build_model(chosen)
    with torch.no_grad():
        model.field.logs.copy_(torch.tensor(SYSTEMS[name].values, dtype=torch.float64).log())
    return task_for(chosen), model


def pairs():
    """Every model with every system it goes with."""
    for name, system in SYSTEMS.items():
        for model in MODELS:
            able = {"hamiltonian": system.hamiltonian, "second-order": system.second_order}
            if able.get(model, True):
                yield name, model


@pytest.mark.parametrize("name", SYSTEMS)
def test_trajectories_are_scipys(name):
    assert set(EQUATIONS) == set(SYSTEMS)
    system, end = SYSTEMS[name], 3.0
    times = np.linspace(0.0, end, 7)
    starts = np.stack([system.start, system.starts(1, np.random.default_rng(1))[0]])
    ours = truth.trajectories(name, starts, times)
    for start, path in zip(starts, ours, strict=True):
        exact = solve_ivp(
            lambda _, y: EQUATIONS[name](*y), (0.0, end), start, "DOP853", times, rtol=1e-12, atol=1e-12
        )
        assert path == pytest.approx(exact.y.T, rel=1e-6, abs=1e-7)
    sketched = system.path(system.start, np.linspace(0.0, end, 601))[::100]
    assert sketched == pytest.approx(ours[0], rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("name", [name for name, system in SYSTEMS.items() if system.conserved])
def test_conserved_quantities_are_kept(name):
    system = SYSTEMS[name]
    paths = truth.trajectories(name, system.starts(4, np.random.default_rng(0)), np.linspace(0.0, 20.0, 50))
    value = system.invariant_of(paths)
    assert np.ptp(value, axis=1).max() < 1e-7
    # No constant: it differs from start to start.
    assert np.ptp(value[:, 0]) > 0.01


@pytest.mark.parametrize("name", [name for name, system in SYSTEMS.items() if system.hamiltonian])
def test_hamiltonian_systems_follow_their_energy(name):
    system = SYSTEMS[name]
    y = torch.from_numpy(system.starts(5, np.random.default_rng(0))).requires_grad_()
    energy = system.conserved(y.unbind(1), system.values)
    by_q, by_p = torch.autograd.grad(energy.sum(), y)[0].unbind(1)
    rates = torch.stack(system.rates(y.unbind(1), system.values), 1)
    torch.testing.assert_close(rates, torch.stack([by_p, -by_q], 1))


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_is_told_consistently(name):
    system, rng = SYSTEMS[name], np.random.default_rng(0)
    y = system.starts(6, rng)
    assert system.rate(y) == pytest.approx(np.stack(EQUATIONS[name](*y.T), -1))
    missing = system.missing_rate(y)
    silent = [k for k in range(system.dim) if k not in system.channels]
    assert not missing[:, silent].any()
    assert np.abs(missing[:, system.channels]).max() > 0
    if system.second_order:
        assert np.array_equal(system.rate(y)[:, : system.dim // 2], y[:, system.dim // 2 :])
    x0, x1, y0, y1 = system.extent
    for corner in (system.start, system.low, system.high):
        u, v = (corner[k] for k in system.plane)
        assert x0 <= u <= x1
        assert y0 <= v <= y1
    for parameter in system.parameters:
        assert 0 < parameter.low < parameter.value < parameter.high


@pytest.mark.parametrize(("name", "model"), list(pairs()))
def test_every_model_learns_every_system_it_goes_with(name, model):
    chosen = experiment(**{"data.name": name, "options.model": model, "training.batch": 8})
    task, net = task_for(chosen), build_model(chosen)
    shapes = {key: tuple(tensor.shape) for key, tensor in net.state_dict().items()}
    assert expected_shapes(chosen) == shapes
    loss = task.loss(net, task.batch(np.random.default_rng(0), 0.0))
    loss.backward()
    assert math.isfinite(loss.item())
    assert all(bool(torch.isfinite(p.grad).all()) for p in net.parameters() if p.grad is not None)
    assert sum(float(p.grad.abs().sum()) for p in net.parameters() if p.grad is not None) > 0


def test_windows_are_cut_from_the_observations():
    task = task_for(experiment(**{"data.noise": 0.1, "options.window": 7}))
    windows = task.batch(np.random.default_rng(0), 0.0)
    assert windows.first.shape == (16, 2)
    assert windows.others.shape == (6, 16, 2)
    assert windows.times == pytest.approx(np.arange(7) * 2.0 / 39)
    seen = {tuple(point): (i, k) for i, path in enumerate(task.observed) for k, point in enumerate(path)}
    places = set()
    for b in range(16):
        i, k = seen[tuple(windows.first[b].numpy())]
        assert np.array_equal(windows.others[:, b].numpy(), task.observed[i, k + 1 : k + 7])
        places.add((i, k))
    assert len(places) == 16


def test_a_growing_horizon_reaches_further_in_four_stages():
    task = task_for(experiment(**{"options.grow": True}))
    rng = np.random.default_rng(0)
    ends = [task.batch(rng, progress).times[-1] for progress in (0.0, 0.24, 0.26, 0.51, 0.76, 1.0)]
    assert ends == pytest.approx([5 / 39 * 2, 5 / 39 * 2, 11 / 39 * 2, 23 / 39 * 2, 2.0, 2.0])
    batch = task.batch(rng, 0.0)
    assert {tuple(row) for row in batch.first.tolist()} == {tuple(path[0]) for path in task.observed.tolist()}


def test_noise_has_its_standard_deviation_and_spares_the_held_out():
    task = task_for(experiment(**{"data.samples": 40_000, "data.noise": 0.3}))
    residual = (task.observed - task.truth).ravel()
    assert residual.std() == pytest.approx(0.3, abs=4 * 0.3 / math.sqrt(2 * residual.size))
    assert residual.mean() == pytest.approx(0.0, abs=4 * 0.3 / math.sqrt(residual.size))
    paths = truth.trajectories("cubic-spiral", task.held_out[:2, 0], task.times)
    assert task.held_out[:2] == pytest.approx(paths, abs=1e-7)


def test_data_are_the_seeds():
    first, again = task_for(experiment()), task_for(experiment())
    other = task_for(experiment(seed=1))
    assert np.array_equal(first.observed, again.observed)
    assert not np.array_equal(first.observed[1:], other.observed[1:])
    assert first.truth[0, 0] == pytest.approx(SYSTEMS["cubic-spiral"].start)
    shared = {tuple(start) for start in first.truth[:, 0]} & {tuple(start) for start in first.held_out[:, 0]}
    assert not shared


@pytest.mark.parametrize("name", ["lotka-volterra", "pendulum", "lorenz"])
def test_the_true_parameters_leave_no_error(name):
    task, model = known(name)
    figures = task.metrics(model, full=True)
    assert figures["parameter_error"] < 1e-12
    assert figures["field_error"] < 1e-12
    assert figures["window_loss"] < 2e-5 if name == "lorenz" else figures["window_loss"] < 1e-6
    assert figures["long_error"] < 1e-4
    assert ("drift" in figures) == (name != "lorenz")
    assert figures.get("drift", 0.0) < 1e-3
    assert set(figures) <= {figure.name for figure in TASK.figures}


def test_figures_of_a_wrong_parameter_are_what_they_say():
    # theta'' = -k sin(theta) with k = 1.21 instead of 1.
    task, model = known("pendulum")
    with torch.no_grad():
        model.field.logs.fill_(math.log(1.21))
    figures = task.metrics(model, full=True)
    assert figures["parameter_error"] == pytest.approx(0.21)
    y = task.held_out
    wrong = 0.21 * np.sin(y[..., 0])
    expected = math.sqrt((wrong**2).sum() / (y[..., 1] ** 2 + np.sin(y[..., 0]) ** 2).sum())
    assert figures["field_error"] == pytest.approx(expected)
    # It keeps v^2/2 - 1.21 cos(theta), so that the true energy changes by .21 (cos(theta0) - cos(theta)).
    times, change = task.drift(model, y[:, 0])
    angle = task.follow(model, y[:, 0], times)[..., 0]
    exact = 0.21 * (np.cos(y[:, :1, 0]) - np.cos(angle))
    assert change == pytest.approx(-exact, abs=1e-4)
    assert figures["drift"] == pytest.approx(np.median(np.abs(exact).max(1)), abs=1e-4)


def test_the_view_of_a_conserved_quantity_shows_the_field_s_drift_and_not_the_solver_s():
    task, model = known("pendulum")
    with torch.no_grad():
        model.field.logs.fill_(math.log(1.21))
    drift = task.metrics(model, full=True)["drift"]
    chart = draw("conserved", Scene(model, task, SolverOptions("euler", steps=40)))
    *faint, bold = chart.curves[1:]
    assert f"{drift:.3g} (median of 16 unseen starts; {np.abs(bold.y).max():.3g} from" in chart.note
    # The flow's own trajectories, each as it is for itself.
    assert [curve.of for curve in faint] == list(range(TASK.crowd))
    starts, _ = task.starts(model, TASK.crowd, 0)
    alone = task.drift(model, starts[3:4].astype(float))[1][0]
    assert faint[3].y == pytest.approx(alone, abs=1e-4)


def test_a_flow_that_leaves_the_states_that_have_the_quantity_has_an_infinite_drift():
    chosen = experiment(**{"data.name": "lotka-volterra"})
    model = build_model(chosen)
    with torch.no_grad():
        for p in model.field.parameters():
            p.zero_()
        model.field.net.layers[-1].bias.fill_(-1.0)
    assert task_for(chosen).metrics(model, full=True)["drift"] == math.inf


def test_gradient_of_the_loss_is_that_of_finite_differences():
    task, model = known(
        **{"options.window": 8, "options.loss": "L2", "solver.rtol": 1e-9, "solver.atol": 1e-9}
    )
    with torch.no_grad():
        model.field.logs.add_(torch.tensor([0.1, -0.1, 0.2, 0.05]))
    batch = task.batch(np.random.default_rng(0), 0.0)
    task.loss(model, batch).backward()
    for k in range(4):
        ends = []
        for sign in (1, -1):
            shifted = torch.zeros(4, dtype=torch.float64)
            shifted[k] = sign * 1e-5
            with torch.no_grad():
                model.field.logs.add_(shifted)
                ends.append(task.loss(model, batch).item())
                model.field.logs.sub_(shifted)
        assert model.field.logs.grad[k].item() == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-5)


def test_trajectories_of_the_window_begin_where_training_ones_do():
    task = task_for(experiment(**{"data.name": "lorenz"}))
    model = build_model(task.experiment)
    starts, labels = task.starts(model, 6, 0)
    assert starts.shape == (6, 3)
    assert starts[:4] == pytest.approx(task.truth[:, 0], rel=1e-6)
    assert (labels == -1).all()
    points, _ = task.shown(model, 50)
    assert points.shape == (50, 2)
    assert {tuple(p) for p in points} <= {tuple(p) for p in task.observed[..., [0, 2]].reshape(-1, 2)}
    plane = task.plane(model)
    assert plane.points(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor(0.0)).tolist() == [[1.0, 3.0]]
    assert plane.states(torch.tensor([[1.0, 3.0]])).tolist() == [[1.0, 1.0, 3.0]]
    assert plane.labels == ("x", "z")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"data.name": "lorenz", "options.model": "hamiltonian"}, "needs data.name pendulum or double-well"),
        (
            {"data.name": "lotka-volterra", "options.model": "second-order"},
            "second-order needs data.name",
        ),
        (
            {"data.name": "pendulum", "options.model": "hamiltonian", "field.activation": "relu"},
            "field.activation must be smooth with options.model hamiltonian",
        ),
        ({"options.window": 41}, "gives 40 points each, and options.window needs 41"),
        ({"options.trajectories": 100, "options.grow": True}, "gives 1 points each"),
        ({"options.loss": "L3"}, "options.loss must be one of L1, L2"),
    ],
)
def test_settings_that_do_not_fit_are_named(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        experiment(**settings)


def test_l2_is_the_mean_square():
    task, model = known(**{"options.loss": "L2"})
    with torch.no_grad():
        model.field.logs.fill_(-30.0)  # nothing moves
    batch = task.batch(np.random.default_rng(0), 0.0)
    expected = (batch.others - batch.first).square().mean()
    assert task.loss(model, batch).item() == pytest.approx(expected.item(), rel=1e-9)


@pytest.mark.parametrize(("name", "model"), list(pairs()))
def test_views_show_finite_values(name, model):
    chosen = experiment(**{"data.name": name, "options.model": model})
    net = build_model(chosen)
    scene = Scene(net, task_for(chosen), SolverOptions(rtol=1e-3, atol=1e-3))
    keys = {view.key for view in TASK.views_of(chosen)}
    assert ("conserved" in keys) == (SYSTEMS[name].conserved is not None)
    assert ("parameters" in keys) == (model == "known")
    assert ("missing" in keys) == (model == "universal")
    for key in keys:
        picture = draw(key, scene)
        for part in picture.charts if isinstance(picture, Charts) else [picture]:
            if isinstance(part, Chart):
                assert all(len(c.x) == len(c.y) and np.isfinite(c.x).any() for c in part.curves)
                assert all(np.isfinite(c.y).any() for c in part.curves if c.role == "truth")
            elif isinstance(part, Maps):
                assert all(np.isfinite(m.values).all() for m in part.maps)
            else:
                assert isinstance(part, Table)
        assert not isinstance(picture, Table) or len(picture.rows) == len(SYSTEMS[name].parameters)


def test_the_true_system_is_shown_without_a_difference():
    task, model = known()
    scene = Scene(model, task, SolverOptions(rtol=1e-9, atol=1e-9))
    series = draw("series", scene)
    assert np.nanmax(series.charts[-1].curves[0].y) < 1e-6, "how far they are apart"
    for chart in series.charts[:-1]:
        true, learnt = chart.curves
        assert learnt.y == pytest.approx(true.y, abs=1e-6)
        assert chart.over_time
    begun = dataclasses.replace(scene, viewpoint=Viewpoint(start=(1.5, 0.5)))
    assert [chart.curves[0].y[0] for chart in draw("series", begun).charts[:2]] == [1.5, 0.5]
    assert np.abs(draw("difference", scene).maps[2].values).max() < 1e-9
    assert all(row[3] < 1e-9 for row in draw("parameters", scene).rows)


def test_the_engine_agrees_with_the_numpy_rates():
    system = SYSTEMS["van-der-pol"]
    start = np.array([[1.0, 0.5]])

    def by_numpy(_t, y):
        return torch.from_numpy(system.rate(y.numpy()))

    end = solve(by_numpy, torch.from_numpy(start), (0.0, 2.0), rtol=1e-10, atol=1e-10).y1
    assert end.numpy() == pytest.approx(
        truth.trajectories("van-der-pol", start, np.array([0.0, 2.0]))[:, 1], abs=1e-8
    )


def test_long_trajectories_are_few_and_drawn_at_many_times():
    chosen = experiment(**{"data.name": "lotka-volterra", "solver.t1": 10.0})
    study = Study.of(build_model(chosen), chosen)
    flow = study.flow(*study.default_seeds(3), SolverChoice(), frames=31)
    assert len(flow.t) >= 30 * 10.0 / SYSTEMS["lotka-volterra"].period
    assert flow.t[[0, -1]].tolist() == [0.0, 10.0]
    assert TASK.crowd < 100


def test_views_of_a_task_ask_for_the_experiment():
    chosen = experiment(**{"data.name": "pendulum"})
    assert [view.key for view in TASK.views_of(chosen)] == ["phase", "series", "difference", "conserved"]
    everywhere = dataclasses.replace(TASK, views=(dataclasses.replace(TASK.views[0]),))
    assert everywhere.views_of(chosen) == everywhere.views
