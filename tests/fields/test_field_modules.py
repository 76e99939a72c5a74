"""The fields as modules: values, divergence, arguments."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from odeviz.engine import AutogradKernel, solve
from odeviz.fields import ACTIVATIONS, TIMES, AutogradField, LogDensityField, MLPField, Rescaled


def jacobian_trace(field: nn.Module, t: float, y: Tensor) -> Tensor:
    J = torch.autograd.functional.jacobian(lambda x: field(t, x).sum(0), y)  # [dim, batch, dim]
    return J.diagonal(dim1=0, dim2=2).sum(1)


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 3))

    def forward(self, t: float, y: Tensor) -> Tensor:
        return self.net(y) * (1 + t)


def rescale(field: nn.Module) -> Rescaled:
    return Rescaled(field, nn.Parameter(torch.tensor(0.3, dtype=torch.float64)))


@pytest.mark.parametrize("hidden", [(6,), (6, 5), (6, 5, 4)])
@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_divergence_is_the_trace_of_the_jacobian(activation: str, time: str, hidden: tuple[int, ...]) -> None:
    field = MLPField(3, hidden, activation=activation, time=time).double()
    y = torch.randn(5, 3, dtype=torch.float64)
    trace = jacobian_trace(field, 0.7, y)
    assert torch.allclose(field.divergence(0.7, y), trace, rtol=0, atol=1e-12)
    assert torch.allclose(AutogradField(field, 3).divergence(0.7, y), trace, rtol=0, atol=1e-12)


@pytest.mark.parametrize("make", [lambda: MLPField(3, (6, 5)), lambda: AutogradField(Plain(), 3)])
def test_divergence_is_differentiable(make) -> None:
    field = make().double()
    y = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: field.divergence(0.3, x), (y,))


def test_divergence_without_gradients_is_detached() -> None:
    field = AutogradField(Plain(), 3)
    with torch.no_grad():
        divergence = field.divergence(0.0, torch.randn(4, 3))
    assert not divergence.requires_grad
    assert divergence.shape == (4,)


def test_field_that_ignores_the_state_has_no_divergence() -> None:
    class Constant(nn.Module):
        def forward(self, y: Tensor) -> Tensor:
            return torch.ones_like(y)

    assert torch.equal(AutogradField(Constant(), 2).divergence(0.0, torch.randn(4, 2)), torch.zeros(4))


def test_concatsquash_is_its_formula() -> None:
    field = MLPField(2, (5,), time="concatsquash")
    y, t = torch.randn(3, 2), 0.4

    def layer(x: Tensor, p: nn.Module) -> Tensor:
        gate = torch.sigmoid(p.gate_weight * t + p.gate_bias)
        return (x @ p.weight.T + p.bias) * gate + p.shift * t

    first, last = field.time_linears()
    value = layer(torch.tanh(layer(y, first)), last)
    assert torch.allclose(field(t, y), value, atol=1e-6)


def test_autonomous_field_ignores_time() -> None:
    field, y = MLPField(2, time="none"), torch.randn(3, 2)
    assert torch.equal(field(0.0, y), field(5.0, y))


def test_scale_zero_starts_from_rest() -> None:
    for time in TIMES:
        assert torch.equal(MLPField(2, time=time, scale=0.0)(0.3, torch.randn(4, 2)), torch.zeros(4, 2))


def test_time_may_be_a_tensor_with_gradient() -> None:
    field = MLPField(2, time="concatsquash").double()
    t = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: field(x, torch.ones(2, 2, dtype=torch.float64)), (t,))


@pytest.mark.parametrize("wrap", [lambda field: field, lambda field: AutogradField(field, 3), rescale])
@pytest.mark.parametrize("time", TIMES)
def test_time_may_be_one_for_each_sample(time: str, wrap) -> None:
    field = wrap(MLPField(3, (6, 5, 4), time=time).double())
    traced = LogDensityField(field)
    t, state = torch.rand(5, 1, dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64)
    y = state[:, :3]
    one_by_one = [slice(i, i + 1) for i in range(5)]
    for f, x in ((field, y), (field.divergence, y), (traced, state)):
        alone = torch.cat([f(t[i].item(), x[i]) for i in one_by_one])
        assert torch.allclose(f(t, x), alone, rtol=0, atol=1e-12)


def test_log_density_of_a_linear_field_falls_by_the_trace() -> None:
    field = AutogradField(nn.Linear(2, 2), 2).double()
    state = torch.randn(5, 3, dtype=torch.float64)
    y = solve(LogDensityField(field), state, (0.0, 1.5), rtol=1e-10, atol=1e-10).y
    trace = field.module.weight.trace()
    assert torch.allclose(y[-1, :, 2] - state[:, 2], -1.5 * trace.expand(5), atol=1e-9)


def test_log_density_falls_back_to_autograd() -> None:
    field = LogDensityField(AutogradField(Plain(), 3))
    assert field.dim == 4
    assert isinstance(field.kernel(torch.zeros(2, 4)), AutogradKernel)


def test_rescaled_unit_interval_is_the_whole_duration() -> None:
    field = MLPField(2, (8, 8), time="concatsquash").double()
    y0 = torch.randn(4, 2, dtype=torch.float64)
    rescaled = Rescaled(field, nn.Parameter(torch.tensor(2.5, dtype=torch.float64).log()))
    options = {"method": "rk4", "steps": 20}
    direct, scaled = solve(field, y0, (0.0, 2.5), **options), solve(rescaled, y0, (0.0, 1.0), **options)
    assert torch.allclose(direct.y[-1], scaled.y[-1], rtol=0, atol=1e-12)
    assert rescaled.duration.item() == pytest.approx(2.5)
    assert rescaled.dim == 2


def test_rescaled_works_on_any_field() -> None:
    rescaled = Rescaled(AutogradField(Plain(), 3), nn.Parameter(torch.tensor(0.2)))
    y = torch.randn(4, 3)
    assert isinstance(rescaled.kernel(y), AutogradKernel)
    assert torch.allclose(rescaled.divergence(0.5, y), jacobian_trace(rescaled, 0.5, y), atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dim": 0}, "dim must be at least 1, not 0"),
        ({"dim": 2, "hidden": ()}, "hidden must name at least one layer"),
        ({"dim": 2, "hidden": (4, 0)}, r"hidden must name at least one layer.*not \(4, 0\)"),
        (
            {"dim": 2, "activation": "tan"},
            "activation must be one of tanh, .*relu, not 'tan'; did you mean 'tanh'",
        ),
        ({"dim": 2, "time": "sometimes"}, "time must be one of none, concat, concatsquash, not 'sometimes'"),
        ({"dim": 2, "scale": float("nan")}, "scale must be a finite number, not nan"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MLPField(**arguments)


def test_wrong_fields_are_named() -> None:
    with pytest.raises(TypeError, match="field must have with_divergence"):
        LogDensityField(nn.Linear(2, 2))
    with pytest.raises(TypeError, match="field must have with_divergence"):
        Rescaled(Bare(), nn.Parameter(torch.tensor(0.0))).divergence(0.0, torch.zeros(1, 2))
    with pytest.raises(TypeError, match="log_duration must be a 0-dim"):
        Rescaled(MLPField(2), nn.Parameter(torch.zeros(1)))
    with pytest.raises(TypeError, match=r"module must be an nn\.Module"):
        AutogradField(lambda t, y: y, 2)
    with pytest.raises(ValueError, match="dim must be at least 1, not 0"):
        AutogradField(nn.Linear(2, 2), 0)


class Bare(nn.Module):
    dim = 2

    def forward(self, t: float, y: Tensor) -> Tensor:
        return y
