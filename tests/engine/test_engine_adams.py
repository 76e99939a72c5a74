"""Adams' methods of variable step and order: weights, orders, step control and gradients."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from scipy.integrate import solve_ivp
from test_engine_orders import (
    INTERVAL,
    Y0,
    both_ways,
    error,
    exact_nonautonomous,
    exact_whirl,
    nonautonomous,
    whirl,
)
from textbook import NON_STIFF

from odeviz.engine import CONTROLLERS, METHODS, Stats, Status, solve
from odeviz.engine.controller import AdaptiveSteps
from odeviz.engine.families.adams import (
    MOST_VALUES,
    AdamsStepper,
    differences,
    integral,
    integral_to_end,
    products,
)
from odeviz.engine.integrate import Watch, integrate
from odeviz.engine.norm import Tolerance

ORDER_OF_GIVEN_STEPS = 5


def stepper_at(k, nodes, field, exact):
    """A stepper at t = 0 whose past is that of the exact solution at ``nodes``, newest first."""
    stepper = AdamsStepper(field, METHODS["adams"], exact(0.0))
    values = tuple(field(t, exact(t)) for t in nodes)
    stepper.resume((exact(0.0), *values), (k, tuple(nodes), False))
    return stepper


@pytest.mark.parametrize("k", range(1, 8))
def test_weights_of_equal_steps_are_those_of_the_books(k):
    """The gammas of Adams-Bashforth, and those of the corrector's error (Hairer, Norsett, Wanner III.1, tables)."""
    gammas = [Fraction(*x) for x in ((1, 1), (1, 2), (5, 12), (3, 8), (251, 720), (95, 288), (19087, 60480))]
    implicit = [Fraction(*x) for x in ((-1, 2), (-1, 12), (-1, 24), (-19, 720), (-3, 160), (-863, 60480))]
    nodes = [-float(i) for i in range(k)]
    factorial = math.factorial(k - 1)
    # Nodes one apart make differences of order j the backward ones divided by j!.
    assert integral(products(nodes)[k - 1]) / factorial == pytest.approx(float(gammas[k - 1]), rel=1e-14)
    if k > 1:
        share = integral_to_end(products(nodes)[k - 2]) / factorial
        assert share == pytest.approx(float(implicit[k - 2]), rel=1e-14)


def test_divided_differences_of_a_power_are_its_complete_symmetric_sums():
    """f[s_0, ..., s_j] of s^(j+1) is s_0 + ... + s_j, of s^j is 1, of lower powers nothing."""
    nodes = [0.0, -0.3, -1.1, -1.15, -2.0, -2.7]
    for j, row in enumerate(differences(nodes)):
        powers = [sum(w * s**m for w, s in zip(row, nodes, strict=False)) for m in range(j + 2)]
        assert powers == pytest.approx([0.0] * j + [1.0, sum(nodes[: j + 1])], abs=1e-10)


@pytest.mark.parametrize("h", [0.7, -0.7])
@pytest.mark.parametrize("k", range(1, MOST_VALUES + 1))
def test_a_step_of_any_order_is_exact_for_polynomials_of_that_degree(k, h):
    """y' = t^k wants order k + 1, whatever the times behind; the order of its dense output is the same."""
    nodes = [0.0]
    while len(nodes) < k:
        nodes.append(nodes[-1] - math.copysign(0.5 + 0.4 * math.sin(len(nodes)), h))

    def field(t, y):
        return torch.full_like(y, t**k)

    def exact(t):
        return torch.full((1, 1), t ** (k + 1) / (k + 1), dtype=torch.float64)

    stepper = stepper_at(k, nodes, field, exact)
    stepper.attempt(0.0, h)
    inside = [0.2, 0.71, 1.0]
    wanted = torch.stack([exact(theta * h) for theta in inside])
    rounding = 1e-15 * sum(abs(t) ** k for t in nodes) * 20
    torch.testing.assert_close(stepper.interpolate(h, inside), wanted, rtol=1e-11, atol=rounding)


