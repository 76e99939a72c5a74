"""Fields that know something of their system, against automatic differentiation and closed forms."""

from __future__ import annotations

import pytest
import torch

from odeviz.fields.perceptron import Perceptron
from odeviz.fields.systems import (
    EquationField,
    HamiltonianField,
    ScaledField,
    SecondOrderField,
    Units,
    UniversalField,
)
from odeviz.models import SolverOptions
from odeviz.models.dynamics import Dynamics

TIGHT = SolverOptions(rtol=1e-10, atol=1e-10)


@pytest.fixture(autouse=True)
def _double_and_seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.set_default_dtype(torch.float64)
        yield
        torch.set_default_dtype(torch.float32)


def decay_and_turn(y, p):
    return (-p[0] * y[0] - p[1] * y[1], p[1] * y[0] - p[0] * y[1])


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softplus", "silu"])
def test_gradient_of_a_perceptron_is_automatic_differentiations(activation):
    net, x = Perceptron(3, (7, 5), 1, activation), torch.randn(4, 3, requires_grad=True)
    (expected,) = torch.autograd.grad(net(x).sum(), x, create_graph=True)
    torch.testing.assert_close(net.gradient(x), expected)
    weights = tuple(p for name, p in net.named_parameters() if name != "layers.2.bias")
    second = torch.autograd.grad(expected.square().sum(), weights)
    for one, other in zip(torch.autograd.grad(net.gradient(x).square().sum(), weights), second, strict=True):
        torch.testing.assert_close(one, other)


def test_hamiltonian_flow_keeps_energy_and_volume():
    field, y = HamiltonianField(4, (16,)), torch.randn(5, 4)
    states = Dynamics(field, 3.0).flow(y, (0.0, 1.0, 3.0), TIGHT).y
    assert field.divergence(0.0, y).abs().max() < 1e-12
    energy = field.energy(states)
    assert (energy[1:] - energy[0]).abs().max() < 1e-8
    assert (states[2] - states[0]).norm(dim=1).min() > 1e-2


def test_hamiltonian_field_of_a_known_energy():
    field = HamiltonianField(2, (3,))
    y = torch.randn(6, 2, requires_grad=True)
    by_q, by_p = torch.autograd.grad(field.energy(y).sum(), y)[0].unbind(1)
    torch.testing.assert_close(field(0.0, y), torch.stack([by_p, -by_q], 1))


def test_second_order_field_has_the_velocity_as_the_rate_of_the_position():
    field, y = SecondOrderField(4, (8,)), torch.randn(3, 4)
    value = field(0.0, y)
    assert torch.equal(value[:, :2], y[:, 2:])
    assert torch.equal(value[:, 2:], field.net(y))


def test_parameters_of_equations_get_their_exact_gradient():
    field = EquationField(2, decay_and_turn, (0.3, 1.2))
    y0, t = torch.tensor([[1.0, 0.5]]), 2.0
    end = Dynamics(field, t).flow(y0, (0.0, t), TIGHT).y1
    p = field.parameters_now.detach().requires_grad_()
    c, s, shrink = torch.cos(p[1] * t), torch.sin(p[1] * t), torch.exp(-p[0] * t)
    exact = shrink * torch.stack([c * y0[0, 0] - s * y0[0, 1], s * y0[0, 0] + c * y0[0, 1]])
    torch.testing.assert_close(end[0], exact, rtol=1e-8, atol=1e-9)
    weights = torch.tensor([0.7, -0.4])
    (by_logs,) = torch.autograd.grad((end[0] * weights).sum(), field.logs)
    (by_p,) = torch.autograd.grad((exact * weights).sum(), p)
    torch.testing.assert_close(by_logs, by_p * p.detach(), rtol=1e-7, atol=1e-9)


def test_universal_field_is_its_known_terms_and_its_net():
    units = Units((1.0, -1.0), (2.0, 4.0), 3.0)
    field = UniversalField(2, decay_and_turn, (0.3, 1.2), (1,), (6,), units=units)
    y = torch.randn(5, 2)
    known = torch.stack(decay_and_turn(y.unbind(1), (0.3, 1.2)), 1)
    net = field.net((y - torch.tensor([1.0, -1.0])) / torch.tensor([2.0, 4.0]))[:, 0]
    torch.testing.assert_close(field(0.0, y) - known, torch.stack([torch.zeros(5), 12.0 * net], 1))
    torch.testing.assert_close(field.missing(y)[:, 0], torch.zeros(5))


def test_scaled_field_is_its_net_in_other_units():
    field, y = ScaledField(Units((0.0, 25.0), (8.0, 9.0), 5.0), (6,)), torch.randn(5, 2) * 10
    pure = torch.stack([y[:, 0] / 8, (y[:, 1] - 25) / 9], 1)
    torch.testing.assert_close(field(0.0, y), field.net(0.0, pure) * torch.tensor([40.0, 45.0]))
    assert all("units" not in name for name in field.state_dict())


def test_divergence_is_the_jacobians_trace():
    y = torch.randn(3, 2)
    for field in (
        EquationField(2, decay_and_turn, (0.3, 1.2)),
        UniversalField(2, decay_and_turn, (0.3, 1.2), (0,), (6,)),
        SecondOrderField(2, (6,)),
        ScaledField(Units((1.0, 2.0), (2.0, 3.0)), (6,)),
    ):
        trace = [
            torch.autograd.functional.jacobian(lambda x, f=field: f(0.0, x[None])[0], row).trace()
            for row in y
        ]
        torch.testing.assert_close(field.divergence(0.0, y), torch.stack(trace))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: EquationField(2, decay_and_turn, (0.3, -1.0)), "parameters must be positive numbers"),
        (lambda: HamiltonianField(3, (4,)), "dim must be even"),
        (lambda: HamiltonianField(2, (4,), "relu"), "activation must be smooth for a Hamiltonian"),
        (lambda: SecondOrderField(1, (4,)), "dim must be even"),
        (lambda: Units((0.0,), (1.0, 2.0)), "centre and size must match"),
        (lambda: Perceptron(2, (), 1), "hidden \\(at least one layer\\)"),
        (lambda: Dynamics(SecondOrderField(2, (4,)), 0.0), "t1 must be a positive finite number"),
    ],
)
def test_wrong_arguments_are_named(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
