"""odeint and its kin beside torchdiffeq's, where that is installed."""

import pytest
import torch
from odeint_fields import F64, TIMES, Y0, Ball, Field, Pair, Watched, decay, heard_by, tensor

import odeviz


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
            calls = heard_by(watched)
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
