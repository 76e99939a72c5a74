"""odeint and its kin: torchdiffeq's shapes, options and gradients, against closed forms and against torchdiffeq."""

import math
import warnings
from itertools import pairwise

import pytest
import torch
from torch import nn

import odeviz
from odeviz.engine import METHODS, SolveError, odeint, odeint_adjoint, odeint_dense

F64 = torch.float64
SHAPES = [(), (1,), (3,), (2, 3), (2, 1, 3)]
CONTROLLED = ["dopri5", "dopri8", "bosh3", "adaptive_heun", "fehlberg2", "tsit5"]
GIVEN = ["euler", "midpoint", "heun2", "heun3", "rk4", "explicit_adams", "implicit_adams", "fixed_adams"]


def tensor(*values, **options):
    return torch.tensor(values, dtype=F64, **options)


def decay(t, y):
    return -y


def swing(t, y):
    """A non-autonomous field whose solution is y0 exp(sin t)."""
    return torch.cos(t) * y


class Field(nn.Module):
    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(2)
        self.A = nn.Parameter(torch.randn(3, 3, generator=generator, dtype=F64))
        self.unused = nn.Parameter(torch.zeros(2, dtype=F64))
        self.nfe = 0

    def forward(self, t, y):
        self.nfe += 1
        return torch.tanh(y @ self.A) * torch.cos(3 * t) - 0.1 * y


Y0 = torch.linspace(-1, 1, 6, dtype=F64).reshape(2, 3)
TIMES = tensor(0.0, 0.35, 0.8, 1.5)


class TestShapesAndTimes:
    @pytest.mark.parametrize("interface", [odeint, odeint_adjoint])
    @pytest.mark.parametrize("shape", SHAPES)
    def test_time_leads_and_the_shape_follows(self, interface, shape):
        y0 = torch.ones(shape, dtype=F64)
        extra = {"adjoint_params": ()} if interface is odeint_adjoint else {}
        y = interface(swing, y0, TIMES, **extra)
        assert y.shape == (4, *shape)
        torch.testing.assert_close(
            y[:, ...].reshape(4, -1)[:, 0], torch.exp(torch.sin(TIMES)), rtol=1e-6, atol=0
        )

    def test_a_tuple_of_tensors_comes_back_as_one(self):
        y0 = (torch.ones((), dtype=F64), Y0, torch.zeros(0, dtype=F64))
        x, y, nothing = odeint(lambda t, s: (s[1].sum() * 0 + s[0], -s[1], s[2]), y0, TIMES)
        assert (x.shape, y.shape, nothing.shape) == ((4,), (4, 2, 3), (4, 0))
        torch.testing.assert_close(x, torch.exp(TIMES), rtol=1e-6, atol=0)
        torch.testing.assert_close(y, torch.exp(-TIMES)[:, None, None] * Y0, rtol=0, atol=1e-7)

    @pytest.mark.parametrize("method", [*CONTROLLED, *GIVEN])
    def test_decreasing_times_lead_backwards(self, method):
        t = torch.linspace(0.7, -0.6, 400, dtype=F64)
        y = odeint(swing, tensor(2.0), t, method=method)
        wanted = 2.0 * torch.exp(torch.sin(t) - math.sin(0.7))
        assert float((y[:, 0] - wanted).abs().max()) < (5e-3 if method == "euler" else 1e-5)

    @pytest.mark.parametrize("dtype", [torch.float32, F64])
    @pytest.mark.parametrize("time_dtype", [torch.float32, F64])
    def test_times_are_0_dim_of_the_states_dtype(self, dtype, time_dtype):
        seen = set()

        def field(t, y):
            seen.add((t.dtype, t.shape, y.dtype))
            return -y

        y = odeint(field, torch.ones(2, dtype=dtype), torch.tensor([0.0, 1.0], dtype=time_dtype))
        assert seen == {(dtype, (), dtype)}
        assert y.dtype == dtype

    def test_a_single_time_gives_the_start(self):
        assert odeint(decay, Y0, TIMES[:1]).tolist() == Y0[None].tolist()

    def test_a_complex_state_stays_complex(self):
        y0 = torch.tensor([1 + 1j, 2 - 1j], dtype=torch.complex128, requires_grad=True)
        y = odeint(lambda t, y: (1j * t + 0.2) * y, y0, TIMES)
        wanted = torch.exp(0.5j * TIMES**2 + 0.2 * TIMES)[:, None] * y0
        torch.testing.assert_close(y, wanted, rtol=1e-6, atol=0)
        (got,) = torch.autograd.grad(y.real.sum() + y.imag[-1, 0], y0)
        (expected,) = torch.autograd.grad(wanted.real.sum() + wanted.imag[-1, 0], y0)
        torch.testing.assert_close(got, expected, rtol=1e-6, atol=1e-6)

    def test_the_default_tolerance_does_not_warn_in_float32(self):
        y = odeint(decay, torch.ones(3), torch.tensor([0.0, 1.0]))
        assert float((y[-1] - math.exp(-1)).abs().max()) < 2e-6

    def test_states_may_be_kept_by_the_function(self):
        kept = []

        def field(t, y):
            kept.append(y)
            return -y

        with torch.no_grad():
            odeint(field, tensor(1.0), tensor(0.0, 1.0), method="euler", options={"step_size": 0.25})
        assert [float(y) for y in kept] == pytest.approx([1.0, 0.75, 0.75**2, 0.75**3])


