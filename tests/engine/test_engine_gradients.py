"""Gradients of all modes against float64 automatic differentiation and closed forms."""

import gc
import math
import weakref

import pytest
import torch
from torch import nn

from odeviz.engine import Status, solve

TIMES = (0.0, 0.3, 0.77, 1.5)


class Wave(nn.Module):
    """A small non-autonomous field."""

    def __init__(self, dim=3):
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.A = nn.Parameter(torch.randn(dim, dim, generator=generator, dtype=torch.float64))
        self.b = nn.Parameter(torch.randn(dim, generator=generator, dtype=torch.float64))
        self.unused = nn.Parameter(torch.ones(2, dtype=torch.float64))

    def forward(self, t, y):
        return torch.tanh(y @ self.A) * math.cos(3 * t) + self.b * t


def problem():
    generator = torch.Generator().manual_seed(5)
    y0 = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    w = torch.randn(len(TIMES), 5, 3, generator=generator, dtype=torch.float64)
    return Wave(), y0.requires_grad_(), w


def gradients(adjoint, t=TIMES, **options):
    field, y0, w = problem()
    solution = solve(field, y0, t, adjoint=adjoint, **options)
    inputs = [y0, field.A, field.b, field.unused]
    if isinstance(t, torch.Tensor):
        inputs.append(t)
    grads = torch.autograd.grad((solution.y * w).sum(), inputs, allow_unused=adjoint == "backprop")
    return [torch.zeros_like(x) if g is None else g for x, g in zip(inputs, grads, strict=True)], solution


def distance(got, wanted):
    largest = max(float(w.abs().max()) for w in wanted)
    return max(float((g - w).abs().max()) for g, w in zip(got, wanted, strict=True)) / largest


SOLVERS = [
    {"method": "dopri5", "rtol": 1e-6, "atol": 1e-6},
    {"method": "tsit5", "rtol": 1e-4, "atol": 1e-4},
    {"method": "bosh3", "rtol": 1e-4, "atol": 1e-4},
    {"method": "heun", "rtol": 1e-3, "atol": 1e-3},
    {"method": "rk4", "steps": 7},
    {"method": "midpoint", "steps": 9},
    {"method": "euler", "steps": 11},
    {"method": "dopri5", "steps": 5},
    {"method": "dopri5", "rtol": 1e-5, "atol": 1e-5, "first_step": 1.4},
]


@pytest.mark.parametrize("options", SOLVERS, ids=[str(list(o.values())) for o in SOLVERS])
def test_the_discrete_gradient_is_that_of_the_steps_taken(options):
    exact, reference = gradients("backprop", **options)
    got, solution = gradients("discrete", **options)
    torch.testing.assert_close(solution.y, reference.y, rtol=1e-13, atol=1e-13)
    assert distance(got, exact) < 1e-12


def test_rejected_steps_do_not_disturb_the_discrete_gradient():
    options = {"method": "dopri5", "rtol": 1e-5, "atol": 1e-5, "first_step": 1.4}
    _, solution = gradients("discrete", **options)
    assert solution.stats.rejected > 0


@pytest.mark.parametrize("tolerance", [1e-4, 1e-6, 1e-8])
def test_the_backsolve_gradient_is_right_to_the_tolerance(tolerance):
    exact, _ = gradients("backprop", rtol=1e-11, atol=1e-11)
    got, _ = gradients("backsolve", rtol=tolerance, atol=tolerance)
    assert distance(got, exact) < 10 * tolerance


def test_backsolve_with_equal_steps_converges_with_the_order_of_the_method():
    exact, _ = gradients("backprop", rtol=1e-11, atol=1e-11)
    coarse = distance(gradients("backsolve", method="rk4", steps=15)[0], exact)
    fine = distance(gradients("backsolve", method="rk4", steps=30)[0], exact)
    assert 3.3 < math.log2(coarse / fine) < 5.0


