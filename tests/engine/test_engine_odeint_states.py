"""States of odeint that are unlike others: in half precision, empty, batched, inside the transforms of torch.func."""

import math

import pytest
import torch
from odeint_fields import F64, TIMES, Y0, Watched, decay, heard_by, tensor

from odeviz.engine import odeint, odeint_adjoint, odeint_dense, odeint_event, solve

HALVES = [torch.float16, torch.bfloat16]
UNIT = torch.tensor([0.0, 1.0])
TOLERANCE = {"rtol": 1e-6, "atol": 1e-6}
GIVEN = {"method": "rk4", "options": {"step_size": 0.02}}


class TestHalfPrecision:
    @pytest.mark.parametrize("dtype", HALVES)
    @pytest.mark.parametrize("method", ["dopri5", "dopri8", "rk4", "fixed_adams"])
    def test_func_gets_and_the_caller_receives_the_states_dtype(self, dtype, method):
        seen = set()

        def field(t, y):
            seen.add((t.dtype, y.dtype))
            return -y

        options = {"step_size": 0.1} if method == "rk4" else {}
        y = odeint(field, torch.ones(3, dtype=dtype), UNIT, method=method, options=options)
        assert (seen, y.dtype) == ({(dtype, dtype)}, dtype)
        assert float(y[-1, 0]) == pytest.approx(math.exp(-1), rel=4 * torch.finfo(dtype).eps)

    def test_small_steps_add_up(self):
        """In half precision itself a state of 1 would not move by steps of 1/5000."""
        y = odeint(
            lambda t, y: torch.ones_like(y),
            torch.ones(2).half(),
            UNIT,
            method="euler",
            options={"step_size": 2e-4},
        )
        assert y[-1].tolist() == [2.0, 2.0]

    @pytest.mark.parametrize("dtype", HALVES)
    @pytest.mark.parametrize("interface", [odeint, odeint_adjoint])
    def test_gradients_are_right_and_of_the_leaves_dtype(self, dtype, interface):
        def gradients(dtype):
            generator = torch.Generator().manual_seed(3)
            A, y0 = (torch.randn(s, generator=generator).bfloat16().to(dtype) for s in ((3, 3), (4, 3)))
            t = torch.tensor([0.0, 0.4, 1.0], requires_grad=True)
            A.requires_grad_()
            y0.requires_grad_()
            extra = {"adjoint_params": (A,)} if interface is odeint_adjoint else {}
            y = interface(
                lambda t, y: torch.tanh(y @ A), y0, t, method="rk4", options={"step_size": 0.1}, **extra
            )
            return torch.autograd.grad(y[-1].double().sum(), (y0, A, t))

        for got, wanted in zip(gradients(dtype), gradients(F64), strict=True):
            assert got.dtype in (dtype, torch.float32)
            rounding = torch.finfo(dtype).eps
            torch.testing.assert_close(got.to(wanted), wanted, rtol=10 * rounding, atol=10 * rounding)

    def test_events_callbacks_jumps_and_norms(self):
        rate = torch.tensor(0.7, requires_grad=True)
        y0 = torch.ones(2).half()
        when, y = odeint_event(
            lambda t, y: -rate.half() * y, y0, torch.tensor(0.0), event_fn=lambda t, y: y[0] - 0.5
        )
        assert (when.dtype, y.dtype) == (torch.float32, torch.float16)
        assert float(when.detach()) == pytest.approx(math.log(2) / 0.7, rel=3e-3)
        assert float(torch.autograd.grad(when, rate)[0]) == pytest.approx(-math.log(2) / 0.49, rel=1e-2)
        watched = Watched(decay)
        calls = heard_by(watched)
        options = {"jump_t": 0.5, "norm": lambda x: x.abs().max()}
        odeint(watched, y0, UNIT, options=options)
        assert {y.dtype for _, y, _ in calls["callback_accept_step"]} == {torch.float16}

    def test_an_events_time_is_finer_than_the_state(self):
        w = torch.tensor(0.70012, requires_grad=True)
        when, _ = odeint_event(decay, torch.ones(2).half(), 0.0, event_fn=lambda t, y: t - w)
        assert float(when.detach()) == pytest.approx(0.70012, rel=1e-6)
        assert float(torch.autograd.grad(when, w)[0]) == pytest.approx(1.0, rel=1e-3)