class TestGradients:
    @pytest.mark.parametrize("method", ["dopri5", "dopri8", "bosh3", "rk4"])
    def test_states_and_times_receive_exact_gradients(self, method):
        tolerance = 1e-7 if method == "bosh3" else 1e-9
        steps = (
            {"options": {"step_size": 0.05}} if method == "rk4" else {"rtol": tolerance, "atol": tolerance}
        )
        y0, t = Y0.clone().requires_grad_(), TIMES.clone().requires_grad_()
        field = Field()
        assert torch.autograd.gradcheck(
            lambda y0, t: odeint(field, y0, t, method=method, **steps), (y0, t), rtol=1e-4, atol=1e-6
        )

    @pytest.mark.parametrize("backwards", [False, True])
    def test_whatever_the_function_uses_receives_first_and_second_derivatives(self, backwards):
        rate, y0 = tensor(0.7, requires_grad=True), tensor(1.3, requires_grad=True)
        t = tensor(0.2, -0.9, requires_grad=True) if backwards else tensor(0.2, 1.1, requires_grad=True)
        end = odeint(lambda t, y: rate * t * y, y0, t, rtol=1e-10, atol=1e-10)[-1].sum()
        closed = (y0 * torch.exp(0.5 * rate * (t[1] ** 2 - t[0] ** 2))).sum()
        inputs = (rate, y0, t)
        got = torch.autograd.grad(end, inputs, create_graph=True)
        wanted = torch.autograd.grad(closed, inputs, create_graph=True)
        for g, w in zip(got, wanted, strict=True):
            torch.testing.assert_close(g, w, rtol=1e-7, atol=1e-7)
            for h, v in zip(
                torch.autograd.grad(g.sum(), inputs, retain_graph=True, materialize_grads=True),
                torch.autograd.grad(w.sum(), inputs, retain_graph=True, materialize_grads=True),
                strict=True,
            ):
                torch.testing.assert_close(h, v, rtol=1e-6, atol=1e-6)

    @pytest.mark.parametrize("method", ["dopri5", "bosh3", "rk4", "adams"])
    @pytest.mark.parametrize("sign", [1.0, -1.0])
    def test_the_adjoint_agrees_with_automatic_differentiation(self, method, sign):
        def gradients(interface):
            field, y0, t = Field(), Y0.clone().requires_grad_(), (sign * TIMES).requires_grad_()
            options = {"step_size": 0.01} if method == "rk4" else None
            y = interface(field, y0, t, method=method, rtol=1e-9, atol=1e-9, options=options)
            return torch.autograd.grad((y * torch.cos(y.detach())).sum(), (y0, t, field.A))

        for got, wanted in zip(gradients(odeint_adjoint), gradients(odeint), strict=True):
            torch.testing.assert_close(got, wanted, rtol=1e-6, atol=1e-6)

    def test_the_adjoint_gives_unused_parameters_zeros(self):
        field = Field()
        odeint_adjoint(field, Y0, TIMES).sum().backward()
        assert field.unused.grad.tolist() == [0.0, 0.0]

    def test_adjoint_params_name_what_receives_gradients(self):
        rate = tensor(0.7, requires_grad=True)
        y = odeint_adjoint(lambda t, y: rate * y, tensor(1.0), tensor(0.0, 1.0), adjoint_params=(rate,))
        (got,) = torch.autograd.grad(y[-1], rate)
        assert float(got) == pytest.approx(math.exp(0.7), rel=1e-6)

    def test_the_adjoint_of_a_tuple_state(self):
        def gradients(interface):
            field, y0 = Field(), (Y0.clone().requires_grad_(), torch.ones((), dtype=F64, requires_grad=True))
            y, z = interface(Pair(field), y0, TIMES, rtol=1e-9, atol=1e-9)
            return torch.autograd.grad(y.pow(2).sum() + z[-1], (*y0, field.A))

        for got, wanted in zip(gradients(odeint_adjoint), gradients(odeint), strict=True):
            torch.testing.assert_close(got, wanted, rtol=1e-6, atol=1e-6)

    def test_the_backward_tolerance_is_its_own(self):
        def backward_evaluations(**tolerances):
            field = Field()
            y = odeint_adjoint(field, Y0, tensor(0.0, 1.5), rtol=1e-4, atol=1e-4, **tolerances)
            field.nfe = 0
            y.sum().backward()
            return field.nfe

        assert backward_evaluations(adjoint_rtol=1e-9, adjoint_atol=1e-9) > 2 * backward_evaluations()

    def test_nothing_is_recorded_without_gradients(self):
        with torch.no_grad():
            assert not odeint(Field(), Y0, TIMES).requires_grad
        assert not odeint(decay, Y0, TIMES).requires_grad


