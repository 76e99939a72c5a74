"""States that jump at events: applied once, differentiated, and ended where they accumulate."""

import math

import pytest
import torch
from flying import G, ball, bounce, drop, height

from odeviz.engine import Event, Status, solve


def impacts(h, restitution, n):
    """Times of the first impacts of a ball dropped from rest."""
    fall = math.sqrt(2 * h / G)
    times, after = [fall], fall
    for k in range(1, n):
        after += 2 * fall * restitution**k
        times.append(after)
    return times


def test_the_bouncing_balls_impacts():
    wanted = impacts(10.0, 0.8, 6)
    solution = solve(ball, drop(), [0.0, 9.3], events=[Event(height, -1, jump=bounce(0.8))])
    assert solution.ok
    assert solution.events[0].t.tolist()[:6] == pytest.approx(wanted, abs=1e-5)
    assert (solution.events[0].y[:, 1] < 0).all()


def test_the_state_after_jumps_is_differentiated_through_the_time_of_the_jump():
    def final(y0):
        return solve(
            ball, y0, [0.0, 3.4], events=[Event(height, -1, jump=bounce(0.8))], rtol=1e-10, atol=1e-10
        ).y1

    assert torch.autograd.gradcheck(final, (drop(10.0, 0.3),), atol=1e-5, rtol=1e-5)


def test_each_sample_jumps_at_its_own_time():
    y0 = torch.tensor([[10.0, 0.0], [3.0, 0.0], [10.0, 0.0]], dtype=torch.float64)
    solution = solve(ball, y0, [0.0, 4.0], events=[Event(height, -1, jump=bounce(0.8))])
    record = solution.events[0]
    for sample, h in enumerate([10.0, 3.0, 10.0]):
        times = record.t[record.sample == sample].tolist()
        wanted = [t for t in impacts(h, 0.8, 40) if t <= 4.0]
        assert times == pytest.approx(wanted, abs=1e-5)


def test_outputs_and_dense_output_go_on_through_jumps():
    times = [0.0, 1.0, 1.5, 2.0, 4.0]
    solution = solve(ball, drop(), times, events=[Event(height, -1, jump=bounce(0.8))], dense=True)
    fall = math.sqrt(20 / G)
    up = 0.8 * G * fall
    for t in (1.5, 2.0):
        wanted = up * (t - fall) - G / 2 * (t - fall) ** 2
        assert solution.y[times.index(t), 0, 0].item() == pytest.approx(wanted, abs=1e-8)
        assert solution(t)[0, 0].item() == pytest.approx(wanted, abs=1e-8)
    assert solution(fall - 1e-6)[0, 1] < 0 < solution(fall + 1e-6)[0, 1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("kept", "floor"), [(0.05, 1.0), (0.2, -3.0), (0.7, 0.0)])
def test_a_ball_that_comes_to_rest_ends_the_solve_where_its_bounces_accumulate(kept, floor, dtype):
    def turned(t, y):
        return torch.stack([y[:, 0], -kept * y[:, 1]], 1)

    event = Event(lambda t, y: y[:, 0] - floor, -1, jump=turned)
    y0 = torch.tensor([[floor + 50.0, 0.0], [floor + 10.0, 0.0]], dtype=dtype)
    solution = solve(ball, y0, [0.0, 100.0], events=[event])
    assert solution.status is Status.ZENO
    assert "events accumulate" in solution.message
    assert solution.samples == (1,)
    end = math.sqrt(20 / G) * (1 + kept) / (1 - kept)  # after infinitely many bounces
    assert solution.t_stop == pytest.approx(end, abs=1e-5 if dtype == torch.float64 else 0.1)
    assert solution.y[-1].isnan().all()
    assert float(solution.events[0].y[:, 0].min()) > floor - 1e-3


