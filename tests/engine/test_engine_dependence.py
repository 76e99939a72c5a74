"""What a field depends on receives its gradient, or the solve says that it would not."""

import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad

from odeviz.engine import Event, odeint_adjoint, solve
from odeviz.fields import MLPField

#: What torch says of itself when it is first asked for forward mode.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")

WAYS = [
    {"adjoint": "discrete"},
    {"adjoint": "discrete", "method": "adams", "steps": 8},
    {"adjoint": "discrete", "method": "esdirk4"},
    {"adjoint": "backsolve"},
    {"adjoint": "interpolating"},
    {"adjoint": "reversible", "method": "asynchronous-leapfrog", "steps": 8},
    {"adjoint": "discrete", "per_sample": True},
]
MODES = [{"adjoint": "backprop"}, {"adjoint": "backprop", "per_sample": True}, *WAYS]


def number(x, requires_grad=True):
    return torch.tensor(x, dtype=torch.float64, requires_grad=requires_grad)


class Decay(nn.Module):
    def __init__(self):
        super().__init__()
        self.rate = nn.Parameter(number(0.7, False))
        self.outside = None

    def forward(self, t, y):
        return -self.rate * y if self.outside is None else -self.rate * y * self.outside

    def slower(self, t, y):
        return 0.5 * self(t, y)


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("how", ["leaf", "not a leaf", "module"])
def test_a_field_that_depends_on_unnamed_tensors_is_an_error(way, started, how):
    rate, module = number(0.7), Decay()
    module.outside = rate
    made = rate * 2
    field = {"leaf": lambda t, y: -rate * y, "not a leaf": lambda t, y: -made * y, "module": module}[how]
    y0 = number([[1.0, 2.0]], started)
    with pytest.raises(ValueError, match=r"field depends on 1 tensor that requires a gradient.*params="):
        solve(field, y0, [0.0, 1.0], **way)
    with torch.no_grad():
        solve(field, y0, [0.0, 1.0], **way)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_params_given_are_taken_at_their_word(way):
    rate, y0 = number(0.7), number([[1.0, 2.0]])
    y1 = solve(lambda t, y: -rate * y, y0, [0.0, 1.0], params=(), **way).y1
    assert torch.autograd.grad(y1.sum(), (y0, rate), allow_unused=True)[1] is None


@pytest.mark.parametrize("way", MODES[:2], ids=str)
def test_backprop_finds_what_a_field_depends_on(way):
    rate = number(0.35)
    made = 2 * rate
    y1 = solve(lambda t, y: -made * y, number([[1.0]], False), [0.0, 1.0], **way).y1
    (gradient,) = torch.autograd.grad(y1.sum(), rate)
    assert gradient.item() == pytest.approx(-2 * math.exp(-0.7), rel=1e-5)


@pytest.mark.parametrize("way", MODES, ids=str)
@pytest.mark.parametrize("how", ["method", "partial", "argument", "wrapped", "complex"])
def test_the_parameters_of_a_module_behind_a_callable_are_its_own(way, how):
    module = Decay()

    def wrapped(t, y):
        return module.slower(t, y)

    wrapped.__wrapped__ = module
    field = {
        "method": module.slower,
        "partial": partial(module.slower),
        "argument": partial(lambda m, t, y: m.slower(t, y), module),
        "wrapped": wrapped,
        "complex": module.slower,
    }[how]
    if how == "complex" and "per_sample" in way:
        pytest.skip("states are real with per_sample")
    y0 = torch.ones(1, 1, dtype=torch.complex128 if how == "complex" else torch.float64)
    solve(field, y0, [0.0, 1.0], **way).y1.real.sum().backward()
    assert module.rate.grad.item() == pytest.approx(-0.5 * math.exp(-0.35), rel=0.01)


@pytest.mark.parametrize("way", MODES, ids=str)
def test_params_add_to_a_modules_own_once_each(way):
    module, factor = Decay(), number(2.0)
    module.outside = factor
    y0 = number([[1.0]], False)
    solve(module, y0, [0.0, 1.0], params=[factor, module.rate, factor], **way).y1.sum().backward()
    assert module.rate.grad.item() == pytest.approx(-2 * math.exp(-1.4), rel=0.02)
    assert factor.grad.item() == pytest.approx(-0.7 * math.exp(-1.4), rel=0.02)


def test_params_of_a_jump_leave_a_module_its_own():
    module, bounce = Decay(), number(0.5)
    event = Event(lambda t, y: y[:, 0] - 0.8, jump=lambda t, y: bounce * y)
    y0 = number([[1.0]])
    solve(module, y0, [0.0, 1.0], events=[event], params=[bounce], rtol=1e-9).y1.sum().backward()
    # 0.8 is reached at t*, and y(1) = 0.5 * 0.8 exp(-rate (1 - t*)) = 0.5 exp(-rate).
    assert bounce.grad.item() == pytest.approx(math.exp(-0.7), rel=1e-4)
    assert module.rate.grad.item() == pytest.approx(-0.5 * math.exp(-0.7), rel=1e-4)


