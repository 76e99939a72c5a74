"""The ESDIRK method's Jacobians, and its derivatives by the implicit function theorem."""

import math

import pytest
import torch

from odeviz.engine import solve
from odeviz.engine.families.newton import jacobian


class Chemistry(torch.nn.Module):
    """A stiff reaction with two parameters, and its Jacobian if asked for."""

    def __init__(self, own=False):
        super().__init__()
        self.slow = torch.nn.Parameter(torch.tensor(0.8, dtype=torch.float64))
        self.fast = torch.nn.Parameter(torch.tensor(300.0, dtype=torch.float64))
        self.unused = torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
        if own:
            self.jacobian = self.derivative

    def forward(self, t, y):
        a, b = y.unbind(1)
        meeting = self.fast * b * (b - a)
        return torch.stack([-self.slow * a * math.cos(t) ** 2 + 0.1 * meeting, self.slow * a - meeting], 1)

    def derivative(self, t, y):
        a, b = y.unbind(1)
        da, db = -self.fast * b, self.fast * (2 * b - a)
        top = torch.stack([-self.slow * math.cos(t) ** 2 + 0.1 * da, 0.1 * db], 1)
        return torch.stack([top, torch.stack([self.slow - da, -db], 1)], 1)


START = torch.tensor([[1.0, 0.2], [0.6, 0.9], [1.3, 1.1]], dtype=torch.float64)


def test_a_jacobian_by_differentiation_is_the_analytic_one_and_counts_its_products():
    J, cost = jacobian(Chemistry(), 0.4, START)
    own, cost_of_own = jacobian(Chemistry(own=True), 0.4, START)
    torch.testing.assert_close(J, own, rtol=1e-14, atol=1e-14)
    assert (cost, cost_of_own) == (3, 1)


def test_a_field_that_does_not_depend_on_the_state_has_the_jacobian_zero():
    assert not jacobian(lambda t, y: torch.full_like(y, t), 0.4, START)[0].any()
    fixed = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    assert not jacobian(lambda t, y: fixed.expand_as(y), 0.4, START)[0].any()
    solution = solve(lambda t, y: torch.full_like(y, t), START, (0.0, 2.0), method="esdirk4", steps=2)
    torch.testing.assert_close(solution.y1, START + 2.0)


def test_a_field_with_a_jacobian_of_its_own_is_solved_to_the_same_with_fewer_evaluations():
    options = {"method": "esdirk4", "rtol": 1e-6, "atol": 1e-8}
    plain, own = (solve(Chemistry(own), START, (0.0, 3.0), **options) for own in (False, True))
    torch.testing.assert_close(plain.y1, own.y1, rtol=1e-12, atol=1e-12)
    saved = plain.stats.nfe_forward - own.stats.nfe_forward
    assert saved == 2 * plain.stats.accepted


def test_a_jacobian_of_another_shape_is_refused():
    class Wrong(Chemistry):
        def jacobian(self, t, y):
            return y

    with pytest.raises(ValueError, match=r"field.jacobian must return \[3, 2, 2\]"):
        solve(Wrong(), START, (0.0, 1.0), method="esdirk4")


TIMES = (0.0, 0.31, 0.8, 1.7)
WEIGHTS = torch.tensor([[[0.7, -1.1], [0.4, 0.3], [-0.6, 1.2]]], dtype=torch.float64) * torch.tensor(
    [0.5, -1.0, 0.8, 1.5], dtype=torch.float64
).reshape(4, 1, 1)
CONTROLLED = {"rtol": 1e-6, "atol": 1e-8}
REJECTING = {"rtol": 1e-4, "atol": 1e-4, "first_step": 1.5}


def gradients(adjoint, field=None, times=TIMES, **options):
    field, y0 = field or Chemistry(), START.clone().requires_grad_()
    solution = solve(field, y0, times, method="esdirk4", adjoint=adjoint, **options)
    assert solution.ok, solution.message
    inputs = [y0, field.slow, field.fast, field.unused]
    grads = torch.autograd.grad((solution.y * WEIGHTS).sum(), inputs, materialize_grads=True)
    return solution, grads