@pytest.mark.parametrize("adjoint", ["discrete", "backsolve", "backprop"])
def test_gradients_of_times_are_field_times_adjoint(adjoint):
    t = torch.tensor(TIMES, dtype=torch.float64, requires_grad=True)
    got, _ = gradients(adjoint, t, rtol=1e-9, atol=1e-9)
    field, y0, w = problem()
    field.requires_grad_(False)
    wanted = []
    for index in range(len(TIMES)):
        ends = []
        for shift in (-1e-4, 1e-4):
            moved = [time + shift * (i == index) for i, time in enumerate(TIMES)]
            ends.append(float((solve(field, y0.detach(), moved, rtol=1e-12, atol=1e-12).y * w).sum()))
        wanted.append((ends[1] - ends[0]) / 2e-4)
    torch.testing.assert_close(got[-1], torch.tensor(wanted, dtype=torch.float64), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("adjoint", ["discrete", "backsolve", "backprop"])
def test_the_gradient_of_a_linear_decay_is_its_closed_form(adjoint):
    rate = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    y0 = torch.tensor([[2.0]], dtype=torch.float64, requires_grad=True)
    solution = solve(
        lambda t, y: -rate * y, y0, [0.0, 1.3], params=[rate], adjoint=adjoint, rtol=1e-10, atol=1e-10
    )
    d_y0, d_rate = torch.autograd.grad(solution.y1.sum(), (y0, rate))
    assert d_y0.item() == pytest.approx(math.exp(-0.91), rel=1e-8)
    assert d_rate.item() == pytest.approx(-2 * 1.3 * math.exp(-0.91), rel=1e-8)


@pytest.mark.parametrize("adjoint", ["discrete", "backsolve"])
def test_gradients_run_backwards_in_time_too(adjoint):
    back = tuple(reversed(TIMES))
    exact, _ = gradients("backprop", back, rtol=1e-10, atol=1e-10)
    got, _ = gradients(adjoint, back, rtol=1e-8, atol=1e-8)
    assert distance(got, exact) < 1e-6


def test_backprop_gives_second_derivatives():
    y0 = torch.tensor([[0.4]], dtype=torch.float64, requires_grad=True)
    solution = solve(lambda t, y: y * (1 - y), y0, [0.0, 1.0], adjoint="backprop", rtol=1e-10, atol=1e-10)
    (first,) = torch.autograd.grad(solution.y1.sum(), y0, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), y0)
    growth = math.e  # y(1) = y0 e / (1 + y0 (e - 1))
    assert first.item() == pytest.approx(growth / (1 + 0.4 * (growth - 1)) ** 2, rel=1e-7)
    assert second.item() == pytest.approx(
        -2 * growth * (growth - 1) / (1 + 0.4 * (growth - 1)) ** 3, rel=1e-7
    )


@pytest.mark.parametrize("adjoint", ["discrete", "backsolve"])
def test_other_modes_refuse_second_derivatives(adjoint):
    y0 = torch.tensor([[0.4]], dtype=torch.float64, requires_grad=True)
    solution = solve(lambda t, y: y * (1 - y), y0, [0.0, 1.0], adjoint=adjoint)
    (first,) = torch.autograd.grad(solution.y1.sum(), y0, create_graph=True)
    with pytest.raises(RuntimeError):
        torch.autograd.grad(first.sum(), y0)


def test_a_retained_graph_can_be_walked_twice():
    field, y0, w = problem()
    solution = solve(field, y0, TIMES)
    loss = (solution.y * w).sum()
    first = torch.autograd.grad(loss, (y0, field.A), retain_graph=True)
    second = torch.autograd.grad(loss, (y0, field.A))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_two_solves_in_one_loss_do_not_share_a_tape():
    field, y0, w = problem()
    both = (solve(field, y0, TIMES).y * w).sum() + (solve(field, 2 * y0, TIMES).y * w).sum()
    (got,) = torch.autograd.grad(both, y0)
    (one,) = torch.autograd.grad((solve(field, y0, TIMES).y * w).sum(), y0)
    (two,) = torch.autograd.grad((solve(field, 2 * y0, TIMES).y * w).sum(), y0)
    torch.testing.assert_close(got, one + two)


def test_the_backward_pass_is_counted():
    _, discrete = gradients("discrete", rtol=1e-5, atol=1e-5)
    _, backprop = gradients("backprop", rtol=1e-5, atol=1e-5)
    _, backsolve = gradients("backsolve", rtol=1e-5, atol=1e-5)
    assert discrete.stats.nfe_backward == backprop.stats.nfe_backward > 0
    assert discrete.stats.recomputed == 0
    assert backsolve.stats.recomputed == backsolve.stats.nfe_backward > 0


