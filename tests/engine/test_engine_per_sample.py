"""Solves in which every sample has its own times, steps and status."""

import math
import threading

import pytest
import torch
from per_sample_fields import F64, squared

from odeviz.engine import Status, solve

RATES = torch.tensor([0.1, 1.0, 50.0, -2.0], dtype=F64)


def decay(t, y):
    """y_0' = -y_1 y_0 with the rate y_1 as part of the state."""
    return torch.stack([-y[:, 0] * y[:, 1], torch.zeros_like(y[:, 1])], 1)


def decaying(rates=RATES):
    return torch.stack([torch.ones_like(rates), rates], 1)


@pytest.mark.parametrize("method", ["heun", "bosh3", "dopri5", "tsit5", "dop853"])
def test_every_sample_is_solved_on_its_own_time_scale(method):
    t = torch.linspace(0, 2, 7, dtype=F64)
    tolerance = 1e-6 if method == "heun" else 1e-9
    solution = solve(decay, decaying(), t, per_sample=True, method=method, rtol=tolerance, atol=tolerance)
    assert solution.status is Status.SUCCESS
    assert solution.message == ""
    exact = torch.exp(-RATES * t[:, None])
    torch.testing.assert_close(solution.y[:, :, 0], exact, rtol=1e4 * tolerance, atol=1e3 * tolerance)
    nfe = solution.per_sample.nfe
    assert nfe[2] > 3 * nfe[0], "the fast sample takes more steps than the slow one"


def test_samples_may_have_their_own_times_in_their_own_directions():
    t = torch.tensor([[0.0, 1.0, 0.2, 3.0], [0.5, 0.8, 0.21, 3.5], [4.0, -1.0, 0.25, 3.6]], dtype=F64)
    solution = solve(decay, decaying(), t, per_sample=True, rtol=1e-9, atol=1e-9)
    exact = torch.exp(-RATES * (t - t[0]))
    torch.testing.assert_close(solution.y[:, :, 0], exact, rtol=1e-6, atol=1e-8)
    assert torch.equal(solution.per_sample.t, t)
    assert torch.equal(solution.per_sample.t_stop, t[-1])
    assert solution.per_sample.next_step[1] < 0 < solution.per_sample.next_step[0]


def test_the_field_gets_the_time_of_each_sample():
    def field(t, y):
        assert t.shape == (len(y), 1)
        return torch.cos(t).expand_as(y)

    t = torch.stack([torch.zeros(5, dtype=F64), torch.linspace(-2, 3, 5, dtype=F64) + 0.1])
    solution = solve(field, torch.zeros(5, 2, dtype=F64), t, per_sample=True, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(solution.y1, torch.sin(t[1])[:, None].expand(5, 2), rtol=0, atol=1e-8)


@pytest.mark.parametrize("count", [2, 3, 1000])
def test_output_times_do_not_change_the_steps(count):
    t = torch.linspace(0, 2, count, dtype=F64)
    few = solve(decay, decaying(), [0.0, 2.0], per_sample=True)
    many = solve(decay, decaying(), t, per_sample=True)
    assert torch.equal(few.y1, many.y1)
    assert torch.equal(few.per_sample.steps.h, many.per_sample.steps.h)
    exact = torch.exp(-RATES * t[:, None])
    torch.testing.assert_close(many.y[:, :, 0], exact, rtol=1e-3, atol=1e-4)


def test_a_sample_that_cannot_begin_is_named():
    y0 = torch.tensor([[1.0], [math.nan], [2.0]], dtype=F64)
    solution = solve(lambda t, y: -y, y0, [0.0, 1.0], per_sample=True)
    assert solution.per_sample.status == (Status.SUCCESS, Status.NON_FINITE, Status.SUCCESS)
    assert solution.samples == (1,)
    assert solution.per_sample.t_stop.tolist() == [1.0, 0.0, 1.0]
    torch.testing.assert_close(solution.y1[[0, 2]], y0[[0, 2]] / math.e, rtol=1e-5, atol=1e-6)


def test_the_limit_of_steps_is_each_samples_own():
    solution = solve(decay, decaying(), [0.0, 2.0], per_sample=True, max_steps=20)
    assert solution.per_sample.status[:2] == (Status.SUCCESS, Status.SUCCESS)
    assert solution.per_sample.status[2] is Status.MAX_STEPS
    assert solution.samples[0] == 2
    assert (solution.per_sample.accepted + solution.per_sample.rejected)[2] == 20
    assert 0 < solution.per_sample.t_stop[2] < 2


def test_a_cancelled_solve_keeps_what_was_reached():
    cancel = threading.Event()

    def field(t, y):
        if (t > 0.5).any():
            cancel.set()
        return -y

    y0 = torch.ones(3, 1, dtype=F64)
    t = torch.tensor([[0.0] * 3, [0.01] * 3, [0.011, 9.0, 9.0]], dtype=F64)
    solution = solve(field, y0, t, per_sample=True, cancel=cancel)
    assert solution.per_sample.status == (Status.SUCCESS, Status.CANCELLED, Status.CANCELLED)
    torch.testing.assert_close(solution.y[1], torch.exp(-t[1])[:, None], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("midpoint", 2), ("rk4", 4), ("dopri5", 5)])
