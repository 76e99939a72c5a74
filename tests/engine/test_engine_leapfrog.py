"""The leapfrogs: their order, what they conserve, and that their steps can be undone."""

import math

import pytest
import torch
from leapfrog_methods import ALF, START, STEPPERS, both_methods, pendulum, reference
from textbook import NON_STIFF

from odeviz.engine import METHODS, solve

both_ways = pytest.mark.parametrize("t", [(0.2, 3.5), (3.5, 0.2)], ids=["forwards", "backwards"])


def energy(y):
    q, p = y.chunk(2, -1)
    return 0.5 * p.square() - torch.cos(q)


def forced(t, y):
    """q' = p cos t, p' = -q cos t + sin 2t: in the time sin t, an oscillator driven by twice that time."""
    q, p = y.chunk(2, -1)
    return torch.cat([p * math.cos(t), -q * math.cos(t) + math.sin(2 * t)], -1)


def exact_forced(y0, t0, t):
    q, p = (y0 - _particular(t0)).chunk(2, -1)
    angle = math.sin(t) - math.sin(t0)
    c, s = math.cos(angle), math.sin(angle)
    return torch.cat([c * q + s * p, c * p - s * q], -1) + _particular(t)


def _particular(t):
    """q = 2 sin t, p = 2."""
    return torch.tensor([2 * math.sin(t)] * 2 + [2.0] * 2, dtype=torch.float64)


def observed_order(method, field, t, wanted, steps=(60, 120)):
    coarse, fine = (
        float((solve(field, START, t, method=method, steps=n).y - wanted).abs().max()) for n in steps
    )
    return math.log2(coarse / fine)


@both_ways
@both_methods
def test_the_order_is_two_on_a_nonautonomous_problem(method, t):
    wanted = torch.stack([exact_forced(START, t[0], s) for s in t])
    assert 1.9 < observed_order(method, forced, t, wanted) < 2.1


@both_ways
@both_methods
def test_the_order_is_two_on_an_autonomous_problem(method, t):
    assert 1.9 < observed_order(method, pendulum, t, reference(pendulum, START, t)) < 2.1


@both_ways
@both_methods
def test_the_order_of_dense_output_is_two(method, t):
    t = [t[0] + (t[1] - t[0]) * k / 499 for k in range(500)]
    wanted = torch.stack([exact_forced(START, t[0], s) for s in t])
    assert 1.85 < observed_order(method, forced, t, wanted) < 2.2


@both_methods
def test_dense_solution_and_output_times_agree(method):
    times = [0.2, 0.4, 1.5, 2.9, 3.5]
    solution = solve(forced, START, times, method=method, steps=9, dense=True)
    for time, row in zip(times, solution.y, strict=True):
        torch.testing.assert_close(solution(time), row, rtol=1e-13, atol=1e-13)


def test_leapfrog_takes_two_evaluations_a_step_and_the_asynchronous_one_takes_one():
    nfe = {
        method: solve(pendulum, START, (0.0, 1.0), method=method, steps=50).stats.nfe_forward
        for method in STEPPERS
    }
    assert nfe == {"leapfrog": 101, ALF: 51}
    assert {m: METHODS[m].stages - METHODS[m].fsal for m in STEPPERS} == {"leapfrog": 2, ALF: 1}


def test_leapfrog_loses_its_order_on_a_field_that_is_not_separable():
    def swirl(t, y):
        q, p = y.chunk(2, -1)
        return torch.cat([p + 0.3 * q, -q + 0.2 * p], -1)

    t = (0.0, 2.0)
    assert observed_order("leapfrog", swirl, t, reference(swirl, START, t)) < 1.3


def test_a_state_without_as_many_momenta_as_positions_is_refused():
    y0 = torch.ones(2, 3, dtype=torch.float64)
    with pytest.raises(ValueError, match="y0 must have an even number of columns for method 'leapfrog'"):
        solve(lambda t, y: y, y0, (0.0, 1.0), method="leapfrog", steps=3)


