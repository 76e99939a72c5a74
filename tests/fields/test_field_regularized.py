"""The regularisers' states: what they are, and that the kernel agrees with automatic differentiation."""

from __future__ import annotations

import itertools

import pytest
import torch
from kernel_checks import check_kernel, difference
from torch import Tensor, nn

from odeviz.engine import AutogradKernel, solve
from odeviz.fields import ACTIVATIONS, TIMES, AutogradField, MLPField, RegularizedField, Rescaled

HIDDEN = {1: (7,), 2: (7, 6), 3: (5, 7, 6)}
KINDS = list(itertools.product((False, True), (False, True)))  # log-density, noise


def make(
    hidden: tuple[int, ...] = (7, 6),
    *,
    activation: str = "tanh",
    time: str = "concatsquash",
    dim: int = 2,
    batch: int = 9,
    rescaled: bool = True,
    log_density: bool = True,
    noisy: bool = False,
) -> RegularizedField:
    torch.manual_seed(0)
    field: nn.Module = MLPField(dim, hidden, activation=activation, time=time).double()
    if rescaled:
        field = Rescaled(field, nn.Parameter(torch.tensor(0.3, dtype=torch.float64)))
    noise = torch.randn(batch, dim, dtype=torch.float64) if noisy else None
    return RegularizedField(field, log_density=log_density, noise=noise)


def jacobians(field: nn.Module, t: float, y: Tensor) -> Tensor:
    """``[batch, dim, dim]``"""
    return torch.autograd.functional.jacobian(lambda x: field(t, x).sum(0), y).transpose(0, 1)


@pytest.mark.parametrize(("log_density", "noisy"), KINDS)
def test_states_are_the_trace_the_energy_and_the_norm(log_density: bool, noisy: bool) -> None:
    field = make(log_density=log_density, noisy=noisy, dim=3)
    state = torch.randn(9, field.dim, dtype=torch.float64)
    z = state[:, :3]
    value, J = field.field(0.4, z), jacobians(field.field, 0.4, z)
    measured = J if field.noise is None else torch.einsum("bij,bj->bi", J, field.noise)
    parts = [value.square().sum(1), measured.square().flatten(1).sum(1)]
    if log_density:
        parts.insert(0, -J.diagonal(dim1=1, dim2=2).sum(1))
    expected = torch.cat([value, torch.stack(parts, 1)], 1)
    assert field.dim == expected.shape[1]
    assert difference(field(0.4, state), expected) < 1e-12


@pytest.mark.parametrize(("log_density", "noisy"), KINDS)
@pytest.mark.parametrize("depth", HIDDEN)
@pytest.mark.parametrize(("activation", "time"), list(itertools.product(ACTIVATIONS, TIMES)))
def test_kernel_equals_autograd(
    activation: str, time: str, depth: int, log_density: bool, noisy: bool
) -> None:
    field = make(HIDDEN[depth], activation=activation, time=time, log_density=log_density, noisy=noisy)
    check_kernel(field, batch=9, dim=field.dim)


@pytest.mark.parametrize("batch", [1, 40, 256])
@pytest.mark.parametrize(("hidden", "dim"), [((6,), 1), ((24, 20), 3), ((16, 12, 8), 5), ((12,), 20)])
@pytest.mark.parametrize(("log_density", "noisy"), KINDS)
def test_kernel_is_right_for_any_batch_and_dimension(
    batch: int, hidden: tuple[int, ...], dim: int, log_density: bool, noisy: bool
) -> None:
    field = make(hidden, dim=dim, batch=batch, rescaled=False, log_density=log_density, noisy=noisy)
    check_kernel(field, batch, field.dim)


@pytest.mark.parametrize(("log_density", "noisy"), KINDS)
def test_solve_through_the_kernel_has_the_gradient_of_backprop(log_density: bool, noisy: bool) -> None:
    field = make(log_density=log_density, noisy=noisy)
    y0 = torch.randn(9, field.dim, dtype=torch.float64)
    gradients = []
    for adjoint in ("discrete", "backprop"):
        field.zero_grad()
        y = solve(field, y0, (0.0, 1.0), method="rk4", steps=4, adjoint=adjoint).y
        y[-1].square().sum().backward()
        gradients.append([p.grad.clone() for p in field.parameters()])
    for ours, theirs in zip(*gradients, strict=True):
        assert difference(ours, theirs) < 1e-10 * max(1.0, theirs.abs().max().item())


