"""Residual nets as Euler's method, RK-Nets, controlled and encoded ODE-Nets."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from odeviz.models import ODENet, ResidualNet, RKNet, SolverOptions
from odeviz.training.runtime import one_thread

TIGHT = SolverOptions(rtol=1e-11, atol=1e-11)


@pytest.fixture(autouse=True)
def _seeded_on_one_thread():
    with torch.random.fork_rng(devices=[]), one_thread():
        torch.manual_seed(0)
        yield


def points(n, dim=2, seed=1):
    return torch.randn(n, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def residual_of(model, blocks):
    """The residual net of N tied blocks with the field and the readout of an ODE-Net."""
    net = ResidualNet(model.dim, model.classes, blocks=blocks, tied=True, t1=model.t1).double()
    net.field, net.readout = model.field, model.readout
    return net


def by_hand(field, x, blocks, t1):
    h = t1 / blocks
    for k in range(blocks):
        x = x + h * field(k * h, x)
    return x


@pytest.mark.parametrize(("blocks", "t1"), [(1, 1.0), (6, 1.0), (7, 1.7), (48, 0.3)])
def test_n_tied_blocks_are_n_euler_steps_of_the_field(blocks, t1):
    model = ODENet(hidden=(16,), t1=t1).double()
    x = points(9)
    net = residual_of(model, blocks)
    expected = by_hand(model.field, x, blocks, t1)
    euler = model.flow(x, (0.0, t1), SolverOptions(method="euler", steps=blocks)).y1
    assert torch.allclose(net.flow(x, (0.0, t1)).y1, expected, rtol=0, atol=1e-12)
    assert torch.allclose(euler, expected, rtol=0, atol=1e-12)
    assert torch.allclose(net(x), model.readout(expected), rtol=0, atol=1e-12)


def test_n_tied_blocks_equal_euler_to_1e_6_in_single_precision():
    model = ODENet(hidden=(64, 64))
    net = residual_of(model, 10).float()
    x = points(100).float()
    euler = model.flow(x, (0.0, 1.0), SolverOptions(method="euler", steps=10)).y1
    assert (net.flow(x, (0.0, 1.0)).y1 - euler).abs().max() < 1e-6


def test_error_of_tied_blocks_has_slope_one():
    model = ODENet(hidden=(32,)).double()
    with torch.no_grad():
        for parameter in model.field.parameters():
            parameter.mul_(2.0)
    x = points(20)
    exact = model.flow(x, (0.0, 1.0), TIGHT).y1
    counts = [16, 32, 64, 128, 256]
    errors = [(residual_of(model, n).flow(x, (0.0, 1.0)).y1 - exact).norm(dim=1).max().item() for n in counts]
    slope = np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope == pytest.approx(-1.0, abs=0.1)


@pytest.mark.parametrize("blocks", [1, 3, 6, 10, 49])
def test_untied_blocks_are_made_in_turn(blocks):
    net = ResidualNet(3, 4, (8,), blocks=blocks, t1=1.3, extra_dims=1).double()
    x = torch.nn.functional.pad(points(5, 3), (0, 1))
    h = x
    for block in net.field.blocks:
        h = h + (1.3 / blocks) * block(0.0, h)
    solution = net.flow(x, (0.0, 1.3))
    assert torch.allclose(solution.y1, h, rtol=0, atol=1e-12)
    assert solution.stats.nfe_forward == blocks
    assert torch.allclose(net(points(5, 3)), net.readout(h), rtol=0, atol=1e-12)


def test_gradient_of_a_residual_net_is_that_of_its_blocks():
    net = ResidualNet(2, 3, (8,), blocks=4).double()
    x, label = points(6), torch.arange(6) % 3
    torch.nn.functional.cross_entropy(net(x), label).backward()
    found = [parameter.grad.clone() for parameter in net.parameters()]
    h = x
    for block in net.field.blocks:
        h = h + 0.25 * block(0.0, h)
    expected = torch.autograd.grad(
        torch.nn.functional.cross_entropy(net.readout(h), label), list(net.parameters())
    )
    assert all(torch.allclose(a, b, rtol=0, atol=1e-13) for a, b in zip(found, expected, strict=True))


def test_a_residual_nets_path_is_a_polyline_whatever_the_solver():
    net = ResidualNet(2, 2, (8,), blocks=2).double()
    x = points(5)
    path = net.flow(x, (0.0, 0.25, 0.5, 0.75, 1.0), TIGHT).y
    assert torch.allclose(path[1], (path[0] + path[2]) / 2, rtol=0, atol=1e-12)
    assert torch.allclose(path[3], (path[2] + path[4]) / 2, rtol=0, atol=1e-12)
    # From inside a block, the rest of it is made, with the field of the state it starts from.
    rest = path[1] + 0.25 * net.field.blocks[0](0.0, path[1])
    assert torch.allclose(net.flow(path[1], (0.25, 0.5)).y1, rest, rtol=0, atol=1e-12)


def test_rk_net_is_the_same_function_with_memory_that_grows():
    kept = {}
    for steps in (5, 20):
        solver = SolverOptions(method="rk4", steps=steps, adjoint="discrete")
        net = RKNet(hidden=(16,), solver=solver).double()
        twin = ODENet(hidden=(16,), solver=solver).double()
        twin.load_state_dict(net.state_dict())
        x = points(7)
        assert torch.allclose(net(x), twin(x), rtol=0, atol=1e-13)
        grads = []
        for model in (net, twin):
            out = model(x).square().sum()
            if model is net:
                kept[steps] = model.last_solution.stats.bytes_kept
            grads.append(torch.autograd.grad(out, list(model.parameters())))
        assert all(torch.allclose(a, b, rtol=0, atol=1e-12) for a, b in zip(*grads, strict=True))
    assert kept[20] / kept[5] == pytest.approx(4.0, rel=0.05)


def test_controlled_field_sees_its_input_which_stays():
    model = ODENet(controlled=True, hidden=(8,), solver=TIGHT).double()
    x = points(6)
    state = model.lift(x)
    assert torch.equal(state, torch.cat([x, x], dim=1))
    end = model.flow(state, (0.0, 1.0)).y1
    assert torch.equal(end[:, 2:], x)
    assert torch.allclose(model(x), model.readout(end[:, :2]), rtol=0, atol=1e-12)
    assert model.state_dim == 4
    # An ODE solved by SciPy, sample by sample, with the input held fast.
    from scipy.integrate import solve_ivp

    def rhs(t, h, u):
        y = torch.tensor(np.concatenate([h, u]))[None]
        with torch.no_grad():
            return model.field(t, y)[0, :2].numpy()

    for k in range(3):
        u = x[k].numpy()
        exact = solve_ivp(rhs, (0, 1), u, args=(u,), rtol=1e-11, atol=1e-11).y[:, -1]
        assert np.allclose(end[k, :2].detach().numpy(), exact, rtol=0, atol=1e-8)


def test_controlled_flow_of_a_line_can_swap_its_ends():
    """h' = -2 u carries u to -u: no flow of the line without its input does."""
    model = ODENet(1, 1, (4,), controlled=True, activation="relu", time="none", solver=TIGHT).double()
    inner, outer = model.field.layers
    with torch.no_grad():
        for layer in (inner, outer):
            layer.weight.zero_()
            layer.bias.zero_()
        inner.weight[0, 1], inner.weight[1, 1] = 1.0, -1.0  # relu(u), relu(-u)
        outer.weight[0, 0], outer.weight[0, 1] = -2.0, 2.0
    x = points(5, 1)
    assert torch.allclose(model.flow(model.lift(x), (0.0, 1.0)).y1[:, :1], -x, atol=1e-10)


