"""Second derivatives are right or an error, never silently a part of what they should be."""

import math

import pytest
import torch
from torch.autograd.functional import hessian

from odeviz.engine import Event, odeint_adjoint, solve

WAYS = [
    {"adjoint": "discrete"},
    {"adjoint": "discrete", "method": "adams", "steps": 8},
    {"adjoint": "backsolve"},
    {"adjoint": "interpolating"},
    {"adjoint": "reversible", "method": "asynchronous-leapfrog", "steps": 8},
    {"adjoint": "discrete", "per_sample": True},
]
MODES = [{"adjoint": "backprop"}, {"adjoint": "backprop", "per_sample": True}, *WAYS]


def number(x):
    return torch.tensor(x, dtype=torch.float64, requires_grad=True)


def logistic(t, y):
    return y * (1 - y)


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("power", [1, 2])
def test_a_hessian_through_an_adjoint_names_backprop(way, power):
    def loss(y0):
        return (solve(logistic, y0, [0.0, 1.0], **way).y1 ** power).sum()

    with pytest.raises(RuntimeError, match=r"adjoint='backprop' \(odeint in torchdiffeq's interface\)"):
        hessian(loss, number([[0.4]]))


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("asked", ["y0", "rate", "both"])
def test_second_derivatives_are_refused_whatever_they_are_asked_for(way, asked):
    y0, rate = number([[0.4]]), number(0.7)
    y1 = solve(lambda t, y: rate * y * (1 - y), y0, [0.0, 1.0], params=[rate], **way).y1
    d_y0, d_rate = torch.autograd.grad(y1.sum(), (y0, rate), create_graph=True)
    inputs = {"y0": y0, "rate": rate, "both": (y0, rate)}[asked]
    for first in (d_y0, d_rate):
        with pytest.raises(RuntimeError, match="adjoint='backprop'"):
            torch.autograd.grad(first.sum(), inputs, retain_graph=True)
    with pytest.raises(RuntimeError, match="adjoint='backprop'"):
        d_y0.sum().backward()


def test_torchdiffeqs_interface_names_odeint():
    y0, rate = number([0.4]), number(0.7)
    t = torch.tensor([0.0, 1.0], dtype=torch.float64)
    y = odeint_adjoint(lambda t, y: rate * y * (1 - y), y0, t, adjoint_params=(rate,))
    (first,) = torch.autograd.grad(y[-1].sum(), y0, create_graph=True)
    with pytest.raises(RuntimeError, match="odeint in torchdiffeq's interface"):
        torch.autograd.grad(first.sum(), rate)


@pytest.mark.parametrize("way", MODES, ids=str)
def test_a_graph_of_the_gradient_that_nobody_walks_changes_nothing(way):
    y0, rate, weight = number([[0.4]]), number(0.7), number(2.0)
    y1 = solve(lambda t, y: rate * y * (1 - y), y0, [0.0, 1.0], params=[rate], **way).y1
    loss = (weight * y1).sum()
    plain = torch.autograd.grad(loss, (y0, rate), retain_graph=True)
    graph = torch.autograd.grad(loss, (y0, rate), create_graph=True)
    assert all(torch.equal(a, b) for a, b in zip(plain, graph, strict=True))
    (penalty,) = torch.autograd.grad(y0.sum() ** 2 * 3, y0, create_graph=True)
    (penalty + graph[0].detach()).sum().backward()
    assert float(y0.grad) == pytest.approx(6.0)


@pytest.mark.parametrize("way", MODES, ids=str)
@pytest.mark.parametrize("index", [0, 1])
def test_times_are_differentiable_once(way, index):
    y0, rate = number([[0.4]]), number(0.7)
    t = number([0.0, 1.0])
    y1 = solve(lambda t, y: rate * y, y0, t, params=[rate], **way).y1
    (d_y0, d_t) = torch.autograd.grad(y1.sum(), (y0, t), create_graph=True)
    growth = 0.4 * 0.7 * math.exp(0.7)
    assert d_t.tolist() == pytest.approx([-growth, growth], rel=0.02)
    for first, inputs in ((d_t[index], t), (d_t[index], y0), (d_t[index], rate), (d_y0.sum(), t)):
        with pytest.raises(RuntimeError, match=r"differentiable (only|once)"):
            torch.autograd.grad(first, inputs, retain_graph=True)


def test_the_slope_at_the_start_is_no_constant_of_second_derivatives():
    rate, t = number(0.7), number([0.0, 1.0])
    y0 = torch.ones(1, 1, dtype=torch.float64)
    y1 = solve(lambda t, y: rate.expand_as(y), y0, t, adjoint="backprop", params=[rate]).y1
    (d_t,) = torch.autograd.grad(y1.sum(), t, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiable once"):
        torch.autograd.grad(d_t[0], rate)


def test_backprop_has_second_derivatives_with_respect_to_the_start_though_times_want_a_gradient():
    y0, t = number([[0.4]]), number([0.0, 1.0])
    y1 = solve(logistic, y0, t, adjoint="backprop", rtol=1e-10, atol=1e-10).y1
    (first,) = torch.autograd.grad(y1.sum(), y0, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), y0)
    growth = math.e - 1  # y(1) = y0 e / (1 + y0 (e - 1))
    assert second.item() == pytest.approx(-2 * math.e * growth / (1 + 0.4 * growth) ** 3, rel=1e-7)


@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("jump", [False, True])
def test_what_happens_at_an_event_is_differentiable_once(per_sample, jump):
    y0 = number([[2.0]])
    event = Event(lambda t, y: y[:, 0] - 1, terminal=not jump, jump=(lambda t, y: 3 * y) if jump else None)
    options = {"adjoint": "backprop", "events": [event], "per_sample": per_sample}
    solution = solve(lambda t, y: -(y**2), y0, [0.0, 0.8], **options)
    late = solution.y1.sum() if jump else solution.events[0].t.sum()  # the event is at 1 - 1 / y0
    (first,) = torch.autograd.grad(late, y0, create_graph=True)
    if not jump:
        assert first.item() == pytest.approx(0.25, rel=1e-4)
    with pytest.raises(RuntimeError, match="differentiable once"):
        torch.autograd.grad(first.sum(), y0)