@pytest.mark.parametrize(("kept", "dtype", "way"), [(0.2, torch.float64, 1.0), (0.7, torch.float32, -1.0)])
def test_samples_that_come_to_rest_end_alone_where_each_has_its_own_steps(kept, dtype, way):
    def turned(t, y):
        return torch.stack([y[:, 0], -kept * y[:, 1]], 1)

    def solved(heights):
        start = torch.tensor([[h, 0.0] for h in heights], dtype=dtype, requires_grad=True)
        return start, solve(
            ball, start, [0.0, way * 9.0], events=[Event(height, jump=turned)], per_sample=True
        )

    (start, solution), (few, alone) = solved([700.0, 10.0, 500.0, 3.0]), solved([700.0, 500.0])
    assert [status is Status.ZENO for status in solution.per_sample.status] == [False, True, False, True]
    assert solution.samples == (1, 3)
    assert solution.message.startswith(f"Sample 1 stopped at t = {solution.t_stop:.6g}: events accumulate")
    rest = math.sqrt(2 / G) * (1 + kept) / (1 - kept)
    for sample, h in ((1, 10.0), (3, 3.0)):
        end = way * rest * math.sqrt(h)
        near = 1e-5 if dtype == torch.float64 else 0.1
        assert float(solution.per_sample.t_stop[sample]) == pytest.approx(end, abs=near)
        assert float(solution.y_stop[sample].detach().abs().max()) < (1e-2 if dtype == torch.float64 else 1.0)
    assert solution.y[-1, 1].isnan().all()
    assert torch.equal(solution.y[:, [0, 2]], alone.y)
    (gradient,) = torch.autograd.grad(solution.y1[[0, 2]].sum(), start)
    (wanted,) = torch.autograd.grad(alone.y1.sum(), few)
    torch.testing.assert_close(gradient[[0, 2]], wanted)


@pytest.mark.parametrize("per_sample", [False, True])
def test_jumps_at_a_steady_pace_do_not_accumulate(per_sample):
    """A relay that switches within 1e-4 of its threshold."""
    relay = Event(lambda t, y: y[:, 0] - 1, 1, jump=lambda t, y: y - 1e-4)
    y0 = torch.tensor([[1 - 5e-5]], dtype=torch.float32)
    solution = solve(constant, y0, [0.0, 0.01], events=[relay], per_sample=per_sample)
    assert solution.ok
    assert len(solution.events[0]) == pytest.approx(100, abs=1)


def constant(t, y):
    return torch.ones_like(y)


@pytest.mark.parametrize("per_sample", [False, True])
def test_a_jump_may_lead_far_from_the_zero(per_sample):
    """Integrate and fire: up to a threshold, back to rest."""
    y0 = torch.tensor([[0.2]], dtype=torch.float64)
    event = Event(lambda t, y: y[:, 0] - 1, jump=lambda t, y: 0 * y)
    solution = solve(constant, y0, [0.0, 3.5], events=[event], per_sample=per_sample)
    assert solution.events[0].t.tolist() == pytest.approx([0.8, 1.8, 2.8], abs=1e-9)
    assert solution.y1.item() == pytest.approx(0.7, abs=1e-9)


def test_a_jump_may_lead_to_the_other_side():
    event = Event(lambda t, y: y[:, 0] - 0.5, jump=lambda t, y: 0 * y + 1)
    y0 = torch.ones(1, 1, dtype=torch.float64)
    solution = solve(lambda t, y: -y, y0, [0.0, 3.0], events=[event], rtol=1e-9, atol=1e-9)
    assert solution.events[0].t.tolist() == pytest.approx([k * math.log(2) for k in (1, 2, 3, 4)], abs=1e-7)


@pytest.mark.parametrize("per_sample", [False, True])
def test_events_that_all_but_coincide_are_all_met(per_sample):
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        heights = 3 + 1e-16 * torch.randint(-8, 9, (8,), generator=generator, dtype=torch.float64)
        heights = heights * (1 + 2.2e-16 * torch.randint(0, 3, (8,), generator=generator))
        y0 = torch.stack([heights, torch.zeros_like(heights)], 1)
        solution = solve(
            ball, y0, [0.0, 2.0], events=[Event(height, -1, jump=bounce(0.8))], per_sample=per_sample
        )
        assert solution.ok
        assert float(solution.y[-1, :, 0].min()) > -1e-6
        assert float((solution.y1 - solution.y1[0]).abs().max()) < 1e-6


