"""odeint_event and odeint_dense, against closed forms."""

import math

import pytest
import torch
from odeint_fields import F64, GIVEN, TIMES, Y0, Ball, decay, swing, tensor

import odeviz
from odeviz.engine import SolveError, odeint, odeint_adjoint, odeint_dense


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

    @pytest.mark.parametrize("interface", [odeint, odeint_adjoint])
    @pytest.mark.parametrize("dtype", [F64, torch.complex128])
    def test_it_moves_with_the_start(self, interface, dtype):
        y0 = torch.ones(1, dtype=dtype, requires_grad=True)
        t, level = tensor(0.5, 1.0, requires_grad=True), tensor(1.0, requires_grad=True)
        options = {} if interface is odeint else {"adjoint_params": ()}
        when, y = interface(decay, y0, t, event_fn=lambda t, y: y.real - level, **options)
        # y0 exp(-(when - t0)) = level.
        gradients = torch.autograd.grad(when, (y0, level, t), retain_graph=True)
        torch.testing.assert_close([g.real.tolist() for g in gradients], [[1.0], [-1.0], [1.0, 0.0]])
        of_state = torch.autograd.grad(y[1].real.sum(), (y0, level))
        torch.testing.assert_close([g.real.tolist() for g in of_state], [[0.0], [1.0]])

    def test_a_call_of_the_wrong_form_is_told(self):
        with pytest.raises(
            TypeError, match=r"event_fn is called as event_fn\(t, y\), with a tensor \[\] for t"
        ):
            odeint(decay, tensor(1.0), TIMES[:2], event_fn=lambda y: y - 0.5)
        with pytest.raises(TypeError, match=r"^func is called as func\(t, y\), with a tensor \[\] for t"):
            odeint(lambda y: -y, tensor(1.0), TIMES[:2])

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
        with pytest.raises(SolveError, match=r"event_fn .* from t = 0 to t = 2000, in 20,000 steps"):
            odeint(
                lambda t, y: torch.zeros_like(y),
                tensor(0.0),
                TIMES[:2],
                event_fn=lambda t, y: y - 2.0,
                method="euler",
                options={"step_size": 0.1},
            )

    def test_the_number_of_given_steps_to_an_event_is_limited_too(self):
        options = {"step_size": 0.1, "max_num_steps": 30}
        with pytest.raises(SolveError, match=r"from t = 0 to t = 3, in 30 steps; .*max_num_steps"):
            odeint(decay, tensor(1.0), TIMES[:2], event_fn=lambda t, y: y + 1, method="rk4", options=options)

    def test_a_search_that_fails_says_where_and_why(self):
        with pytest.raises(
            SolveError, match=r"event_fn .* to t = 1, where the solve failed. The solve stopped"
        ):
            odeint(lambda t, y: y**2, tensor(1.0), TIMES[:2], event_fn=lambda t, y: y + 1)

    def test_an_event_that_never_comes_does_not_take_long(self):
        count = [0]

        def field(t, y):
            count[0] += 1
            return -y

        with pytest.raises(
            SolveError, match=r"event_fn did not change its sign from t = 0 to t = .*, in 10,000"
        ):
            odeint(field, tensor(1.0), TIMES[:2], event_fn=lambda t, y: y + 1, method="bosh3")
        assert count[0] < 45_000

    @pytest.mark.parametrize("interface", [odeint, odeint_adjoint])
    @pytest.mark.parametrize("shape", [(), (1,), (3,)])
    def test_an_event_of_time_alone_is_differentiable_in_its_parameter(self, interface, shape):
        w, t0 = tensor(0.8, requires_grad=True), torch.tensor(0.1, dtype=F64, requires_grad=True)
        extra = {"adjoint_params": ()} if interface is odeint_adjoint else {}
        when, y = odeviz.odeint_event(
            decay,
            tensor(1.0, 2.0),
            t0,
            event_fn=lambda t, y: (t**2 - w[0]).expand(shape),
            odeint_interface=interface,
            **extra,
        )
        root = math.sqrt(0.8)
        assert float(when.detach()) == pytest.approx(root, rel=1e-9)
        got = torch.autograd.grad(when, (w, t0), retain_graph=True, allow_unused=True, materialize_grads=True)
        assert [float(g) for g in got] == pytest.approx([0.5 / root, 0.0], rel=1e-6)
        got = torch.autograd.grad(y[-1, 1], (w, t0))
        end = 2 * math.exp(0.1 - root)
        assert [float(g) for g in got] == pytest.approx([-end * 0.5 / root, end], rel=1e-5)

    def test_the_time_of_an_event_of_time_alone_has_a_gradient_of_zero_in_the_state(self):
        y0 = tensor(1.0, requires_grad=True)
        when, _ = odeviz.odeint_event(decay, y0, 0.0, event_fn=lambda t, y: t - 1)
        assert float(when.detach()) == pytest.approx(1.0)
        assert float(torch.autograd.grad(when, y0)[0]) == 0.0

    def test_the_start_may_be_a_number(self):
        when, _ = odeviz.odeint_event(decay, torch.ones(2), 0, event_fn=lambda t, y: y[0] - 0.5)
        assert when.dtype == torch.float32
        assert float(when) == pytest.approx(math.log(2), rel=1e-5)

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