class TestEmptyStates:
    @pytest.mark.parametrize("method", ["dopri5", "rk4", "esdirk4"])
    def test_there_is_nothing_to_solve(self, method):
        y0 = torch.ones(0, 3, requires_grad=True)
        y = odeint(decay, y0, TIMES, method=method)
        assert (y.shape, y.requires_grad) == ((4, 0, 3), True)
        pair = odeint(lambda t, s: s, (y0, y0.detach()), TIMES, method=method)
        assert [part.shape for part in pair] == [(4, 0, 3), (4, 0, 3)]

    def test_dense_and_batched(self):
        solution = odeint_dense(decay, torch.ones(0, 3), 0.0, 1.0)
        assert (solution(0.5).shape, solution(tensor(0.1, 0.2)).shape) == ((0, 3), (2, 0, 3))
        assert odeint(decay, torch.ones(0, 3), UNIT, options={"batched": True}).shape == (2, 0, 3)


class TestBatched:
    """Rows that func treats one by one: what solve does with [batch, dim]."""

    Y0 = torch.linspace(-2, 2, 12, dtype=F64).reshape(4, 3)
    A = torch.randn(3, 3, generator=torch.Generator().manual_seed(5), dtype=F64)

    def field(self, t, y):
        return torch.sin(y @ self.A) * (1 + t) - y**3

    def widths(self, monkeypatch):
        """Sizes of the Jacobians that are made."""
        seen = set()
        lu = torch.linalg.lu_factor_ex
        monkeypatch.setattr(torch.linalg, "lu_factor_ex", lambda A: seen.add(tuple(A.shape)) or lu(A))
        return seen

    def test_is_what_solve_does(self, monkeypatch):
        wanted = solve(self.field, self.Y0, TIMES, method="esdirk4", **TOLERANCE).y
        widths = self.widths(monkeypatch)
        for batched, shape in ((True, (4, 3, 3)), (False, (1, 12, 12))):
            widths.clear()
            options = {"batched": batched}
            got = odeint(self.field, self.Y0, TIMES, method="esdirk4", options=options, **TOLERANCE)
            assert widths == {shape}
            torch.testing.assert_close(got, wanted, rtol=0, atol=0 if batched else 1e-12)

    @pytest.mark.parametrize("interface", [odeint, odeint_adjoint])
    def test_gradients_and_other_shapes(self, interface):
        def gradients(batched):
            y0 = (self.Y0[:, 0].clone().requires_grad_(), self.Y0[:, None, 1:].clone().requires_grad_())
            A, t = self.A.clone().requires_grad_(), TIMES.clone().requires_grad_()

            def field(t, s):
                y = torch.cat([s[0][:, None], s[1][:, 0]], 1)
                rate = torch.sin(y @ A) * (1 + t) - y**3
                return rate[:, 0], rate[:, None, 1:]

            extra = {"adjoint_params": (A,)} if interface is odeint_adjoint else {}
            x, z = interface(
                field, y0, t, method="esdirk4", options={"batched": batched}, **TOLERANCE, **extra
            )
            assert (x.shape, z.shape) == ((4, 4), (4, 4, 1, 2))
            return torch.autograd.grad((x**2).sum() + z[-1].sum(), (*y0, A, t))

        for got, wanted in zip(gradients(True), gradients(False), strict=True):
            torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-9)

    @pytest.mark.parametrize("method", ["dopri5", "rk4"])
    def test_changes_nothing_for_explicit_methods(self, method):
        z0 = torch.complex(self.Y0, self.Y0.flip(0)).requires_grad_()
        norm = {"norm": lambda y: y.abs().max()}
        extra = {"adjoint_params": ()}
        ends = [
            odeint_adjoint(
                lambda t, y: 1j * y * (1 + t), z0, TIMES, method=method, options={**norm, **o}, **extra
            )
            for o in ({}, {"batched": True})
        ]
        gradients = [torch.autograd.grad(y.abs().sum() + y.real.sum(), z0)[0] for y in ends]
        for one, other in (ends, gradients):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-13)

    def test_dense_output(self):
        solution = odeint_dense(
            self.field, self.Y0, 0.0, 1.5, method="esdirk4", options={"batched": True}, **TOLERANCE
        )
        wanted = odeint(self.field, self.Y0, TIMES, method="esdirk4", options={"batched": True}, **TOLERANCE)
        torch.testing.assert_close(solution(TIMES), wanted, rtol=0, atol=1e-4)