class Pair(nn.Module):
    """A field and a quadrature beside it."""

    def __init__(self, field):
        super().__init__()
        self.field = field

    def forward(self, t, state):
        y, z = state
        return self.field(t, y), (y**2).sum() - z


class TestTolerancesAndNorms:
    def test_tolerances_are_numbers_tensors_or_one_for_each_tensor(self):
        y0 = (Y0, torch.ones(2, dtype=F64))
        flat = torch.cat([part.reshape(-1) for part in y0])

        def both(t, s):
            return swing(t, s[0]), -3 * s[1]

        def together(t, y):
            return torch.cat([swing(t, y[:6]), -3 * y[6:]])

        options = {"norm": lambda x: torch.cat([p.reshape(-1) for p in x]).pow(2).mean().sqrt()}
        fine = torch.tensor([1e-4, 1e-9], dtype=F64)
        got = odeint(both, y0, TIMES, rtol=(1e-3, 1e-8), atol=(1e-4, fine), options=options)
        rtol = torch.tensor([1e-3] * 6 + [1e-8] * 2, dtype=F64)
        atol = torch.cat([torch.full((6,), 1e-4, dtype=F64), fine])
        wanted = odeint(together, flat, TIMES, rtol=rtol, atol=atol)
        torch.testing.assert_close(torch.cat([got[0].reshape(4, 6), got[1]], -1), wanted, rtol=0, atol=1e-12)
        assert float((wanted - odeint(together, flat, TIMES, rtol=1e-3, atol=1e-4)).abs().max()) > 1e-6

    def test_a_tuple_of_tolerances_has_one_for_each_tensor(self):
        with pytest.raises(
            ValueError, match="rtol must hold one tolerance for each of y0's 2 tensors, not 3"
        ):
            odeint(lambda t, s: s, (Y0, Y0), TIMES, rtol=(1e-3, 1e-3, 1e-3))

    @pytest.mark.parametrize("y0", [torch.ones(()), (torch.ones(()),), (torch.ones(()), torch.ones(2, 2))])
    def test_a_norm_gets_the_state_as_the_caller_knows_it(self, y0):
        shapes = set()

        def norm(state):
            assert isinstance(state, tuple) == isinstance(y0, tuple)
            parts = state if isinstance(state, tuple) else (state,)
            shapes.add(tuple(part.shape for part in parts))
            return parts[0].abs().max()

        identity = (lambda t, s: tuple(-p for p in s)) if isinstance(y0, tuple) else decay
        odeint(identity, y0, torch.tensor([0.0, 1.0]), options={"norm": norm})
        assert shapes == {tuple(p.shape for p in (y0 if isinstance(y0, tuple) else (y0,)))}

    def test_a_larger_norm_takes_smaller_steps(self):
        def evaluations(factor):
            field = Field()
            odeint(field, Y0, TIMES, options={"norm": lambda x: factor * x.abs().max()})
            return field.nfe

        assert evaluations(1.0) < evaluations(100.0)

    def test_a_tuple_is_measured_by_its_worst_tensor(self):
        """Tensors at rest do not dilute the error of one that moves."""

        def end(idle):
            y0 = (tensor(1.0), torch.ones(idle, dtype=F64))
            return odeint(lambda t, s: (swing(t, s[0]), 0 * s[1]), y0, TIMES, rtol=1e-4, atol=1e-4)[0]

        assert torch.equal(end(1), end(1000))

    def test_the_adjoint_norm_gets_states_adjoints_and_parameters(self):
        shapes = set()

        def norm(state):
            shapes.add(tuple(part.shape for part in state))
            return max(part.abs().max() for part in state[:5])

        y0, params = (torch.tensor(1.0), torch.ones(2, 2)), (torch.ones(7, requires_grad=True),)
        start = tuple(y.clone().requires_grad_() for y in y0)
        y = odeint_adjoint(
            lambda t, s: (-s[0], -s[1]),
            start,
            torch.tensor([0.0, 1.0]),
            adjoint_params=params,
            adjoint_options={"norm": norm},
        )
        y[0].sum().backward()
        assert shapes == {((), (), (2, 2), (), (2, 2), (7,))}
        assert float(start[0].grad) == pytest.approx(1 + math.exp(-1), rel=1e-5)

    def test_the_seminorm_is_what_is_used_anyway(self):
        def gradient(options):
            field = Field()
            odeint_adjoint(field, Y0, TIMES, adjoint_options=options).sum().backward()
            return field.A.grad

        assert torch.equal(gradient({"norm": "seminorm"}), gradient(None))


