"""The ESDIRK method: its stability, its Newton iterations, its accuracy on stiff problems, its derivatives."""

import dataclasses
import math
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from textbook import STIFF

from odeviz.engine import METHODS, Event, Status, solve
from odeviz.engine.families.esdirk import ESDIRK4

METHOD = METHODS["esdirk4"]

# --- the tableau -----------------------------------------------------------------------------------------------------


def test_the_coefficients_are_exact_fractions():
    assert all(isinstance(x, Fraction) for row in (*METHOD.a, METHOD.c, METHOD.embedded) for x in row)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"a": (*ESDIRK4.a[:-1], (*ESDIRK4.a[-1][:-1], Fraction(1, 2)))}, "row 5 of a sums"),
        ({"a": (*ESDIRK4.a[:1], (Fraction(1, 3), Fraction(1, 6)), *ESDIRK4.a[2:])}, "row 1 of a ends in"),
        (
            {"a": ((Fraction(1, 4),), *ESDIRK4.a[1:]), "c": (Fraction(1, 4), *ESDIRK4.c[1:])},
            "row 0 of a ends in",
        ),
        ({"embedded": (*ESDIRK4.embedded[:-1], Fraction(1))}, "embedded sums"),
        ({"a": ESDIRK4.a[:-1], "c": ESDIRK4.c[:-1], "embedded": ESDIRK4.embedded[:-1]}, "c ends in"),
        ({"c": ESDIRK4.c[:-1]}, "do not fit"),
    ],
)
def test_an_inconsistent_tableau_cannot_be_built(change, named):
    with pytest.raises(ValueError, match=f"esdirk4.*{named}"):
        dataclasses.replace(ESDIRK4, **change)


def stability(weights):
    """R(z) = P(z) / (1 - z / 4)^5 of a step with these weights: both polynomials, lowest power first, exactly."""
    n = METHOD.stages
    column, moments = [Fraction(1)] * n, [Fraction(1)]
    for _ in range(n):
        moments.append(sum(w * x for w, x in zip(weights, column, strict=True)))
        column = [sum(a * x for a, x in zip(row, column, strict=False)) for row in METHOD.a]
    bottom = [math.comb(n - 1, k) * Fraction(-1, 4) ** k for k in range(n)]
    top = [sum(moments[k - j] * bottom[j] for j in range(k + 1)) for k in range(n)]
    return top, bottom


