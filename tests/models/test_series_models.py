"""Latent ODE and its recurrent baseline: closed forms, missing values, and gradients in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.stats import multivariate_normal

from odeviz.models import LatentODE, SeriesRNN, SolverOptions
from odeviz.models.series import Normal, Observations, backwards, surprise

NAN = math.nan
TIGHT = SolverOptions(rtol=1e-10, atol=1e-10)


def observations(n=3, rows=5, channels=2, seed=0):
    rng = np.random.default_rng(seed)
    t = np.sort(rng.uniform(0, 1, (n, rows)), axis=1)
    y = rng.normal(size=(n, rows, channels))
    return torch.tensor(t), torch.tensor(y)


def of(t, y, rows=None):
    return Observations.of(t, y, torch.full((len(t),), t.shape[1]) if rows is None else torch.tensor(rows))


def models():
    torch.manual_seed(0)
    ode = LatentODE(2, 3, (7,), encoder=6, decoder=5, t1=2.0, solver=TIGHT).double()
    return ode, SeriesRNN(2, 6, steps=10, t1=1.0).double()


# Likelihood and KL.


def test_kl_of_normals_is_the_closed_form_of_torch():
    torch.manual_seed(0)
    mean, log_var, other = (torch.randn(6, 4, dtype=torch.float64) for _ in range(3))
    belief = Normal(mean, log_var)
    normal = torch.distributions.Normal
    here = normal(mean, (0.5 * log_var).exp())
    for centre, std in ((torch.zeros_like(mean), 1.0), (other, 0.3)):
        wanted = torch.distributions.kl_divergence(here, normal(centre, std)).sum(1)
        assert torch.allclose(belief.kl(centre, std), wanted, rtol=1e-12)


def test_surprise_is_the_normal_density_of_what_was_seen():
    t, y = observations()
    y[0, 1, 0] = NAN
    said = torch.randn_like(y)
    density = torch.distributions.Normal(said, 0.4).log_prob(torch.nan_to_num(y))
    seen = torch.isfinite(y)
    seen[2, 3:] = False
    wanted = -(density * seen).sum((1, 2))
    assert torch.allclose(surprise(said, of(t, y, [5, 5, 3]), 0.4), wanted, rtol=1e-12)


def test_elbo_of_a_linear_model_is_the_evidence_where_the_belief_is_the_posterior():
    """z0 ~ N(0, I), z' = A z, y = C z + noise: log p(y) = E_q[log p(y | z0)] - KL(q || prior) for the posterior q."""
    rng = np.random.default_rng(1)
    a, c, sigma, times = rng.normal(size=(2, 2)), rng.normal(size=(1, 2)), 0.5, (0.3, 0.7, 1.1)
    through = np.vstack([c @ solve_matrix(a, t) for t in times])
    y = rng.normal(size=3)
    evidence = multivariate_normal(np.zeros(3), through @ through.T + sigma**2 * np.eye(3)).logpdf(y)
    precision = np.eye(2) + through.T @ through / sigma**2
    # Beliefs of the model have independent dimensions: turn the state so that the posterior's are.
    variances, turn = np.linalg.eigh(np.linalg.inv(precision))
    through = through @ turn
    mean = np.linalg.solve(np.eye(2) + through.T @ through / sigma**2, through.T @ y / sigma**2)
    belief = Normal(torch.tensor(mean)[None], torch.tensor(np.log(variances))[None])
    observed = of(torch.tensor([times]), torch.tensor(y)[None, :, None])
    # The likelihood is quadratic in z0: Gauss-Hermite quadrature of 3 nodes a dimension is exact.
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    expected = 0.0
    for i in range(3):
        for j in range(3):
            z0 = belief.sample(torch.tensor([[nodes[i], nodes[j]]]))
            said = (z0 @ torch.tensor(through).T)[:, :, None]
            expected += weights[i] * weights[j] / weights.sum() ** 2 * surprise(said, observed, sigma).item()
    assert -(expected + belief.kl().item()) == pytest.approx(evidence, abs=1e-10)


def solve_matrix(a, t):
    columns = [
        solve_ivp(lambda _, z: a @ z, (0, t), e, rtol=1e-12, atol=1e-12).y[:, -1] for e in np.eye(len(a))
    ]
    return np.array(columns).T


# What was not seen counts for nothing.


@pytest.mark.parametrize("kind", [0, 1])
def test_values_that_are_missing_count_for_nothing(kind):
    model = models()[kind]
    t, y = observations()
    y[1, 2, 0] = NAN
    state = model.state_of(of(t, y))
    assert torch.isfinite(state).all()
    full = of(t, y)
    changed = Observations(full.t, torch.where(full.seen > 0, full.y, 0.0), full.seen, full.rows)
    assert torch.equal(model.state_of(changed), state)
    y[1, 2, 0] = 0.0
    assert not torch.equal(model.state_of(of(t, y))[1], state[1])