@pytest.mark.parametrize("way", [1.0, -1.0], ids=["forwards", "backwards"])
@pytest.mark.parametrize("k", range(1, 10))
def test_a_step_errs_with_its_order_on_a_nonautonomous_problem(k, way):
    """From an exact past one step errs by the step size to the order + 1; the largest error of steps all around."""

    def error_of_step(start, h):
        def exact(s):
            return exact_nonautonomous(Y0, 0.0, start + s)

        nodes = [-way * h * (i + 0.3 * math.sin(i)) for i in range(k)]
        stepper = stepper_at(k, nodes, lambda s, y: nonautonomous(start + s, y), exact)
        stepper.attempt(0.0, way * h)
        return float((stepper.interpolate(way * h, [1.0])[0] - exact(way * h)).abs().max())

    def largest(h):
        return max(error_of_step(0.4 * i, h) for i in range(16))

    h = 0.015 * 1.22**k
    assert k + 1.6 < math.log2(largest(h) / largest(h / 2)) < k + 2.6


def given_steps_order(field, y0, t, exact, times=None):
    coarse, fine = (
        error(solve(field, y0, times or t, method="adams", steps=steps), y0, exact) for steps in (160, 320)
    )
    return math.log2(coarse / fine)


@both_ways
def test_given_steps_have_order_five_on_a_nonautonomous_problem(t):
    order = given_steps_order(nonautonomous, Y0, t, exact_nonautonomous)
    assert ORDER_OF_GIVEN_STEPS - 0.4 < order < ORDER_OF_GIVEN_STEPS + 1


@both_ways
def test_given_steps_have_order_five_on_an_autonomous_problem(t):
    order = given_steps_order(whirl, Y0 / 2, t, exact_whirl)
    assert ORDER_OF_GIVEN_STEPS - 0.2 < order < ORDER_OF_GIVEN_STEPS + 1


@both_ways
def test_dense_output_of_given_steps_has_their_order(t):
    times = [t[0] + (t[1] - t[0]) * k / 499 for k in range(500)]
    order = given_steps_order(nonautonomous, Y0, t, exact_nonautonomous, times)
    assert ORDER_OF_GIVEN_STEPS - 0.4 < order < ORDER_OF_GIVEN_STEPS + 1


def test_steps_of_very_different_sizes_keep_the_order():
    def at(steps):
        grid = [INTERVAL[0]]
        for k in range(steps):
            grid.append(grid[-1] + (0.4 if k % 3 else 2.2) * (INTERVAL[1] - INTERVAL[0]) / steps)
        grid[-1] = INTERVAL[1]
        return error(solve(whirl, Y0 / 2, INTERVAL, method="adams", grid=grid), Y0 / 2, exact_whirl)

    assert ORDER_OF_GIVEN_STEPS - 0.5 < math.log2(at(240) / at(480)) < ORDER_OF_GIVEN_STEPS + 1


@both_ways
def test_dense_solution_and_output_times_agree(t):
    times = [t[0] + (t[1] - t[0]) * share for share in (0.0, 0.06, 0.4, 0.83, 1.0)]
    solution = solve(whirl, Y0 / 2, times, method="adams", rtol=1e-10, atol=1e-10, dense=True)
    for time, row in zip(solution.t, solution.y, strict=True):
        torch.testing.assert_close(solution(time), row, rtol=1e-13, atol=1e-13)


@both_ways
@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-9, 1e-12])
def test_dense_output_is_as_good_as_the_steps(tolerance, t):
    times = [t[0] + (t[1] - t[0]) * k / 499 for k in range(500)]
    solution = solve(whirl, Y0 / 2, times, method="adams", rtol=tolerance, atol=tolerance)
    assert error(solution, Y0 / 2, exact_whirl) < 20 * tolerance


