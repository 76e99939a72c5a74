"""A rate carried along with the state: its kernel against automatic differentiation, its integral in closed form."""

from __future__ import annotations

import math

import pytest
import torch
from kernel_checks import check_kernel
from torch import nn

from odeviz.engine import solve
from odeviz.fields import AutogradField, MLPField, RateField


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("link", ["softplus", "exp"])
@pytest.mark.parametrize("inner", ["concat", "none", "autograd"])
def test_kernel_is_that_of_automatic_differentiation(inner, link, batch):
    torch.manual_seed(0)
    field = AutogradField(nn.Linear(3, 3), 3) if inner == "autograd" else MLPField(3, (7, 6), time=inner)
    check_kernel(RateField(field, nn.Linear(3, 1), link).double(), batch, 4)


@pytest.mark.parametrize("adjoint", ["discrete", "backprop", "backsolve"])
def test_integral_of_an_exponential_and_its_gradient(adjoint):
    """z' = c and the rate exp(w z): the integral from 0 to T is (exp(w c T) - 1) / (w c) for z(0) = 0."""
    field = MLPField(1, (2,), time="none").double()
    readout = nn.Linear(1, 1).double()
    with torch.no_grad():
        for p in (*field.parameters(), readout.bias):
            p.zero_()
        field.layers[-1].bias.fill_(0.5)
        readout.weight.fill_(0.8)
    start = torch.zeros(1, 2, dtype=torch.float64)
    rate = RateField(field, readout, "exp")
    y = solve(rate, start, [0.0, 1.0, 3.0], rtol=1e-10, atol=1e-10, adjoint=adjoint).y[:, 0, 1]
    k = 0.4
    for value, T in zip(y.tolist(), (0.0, 1.0, 3.0), strict=True):
        assert value == pytest.approx(math.expm1(k * T) / k, abs=1e-8)
    y[-1].backward()
    slope = (3.0 * math.exp(3 * k) - math.expm1(3 * k) / k) / k  # d/dk
    assert readout.weight.grad.item() == pytest.approx(0.5 * slope, rel=1e-7)
    assert field.layers[-1].bias.grad.item() == pytest.approx(0.8 * slope, rel=1e-7)
    assert readout.bias.grad.item() == pytest.approx(math.expm1(3 * k) / k, rel=1e-7)


def test_an_unknown_link_is_named():
    with pytest.raises(ValueError, match="link must be one of softplus, exp, not 'sqrt'"):
        RateField(MLPField(2, (4,)), nn.Linear(2, 1), "sqrt")