def test_leapfrog_needs_steps_to_be_given():
    with pytest.raises(ValueError, match="give steps, dt or grid"):
        solve(pendulum, START, (0.0, 1.0), method="leapfrog")


def energies(method, steps, y0, periods):
    """Largest energy error over each 40th of so many times 2 pi, looked at 10 times."""
    times = [2 * math.pi * periods * k / 400 for k in range(401)]
    y = solve(pendulum, y0, times, method=method, steps=steps * periods).y
    return (energy(y) - energy(y0)).abs().flatten()[1:].reshape(40, 10).max(1).values


def test_the_energy_error_of_leapfrog_does_not_grow_where_that_of_rk4_does():
    """Two thousand small periods of a pendulum, ten steps in each; rk4 takes twice as many evaluations."""
    y0 = torch.tensor([[1.2, 0.0]], dtype=torch.float64)
    leapfrog = energies("leapfrog", 10, y0, 2_000)
    assert leapfrog.max() < 1.01 * leapfrog[:4].max() < 0.06
    rk4 = energies("rk4", 10, y0, 500)
    assert rk4.diff().min() > 0
    assert rk4[-1] > 5 * leapfrog.max()


def test_the_energy_error_of_leapfrog_falls_with_the_square_of_the_step():
    y0 = torch.tensor([[1.2, 0.0]], dtype=torch.float64)
    coarse, fine = (energies("leapfrog", steps, y0, 20).max() for steps in (40, 80))
    assert 3.8 < coarse / fine < 4.2


@both_methods
def test_going_back_leads_to_the_start(method):
    """There and back again in equal steps, the asynchronous one with the velocity it arrived with."""
    stepper = STEPPERS[method](forced, METHODS[method], START)
    steps = [(0.01 * k, 0.01) for k in range(1000)]
    for t, h in steps:
        stepper.attempt(t, h)
        stepper.accept()
    there = stepper.state
    for t, h in reversed(steps):
        stepper.attempt(t + h, -h)
        stepper.accept()
    assert float((there - START).abs().max()) > 0.5
    torch.testing.assert_close(stepper.state, START, rtol=1e-11, atol=1e-11)


@both_methods
def test_a_step_is_undone_to_rounding(method):
    stepper = STEPPERS[method](forced, METHODS[method], START)
    carries, steps = [], [(0.0, 0.1), (0.1, 0.03), (0.13, 0.2), (0.33, 0.01)]
    for t, h in steps:
        carries.append(stepper.carry())
        stepper.attempt(t, h)
        stepper.accept()
    carry = stepper.carry()
    for (t, h), wanted in zip(reversed(steps[1:]), reversed(carries[1:]), strict=True):
        carry = stepper.undo(t, h, carry)
        for got, kept in zip(carry, wanted, strict=True):
            torch.testing.assert_close(got, kept, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("problem", NON_STIFF.values(), ids=NON_STIFF)
def test_the_asynchronous_leapfrog_under_control_solves_the_textbook(problem):
    """Also where solutions decay, and a velocity that is never set anew goes astray."""
    y0 = torch.tensor([problem.y0], dtype=torch.float64)
    options = {"rtol": 1e-4, "atol": 1e-4 * problem.floor}
    solution = solve(problem.field, y0, (0.0, problem.t1), method=ALF, **options)
    heun = solve(problem.field, y0, (0.0, problem.t1), method="heun", **options)
    assert solution.ok, solution.message
    assert problem.miss(solution.y1[0].numpy()) < 5 * 1e-4 * problem.gain()
    assert solution.stats.nfe_forward < heun.stats.nfe_forward


def test_with_given_steps_the_velocity_is_never_set_anew():
    """One evaluation at the start, and one in each step, even where the solution decays."""
    y0 = torch.ones(1, 1, dtype=torch.float64)
    assert solve(lambda t, y: -y, y0, (0.0, 20.0), method=ALF, steps=500).stats.nfe_forward == 501
