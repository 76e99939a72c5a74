"""Events: found, located to the tolerance, and differentiable."""

import math

import pytest
import torch
from flying import G, ball, bounce, drop, height

from odeviz.engine import Event, Status, solve


def oscillator(t, y):
    return torch.stack([y[:, 1], -y[:, 0]], 1)


def test_a_terminal_event_ends_the_solve_at_its_time():
    solution = solve(ball, drop(), [0.0, 0.5, 5.0, 9.0], events=[Event(height, terminal=True)])
    fall = math.sqrt(20 / G)
    assert solution.status is Status.EVENT
    assert solution.t_stop == pytest.approx(fall, abs=1e-10)
    assert torch.isfinite(solution.y[:2]).all()
    assert solution.y[2:].isnan().all()
    assert solution.events[0].y[0].tolist() == pytest.approx([0.0, -G * fall], abs=1e-8)
    assert "terminal event" in solution.message
    assert not solution.ok


@pytest.mark.parametrize("adjoint", ["discrete", "backsolve", "interpolating", "backprop"])
def test_the_gradient_of_every_impact_is_its_closed_form(adjoint):
    y0 = drop()
    e = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)
    solution = solve(
        ball,
        y0,
        [0.0, 6.0],
        events=[Event(height, -1, jump=lambda t, y: torch.stack([0 * y[:, 0], -e * y[:, 1]], 1))],
        adjoint=adjoint,
        params=[e],
        rtol=1e-9,
        atol=1e-9,
    )
    t = solution.events[0].t
    fall = torch.sqrt(2 * y0[0, 0] / G)
    exact = [fall, fall * (1 + 2 * e), fall * (1 + 2 * e + 2 * e**2)]
    for got, wanted in zip(t[:3], exact, strict=True):
        d_y0, d_e = torch.autograd.grad(got, (y0, e), retain_graph=True, allow_unused=True)
        w_y0, w_e = torch.autograd.grad(wanted, (y0, e), retain_graph=True, allow_unused=True)
        assert d_y0[0, 0].item() == pytest.approx(w_y0[0, 0].item(), abs=1e-6)
        assert (0.0 if d_e is None else d_e.item()) == pytest.approx(
            0.0 if w_e is None else w_e.item(), abs=1e-6
        )


def test_the_first_sample_to_arrive_ends_a_solve_with_shared_steps():
    y0 = torch.tensor([[10.0, 0.0], [3.0, 0.0]], dtype=torch.float64)
    solution = solve(ball, y0, [0.0, 4.0], events=[Event(height, terminal=True)])
    assert solution.t_stop == pytest.approx(math.sqrt(6 / G), abs=1e-9)
    assert solution.events[0].sample.tolist() == [1]


@pytest.mark.parametrize(
    ("direction", "zeros"), [(1, [1.5, 3.5]), (-1, [0.5, 2.5]), (0, [0.5, 1.5, 2.5, 3.5])]
)
def test_events_are_those_of_the_direction_asked_for(direction, zeros):
    y0 = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    solution = solve(
        oscillator, y0, [0.0, 4 * math.pi - 1.0], events=[Event(height, direction)], rtol=1e-9, atol=1e-9
    )
    assert solution.ok
    assert solution.events[0].t.tolist() == pytest.approx([z * math.pi for z in zeros], abs=1e-7)


@pytest.mark.parametrize("per_sample", [False, True])
def test_a_function_that_is_zero_at_the_start_has_no_event_there(per_sample):
    events = [Event(height, direction=d, terminal=d == 0) for d in (1, -1, 0)]
    start = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    solution = solve(oscillator, start, [0.0, 9.0], events=events, per_sample=per_sample)
    assert [len(record) for record in solution.events] == [0, 1, 1]
    assert solution.t_stop == pytest.approx(math.pi, rel=1e-5)


def test_events_backwards_in_time():
    y0 = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    solution = solve(oscillator, y0, [0.0, -5.0], events=[Event(height, -1)], rtol=1e-9, atol=1e-9)
    assert solution.events[0].t.tolist() == pytest.approx([-0.5 * math.pi], abs=1e-7)


