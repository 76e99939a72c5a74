"""The leapfrogs differentiated, undone or kept, with events and jumps of the field."""

import math
import threading

import pytest
import torch
from leapfrog_methods import ALF, START, both_methods, pendulum, reference
from torch import nn

from odeviz.engine import Event, Status, solve


class Forces(nn.Module):
    """A separable field with parameters, which depends on time."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(2)
        self.A = nn.Parameter(torch.randn(2, 2, generator=generator, dtype=torch.float64))
        self.B = nn.Parameter(torch.randn(2, 2, generator=generator, dtype=torch.float64))
        self.unused = nn.Parameter(torch.ones(3, dtype=torch.float64))

    def forward(self, t, y):
        q, p = y.chunk(2, -1)
        return torch.cat([torch.tanh(p @ self.A), -q + torch.sin(q @ self.B) * math.cos(t)], -1)


TIMES = (0.0, 0.37, 1.1, 1.1003, 4.0)
GIVEN = {"method": "leapfrog", "steps": 100}, {"method": ALF, "steps": 100}
CONTROLLED = {"method": ALF, "rtol": 1e-4, "atol": 1e-4, "first_step": 2.0}


def gradients(adjoint, t=TIMES, **options):
    field, y0 = Forces(), START.clone().requires_grad_()
    inputs = [y0, field.A, field.B, field.unused]
    if isinstance(t, torch.Tensor):
        inputs.append(t)
    solution = solve(field, y0, t, adjoint=adjoint, **options)
    weights = torch.linspace(-1, 1, solution.y.numel(), dtype=torch.float64).reshape(solution.y.shape)
    found = torch.autograd.grad((solution.y.nan_to_num() * weights).sum(), inputs, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True)], solution


def distance(got, wanted):
    largest = max(float(w.abs().max()) for w in wanted)
    return max(float((g - w).abs().max()) for g, w in zip(got, wanted, strict=True)) / largest


@pytest.mark.parametrize("t", [TIMES, TIMES[::-1]], ids=["forwards", "backwards"])
@pytest.mark.parametrize("adjoint", ["discrete", "reversible"])
@pytest.mark.parametrize("options", [*GIVEN, CONTROLLED], ids=["leapfrog", ALF, f"{ALF} controlled"])
def test_gradients_are_those_of_backprop(options, adjoint, t):
    exact, reference = gradients("backprop", t, **options)
    got, solution = gradients(adjoint, t, **options)
    assert torch.equal(solution.y, reference.y)
    assert distance(got, exact) < 1e-10


def test_rejected_steps_and_velocities_set_anew_are_among_those_differentiated():
    """Where the solution decays, what the velocity is off by grows."""
    rate = torch.tensor([[1.0, 2.0]], dtype=torch.float64, requires_grad=True)
    y0 = torch.ones(1, 2, dtype=torch.float64, requires_grad=True)

    def decay(t, y):
        return -rate * y

    def found(adjoint):
        options = CONTROLLED | {"adjoint": adjoint, "params": [rate]}
        solution = solve(decay, y0, (0.0, 1.0, 10.0), **options)
        return torch.autograd.grad(solution.y.square().sum(), (y0, rate)), solution.stats

    got, stats = found("reversible")
    anew = stats.nfe_forward - 1 - len(stats.steps)
    assert stats.rejected > 0 < anew < 0.8 * len(stats.steps)
    assert distance(got, found("backprop")[0]) < 1e-10


@pytest.mark.parametrize("options", GIVEN, ids=["leapfrog", ALF])
def test_memory_is_constant_in_the_number_of_steps_where_they_are_undone(options):
    kept = {
        adjoint: [gradients(adjoint, **options | {"steps": n})[1].stats.bytes_kept for n in (10, 200)]
        for adjoint in ("reversible", "discrete")
    }
    assert kept["reversible"][0] == kept["reversible"][1] < 500
    assert kept["discrete"][1] > 15 * kept["discrete"][0]


@both_methods
def test_gradients_of_times_are_field_times_adjoint(method):
    t = torch.tensor(TIMES, dtype=torch.float64, requires_grad=True)
    exact, _ = gradients("backprop", t, method="dop853", rtol=1e-12, atol=1e-12)
    got, _ = gradients("reversible", t, method=method, steps=750)
    assert distance(got, exact) < 2e-3


@pytest.mark.parametrize("adjoint", ["discrete", "reversible", "backprop"])
@both_methods
def test_gradcheck_at_irregular_output_times(method, adjoint):
    field = Forces()

    def end(y0, A, B):
        def moved(t, y):
            return torch.func.functional_call(field, {"A": A, "B": B}, (t, y))

        return solve(
            moved, y0, (0.0, 0.11, 0.5, 0.7), method=method, steps=6, adjoint=adjoint, params=[A, B]
        ).y

    inputs = (START.clone().requires_grad_(), field.A, field.B)
    assert torch.autograd.gradcheck(end, inputs, eps=1e-6, atol=1e-8, fast_mode=True)


@both_methods
def test_float32_is_undone_too(method):
    field, y0 = Forces().float(), START.float().requires_grad_()
    found = {}
    for adjoint in ("backprop", "reversible"):
        y1 = solve(field, y0, (0.0, 2.0), method=method, steps=100, adjoint=adjoint).y1
        found[adjoint] = torch.autograd.grad(y1.sum(), (y0, field.A, field.B))
    assert distance(found["reversible"], found["backprop"]) < 1e-4


SWINGS = torch.tensor([[1.0, 0.0], [0.5, 0.0]], dtype=torch.float64)


@both_methods
def test_events_are_found_at_the_accuracy_of_the_step(method):
    """A linear oscillator passes q = 0 at pi/2 + n pi."""

    def oscillator(t, y):
        q, p = y.chunk(2, -1)
        return torch.cat([p, -q], -1)

    solution = solve(
        oscillator, SWINGS, (0.0, 9.0), method=method, steps=4000, events=[Event(lambda t, y: y[:, 0])]
    )
    wanted = torch.tensor([0.5, 0.5, 1.5, 1.5, 2.5, 2.5], dtype=torch.float64) * math.pi
    torch.testing.assert_close(solution.events[0].t, wanted, rtol=0, atol=2e-5)


def fall(t, y):
    height, speed = y.chunk(2, -1)
    return torch.cat([speed, torch.full_like(height, -1.0)], -1)


@pytest.mark.parametrize("adjoint", ["discrete", "reversible"])
@both_methods
def test_a_terminal_event_is_differentiated_where_the_steps_are_undone(method, adjoint):
    """From a height of q0 the ground is reached at sqrt(2 q0), with that speed."""
    y0 = torch.tensor([[2.0, 0.0]], dtype=torch.float64, requires_grad=True)
    ground = Event(lambda t, y: y[:, 0], terminal=True)
    solution = solve(fall, y0, (0.0, 5.0), method=method, steps=173, adjoint=adjoint, events=[ground])
    assert solution.status is Status.EVENT
    (gradient,) = torch.autograd.grad(solution.events[0].t.sum(), y0)
    assert solution.events[0].t.item() == pytest.approx(2.0, rel=1e-12)
    assert gradient[0].tolist() == pytest.approx([0.5, 1.0], rel=1e-10)


@pytest.mark.parametrize("adjoint", ["discrete", "reversible", "backprop"])
@both_methods
def test_a_bouncing_ball_is_differentiated(method, adjoint):
    """From q0 = 2 impacts at 2 and 2 + 2 e 2; between them parabolas, which both methods solve exactly."""
    y0 = torch.tensor([[2.0, 0.0]], dtype=torch.float64, requires_grad=True)
    scale = torch.tensor([[1.0, -0.5]], dtype=torch.float64)
    bounce = Event(lambda t, y: y[:, 0], direction=-1, jump=lambda t, y: y * scale)
    solution = solve(fall, y0, (0.0, 4.5), method=method, steps=100, adjoint=adjoint, events=[bounce])
    torch.testing.assert_close(
        solution.events[0].t, torch.tensor([2.0, 4.0], dtype=torch.float64), rtol=0, atol=1e-10
    )
    (gradient,) = torch.autograd.grad(solution.events[0].t[1], y0)
    assert gradient[0, 0].item() == pytest.approx(1.0, rel=1e-8)  # the second impact is at 2 sqrt(2 q0)


@pytest.mark.parametrize("adjoint", ["discrete", "reversible"])
@both_methods
def test_jumps_of_the_field_keep_the_order_and_the_gradient(method, adjoint):
    class Pushed(Forces):
        def forward(self, t, y):
            return super().forward(t, y) * (1.0 if t < 0.5 else -2.0)

    def at(steps, how):
        field, y0 = Pushed(), START.clone().requires_grad_()
        y1 = solve(
            field, y0, (0.0, 1.2), method=method, steps=steps, jumps=[0.5], adjoint=how, params=[field.A]
        ).y1
        return y1.detach(), torch.autograd.grad(y1.square().sum(), (y0,))

    def error(steps):
        return float((at(steps, adjoint)[0] - wanted).abs().max())

    forces = Forces().requires_grad_(False)
    first = reference(forces, START, (0.0, 0.5))[-1]
    wanted = reference(lambda t, y: -2 * forces(t, y), first, (0.5, 1.2))[-1]
    assert 1.8 < math.log2(error(48) / error(96)) < 2.2
    assert distance(at(24, adjoint)[1], at(24, "backprop")[1]) < 1e-11


@both_methods
def test_a_solve_is_cancelled_at_the_next_step(method):
    cancel = threading.Event()
    solution = solve(
        pendulum, START, (0.0, 1.0), method=method, steps=100, cancel=cancel,
        on_step=lambda step: cancel.set() if step.t > 0.5 else None,
    )  # fmt: skip
    assert solution.status is Status.CANCELLED
    assert solution.t_stop == pytest.approx(0.52)


@both_methods
def test_a_state_that_is_no_longer_finite_is_reported_with_its_sample(method):
    def blows_up(t, y):
        return torch.cat([y[:, 1:], torch.where(y[:, :1] > 5, math.inf, 1.0)], -1)

    y0 = torch.tensor([[0.0, 0.0], [4.9, 0.5]], dtype=torch.float64)
    solution = solve(blows_up, y0, (0.0, 1.0), method=method, steps=20)
    assert solution.status is Status.NON_FINITE
    assert solution.samples == (1,)


def test_complex_states_are_solved_by_the_asynchronous_leapfrog():
    y0 = torch.tensor([[1.0 + 0.5j]], dtype=torch.complex128)
    solution = solve(lambda t, y: 1j * y, y0, (0.0, 1.0), method=ALF, steps=2000)
    torch.testing.assert_close(solution.y1, y0 * complex(math.cos(1), math.sin(1)), rtol=0, atol=1e-6)