def test_equal_steps_divide_each_samples_own_interval(method, order):
    t = torch.tensor([[0.0, 2.5], [1.0, 2.0]], dtype=F64)
    y0 = torch.ones(2, 1, dtype=F64)

    def error(**steps):
        y1 = solve(lambda t, y: y * torch.cos(t), y0, t, per_sample=True, method=method, **steps).y1
        return (y1[:, 0] - torch.exp(torch.sin(t[1]) - torch.sin(t[0]))).abs()

    observed = torch.log2(error(steps=8) / error(steps=16))
    assert (observed > order - 0.6).all()
    taken = solve(lambda t, y: -y, y0, t, per_sample=True, method=method, dt=0.1).per_sample.accepted
    assert taken.tolist() == [10, 5]


@pytest.mark.parametrize("start", [1e6, -1e6, 1e7])
@pytest.mark.parametrize("way", [1, -1])
def test_equal_steps_are_made_at_late_times_too(start, way):
    """A step of 1e-5 is known there to a hundred thousandth of itself, or to a thousandth."""
    t = torch.tensor([[start, 0.0], [start + way * 1e-2, way * 1e-2]], dtype=F64)
    solution = solve(decay, decaying(RATES[:2]), t, per_sample=True, method="rk4", steps=1000)
    assert solution.ok
    assert solution.per_sample.accepted.tolist() == [1000, 1000]
    torch.testing.assert_close(solution.y1[:, 0], torch.exp(-RATES[:2] * (t[1] - t[0])))


@pytest.mark.parametrize("first", [1e-10, 1e-20])
def test_a_step_is_too_small_by_the_time_reached_and_not_by_the_end(first):
    y0 = torch.ones(2, 1, dtype=F64)
    solution = solve(lambda t, y: -1e-3 * y, y0, [0.0, 1e6], per_sample=True, first_step=first)
    assert solution.ok
    late = solve(lambda t, y: -1e-3 * y, y0, [1e6, 2e6], per_sample=True, first_step=first)
    assert late.status is Status.STEP_TOO_SMALL


def test_evaluations_are_counted_for_each_sample_and_batches_for_all():
    calls = []

    def field(t, y):
        calls.append(len(y))
        return decay(t, y)

    solution = solve(field, decaying(), [0.0, 2.0], per_sample=True)
    own = solution.per_sample
    assert solution.stats.nfe_forward == len(calls)
    assert len(set(own.nfe.tolist())) == 4
    assert torch.equal(own.nfe, 2 + 6 * (own.accepted + own.rejected))
    assert int(own.nfe.max()) == len(calls), "the last sample takes part in every batch"
    steps = own.steps
    assert len(steps.sample) == int((own.accepted + own.rejected).sum())
    covered = torch.zeros(4, dtype=F64).index_add(0, steps.sample[steps.accepted], steps.h[steps.accepted])
    torch.testing.assert_close(covered, torch.full((4,), 2.0, dtype=F64))
    assert bool((steps.error[steps.accepted] <= 1).all())
    assert bool((steps.error[~steps.accepted] > 1).all())