def squared_on_the_imaginary_axis(polynomial):
    """|p(iy)|^2 as a polynomial in y^2."""
    n = len(polynomial)
    powers = [Fraction(0)] * n
    for j, p in enumerate(polynomial):
        for k, q in enumerate(polynomial):
            if (j + k) % 2 == 0:
                powers[(j + k) // 2] += p * q * (-1) ** ((j - k) // 2)
    return powers


@pytest.mark.parametrize("weights", [METHOD.b, METHOD.embedded], ids=["step", "embedded"])
def test_both_methods_are_stable_on_the_imaginary_axis_and_so_in_the_left_half_plane(weights):
    """|Q|^2 - |P|^2 on the axis is a polynomial in y^2; without a positive zero it keeps its sign."""
    top, bottom = (squared_on_the_imaginary_axis(p) for p in stability(weights))
    rest = [float(q - p) for p, q in zip(top, bottom, strict=True)]
    zeros = np.roots(np.trim_zeros(rest)[::-1])
    assert rest[-1] > 0
    assert not any(abs(zero.imag) < 1e-9 and zero.real > 1e-9 for zero in zeros)


def test_a_step_forgets_what_is_infinitely_stiff_and_the_embedded_one_damps_it():
    top, bottom = stability(METHOD.b)
    assert top[-1] == 0 != bottom[-1]
    top, bottom = stability(METHOD.embedded)
    assert 0 < abs(top[-1] / bottom[-1]) < Fraction(1, 5)


def test_the_stability_function_is_the_exponential_to_the_order():
    top, bottom = stability(METHOD.b)
    for k in range(5):
        assert top[k] == sum(bottom[j] / math.factorial(k - j) for j in range(k + 1))


# --- steps -----------------------------------------------------------------------------------------------------------


def column(*values):
    return torch.tensor(values, dtype=torch.float64)[:, None]


def test_a_step_multiplies_a_linear_decay_by_the_stability_function():
    top, bottom = stability(METHOD.b)
    for z in (-0.7, -30.0, -1e5):
        wanted = np.polyval([float(p) for p in top[::-1]], z) / np.polyval(
            [float(q) for q in bottom[::-1]], z
        )
        solution = solve(lambda t, y, z=z: z * y, column(1.0), (0.0, 1.0), method="esdirk4", steps=1)
        assert solution.y1.item() == pytest.approx(wanted, rel=1e-10, abs=1e-14)


@pytest.mark.parametrize("stiffness", [1e4, 1e8])
def test_large_steps_follow_a_slow_solution_that_others_fall_upon(stiffness):
    def field(t, y):
        return -stiffness * (y - math.cos(t)) - math.sin(t)

    solution = solve(field, column(1.0, 2.0, -5.0), (0.0, 10.0), method="esdirk4", rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(solution.y1, torch.full_like(solution.y1, math.cos(10.0)), rtol=0, atol=1e-6)
    assert solution.stats.accepted < 200


def test_a_linear_field_takes_one_iteration_a_stage_and_one_to_see_that_it_was_enough():
    counted = []

    def field(t, y):
        counted.append(t)
        return y @ torch.tensor([[-3.0, 1.0], [0.5, -200.0]], dtype=torch.float64)

    solution = solve(field, torch.ones(4, 2, dtype=torch.float64), (0.0, 1.0), method="esdirk4", steps=1)
    assert len(counted) == 1 + 1 + 5 * 2  # f(t0, y0), the field to be differentiated, and the implicit stages
    assert solution.stats.nfe_forward == 12 + 2  # with a vector-Jacobian product for each dimension


def test_a_rejected_step_is_tried_again_with_the_same_jacobian():
    problem = STIFF["van-der-pol"]

    class Relaxation:
        calls = 0

        def __call__(self, t, y):
            return problem.field(t, y)

        def jacobian(self, t, y):
            self.calls += 1
            return torch.from_numpy(np.stack([problem.jacobian(t, row) for row in y.numpy()]))

    field, y0 = Relaxation(), torch.tensor([problem.y0], dtype=torch.float64)
    stats = solve(field, y0, (0.0, 900.0), method="esdirk4", rtol=1e-4, atol=1e-7).stats
    assert stats.rejected > 20
    assert field.calls == stats.accepted


def test_iterations_that_fail_make_the_step_smaller():
    """From far off the Jacobian at the start says nothing of where the stage lies."""

    def field(t, y):
        return -torch.sinh(5 * y)

    solution = solve(field, column(3.0), (0.0, 1.0), method="esdirk4", rtol=1e-6, atol=1e-6, first_step=1.0)
    unsolved = [step for step in solution.stats.steps if step.error == math.inf]
    assert solution.ok
    assert unsolved
    for step, following in pairwise(solution.stats.steps):
        if step.error == math.inf:
            assert abs(following.h / step.h) == pytest.approx(0.2)
    # tanh(5 y / 2) falls as exp(-5 t).
    wanted = 0.4 * math.atanh(math.tanh(7.5) * math.exp(-5.0))
    assert solution.y1.item() == pytest.approx(wanted, abs=1e-5)


def test_a_given_step_is_solved_with_new_jacobians_where_the_first_one_fails():
    """One step whose stages solve cubic equations, each checked by its root."""

    def field(t, y):
        return -50 * y**3

    solution = solve(field, column(2.0), (0.0, 1.0), method="esdirk4", steps=1)
    y, slopes = 2.0, [-400.0]
    for row in METHOD.a[1:]:
        base = y + sum(float(a) * k for a, k in zip(row, slopes, strict=False))
        roots = np.roots([50 * 0.25, 0.0, 1.0, -base])
        stage = next(r.real for r in roots if abs(r.imag) < 1e-9)
        slopes.append(-50 * stage**3)
    assert solution.y1.item() == pytest.approx(stage, rel=1e-12)


def test_given_steps_whose_equations_have_no_solution_are_not_called_infinite():
    """y = base + h gamma (1 + y^2) / 10 has no root for a large base."""
    options = {"method": "esdirk4", "steps": 3}
    solution = solve(lambda t, y: 0.1 * (1 + y * y), column(0.0, 20.0), (0.0, 3.0), **options)
    assert solution.status is Status.STEP_TOO_SMALL
    assert "equations of an implicit step could not be solved" in solution.message
    assert solution.samples == (1,)


def test_a_step_whose_equations_have_no_solution_at_any_size_is_called_too_small():
    """Whatever the step, y = y0 - sign(y) / t takes the first stage across the jump of the sign and back."""
    solution = solve(
        lambda t, y: -torch.sign(y) / max(t, 1e-300),
        column(1.0),
        (0.0, 3.0),
        method="esdirk4",
        first_step=0.5,
    )
    assert solution.status is Status.STEP_TOO_SMALL
    assert solution.stats.steps[-1].error == math.inf


def test_a_field_that_is_no_number_beyond_a_wall_ends_there():
    """y = exp(-t) until y = 1/2, where the field stops being a number, for the second sample alone."""

    def field(t, y):
        wall = torch.tensor([[-1.0], [0.5]], dtype=torch.float64)
        return torch.where(y < wall, math.nan, -y)

    solution = solve(field, column(1.0, 1.0), (0.0, 2.0), method="esdirk4")
    assert solution.status is Status.NON_FINITE
    assert solution.t_stop == pytest.approx(math.log(2.0), abs=1e-4)
    assert solution.samples == (1,)


def test_a_jump_of_the_field_is_never_stepped_over():
    """The field's rate falls from 1000 to 1 at t = 1, and is not a number there."""

    def field(t, y):
        rate = math.nan if t == 1.0 else 1000.0 if t < 1.0 else 1.0
        return -rate * (y - 2.0) if t < 1.0 else -rate * y

    solution = solve(field, column(5.0), (0.0, 2.0), method="esdirk4", rtol=1e-8, atol=1e-8, jumps=[1.0])
    assert solution.y1.item() == pytest.approx(2 * math.exp(-1.0), abs=1e-7)


def test_an_event_of_a_stiff_solution_is_found_to_the_tolerance():
    rate = 1000.0

    def field(t, y):
        return -rate * (y - math.cos(t))

    # On the slow solution y = (rate cos t + sin t) rate / (rate^2 + 1), whose zero is at pi/2 + arctan(1 / rate).
    solution = solve(
        field,
        column(1.0),
        (0.0, 3.0),
        method="esdirk4",
        rtol=1e-8,
        atol=1e-8,
        events=[Event(lambda t, y: y[:, 0])],
    )
    assert solution.events[0].t.item() == pytest.approx(math.pi / 2 + math.atan(1 / rate), abs=1e-6)


@pytest.mark.parametrize(
    "options", [{"rtol": 1e-5, "atol": 1e-5}, {"steps": 40}], ids=["controlled", "given"]
)
def test_single_precision_is_enough(options):
    stiff = solve(
        lambda t, y: -1000 * (y - math.cos(t)),
        torch.tensor([[1.0], [3.0]]),
        (0.0, 5.0),
        method="esdirk4",
        **options,
    )
    wanted = (1e6 * math.cos(5.0) + 1e3 * math.sin(5.0)) / (1e6 + 1)
    torch.testing.assert_close(stiff.y1, torch.full((2, 1), wanted), rtol=0, atol=1e-4)


def test_a_stiff_complex_decay_is_that_of_its_closed_form():
    rate = -1000 + 50j
    y0 = torch.tensor([[1.0 + 0j], [0.5 - 1j]], dtype=torch.complex128)
    solution = solve(lambda t, y: rate * y * y, y0, (0.0, 2.0), method="esdirk4", rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(solution.y1, y0 / (1 - rate * 2.0 * y0), rtol=1e-5, atol=1e-8)


# --- stiff problems --------------------------------------------------------------------------------------------------


@cache
def textbook(problem, tolerance, method="esdirk4", **options):
    y0 = torch.tensor([problem.y0], dtype=torch.float64)
    options = {"rtol": tolerance, "atol": tolerance * problem.floor, "max_steps": 100_000} | options
    return solve(problem.field, y0, (0.0, problem.t1), method=method, **options)


@pytest.mark.parametrize("problem", STIFF.values(), ids=STIFF)
def test_the_error_follows_the_tolerance_on_stiff_problems(problem):
    """In errors that a step may make, times what they become until the end."""
    misses = []
    for tolerance in (1e-4, 1e-7):
        solution = textbook(problem, tolerance)
        assert solution.ok, solution.message
        misses.append(problem.miss(solution.y1[0].numpy()))
        assert misses[-1] < 10 * tolerance * problem.gain()
    assert misses[0] > 100 * misses[1]


@pytest.mark.parametrize("tolerance", [1e-4, 1e-7])
@pytest.mark.parametrize("problem", STIFF.values(), ids=STIFF)
def test_steps_are_no_more_than_those_of_scipys_methods(problem, tolerance):
    options = {"rtol": tolerance, "atol": tolerance * problem.floor, "jac": problem.jacobian}
    fewest = min(
        len(solve_ivp(problem.rhs, (0.0, problem.t1), problem.y0, method=method, **options).t) - 1
        for method in ("Radau", "BDF")
    )
    assert textbook(problem, tolerance).stats.accepted < fewest


def test_steps_grow_with_time_on_the_way_to_equilibrium():
    """Robertson's problem up to 1e11, its end from the Test Set for IVP Solvers; the sum of the entries is kept."""
    problem = STIFF["robertson"]
    y0 = torch.tensor([problem.y0], dtype=torch.float64)
    solution = solve(problem.field, y0, (0.0, 1e11), method="esdirk4", rtol=1e-8, atol=1e-16)
    wanted = torch.tensor([[0.2083340149701255e-7, 0.8333360770334713e-13, 0.9999999791665050]])
    torch.testing.assert_close(solution.y1, wanted.double(), rtol=1e-5, atol=0)
    assert solution.y1.sum().item() == pytest.approx(1.0, abs=1e-9)
    assert solution.stats.accepted < 1000


def test_an_explicit_method_needs_twenty_times_the_evaluations():
    problem = dataclasses.replace(STIFF["van-der-pol"], t1=10.0)
    implicit = textbook(problem, 1e-6)
    explicit = textbook(problem, 1e-6, "dopri5", max_steps=1_000_000)
    torch.testing.assert_close(implicit.y1, explicit.y1, rtol=1e-5, atol=1e-8)
    assert explicit.stats.nfe_forward > 20 * implicit.stats.nfe_forward


def test_oscillators_of_any_stiffness_are_solved_in_one_batch():
    mu = torch.tensor([1.0, 10.0, 100.0, 1000.0], dtype=torch.float64)

    def field(t, y):
        return torch.stack([y[:, 1], mu * (1 - y[:, 0] ** 2) * y[:, 1] - y[:, 0]], 1)

    y0 = torch.tensor([[2.0, 0.0]] * 4, dtype=torch.float64)
    solution = solve(field, y0, (0.0, 10.0), method="esdirk4", rtol=1e-7, atol=1e-8)
    for row, m in zip(solution.y1, mu.tolist(), strict=True):

        def rhs(t, y, m=m):
            return [y[1], m * (1 - y[0] ** 2) * y[1] - y[0]]

        alone = solve_ivp(rhs, (0.0, 10.0), [2.0, 0.0], method="Radau", rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(row.numpy(), alone.y[:, -1], rtol=0, atol=1e-5)