@pytest.mark.parametrize("per_sample", [False, True])
def test_a_corner_turns_both_velocities(per_sample):
    def straight(t, y):
        return torch.cat([y[:, 2:], torch.zeros_like(y[:, :2])], 1)

    def wall(axis):
        def turned(t, y):
            sign = torch.ones(4, dtype=y.dtype)
            sign[2 + axis] = -1
            return y * sign

        return Event(lambda t, y: y[:, axis] - 1, 1, jump=turned)

    for start in ([0.0, 0.0, 1.0, 1.0], [0.0, 0.2, 1.0, 0.8], [0.1, 0.3, 0.9, 0.7]):
        y0 = torch.tensor([start], dtype=torch.float64)
        solution = solve(straight, y0, [0.0, 1.9], events=[wall(0), wall(1)], per_sample=per_sample)
        assert solution.ok
        assert solution.y1[0, 2:].tolist() == pytest.approx([-start[2], -start[3]])
        assert float(solution.y1[0, :2].max()) < 1


def test_a_jump_at_the_end_ends_the_solve_well():
    event = Event(lambda t, y: y[:, 0] - 1, jump=lambda t, y: 0 * y)
    solution = solve(constant, torch.zeros(1, 1, dtype=torch.float64), [0.0, 0.5, 1.0], events=[event])
    assert solution.status is Status.SUCCESS
    assert solution.y[1].item() == pytest.approx(0.5)
    assert torch.isfinite(solution.y).all()


@pytest.mark.parametrize("adjoint", ["discrete", "backsolve", "interpolating", "backprop"])
def test_gradients_of_output_times_around_jumps(adjoint):
    times = torch.tensor([0.0, 1.0, 2.0, 3.1], dtype=torch.float64, requires_grad=True)

    def heights(times):
        y0 = torch.tensor([[10.0, 0.0]], dtype=torch.float64)
        event = Event(height, -1, jump=bounce(0.8))
        return solve(ball, y0, times, events=[event], adjoint=adjoint, rtol=1e-9, atol=1e-9).y[:, 0, 0]

    assert torch.autograd.gradcheck(heights, (times,), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("per_sample", [False, True])
def test_a_jump_that_depends_on_time_is_differentiated_through_it(per_sample):
    y0 = torch.tensor([[0.2]], dtype=torch.float64, requires_grad=True)
    event = Event(lambda t, y: y[:, 0] - 1, jump=lambda t, y: 0 * y + t**2)
    solution = solve(constant, y0, [0.0, 1.0], events=[event], per_sample=per_sample)
    # After t* = 1 - y0 the state is t*^2 + (t - t*).
    (gradient,) = torch.autograd.grad(solution.y1.sum(), y0)
    assert gradient.item() == pytest.approx(-2 * 0.8 + 1, abs=1e-6)


def test_a_field_that_jumps_at_the_start_has_the_slope_after_it():
    times = torch.tensor([0.5, 1.0], dtype=torch.float64, requires_grad=True)

    def step(t, y):
        return torch.full_like(y, 1.0 if t > 0.5 else 0.0)

    solution = solve(step, torch.zeros(1, 1, dtype=torch.float64), times, jumps=[0.5])
    assert torch.autograd.grad(solution.y1.sum(), times)[0].tolist() == pytest.approx([-1.0, 1.0])


@pytest.mark.parametrize("per_sample", [False, True])
def test_flights_far_shorter_than_a_step_are_not_missed(per_sample):
    event = Event(height, -1, jump=lambda t, y: torch.stack([0 * y[:, 0], 0 * y[:, 1] + 0.02], 1))
    y0 = torch.tensor([[0.01, 0.0]], dtype=torch.float64)
    solution = solve(ball, y0, [0.0, 0.2], events=[event], per_sample=per_sample)
    assert solution.ok
    # A fall from 1 cm, then flights of 2 v / g.
    assert len(solution.events[0]) == 1 + math.floor((0.2 - math.sqrt(0.02 / G)) / (2 * 0.02 / G))
