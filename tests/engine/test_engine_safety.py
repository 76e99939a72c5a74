"""What a solve must not do silently: wrong gradients, bypassed code, wasted memory."""

import math

import pytest
import torch
from torch import nn

from odeviz.engine import AutogradKernel, solve
from odeviz.fields import AutogradField, LogDensityField, MLPField, RegularizedField, Rescaled


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
    loss, parameters = solution.y1.sum(), tuple(field.parameters())
    before = torch.autograd.grad(loss, parameters, retain_graph=True)
    with torch.no_grad():
        for parameter in parameters:
            parameter.mul_(2.0)
    if fused and method == "rk4" and adjoint != "backprop":
        # The fused kernel has a copy of the weights.
        after = torch.autograd.grad(loss, parameters)
        torch.testing.assert_close(after, before, rtol=0, atol=0)
        return
    with pytest.raises(RuntimeError, match=r"in.?place"):
        loss.backward()


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


def test_backward_keeps_no_parameter_gradients_of_every_stage(monkeypatch):
    most = []
    plain = AutogradKernel.pull_back

    def watched(self, *arguments):
        plain(self, *arguments)
        most.append(len(self._parts))

    monkeypatch.setattr(AutogradKernel, "pull_back", watched)
    field, y0 = Linear(), start().requires_grad_()
    solution = solve(field, y0, [0.0, 1.0], method="rk4", steps=15)
    solution.y1.square().sum().backward()
    assert max(most) <= 6
    assert solution.stats.nfe_backward == len(most) == 60
    again = solve(field, y0, [0.0, 1.0], method="rk4", steps=15, adjoint="backprop").y1.square().sum()
    torch.testing.assert_close(field.A.grad, torch.autograd.grad(again, field.A)[0])


def test_bytes_kept_count_what_the_graph_of_each_evaluation_holds():
    class Wide(nn.Module):
        def __init__(self):
            super().__init__()
            self.into, self.out = nn.Linear(2, 1000).double(), nn.Linear(1000, 2).double()

        def forward(self, t, y):
            return self.out(torch.tanh(self.into(y)))

    kept = [
        solve(Wide(), start(), [0.0, 1.0], method="rk4", steps=10, adjoint=adjoint).stats.bytes_kept
        for adjoint in ("discrete", "backprop")
    ]
    hidden = 40 * 2 * 1000 * 8
    assert hidden < kept[0] < 1.1 * hidden  # no weights, which the model has anyway
    assert kept[0] < kept[1]


class Doubled(MLPField):
    def forward(self, t, y):
        return 2 * super().forward(t, y)


def twice(module, arguments, value):
    return 2 * value


@pytest.mark.parametrize("how", ["subclass", "hook", "assigned"])
@pytest.mark.parametrize("inside", ["bare", "rescaled", "log_density", "regularized"])
@pytest.mark.parametrize("per_sample", [False, True])
def test_what_changes_a_fields_values_is_not_bypassed(how, inside, per_sample):
    torch.manual_seed(0)
    plain = MLPField(2, (4,), time="none").double().requires_grad_(False)
    field = (Doubled if how == "subclass" else MLPField)(2, (4,), time="none").double()
    field.load_state_dict(plain.state_dict())
    if how == "hook":
        field.register_forward_hook(twice)
    if how == "assigned":
        field.forward = lambda t, y: 2 * plain(t, y)

    def around(inner):
        if inside == "rescaled":
            return Rescaled(inner, nn.Parameter(torch.zeros((), dtype=torch.float64)))
        if inside == "log_density":
            return LogDensityField(inner)
        return RegularizedField(inner) if inside == "regularized" else inner

    # The same values by a module without a kernel of its own.
    class Reference(nn.Module):
        def forward(self, t, y):
            return 2 * plain(t, y)

    missing = {"log_density": 1, "regularized": 3}.get(inside, 0)
    y0 = torch.cat([start(), torch.zeros(2, missing, dtype=torch.float64)], 1)
    options = {"per_sample": per_sample, "rtol": 1e-9, "atol": 1e-9}
    found = solve(around(field), y0, [0.0, 1.0], **options).y1
    expected = solve(around(AutogradField(Reference(), 2)), y0, [0.0, 1.0], **options).y1
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-7)


def test_attributes_with_the_engines_names_are_the_fields_own_affair():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.kernel = nn.Parameter(-torch.eye(2, dtype=torch.float64))
            self.bare = nn.Linear(2, 2).double()
            self.jacobian = nn.Linear(2, 2).double()

        def forward(self, t, y):
            return y @ self.kernel

    for method in ("dopri5", "esdirk4"):
        for adjoint in ("discrete", "backprop"):
            y1 = solve(Named(), start(), [0.0, 1.0], method=method, adjoint=adjoint).y1
            torch.testing.assert_close(y1.detach(), start() * math.exp(-1), rtol=1e-4, atol=1e-5)


def test_backprop_leaves_no_hooks_on_tensors_a_field_returns():
    constant = torch.ones(2, 2, dtype=torch.float64, requires_grad=True)
    y0 = start().requires_grad_()
    for field in (lambda t, y: constant, lambda t, y: y):
        solve(field, y0, [0.0, 1.0], method="rk4", steps=3, adjoint="backprop", params=[constant])
    assert not constant._backward_hooks
    assert not y0._backward_hooks


@pytest.mark.parametrize("how", ["numpy", "no_grad"])
def test_an_implicit_method_refuses_a_field_whose_jacobian_it_cannot_see(how):
    def field(t, y):
        if how == "numpy":
            return torch.from_numpy(-5 * y.detach().numpy())
        with torch.no_grad():
            return -5 * y

    with pytest.raises(ValueError, match="field depends on y in a way"):
        solve(field, start(), [0.0, 1.0], method="esdirk4")


@pytest.mark.parametrize(("adjoint", "method"), WAYS)
def test_a_gradient_penalty_is_right_or_refused(adjoint, method):
    field, y0 = Linear(), start().requires_grad_()
    y1 = solve(field, y0, [0.0, 1.0], method=method, steps=4, adjoint=adjoint).y1
    (slope,) = torch.autograd.grad(y1.sum(), y0, create_graph=True)
    penalty = y1.square().sum() + slope.square().sum()
    if adjoint == "backprop":
        penalty.backward()
        assert field.A.grad.any()
    else:
        with pytest.raises(RuntimeError, match="adjoint='backprop'"):
            penalty.backward()


@pytest.mark.parametrize("method", ["dopri5", "adams", "esdirk4"])
@pytest.mark.parametrize("per_sample", [False, True])
def test_autocast_does_not_coarsen_a_solve(method, per_sample):
    if per_sample and method != "dopri5":
        return

    def solved():
        field, y0 = Linear().float(), start().float().requires_grad_()
        options = {"rtol": 1e-5, "atol": 1e-6, "method": method, "per_sample": per_sample}
        y1 = solve(field, y0, [0.0, 1.0], **options).y1
        y1.sum().backward()
        return y1.detach(), y0.grad, field.A.grad

    expected = solved()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = solved()
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