@pytest.mark.parametrize("kind", [0, 1])
def test_padding_counts_for_nothing(kind):
    model = models()[kind]
    t, y = observations(rows=4)
    wide_t = torch.cat([t, t[:, -1:].expand(-1, 3)], dim=1)
    wide_y = torch.cat([y, torch.full((3, 3, 2), NAN, dtype=y.dtype)], dim=1)
    alone, padded = of(t, y), of(wide_t, wide_y, [4, 4, 4])
    assert torch.allclose(model.state_of(alone), model.state_of(padded), rtol=0, atol=1e-14)
    if kind:
        later = torch.tensor([[1.2, 1.5]] * 3, dtype=t.dtype)
        assert torch.allclose(model.extrapolate(alone, later), model.extrapolate(padded, later), atol=1e-14)
    else:
        row = torch.tensor([1, 2, 3])
        for a, b in zip(model.encode_twice(alone, row), model.encode_twice(padded, row), strict=True):
            assert torch.allclose(a.mean, b.mean, rtol=0, atol=1e-14)


def test_series_of_unequal_length_are_turned_about():
    values = torch.arange(8.0).reshape(2, 4)
    assert backwards(values, torch.tensor([4, 2])).tolist() == [[3, 2, 1, 0], [5, 4, 4, 4]]


# The latent ODE.


def test_the_belief_about_a_later_state_is_that_of_the_series_cut_there():
    model = models()[0]
    t, y = observations()
    whole, later = model.encode_twice(of(t, y), torch.full((3,), 2))
    cut = model.encode(of(t[:, 2:] - t[:, 2:3], y[:, 2:]))
    assert torch.allclose(later.mean, cut.mean, rtol=0, atol=1e-13)
    assert torch.allclose(later.log_var, cut.log_var, rtol=0, atol=1e-13)
    assert torch.equal(whole.mean, model.encode(of(t, y)).mean)


def test_the_belief_knows_when_the_first_value_was_seen():
    model = models()[0]
    t, y = observations()
    assert not torch.allclose(model.encode(of(t, y)).mean, model.encode(of(t + 0.5, y)).mean)


def test_gradients_of_the_bound_are_those_of_automatic_differentiation():
    model = models()[0]
    t, y = observations()
    y[0, 3, 1] = NAN
    observed, noise = of(t, y), torch.randn(3, 3, dtype=torch.float64)
    times = [0.0, *sorted(t.flatten().tolist())]
    place = torch.searchsorted(torch.tensor(times, dtype=t.dtype), t)

    def bound(adjoint):
        solver = SolverOptions(method="rk4", steps=8, adjoint=adjoint)
        first, later = model.encode_twice(observed, torch.tensor([1, 2, 3]))
        path = model.flow(first.sample(noise), times, solver).y.transpose(0, 1)
        states = path.gather(1, place[:, :, None].expand(-1, -1, 3))
        tie = later.kl(observed.at_row(states, torch.tensor([1, 2, 3])), 0.1)
        return (surprise(model.decode(states), observed, 0.3) + first.kl() + tie).sum()

    parameters = list(model.parameters())
    ours = torch.autograd.grad(bound("discrete"), parameters)
    theirs = torch.autograd.grad(bound("backprop"), parameters)
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.allclose(mine, other, rtol=1e-9, atol=1e-9)


# The recurrent net.


def test_reading_on_is_its_flow_where_gaps_are_equal():
    model = models()[1]
    t, y = observations()
    observed = of(t, y)
    times = t[:, -1:] + 0.1 * torch.arange(1, 6, dtype=t.dtype)
    wanted = model.extrapolate(observed, times)
    start = model.state_of(observed)
    path = model.flow(start, [0.1 * k for k in range(5)]).y
    assert torch.allclose(model.decode(path).transpose(0, 1), wanted, rtol=0, atol=1e-12)


def test_the_first_prediction_beyond_is_that_of_the_next_row():
    model = models()[1]
    t, y = observations()
    nexts = model.predict_next(of(t, y))
    for row in range(1, 5):
        beyond = model.extrapolate(of(t[:, :row], y[:, :row]), t[:, row : row + 1])
        assert torch.allclose(beyond[:, 0], nexts[:, row - 1], rtol=0, atol=1e-14)


def test_chains_are_woven_into_each_other():
    model = models()[1]
    t, y = observations()
    times = t[:, -1:] + torch.tensor([0.1, 0.15, 0.3, 0.5, 0.55], dtype=t.dtype)
    woven = model.extrapolate(of(t, y), times, stride=2)
    assert torch.equal(woven[:, ::2], model.extrapolate(of(t, y), times[:, ::2]))
    assert torch.equal(woven[:, 1::2], model.extrapolate(of(t, y), times[:, 1::2]))


def test_training_a_recurrent_net_solves_nothing():
    model = models()[1]
    t, y = observations()
    model.predict_next(of(t, y)).sum().backward()
    assert model.last_solution is None
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LatentODE(channels=0), "channels must be at least 1, not 0"),
        (lambda: LatentODE(encoder=0), "encoder must be at least 1, not 0"),
        (lambda: LatentODE(t1=-1.0), "t1 must be a positive finite number"),
        (lambda: SeriesRNN(units=0), "units must be at least 1, not 0"),
        (lambda: SeriesRNN(steps=0), "steps must be at least 1, not 0"),
    ],
)
def test_wrong_arguments_are_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()
