"""Normalizing flows, continuous and planar: change of variables, inverses, mass, noise and regularisers."""

from __future__ import annotations

import math

import pytest
import torch

from odeviz.fields import PlanarField
from odeviz.models import CNF, PlanarNF, SolverOptions

TIGHT = SolverOptions(method="dopri5", rtol=1e-9, atol=1e-9)


def nf(layers: int = 4, scale: float = 3.0) -> PlanarNF:
    torch.manual_seed(0)
    model = PlanarNF(2, layers).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(scale)
    return model


def cnf(**more) -> CNF:
    torch.manual_seed(0)
    return CNF(hidden=(8, 8), t1=1.3, solver=TIGHT, **more).double()


def points(n: int, seed: int = 0):
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def mass(model, t: float, half: float = 12.0, n: int = 160) -> float:
    axis = -half + 2 * half / n * (torch.arange(n, dtype=torch.float64) + 0.5)
    with torch.no_grad():
        density = model.log_prob_at(torch.cartesian_prod(axis, axis), t).exp()
    return density.sum().item() * (2 * half / n) ** 2


def test_planar_layers_are_the_papers_and_stay_invertible():
    model = nf(6)
    out, field = model.field.out_kept(), model.field
    along, learnt = (out * field.weight).sum(1), (field.out * field.weight).sum(1)
    assert torch.allclose(along, torch.log1p(learnt.exp()) - 1)
    assert (along > -1).all()
    x, _ = model.carry(points(5))
    expected = points(5)
    for k in range(6):
        expected = expected + out[k] * torch.tanh(expected @ field.weight[k] + field.bias[k])[:, None]
    assert torch.allclose(x, expected)


def test_planar_density_obeys_the_change_of_variables():
    model, z = nf(), points(6)
    x, log_prob = model.carry(z)
    for zi, xi, given in zip(z, x, log_prob, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda y: model.carry(y[None])[0][0], zi)
        expected = model.base_log_prob(zi[None]) - torch.linalg.slogdet(jacobian)[1]
        assert given.item() == pytest.approx(expected.item(), abs=1e-10)
        assert model.log_prob_at(xi[None], model.t1).item() == pytest.approx(expected.item(), abs=1e-9)


@pytest.mark.parametrize("t", [0.0, 0.4, 2.0, 3.7, 4.0])
def test_planar_density_has_mass_one_at_every_time(t):
    assert mass(nf(scale=1.5), t) == pytest.approx(1.0, abs=2e-4)


@pytest.mark.parametrize(
    ("start", "end"), [(0.0, 4.0), (0.3, 3.6), (3.0, 1.0), (2.5, 2.1), (1.2, 1.9), (4.0, 0.0)]
)
def test_planar_flow_returns_to_where_it_came_from(start, end):
    model, z = nf(), points(50)
    there = model.flow(z, (start, end)).y1
    assert torch.allclose(model.flow(there, (end, start)).y1, z, atol=1e-9)


def test_planar_flow_is_the_layers_at_whole_times_and_straight_between():
    model, z = nf(), points(9)
    solution = model.flow(z, (0.0, 0.25, 1.0, 2.5, 4.0))
    assert torch.allclose(solution.y1, model.carry(z)[0])
    assert torch.allclose(solution.y[1], z + 0.25 * (solution.y[2] - z))
    assert solution.stats.nfe_forward == 4
    assert [step.t for step in solution.stats.steps] == [0.0, 1.0, 2.0, 3.0]
    # The velocity is that of the straight piece, wherever on it a point is.
    velocity = model.field(0.25, solution.y[1])
    assert torch.allclose(velocity, solution.y[2] - z, atol=1e-10)


def test_planar_density_follows_the_divergence_of_its_field():
    """d log q / dt = -tr df/dz along a path, by automatic differentiation through the inverse."""
    model, z, t, step = nf(), points(4), 1.4, 1e-5
    path = model.flow(z, (0.0, t - step, t, t + step)).y[1:]
    slope = (model.log_prob_at(path[2], t + step) - model.log_prob_at(path[0], t - step)) / (2 * step)
    jacobian = torch.autograd.functional.jacobian(lambda y: model.field(t, y).sum(0), path[1]).transpose(0, 1)
    assert torch.allclose(slope, -jacobian.diagonal(dim1=1, dim2=2).sum(1), atol=1e-6)


