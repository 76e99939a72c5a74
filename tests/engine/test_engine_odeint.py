"""odeint and odeint_adjoint: shapes, times, gradients, tolerances and norms, against closed forms."""

import math
import warnings

import pytest
import torch
from odeint_fields import F64, GIVEN, TIMES, Y0, Field, Pair, decay, swing, tensor

from odeviz.engine import METHODS, odeint, odeint_adjoint

SHAPES = [(), (1,), (3,), (2, 3), (2, 1, 3)]
CONTROLLED = ["dopri5", "dopri8", "bosh3", "adaptive_heun", "fehlberg2", "tsit5"]


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
            lambda y0, t: odeint(field, y0, t, method=method, **steps),
            (y0, t),
            rtol=1e-4,
            atol=1e-6,
            fast_mode=True,
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


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_the_engine_serves(method):
    y = odeint(decay, tensor(1.0, 2.0), torch.linspace(0, 0.1, 101, dtype=F64), method=method)
    assert float((y[-1] - math.exp(-0.1) * tensor(1.0, 2.0)).abs().max()) < 1e-3


def test_no_warning_comes_from_plain_use():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        field = Field()
        odeint_adjoint(field, Y0, TIMES, method="dopri8").sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in field.parameters())
