"""The rate of a Poisson process against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from odeviz.models import PoissonODE, SolverOptions
from odeviz.training.runtime import one_thread

TIGHT = SolverOptions(rtol=1e-10, atol=1e-10)


@pytest.fixture(autouse=True)
def _seeded_on_one_thread():
    with torch.random.fork_rng(devices=[]), one_thread():
        torch.manual_seed(0)
        yield


def drifting(link="exp", **more):
    """z(t) = (t, 0) from 0, read as w = 0.3."""
    model = PoissonODE(2, (4,), link=link, solver=TIGHT, **more).double()
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
        model.field.layers[-1].bias[0] = 1.0
        model.readout.weight[0, 0] = 0.3
    return model


def test_path_and_integral_of_a_drift():
    model = drifting(mean=2.0, t1=5.0)
    times = [0.0, 0.7, 2.5, 5.0]
    z, integral = model.path(times)
    assert torch.allclose(z[:, 0], torch.tensor(times, dtype=torch.float64), atol=1e-9)
    expected = [2.0 * math.expm1(0.3 * t) / 0.3 for t in times]
    assert integral.tolist() == pytest.approx(expected, abs=1e-8)
    assert model.rate(z).tolist() == pytest.approx([2.0 * math.exp(0.3 * t) for t in times])
    assert model.log_rate(z).tolist() == pytest.approx([math.log(2.0) + 0.3 * t for t in times])


def test_softplus_rate_is_about_its_mean_at_first():
    model = PoissonODE(3, (8,), mean=40.0)
    with torch.no_grad():
        model.readout.weight.zero_()
    z = torch.randn(6, 3)
    assert model.rate(z).tolist() == pytest.approx([40.0] * 6, rel=1e-6)
    assert model.log_rate(z).exp().tolist() == pytest.approx([40.0] * 6, rel=1e-5)


def test_log_of_a_rate_of_zero_is_finite():
    model = PoissonODE(2, (4,))
    with torch.no_grad():
        model.readout.bias.fill_(-200.0)
    assert torch.isfinite(model.log_rate(torch.zeros(1, 2))).all()


def test_gradient_of_the_likelihood_is_that_of_finite_differences():
    model = PoissonODE(2, (6, 6), solver=TIGHT, t1=2.0).double()
    times = [0.0, 0.3, 0.9, 1.4, 2.0]

    def surprise():
        z, integral = model.path(times)
        return integral[-1] - model.log_rate(z[1:-1]).sum()

    surprise().backward()
    for name, p in model.named_parameters():
        flat, step = p.data.view(-1), 1e-5
        index = flat.numel() // 2
        value, ends = flat[index].item(), []
        for sign in (1, -1):
            flat[index] = value + sign * step
            with torch.no_grad():
                ends.append(surprise().item())
        flat[index] = value
        slope = (ends[0] - ends[1]) / (2 * step)
        assert p.grad.view(-1)[index].item() == pytest.approx(slope, rel=1e-4, abs=1e-7), name


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"mean": 0.0}, "mean must be a positive finite number, not 0.0"),
        ({"mean": math.inf}, "mean must be a positive finite number, not inf"),
        ({"t1": -1.0}, "t1 must be a positive finite number, not -1.0"),
        ({"link": "log"}, "link must be one of softplus, exp, not 'log'"),
    ],
)
def test_wrong_arguments_are_named(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        PoissonODE(**arguments)