@pytest.mark.parametrize("method", ["bosh3", "dopri5", "tsit5", "dop853"])
def test_events_are_located_to_the_tolerance(method):
    y0 = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    errors = []
    for tolerance in (1e-4, 1e-6, 1e-8):
        solution = solve(
            oscillator, y0, [0.0, 20.0], method=method, events=[Event(height)], rtol=tolerance, atol=tolerance
        )
        times = solution.events[0].t
        exact = math.pi * (torch.arange(len(times), dtype=torch.float64) + 0.5)
        assert len(times) == 6
        errors.append(float((times - exact).abs().max()))
        assert errors[-1] < 100 * tolerance
    assert errors[0] > errors[1] > errors[2]


@pytest.mark.parametrize("adjoint", ["discrete", "backsolve", "interpolating", "backprop"])
def test_the_time_of_an_event_is_differentiable_also_through_its_own_parameters(adjoint):
    rate = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    level = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    y0 = torch.tensor([[2.0]], dtype=torch.float64, requires_grad=True)
    solution = solve(
        lambda t, y: -rate * y,
        y0,
        [0.0, 9.0],
        events=[Event(lambda t, y: y[:, 0] - level, terminal=True)],
        params=[rate],
        adjoint=adjoint,
        rtol=1e-10,
        atol=1e-10,
    )
    exact = torch.log(y0[0, 0] / level) / rate
    got, state = solution.events[0].t[0], solution.events[0].y[0, 0]
    assert got.item() == pytest.approx(exact.item(), abs=1e-8)
    inputs = (y0, rate, level)
    for a, b in zip(
        torch.autograd.grad(got, inputs, retain_graph=True), torch.autograd.grad(exact, inputs), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-7)
    # The state there is the level, whatever the rest.
    parts = torch.autograd.grad(state, inputs)
    assert [float(part.sum()) for part in parts] == pytest.approx([0.0, 0.0, 1.0], abs=1e-7)


@pytest.mark.parametrize("method", ["midpoint", "rk4", "dopri5", "dop853"])
@pytest.mark.parametrize("jump", [None, bounce(0.9)])
def test_looking_for_events_leaves_the_gradient_of_automatic_differentiation_whole(method, jump):
    def pendulum(t, y):
        return torch.stack([y[:, 1], -torch.sin(y[:, 0])], 1)

    gradients = []
    for adjoint in ("backprop", "discrete"):
        y0 = torch.tensor([[1.0, 0.3], [0.4, -0.2]], dtype=torch.float64, requires_grad=True)
        event = Event(height, -1, jump=jump)
        solution = solve(
            pendulum, y0, [0.0, 1.7, 4.0], method=method, steps=20, adjoint=adjoint, events=[event]
        )
        assert len(solution.events[0]) >= 2
        loss = solution.y.square().sum() + solution.events[0].t.square().sum()
        gradients.append(torch.autograd.grad(loss, y0)[0])
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-11, atol=1e-11)


def test_an_event_may_depend_on_time():
    y0 = torch.tensor([[0.5]], dtype=torch.float64, requires_grad=True)
    solution = solve(
        lambda t, y: 0 * y + 1,
        y0,
        [0.0, 9.0],
        events=[Event(lambda t, y: y[:, 0] - 3 * t + 1, terminal=True)],
    )
    assert solution.t_stop == pytest.approx(0.75)
    (d_y0,) = torch.autograd.grad(solution.events[0].t[0], y0)
    assert d_y0.item() == pytest.approx(0.5)


def test_several_events_are_kept_apart():
    y0 = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    velocity = Event(lambda t, y: y[:, 1])
    solution = solve(oscillator, y0, [0.0, 7.0], events=[Event(height), velocity], rtol=1e-9, atol=1e-9)
    assert solution.events[0].t.tolist() == pytest.approx([math.pi / 2, 3 * math.pi / 2], abs=1e-7)
    assert solution.events[1].t.tolist()[-2:] == pytest.approx([math.pi, 2 * math.pi], abs=1e-7)