def test_noise_of_one_solve_is_not_that_of_the_next() -> None:
    mlp = make(rescaled=False).field
    for _ in range(2):
        field = RegularizedField(mlp, log_density=False, noise=torch.randn(9, 2, dtype=torch.float64))
        check_kernel(field, 9, field.dim)
        assert len(mlp.workspaces) == 1


def test_estimate_has_the_exact_norm_as_its_mean() -> None:
    torch.manual_seed(0)
    module, z = MLPField(3, (6, 5)).double(), torch.randn(1, 3, dtype=torch.float64)
    draws = 20_000
    state = torch.cat([z, torch.zeros(1, 2, dtype=torch.float64)], 1)
    exact = RegularizedField(module, log_density=False)(0.2, state)[0, -1]
    noise = torch.randn(draws, 3, dtype=torch.float64)
    estimates = RegularizedField(module, log_density=False, noise=noise)(0.2, state.expand(draws, -1))[:, -1]
    assert abs(estimates.mean() - exact) < 4 * estimates.std() / draws**0.5


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("time", TIMES)
def test_time_may_be_one_for_each_sample(time: str, noisy: bool) -> None:
    field = make(time=time, noisy=noisy)
    t, state = torch.rand(9, 1, dtype=torch.float64), torch.randn(9, field.dim, dtype=torch.float64)
    alone = torch.cat(
        [
            RegularizedField(field.field, noise=None if field.noise is None else field.noise[i : i + 1])(
                t[i].item(), state[i : i + 1]
            )
            for i in range(9)
        ]
    )
    assert difference(field(t, state), alone) < 1e-12


@pytest.mark.parametrize(("log_density", "noisy"), KINDS)
def test_any_field_is_differentiated_automatically(log_density: bool, noisy: bool) -> None:
    torch.manual_seed(0)
    mlp = make(time="none", hidden=(6, 5), rescaled=False)
    plain = AutogradField(nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 2)), 2).double()
    noise = torch.randn(9, 2, dtype=torch.float64) if noisy else None
    field = RegularizedField(plain, log_density=log_density, noise=noise)
    y0 = torch.randn(9, field.dim, dtype=torch.float64)
    assert isinstance(field.kernel(y0), AutogradKernel)
    assert not isinstance(mlp.kernel(torch.zeros(9, 5, dtype=torch.float64)), AutogradKernel)
    assert torch.autograd.gradcheck(lambda y: field(0.1, y), (y0.requires_grad_(),))
    with torch.no_grad():
        assert not field(0.1, y0).requires_grad


@pytest.mark.parametrize("noisy", [False, True])
def test_field_that_ignores_the_state_has_no_jacobian(noisy: bool) -> None:
    class Constant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.value = nn.Parameter(torch.ones(2))

        def forward(self, y: Tensor) -> Tensor:
            return self.value.expand(len(y), 2)

    noise = torch.ones(4, 2) if noisy else None
    value = RegularizedField(AutogradField(Constant(), 2), noise=noise)(0.0, torch.randn(4, 5))
    assert torch.equal(value, torch.tensor([1.0, 1.0, 0.0, 2.0, 0.0]).expand(4, 5))


def test_linear_field_gathers_its_frobenius_norm() -> None:
    linear = nn.Linear(2, 2).double()
    field = RegularizedField(AutogradField(linear, 2))
    y0 = torch.randn(5, 5, dtype=torch.float64)
    y = solve(field, y0, (0.0, 1.5), rtol=1e-10, atol=1e-10).y
    norm = linear.weight.square().sum()
    assert torch.allclose(y[-1, :, 4] - y0[:, 4], 1.5 * norm.expand(5), atol=1e-9)


def test_wrong_arguments_are_named() -> None:
    field = MLPField(2)
    with pytest.raises(TypeError, match="field must have dim, which Linear has not"):
        RegularizedField(nn.Linear(2, 2))
    with pytest.raises(ValueError, match=r"noise must have the shape \[batch, 2\], not \[5, 3\]"):
        RegularizedField(field, noise=torch.zeros(5, 3))
    with pytest.raises(ValueError, match="noise must have one row for each of 4 samples, not 5"):
        RegularizedField(field, noise=torch.zeros(5, 2)).kernel(torch.zeros(4, 5))
    with pytest.raises(ValueError, match=r"y0 must have the shape \[batch, 5\], not \[4, 2\]"):
        RegularizedField(field).kernel(torch.zeros(4, 2))
