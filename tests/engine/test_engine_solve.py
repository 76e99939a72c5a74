"""What a solve returns, counts, reports and refuses."""

import math
import threading
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from odeviz.engine import PIDController, Status, solve

ONE = torch.ones(1, 1, dtype=torch.float64)


def decay(t, y):
    return -y


def van_der_pol(t, y):
    x, v = y[:, :1], y[:, 1:]
    return torch.cat([v, 2.0 * (1 - x**2) * v - x], 1)


def lorenz(t, y):
    x, v, z = y.unbind(1)
    return torch.stack([10 * (v - x), x * (28 - z) - v, x * v - 8 / 3 * z], 1)


@pytest.mark.parametrize(
    ("field", "y0", "t1"), [(van_der_pol, [2.0, 0.0], 10.0), (lorenz, [1.0, 1.0, 20.0], 2.0)]
)
@pytest.mark.parametrize("method", ["dopri5", "tsit5"])
def test_textbook_problems_agree_with_scipy(field, y0, t1, method):
    def rhs(t, y):
        return field(t, torch.from_numpy(y)[None])[0].numpy()

    times = np.linspace(0.0, t1, 23)
    reference = solve_ivp(rhs, (0.0, t1), y0, method="DOP853", rtol=1e-12, atol=1e-12, t_eval=times).y.T
    solution = solve(
        field, torch.tensor([y0], dtype=torch.float64), times, method=method, rtol=1e-10, atol=1e-10
    )
    assert solution.ok
    np.testing.assert_allclose(solution.y[:, 0].numpy(), reference, rtol=2e-7, atol=2e-7)


def test_states_are_time_batch_dim_and_start_at_y0():
    y0 = torch.randn(5, 3)
    solution = solve(decay, y0, [0.0, 0.5, 1.0, 4.0])
    assert solution.y.shape == (4, 5, 3)
    assert torch.equal(solution.y[0], y0)
    torch.testing.assert_close(solution.y[-1], y0 * math.exp(-4.0), rtol=1e-4, atol=1e-5)
    assert solution.y.dtype == torch.float32
    assert solution.t == (0.0, 0.5, 1.0, 4.0)


def test_the_solver_leaves_y0_as_it_was():
    y0 = torch.randn(5, 3)
    before = y0.clone()
    solve(decay, y0, [0.0, 1.0])
    assert torch.equal(y0, before)


def test_output_times_do_not_change_the_steps():
    few = solve(decay, ONE, [0.0, 3.0])
    many = solve(decay, ONE, np.linspace(0, 3, 200))
    assert few.stats.steps == many.stats.steps
    assert few.stats.nfe_forward == many.stats.nfe_forward


@pytest.mark.parametrize(
    ("method", "evaluations"), [("euler", 12), ("midpoint", 24), ("rk4", 48), ("dopri5", 72)]
)
def test_a_fixed_number_of_steps_costs_stages_times_steps(method, evaluations):
    calls = []

    def field(t, y):
        calls.append(t)
        return -y

    solution = solve(field, ONE, [0.0, 1.0], method=method, steps=12)
    assert len(calls) == solution.stats.nfe_forward == evaluations
    assert solution.stats.accepted == 12


def test_nfe_counts_every_call_of_an_adaptive_solve():
    calls = []

    def field(t, y):
        calls.append(t)
        return torch.where(y > 0.5, -y * 40, -y)

    solution = solve(field, ONE, [0.0, 1.0], rtol=1e-7, atol=1e-7)
    assert solution.stats.nfe_forward == len(calls)
    assert solution.stats.rejected > 0
    # one for the first stage, one to choose the first step, six a step
    assert len(calls) == 2 + 6 * len(solution.stats.steps)


def test_records_tell_the_steps_in_order():
    seen = []
    solution = solve(
        van_der_pol, torch.tensor([[2.0, 0.0]]), [0.0, 5.0], rtol=1e-4, atol=1e-4, on_step=seen.append
    )
    assert seen == solution.stats.steps
    accepted = [record for record in seen if record.accepted]
    assert accepted[0].t == 0.0
    for record, following in pairwise(accepted):
        assert record.t + record.h == pytest.approx(following.t, abs=1e-12)
    assert all(record.error <= 1 for record in accepted)
    assert all(record.error > 1 for record in seen if not record.accepted)
    assert accepted[-1].t + accepted[-1].h == pytest.approx(5.0)


def test_a_given_first_step_saves_the_evaluation_that_estimates_it():
    free = solve(decay, ONE, [0.0, 1.0])
    given = solve(decay, ONE, [0.0, 1.0], first_step=free.stats.first_step)
    assert given.stats.nfe_forward == free.stats.nfe_forward - 1
    assert given.stats.steps[0].h == pytest.approx(free.stats.first_step)


