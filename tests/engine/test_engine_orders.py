"""Observed orders, on a problem whose field depends on time: an autonomous one hides wrong nodes."""

import math

import pytest
import torch

from odeviz.engine import METHODS, solve

Y0 = torch.tensor([[1.0, -0.5], [0.3, 2.0]], dtype=torch.float64)


def nonautonomous(t, y):
    """y' = y cos t + sin 2t, solved by y = C exp(sin t) - 2 sin t - 2."""
    return y * math.cos(t) + math.sin(2 * t)


def exact_nonautonomous(y0, t0, t):
    C = (y0 + 2 * math.sin(t0) + 2) / math.exp(math.sin(t0))
    return C * math.exp(math.sin(t)) - 2 * math.sin(t) - 2


def logistic(t, y):
    return y * (1 - y)


def exact_logistic(y0, t0, t):
    growth = math.exp(t - t0)
    return y0 * growth / (1 + y0 * (growth - 1))


def slope(errors):
    """Slope of log2(error) over successive halvings of the step, from the two finest."""
    return math.log2(errors[-2] / errors[-1])


@pytest.mark.parametrize("interval", [(0.2, 2.0), (2.0, 0.2)], ids=["forwards", "backwards"])
@pytest.mark.parametrize("method", METHODS)
def test_the_error_falls_with_the_order_on_a_nonautonomous_problem(method, interval):
    t0, t1 = interval
    errors = []
    for steps in (20, 40, 80):
        solution = solve(nonautonomous, Y0, interval, method=method, steps=steps)
        errors.append(float((solution.y1 - exact_nonautonomous(Y0, t0, t1)).abs().max()))
    assert METHODS[method].order - 0.3 < slope(errors) < METHODS[method].order + 1.0


@pytest.mark.parametrize("method", METHODS)
def test_the_error_falls_with_the_order_on_an_autonomous_problem(method):
    y0 = Y0.abs()
    errors = []
    for steps in (16, 32, 64):
        solution = solve(logistic, y0, (0.0, 2.0), method=method, steps=steps)
        errors.append(float((solution.y1 - exact_logistic(y0, 0.0, 2.0)).abs().max()))
    assert METHODS[method].order - 0.4 < slope(errors) < METHODS[method].order + 1.0


@pytest.mark.parametrize("interval", [(0.2, 2.0), (2.0, 0.2)], ids=["forwards", "backwards"])
@pytest.mark.parametrize("method", METHODS)
def test_dense_output_has_at_least_the_order_of_the_method_or_four(method, interval):
    """A quartic (dopri5, tsit5) or cubic interpolant keeps an error of the step size to the fifth or fourth."""
    t0, t1 = interval
    expected = min(METHODS[method].order, 5)
    times = [t0 + (t1 - t0) * k / 997 for k in range(998)]
    exact = torch.stack([exact_nonautonomous(Y0, t0, t) for t in times])
    errors = []
    for steps in (20, 40, 80):
        solution = solve(nonautonomous, Y0, times, method=method, steps=steps)
        errors.append(float((solution.y - exact).abs().max()))
    assert expected - 0.35 < slope(errors) < expected + 1.2


@pytest.mark.parametrize("method", METHODS)
def test_dense_solution_and_output_times_agree(method):
    times = [0.2, 0.31, 0.9, 1.7, 2.0]
    solution = solve(nonautonomous, Y0, times, method=method, steps=9, dense=True)
    for t, row in zip(times, solution.y, strict=True):
        torch.testing.assert_close(solution(t), row, rtol=1e-12, atol=1e-12)
    backwards = solve(nonautonomous, Y0, times[::-1], method=method, steps=9, dense=True)
    for t, row in zip(times[::-1], backwards.y, strict=True):
        torch.testing.assert_close(backwards(t), row, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", ["heun", "bosh3", "dopri5", "tsit5"])
def test_a_tighter_tolerance_gives_a_smaller_error(method):
    errors = []
    for tolerance in (1e-3, 1e-4, 1e-5):
        solution = solve(nonautonomous, Y0, (0.2, 6.0), method=method, rtol=tolerance, atol=tolerance)
        errors.append(float((solution.y1 - exact_nonautonomous(Y0, 0.2, 6.0)).abs().max()))
        assert errors[-1] < 100 * tolerance
    assert errors[0] > 3 * errors[1] > 9 * errors[2]
