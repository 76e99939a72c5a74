"""What the modes of differentiation promise beyond a right gradient: cost, memory, jumps, every method."""

import math

import pytest
import torch
from torch import nn

from odeviz.engine import ADJOINTS, METHODS, ButcherTableau, solve

EXPLICIT = [name for name, method in METHODS.items() if isinstance(method, ButcherTableau)]
ADAPTIVE = [name for name in EXPLICIT if METHODS[name].adaptive]
CONTINUOUS = ["backsolve", "interpolating"]


class Swirl(nn.Module):
    """A small smooth field that depends on time."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(11)
        self.A = nn.Parameter(torch.randn(2, 2, generator=generator, dtype=torch.float64))
        self.b = nn.Parameter(torch.randn(2, generator=generator, dtype=torch.float64))
        self.unused = nn.Parameter(torch.ones(3, dtype=torch.float64))

    def forward(self, t, y):
        return torch.tanh(y @ self.A) * math.cos(2 * t) + self.b * math.sin(t)


def start():
    return torch.tensor([[0.4, -1.0], [1.2, 0.3], [0.0, 0.7]], dtype=torch.float64, requires_grad=True)


def gradient(field, times, loss=None, **options):
    """All gradients of a loss of the solution, y0 first, and the solution."""
    y0 = start()
    solution = solve(field, y0, times, **options)
    assert solution.ok, solution.message
    value = (loss or (lambda y: (y * torch.linspace(0.5, 1.5, len(y)).to(y)[:, None, None]).square().sum()))(
        solution.y
    )
    inputs = [y0, *field.parameters()]
    parts = torch.autograd.grad(value, inputs, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(inputs, parts, strict=True)], solution


def distance(got, wanted):
    largest = max(float(w.abs().max()) for w in wanted)
    return max(float((g - w).abs().max()) for g, w in zip(got, wanted, strict=True)) / largest


@pytest.mark.parametrize("method", EXPLICIT)
def test_the_discrete_gradient_of_every_explicit_method_is_that_of_its_steps(method):
    times = [0.0, 0.31, 0.7, 1.1, 2.0]
    options = {"method": method, "steps": 6}
    exact, _ = gradient(Swirl(), times, adjoint="backprop", **options)
    got, _ = gradient(Swirl(), times, adjoint="discrete", **options)
    assert distance(got, exact) < 1e-12


@pytest.mark.parametrize("adjoint", CONTINUOUS)
@pytest.mark.parametrize("method", ["bosh3", "dopri5", "tsit5", "dop853"])
def test_a_continuous_gradient_is_right_to_the_tolerance_with_outputs_inside_steps(adjoint, method):
    times = torch.linspace(0.0, 3.0, 23, dtype=torch.float64)
    exact, _ = gradient(Swirl(), times, adjoint="backprop", method="dop853", rtol=1e-12, atol=1e-12)
    for tolerance in (1e-4, 1e-6, 1e-8):
        got, _ = gradient(Swirl(), times, adjoint=adjoint, method=method, rtol=tolerance, atol=tolerance)
        assert distance(got, exact) < 30 * tolerance


@pytest.mark.parametrize("adjoint", CONTINUOUS)
def test_a_continuous_gradient_backwards_in_time(adjoint):
    times = [3.0, 2.2, 1.9, 0.3, 0.0]
    exact, _ = gradient(Swirl(), times, adjoint="backprop", rtol=1e-11, atol=1e-11)
    got, _ = gradient(Swirl(), times, adjoint=adjoint, rtol=1e-8, atol=1e-8)
    assert distance(got, exact) < 3e-7


@pytest.mark.parametrize("adjoint", CONTINUOUS)
@pytest.mark.parametrize("method", ["midpoint", "rk4", "dopri5"])
def test_a_continuous_gradient_with_equal_steps_converges_with_the_method(adjoint, method):
    times = [0.0, 0.37, 1.21, 3.0]
    exact, _ = gradient(Swirl(), times, adjoint="backprop", rtol=1e-12, atol=1e-12)
    coarse, fine = (
        distance(gradient(Swirl(), times, adjoint=adjoint, method=method, steps=n)[0], exact)
        for n in (24, 48)
    )
    # Outputs inside steps have the order of the dense output.
    assert math.log2(coarse / fine) > min(METHODS[method].order, METHODS[method].dense_order + 1) - 0.7


@pytest.mark.parametrize("adjoint", ["discrete", "interpolating"])
def test_backward_evaluations_do_not_depend_on_the_number_of_outputs(adjoint):
    counts = []
    for outputs in (2, 20, 100, 500):
        times = torch.linspace(0.0, 3.0, outputs, dtype=torch.float64)
        _, solution = gradient(Swirl(), times, adjoint=adjoint)
        counts.append(solution.stats.nfe_backward)
    # At most the end derivative of the last step, which outputs inside that step depend on.
    assert max(counts) <= counts[0] + 1


def test_backsolve_does_not_stop_at_outputs():
    counts = []
    for outputs in (20, 500):
        times = torch.linspace(0.0, 3.0, outputs, dtype=torch.float64)
        _, solution = gradient(Swirl(), times, adjoint="backsolve")
        counts.append(solution.stats.nfe_backward)
    assert counts[1] < 1.5 * counts[0]


def bytes_kept(adjoint, steps, **options):
    _, solution = gradient(Swirl(), [0.0, 3.0], adjoint=adjoint, steps=steps, **options)
    return solution.stats.bytes_kept


def test_backsolve_keeps_one_state_whatever_the_number_of_steps():
    assert bytes_kept("backsolve", 10) == bytes_kept("backsolve", 200) == 3 * 2 * 8


@pytest.mark.parametrize("adjoint", ["discrete", "interpolating", "backprop"])
def test_the_other_modes_keep_bytes_in_proportion_to_the_steps(adjoint):
    assert 8 < bytes_kept(adjoint, 200) / bytes_kept(adjoint, 20) < 12


@pytest.mark.parametrize("adjoint", [mode for mode in ADJOINTS if mode != "reversible"])
def test_parameters_that_are_not_used_get_zeros_of_their_shape(adjoint):
    field, y0 = Swirl(), start()
    solve(field, y0, [0.0, 1.0], adjoint=adjoint).y.sum().backward()
    if adjoint != "backprop":  # which is automatic differentiation's own affair
        assert torch.equal(field.unused.grad, torch.zeros(3, dtype=torch.float64))
    assert field.A.grad.abs().max() > 0


class Switched(nn.Module):
    """y' = -a y before t = 1/3 and +b y from then on."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(1.5, dtype=torch.float64))
        self.b = nn.Parameter(torch.tensor(0.5, dtype=torch.float64))

    def forward(self, t, y):
        return -self.a * y if t < 1 / 3 else self.b * y


