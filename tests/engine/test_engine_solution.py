"""What a solution tells beside its outputs: where it stopped, its dense output, its totals; and what it holds."""

import copy
import io
import math
import pickle

import pytest
import torch

from odeviz.engine import Event, Status, solve
from odeviz.fields import MLPField

F64 = torch.float64


def turning(t, y):
    return torch.stack([y[:, 1], -y[:, 0]], 1)


def squared(t, y):
    return y**2


def states(*rows):
    return torch.tensor(rows, dtype=F64)


class TestWhereItStopped:
    def test_a_solve_that_succeeds_stops_at_its_last_output(self):
        solution = solve(turning, states([1.0, 0.0]), [0.0, 1.0])
        assert solution.y_stop is not None
        torch.testing.assert_close(solution.y_stop, solution.y1, rtol=0, atol=0)

    @pytest.mark.parametrize("adjoint", ["discrete", "backsolve", "backprop"])
    def test_everyones_state_at_a_terminal_event_moves_with_its_time(self, adjoint):
        # The first sample's angle goes from a to pi / 2, which takes all samples as long.
        def stop(start):
            y0 = torch.stack([torch.cos(start), -torch.sin(start)], 1)
            event = Event(lambda t, y: y[:, 0] - 0.1, terminal=True)
            return solve(turning, y0, [0.0, 9.0], events=[event], adjoint=adjoint, rtol=1e-10, atol=1e-10)

        start = torch.tensor([0.4, -0.3], dtype=F64, requires_grad=True)
        solution = stop(start)
        assert solution.status is Status.EVENT
        assert solution.y1.isnan().all()
        end = math.acos(0.1) - 0.4
        angles = torch.tensor([0.4 + end, -0.3 + end], dtype=F64)
        wanted = torch.stack([torch.cos(angles), -torch.sin(angles)], 1)
        torch.testing.assert_close(solution.y_stop.detach(), wanted, rtol=0, atol=1e-8)
        # The second sample's angle at that time is its own start, less that of the first.
        (found,) = torch.autograd.grad(solution.y_stop[1, 0], start)
        slope = -math.sin(float(angles[1]))
        torch.testing.assert_close(found, torch.tensor([-slope, slope], dtype=F64), rtol=0, atol=1e-6)

    @pytest.mark.parametrize("field", [squared, MLPField(1, (4,)).double()])
    def test_a_solve_that_fails_tells_the_last_state_it_accepted(self, field):
        solution = solve(field, states([0.5], [2.0]), [0.0, 3.0], max_steps=4, first_step=1e-3)
        again = solve(field, states([0.5], [2.0]), [0.0, solution.t_stop], steps=400, method="rk4")
        assert solution.status is Status.MAX_STEPS
        torch.testing.assert_close(solution.y_stop, again.y1.detach(), rtol=1e-5, atol=1e-6)
        assert not solution.y_stop.requires_grad

    def test_a_complex_solve_stops_in_a_complex_state(self):
        solution = solve(
            lambda t, y: 1j * y, torch.ones(1, 1, dtype=torch.complex128), [0.0, 9.0], max_steps=3
        )
        wanted = complex(math.cos(solution.t_stop), math.sin(solution.t_stop))
        assert abs(solution.y_stop.item() - wanted) < 1e-5

    def test_a_jump_at_the_end_leaves_the_last_output(self):
        event = Event(lambda t, y: y[:, 0] - 1, jump=lambda t, y: 0 * y)
        solution = solve(lambda t, y: torch.ones_like(y), states([0.0]), [0.0, 0.5, 1.0], events=[event])
        assert solution.ok
        torch.testing.assert_close(solution.y_stop, solution.y1)

    def test_each_sample_has_its_own_state_where_it_stopped(self):
        y0 = states([0.5], [2.0], [0.9], [0.1]).requires_grad_()
        event = Event(lambda t, y: y[:, 0] - 1.0, direction=1, terminal=True)
        solution = solve(
            squared, y0, [0.0, 2.5], per_sample=True, events=[event], max_steps=60, rtol=1e-9, atol=1e-9
        )
        own = solution.per_sample
        assert own.status == (Status.EVENT, Status.MAX_STEPS, Status.EVENT, Status.SUCCESS)
        wanted = y0[:, 0] / (1 - y0[:, 0] * own.t_stop)
        ended = [0, 2, 3]
        torch.testing.assert_close(solution.y_stop[ended, 0], wanted[ended].detach(), rtol=1e-6, atol=1e-6)
        assert solution.y_stop[1].detach().item() == pytest.approx(
            wanted[1].detach().item(), rel=0.1
        )  # next to its pole
        # At the event the state is 1 whatever the start; the last sample's is y / (1 - 2.5 y).
        (slopes,) = torch.autograd.grad(solution.y_stop.sum(), y0)
        torch.testing.assert_close(slopes[:, 0], states(0.0, 0.0, 0.0, 1 / 0.75**2), rtol=1e-5, atol=1e-5)


