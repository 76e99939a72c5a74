"""Adams steps differentiated, with events, and when they end early."""

import math
import threading

import pytest
import torch
from test_engine_orders import (
    INTERVAL,
    Y0,
    error,
    exact_whirl,
    whirl,
)
from torch import nn

from odeviz.engine import Event, PIDController, Status, solve


class Wave(nn.Module):
    """A small field that depends on time."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.A = nn.Parameter(torch.randn(2, 2, generator=generator, dtype=torch.float64))
        self.b = nn.Parameter(torch.randn(2, generator=generator, dtype=torch.float64))
        self.unused = nn.Parameter(torch.ones(3, dtype=torch.float64))

    def forward(self, t, y):
        return torch.tanh(y @ self.A) * math.cos(3 * t) + self.b * math.sin(t)


TIMES = (0.0, 0.3, 0.77, 0.7701, 1.5, 4.0)


def gradients(adjoint, t=TIMES, jumps=(), **options):
    field, y0 = Wave(), Y0.clone().requires_grad_()
    inputs = [y0, field.A, field.b, field.unused]
    if isinstance(t, torch.Tensor):
        inputs.append(t)
    solution = solve(field, y0, t, method="adams", adjoint=adjoint, jumps=jumps, **options)
    weights = torch.linspace(-1, 1, solution.y.numel(), dtype=torch.float64).reshape(solution.y.shape)
    found = torch.autograd.grad((solution.y * weights).sum(), inputs, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True)], solution


def distance(got, wanted):
    largest = max(float(w.abs().max()) for w in wanted)
    return max(float((g - w).abs().max()) for g, w in zip(got, wanted, strict=True)) / largest


SOLVES = {
    "given steps": {"steps": 30},
    "given steps after short ones": {
        "steps": 30,
        "jumps": [0.9 - 1e-6, 2.0 - 1e-3],
        "step_at": [1.3, 1.3001],
    },
    "loose": {"rtol": 1e-3, "atol": 1e-3},
    "tight": {"rtol": 1e-9, "atol": 1e-9},
    "rejections": {"rtol": 1e-6, "atol": 1e-6, "first_step": 1.0},
    "restarts": {"rtol": 1e-6, "atol": 1e-6, "jumps": [0.4, 1.1]},
    "steps cut short": {"rtol": 1e-6, "atol": 1e-6, "step_at": [1.0, 1.00001]},
}


@pytest.mark.parametrize("t", [TIMES, TIMES[::-1]], ids=["forwards", "backwards"])
@pytest.mark.parametrize("options", SOLVES.values(), ids=SOLVES)
def test_the_discrete_gradient_is_that_of_the_steps_taken(options, t):
    exact, reference = gradients("backprop", t, **options)
    got, solution = gradients("discrete", t, **options)
    assert torch.equal(solution.y, reference.y)
    assert distance(got, exact) < 1e-12


def test_the_first_step_is_rejected_until_it_is_small_enough():
    _, solution = gradients("discrete", **SOLVES["rejections"])
    assert not solution.stats.steps[0].accepted


def test_gradients_of_times_are_field_times_adjoint():
    t = torch.tensor(TIMES, dtype=torch.float64, requires_grad=True)
    exact, _ = gradients("discrete", t, rtol=1e-12, atol=1e-12)
    ends = []
    for index in range(len(TIMES)):
        shifted = []
        for shift in (-1e-5, 1e-5):
            times = [time + shift * (i == index) for i, time in enumerate(TIMES)]
            y = solve(Wave().requires_grad_(False), Y0, times, method="dop853", rtol=1e-13, atol=1e-13).y
            shifted.append(
                float((y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).reshape(y.shape)).sum())
            )
        ends.append((shifted[1] - shifted[0]) / 2e-5)
    torch.testing.assert_close(exact[-1], torch.tensor(ends, dtype=torch.float64), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("adjoint", ["discrete", "backprop"])
def test_gradcheck_at_irregular_output_times(adjoint):
    """With steps as the step control of one solve found them, for those of another would differ."""
    field = Wave()
    grid = [0.0]
    for step in solve(field, Y0, (0.0, 2.0), method="adams", rtol=1e-7, atol=1e-7).stats.steps:
        grid += [step.t + step.h] if step.accepted else []
    grid[-1] = 2.0

    def states(y0, A, b):
        def moved(t, y):
            return torch.func.functional_call(field, {"A": A, "b": b}, (t, y))

        times = (0.0, 0.11, 0.5, 0.7, 2.0)
        return solve(moved, y0, times, method="adams", grid=grid, adjoint=adjoint, params=[A, b]).y

    inputs = (Y0.clone().requires_grad_(), field.A, field.b)
    assert torch.autograd.gradcheck(states, inputs, eps=1e-6, atol=1e-8, fast_mode=True)


def test_gradcheck_under_step_control_to_the_tolerance():
    """Steps move with the state, which at a tight tolerance shows no more."""
    field = Wave()

    def states(y0, A, b):
        def moved(t, y):
            return torch.func.functional_call(field, {"A": A, "b": b}, (t, y))

        options = {"rtol": 1e-12, "atol": 1e-12, "first_step": 0.5, "params": [A, b]}
        return solve(moved, y0, (0.0, 0.11, 0.5, 1.3), method="adams", **options).y

    inputs = (Y0.clone().requires_grad_(), field.A, field.b)
    assert torch.autograd.gradcheck(states, inputs, eps=1e-5, atol=1e-6, fast_mode=True)


def test_backprop_gives_second_derivatives():
    y0 = torch.tensor([[0.4]], dtype=torch.float64, requires_grad=True)
    solution = solve(
        lambda t, y: y * (1 - y), y0, [0.0, 1.0], method="adams", adjoint="backprop", rtol=1e-10, atol=1e-10
    )
    (first,) = torch.autograd.grad(solution.y1.sum(), y0, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), y0)
    growth = math.e  # y(1) = y0 e / (1 + y0 (e - 1))
    assert first.item() == pytest.approx(growth / (1 + 0.4 * (growth - 1)) ** 2, rel=1e-8)
    assert second.item() == pytest.approx(
        -2 * growth * (growth - 1) / (1 + 0.4 * (growth - 1)) ** 3, rel=1e-8
    )


def fall(t, y):
    height, speed = y.chunk(2, -1)
    return torch.cat([speed, torch.full_like(height, -1.0)], -1)


@pytest.mark.parametrize("adjoint", ["discrete", "backprop"])
def test_a_bouncing_ball_is_solved_and_differentiated(adjoint):
    """From q0 impacts at sqrt(2 q0) and twice that."""
    y0 = torch.tensor([[2.0, 0.0]], dtype=torch.float64, requires_grad=True)
    scale = torch.tensor([[1.0, -0.5]], dtype=torch.float64)
    bounce = Event(lambda t, y: y[:, 0], direction=-1, jump=lambda t, y: y * scale)
    solution = solve(fall, y0, (0.0, 4.5), method="adams", adjoint=adjoint, events=[bounce])
    torch.testing.assert_close(
        solution.events[0].t, torch.tensor([2.0, 4.0], dtype=torch.float64), rtol=0, atol=1e-10
    )
    (gradient,) = torch.autograd.grad(solution.events[0].t[1], y0)
    assert gradient[0, 0].item() == pytest.approx(1.0, rel=1e-8)


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("adjoint", ["discrete", "backprop"])
def test_event_times_are_those_of_the_closed_form_and_so_are_their_gradients(adjoint, terminal):
    """On the whirl the second coordinate is zero when the angle |y0|^2 t + arg y0 is pi."""
    y0 = torch.tensor([[0.9, 0.5]], dtype=torch.float64, requires_grad=True)
    event = Event(lambda t, y: y[:, 1], direction=-1, terminal=terminal)
    options = {"rtol": 1e-10, "atol": 1e-10, "adjoint": adjoint, "events": [event]}
    solution = solve(whirl, y0, (0.0, 4.0), method="adams", **options)
    assert solution.status is (Status.EVENT if terminal else Status.SUCCESS)
    exact = (math.pi - torch.atan2(y0[:, 1], y0[:, 0])) / y0.square().sum(1)
    torch.testing.assert_close(solution.events[0].t, exact, rtol=0, atol=1e-8)
    (got,) = torch.autograd.grad(solution.events[0].t.sum(), y0)
    (wanted,) = torch.autograd.grad(exact.sum(), y0)
    torch.testing.assert_close(got, wanted, rtol=1e-7, atol=1e-7)


def test_a_solve_is_cancelled_at_the_next_step():
    cancel = threading.Event()
    solution = solve(
        whirl, Y0, (0.0, 1.0), method="adams", steps=100, cancel=cancel,
        on_step=lambda step: cancel.set() if step.t > 0.5 else None,
    )  # fmt: skip
    assert solution.status is Status.CANCELLED
    assert solution.t_stop == pytest.approx(0.52)


def test_a_solution_that_blows_up_is_reported_with_its_time_and_sample():
    y0 = torch.tensor([[0.1], [1.0]], dtype=torch.float64)
    solution = solve(lambda t, y: y**2, y0, (0.0, 2.0), method="adams")
    assert solution.status in (Status.STEP_TOO_SMALL, Status.NON_FINITE)
    assert solution.t_stop == pytest.approx(1.0, abs=1e-3)
    assert solution.samples == (1,)


def test_controllers_are_those_of_all_methods():
    for controller in ("i", "pi", "pid", PIDController(safety=0.8, max_factor=2.0)):
        options = {"rtol": 1e-8, "atol": 1e-8, "controller": controller}
        solution = solve(whirl, Y0 / 2, INTERVAL, method="adams", **options)
        assert error(solution, Y0 / 2, exact_whirl) < 1e-7
