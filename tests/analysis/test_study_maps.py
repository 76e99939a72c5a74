"""A study's field, probe, density and decision against closed forms."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.special import expit
from scipy.stats import multivariate_normal
from studies import (
    ROTATION,
    SADDLE,
    SQUARE,
    TIGHT,
    Cubic,
    classifier_study,
    flow_study,
    trained_study,
)

from odeviz.analysis import SolverChoice, Study
from odeviz.analysis.results import Extent
from odeviz.models import CNF, ODENet
from odeviz.tasks import Experiment

# --- field and probe


def test_field_is_that_of_the_model_on_the_grid() -> None:
    field = flow_study(SADDLE, b=(0.1, -0.2)).field(Extent(-1, 1, -2, 2, equal=False), n=5, times=3)
    assert field is not None
    np.testing.assert_allclose(field.x, [-1, -0.5, 0, 0.5, 1])
    np.testing.assert_allclose(field.y, [-2, -1, 0, 1, 2])
    np.testing.assert_allclose(field.t, [0, 0.5, 1])
    exact = np.stack(np.meshgrid(field.x, field.y), axis=-1) @ SADDLE.T + [0.1, -0.2]
    for velocity in field.velocity:
        np.testing.assert_allclose(velocity, exact, atol=1e-6)


def test_cells_are_square_where_units_are_equal_and_about_as_many() -> None:
    wide = flow_study(SADDLE).density(0.5, Extent(-4.0, 4.0, -1.0, 1.0), 20, TIGHT)
    assert wide is not None
    assert wide.log_density.shape == (10, 40)
    field = flow_study(SADDLE).field(Extent(-4.0, 4.0, -1.0, 1.0), n=10, times=2)
    assert field is not None
    assert field.velocity.shape == (2, 5, 20, 2)


def test_field_changes_with_time() -> None:
    study = trained_study()
    field = study.field(SQUARE, n=4, times=3)
    assert field is not None
    probe = study.probe((field.x[1], field.y[2]), 0.5)
    assert probe is not None
    np.testing.assert_allclose(field.velocity[1, 2, 1], probe.velocity, rtol=1e-5)
    assert np.abs(field.velocity[0] - field.velocity[2]).max() > 1e-3


def test_probe_of_a_linear_flow() -> None:
    probe = flow_study(SADDLE).probe((0.5, -1.0), 0.8)
    assert probe is not None
    np.testing.assert_allclose(probe.velocity, SADDLE @ [0.5, -1.0], rtol=1e-6)
    assert probe.speed == pytest.approx(np.linalg.norm(SADDLE @ [0.5, -1.0]))
    assert probe.divergence == pytest.approx(np.trace(SADDLE), abs=1e-6)
    assert probe.log_density == pytest.approx(pushed_gaussian(SADDLE, 0.8).logpdf([0.5, -1.0]), abs=1e-4)


def test_probe_of_a_classifier_has_no_density() -> None:
    probe = classifier_study(ROTATION, np.eye(2)).probe((1.0, 0.0), 0.0)
    assert probe is not None
    assert math.isnan(probe.log_density)
    np.testing.assert_allclose(probe.velocity, [0.0, 2.0], atol=1e-6)


# --- density


def pushed_gaussian(A: np.ndarray, t: float, b: tuple[float, float] = (0.0, 0.0)) -> Any:
    """The law of z(t) for z' = A z + b from N(0, I): mean A^-1 (e^At - I) b, covariance e^At e^At^T."""
    push = expm(A * t)
    mean = np.linalg.solve(A, (push - np.eye(2)) @ b) if np.any(b) else np.zeros(2)
    return multivariate_normal(mean, push @ push.T)


@pytest.mark.parametrize("t", [0.0, 0.4, 1.0])
def test_density_is_the_gaussian_pushed_by_the_flow(t: float) -> None:
    density = flow_study(SADDLE, b=(0.5, -0.25)).density(t, SQUARE, 24, SolverChoice("dopri5", 1e-6, 1e-6))
    assert density is not None
    centres = np.linspace(-6, 6, 49)[1::2]
    exact = pushed_gaussian(SADDLE, t, (0.5, -0.25)).logpdf(np.stack(np.meshgrid(centres, centres), axis=-1))
    np.testing.assert_allclose(density.log_density, exact, atol=2e-3)
    assert density.iteration == 7


def test_mass_is_one_and_only_what_lies_inside() -> None:
    study = flow_study(ROTATION)
    whole = study.density(0.5, SQUARE, 48, TIGHT)
    half = study.density(0.5, Extent(0.0, 6.0, -6.0, 6.0), 48, TIGHT)
    assert whole is not None
    assert half is not None
    assert whole.mass == pytest.approx(1.0, abs=1e-3)
    assert half.mass == pytest.approx(0.5, abs=1e-3)


def test_mass_of_a_curved_flow_is_one() -> None:
    density = trained_study().density(1.0, Extent(-9, 9, -9, 9), 96, TIGHT)
    assert density is not None
    assert density.mass == pytest.approx(1.0, abs=0.01)


def test_maps_solved_in_blocks_equal_one_solve(monkeypatch: pytest.MonkeyPatch) -> None:
    choice = SolverChoice("dopri5", 1e-3, 1e-3)
    blocks = trained_study().density(1.0, Extent(-3, 3, -3, 3), 50, choice)
    monkeypatch.setattr("odeviz.analysis.mapping._BLOCK", 10_000)
    one = trained_study().density(1.0, Extent(-3, 3, -3, 3), 50, choice)
    assert blocks is not None
    assert one is not None
    assert 50 * 50 > 2048
    np.testing.assert_allclose(blocks.log_density, one.log_density, atol=1e-3)


