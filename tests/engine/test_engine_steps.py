"""What the caller can ask of the steps: controllers, limits, stops, jumps, grids, tolerances, complex states."""

import math
import warnings

import pytest
import torch

from odeviz.engine import CONTROLLERS, METHODS, Event, PIDController, Status, solve
from odeviz.engine.controller import AdaptiveSteps
from odeviz.engine.norm import Tolerance

ONE = torch.ones(1, 1, dtype=torch.float64)


def decay(t, y):
    return -y


def wave(t, y):
    return torch.stack([y[:, 1], -25 * y[:, 0]], 1)


WAVE0 = torch.tensor([[1.0, 0.0]], dtype=torch.float64)


@pytest.mark.parametrize("name", CONTROLLERS)
def test_every_controller_keeps_the_error_near_the_tolerance(name):
    solution = solve(wave, WAVE0, [0.0, 4.0], controller=name, rtol=1e-7, atol=1e-7)
    assert float((solution.y1[0, 0] - math.cos(20.0)).abs()) < 3e-5
    assert solution.stats.accepted < 400


def test_the_pid_term_counts_the_step_before_the_last():
    controller = PIDController(alpha=0.6, beta=0.2, gamma=0.1, max_factor=100.0)
    factor = controller.accepted(0.5, 0.25, 0.125, 0.2)
    assert factor == pytest.approx(0.9 * 0.5**-0.12 * 0.25**0.04 * 0.125**-0.02)


def test_steps_stay_within_their_limits():
    solution = solve(wave, WAVE0, [0.0, 4.0], rtol=1e-5, atol=1e-5, min_step=0.01, max_step=0.05)
    sizes = [abs(step.h) for step in solution.stats.steps]
    assert max(sizes) <= 0.05 * (1 + 1e-9)
    assert min(sizes[:-1]) >= 0.01


@pytest.mark.parametrize("interval", [(0.0, 1.05), (1.05, 0.0)])
@pytest.mark.parametrize("safety", [0.5, 0.9])
def test_no_step_is_stretched_over_max_step(safety, interval):
    solution = solve(decay, ONE, interval, max_step=0.1, controller=PIDController(safety=safety))
    assert solution.ok
    assert max(abs(step.h) for step in solution.stats.steps) <= 0.1 * (1 + 1e-9)


@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("way", [1, -1])
def test_a_step_is_what_the_time_moves_by(per_sample, way):
    """Late times are coarse: a step of 2.7e-6 from 1e6 moves the time by a multiple of 1.2e-10."""
    start, rate = 1e6, 1e5
    end = start + way * 1e-3
    field = torch.tensor([[0.0, -rate], [rate, 0.0]], dtype=torch.float64)
    solution = solve(
        lambda t, y: y @ field, WAVE0, [start, end], rtol=1e-10, atol=1e-10, per_sample=per_sample
    )
    angle = rate * (end - start)
    exact = torch.tensor([[math.cos(angle), -math.sin(angle)]], dtype=torch.float64)
    assert float((solution.y1 - exact).abs().max()) < 3e-8


@pytest.mark.parametrize("per_sample", [False, True])
def test_a_state_that_blows_up_in_steps_of_the_smallest_size_ends_the_solve(per_sample):
    solution = solve(lambda t, y: y * y, ONE, [0.0, 2.0], min_step=1e-3, per_sample=per_sample)
    assert solution.status is Status.NON_FINITE
    steps = solution.per_sample.steps.h.numel() if per_sample else len(solution.stats.steps)
    assert steps < 200
    assert solution.t_stop == pytest.approx(1.0, abs=0.1)


def test_an_implicit_step_of_the_smallest_size_that_cannot_be_solved_ends_the_solve():
    solution = solve(lambda t, y: y * y, ONE, [0.0, 2.0], min_step=1e-1, method="esdirk4")
    assert solution.status in (Status.STEP_TOO_SMALL, Status.NON_FINITE)
    assert len(solution.stats.steps) < 200


@pytest.mark.parametrize("per_sample", [False, True])
def test_a_step_of_the_smallest_size_that_is_stretched_is_accepted(per_sample):
    """0.32 is four steps of 0.075 and a little: the last one is stretched, its error is large all the same."""
    y0 = WAVE0
    options = {"rtol": 1e-12, "atol": 1e-12, "min_step": 0.075, "first_step": 0.075}
    solution = solve(wave, y0, [0.0, 0.305], per_sample=per_sample, max_steps=100, **options)
    assert solution.ok


