"""odeint's options, callbacks, failures and wrong arguments."""

import math
import warnings
from itertools import pairwise

import pytest
import torch
from odeint_fields import F64, TIMES, Y0, Field, Watched, decay, heard_by, swing, tensor

from odeviz.engine import SolveError, odeint, odeint_adjoint


def steps_of(field, t, **options):
    """Starts and sizes of the accepted steps."""
    steps = []
    watched = Watched(field)
    watched.callback_accept_step = lambda t0, y0, dt: steps.append((float(t0), float(dt)))
    odeint(watched, tensor(1.0), t, rtol=1e-6, atol=1e-6, options=options)
    return steps


class TestOptions:
    def test_the_first_step_is_as_asked(self):
        assert steps_of(swing, TIMES, first_step=0.0125)[0] == (0.0, 0.0125)

    def test_steps_end_at_step_t(self):
        starts = {t for t, _ in steps_of(swing, TIMES, step_t=tensor(0.11, 0.77))}
        assert {0.11, 0.77} <= starts

    def test_steps_stay_within_their_limits(self):
        sizes = [dt for _, dt in steps_of(swing, TIMES, min_step=0.07, max_step=0.1)]
        assert max(sizes) <= 0.1 * (1 + 1e-12)
        assert min(sizes[:-1]) >= 0.07

    def test_steps_grow_by_ifactor_at_most(self):
        sizes = [dt for _, dt in steps_of(swing, tensor(0.0, 3.0), first_step=1e-5, ifactor=1.5)]
        assert max(b / a for a, b in pairwise(sizes[:-1])) <= 1.5 * (1 + 1e-9)

    def test_a_smaller_safety_factor_takes_more_steps(self):
        assert len(steps_of(swing, TIMES, safety=0.3)) > len(steps_of(swing, TIMES, safety=0.9))

    @pytest.mark.parametrize("dtype", [torch.float32, F64])
    @pytest.mark.parametrize("jump", [0.5, 0.3])
    def test_the_field_is_seen_on_the_right_sides_of_a_jump(self, dtype, jump):
        wall = torch.tensor(jump, dtype=dtype)
        sides = set()

        def field(t, y):
            sides.add("at" if t == wall else "before" if t < wall else "after")
            return -y if t < wall else y * 2

        options = {"jump_t": torch.tensor([jump], dtype=F64)}
        y = odeint(
            field, torch.ones(1, dtype=dtype), torch.tensor([0.0, 1.0]), rtol=1e-6, atol=1e-6, options=options
        )
        assert sides == {"before", "after"}
        assert float(y[-1]) == pytest.approx(math.exp(-jump + 2 * (1 - jump)), rel=1e-5)

    @pytest.mark.parametrize("adjoint", [False, True])
    def test_knowing_of_a_jump_spares_evaluations(self, adjoint):
        def cost(options):
            count = [0]

            def field(t, y):
                count[0] += 1
                return -y if t < 0.5 else y**2

            y0 = tensor(1.0, requires_grad=True)
            extra = {"adjoint_params": ()} if adjoint else {}
            interface = odeint_adjoint if adjoint else odeint
            interface(field, y0, tensor(0.0, 1.0), options=options, **extra).sum().backward()
            return count[0]

        assert cost({"jump_t": tensor(0.5)}) < 0.7 * cost({})

    def test_steps_are_given_by_their_size(self):
        times = []

        def field(t, y):
            times.append(float(t))
            return -y

        y = odeint(field, tensor(1.0), tensor(0.0, 1.0), method="euler", options={"step_size": 0.3})
        assert times == pytest.approx([0.0, 0.3, 0.6, 0.9])
        assert float(y[-1]) == pytest.approx(0.7**3 * 0.9, rel=1e-14)

    @pytest.mark.parametrize("interface", [odeint, odeint_adjoint])
    def test_steps_are_given_by_a_function(self, interface):
        y0 = torch.tensor(1.0, dtype=F64, requires_grad=True)

        def grid(func, y, t):
            assert func is decay
            assert y is y0
            assert t.tolist() == [0.0, 1.0]
            return torch.linspace(0, 1, 11, dtype=F64)

        extra = {"adjoint_params": ()} if interface is odeint_adjoint else {}
        options = {"grid_constructor": grid}
        y = interface(decay, y0, tensor(0.0, 1.0), method="euler", options=options, **extra)
        y[-1].backward()
        assert float(y[-1].detach()) == pytest.approx(0.9**10, rel=1e-14)
        assert float(y0.grad) == pytest.approx(0.9**10, rel=1e-14)

    @pytest.mark.parametrize("perturb", [True, False])
    @pytest.mark.parametrize("dtype", [torch.float32, F64])
    def test_perturb_keeps_evaluations_off_the_ends_of_steps(self, perturb, dtype):
        times = []

        def field(t, y):
            times.append(float(t))
            return -y

        odeint(
            field,
            torch.ones(1, dtype=dtype),
            torch.tensor([0.0, 1.0]),
            method="rk4",
            options={"step_size": 0.5, "perturb": perturb},
        )
        assert ({0.0, 0.5, 1.0} & set(times) == set()) == perturb

    def test_options_without_effect_are_warned_of(self):
        with pytest.warns(UserWarning, match="options step_size mean nothing to method 'dopri5'"):
            odeint(decay, Y0, TIMES, options={"step_size": 0.1})
        with pytest.warns(UserWarning, match="options first_step mean nothing to method 'rk4'"):
            odeint(decay, Y0, TIMES, method="rk4", options={"first_step": 0.1})
        with pytest.warns(UserWarning, match="adjoint_options first_step are not used"):
            odeint_adjoint(Field(), Y0, TIMES, adjoint_options={"first_step": 0.1})

    def test_options_with_effect_are_not(self):
        options = {"first_step": 0.1, "dtype": F64}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            odeint_adjoint(Field(), Y0, TIMES, options=options, adjoint_options=options)
            y = odeint(decay, Y0, TIMES, method="rk4", options={"interp": "cubic", "perturb": False})
        assert torch.isfinite(y).all()