def steps_of(field, t, **options):
    """Starts and sizes of the accepted steps."""
    steps = []
    watched = Watched(field)
    watched.callback_accept_step = lambda t0, y0, dt: steps.append((float(t0), float(dt)))
    odeint(watched, tensor(1.0), t, rtol=1e-6, atol=1e-6, options=options)
    return steps


class Watched:
    """A field that callbacks can be hung on."""

    def __init__(self, field):
        self.field = field

    def __call__(self, t, y):
        return self.field(t, y)


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
        odeint_adjoint(Field(), Y0, TIMES, options=options, adjoint_options=options)
        odeint(decay, Y0, TIMES, method="rk4", options={"interp": "cubic", "perturb": False})


class TestEvents:
    @pytest.mark.parametrize("method", ["dopri5", "dopri8", "bosh3", "rk4", "implicit_adams"])
    @pytest.mark.parametrize("dtype", [torch.float32, F64])
    @pytest.mark.parametrize("sign", [1.0, -1.0])
    def test_an_event_ends_the_solve(self, method, dtype, sign):
        options = {"step_size": 0.02} if method in GIVEN else {}
        t = torch.tensor([0.2, 0.2 + sign], dtype=dtype)
        when, y = odeint(
            lambda t, y: 2 * t.sign() * t.abs() * y,
            torch.ones(2, 2, dtype=dtype),
            t,
            event_fn=lambda t, y: y.sum() - 4 * math.exp(0.96),
            method=method,
            options=options,
        )
        assert when.dtype == dtype
        assert y.shape == (2, 2, 2)
        assert float(when) == pytest.approx(sign, rel=1e-5)
        torch.testing.assert_close(y[1], torch.full((2, 2), math.exp(0.96), dtype=dtype), rtol=1e-5, atol=0)

    def test_any_entry_that_changes_its_sign_counts(self):
        when, _ = odeint(
            decay, tensor(1.0, 2.0), TIMES[:2], event_fn=lambda t, y: torch.stack([0.4 - y[1], y[0] - 0.3])
        )
        assert float(when) == pytest.approx(math.log(1 / 0.3), rel=1e-6)

    def test_an_entry_that_starts_at_zero_is_an_event_at_once(self):
        when, y = odeint(decay, tensor(1.0), tensor(0.5, 1.0), event_fn=lambda t, y: y - 1.0)
        assert (float(when), y.tolist()) == (0.5, [[1.0], [1.0]])

    @pytest.mark.parametrize("late", [50.0, 3e6, 4e9])
    def test_an_event_may_come_late(self, late):
        when, y = odeint(
            lambda t, y: torch.ones_like(y), tensor(0.0), TIMES[:2], event_fn=lambda t, y: y - late
        )
        assert float(when) == pytest.approx(late, rel=1e-9)
        assert float(y[-1]) == pytest.approx(late, rel=1e-9)

    def test_an_event_that_never_comes_is_given_up(self):
        with pytest.raises(SolveError, match="max_num_steps"):
            odeint(
                lambda t, y: torch.cos(t)[None],
                tensor(0.0),
                TIMES[:2],
                event_fn=lambda t, y: y - 2.0,
                options={"max_num_steps": 300},
            )
        with pytest.raises(SolveError, match="event_fn did not change its sign up to t = 2000"):
            odeint(
                lambda t, y: torch.zeros_like(y),
                tensor(0.0),
                TIMES[:2],
                event_fn=lambda t, y: y - 2.0,
                method="euler",
                options={"step_size": 0.1},
            )

    @pytest.mark.parametrize("interface", [odeint, odeint_adjoint])
    def test_the_impact_of_a_ball_is_differentiable_in_everything(self, interface):
        ball = Ball()
        state = (ball.height, ball.speed)
        when, (height, speed) = odeviz.odeint_event(
            ball,
            state,
            ball.start,
            event_fn=ball.above_ground,
            odeint_interface=interface,
            rtol=1e-9,
            atol=1e-9,
        )
        g, h, v, t0, r = ball.gravity, ball.height, ball.speed, ball.start, ball.radius
        flight = (v + torch.sqrt(v**2 + 2 * g * (h - r))) / g
        for got, wanted in (
            (when, (t0 + flight)[0]),
            (speed[-1], v - g * flight + 0 * t0),
            (height[-1], r + 0 * (h + v + g + t0)),
        ):
            torch.testing.assert_close(got, wanted.reshape(got.shape), rtol=1e-8, atol=1e-8)
            got_gradients = torch.autograd.grad(got.sum(), list(ball.parameters()), retain_graph=True)
            wanted_gradients = torch.autograd.grad(wanted.sum(), list(ball.parameters()), retain_graph=True)
            for a, b in zip(got_gradients, wanted_gradients, strict=True):
                torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-7)

    @pytest.mark.parametrize("interface", [odeint, odeint_adjoint])
    def test_bounces_follow_one_another(self, interface):
        """Impacts at t1 (1 + 2 sum_k e^k), which are sqrt(2 h / g) and its multiples."""
        ball = Ball(speed=0.0, radius=0.0, start=0.0)
        state, t, times = (ball.height, ball.speed), ball.start, []
        for _ in range(4):
            t, (height, speed) = odeviz.odeint_event(
                ball, state, t, event_fn=ball.above_ground, odeint_interface=interface, rtol=1e-9, atol=1e-9
            )
            times.append(t)
            state = (height[-1].abs() + 1e-9, -0.8 * speed[-1])
        first = torch.sqrt(2 * ball.height / ball.gravity)[0]
        wanted = [first * (1 + 2 * sum(0.8**k for k in range(1, n))) for n in range(1, 5)]
        torch.testing.assert_close(torch.stack(times), torch.stack(wanted), rtol=0, atol=1e-6)
        (got,) = torch.autograd.grad(times[-1], ball.height)
        (expected,) = torch.autograd.grad(wanted[-1], ball.height)
        torch.testing.assert_close(got, expected, rtol=1e-6, atol=0)

    def test_time_can_be_reversed(self):
        when, y = odeviz.odeint_event(
            decay,
            tensor(1.0, 2.0),
            torch.tensor(0.0, dtype=F64),
            event_fn=lambda t, y: y[1] - 3,
            reverse_time=True,
        )
        assert float(when) == pytest.approx(-math.log(1.5), rel=1e-6)
        assert y[-1].tolist() == pytest.approx([1.5, 3.0])