@pytest.mark.parametrize("adjoint", [mode for mode in ADJOINTS if mode != "reversible"])
@pytest.mark.parametrize("method", ["dopri5", "dop853"])
@pytest.mark.parametrize("forwards", [True, False])
def test_gradients_through_a_jump_of_the_field_are_its_closed_form(adjoint, method, forwards):
    field = Switched()
    times = (0.0, 0.2, 1 / 3, 0.5, 1.0) if forwards else (1.0, 0.5, 1 / 3, 0.2, 0.0)
    y0 = torch.tensor([[2.0], [-1.0]], dtype=torch.float64, requires_grad=True)
    solution = solve(field, y0, times, adjoint=adjoint, method=method, jumps=[1 / 3], rtol=1e-10, atol=1e-10)
    exponent = -field.a / 3 + field.b * 2 / 3
    exact = y0 * torch.exp(exponent if forwards else -exponent)
    torch.testing.assert_close(solution.y1, exact, rtol=1e-8, atol=1e-8)
    middle = y0 * torch.exp(-field.a * 0.2 if forwards else -field.b * 0.5)
    loss, wanted = (solution.y1 * solution.y[1]).sum(), (exact * middle).sum()
    inputs = (y0, field.a, field.b)
    for got, right in zip(
        torch.autograd.grad(loss, inputs), torch.autograd.grad(wanted, inputs, allow_unused=True), strict=True
    ):
        torch.testing.assert_close(
            got, torch.zeros_like(got) if right is None else right, rtol=1e-7, atol=1e-7
        )
    # A step across the jump would be rejected again and again; one is, where the field becomes three times faster.
    assert solution.stats.rejected <= 1


def test_the_adjoint_tolerance_is_that_of_the_backward_solve():
    loose, tight = (
        gradient(
            Swirl(), [0.0, 3.0], adjoint="backsolve", rtol=1e-6, atol=1e-6, adjoint_rtol=tol, adjoint_atol=tol
        )
        for tol in (1e-3, 1e-8)
    )
    exact, _ = gradient(Swirl(), [0.0, 3.0], adjoint="backprop", rtol=1e-11, atol=1e-11)
    assert loose[1].stats.nfe_backward < 0.5 * tight[1].stats.nfe_backward
    assert distance(tight[0], exact) < 0.1 * distance(loose[0], exact)


@pytest.mark.parametrize("adjoint", ["discrete", "interpolating", "backsolve"])
def test_gradcheck_at_irregular_output_times_with_rejected_steps(adjoint):
    field, y0 = Swirl(), start()
    times = torch.tensor([0.0, 0.05, 0.9, 0.97, 2.0], dtype=torch.float64, requires_grad=True)
    tolerance = {"rtol": 1e-5, "atol": 1e-5} if adjoint == "discrete" else {"rtol": 1e-11, "atol": 1e-11}
    solution = solve(field, y0, times, adjoint=adjoint, first_step=1.9, **tolerance)
    assert solution.stats.rejected > 0
    # For the steps taken to be the same at every perturbed point, they are given; what is checked is the gradient.
    accepted = [step for step in solution.stats.steps if step.accepted]
    grid = [0.0, *(step.t + step.h for step in accepted[:-1]), 2.0]

    def through(y0, A, b):
        field.A.data.copy_(A.detach()), field.b.data.copy_(b.detach())
        call = lambda t, y: torch.tanh(y @ A) * math.cos(2 * t) + b * math.sin(t)  # noqa: E731
        return solve(call, y0, times.detach(), adjoint=adjoint, grid=grid, params=[A, b], **tolerance).y

    assert torch.autograd.gradcheck(through, (y0, field.A, field.b), atol=1e-6, rtol=1e-6, fast_mode=True)


def test_second_derivatives_in_backprop():
    y0 = torch.tensor([[0.7, -0.2]], dtype=torch.float64, requires_grad=True)
    A = torch.tensor([[0.3, 1.0], [-1.0, 0.1]], dtype=torch.float64, requires_grad=True)

    def through(y0, A):
        return solve(lambda t, y: torch.tanh(y @ A), y0, [0.0, 0.4, 1.0], adjoint="backprop", steps=4).y

    assert torch.autograd.gradgradcheck(through, (y0, A), atol=1e-5, rtol=1e-5)


def test_reversible_needs_a_method_that_can_be_undone():
    with pytest.raises(
        ValueError, match=r"adjoint 'reversible' needs a method that can be undone .*, not 'dopri5'"
    ):
        solve(Swirl(), start(), [0.0, 1.0], adjoint="reversible")