class TestDenseOutput:
    @pytest.mark.parametrize("per_sample", [False, True])
    def test_several_times_at_once(self, per_sample):
        solution = solve(
            turning, states([1.0, 0.0], [0.0, 2.0]), [0.0, 3.0], dense=True, per_sample=per_sample
        )
        one = solution(0.7)
        assert one.shape == (2, 2)
        for times in ([0.7, 0.2, 3.0], torch.tensor([0.7, 0.2, 3.0], dtype=F64)):
            several = solution(times)
            assert several.shape == (3, 2, 2)
            torch.testing.assert_close(several[0], one, rtol=0, atol=0)
        torch.testing.assert_close(solution(torch.tensor(0.5)), solution(0.5), rtol=0, atol=0)
        assert solution([]).shape == (0, 2, 2)
        with pytest.raises(
            TypeError, match="t must be a sequence of numbers or a one-dimensional tensor, not '1'"
        ):
            solution("1")
        with pytest.raises(ValueError, match=r"t = 4\.0 is outside"):
            solution([0.5, 4.0])

    def test_a_time_for_each_sample(self):
        solution = solve(turning, states([1.0, 0.0], [0.0, 2.0]), [0.0, 3.0], dense=True, per_sample=True)
        mixed = solution(torch.tensor([[0.5, 1.5], [2.5, 0.5]]))
        assert mixed.shape == (2, 2, 2)
        for row, (a, b) in enumerate([(0.5, 1.5), (2.5, 0.5)]):
            torch.testing.assert_close(mixed[row], torch.stack([solution(a)[0], solution(b)[1]]))


class TestWhatItHolds:
    @pytest.mark.parametrize("per_sample", [False, True])
    @pytest.mark.parametrize("field", ["mlp", "function", "complex"])
    def test_a_solution_with_dense_output_is_small_and_works_when_loaded(self, field, per_sample):
        torch.manual_seed(0)
        y0 = torch.randn(100, 2)
        f = {"mlp": MLPField(2, (64, 64)), "function": turning, "complex": lambda t, y: 1j * y}[field]
        if field == "complex":
            y0 = torch.view_as_complex(torch.randn(100, 2, 2))
            if per_sample:
                return
        with torch.no_grad():
            solution = solve(f, y0, [0.0, 1.0], dense=True, per_sample=per_sample)
        saved = pickle.dumps(solution)
        assert len(saved) < 5e6
        buffer = io.BytesIO()
        torch.save(solution, buffer)
        assert buffer.tell() < 5e6
        buffer.seek(0)
        for other in (pickle.loads(saved), torch.load(buffer, weights_only=False), copy.deepcopy(solution)):
            torch.testing.assert_close(other(0.37), solution(0.37), rtol=0, atol=0)
            assert other.status is Status.SUCCESS

    def test_copies_hold_values_alone(self):
        y0 = states([1.0, 0.0]).requires_grad_()
        events = [Event(lambda t, y: y[:, 0], terminal=True)]
        solution = solve(turning, y0, [0.0, 3.0], events=events, dense=True, adjoint="backprop")
        for copied in (copy.deepcopy(solution), pickle.loads(pickle.dumps(solution))):
            for of in (
                lambda s: s.y,
                lambda s: s.y_stop,
                lambda s: s.events[0].t,
                lambda s: s.events[0].y,
                lambda s: s(0.4),
            ):
                assert of(solution).requires_grad
                assert not of(copied).requires_grad
                torch.testing.assert_close(of(copied), of(solution).detach(), rtol=0, atol=0, equal_nan=True)
        assert copy.copy(solution).y is solution.y

    @pytest.mark.parametrize("adjoint", ["discrete", "backsolve", "per_sample"])
    def test_dense_output_without_a_gradient_says_so(self, adjoint):
        how = {"per_sample": True} if adjoint == "per_sample" else {"adjoint": adjoint}
        y0 = states([1.0, 0.0]).requires_grad_()
        solution = solve(turning, y0, [0.0, 3.0], dense=True, **how)
        with pytest.raises(RuntimeError, match=r"solution\(t\), carries no gradient: add its times"):
            solution(0.4).sum().backward()
        with torch.no_grad():
            assert not solution(0.4).requires_grad
        assert not solve(turning, y0.detach(), [0.0, 3.0], dense=True, **how)(0.4).requires_grad

    def test_solutions_are_equal_to_themselves_alone(self):
        event = Event(lambda t, y: y[:, 0])
        one, other = (
            solve(turning, states([1.0, 0.0]), [0.0, 3.0], events=[event], per_sample=True) for _ in range(2)
        )
        for name in ("per_sample", "status"):
            assert getattr(one, name) == getattr(one, name)
        assert one == one
        assert one != other
        assert one.events[0] != other.events[0]
        assert one.per_sample != other.per_sample
        assert len({one, other}) == 2


def test_totals_of_samples_with_their_own_steps():
    y0 = states([0.5], [0.1], [0.02])
    solution = solve(squared, y0, [0.0, 1.9], per_sample=True, rtol=1e-6, atol=1e-6, first_step=1.9)
    own, stats = solution.per_sample, solution.stats
    assert stats.accepted == int(own.accepted.sum()) > 3
    assert stats.rejected == int(own.rejected.sum()) > 0
    first = [float(own.steps.h[(own.steps.sample == i) & own.steps.accepted][0]) for i in range(3)]
    assert stats.first_step == min(first) < max(first)
    assert stats.steps == []