@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("parts", [3, 5, 7, 10, 49])
def test_a_max_step_that_divides_the_interval_leaves_no_sliver(parts, per_sample):
    for start, end in ((0.0, 1.0), (5.0, 6.0), (1.0, 0.0)):
        solution = solve(
            lambda t, y: -1e-3 * y,
            ONE,
            [start, end],
            max_step=1 / parts,
            first_step=1 / parts,
            per_sample=per_sample,
        )
        assert solution.stats.accepted == parts


def test_what_is_forgotten_at_a_jump_includes_rejections_and_cuts():
    policy = AdaptiveSteps(CONTROLLERS["pi"], Tolerance(1e-6, 1e-6), first_step=1.0, stops=[0.1])

    class Exact:
        """A stepper whose errors are those given."""

        method = METHODS["dopri5"]

        def __init__(self, *errors):
            self.errors = list(errors)

        def error(self, h, tolerance):
            return self.errors.pop(0)

    stepper = Exact(0.5, 2.0, 1e-9)
    h = policy.begin(stepper, 0.0, 100.0)
    step, end = policy.attempt(0.0, h)
    assert (step, end) == (0.1, 0.1)
    policy.judge(stepper, step)
    policy.attempt(0.1, 0.2)
    _, _, h = policy.judge(stepper, 0.2)
    policy.forget()
    policy.attempt(0.1, h)
    assert policy.judge(stepper, h)[2] == pytest.approx(10 * h)


def test_a_step_of_the_smallest_size_is_accepted_whatever_its_error():
    solution = solve(wave, WAVE0, [0.0, 4.0], rtol=1e-12, atol=1e-12, min_step=0.1)
    assert solution.ok
    assert max(step.error for step in solution.stats.steps) > 1.0


@pytest.mark.parametrize("interval", [(0.0, 2.0), (2.0, 0.0)])
@pytest.mark.parametrize("options", [{}, {"method": "rk4", "steps": 7}, {"method": "rk4", "dt": 0.3}])
def test_steps_end_at_the_times_asked_for(interval, options):
    stops = [1.3, 0.1, 0.777]
    solution = solve(decay, ONE, interval, step_at=stops, **options)
    ends = [step.t + step.h for step in solution.stats.steps if step.accepted]
    for stop in stops:
        assert min(abs(end - stop) for end in ends) < 1e-12
    assert solution.y1.item() == pytest.approx(math.exp(interval[0] - interval[1]), rel=1e-3)


@pytest.mark.parametrize("where", ["jumps", "step_at"])
@pytest.mark.parametrize("way", [1, -1])
@pytest.mark.parametrize("end", [0.7, 0.9, 1.1])
def test_a_stop_within_rounding_of_a_given_steps_end_makes_no_step(end, way, where):
    steps = round(end / 0.1)
    stops = [0.1 * k - (1e-12 if k == 5 else 0.0) for k in range(1, steps)]
    interval = [0.0, end][::way]
    solution = solve(decay, ONE, interval, method="rk4", dt=0.1, **{where: stops})
    assert solution.ok
    assert len(solution.stats.steps) == steps
    assert {*stops} <= {*interval, *(step.t for step in solution.stats.steps)}
    assert solution.y1.item() == pytest.approx(math.exp(-end * way), rel=1e-5)


@pytest.mark.parametrize("way", [1, -1])
@pytest.mark.parametrize("near", [1e-15, 0.7 - 1e-15])
def test_a_stop_within_rounding_of_an_end_is_the_end(near, way):
    interval = [0.0, 0.7][::way]
    solution = solve(decay, ONE, interval, method="rk4", dt=0.1, step_at=[near])
    assert solution.ok
    assert len(solution.stats.steps) == 7
    # A field that jumps there is not evaluated across the jump.
    jumping = solve(
        lambda t, y: torch.full_like(y, float(t > near)), ONE, interval, method="rk4", dt=0.1, jumps=[near]
    )
    assert jumping.ok
    assert jumping.y1.item() == pytest.approx(1 + way * (0.7 - near), abs=1e-12)


def test_a_jump_map_within_rounding_of_a_given_steps_end_does_not_end_the_solve():
    reset = Event(lambda t, y: y[:, 0] - 1.0, direction=1, jump=lambda t, y: 0 * y)
    solution = solve(
        lambda t, y: torch.ones_like(y), 0 * ONE, [0.0, 3.5], steps=70, method="rk4", events=[reset]
    )
    assert solution.ok
    assert solution.y1.item() == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize("per_sample", [False, True])
