"""Methods with step control solve the textbook's problems to the tolerance asked for.

The end of a solve may be off by what the error allowed to one step becomes on the way there (``Problem.gain``, from
the variational equation along SciPy's solution) times ERRORS_THAT_ADD_UP.
"""

from functools import cache

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from textbook import NON_STIFF, STIFF, chain

from odeviz.engine import METHODS, solve

#: Of the hundreds of steps of a solve, each with an error of its own, few weigh as much as the one that weighs most.
#: These methods' steps err closer to what is allowed.
ERRORS_THAT_ADD_UP = {"bosh3": 25.0, "adams": 6.0}
OTHERWISE = 4.0
#: By order: a method of low order is asked for no more than it is made for.
TOLERANCES = {2: (1e-3,), 3: (1e-5,)}
#: Those for stiff fields, and for fields of places and velocities.
SPECIAL = ("esdirk4", "leapfrog")
EVERY = NON_STIFF | STIFF
CASES = [
    pytest.param(method, tolerance, id=f"{method}-{tolerance:g}")
    for method in METHODS
    if METHODS[method].adaptive and method not in SPECIAL
    for tolerance in TOLERANCES.get(METHODS[method].order, (1e-6, 1e-9))
]


@cache
def solved(problem, method, tolerance):
    y0 = torch.tensor([problem.y0], dtype=torch.float64)
    options = {"rtol": tolerance, "atol": tolerance * problem.floor, "max_steps": 100_000}
    solution = solve(problem.field, y0, (0.0, problem.t1), method=method, **options)
    assert solution.ok, solution.message
    return solution


def error_at_end(problem, method, tolerance):
    """In errors that a step of tolerance one may make."""
    return problem.miss(solved(problem, method, tolerance).y1[0].numpy())


@pytest.mark.parametrize("problem", EVERY.values(), ids=EVERY)
def test_the_reference_is_the_solution_known(problem):
    known = np.array(problem.exact(problem.t1))
    atol = 0.0 if problem.stiff else 1e-11
    np.testing.assert_allclose(problem.reference()(problem.t1), known, rtol=1e-11, atol=atol)


@pytest.mark.parametrize("problem", EVERY.values(), ids=EVERY)
def test_both_forms_of_a_field_are_the_same(problem):
    y = np.array(problem.y0) + 0.1
    torch_form = problem.field(0.7, torch.from_numpy(y)[None])[0].numpy()
    np.testing.assert_allclose(torch_form, problem.rhs(0.7, y), rtol=1e-14)


def test_errors_of_a_linear_problem_grow_as_the_matrix_exponential():
    problem = NON_STIFF["C1"]
    wanted = max(
        np.linalg.norm(expm((20 - t) * chain([1.0] * 9)) * problem.scale(t) / problem.scale(20.0)[:, None], 2)
        for t in problem.reference().ts
    )
    assert problem.gain() == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("problem", NON_STIFF.values(), ids=NON_STIFF)
@pytest.mark.parametrize(("method", "tolerance"), CASES)
def test_a_problem_is_solved_to_the_tolerance(method, tolerance, problem):
    allowed = ERRORS_THAT_ADD_UP.get(method, OTHERWISE) * tolerance * problem.gain()
    assert error_at_end(problem, method, tolerance) <= allowed


@pytest.mark.parametrize(("method", "scipys"), [("dopri5", "RK45"), ("dop853", "DOP853")])
def test_the_25_problems_take_no_more_evaluations_than_scipy_with_the_same_method(method, scipys):
    ours = theirs = 0
    for problem in NON_STIFF.values():
        ours += solved(problem, method, 1e-6).stats.nfe_forward
        span = (0.0, problem.t1)
        theirs += solve_ivp(problem.rhs, span, problem.y0, method=scipys, rtol=1e-6, atol=1e-6).nfev
    assert ours < 1.1 * theirs
