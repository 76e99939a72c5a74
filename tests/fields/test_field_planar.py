"""The planar field: units' traces in closed form, its kernel against automatic differentiation, its cost."""

from __future__ import annotations

import itertools

import pytest
import torch
from kernel_checks import check_kernel, difference
from torch import Tensor, nn

from odeviz.engine import solve
from odeviz.fields import LogDensityField, PlanarField, RegularizedField, Rescaled


def make(*, dim: int = 2, units: int = 5, rescaled: bool = False, divergence: bool = False) -> nn.Module:
    torch.manual_seed(0)
    field: nn.Module = PlanarField(dim, units, gate_units=4).double()
    if rescaled:
        field = Rescaled(field, nn.Parameter(torch.tensor(0.3, dtype=torch.float64)))
    return LogDensityField(field) if divergence else field


def trace(field: nn.Module, t: float, y: Tensor) -> Tensor:
    jacobian = torch.autograd.functional.jacobian(lambda x: field(t, x).sum(0), y)
    return jacobian.diagonal(dim1=0, dim2=2).sum(1)


def test_trace_of_the_sum_is_the_sum_of_the_units_traces() -> None:
    field, y, t = make(dim=3, units=6), torch.randn(7, 3, dtype=torch.float64), 0.4
    total = torch.zeros(7, dtype=torch.float64)
    for n in range(field.units):
        # d/dz [u tanh(w . z + b)] = u w^T (1 - tanh^2): its trace is u . w times the slope.
        slope = 1 - torch.tanh(y @ field.weight[n] + field.bias[n]) ** 2
        total += field.gates(t)[n] * (field.weight[n] @ field.out[:, n]) * slope
    assert difference(field.divergence(t, y), total) < 1e-12
    assert difference(field.divergence(t, y), trace(field, t, y)) < 1e-12


@pytest.mark.parametrize(("rescaled", "divergence"), list(itertools.product((False, True), repeat=2)))
@pytest.mark.parametrize(("dim", "units", "batch"), [(2, 5, 9), (1, 1, 3), (4, 20, 1)])
def test_kernel_equals_autograd(rescaled: bool, divergence: bool, dim: int, units: int, batch: int) -> None:
    field = make(dim=dim, units=units, rescaled=rescaled, divergence=divergence)
    check_kernel(field, batch, dim + divergence)


@pytest.mark.parametrize("divergence", [False, True])
def test_solve_through_the_kernel_has_the_gradient_of_backprop(divergence: bool) -> None:
    field = make(rescaled=True, divergence=divergence)
    y0 = torch.randn(9, 2 + divergence, dtype=torch.float64)
    gradients = []
    for adjoint in ("discrete", "backprop"):
        field.zero_grad()
        start = y0.clone().requires_grad_()
        solve(field, start, (0.0, 1.0), method="rk4", steps=4, adjoint=adjoint).y[
            -1
        ].square().sum().backward()
        gradients.append([start.grad, *(p.grad.clone() for p in field.parameters())])
    for ours, theirs in zip(*gradients, strict=True):
        assert difference(ours, theirs) < 1e-10 * max(1.0, theirs.abs().max().item())


def test_gates_lie_between_none_and_all_and_follow_time() -> None:
    field = make(units=4)
    times = torch.linspace(0, 1, 5, dtype=torch.float64)[:, None]
    gates = field.gates(times)
    assert gates.shape == (5, 4)
    assert ((gates > 0) & (gates < 1)).all()
    assert difference(gates[2], field.gates(0.5)) < 1e-14
    assert difference(gates[0], gates[4]) > 1e-2


def test_time_may_be_one_for_each_sample() -> None:
    field, y = make(), torch.randn(6, 2, dtype=torch.float64)
    t = torch.rand(6, 1, dtype=torch.float64)
    alone = torch.cat([field(t[i].item(), y[i : i + 1]) for i in range(6)])
    assert difference(field(t, y), alone) < 1e-14
    assert difference(field.divergence(t, y)[2], field.divergence(t[2].item(), y[2:3])[0]) < 1e-14


def test_divergence_costs_as_much_as_units_and_dimensions() -> None:
    """Operations counted, not timed: doubling the units doubles them, and so does doubling the dimensions."""
    from torch.utils.flop_counter import FlopCounterMode

    def flops(dim: int, units: int) -> int:
        field, y = PlanarField(dim, units, gate_units=1), torch.randn(1000, dim)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            field.with_divergence(0.3, y)
        return counter.get_total_flops()

    assert flops(4, 64) / flops(4, 32) == pytest.approx(2, rel=0.01)
    assert flops(8, 32) / flops(4, 32) == pytest.approx(2, rel=0.01)


def test_a_subclass_with_a_forward_of_its_own_is_differentiated() -> None:
    class Twice(PlanarField):
        def forward(self, t, y):
            return 2 * super().forward(t, y)

    torch.manual_seed(0)
    field, y = Twice(2, 3).double(), torch.randn(4, 2, dtype=torch.float64)
    assert difference(field.divergence(0.1, y), trace(field, 0.1, y)) < 1e-12


def test_regularised_states_are_differentiated() -> None:
    field = make()
    state = torch.randn(5, 5, dtype=torch.float64)
    rates = RegularizedField(field)(0.2, state)
    assert difference(rates[:, 2], -field.divergence(0.2, state[:, :2])) < 1e-12


@pytest.mark.parametrize("name", ["dim", "units", "gate_units"])
def test_wrong_values_are_named(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least 1, not 0"):
        PlanarField(**{"dim": 2, "units": 3, name: 0})