class Ball(nn.Module):
    def __init__(self, speed=1.5, radius=0.2, start=0.7):
        super().__init__()
        values = {"gravity": 9.8, "height": 10.0, "speed": speed, "radius": radius, "start": start}
        for name, value in values.items():
            setattr(self, name, nn.Parameter(tensor(value)))

    def forward(self, t, state):
        _, speed = state
        return speed, -self.gravity

    def above_ground(self, t, state):
        return state[0] - self.radius


class TestDense:
    @pytest.mark.parametrize("t1", [1.5, -1.5])
    def test_the_solution_is_a_function_of_time(self, t1):
        solution = odeint_dense(swing, Y0, torch.tensor(0.0, dtype=F64), torch.tensor(t1, dtype=F64))
        times = torch.linspace(0, t1, 23, dtype=F64)
        wanted = torch.exp(torch.sin(times))[:, None, None] * Y0
        torch.testing.assert_close(solution(times), wanted, rtol=1e-6, atol=1e-7)
        torch.testing.assert_close(solution(times[7]), wanted[7], rtol=1e-6, atol=1e-7)
        assert solution(0.5 * t1).shape == Y0.shape

    def test_it_is_differentiable_in_everything(self):
        rate, y0 = tensor(0.7, requires_grad=True), tensor(1.3, requires_grad=True)
        t = torch.tensor(0.4, dtype=F64, requires_grad=True)
        got = torch.autograd.grad(odeint_dense(lambda t, y: rate * y, y0, 0.0, 1.0)(t), (rate, y0, t))
        wanted = torch.autograd.grad(y0 * torch.exp(rate * t), (rate, y0, t))
        for a, b in zip(got, wanted, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-6, atol=0)

    def test_a_tuple_state(self):
        x, y = odeint_dense(lambda t, s: (-s[0], s[1]), (tensor(1.0, 2.0), Y0[0, 0]), 0.0, 1.0)(0.5)
        assert x.tolist() == pytest.approx([math.exp(-0.5), 2 * math.exp(-0.5)])
        assert float(y) == pytest.approx(-math.exp(0.5))

    def test_times_outside_are_refused(self):
        with pytest.raises(ValueError, match="outside the solved interval"):
            odeint_dense(decay, Y0, 0.0, 1.0)(1.1)