def test_first_row_of_a_map_is_the_lowest() -> None:
    density = flow_study(np.zeros((2, 2)), b=(0.0, 2.0)).density(1.0, SQUARE, 12, TIGHT)
    assert density is not None
    best = np.unravel_index(density.log_density.argmax(), (12, 12))
    assert best[0] in (7, 8)  # y = 1.5 and 2.5
    assert best[1] in (5, 6)


def test_density_of_a_failed_solve_is_nan_and_says_why() -> None:
    density = flow_study(np.diag([-80.0, -80.0]), t1=4.0).density(
        4.0, SQUARE, 4, SolverChoice("rk4", steps=400)
    )
    assert density is not None
    assert density.status == "non_finite"
    assert density.message
    assert np.isnan(density.log_density).all()
    assert math.isnan(density.mass)


@pytest.mark.parametrize("method", ["dopri5", "esdirk4"])
def test_what_a_density_can_reach_is_known_although_its_edges_cannot_be(method: str) -> None:
    study = Study.of(CNF(2, field=Cubic(), learn_t1=False), Experiment(task="density"))
    density = study.density(1.0, Extent(-1.0, 1.0, -1.0, 1.0), 14, SolverChoice(method, 1e-6, 1e-6))
    assert density is not None
    z = np.stack(np.meshgrid(*2 * [np.linspace(-1, 1, 29)[1::2]]), axis=-1)
    reached = (np.abs(z) < math.sqrt(0.5)).all(axis=-1)
    np.testing.assert_array_equal(density.unreached, ~reached)
    back = 1 - 2 * z[reached] ** 2
    exact = multivariate_normal(np.zeros(2)).logpdf(z[reached] / np.sqrt(back)) - 1.5 * np.log(back).sum(
        axis=1
    )
    np.testing.assert_allclose(density.log_density[reached], exact, atol=2e-3)
    assert density.mass == pytest.approx(np.exp(exact).sum() / 7**2, rel=1e-2)
    assert density.status == "step_too_small"
    assert density.message.startswith(f"{100 - 100 * reached.mean():.0f} % of the view was not reached.")


def test_a_decision_is_told_wherever_its_flow_arrives() -> None:
    model = ODENet(2, 2)
    model.field = Cubic()
    model.field.rate.data.neg_()
    decision = Study.of(model, Experiment(task="classification")).decision(
        0.0, Extent(-1, 1, -1, 1), 14, TIGHT
    )
    assert decision is not None
    reached = np.abs(np.linspace(-1, 1, 29)[1::2]) < math.sqrt(0.5)
    np.testing.assert_array_equal(decision.unreached, ~(reached[:, None] & reached))
    np.testing.assert_allclose(decision.probability[:, reached][..., reached].sum(axis=0), 1.0, rtol=1e-5)


def test_each_model_answers_only_its_own_question() -> None:
    with pytest.raises(ValueError, match="only a normalizing flow has a density"):
        classifier_study(ROTATION, np.eye(2)).density(1.0, SQUARE, 4, TIGHT)
    with pytest.raises(ValueError, match="this model is none"):
        flow_study(ROTATION).decision(0.0, SQUARE, 4, TIGHT)


# --- decision


@pytest.mark.parametrize("t", [0.0, 0.3, 1.0])
def test_decision_is_the_readout_of_the_state_carried_on(t: float) -> None:
    readout = np.array([[1.0, 0.5], [-1.0, 0.2], [0.0, -1.0]])
    decision = classifier_study(ROTATION, readout).decision(t, SQUARE, 6, TIGHT)
    assert decision is not None
    assert decision.probability.shape == (3, 6, 6)
    centres = np.arange(-5, 6, 2.0)
    states = np.stack(np.meshgrid(centres, centres), axis=-1) @ expm(ROTATION * (1 - t)).T
    scores = np.exp(states @ readout.T)
    exact = np.moveaxis(scores / scores.sum(axis=-1, keepdims=True), -1, 0)
    np.testing.assert_allclose(decision.probability, exact, atol=1e-4)


def test_a_finer_decision_is_solved_for_beside_its_boundary_and_of_the_right_class_elsewhere() -> None:
    readout = np.array([[40.0, 20.0], [-40.0, -20.0]])
    study = classifier_study(ROTATION, readout)
    decision = study.decision(0.3, SQUARE, 12, TIGHT, finer=True)
    assert decision is not None
    assert decision.probability.shape == (2, 24, 24)
    centres = np.linspace(-6, 6, 49)[1::2]
    lead = (
        np.stack(np.meshgrid(centres, centres), axis=-1) @ expm(ROTATION * 0.7).T @ (readout[0] - readout[1])
    )
    far = np.abs(lead) / np.linalg.norm(readout[0] - readout[1])
    np.testing.assert_array_equal(decision.probability[0] > 0.5, lead > 0)
    beside = far < 0.5
    assert beside.any()
    np.testing.assert_allclose(decision.probability[0][beside], expit(lead[beside]), atol=1e-3)
    coarse = study.decision(0.3, SQUARE, 12, TIGHT)
    assert coarse is not None
    assert coarse.probability.shape == (2, 12, 12)