class TestTransforms:
    """torch.func through odeint; the closed form is that of dy/dt = -y^2."""

    Y = tensor(0.3, 0.8, 1.1)

    @staticmethod
    def end(y0, **how):
        return odeint(lambda t, y: -(y**2), y0, UNIT, **how)[-1]

    @staticmethod
    def closed(y0):
        return y0 / (1 + y0)

    @pytest.mark.parametrize("how", [GIVEN, {}, {**GIVEN, "method": "fixed_adams"}])
    def test_derivatives(self, how):
        first, second = (1 + self.Y) ** -2, -2 * (1 + self.Y) ** -3

        def total(y):
            return self.end(y, **how).sum()

        got = torch.func.grad(total)(self.Y)
        torch.testing.assert_close(got, first, rtol=1e-5, atol=0)
        got = torch.func.jacrev(lambda y: self.end(y, **how))(self.Y)
        torch.testing.assert_close(got, torch.diag(first), rtol=1e-5, atol=1e-9)
        got = torch.func.jacrev(torch.func.jacrev(total))(self.Y)
        torch.testing.assert_close(got, torch.diag(second), rtol=1e-4, atol=1e-9)

    def test_a_batch(self):
        y0 = self.Y[:, None] * tensor(1.0, 2.0)
        for mode in (torch.enable_grad, torch.no_grad, torch.inference_mode):
            with mode():
                got = torch.vmap(lambda y: self.end(y, **GIVEN))(y0)
            torch.testing.assert_close(got, self.closed(y0), rtol=1e-6, atol=0)
        got = torch.vmap(torch.func.grad(lambda y: self.end(y, **GIVEN).sum()))(y0)
        torch.testing.assert_close(got, (1 + y0) ** -2, rtol=1e-5, atol=0)

    def test_a_batch_of_parameters(self):
        rates = tensor(0.5, 1.0, 2.0).requires_grad_()

        def end(rate):
            return odeint(lambda t, y: -rate * y, tensor(1.0), UNIT, **GIVEN)[-1, 0]

        for mode in (torch.enable_grad, torch.no_grad):
            with mode():
                got = torch.vmap(end)(rates)
            torch.testing.assert_close(got, torch.exp(-rates), rtol=1e-6, atol=0, check_layout=False)
            assert got.requires_grad == (mode is torch.enable_grad)

    @pytest.mark.parametrize(
        ("transform", "end"),
        [
            (torch.vmap, lambda y: odeint(decay, y, UNIT)[-1]),
            (torch.vmap, lambda y: odeint(decay, y, UNIT, method="esdirk4")[-1]),
            (torch.func.grad, lambda y: odeint(decay, y, UNIT, method="esdirk4")[-1].sum()),
            (torch.func.grad, lambda y: odeint_adjoint(decay, y, UNIT, adjoint_params=())[-1].sum()),
            (torch.vmap, lambda y: odeint_adjoint(decay, y, UNIT, method="rk4", adjoint_params=())[-1]),
        ],
    )
    def test_what_cannot_be_transformed_says_what_can(self, transform, end):
        with pytest.raises(
            RuntimeError, match=r"torch.func does not reach .* use odeint with an explicit method"
        ):
            transform(end)(Y0)