class TestCallbacks:
    NAMES = ("callback_step", "callback_accept_step", "callback_reject_step")

    def heard(self, field, interface=odeint, suffix="", **options):
        calls = {name: [] for name in self.NAMES}
        for name in self.NAMES:
            setattr(field, name + suffix, lambda t0, y0, dt, name=name: calls[name].append((t0, y0, dt)))
        return calls

    @pytest.mark.parametrize("sign", [1.0, -1.0])
    def test_each_step_is_announced_and_judged(self, sign):
        # The jump that nobody announces makes for rejections.
        watched = Watched(lambda t, y: -y if t.abs() < 0.5 else 5 * y)
        calls = self.heard(watched)
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
        calls = self.heard(watched)
        odeint(watched, (Y0, torch.ones((), dtype=F64)), TIMES)
        assert {tuple(p.shape for p in y0) for _, y0, _ in calls["callback_step"]} == {((2, 3), ())}

    def test_the_backward_solve_has_callbacks_of_its_own(self):
        field = Field()
        calls = self.heard(field, suffix="_adjoint")
        y = odeint_adjoint(field, Y0, TIMES)
        assert not any(calls.values())
        y.sum().backward()
        begun, accepted, rejected = calls.values()
        assert len(begun) == len(accepted) + len(rejected) > 0
        assert [part.shape for part in begun[0][1]] == [(), (2, 3), (2, 3), (3, 3), (2,)]
        assert float(begun[0][0]) == 1.5

    def test_given_steps_are_not_judged_which_is_said(self):
        watched = Watched(decay)
        calls = self.heard(watched)
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