def test_no_event_leaves_an_empty_record():
    solution = solve(oscillator, torch.ones(2, 2), [0.0, 1.0], events=[Event(lambda t, y: y[:, 0] - 9)])
    assert solution.ok
    assert len(solution.events[0]) == 0
    assert solution.events[0].y.shape == (0, 2)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Event(3), "function must be a callable"),
        (lambda: Event(height, direction=2), "direction must be -1, 0 or 1, not 2"),
        (lambda: Event(height, jump=4), "jump must be a callable"),
        (lambda: Event(height, terminal=True, jump=bounce(1)), "terminal or has a jump, not both"),
        (
            lambda: solve(ball, drop(), [0.0, 1.0], events=[height]),
            "events must hold Event objects, not function",
        ),
        (
            lambda: solve(ball, drop(), [0.0, 1.0], events=[Event(lambda t, y: y)]),
            r"one number for each sample, \[1\]",
        ),
        (
            lambda: solve(ball, drop(), [0.0, 9.0], events=[Event(height, jump=lambda t, y: y[:, :1])]),
            r"jump must return a \[1, 2\] tensor of float64, .*not a \[1, 1\] tensor",
        ),
    ],
)
def test_wrong_events_are_named(make, named):
    with pytest.raises((ValueError, TypeError), match=named):
        make()


def test_an_output_at_the_very_time_of_an_event_is_the_state_before_it():
    event = Event(height, -1, jump=bounce(0.8))
    for h in torch.linspace(2.0, 9.0, 40, dtype=torch.float64).tolist():
        y0 = torch.tensor([[h, 0.1]], dtype=torch.float64)
        when = solve(ball, y0, [0.0, 3.0], events=[event]).events[0].t[0].item()
        solution = solve(ball, y0, [0.0, when, 3.0], events=[event])
        assert solution.ok
        assert solution.y[1, 0, 0].abs().item() < 1e-9
        assert torch.isfinite(solution.y).all()
        stopped = solve(ball, y0, [0.0, when, 3.0], events=[Event(height, -1, terminal=True)])
        assert bool(torch.isfinite(stopped.y[1]).all()) == (when <= stopped.t_stop)


def test_times_not_reached_have_no_gradient():
    times = torch.tensor([0.0, 0.5, 2.0], dtype=torch.float64, requires_grad=True)
    solution = solve(ball, drop(), times, events=[Event(height, terminal=True)])
    (gradient,) = torch.autograd.grad(solution.y[1, 0, 0], times)
    assert gradient.tolist() == pytest.approx([G * 0.5, -G * 0.5, 0.0])


@pytest.mark.parametrize(("dtype", "t0"), [(torch.float32, 100.0), (torch.float64, 1e5)])
def test_the_gradient_of_an_events_time_far_from_zero(dtype, t0):
    y0 = torch.tensor([[0.3]], dtype=dtype, requires_grad=True)
    event = Event(lambda t, y: math.sin(t - t0) - y[:, 0], terminal=True)
    solution = solve(lambda t, y: 0 * y, y0, [t0, t0 + 1.0], events=[event], max_step=0.1)
    (gradient,) = torch.autograd.grad(solution.events[0].t[0], y0)
    assert gradient.item() == pytest.approx(
        1 / math.sqrt(1 - 0.09), rel=1e-2 if dtype == torch.float32 else 1e-5
    )


@pytest.mark.parametrize("per_sample", [False, True])
def test_a_function_without_a_value_has_no_zero(per_sample):
    y0 = torch.tensor([[1.0], [1.2]], dtype=torch.float64)
    event = Event(lambda t, y: torch.log(y[:, 0] - 0.9), terminal=True)
    solution = solve(lambda t, y: -y, y0, [0.0, 1.0], events=[event], per_sample=per_sample)
    assert solution.ok
    assert len(solution.events[0]) == 0
