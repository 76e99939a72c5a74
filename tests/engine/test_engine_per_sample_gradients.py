"""Events and gradients where every sample has its own steps."""

import math

import numpy as np
import pytest
import torch
from per_sample_fields import BOUNCE, BOUNCY, F64, GRAVITY, dropped, falling, squared

from odeviz.engine import Event, Status, solve
from odeviz.fields import MLPField


def bounces(height, count):
    """Times at which a ball dropped from a height hits the floor."""
    first = math.sqrt(2 * height / GRAVITY)
    return [first * (1 + 2 * sum(BOUNCE**k for k in range(1, n + 1))) for n in range(count)]


FLOOR = Event(lambda t, y: y[:, 0], direction=-1, terminal=True)


def test_a_terminal_event_ends_its_sample_alone():
    heights = torch.tensor([1.0, 2.0, 5.0, 0.3], dtype=F64, requires_grad=True)
    t = torch.linspace(0, 0.8, 9, dtype=F64)
    solution = solve(falling, dropped(heights), t, per_sample=True, events=[FLOOR])
    assert solution.status is Status.EVENT
    assert solution.samples == ()
    assert [status.name for status in solution.per_sample.status] == ["EVENT", "EVENT", "SUCCESS", "EVENT"]
    record = solution.events[0]
    exact = (2 * heights / GRAVITY).sqrt()
    order = record.sample.argsort()
    assert record.sample[order].tolist() == [0, 1, 3]
    torch.testing.assert_close(record.t[order], exact[[0, 1, 3]], rtol=0, atol=1e-7)
    torch.testing.assert_close(solution.per_sample.t_stop[2].item(), 0.8)
    fallen = heights - GRAVITY / 2 * t[:, None] ** 2
    torch.testing.assert_close(solution.y[:, 2, 0], fallen[:, 2], rtol=0, atol=1e-6)
    assert torch.isnan(solution.y[5:, 0]).all()
    assert not torch.isnan(solution.y[:5, 0]).any()
    (gradient,) = torch.autograd.grad(record.t.sum(), heights)
    wanted = 1 / torch.sqrt(2 * GRAVITY * heights.detach())
    wanted[2] = 0.0
    torch.testing.assert_close(gradient, wanted, rtol=1e-6, atol=1e-8)


def test_events_that_do_not_stop_are_recorded_in_each_direction():
    frequency = torch.tensor([1.0, 3.0, 7.0], dtype=F64)

    def rotation(t, y):
        return torch.stack([-y[:, 1] * y[:, 2], y[:, 0] * y[:, 2], torch.zeros_like(y[:, 2])], 1)

    y0 = torch.stack([torch.ones(3), torch.zeros(3), frequency], 1).to(F64)
    events = [Event(lambda t, y: y[:, 0], direction=d) for d in (1, -1, 0)]
    solution = solve(rotation, y0, [0.0, 6.0], per_sample=True, events=events, rtol=1e-10, atol=1e-10)
    assert solution.status is Status.SUCCESS
    for event, record in zip(events, solution.events, strict=True):
        for sample, omega in enumerate(frequency.tolist()):
            zeros = (np.arange(0.5, 20) * np.pi) / omega
            zeros = zeros[zeros < 6.0]
            kept = {1: zeros[1::2], -1: zeros[::2], 0: zeros}[event.direction]
            np.testing.assert_allclose(record.t[record.sample == sample].numpy(), kept, atol=1e-7)


def test_an_event_may_depend_on_each_samples_time():
    y0 = torch.tensor([[1.0], [2.0]], dtype=F64)
    when = Event(lambda t, y: t[:, 0] - 0.25 * y[:, 0], terminal=True)
    solution = solve(lambda t, y: torch.zeros_like(y), y0, [0.0, 1.0], per_sample=True, events=[when])
    torch.testing.assert_close(solution.per_sample.t_stop, torch.tensor([0.25, 0.5], dtype=F64))


@pytest.mark.parametrize("adjoint", ["discrete", "backprop"])
def test_balls_from_different_heights_bounce_each_at_its_own_times(adjoint):
    heights = torch.tensor([1.0, 2.0, 5.0, 0.3], dtype=F64, requires_grad=True)
    solution = solve(falling, dropped(heights), [0.0, 2.2], per_sample=True, events=[BOUNCY], adjoint=adjoint)
    assert solution.status is Status.SUCCESS
    record = solution.events[0]
    for sample, height in enumerate(heights.tolist()):
        times = record.t[record.sample == sample]
        exact = bounces(height, len(times))
        assert exact[-1] < 2.2 < bounces(height, len(times) + 1)[-1]
        torch.testing.assert_close(times.detach(), torch.tensor(exact, dtype=F64), rtol=0, atol=1e-5)
        for when, wanted in zip(times, exact, strict=True):
            (gradient,) = torch.autograd.grad(when, heights, retain_graph=True)
            # Every time is proportional to the root of the height.
            assert gradient[sample].item() == pytest.approx(wanted / (2 * height), abs=1e-5)
            assert gradient.count_nonzero() == 1