WRONG = [
    (lambda: odeint(None, Y0, TIMES), TypeError, "func must be a callable"),
    (lambda: odeint(decay, [1.0], TIMES), TypeError, "y0 must be a tensor or a tuple of tensors, not list"),
    (lambda: odeint(decay, Y0, [0.0, 1.0]), TypeError, "t must be a tensor"),
    (lambda: odeint(decay, Y0, torch.tensor([0, 1])), TypeError, "t must be a tensor of floating-point"),
    (lambda: odeint(decay, Y0, tensor(0.0)[0]), ValueError, "t must be one-dimensional"),
    (lambda: odeint(decay, Y0, tensor(0.0, 1.0, 0.5)), ValueError, "t must be strictly increasing"),
    (
        lambda: odeint(decay, Y0, TIMES, method="rk5"),
        ValueError,
        "method must be one of .*dopri8.*, not 'rk5'",
    ),
    (lambda: odeint(decay, Y0, TIMES, method="scipy_solver"), ValueError, "'scipy_solver' is not offered"),
    (lambda: odeint(lambda t, y: y[0], Y0, TIMES), ValueError, r"func's value .* \[2, 3\], not \[3\]"),
    (
        lambda: odeint(lambda t, y: y[0], (Y0,), TIMES),
        ValueError,
        "func's value must be a tuple of tensors",
    ),
    (
        lambda: odeint(decay, Y0, TIMES, rtol=torch.ones(4)),
        ValueError,
        r"rtol must broadcast .* \[2, 3\], not \[4\]",
    ),
    (lambda: odeint(decay, Y0, TIMES, event_fn=lambda t, y: y), ValueError, "t must hold two times"),
    (
        lambda: odeint(decay, Y0, TIMES[:2], event_fn=lambda t, y: y - 9, method="rk4"),
        ValueError,
        "options must hold step_size",
    ),
    (
        lambda: odeint(decay, Y0, TIMES, method="rk4", options={"step_size": 1, "grid_constructor": max}),
        ValueError,
        "step_size or grid_constructor, not both",
    ),
    (
        lambda: odeint(decay, Y0, TIMES, method="rk4", options={"step_size": -1}),
        ValueError,
        "step_size must be a positive",
    ),
    (
        lambda: odeint(decay, Y0, TIMES, method="rk4", options={"interp": "spline"}),
        ValueError,
        "interp must be 'linear' or 'cubic'",
    ),
    (lambda: odeint(decay, Y0, TIMES, options={"safety": 2.0}), ValueError, "safety must be"),
    (lambda: odeint_adjoint(decay, Y0, TIMES), ValueError, "func must be an nn.Module, or adjoint_params"),
    (
        lambda: odeint_adjoint(Field(), Y0, TIMES, adjoint_method="rk4"),
        ValueError,
        "adjoint_method must be that",
    ),
    (
        lambda: odeint_adjoint(Field(), Y0, TIMES, adjoint_rtol=(1, 2)),
        ValueError,
        "adjoint_rtol must be a number",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), WRONG, ids=[message for _, _, message in WRONG])
