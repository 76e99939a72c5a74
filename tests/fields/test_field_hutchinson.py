"""Hutchinson's estimate of the trace: its mean, its variance in two dimensions, and its kernel."""

from __future__ import annotations

import itertools

import pytest
import torch
from kernel_checks import check_kernel, difference
from torch import Tensor, nn

from odeviz.fields import (
    ACTIVATIONS,
    TIMES,
    LogDensityField,
    MLPField,
    PlanarField,
    RegularizedField,
    Rescaled,
)

HIDDEN = {1: (7,), 2: (7, 6), 3: (5, 7, 6)}


def make(
    hidden=(7, 6), *, activation="tanh", time="concatsquash", dim=2, batch=9, rescaled=True, planar=False
) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    field: nn.Module = (
        PlanarField(dim, 4) if planar else MLPField(dim, hidden, activation=activation, time=time)
    )
    field = field.double()
    if rescaled:
        field = Rescaled(field, nn.Parameter(torch.tensor(0.3, dtype=torch.float64)))
    return field, torch.randn(batch, dim, dtype=torch.float64)


def jacobians(field: nn.Module, t: float, y: Tensor) -> Tensor:
    return torch.autograd.functional.jacobian(lambda x: field(t, x).sum(0), y).transpose(0, 1)


@pytest.mark.parametrize("depth", HIDDEN)
@pytest.mark.parametrize(("activation", "time"), list(itertools.product(ACTIVATIONS, TIMES)))
def test_kernel_equals_autograd(activation: str, time: str, depth: int) -> None:
    field, noise = make(HIDDEN[depth], activation=activation, time=time)
    check_kernel(LogDensityField(field, noise=noise), batch=9, dim=3)
    check_kernel(RegularizedField(field, noise=noise, hutchinson=True), batch=9, dim=5)


@pytest.mark.parametrize(("hidden", "dim", "batch"), [((6,), 1, 1), ((24, 20), 3, 40), ((16, 12, 8), 5, 256)])
def test_kernel_is_right_for_any_batch_and_dimension(hidden, dim, batch) -> None:
    field, noise = make(hidden, dim=dim, batch=batch, rescaled=False)
    check_kernel(LogDensityField(field, noise=noise), batch, dim + 1)
    check_kernel(RegularizedField(field, noise=noise, hutchinson=True), batch, dim + 3)


def test_planar_field_is_estimated_too() -> None:
    field, noise = make(planar=True)
    check_kernel(LogDensityField(field, noise=noise), batch=9, dim=3)


def test_estimate_is_the_quadratic_form_of_the_jacobian() -> None:
    field, noise = make(dim=3)
    state = torch.randn(9, 4, dtype=torch.float64)
    J = jacobians(field, 0.4, state[:, :3])
    form = torch.einsum("bi,bij,bj->b", noise, J, noise)
    assert difference(LogDensityField(field, noise=noise)(0.4, state)[:, 3], -form) < 1e-12


@pytest.mark.parametrize("kind", ["rademacher", "gaussian"])
def test_mean_is_the_trace_and_the_variance_is_known(kind: str) -> None:
    """Rademacher in two dimensions: (J12 + J21)^2. Gaussian: 2 ||(J + J^T) / 2||_F^2 (Avron and Toledo, 2011)."""
    field, _ = make(rescaled=False)
    z, draws = torch.randn(1, 2, dtype=torch.float64), 40_000
    J = jacobians(field, 0.2, z)[0]
    noise = torch.randn(draws, 2, dtype=torch.float64)
    noise = noise.sign() if kind == "rademacher" else noise
    state = torch.cat([z, torch.zeros(1, 1, dtype=torch.float64)], 1).expand(draws, -1)
    estimates = -LogDensityField(field, noise=noise)(0.2, state)[:, 2]
    variance = (J[0, 1] + J[1, 0]) ** 2 if kind == "rademacher" else 2 * (0.5 * (J + J.T)).square().sum()
    assert abs(estimates.mean() - J.trace()) < 4 * (variance / draws).sqrt()
    assert estimates.var().item() == pytest.approx(variance.item(), rel=0.05)


def test_wrong_noise_is_named() -> None:
    field, noise = make()
    with pytest.raises(ValueError, match=r"noise must have the shape \[batch, 2\], not \[9, 3\]"):
        LogDensityField(field, noise=torch.zeros(9, 3))
    with pytest.raises(ValueError, match="one row for each of 4 samples, not 9"):
        LogDensityField(field, noise=noise).kernel(torch.zeros(4, 3, dtype=torch.float64))
    with pytest.raises(ValueError, match="hutchinson needs noise"):
        RegularizedField(field, hutchinson=True)