def test_dt_is_the_largest_step():
    solution = solve(decay, ONE, [0.0, 1.0], method="rk4", dt=0.3)
    assert [record.h for record in solution.stats.steps] == pytest.approx([0.25] * 4)


def test_an_integral_controller_works_too():
    controller = PIDController(alpha=1.0, beta=0.0)
    solution = solve(van_der_pol, torch.tensor([[2.0, 0.0]]), [0.0, 5.0], controller=controller)
    assert solution.ok


def test_the_max_norm_is_stricter_than_the_mean():
    y0 = torch.cat([torch.ones(1, 1), torch.zeros(63, 1)]).double()
    mean = solve(decay, y0, [0.0, 3.0], rtol=1e-8, atol=1e-8)
    largest = solve(decay, y0, [0.0, 3.0], rtol=1e-8, atol=1e-8, norm="max")
    assert largest.stats.accepted > mean.stats.accepted


def test_a_solution_that_blows_up_is_reported_with_its_time():
    solution = solve(lambda t, y: y**2, ONE, [0.0, 0.5, 2.0])
    assert solution.status in (Status.STEP_TOO_SMALL, Status.NON_FINITE)
    assert solution.t_stop == pytest.approx(1.0, abs=1e-3)
    assert "t = 1" in solution.message
    assert solution.y[1, 0, 0] == pytest.approx(2.0, rel=1e-4)
    assert torch.isnan(solution.y[2]).all()


@pytest.mark.parametrize("options", [{}, {"method": "rk4", "steps": 10}])
def test_a_field_that_is_not_finite_at_the_start_is_a_status(options):
    solution = solve(lambda t, y: y * math.nan, ONE, [0.0, 1.0], **options)
    assert solution.status is Status.NON_FINITE
    assert solution.t_stop == 0.0


def test_a_fixed_step_solve_ends_where_it_overflows():
    solution = solve(lambda t, y: y**2, ONE, [0.0, 3.0], method="rk4", steps=60)
    assert solution.status is Status.NON_FINITE
    assert 0.9 < solution.t_stop < 1.6


def test_a_field_that_turns_nan_on_the_way_is_a_status_in_bounded_work():
    def field(t, y):
        return y * math.nan if t > 0.5 else -y

    solution = solve(field, ONE, [0.0, 1.0])
    assert solution.status is Status.NON_FINITE
    assert solution.t_stop == pytest.approx(0.5, abs=1e-6)
    assert solution.stats.nfe_forward < 1000


def test_a_state_that_overflows_under_a_finite_field_is_a_status():
    solution = solve(lambda t, y: torch.full_like(y, 1e38), torch.zeros(1, 1), [0.0, 10.0])
    assert solution.status is Status.NON_FINITE
    assert torch.isnan(solution.y1).all()


@pytest.mark.parametrize("rate", [1e10, 1e20, 1e37])
def test_steepness_at_the_end_of_float32_is_no_obstacle(rate):
    solution = solve(lambda t, y: -rate * y, torch.ones(1, 1), [0.0, 2 / rate], rtol=1e-5, atol=1e-5)
    assert solution.ok
    assert solution.y1.item() == pytest.approx(math.exp(-2), rel=1e-3)


def test_a_first_step_below_the_resolution_of_time_is_not_tried():
    y0 = torch.full((1, 1), 1.1e-11, dtype=torch.float64)
    solution = solve(lambda t, y: torch.full_like(y, 1e4), y0, [1000.0, 1001.0])
    assert solution.ok
    assert solution.y1.item() == pytest.approx(1e4)


@pytest.mark.parametrize("adjoint", ["discrete", "backprop"])
def test_an_entry_at_rest_at_zero_needs_no_absolute_tolerance(adjoint):
    y0 = torch.tensor([[1.0, 0.0]], dtype=torch.float64, requires_grad=True)
    solution = solve(decay, y0, [0.0, 1.0], rtol=1e-8, atol=0.0, adjoint=adjoint)
    assert solution.ok
    assert solution.y1[0].tolist() == pytest.approx([math.exp(-1.0), 0.0], rel=1e-6, abs=0)


def test_an_asked_for_number_of_steps_is_made_whatever_the_limit():
    solution = solve(decay, ONE, [0.0, 1.0], method="euler", steps=30, max_steps=10)
    assert solution.ok
    assert solution.stats.accepted == 30


def test_the_limit_of_steps_is_a_status():
    solution = solve(van_der_pol, torch.tensor([[2.0, 0.0]]), [0.0, 50.0], max_steps=10)
    assert solution.status is Status.MAX_STEPS
    assert "max_steps" in solution.message
    assert len(solution.stats.steps) == 10