def test_a_wrong_argument_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_the_engine_serves(method):
    y = odeint(decay, tensor(1.0, 2.0), torch.linspace(0, 0.1, 101, dtype=F64), method=method)
    assert float((y[-1] - math.exp(-0.1) * tensor(1.0, 2.0)).abs().max()) < 1e-3


class TestAgainstTorchdiffeq:
    @pytest.fixture
    def peer(self):
        return pytest.importorskip("torchdiffeq")

    @pytest.mark.parametrize("sign", [1.0, -1.0])
    @pytest.mark.parametrize("options", [{}, {"step_size": 0.07}, {"step_size": 0.05, "perturb": True}])
    @pytest.mark.parametrize("method", ["euler", "midpoint", "heun2"])
    def test_given_steps_are_the_same_to_rounding(self, peer, method, options, sign):
        t = sign * tensor(0.0, 1.5) if "step_size" in options else sign * TIMES
        got, wanted = (
            package.odeint(Field(), Y0, t, method=method, options=dict(options)) for package in (odeviz, peer)
        )
        torch.testing.assert_close(got, wanted, rtol=0, atol=1e-13)

    @pytest.mark.parametrize("sign", [1.0, -1.0])
    @pytest.mark.parametrize(("method", "rtol"), [("dopri5", 1e-8), ("bosh3", 1e-8), ("adaptive_heun", 1e-6)])
    def test_controlled_steps_agree_within_the_tolerance(self, peer, method, rtol, sign):
        got, wanted = (
            package.odeint(Field(), Y0, sign * TIMES, method=method, rtol=rtol, atol=rtol)
            for package in (odeviz, peer)
        )
        torch.testing.assert_close(got, wanted, rtol=0, atol=2e-5)

    @pytest.mark.parametrize("interface", ["odeint", "odeint_adjoint"])
    def test_gradients_agree(self, peer, interface):
        def gradients(package):
            field, y0, t = Pair(Field()), Y0.clone().requires_grad_(), TIMES.clone().requires_grad_()
            z0 = torch.ones((), dtype=F64, requires_grad=True)
            y, z = getattr(package, interface)(field, (y0, z0), t, rtol=1e-9, atol=1e-9)
            return torch.autograd.grad((y**2).sum() + (z * TIMES).sum(), (y0, z0, t, field.field.A))

        for got, wanted in zip(gradients(odeviz), gradients(peer), strict=True):
            torch.testing.assert_close(got, wanted, rtol=1e-6, atol=1e-6)

    def test_event_times_and_their_gradients_agree(self, peer):
        def impact(package):
            ball = Ball()
            when, _ = package.odeint_event(
                ball, (ball.height, ball.speed), ball.start, event_fn=ball.above_ground, rtol=1e-9, atol=1e-10
            )
            (gradient,) = torch.autograd.grad(when, ball.height)
            return torch.cat([when.reshape(1), gradient.reshape(1)]).detach()

        torch.testing.assert_close(impact(odeviz), impact(peer), rtol=1e-8, atol=1e-8)

    def test_callbacks_hear_as_much(self, peer):
        def heard(package):
            watched = Watched(decay)
            calls = TestCallbacks().heard(watched)
            package.odeint(watched, Y0, tensor(0.0, 1.0), method="dopri5", rtol=1e-5, atol=1e-5)
            return {
                name: {(t0.shape, y0.shape, dt.shape) for t0, y0, dt in seen} for name, seen in calls.items()
            }

        assert heard(odeviz) == heard(peer)

    def test_dense_output_agrees(self, peer):
        ends = torch.tensor(0.0, dtype=F64), torch.tensor(1.5, dtype=F64)
        got, wanted = (
            package.odeint_dense(Field(), Y0, *ends, rtol=1e-8, atol=1e-8) for package in (odeviz, peer)
        )
        for t in TIMES[:-1]:
            torch.testing.assert_close(got(t), wanted(t), rtol=0, atol=1e-6)


def test_no_warning_comes_from_plain_use():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        odeint_adjoint(Field(), Y0, TIMES, method="dopri8").sum().backward()
