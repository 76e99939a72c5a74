"""What is learnt: batches, losses and figures against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from odeviz.tasks import Experiment
from odeviz.tasks.learning import build_model, task_for
from odeviz.tasks.registry import task_of
from odeviz.training.runtime import one_thread

CLASSIFIER = Experiment().with_setting("field.width", 8)
DENSITY = Experiment().with_settings({"task": "density", "field.width": 8, "solver.learn_t1": True})


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def still(model):
    """The model with a field that is zero everywhere: its flow is the identity."""
    with torch.no_grad():
        for p in model.field.parameters():
            p.zero_()
    return model


def test_first_weights_are_fixed_by_the_seed_alone():
    torch.manual_seed(1)
    first = build_model(CLASSIFIER)
    torch.manual_seed(2)
    again, other = build_model(CLASSIFIER), build_model(CLASSIFIER.with_setting("seed", 1))
    pairs = list(zip(first.parameters(), again.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(next(first.parameters()), next(other.parameters()))


def test_model_is_the_one_the_experiment_describes():
    changes = {"field.extra_dims": 3, "field.depth": 1, "solver.t1": 2.0, "dtype": "float64"}
    model = build_model(CLASSIFIER.with_settings(changes))
    assert model.t1 == 2.0
    assert model.lift(torch.zeros(4, 2, dtype=torch.float64)).shape == (4, 5)
    assert {p.dtype for p in model.parameters()} == {torch.float64}
    assert max(max(p.shape) for p in model.parameters()) == 8


def test_classification_draws_from_a_fixed_set_without_repeats():
    task = task_for(CLASSIFIER.with_settings({"data.samples": 64, "training.batch": 48}))
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(20):
        x, labels = task.batch(rng, 0.0)
        assert x.shape == (48, 2)
        assert x.dtype == torch.float32
        assert labels.shape == (48,)
        rows = {tuple(row) for row in x.tolist()}
        assert len(rows) == 48
        seen |= rows
    assert len(seen) == 64


def test_batch_larger_than_the_set_is_the_set():
    task = task_for(CLASSIFIER.with_settings({"data.samples": 32, "training.batch": 256}))
    assert task.batch(np.random.default_rng(0), 0.0)[0].shape == (32, 2)


def test_density_draws_fresh_points():
    task = task_for(DENSITY.with_setting("training.batch", 16))
    rng = np.random.default_rng(0)
    assert not torch.equal(task.batch(rng, 0.0).x, task.batch(rng, 0.0).x)


def test_density_loss_of_a_still_flow_is_that_of_the_normal():
    task, model = task_for(DENSITY), still(build_model(DENSITY))
    batch = task.batch(np.random.default_rng(0), 0.0)
    expected = 0.5 * batch.x.square().sum(1).mean() + math.log(2 * math.pi)
    assert task.loss(model, batch).item() == pytest.approx(expected.item(), rel=1e-6)


def test_density_figures_of_a_still_flow_are_those_of_the_normal():
    figures = task_for(DENSITY).metrics(still(build_model(DENSITY)), full=True)
    # E|x|^2 over the moons: quadrature of the arcs, plus twice the variance .04 of the noise.
    angle = np.pi * (np.arange(1000) + 0.5) / 1000
    upper = np.stack([np.cos(angle), np.sin(angle)], 1)
    arcs = 2 * np.concatenate([upper, np.array([1.0, 0.5]) - upper]) + np.array([-1.0, -0.2])
    expected = 0.5 * ((arcs**2).sum(1).mean() + 2 * 0.04) + math.log(2 * math.pi)
    assert figures["nll"] == pytest.approx(expected, abs=4 * figures["nll_se"])
    assert 0.005 < figures["nll_se"] < 0.05
    assert figures["mass"] == pytest.approx(1.0, abs=1e-6)
    assert figures["entropy"] == pytest.approx(2.394, abs=0.001)


def test_accuracy_counts_right_answers_on_fresh_points():
    task, model = task_for(CLASSIFIER), still(build_model(CLASSIFIER))
    with torch.no_grad():  # class 1 wherever y < 0: the moons' centres of mass
        model.readout.weight.copy_(torch.tensor([[0.0, 1.0], [0.0, -1.0]]))
        model.readout.bias.zero_()
    # A half circle of radius 2 whose points lie below its shifted base: y = 2 (sin a - 1/4 + noise) > 0.
    noise = np.random.default_rng(0).normal(size=200_000) * 0.1
    angle = np.random.default_rng(1).uniform(0, np.pi, size=200_000)
    expected = (np.sin(angle) - 0.25 + noise > 0).mean()
    assert task.metrics(model, full=True)["accuracy"] == pytest.approx(expected, abs=0.035)


def test_quick_figures_have_the_headline_alone():
    for experiment in (CLASSIFIER, DENSITY):
        task = task_for(experiment)
        assert set(task.metrics(build_model(experiment), full=False)) == {task_of(experiment).headline.name}


def test_figures_of_a_failed_solve_are_nan():
    for experiment in (CLASSIFIER, DENSITY):
        task, model = task_for(experiment), build_model(experiment)
        with torch.no_grad():
            next(model.field.parameters()).fill_(math.nan)
        assert math.isnan(task.metrics(model, full=False)[task_of(experiment).headline.name])