def test_a_solve_can_be_cancelled_from_outside():
    token = threading.Event()
    solution = solve(
        decay, ONE, [0.0, 1.0], method="euler", steps=1000, cancel=token, on_step=lambda _: token.set()
    )
    assert solution.status is Status.CANCELLED
    assert len(solution.stats.steps) == 1


@pytest.mark.parametrize("options", [{"first_step": 9.0}, {"method": "euler", "steps": 1}])
def test_dense_output_reaches_the_end_whatever_the_rounding(options):
    t0, t1 = 1.1472602482574974, -1.8936306232471447
    assert t0 + (t1 - t0) > t1
    solution = solve(lambda t, y: torch.ones_like(y), ONE, [t0, t1], dense=True, **options)
    assert solution(t1).item() == pytest.approx(1.0 + t1 - t0)


def test_dense_output_refuses_times_outside():
    solution = solve(decay, ONE, [0.0, 1.0], dense=True)
    with pytest.raises(ValueError, match=r"outside the solved interval from 0\.0 to 1\.0"):
        solution(1.5)
    with pytest.raises(ValueError, match="dense=True"):
        solve(decay, ONE, [0.0, 1.0])(0.5)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"method": "rk5"}, r"method must be one of euler, .*not 'rk5'"),
        ({"adjoint": "magic"}, r"adjoint must be one of discrete, backsolve"),
        ({"norm": "l1"}, r"norm must be a function or one of rms, max"),
        ({"rtol": -1.0}, r"rtol must be a finite number of at least 0, not -1"),
        ({"atol": math.nan}, r"atol must be a finite number"),
        ({"rtol": 0.0, "atol": 0.0}, r"rtol and atol must not both be 0"),
        ({"steps": 0}, r"steps must be at least 1, not 0"),
        ({"dt": -0.1}, r"dt must be a positive finite number, not -0\.1"),
        ({"steps": 3, "dt": 0.1}, r"steps or dt, not both"),
        ({"max_steps": 0}, r"max_steps must be at least 1"),
        ({"first_step": 0.0}, r"first_step must be a positive"),
        ({"params": torch.ones(2)}, r"params must be a sequence of tensors"),
        ({"params": ["w"]}, r"params must be a sequence of tensors"),
        ({"method": "rk4"}, r"'rk4' does not estimate its error: give steps, dt or grid"),
        ({"t": [0.0]}, r"t must hold at least two"),
        ({"t": [0.0, 1.0, 0.5]}, r"t must be strictly increasing"),
        ({"t": torch.zeros(2, 2)}, r"t must be one-dimensional, not of shape \[2, 2\]"),
        ({"t": [0.0, math.inf]}, r"t must hold at least two finite times"),
        ({"y0": torch.ones(3)}, r"y0 must be a non-empty tensor \[batch, dim\] of float32"),
        ({"y0": torch.ones(3, 2, dtype=torch.int64)}, r"y0 must be .*int64"),
        ({"y0": torch.ones(0, 2)}, r"y0 must be a non-empty"),
        ({"y0": torch.ones(1, 2, dtype=torch.bfloat16)}, r"of float32, float64, .*, not .*bfloat16"),
        ({"y0": [[1.0]]}, r"y0 must be .*not list"),
        (
            {"field": lambda t, y: y[:, :1].expand(-1, 3)},
            r"field must return a \[1, 1\] tensor of float64, .*not a \[1, 3\] tensor",
        ),
    ],
)
def test_wrong_arguments_are_named_with_what_is_allowed(arguments, named):
    given = {"field": decay, "y0": ONE, "t": [0.0, 1.0], **arguments}
    with pytest.raises((ValueError, TypeError), match=named):
        solve(given.pop("field"), given.pop("y0"), given.pop("t"), **given)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"safety": 0.0}, "safety"),
        ({"min_factor": 2.0}, "min_factor must be above 0 and below 1, not 2.0"),
        ({"max_factor": 1.0}, "max_factor must be above 1, not 1.0"),
        ({"safety": math.nan}, "safety must be above 0 and at most 1, not nan"),
        ({"alpha": math.nan}, "alpha must be a positive finite number, not nan"),
        ({"beta": math.nan}, "beta must be a finite number of at least 0, not nan"),
        ({"gamma": "0"}, "gamma must be a finite number of at least 0, not '0'"),
        ({"alpha": 0.0}, "alpha"),
    ],
)
def test_a_controller_checks_its_constants(arguments, named):
    with pytest.raises((ValueError, TypeError), match=named):
        PIDController(**arguments)
