"""Observed orders, on a problem whose field depends on time: an autonomous one hides wrong nodes."""

import math

import pytest
import torch

from odeviz.engine import METHODS, solve

Y0 = torch.tensor([[1.0, -0.5], [0.3, 2.0]], dtype=torch.float64)
INTERVAL = (0.2, 3.5)
#: A multistep method starts with a lower order, leapfrog wants places and velocities: both have tests of their own.
TESTED_ELSEWHERE = ("adams", "leapfrog")
ONE_STEP = [method for method in METHODS if method not in TESTED_ELSEWHERE]
ADAPTIVE = [method for method in ONE_STEP if METHODS[method].adaptive]
#: Steps by order: so many that the leading term of the error rules, so few that rounding does not show.
STEPS = {8: (14, 28)}
OTHERWISE = (40, 80)

both_ways = pytest.mark.parametrize("t", [INTERVAL, INTERVAL[::-1]], ids=["forwards", "backwards"])


def nonautonomous(t, y):
    """y' = y cos t + sin 2t, solved by y = C exp(sin t) - 2 sin t - 2."""
    return y * math.cos(t) + math.sin(2 * t)


def exact_nonautonomous(y0, t0, t):
    C = (y0 + 2 * math.sin(t0) + 2) / math.exp(math.sin(t0))
    return C * math.exp(math.sin(t)) - 2 * math.sin(t) - 2


def whirl(t, y):
    """Each point turns about the origin, faster the farther out: y' = |y|^2 J y."""
    return y.square().sum(1, keepdim=True) * torch.stack([-y[:, 1], y[:, 0]], 1)


def exact_whirl(y0, t0, t):
    angle = y0.square().sum(1, keepdim=True) * (t - t0)
    return y0 * angle.cos() + torch.stack([-y0[:, 1], y0[:, 0]], 1) * angle.sin()


def error(solution, y0, exact):
    """Largest over the output times."""
    pairs = zip(solution.t, solution.y, strict=True)
    return max(float((y - exact(y0, solution.t[0], t)).abs().max()) for t, y in pairs)


def observed_order(method, field, y0, t, exact):
    """Slope of log2(error) over a halving of the step."""
    coarse, fine = (
        error(solve(field, y0, t, method=method, steps=steps), y0, exact)
        for steps in STEPS.get(METHODS[method].order, OTHERWISE)
    )
    return math.log2(coarse / fine)


@both_ways
@pytest.mark.parametrize("method", ONE_STEP)
def test_the_error_falls_with_the_order_on_a_nonautonomous_problem(method, t):
    order = METHODS[method].order
    assert order - 0.3 < observed_order(method, nonautonomous, Y0, t, exact_nonautonomous) < order + 1


@both_ways
@pytest.mark.parametrize("method", ONE_STEP)
def test_the_error_falls_with_the_order_on_an_autonomous_problem(method, t):
    order = METHODS[method].order
    assert order - 0.3 < observed_order(method, whirl, Y0 / 2, t, exact_whirl) < order + 1


@both_ways
@pytest.mark.parametrize("method", ONE_STEP)
def test_the_error_of_dense_output_falls_with_its_order(method, t):
    """Inside a step the polynomial of order q is off by the step size to the q + 1, which hides behind the step's."""
    stated = METHODS[method]
    order = min(stated.order, stated.dense_order + 1)
    t = [t[0] + (t[1] - t[0]) * k / 499 for k in range(500)]
    assert order - 0.35 < observed_order(method, nonautonomous, Y0, t, exact_nonautonomous) < order + 1.2


@both_ways
@pytest.mark.parametrize("method", ONE_STEP)
def test_dense_solution_and_output_times_agree(method, t):
    times = [t[0] + (t[1] - t[0]) * share for share in (0.0, 0.06, 0.4, 0.83, 1.0)]
    solution = solve(nonautonomous, Y0, times, method=method, steps=9, dense=True)
    for time, row in zip(solution.t, solution.y, strict=True):
        torch.testing.assert_close(solution(time), row, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", ADAPTIVE)
def test_a_hundredth_of_the_tolerance_gives_less_than_a_tenth_of_the_error(method):
    t = [0.2 + 0.1 * k for k in range(59)]
    errors = []
    for tolerance in (1e-3, 1e-5):
        solution = solve(nonautonomous, Y0, t, method=method, rtol=tolerance, atol=tolerance)
        errors.append(error(solution, Y0, exact_nonautonomous))
        assert errors[-1] < 100 * tolerance
    assert errors[1] < errors[0] / 10
