"""Fields and solves that could mislead silently: buffers written again, late dependences, failures, unused tensors."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from odeviz import Event, odeint, solve
from odeviz.engine.solution import Status
from odeviz.fields import MLPField

ONES = torch.ones(2, 1, dtype=torch.float64)
EXPLICIT = ("discrete", "interpolating", "backsolve", "backprop")


@pytest.mark.parametrize("method", ["adams", "esdirk4", "asynchronous-leapfrog", "dopri5"])
def test_a_field_may_write_every_value_into_one_buffer(method):
    buffer = torch.empty_like(ONES)

    def decay(t, y):
        return torch.mul(y, -1.0, out=buffer)

    if method == "esdirk4":
        # Its Jacobian is automatic differentiation's, which follows no ``out``.
        def decay(t, y):
            if y.requires_grad:
                return -y
            buffer.copy_(-y)
            return buffer

    y1 = solve(decay, ONES, [0.0, 1.0], method=method, rtol=1e-8, atol=1e-8).y1
    assert float((y1 - math.exp(-1)).abs().max()) < 1e-6


@pytest.mark.parametrize("method", ["dopri5", "bosh3", "rk4"])
def test_so_may_a_function_of_odeint(method):
    buffer = torch.empty(2, 1, dtype=torch.float64)
    t = torch.linspace(0.0, 1.0, 101, dtype=torch.float64)
    y = odeint(lambda t, y: torch.mul(y, -1.0, out=buffer), ONES, t, method=method)
    assert float((y[-1] - math.exp(-1)).abs().max()) < 1e-6


@pytest.mark.parametrize("adjoint", ["discrete", "interpolating", "backsolve"])
def test_a_tensor_that_counts_only_later_is_found(adjoint):
    c = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)

    class Switched(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))

        def forward(self, t, y):
            return -self.w * y * (c if t > 0.5 else 1.0)

    with pytest.raises(ValueError, match="1 tensor that requires"):
        solve(Switched(), ONES, [0.0, 1.0], adjoint=adjoint).y1.sum().backward()
    field = Switched()
    solve(field, ONES, [0.0, 1.0], adjoint=adjoint, params=[c], jumps=[0.5]).y1.sum().backward()
    # d/dc of 2 exp(-(1 + c) / 2), with w = 1.
    assert float(c.grad) == pytest.approx(-math.exp(-1.15), rel=1e-4)


@pytest.mark.parametrize("adjoint", EXPLICIT)
def test_the_gradient_of_what_was_not_reached_is_nan(adjoint):
    w = torch.tensor(1.0, requires_grad=True)
    y0 = torch.tensor([[1.0, 0.0]], requires_grad=True)
    solution = solve(lambda t, y: w * y**2, y0, [0.0, 0.5, 2.0], adjoint=adjoint, params=[w])
    assert solution.status is not Status.SUCCESS
    (good,) = torch.autograd.grad(solution.y[1].sum(), y0, retain_graph=True)
    assert bool(torch.isfinite(good).all())
    solution.y1.sum().backward()
    assert bool(torch.isnan(y0.grad).all())
    assert bool(torch.isnan(w.grad))


def test_so_it_is_behind_a_terminal_event():
    y0 = torch.ones(1, 1, dtype=torch.float64, requires_grad=True)
    fall = Event(lambda t, y: y[:, 0] - 0.5, terminal=True)
    solution = solve(lambda t, y: -y, y0, [0.0, 0.1, 3.0], events=[fall])
    (good,) = torch.autograd.grad(solution.y[1].sum(), y0, retain_graph=True)
    assert float(good) == pytest.approx(math.exp(-0.1), rel=1e-6)
    (bad,) = torch.autograd.grad(solution.y1.sum(), y0)
    assert bool(torch.isnan(bad).all())


@pytest.mark.parametrize("adjoint", EXPLICIT)
def test_unused_parameters_get_zeros_of_their_shape(adjoint):
    class Idle(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
            self.unused = nn.Parameter(torch.ones(3, 2, dtype=torch.float64))

        def forward(self, t, y):
            return -self.w * y

    field = Idle()
    solve(field, ONES, [0.0, 1.0], adjoint=adjoint).y1.sum().backward()
    assert torch.equal(field.unused.grad, torch.zeros(3, 2, dtype=torch.float64))
    assert float(field.w.grad) == pytest.approx(-2 * math.exp(-1), rel=1e-5)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (lambda y: -y, r"field is called as f\(t, y\)"),
        (lambda t, y: torch.sin(t) * y, "a float for t"),
    ],
)
def test_how_a_field_is_called_is_told(field, words):
    with pytest.raises(TypeError, match=words):
        solve(field, ONES, [0.0, 1.0])
    with pytest.raises(TypeError, match=words):
        solve(field, ONES.clone().requires_grad_(), [0.0, 1.0])


@pytest.mark.parametrize(("params", "words"), [(3, "not 3"), ([3], "it holds 3"), ("ab", "it holds 'a'")])
def test_params_that_are_no_tensors_are_named(params, words):
    with pytest.raises(TypeError, match=f"params must be a sequence of tensors.*{words}"):
        solve(lambda t, y: -y, ONES, [0.0, 1.0], params=params)


WAYS = [
    *({"adjoint": adjoint} for adjoint in EXPLICIT),
    {"adjoint": "reversible", "method": "asynchronous-leapfrog", "steps": 4},
    {"method": "adams", "steps": 4},
    {"per_sample": True},
]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("field", [lambda t, y: -y, MLPField(1, (4,)).double()], ids=["plain", "kernel"])
def test_a_solution_may_be_changed_in_place(way, field):
    y0 = ONES.clone().requires_grad_()
    (wanted,) = torch.autograd.grad(solve(field, y0, [0.0, 0.5, 1.0], **way).y1.sum(), y0)
    solution = solve(field, y0, [0.0, 0.5, 1.0], **way)
    end, middle = solution.y1, solution.y[1]
    end *= 3
    middle += 1
    assert solution.y[2].tolist() == end.tolist()
    (gradient,) = torch.autograd.grad(end.sum(), y0)
    # A continuous adjoint of three times the size takes other steps, and is as near as its tolerance.
    torch.testing.assert_close(gradient, 3 * wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_parameters_changed_before_the_gradient_are_named(way):
    field = nn.Sequential(nn.Linear(1, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    y0 = ONES.clone().requires_grad_()
    y1 = solve(lambda t, y: field(y), y0, [0.0, 1.0], params=list(field.parameters()), **way).y1
    named = solve(Timeless(field), y0, [0.0, 1.0], **way).y1
    torch.optim.SGD(field.parameters(), 0.1).zero_grad()
    with torch.no_grad():
        field[2].weight.add_(1.0)
    who = "a tensor" if way.get("adjoint") == "backprop" else "the parameter 'net.2.weight'"
    for end, what in ((y1, "tensor"), (named, who)):
        with pytest.raises(
            RuntimeError, match=f"{what}.* was changed in place after the solve, as optimizer"
        ):
            end.sum().backward()


@pytest.mark.parametrize("adjoint", ["interpolating", "backsolve"])
def test_so_are_frozen_ones_that_the_gradient_depends_on(adjoint):
    field = Timeless(nn.Linear(1, 1).double().requires_grad_(False))
    y1 = solve(field, ONES.clone().requires_grad_(), [0.0, 1.0], adjoint=adjoint).y1
    field.net.weight.add_(1.0)
    with pytest.raises(RuntimeError, match=r"'net.weight', .* was changed in place"):
        y1.sum().backward()


class Timeless(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, t, y):
        return self.net(y)


@pytest.mark.parametrize("way", [way for way in WAYS if way.get("adjoint") != "backprop"], ids=str)
def test_params_that_leave_some_out_are_an_error(way):
    a, b = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (0.5, 0.3))
    with pytest.raises(ValueError, match=r"field depends on 1 tensor .* name all it depends on in params"):
        solve(lambda t, y: -a * y + b, ONES, [0.0, 1.0], params=[a], **way).y1.sum().backward()


def test_a_wrong_shape_is_told_with_the_filling_of_per_sample():
    with pytest.raises(ValueError, match="they are filled up to"):
        solve(lambda t, y: y.sum(1), ONES, [0.0, 1.0], per_sample=True)
