"""Flows that start elsewhere than at the standard normal, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from odeviz.models import CNF, MixtureCNF, SolverOptions, Transport
from odeviz.training.runtime import one_thread

TIGHT = SolverOptions(rtol=1e-10, atol=1e-10)
CENTRES = torch.tensor([[2.0, 0.0], [-1.0, 1.5], [0.0, -2.0]], dtype=torch.float64)


@pytest.fixture(autouse=True)
def _seeded_on_one_thread():
    with torch.random.fork_rng(devices=[]), one_thread():
        torch.manual_seed(0)
        yield


def mixture(std=0.6, **more):
    return MixtureCNF(CENTRES, std, (8, 8), solver=TIGHT, **more).double()


def reference(std=0.6):
    parts = Independent(Normal(CENTRES, torch.full_like(CENTRES, std)), 1)
    return MixtureSameFamily(Categorical(torch.ones(len(CENTRES), dtype=torch.float64)), parts)


def test_base_density_is_that_of_the_mixture():
    z = 3.0 * torch.randn(50, 2, dtype=torch.float64)
    assert torch.allclose(mixture().base_log_prob(z), reference().log_prob(z), atol=1e-12)


def test_one_centre_is_the_normal():
    z = torch.randn(20, 3, dtype=torch.float64)
    single = MixtureCNF(torch.zeros(1, 3), 1.0, (4,)).double()
    assert torch.allclose(single.base_log_prob(z), CNF(dim=3).base_log_prob(z), atol=1e-12)


def test_base_samples_are_the_mixtures():
    z = mixture().base_sample(20_000, torch.Generator().manual_seed(1))
    nearest = torch.cdist(z, CENTRES).argmin(1)
    shares = torch.bincount(nearest, minlength=3) / len(z)
    assert (shares - 1 / 3).abs().max() < 4 * math.sqrt(2 / 9 / len(z)) + 0.01  # the clouds overlap a little
    mean_surprise = -reference().log_prob(z)
    exact = -reference().log_prob(reference().sample((20_000,)))
    error = math.hypot(mean_surprise.std().item(), exact.std().item()) / math.sqrt(20_000)
    assert mean_surprise.mean().item() == pytest.approx(exact.mean().item(), abs=4 * error)


def test_log_prob_obeys_the_change_of_variables():
    cnf = mixture()
    z = torch.randn(4, 2, dtype=torch.float64)
    x = cnf.flow(z, (0.0, 1.0), TIGHT).y1.detach()
    for zi, xi in zip(z, x, strict=True):
        jacobian = torch.autograd.functional.jacobian(
            lambda at: cnf.flow(at[None], (0.0, 1.0), TIGHT).y1[0], zi
        )
        expected = reference().log_prob(zi) - torch.linalg.slogdet(jacobian)[1]
        assert torch.allclose(cnf.log_prob(xi[None])[0], expected, atol=1e-7)


def test_only_the_field_is_learnt():
    for model in (mixture(), Transport(2, (8, 8))):
        assert model.t1 == 1.0
        assert model.state_dict().keys() == {name for name, _ in model.named_parameters()}
        assert all(name.startswith("field.") for name in model.state_dict())


def test_density_moves_with_the_model_between_precisions():
    cnf = mixture()
    z = torch.randn(5, 2)
    assert torch.allclose(cnf.float().base_log_prob(z).double(), reference().log_prob(z.double()), atol=1e-5)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: MixtureCNF(CENTRES, 0.0), "std must be a positive finite number, not 0.0"),
        (lambda: MixtureCNF(CENTRES, math.nan), "std must be a positive finite number, not nan"),
        (lambda: MixtureCNF(CENTRES[0], 1.0), r"centres must be \[m, dim\], at least one, not \[2\]"),
        (lambda: MixtureCNF(CENTRES[:0], 1.0), r"centres must be \[m, dim\], at least one, not \[0, 2\]"),
        (lambda: Transport(0), "dim must be at least 1, not 0"),
    ],
)
def test_wrong_arguments_are_named(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