def test_the_discrete_backward_pass_does_not_depend_on_the_number_of_outputs():
    counts = []
    for outputs in (2, 20, 100):
        y0 = torch.ones(1, 2, requires_grad=True)
        solution = solve(lambda t, y: -y, y0, torch.linspace(0, 2, outputs), rtol=1e-5, atol=1e-5)
        solution.y.sum().backward()
        counts.append(solution.stats.nfe_backward)
    assert max(counts) - min(counts) <= 1  # the end derivative is needed when an output lies in the last step


def test_backsolve_keeps_as_many_bytes_for_many_steps_as_for_few():
    kept = {}
    for adjoint in ("backsolve", "backprop"):
        kept[adjoint] = [gradients(adjoint, method="rk4", steps=n)[1].stats.bytes_kept for n in (10, 40)]
    assert kept["backsolve"][0] == kept["backsolve"][1]
    assert 3.5 < kept["backprop"][1] / kept["backprop"][0] < 4.5


def test_no_gradient_is_kept_when_none_is_asked_for():
    field, y0, _ = problem()
    with torch.no_grad():
        solution = solve(field, y0, TIMES)
    assert not solution.y.requires_grad
    assert solution.stats.bytes_kept == 0


def test_a_failed_solve_passes_the_gradient_of_what_it_reached():
    y0 = torch.ones(1, 1, dtype=torch.float64, requires_grad=True)
    solution = solve(lambda t, y: y**2, y0, [0.0, 0.5, 2.0])
    assert solution.status is not Status.SUCCESS
    (grad,) = torch.autograd.grad(solution.y[1].sum(), y0)
    assert grad.item() == pytest.approx(4.0, rel=1e-3)  # y = y0 / (1 - t y0)


def test_the_tape_is_released_with_the_graph():
    released = []

    class Leased(nn.Module):
        def forward(self, t, y):
            return -y

        def kernel(self, y0):
            from odeviz.engine import AutogradKernel

            kernel = AutogradKernel(self, y0, ())
            kernel.release = lambda: released.append(True)
            return kernel

    y0 = torch.ones(2, 2, requires_grad=True)
    solution = solve(Leased(), y0, [0.0, 1.0])
    gc.collect()
    assert not released
    solution.y.sum().backward()
    del solution
    gc.collect()
    assert released == [True]


@pytest.mark.parametrize("adjoint", ["discrete", "backsolve", "backprop"])
@pytest.mark.parametrize("differentiated", [False, True])
def test_a_dropped_solution_leaves_no_graph_behind(adjoint, differentiated):
    class Held:
        """Kept by the graph, as a hook of one of its nodes."""

        def __call__(self, grad):
            return grad

    rate = torch.ones(1, requires_grad=True)
    held = []

    def field(t, y):
        value = torch.tanh(rate * y)  # an operation that saves its own result
        if value.requires_grad:
            hook = Held()
            held.append(weakref.ref(hook))
            value.register_hook(hook)
        return value

    y0 = torch.ones(2, 2, requires_grad=True)
    solution = solve(field, y0, [0.0, 1.0], params=[rate], adjoint=adjoint)
    if differentiated:
        solution.y.sum().backward()
    del solution
    gc.collect()
    assert held or (adjoint, differentiated) == ("backsolve", False)
    assert [hook for hook in held if hook() is not None] == []


@pytest.mark.parametrize("adjoint", ["discrete", "backsolve", "interpolating"])
def test_params_add_to_what_a_field_with_a_kernel_knows(adjoint):
    from odeviz.fields import MLPField

    field = MLPField(2, (8,)).double()
    first, *_, last = field.parameters()
    y0 = torch.ones(3, 2, dtype=torch.float64)
    solve(field, y0, [0.0, 1.0], adjoint=adjoint).y1.sum().backward()
    wanted = first.grad.clone()
    field.zero_grad()
    solve(field, y0, [0.0, 1.0], adjoint=adjoint, params=[first]).y1.sum().backward()
    torch.testing.assert_close(first.grad, wanted, rtol=0, atol=0)
    assert last.grad is not None