@pytest.mark.parametrize("method", ["dopri5", "dop853"])
def test_dense_output_gives_each_sample_at_its_own_time(method):
    t = torch.tensor([[0.0, 1.0, 0.2, 3.0], [4.0, -1.0, 0.25, 3.6]], dtype=F64)
    solution = solve(decay, decaying(), t, per_sample=True, dense=True, method=method, rtol=1e-10, atol=1e-10)
    for part in (0.0, 1e-3, 0.37, 0.5, 0.99, 1.0):
        when = t[0] + part * (t[1] - t[0])
        exact = torch.exp(-RATES * (when - t[0]))
        torch.testing.assert_close(solution(when[None])[0, :, 0], exact, rtol=1e-6, atol=1e-8)
    with pytest.raises(ValueError, match=r"t = 0\.5 is outside the interval of sample 2, from 0\.2 to 0\.25"):
        solution(0.5)


def test_dense_output_is_nan_where_a_sample_stopped_before():
    y0 = torch.tensor([[0.5], [2.0]], dtype=F64)
    solution = solve(squared, y0, [0.0, 1.0], per_sample=True, dense=True)
    value = solution(0.75)
    assert torch.isnan(value[1]).all()
    torch.testing.assert_close(value[0, 0].item(), 0.5 / (1 - 0.375), rtol=1e-4, atol=1e-4)


def test_no_step_is_stretched_over_max_step():
    solution = solve(decay, decaying(), [0.0, 1.05], per_sample=True, max_step=0.1)
    assert solution.ok
    assert solution.per_sample.steps.h.max() <= 0.1 * (1 + 1e-9)


def test_step_sizes_are_held_within_their_limits():
    first = torch.tensor([0.01, 0.02, 0.03, 0.04], dtype=F64)
    solution = solve(decay, decaying(), [0.0, 2.0], per_sample=True, first_step=first, max_step=0.125)
    steps = solution.per_sample.steps
    begun = [steps.h[steps.sample == sample][0].item() for sample in range(4)]
    assert begun == first.tolist()
    assert steps.h.max() <= 0.125 * (1 + 1e-9), "no step is stretched over max_step"
    coarse = solve(decay, decaying(), [0.0, 2.0], per_sample=True, first_step=0.1, min_step=0.1)
    steps = coarse.per_sample.steps
    assert (steps.h[steps.t + steps.h < 2 - 1e-12] >= 0.1 - 1e-12).all(), "only a last step is smaller"
    assert (steps.error[steps.accepted] > 1).any(), "steps of min_step are accepted whatever their error"


@pytest.mark.parametrize("norm", ["rms", "max"])
def test_tolerances_may_differ_between_entries_and_belong_to_their_sample(norm):
    y0 = torch.ones(3, 2, dtype=F64)
    atol = torch.tensor([[1e-3], [1e-6], [1e-9]], dtype=F64)
    solution = solve(lambda t, y: -y, y0, [0.0, 3.0], per_sample=True, rtol=0.0, atol=atol, norm=norm)
    error = (solution.y1 - math.exp(-3)).abs().amax(1)
    assert error[0] > 30 * error[1] > 900 * error[2]
    assert solution.per_sample.nfe.diff().min() > 0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("adjoint", {"adjoint": "backsolve"}),
        ("adjoint", {"adjoint": "reversible"}),
        ("adjoint", {"adjoint": "interpolating"}),
        ("method", {"method": "adams"}),
        ("step_at", {"step_at": [0.5]}),
        ("jumps", {"jumps": [0.5]}),
        ("grid", {"grid": [0.0, 0.5, 1.0]}),
        ("norm", {"norm": lambda x: x.norm()}),
        ("on_step", {"on_step": print}),
        ("first_step", {"first_step": torch.ones(3)}),
        ("first_step", {"first_step": torch.tensor([1.0, -1.0])}),
        ("steps or dt", {"steps": 3, "dt": 0.1}),
        ("steps", {"steps": 0}),
        ("rk4", {"method": "rk4"}),
        ("t must", {"t": torch.zeros(2, 3)}),
        ("sample 1", {"t": torch.tensor([[0.0, 0.0], [1.0, 0.0]])}),
        ("y0", {"y0": torch.ones(2, 1, dtype=torch.complex64)}),
    ],
)
def test_what_is_not_available_is_refused_by_name(name, arguments):
    arguments = {"y0": torch.ones(2, 1), "t": [0.0, 1.0], **arguments}
    with pytest.raises(ValueError, match=name):
        solve(lambda t, y: -y, per_sample=True, **arguments)


def test_shared_steps_take_no_first_step_for_each_sample():
    with pytest.raises(ValueError, match="first_step"):
        solve(lambda t, y: -y, torch.ones(2, 1), [0.0, 1.0], first_step=torch.ones(2))