def assert_close(got, wanted, rtol):
    for g, w in zip(got, wanted, strict=True):
        torch.testing.assert_close(g, w, rtol=rtol, atol=rtol)


@pytest.mark.parametrize(
    "options", [CONTROLLED, REJECTING, {"steps": 60}], ids=["controlled", "rejecting", "given"]
)
@pytest.mark.parametrize("times", [TIMES, TIMES[::-1]], ids=["forwards", "backwards"])
def test_steps_made_again_have_the_gradient_of_backprop(options, times):
    if times[0] > times[-1]:
        times = tuple(t / 1000 for t in times)  # backwards the reaction explodes
    backprop, wanted = gradients("backprop", times=times, **options)
    discrete, got = gradients("discrete", times=times, **options)
    torch.testing.assert_close(discrete.y, backprop.y, rtol=1e-13, atol=1e-13)
    assert_close(got, wanted, 1e-11)


def test_the_gradient_of_a_solve_with_rejected_steps_is_that_of_the_steps_it_took():
    field = Chemistry()
    options = {"rtol": 1e-9, "atol": 1e-9, "first_step": 1.5}
    solution, got = gradients("discrete", field, **options)
    assert solution.stats.rejected > 0
    ends = [step.t + step.h for step in solution.stats.steps if step.accepted]
    _, wanted = gradients("discrete", field, grid=[0.0, *ends[:-1], TIMES[-1]])
    assert_close(got, wanted, 1e-8)


@pytest.mark.parametrize("adjoint", ["discrete", "backprop"])
def test_gradients_are_those_of_finite_differences(adjoint):
    def end(y0, slow, fast):
        field = Chemistry()
        del field.slow, field.fast
        field.slow, field.fast = slow, fast
        return solve(
            field,
            y0,
            TIMES,
            method="esdirk4",
            adjoint=adjoint,
            params=[slow, fast],
            grid=[0.0, 0.1, 1.7],
        ).y

    slow = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)
    fast = torch.tensor(20.0, dtype=torch.float64, requires_grad=True)
    inputs = (START[:2].clone().requires_grad_(), slow, fast)
    assert torch.autograd.gradcheck(end, inputs, rtol=1e-6, atol=1e-8, fast_mode=True)
    if adjoint == "backprop":
        assert torch.autograd.gradgradcheck(end, inputs, rtol=1e-5, atol=1e-7, fast_mode=True)


def test_gradients_through_a_jump_are_those_of_the_closed_form():
    rate = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    y0 = torch.tensor([[2.0]], dtype=torch.float64, requires_grad=True)
    for adjoint in ("discrete", "backprop"):
        solution = solve(
            lambda t, y: -rate * y if t < 0.5 else -2 * rate * y,
            y0, [0.0, 1.0], params=[rate], adjoint=adjoint, method="esdirk4", jumps=[0.5], rtol=1e-10, atol=1e-10,
        )  # fmt: skip
        d_y0, d_rate = torch.autograd.grad(solution.y1.sum(), (y0, rate))
        assert d_y0.item() == pytest.approx(math.exp(-1.05), rel=1e-8)
        assert d_rate.item() == pytest.approx(-3.0 * math.exp(-1.05), rel=1e-8)


def test_a_jacobian_of_the_fields_own_serves_the_gradient_too():
    wanted = gradients("discrete", **CONTROLLED)[1]
    for adjoint in ("discrete", "backprop"):
        _, got = gradients(adjoint, Chemistry(own=True), **CONTROLLED)
        assert_close(got, wanted, 1e-10)


def test_products_for_jacobians_are_not_counted_as_the_backward_passs():
    """In backprop the field is differentiated once for each evaluation that is in the graph: f0 and two a stage."""
    solution, _ = gradients("backprop", **CONTROLLED)
    assert solution.stats.nfe_backward == 1 + 10 * solution.stats.accepted


def test_a_gradient_of_steps_made_again_keeps_two_states_a_step():
    solution, _ = gradients("discrete", **CONTROLLED)
    # A start and its derivative for each step but the first, which has a start alone; and the end.
    assert solution.stats.bytes_kept == START.nbytes * (1 + 2 * solution.stats.accepted)
