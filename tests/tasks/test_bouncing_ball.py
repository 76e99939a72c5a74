"""The bouncing ball: closed forms of its path, its impacts and their gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from odeviz.analysis.results import SolverChoice
from odeviz.analysis.study import Study
from odeviz.models import SolverOptions
from odeviz.models.bouncing_ball import BallField, BouncingBall
from odeviz.storage import load_model
from odeviz.storage.paths import pretrained
from odeviz.tasks import Experiment
from odeviz.tasks.bouncing_ball import GRAVITY, LEVEL, RESTITUTION, TASK, truth
from odeviz.tasks.bouncing_ball.views import draw
from odeviz.tasks.chart import Table
from odeviz.tasks.learning import build_model, task_for
from odeviz.tasks.registry import expected_shapes
from odeviz.tasks.scene import Scene
from odeviz.training.runtime import one_thread

#: Of a ball dropped from 10 m.
EXACT = [1.414214, 3.676955, 5.487149, 6.935303, 8.093827]
TIGHT = SolverOptions(rtol=1e-9, atol=1e-9)
DROP = torch.tensor([[10.0, 0.0]], dtype=torch.float64)


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def ball(t1=9.0, **constants):
    return BouncingBall(BallField(**constants), t1, TIGHT).double()


def experiment(**settings):
    return Experiment.of(
        "bouncing-ball", {"data.samples": 64, "options.balls": 2, "solver.t1": 4.0} | settings
    )


def test_impacts_are_those_of_the_literature():
    assert [t for t, _ in truth.impacts(10.0, 0.0, 9.0)] == pytest.approx(EXACT, abs=1e-6)
    assert ball().flow(DROP, (0.0, 9.0)).events[0].t.tolist() == pytest.approx(EXACT, abs=1e-6)


def test_paths_are_scipys():
    start, times = np.array([7.0, 1.5]), np.linspace(0.0, 5.0, 40)

    def floor(_t, y):
        return y[0]

    floor.terminal, floor.direction = True, -1
    expected, t, y = np.full((40, 2), np.nan), 0.0, start
    while t < 5.0:
        piece = solve_ivp(
            lambda _, y: (y[1], -10.0),
            (t, 5.0),
            y,
            "DOP853",
            events=floor,
            dense_output=True,
            rtol=1e-12,
            atol=1e-12,
        )
        inside = (times >= t) & (times <= piece.t[-1])
        expected[inside] = piece.sol(times[inside]).T
        t, y = piece.t[-1], np.array([1e-12, -0.8 * piece.y[1, -1]])
    assert truth.paths(start[None], times)[0] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("method", ["dopri5", "tsit5", "rk4", "esdirk4"])
def test_the_model_bounces_as_the_closed_form_does(method):
    starts = np.array([[10.0, 0.0], [4.0, -2.0], [6.0, 1.0]])
    times = np.linspace(0.0, 6.0, 25)
    options = SolverOptions(method=method, rtol=1e-8, atol=1e-8, steps=40)
    solution = ball(6.0).flow(torch.from_numpy(starts), times.tolist(), options)
    assert solution.ok
    assert solution.y.numpy(force=True).swapaxes(0, 1) == pytest.approx(truth.paths(starts, times), abs=1e-5)


def test_impact_times_know_how_they_depend_on_the_constants():
    # t1 = sqrt(2 (h - l) / g), t2 = t1 (1 + 2 e).
    model = ball(gravity=9.0, restitution=0.7, level=0.5)
    times = model.flow(DROP, (0.0, 4.0)).events[0].t
    fall = math.sqrt(2 * 9.5 / 9.0)
    assert times.tolist() == pytest.approx([fall, fall * 2.4], rel=1e-6)
    field = model.field
    by_g, by_e, by_level = torch.autograd.grad(
        times[1], (field.log_gravity, field.logit_restitution, field.level)
    )
    assert by_g.item() == pytest.approx(-fall * 2.4 / 2, rel=1e-6)
    assert by_e.item() == pytest.approx(2 * fall * 0.7 * 0.3, rel=1e-6)
    assert by_level.item() == pytest.approx(-2.4 / (9.0 * fall), rel=1e-6)


def test_heights_after_bounces_have_the_gradient_of_finite_differences():
    model = ball(gravity=9.0, restitution=0.7, level=0.5)
    times, weights = (0.0, 1.0, 2.0, 3.0, 4.5), torch.tensor([0.3, -0.2, 0.5, 0.4], dtype=torch.float64)

    def total():
        return (model.flow(DROP, times).y[1:, 0, 0] * weights).sum()

    total().backward()
    for parameter in model.parameters():
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter.add_(sign * 1e-6)
                ends.append(total().item())
                parameter.sub_(sign * 1e-6)
        assert parameter.grad.item() == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5)


def test_a_ball_that_has_bounced_enough_stays_down():
    model = ball(20.0, restitution=0.5)
    solution = model.flow(DROP, np.linspace(0.0, 20.0, 41).tolist())
    assert solution.ok
    assert solution.y[-1, 0].tolist() == pytest.approx([0.0, 0.0], abs=2e-5)
    # 14.1 m/s halved until it would be less than .5: the last impact is the fifth.
    assert len(solution.events[0]) == 5
    resting = truth.paths(np.array([[10.0, 0.0]]), np.array([0.0, 50.0, 60.0]))[0, 1:]
    assert resting.tolist() == [[LEVEL, 0.0]] * 2


def test_a_ball_dropped_at_rest_falls():
    end = ball(0.5).flow(DROP, (0.0, 0.5)).y1[0]
    assert end.tolist() == pytest.approx([10.0 - 1.25, -5.0])


def truly():
    chosen = experiment(dtype="float64")
    model = build_model(chosen)
    with torch.no_grad():
        model.field.load_state_dict(BallField(GRAVITY, RESTITUTION, LEVEL).double().state_dict())
    return task_for(chosen), model


def test_the_true_constants_leave_no_error():
    task, model = truly()
    figures = task.metrics(model, full=True)
    assert set(figures) == {figure.name for figure in TASK.figures}
    assert all(value < 1e-4 for value in figures.values())
    assert task.loss(model, task.batch(np.random.default_rng(0), 1.0)).item() < 1e-3


def test_a_growing_horizon_reaches_further_in_four_stages():
    task = task_for(experiment())
    ends = [task.batch(np.random.default_rng(0), progress).times[-1] for progress in (0.0, 0.3, 0.5, 0.9)]
    assert ends == pytest.approx([4.0 * k / 31 for k in (7, 15, 23, 31)])
    whole = task_for(experiment(**{"options.grow": False})).batch(np.random.default_rng(0), 0.0)
    assert whole.times[-1] == 4.0
    assert whole.heights.shape == (31, 2)


def test_noise_spares_the_starts():
    task = task_for(experiment(**{"data.samples": 40_000, "data.noise": 0.2}))
    residual = task.observed - task.truth
    assert np.abs(residual[:, 0]).max() < 1e-6
    assert residual[:, 1:].std() == pytest.approx(0.2, abs=4 * 0.2 / math.sqrt(2 * residual.size))


def test_shapes_and_scene():
    chosen = experiment()
    model, task = build_model(chosen), task_for(chosen)
    assert expected_shapes(chosen) == {key: tuple(value.shape) for key, value in model.state_dict().items()}
    starts, labels = task.starts(model, 5, 0)
    assert starts[:2] == pytest.approx(task.truth[:, 0], rel=1e-6)
    assert labels.tolist() == [0, 1, -1, -1, -1]
    points, owners = task.shown(model, 40)
    assert points.shape == (40, 2)
    assert set(owners.tolist()) == {0, 1}


def test_the_steps_shown_are_those_of_the_first_ball():
    chosen = experiment(dtype="float64")
    study = Study.of(build_model(chosen), chosen)
    flow = study.flow(*study.default_seeds(3), SolverChoice(rtol=1e-6, atol=1e-6))
    ends = flow.steps.t + flow.steps.h
    assert flow.steps.t[0] == 0.0
    assert ends.max() == pytest.approx(4.0)
    assert bool((np.diff(flow.steps.t) > 0).all())
    assert flow.error < 1e-3


def test_paths_are_drawn_to_turn_round_close_to_the_floor():
    flow = Study.of(ball(4.0), experiment()).flow(np.array([[10.0, 0.0]]), np.array([0]), SolverChoice())
    height, velocity = flow.paths[:, 0].T
    turned = np.flatnonzero((velocity[:-1] < 0) & (velocity[1:] > 0))
    assert len(turned) == 2
    assert height[turned].max() < 0.13


def test_views_of_the_true_ball_show_no_error():
    task, model = truly()
    scene = Scene(model, task, TIGHT)
    height = draw("height", scene)
    true, learnt, impacts, found = height.curves
    assert learnt.y == pytest.approx(true.y, abs=1e-5)
    assert found.x == pytest.approx(impacts.x, abs=1e-7)
    for key in ("impacts", "constants"):
        table = draw(key, scene)
        assert isinstance(table, Table)
        assert all(abs(row[3]) < 1e-6 for row in table.rows)
    assert {view.key for view in TASK.views} == {"height", "impacts", "constants"}


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: BallField(gravity=0.0), "gravity must be positive"),
        (lambda: BallField(restitution=1.0), "restitution must be between 0 and 1"),
        (lambda: BouncingBall(BallField(), -1.0), "t1 must be a positive finite number"),
        (lambda: experiment(**{"options.balls": 8}), "data.samples must be at least 16 for each of the 8"),
    ],
)
def test_wrong_arguments_are_named(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_the_way_back_through_the_impacts_is_counted():
    model = ball(4.0)
    solution = model.flow(DROP, (0.0, 4.0))
    solution.y1.sum().backward()
    assert 0 < solution.stats.nfe_backward <= solution.stats.nfe_forward


def test_a_flow_has_a_sharp_corner_at_every_impact():
    snapshot = load_model(pretrained("bouncing-ball"))
    study = Study(snapshot)
    flow = study.flow(*study.default_seeds(3), SolverChoice("dopri5", 1e-6, 1e-6), with_error=False)
    field = study.model.field
    level, restitution = field.level.item(), field.restitution.item()
    for start, path in zip(flow.paths[0], flow.paths.swapaxes(0, 1), strict=True):
        impacts = [(t, v) for t, v in truth.impacts(*start.tolist(), study.t1) if v]
        turns = np.flatnonzero((path[:-1, 1] < 0) & (path[1:, 1] > 0))
        assert len(turns) == len(impacts)
        assert (flow.t[turns] == flow.t[turns + 1]).all()
        np.testing.assert_allclose(flow.t[turns], [t for t, _ in impacts], atol=0.01)
        np.testing.assert_allclose(path[[turns, turns + 1], 0], level, atol=1e-5)
        np.testing.assert_allclose(path[turns + 1, 1], -restitution * path[turns, 1], rtol=1e-5)
    # ‖dz/dt‖ of a falling ball is that of (v, -g), also beside an impact.
    falling = np.hypot(flow.paths[..., 1], field.gravity.item())
    there = np.abs(flow.paths[..., 1]) > 1.0
    np.testing.assert_allclose(flow.speed[there], falling[there], rtol=0.02)