def test_given_steps_are_made_however_many_jump_maps_cut_them(per_sample):
    reset = Event(lambda t, y: y[:, 0] - 1.0, direction=1, jump=lambda t, y: 0 * y)
    solution = solve(
        lambda t, y: torch.ones_like(y), 0 * ONE, [0.0, 3.51], steps=200, max_steps=100, method="euler",
        events=[reset], per_sample=per_sample,
    )  # fmt: skip
    assert solution.ok
    assert solution.y1.item() == pytest.approx(0.51, abs=1e-9)


def test_given_steps_that_jump_maps_cut_without_end_are_given_up():
    """A ball that loses half its speed at each bounce comes to rest after infinitely many."""
    bounce = Event(lambda t, y: y[:, 0], direction=-1, jump=lambda t, y: y * torch.tensor([0.0, -0.5]))
    fallen = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    solution = solve(
        lambda t, y: torch.stack([y[:, 1], 0 * y[:, 1] - 9.81], 1), fallen, [0.0, 3.0], steps=10,
        max_steps=30, method="rk4", events=[bounce],
    )  # fmt: skip
    assert not solution.ok
    assert len(solution.events[0]) <= 40


def test_a_stop_does_not_make_the_steps_after_it_small():
    plain = solve(decay, ONE, [0.0, 20.0])
    stopped = solve(decay, ONE, [0.0, 20.0], step_at=[1.0 + 1e-7])
    assert stopped.stats.accepted <= plain.stats.accepted + 3


def square_wave(t, y):
    return torch.full_like(y, 1.0 if math.floor(t) % 2 == 0 else -1.0)


@pytest.mark.parametrize("interval", [(0.0, 5.5), (5.5, 0.0)])
def test_a_field_is_not_evaluated_at_the_times_where_it_jumps(interval):
    seen = []

    def field(t, y):
        seen.append(t)
        return square_wave(t, y)

    jumps = [1.0, 2.0, 3.0, 4.0, 5.0]
    solution = solve(field, ONE, interval, jumps=jumps)
    assert not set(seen) & set(jumps)
    # The area under the wave: up and down in turns, and half a second down at the end.
    area = 1 - 1 + 1 - 1 + 1 - 0.5
    assert solution.y1.item() == pytest.approx(1 + (area if interval[0] == 0.0 else -area), abs=1e-9)
    assert solution.stats.rejected == 0


def test_without_its_jumps_the_same_field_costs_many_rejections():
    known = solve(square_wave, ONE, [0.0, 5.5], jumps=[1.0, 2.0, 3.0, 4.0, 5.0])
    unknown = solve(square_wave, ONE, [0.0, 5.5])
    assert unknown.stats.rejected > 10
    assert unknown.stats.nfe_forward > 2 * known.stats.nfe_forward


def test_a_grid_is_followed_step_by_step():
    grid = [0.0, 0.1, 0.5, 0.6, 2.0]
    solution = solve(decay, ONE, [0.0, 0.3, 2.0], method="rk4", grid=grid)
    assert [step.t for step in solution.stats.steps] == grid[:-1]
    assert solution.stats.steps[-1].t + solution.stats.steps[-1].h == pytest.approx(2.0)


def test_a_tolerance_for_each_entry():
    y0 = torch.tensor([[1.0, 1e-6]], dtype=torch.float64)
    rate = torch.tensor([1.0, 30.0], dtype=torch.float64)

    def field(t, y):
        return torch.cos(torch.as_tensor(rate * t)) * y

    plain = solve(field, y0, [0.0, 3.0], rtol=0.0, atol=1e-6)
    each = solve(field, y0, [0.0, 3.0], rtol=0.0, atol=torch.tensor([[1e-6, 1e-13]], dtype=torch.float64))
    exact = y0 * torch.exp(torch.sin(rate * 3.0) / rate)
    assert float((each.y1 - exact).abs()[0, 1]) < 1e-12
    assert each.stats.accepted > plain.stats.accepted


def test_a_norm_of_ones_own():
    first_only = solve(wave, WAVE0, [0.0, 4.0], norm=lambda x: x[:1].abs().max())
    assert first_only.ok
    blind = solve(wave, WAVE0, [0.0, 4.0], norm=lambda x: 0.0 * x.sum())
    assert blind.stats.accepted < first_only.stats.accepted