def test_the_state_after_bounces_is_differentiable():
    heights = torch.tensor([1.0, 0.4], dtype=F64)

    def end(heights):
        return solve(
            falling, dropped(heights), [0.0, 1.3], per_sample=True, events=[BOUNCY], rtol=1e-10, atol=1e-10
        ).y1

    assert torch.autograd.gradcheck(end, (heights.requires_grad_(),), eps=1e-6, atol=1e-5)


TIMES = [
    pytest.param([0.0, 0.33, 1.0], id="shared"),
    pytest.param([[0.0, 0.5, 1.0], [0.3, 0.2, 1.5], [2.0, -1.0, 3.0]], id="own"),
]


@pytest.mark.parametrize("adjoint", ["discrete", "backprop"])
@pytest.mark.parametrize("method", ["dopri5", "dop853"])
@pytest.mark.parametrize("times", TIMES)
def test_gradients_reach_states_parameters_and_every_time(times, method, adjoint):
    torch.manual_seed(1)
    field = MLPField(2, (6,)).to(F64)
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.mul_(3)
    y0 = torch.randn(3, 2, dtype=F64, requires_grad=True)
    t = torch.tensor(times, dtype=F64, requires_grad=True)

    def run(y0, t, *parameters):
        return solve(field, y0, t, per_sample=True, adjoint=adjoint, method=method, rtol=1e-11, atol=1e-11).y

    # Along random directions, not entry by entry.
    inputs = (y0, t, *field.parameters())
    assert torch.autograd.gradcheck(run, inputs, eps=1e-5, atol=1e-5, rtol=1e-4, fast_mode=True)


def test_the_discrete_gradient_is_that_of_the_steps_taken():
    torch.manual_seed(2)
    field = MLPField(2, (8,), time="none").to(F64)
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.mul_(3)
    y0 = 2 * torch.randn(70, 2, dtype=F64)
    found = {}
    for adjoint in ("discrete", "backprop"):
        start = y0.clone().requires_grad_()
        solution = solve(
            field,
            start,
            [0.0, 0.4, 3.0],
            per_sample=True,
            adjoint=adjoint,
            first_step=1.5,
            rtol=1e-3,
            atol=1e-3,
        )
        assert int(solution.per_sample.rejected.sum()) > 0
        loss = solution.y.square().sum()
        found[adjoint] = torch.autograd.grad(loss, (start, *field.parameters()))
        if adjoint == "discrete":
            assert solution.stats.nfe_backward > 0
            assert solution.stats.bytes_kept > 0
    torch.testing.assert_close(found["discrete"], found["backprop"], rtol=1e-10, atol=1e-10)


def test_backprop_gives_second_derivatives():
    y0 = torch.tensor([[0.5], [0.9]], dtype=F64, requires_grad=True)

    def end(y0):
        return solve(squared, y0, [0.0, 0.5], per_sample=True, adjoint="backprop", rtol=1e-11, atol=1e-11).y1

    (first,) = torch.autograd.grad(end(y0).sum(), y0, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), y0)
    torch.testing.assert_close(second, 2 * 0.5 / (1 - 0.5 * y0.detach()) ** 3, rtol=1e-7, atol=1e-7)


def test_a_failed_sample_leaves_the_gradients_of_others_finite():
    y0 = torch.tensor([[0.5], [2.0]], dtype=F64, requires_grad=True)
    t = torch.tensor([0.0, 1.0], dtype=F64, requires_grad=True)
    solution = solve(squared, y0, t, per_sample=True, rtol=1e-9, atol=1e-9)
    assert solution.samples == (1,)
    in_state, in_time = torch.autograd.grad(solution.y1[0].sum(), (y0, t))
    torch.testing.assert_close(in_state[:, 0], torch.tensor([4.0, 0.0], dtype=F64), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(in_time, torch.tensor([-1.0, 1.0], dtype=F64), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("adjoint", ["discrete", "backprop"])
def test_what_a_failed_sample_did_not_reach_has_a_gradient_of_nan_and_its_neighbours_their_own(adjoint):
    rate = torch.tensor(1.0, dtype=F64, requires_grad=True)
    y0 = torch.tensor([[0.5], [2.0]], dtype=F64, requires_grad=True)

    def blow_up(t, y):
        return rate * y * y

    solution = solve(
        blow_up, y0, [0.0, 0.25, 1.0], rtol=1e-8, atol=1e-8, per_sample=True, params=[rate], adjoint=adjoint
    )
    assert solution.samples == (1,)
    (reached,) = torch.autograd.grad(solution.y[1].sum(), y0, retain_graph=True)
    assert reached.flatten().tolist() == pytest.approx([(1 - 0.125) ** -2, (1 - 0.5) ** -2], rel=1e-6)
    own, others = torch.autograd.grad(solution.y1.sum(), [y0, rate])
    assert own[0].item() == pytest.approx(4.0, rel=1e-6)
    assert torch.isnan(own[1]).all()
    assert torch.isnan(others)