def test_adjoint_params_are_exactly_those_given():
    module, t = Decay(), torch.tensor([0.0, 1.0], dtype=torch.float64)
    y0 = number([1.0])
    y = odeint_adjoint(module, y0, t, adjoint_params=())
    y[-1].sum().backward()
    assert module.rate.grad is None
    assert y0.grad is not None


@pytest.mark.parametrize("way", MODES, ids=str)
def test_looking_costs_no_evaluation(way):
    calls = []

    def field(t, y):
        calls.append(t)
        return -y

    solution = solve(field, number([[1.0]], False), [0.0, 1.0], rtol=1e-3, **way)
    if way.get("method") != "esdirk4":
        assert len(calls) == solution.stats.nfe_forward


@pytest.mark.parametrize("way", MODES, ids=str)
def test_times_in_a_list_keep_their_gradients(way):
    end = number(1.0)
    y1 = solve(lambda t, y: -y, number([[1.0]], False), [0.0, end], rtol=1e-9, atol=1e-9, **way).y1
    (gradient,) = torch.autograd.grad(y1.sum(), end)
    assert gradient.item() == pytest.approx(-math.exp(-1.0), rel=0.02)


def test_jumps_that_want_a_gradient_are_an_error():
    for jumps in ([number(0.5)], number([0.5])):
        with pytest.raises(ValueError, match="jumps get no gradient"):
            solve(lambda t, y: -y, number([[1.0]]), [0.0, 1.0], jumps=jumps)


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("dual", ["y0", "closure", "t"])
def test_forward_mode_through_an_adjoint_is_an_error(way, dual):
    with forward_ad.dual_level():
        one = {name: number(1.0, False) for name in ("y0", "closure", "t")}
        one[dual] = forward_ad.make_dual(one[dual], number(1.0, False))
        t = torch.stack([number(0.0, False), one["t"]])
        with pytest.raises(RuntimeError, match=r"forward-mode .* solve"):
            solve(lambda t, y: -one["closure"] * y, one["y0"].reshape(1, 1), t, **way)


@pytest.mark.parametrize("of", ["y0", "closure"])
def test_forward_mode_goes_through_backprop(of):
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(number(0.7, False), number(1.0, False))
        rate, start = (dual, number(1.0, False)) if of == "closure" else (number(0.7, False), dual)
        options = {"adjoint": "backprop", "method": "rk4", "steps": 20}
        y1 = solve(lambda t, y: -rate * y, start.reshape(1, 1), [0.0, 1.0], **options).y1
        tangent = forward_ad.unpack_dual(y1).tangent
    assert tangent.item() == pytest.approx(math.exp(-0.7) * (-1 if of == "closure" else 1), rel=1e-5)


@pytest.mark.parametrize("transform", [torch.func.jacrev, torch.func.jacfwd])
@pytest.mark.parametrize("field", [lambda t, y: -(y**2), MLPField(2, (4,)).double()])
def test_torch_funcs_jacobians_go_through_backprop(transform, field):
    options = {"adjoint": "backprop", "method": "rk4", "steps": 4}

    def end(y0, **how):
        return solve(field, y0[None], [0.0, 1.0], **options | how).y1[0]

    start = number([0.4, 0.9], False)
    wanted = torch.autograd.functional.jacobian(end, start)
    torch.testing.assert_close(transform(end)(start).detach(), wanted)
    with pytest.raises(RuntimeError, match="only with adjoint='backprop'"):
        transform(partial(end, adjoint="discrete"))(start)
    with pytest.raises(RuntimeError, match="per_sample"):
        transform(partial(end, per_sample=True))(start)


def test_torch_funcs_gradient_and_vmap_go_through_backprop():
    def end(rate):
        start = number([[1.0]], False)
        return solve(
            lambda t, y: -rate * y, start, [0.0, 1.0], adjoint="backprop", method="rk4", steps=20
        ).y1.sum()

    rates = number([0.3, 0.7], False)
    torch.testing.assert_close(torch.vmap(torch.func.grad(end))(rates), -torch.exp(-rates), rtol=1e-5, atol=0)
    torch.testing.assert_close(torch.vmap(end)(rates), torch.exp(-rates), rtol=1e-5, atol=0)


@pytest.mark.parametrize("way", [{"method": "rk4", "steps": 2}, *MODES], ids=str)
@pytest.mark.parametrize("complex_state", [False, True])
def test_a_field_that_changes_its_state_is_an_error(way, complex_state):
    if complex_state and "per_sample" in way:
        pytest.skip("states are real with per_sample")
    y0 = torch.ones(2, 2, dtype=torch.complex128 if complex_state else torch.float64)
    with pytest.raises(ValueError, match="field must not change the state"):
        solve(lambda t, y: y.mul_(-1), y0, [0.0, 1.0], **way)
