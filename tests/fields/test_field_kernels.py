"""A kernel equals its field's plain forward and automatic differentiation, in float64."""

from __future__ import annotations

import copy
import itertools

import pytest
import torch
from kernel_checks import check_kernel, difference
from torch import Tensor, nn

from odeviz.engine import solve
from odeviz.fields import ACTIVATIONS, TIMES, LogDensityField, MLPField, Rescaled

HIDDEN = {1: (7,), 2: (7, 6), 3: (5, 7, 6), 4: (5, 6, 7, 4)}
CASES = list(itertools.product(ACTIVATIONS, TIMES, HIDDEN, (False, True)))


def make(
    activation: str, time: str, hidden: tuple[int, ...], divergence: bool, dim: int = 2, rescaled: bool = True
) -> nn.Module:
    torch.manual_seed(0)
    field: nn.Module = MLPField(dim, hidden, activation=activation, time=time).double()
    if rescaled:
        field = Rescaled(field, nn.Parameter(torch.tensor(0.3, dtype=torch.float64)))
    return LogDensityField(field) if divergence else field


@pytest.mark.parametrize(("activation", "time", "depth", "divergence"), CASES)
def test_kernel_equals_autograd(activation: str, time: str, depth: int, divergence: bool) -> None:
    field = make(activation, time, HIDDEN[depth], divergence)
    check_kernel(field, batch=9, dim=2 + divergence)


@pytest.mark.parametrize("batch", [1, 3, 40])
@pytest.mark.parametrize(
    ("hidden", "dim", "divergence"),
    [
        ((6,), 1, True),
        ((40, 30), 1, False),
        ((40, 30), 3, True),
        ((16, 12, 8), 5, True),
        ((20,), 64, True),
        ((9, 8), 64, False),
    ],
)
def test_kernel_is_right_for_any_batch_and_dimension(
    batch: int, hidden: tuple[int, ...], dim: int, divergence: bool
) -> None:
    # Small batches keep deltas, large ones form gradient products at once; thin layers have their own products.
    check_kernel(make("tanh", "concatsquash", hidden, divergence, dim), batch, dim + divergence)


def test_kernel_is_right_for_a_large_batch_of_few_dimensions() -> None:
    check_kernel(make("silu", "concat", (32, 32), True), batch=2100, dim=3)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("divergence", [False, True])
def test_kernel_is_right_where_rows_would_share_cache_lines(activation: str, divergence: bool) -> None:
    check_kernel(make(activation, "concatsquash", (32, 34), divergence), batch=512, dim=2 + divergence)


def test_float32_kernel_agrees_to_rounding() -> None:
    field = make("tanh", "concat", (64, 64), True, rescaled=False).float()
    state = torch.randn(50, 3)
    kernel = field.kernel(state)
    out = torch.empty(kernel.size)
    kernel.evaluate(0.4, kernel.pack(state), out, -1)
    assert difference(kernel.unpack(out), field(0.4, state)) < 5e-6


def test_unweighted_gradient_is_the_plain_sum() -> None:
    field = make("tanh", "concatsquash", (6, 5), True)
    y = torch.randn(4, 3, dtype=torch.float64)
    kernel = field.kernel(y)
    kernel.reserve(40)
    out = torch.empty(kernel.size, dtype=torch.float64)
    for slot in range(40):
        kernel.evaluate(slot / 10, kernel.pack(y), out, slot)
        kernel.pull_back(slot, out.clone(), out)
    whole = kernel.gradients(range(40))
    parts = [kernel.gradients([slot]) for slot in range(40)]
    for total, pieces in zip(whole, zip(*parts, strict=True), strict=True):
        assert difference(total, sum(pieces)) < 1e-10


@pytest.mark.parametrize("divergence", [False, True])
@pytest.mark.parametrize("rescaled", [False, True])
def test_solve_through_the_kernel_has_the_gradient_of_backprop(divergence: bool, rescaled: bool) -> None:
    field = make("tanh", "concatsquash", (8, 8), divergence, rescaled=rescaled)
    y0 = torch.randn(6, 2 + divergence, dtype=torch.float64)
    gradients = []
    for adjoint in ("discrete", "backprop"):
        field.zero_grad()
        y = solve(field, y0, (0.0, 0.4, 1.0), method="rk4", steps=5, adjoint=adjoint).y
        y[1:].square().sum().backward()
        gradients.append([p.grad.clone() for p in field.parameters()])
    for ours, theirs in zip(*gradients, strict=True):
        assert difference(ours, theirs) < 1e-9


def test_weights_changed_in_place_leave_a_pending_gradient_alone() -> None:
    field = make("tanh", "concatsquash", (8, 8), True)
    y0 = torch.randn(6, 3, dtype=torch.float64)

    def gradient(change: bool) -> list[Tensor]:
        model = copy.deepcopy(field)
        loss = solve(model, y0, (0.0, 1.0), method="rk4", steps=3).y[-1].square().sum()
        if change:
            with torch.no_grad():
                for p in model.parameters():
                    p.add_(1.0)
            with torch.no_grad():
                solve(model, y0, (0.0, 1.0), method="rk4", steps=3)
        loss.backward()
        return [p.grad for p in model.parameters()]

    for with_change, without in zip(gradient(True), gradient(False), strict=True):
        assert torch.equal(with_change, without)


def test_kernel_refuses_a_state_that_is_not_the_fields() -> None:
    field = MLPField(2)
    with pytest.raises(ValueError, match=r"y0 must have the shape \[batch, 2\], not \[5, 3\]"):
        field.kernel(torch.zeros(5, 3))
    with pytest.raises(ValueError, match=r"y0 must have the field's dtype and device, torch\.float32"):
        field.kernel(torch.zeros(5, 2, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"y0 must have the shape \[batch, 3\]"):
        LogDensityField(field).kernel(torch.zeros(5, 2))