class TestCallbacks:
    @pytest.mark.parametrize("sign", [1.0, -1.0])
    def test_each_step_is_announced_and_judged(self, sign):
        # The jump that nobody announces makes for rejections.
        watched = Watched(lambda t, y: -y if t.abs() < 0.5 else 5 * y)
        calls = heard_by(watched)
        odeint(watched, Y0, tensor(0.0, sign))
        begun, accepted, rejected = calls.values()
        assert len(begun) == len(accepted) + len(rejected)
        assert len(rejected) > 0
        assert all(dt > 0 for _, _, dt in begun)
        t = 0.0
        for t0, y0, dt in accepted:
            assert (t0.shape, y0.shape) == ((), Y0.shape)
            assert float(t0) == pytest.approx(t, abs=1e-12)
            t += sign * float(dt)
        assert t == pytest.approx(sign)
        torch.testing.assert_close(accepted[1][1], Y0 * math.exp(-float(accepted[1][0])))

    def test_a_step_is_announced_before_it_is_made(self):
        order = []
        watched = Watched(lambda t, y: order.append("f") or -y)
        watched.callback_step = lambda t0, y0, dt: order.append("step")
        odeint(watched, Y0, tensor(0.0, 1.0), method="euler", options={"step_size": 0.5})
        assert order.count("step") == 2
        # The derivative at the very start is known before the first step's size is.
        assert order == ["f", "step", "step", "f"]

    def test_a_tuple_state_is_shown_as_one(self):
        watched = Watched(lambda t, s: (-s[0], s[1]))
        calls = heard_by(watched)
        odeint(watched, (Y0, torch.ones((), dtype=F64)), TIMES)
        assert {tuple(p.shape for p in y0) for _, y0, _ in calls["callback_step"]} == {((2, 3), ())}

    def test_the_backward_solve_has_callbacks_of_its_own(self):
        field = Field()
        calls = heard_by(field, suffix="_adjoint")
        y = odeint_adjoint(field, Y0, TIMES)
        assert not any(calls.values())
        y.sum().backward()
        begun, accepted, rejected = calls.values()
        assert len(begun) == len(accepted) + len(rejected) > 0
        assert [part.shape for part in begun[0][1]] == [(), (2, 3), (2, 3), (3, 3), (2,)]
        assert float(begun[0][0]) == 1.5

    def test_given_steps_are_not_judged_which_is_said(self):
        watched = Watched(decay)
        calls = heard_by(watched)
        with pytest.warns(UserWarning, match="method 'rk4' judges no steps: callback_accept_step"):
            odeint(watched, Y0, TIMES, method="rk4", options={"step_size": 0.1})
        assert [len(heard) for heard in calls.values()] == [15, 0, 0]


class TestFailure:
    def test_a_solution_that_explodes_is_an_error_with_its_time(self):
        with pytest.raises(SolveError, match="stopped at t = 1") as caught:
            odeint(lambda t, y: y**2, tensor(1.0), tensor(0.0, 0.5, 2.0))
        assert isinstance(caught.value, AssertionError)
        assert float(caught.value.solution.y[1]) == pytest.approx(2.0, rel=1e-5)

    def test_the_number_of_steps_is_limited(self):
        with pytest.raises(SolveError, match="max_num_steps"):
            odeint(swing, tensor(1.0), tensor(0.0, 100.0), options={"max_num_steps": 10})

    def test_the_limit_is_for_each_output(self):
        t = torch.linspace(0, 20, 21, dtype=F64)
        assert odeint(swing, tensor(1.0), t, options={"max_num_steps": 15}).isfinite().all()

    def test_given_steps_go_on_as_nan_with_a_warning(self):
        with pytest.warns(RuntimeWarning, match="no longer finite"):
            y = odeint(lambda t, y: y**3, tensor(1e3), torch.linspace(0, 9, 10, dtype=F64), method="euler")
        assert y[0].isfinite().all()
        assert y[-1].isnan().all()