@pytest.mark.parametrize("model", [nf(3), cnf(), CNF(field=PlanarField(2, 6), solver=TIGHT).double()])
def test_carried_density_is_that_of_the_pull_back(model):
    x, log_prob = model.carry(points(8))
    assert torch.allclose(model.log_prob_at(x, model.t1), log_prob, atol=1e-7)


def test_carried_samples_give_the_end_time_its_gradient():
    model, z = cnf(), points(6)

    def loss():
        x, log_prob = model.carry(z)
        return (log_prob + 0.5 * (x**2).sum(1)).mean()

    loss().backward()
    learnt, step = model.log_t1.item(), 1e-4
    values = []
    for change in (step, -step):
        with torch.no_grad():
            model.log_t1.fill_(learnt + change)
            values.append(loss().item())
    assert model.log_t1.grad.item() == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-5)


def test_noisy_log_density_has_the_exact_one_as_its_mean():
    model, draws = cnf(), 4000
    with torch.no_grad():
        for parameter in model.field.parameters():
            parameter.mul_(2.0)
    x = points(1).expand(draws, -1)
    noise = torch.randn(draws, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64).sign()
    with torch.no_grad():
        estimates, exact = model.log_prob(x, noise=noise), model.log_prob(x[:1]).item()
    error = estimates.std().item() / math.sqrt(draws)
    assert estimates.mean().item() == pytest.approx(exact, abs=4 * error)
    assert error > 1e-4


@pytest.mark.parametrize("learn_t1", [False, True])
def test_regularisers_are_the_integrals_along_the_path(learn_t1):
    model, x = cnf(learn_t1=learn_t1), points(5)
    log_prob, kinetic, jacobian = model.regularized_log_prob(x)
    assert torch.allclose(log_prob, model.log_prob(x), atol=1e-7)
    nodes = 100
    times = [model.t1 * (k + 0.5) / nodes for k in range(nodes)]
    path = model.flow(x, (model.t1, *times[::-1])).y[1:].flip(0)
    energy, norm = torch.zeros(5, dtype=torch.float64), torch.zeros(5, dtype=torch.float64)
    for t, z in zip(times, path, strict=True):
        J = torch.autograd.functional.jacobian(lambda y, t=t: model.field(t, y).sum(0), z).transpose(0, 1)
        energy += model.field(t, z).square().sum(1)
        norm += J.square().sum((1, 2))
    # Over s = t / t1, where the field is t1 f: t1 times the integral over t.
    scale = model.t1 * model.t1 / nodes
    assert torch.allclose(kinetic, scale * energy, rtol=1e-3)
    assert torch.allclose(jacobian, scale * norm, rtol=1e-3)


@pytest.mark.parametrize("learn_t1", [False, True])
def test_stretched_end_time_is_that_of_a_longer_flow(learn_t1):
    model, x = cnf(learn_t1=learn_t1), points(5)
    assert torch.allclose(model.log_prob(x, stretch=1.2), model.log_prob_at(x, 1.2 * model.t1), atol=1e-7)
    assert torch.allclose(
        model.regularized_log_prob(x, stretch=1.2).log_prob, model.log_prob(x, stretch=1.2), atol=1e-7
    )


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="field must have dim 2, not 3"):
        CNF(2, field=PlanarField(3, 4))
    with pytest.raises(ValueError, match="layers must be at least 1, not 0"):
        PlanarNF(2, 0)
    with pytest.raises(ValueError, match="no dense output"):
        nf().flow(points(2), (0.0, 1.0), dense=True)


def test_the_field_of_planar_layers_takes_no_states_at_all():
    assert nf().field(0.5, points(0)).shape == (0, 2)