def test_the_order_rises_with_what_is_asked_for():
    """Of a step's polynomial the degree is the order; the median over the steps."""
    orders = []
    for tolerance in (1e-3, 1e-6, 1e-12):
        stepper, policy = AdamsStepper(whirl, METHODS["adams"], Y0 / 2), Noting(CONTROLLERS["pi"], tolerance)
        trace = integrate(stepper, (0.0, 30.0), policy, Stats(), Watch())
        assert trace.status is Status.SUCCESS
        orders.append(sorted(policy.orders)[len(policy.orders) // 2])
    assert orders[0] < orders[1] < orders[2] <= METHODS["adams"].order
    assert orders[2] >= 10


class Noting(AdaptiveSteps):
    """Step control that notes the orders of the steps it accepts."""

    def __init__(self, controller, tolerance):
        super().__init__(controller, Tolerance(tolerance, tolerance))
        self.orders = []

    def judge(self, stepper, h):
        judged = super().judge(stepper, h)
        self.orders += [len(stepper.polynomial(h))] if judged[1] else []
        return judged


def evaluations(problem, method, tolerance):
    y0 = torch.tensor([problem.y0], dtype=torch.float64)
    options = {"rtol": tolerance, "atol": tolerance * problem.floor}
    solution = solve(problem.field, y0, (0.0, problem.t1), method=method, **options)
    assert solution.ok, solution.message
    return solution.stats.nfe_forward, problem.miss(solution.y1[0].numpy()) / (tolerance * problem.gain())


def test_tight_tolerances_are_met_in_a_third_of_the_evaluations_of_dopri5():
    ours, theirs = 0, 0
    for problem in NON_STIFF.values():
        nfe, miss = evaluations(problem, "adams", 1e-9)
        dopri5, _ = evaluations(problem, "dopri5", 1e-9)
        assert miss < 6, problem.name
        assert nfe < 0.65 * dopri5, problem.name
        ours, theirs = ours + nfe, theirs + dopri5
    assert ours < 0.36 * theirs


@pytest.mark.parametrize("name", ["A4", "B5", "C5", "D2", "E2"])
def test_it_agrees_with_scipy_at_tight_tolerances(name):
    """With DOP853 along the way, and in no more evaluations than LSODA, which is Adams' too, to a like error."""
    problem = NON_STIFF[name]
    y0, times = torch.tensor([problem.y0], dtype=torch.float64), [0.0, 0.7, 3.0, 11.1, 20.0]
    solution = solve(problem.field, y0, times, method="adams", rtol=1e-11, atol=1e-11)
    wanted = torch.from_numpy(problem.reference()(times)).T[:, None]
    size = 1 + wanted.abs().amax()
    assert float((solution.y - wanted).abs().max() / size) < 20 * 1e-11 * problem.gain()
    lsoda = solve_ivp(
        problem.rhs, (0.0, 20.0), problem.y0, method="LSODA", rtol=1e-11, atol=1e-11, t_eval=times
    )
    assert lsoda.success
    assert solution.stats.nfe_forward < 1.2 * lsoda.nfev


def test_a_tighter_tolerance_gives_a_smaller_error():
    errors = [
        error(solve(whirl, Y0 / 2, (0.2, 6.0), method="adams", rtol=tol, atol=tol), Y0 / 2, exact_whirl)
        for tol in (1e-3, 1e-5, 1e-7, 1e-9, 1e-11)
    ]
    assert all(after < before / 10 for before, after in pairwise(errors))


def test_two_evaluations_a_step_and_one_for_a_rejected_one():
    solution = solve(whirl, Y0 / 2, (0.0, 20.0), method="adams", rtol=1e-8, atol=1e-8, first_step=0.01)
    accepted = sum(step.accepted for step in solution.stats.steps)
    assert solution.stats.steps[0].accepted
    assert solution.stats.rejected > 0
    assert solution.stats.nfe_forward == 7 + 2 * accepted + solution.stats.rejected


def test_a_step_that_is_cut_short_does_not_spoil_those_after_it():
    """Values a millionth of a step apart would have differences that are all rounding."""
    options = {"method": "adams", "rtol": 1e-11, "atol": 1e-11}
    free = solve(whirl, Y0 / 2, INTERVAL, **options)
    cut = solve(whirl, Y0 / 2, INTERVAL, step_at=[1.0, 1.0 + 1e-8, 2.0, 2.0 + 1e-6], **options)
    assert error(cut, Y0 / 2, exact_whirl) < 10 * error(free, Y0 / 2, exact_whirl)
    assert cut.stats.nfe_forward < 1.4 * free.stats.nfe_forward


@both_ways
@pytest.mark.parametrize("where", ["jumps", "step_at"])
@pytest.mark.parametrize("short", [1e-1, 1e-2, 1e-4, 1e-6, 1e-9])
def test_a_given_step_after_a_much_shorter_one_is_as_good_as_the_others(short, where, t):
    """A step at order five from values a millionth of it apart would be all rounding."""
    width = (t[1] - t[0]) / 100
    options = {"method": "adams", "steps": 100}
    even = solve(whirl, Y0 / 2, t, jumps=[t[0] + 30 * width], **options)
    odd = solve(whirl, Y0 / 2, t, **{where: [t[0] + (30 - short) * width]}, **options)
    assert odd.ok
    assert error(odd, Y0 / 2, exact_whirl) < 3 * error(even, Y0 / 2, exact_whirl)


def test_a_grid_of_growing_steps_is_followed():
    grid = [0.0, *(10.0**k for k in range(-12, 0)), *(0.1 * k for k in range(2, 31))]
    solution = solve(whirl, Y0 / 2, [0.0, grid[-1]], method="adams", grid=grid)
    even = solve(whirl, Y0 / 2, [0.0, grid[-1]], method="adams", steps=30)
    assert error(solution, Y0 / 2, exact_whirl) < 3 * error(even, Y0 / 2, exact_whirl)


def square_wave(t, y):
    return y.cos() * (1.0 if t % 1.0 < 0.5 else -1.0)


def square_wave_turns(t):
    return [0.5 * k for k in range(1, round(2 * t) + 1)]


def test_jumps_of_the_field_are_started_anew_from():
    """The field is y' = cos y forwards and then back: after each whole period the state is the first again."""
    options = {"method": "adams", "rtol": 1e-10, "atol": 1e-10}
    known = solve(square_wave, Y0, (0.0, 5.0), jumps=square_wave_turns(5.0), **options)
    torch.testing.assert_close(known.y1, Y0, rtol=0, atol=1e-8)
    assert known.stats.rejected < 30


def test_jumps_it_is_not_told_of_are_got_over():
    unknown = solve(square_wave, Y0, (0.0, 5.0), method="adams", rtol=1e-7, atol=1e-7)
    assert unknown.ok
    torch.testing.assert_close(unknown.y1, Y0, rtol=0, atol=1e-4)


def test_a_mildly_stiff_field_is_solved_at_low_order():
    y0 = torch.zeros(1, 1, dtype=torch.float64)

    def field(t, y):
        return -40 * (y - math.cos(t))

    def exact(t):
        lag = 40 * math.cos(t) + math.sin(t)
        return 40 / 1601 * (lag - 40 * math.exp(-40 * t))

    solution = solve(field, y0, (0.0, 10.0), method="adams", rtol=1e-5, atol=1e-5)
    assert solution.y1.item() == pytest.approx(exact(10.0), abs=1e-4)
    dopri5 = solve(field, y0, (0.0, 10.0), method="dopri5", rtol=1e-5, atol=1e-5)
    assert solution.stats.nfe_forward < dopri5.stats.nfe_forward


def test_float32_is_solved_to_what_it_resolves():
    solution = solve(whirl, (Y0 / 2).float(), (0.0, 5.0), method="adams", rtol=1e-6, atol=1e-6)
    assert solution.y.dtype == torch.float32
    assert error(solution, Y0 / 2, exact_whirl) < 1e-4


def test_a_field_at_rest_is_solved_in_a_few_steps():
    solution = solve(lambda t, y: torch.zeros_like(y), Y0, (0.0, 1000.0), method="adams")
    assert torch.equal(solution.y1, Y0)
    assert solution.stats.nfe_forward < 40