def test_divergence_of_a_controlled_field_is_that_in_the_state():
    model = ODENet(controlled=True, hidden=(8,)).double()
    state = model.lift(points(3))
    _, divergence = model.field.with_divergence(0.3, state)
    for k in range(3):
        jacobian = torch.autograd.functional.jacobian(lambda y: model.field(0.3, y[None])[0], state[k])
        assert divergence[k].item() == pytest.approx(jacobian.trace().item(), abs=1e-12)


def test_encoder_maps_the_input_to_the_state():
    model = ODENet(5, 10, (8,), inputs=64, extra_dims=1).double()
    x = points(3, 64)
    state = model.lift(x)
    assert torch.allclose(state[:, :5], x @ model.encoder.weight.T + model.encoder.bias)
    assert torch.equal(state[:, 5:], torch.zeros(3, 1, dtype=torch.float64))
    assert model(x).shape == (3, 10)


def test_digits_parameters_are_those_of_the_table():
    count = lambda model: sum(p.numel() for p in model.parameters())  # noqa: E731
    assert count(ODENet(32, 10, (64,), inputs=64)) == 6698
    assert count(ResidualNet(32, 10, (64,), blocks=6, inputs=64)) == 27562


@pytest.mark.parametrize(
    ("model", "arguments", "sentence"),
    [
        (ResidualNet, {"blocks": 0}, "blocks must be at least 1, not 0"),
        (ResidualNet, {"t1": math.inf}, "t1 must be a positive finite number, not inf"),
        (ODENet, {"dim": 0}, "dim must be at least 1, not 0"),
    ],
)
def test_wrong_values_are_named(model, arguments, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        model(**arguments)
