"""What a solve must not do silently: wrong gradients, bypassed code, wasted memory."""

import pytest
import torch
from torch import nn

from odeviz.engine import solve
from odeviz.fields import MLPField


class Linear(nn.Module):
    """dy/dt = A y, by ordinary operations."""

    def __init__(self):
        super().__init__()
        self.A = nn.Parameter(torch.tensor([[-0.5, 1.0], [-1.0, -0.3]], dtype=torch.float64))

    def forward(self, t, y):
        return torch.tanh(y @ self.A.T)


WAYS = [
    ("discrete", "rk4"),
    ("backsolve", "rk4"),
    ("interpolating", "rk4"),
    ("backprop", "rk4"),
    ("discrete", "esdirk4"),
    ("discrete", "adams"),
    ("reversible", "asynchronous-leapfrog"),
]


def start():
    return torch.tensor([[1.0, 0.5], [-0.3, 0.8]], dtype=torch.float64)


@pytest.mark.parametrize(("adjoint", "method"), WAYS)
@pytest.mark.parametrize("fused", [False, True])
def test_parameters_changed_before_the_backward_pass_are_reported(adjoint, method, fused):
    field = MLPField(2, (4,)).double() if fused else Linear()
    solution = solve(field, start(), [0.0, 1.0], method=method, steps=4, adjoint=adjoint)
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.mul_(2.0)
    with pytest.raises(RuntimeError, match=r"in.?place"):
        solution.y1.sum().backward()


@pytest.mark.parametrize(("adjoint", "method"), WAYS)
def test_a_start_changed_before_the_backward_pass_gives_no_wrong_gradient(adjoint, method):
    def gradient(change):
        field, y0 = Linear(), start()
        solution = solve(field, y0, [0.0, 1.0], method=method, steps=4, adjoint=adjoint)
        if change:
            y0.mul_(3.0)
        return torch.autograd.grad(solution.y1.sum(), field.A)[0]

    if adjoint == "backprop":
        with pytest.raises(RuntimeError, match="changed in place"):
            gradient(True)
    else:
        torch.testing.assert_close(gradient(True), gradient(False), rtol=0, atol=0)