def test_tolerances_below_the_rounding_of_the_state_are_warned_of():
    with pytest.warns(UserWarning, match="ask for less than the rounding of float32"):
        solve(decay, torch.ones(1, 1), [0.0, 1.0], rtol=1e-9, atol=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solve(decay, torch.ones(1, 1), [0.0, 1.0], rtol=1e-9, atol=1e-5)
        solve(decay, ONE, [0.0, 1.0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"per_sample": True}, {"events": [Event(lambda t, y: y[:, 0] - 9, jump=lambda t, y: y)]}],
)
def test_a_loop_is_warned_once_at_the_line_that_solves(arguments):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for size in (1.0, 2.0, 3.0):
            y0 = torch.full((1, 1), size)
            solve(decay, y0, [0.0, 0.1], rtol=1e-9, atol=1e-9, **arguments)
    (only,) = caught
    assert only.filename == __file__


@pytest.mark.parametrize("arguments", [{}, {"per_sample": True}, {"adjoint": "interpolating"}])
def test_a_tolerance_that_no_adjoint_uses_is_warned_of(arguments):
    with pytest.warns(UserWarning, match="adjoint_rtol is not used: only adjoint 'backsolve'") as caught:
        solve(decay, ONE, [0.0, 1.0], adjoint_rtol=1e-3, **arguments)
    assert caught[0].filename == __file__
    solve(decay, ONE, [0.0, 1.0], adjoint_rtol=1e-3, adjoint="backsolve")


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
@pytest.mark.parametrize("adjoint", ["discrete", "backsolve", "interpolating", "backprop"])
def test_a_complex_state_turns(dtype, adjoint):
    omega = torch.tensor(
        2.0, dtype=torch.float64 if dtype == torch.complex128 else torch.float32, requires_grad=True
    )
    y0 = torch.tensor([[1.0 + 0.5j, 2.0j]], dtype=dtype, requires_grad=True)
    tolerance = 1e-8 if dtype == torch.complex128 else 1e-5
    solution = solve(
        lambda t, y: 1j * omega * y, y0, [0.0, 0.5, 1.0], rtol=tolerance, atol=tolerance, params=[omega],
        adjoint=adjoint, dense=True,
    )  # fmt: skip
    exact = y0 * torch.exp(1j * omega)
    torch.testing.assert_close(solution.y1, exact.detach(), rtol=50 * tolerance, atol=50 * tolerance)
    torch.testing.assert_close(solution(0.5), solution.y[1], rtol=1e-5, atol=1e-5)
    loss, wanted = solution.y1.real.square().sum(), exact.real.square().sum()
    for a, b in zip(
        torch.autograd.grad(loss, (y0, omega)), torch.autograd.grad(wanted, (y0, omega)), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=500 * tolerance, atol=500 * tolerance)


def test_failure_names_the_samples_and_the_time():
    y0 = torch.tensor([[0.1], [1.0], [0.2]], dtype=torch.float64)
    solution = solve(lambda t, y: y**2, y0, [0.0, 0.5, 2.0])
    assert solution.status in (Status.NON_FINITE, Status.STEP_TOO_SMALL)
    assert solution.samples == (1,)
    assert solution.t_stop == pytest.approx(1.0, abs=1e-4)
    assert torch.isfinite(solution.y[1]).all()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"controller": "lead"}, "controller must be a PIDController or one of i, pi, pid, not 'lead'"),
        ({"min_step": -1.0}, "min_step must be a finite number of at least 0, not -1.0"),
        ({"min_step": 0.1, "max_step": 0.05}, "max_step must be above min_step, 0.1, not 0.05"),
        ({"step_at": [0.5, math.nan]}, "step_at must hold finite times"),
        ({"jumps": [math.inf]}, "jumps must hold finite times"),
        ({"grid": [0.0, 0.5]}, "grid must go from t\\[0\\] to t\\[-1\\]"),
        ({"grid": [0.0, 1.0], "steps": 4}, "give steps or grid, not both"),
        (
            {"rtol": torch.tensor([[1.0, 2.0]])},
            "rtol must be a number or broadcast to the shape of y0, \\[1, 1\\]",
        ),
        ({"atol": torch.tensor([[-1.0]])}, "atol must hold finite numbers of at least 0"),
        ({"adjoint_rtol": -1.0}, "adjoint_rtol must be a finite number of at least 0"),
    ],
)
def test_wrong_step_arguments_are_named(arguments, named):
    with pytest.raises((ValueError, TypeError), match=named):
        solve(decay, ONE, [0.0, 1.0], **arguments)
