"""A study's answers against closed forms: linear fields, whose flows and densities are known.

A field z' = A z + b is built exactly from one relu layer, as relu(z) - relu(-z) = z.
"""

import dataclasses
import itertools
import math
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from scipy.stats import multivariate_normal

from odeviz.analysis import SolverChoice, Study
from odeviz.analysis.results import Extent
from odeviz.models import CNF, ODENet
from odeviz.tasks.datasets import DATASETS
from odeviz.tasks.experiment import DataConfig, Experiment, SolverConfig
from odeviz.tasks.learning import build_model, task_for
from odeviz.training.snapshot import Snapshot
from odeviz.training.weights import copy_weights

TIGHT = SolverChoice("dopri5", 1e-6, 1e-6)
ROTATION = np.array([[0.0, -2.0], [2.0, 0.0]])
SADDLE = np.array([[0.7, 0.4], [-0.2, -0.3]])
SQUARE = Extent(-6.0, 6.0, -6.0, 6.0)


def linear_model(model: Any, A: np.ndarray, b: tuple[float, ...] | None = None) -> Any:
    """Give a model with one relu layer of ``2 * dim`` units the field z' = A z + b."""
    dim = len(A)
    eye, matrix = torch.eye(dim), torch.tensor(A, dtype=torch.float32)
    inner, outer = model.field.layers
    with torch.no_grad():
        inner.weight.copy_(torch.cat([eye, -eye]))
        inner.bias.zero_()
        outer.weight.copy_(torch.cat([matrix, -matrix], dim=1))
        outer.bias.copy_(torch.tensor(b if b is not None else (0.0,) * dim))
    return model


def flow_study(A: np.ndarray, b: tuple[float, float] = (0.0, 0.0), t1: float = 1.0) -> Study:
    model = CNF(2, (4,), activation="relu", time="none", t1=t1, learn_t1=False)
    return Study.of(linear_model(model, A, b), Experiment(task="density"), iteration=7)


def classifier_study(A: np.ndarray, readout: np.ndarray, extra_dims: int = 0) -> Study:
    dim = 2 + extra_dims
    model = ODENet(2, len(readout), (2 * dim,), activation="relu", time="none", extra_dims=extra_dims)
    with torch.no_grad():
        model.readout.weight.copy_(torch.tensor(readout, dtype=torch.float32))
        model.readout.bias.zero_()
    return Study.of(linear_model(model, A), Experiment(task="classification"))


def trained_study(task: str = "density", **more: Any) -> Study:
    """A curved field: the first weights of the default model, made stronger."""
    data = DataConfig(name="moons")
    experiment = Experiment(task=task, data=data, **more)
    model = build_model(experiment)
    with torch.no_grad():
        for parameter in model.field.parameters():
            parameter.mul_(1.6)
    return Study.of(model, experiment)


def ring(count: int = 16) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


NO_LABELS = np.full(16, -1)


class Countdown:
    """A cancel token that is set from the n-th look on."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def is_set(self) -> bool:
        self.looks -= 1
        return self.looks < 0


def set_event() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


# --- flow


@pytest.mark.parametrize("A", [ROTATION, SADDLE], ids=["rotation", "saddle"])
@pytest.mark.parametrize("method", ["dopri5", "tsit5", "bosh3"])
def test_paths_are_the_matrix_exponential(A: np.ndarray, method: str) -> None:
    flow = flow_study(A, t1=1.5).flow(ring(), NO_LABELS, SolverChoice(method, 1e-6, 1e-6), frames=31)
    assert flow is not None
    assert flow.t[0] == 0.0
    assert flow.t[-1] == 1.5
    exact = np.stack([ring() @ expm(A * t).T for t in flow.t])
    np.testing.assert_allclose(flow.paths, exact, atol=2e-4)


def test_frames_cost_no_evaluations() -> None:
    study = flow_study(ROTATION)
    few, many = (study.flow(ring(), NO_LABELS, TIGHT, frames=n, with_error=False) for n in (2, 200))
    assert few is not None
    assert many is not None
    assert few.nfe == many.nfe > 0
    assert len(many.t) == 200


def test_steps_add_up_to_the_interval_and_count_what_was_evaluated() -> None:
    flow = trained_study().flow(ring(), NO_LABELS, SolverChoice("dopri5", 1e-5, 1e-5))
    assert flow is not None
    steps = flow.steps
    assert steps.h[steps.accepted].sum() == pytest.approx(1.0)
    assert (steps.error[steps.accepted] <= 1).all()
    assert flow.accepted + flow.rejected == len(steps.t)
    # First same as last: six evaluations a step, and two to begin with.
    assert flow.nfe == 6 * len(steps.t) + 2


def test_fixed_steps_are_as_many_as_chosen() -> None:
    flow = flow_study(ROTATION).flow(ring(), NO_LABELS, SolverChoice("rk4", steps=8))
    assert flow is not None
    np.testing.assert_allclose(flow.steps.h, 1 / 8)
    assert np.isnan(flow.steps.error).all()
    # Four evaluations a step, and one at the end, whose slope the frames inside the last step need.
    assert flow.nfe == 33


def test_error_is_the_distance_to_the_truth() -> None:
    flow = flow_study(ROTATION).flow(ring(), NO_LABELS, SolverChoice("euler", steps=50))
    assert flow is not None
    exact = ring() @ expm(ROTATION).T
    assert flow.error == pytest.approx(np.linalg.norm(flow.paths[-1] - exact, axis=1).max(), rel=1e-3)


def test_error_falls_with_the_tolerance() -> None:
    study = trained_study(dtype="float64")
    errors = []
    for tolerance in (1e-2, 1e-4, 1e-6, 1e-8):
        flow = study.flow(ring(), NO_LABELS, SolverChoice("dopri5", tolerance, tolerance))
        assert flow is not None
        errors.append(flow.error)
    assert all(tighter < looser / 5 for looser, tighter in itertools.pairwise(errors))
    assert errors[-1] < 1e-6


def test_error_of_many_trajectories_is_measured_on_some_of_them() -> None:
    seeds, labels = flow_study(ROTATION).default_seeds(1000)
    flow = flow_study(ROTATION).flow(seeds, labels, SolverChoice("euler", steps=20))
    assert flow is not None
    distance = np.linalg.norm(flow.paths[-1] - seeds @ expm(ROTATION).T, axis=1)
    assert 0.5 * distance.max() < flow.error <= distance.max() * 1.001


def test_reference_is_solved_once_for_the_same_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    from odeviz.analysis.reference import Reference

    solved = []
    solve = Reference._solve
    monkeypatch.setattr(Reference, "_solve", lambda self, *args: (solved.append(1), solve(self, *args))[1])
    study = flow_study(ROTATION)
    for tolerance in (1e-2, 1e-3, 1e-4):
        study.flow(ring(), NO_LABELS, SolverChoice("dopri5", tolerance, tolerance))
    assert len(solved) == 1
    study.flow(2 * ring(), NO_LABELS, TIGHT)
    assert len(solved) == 2
    study.flow(ring(), NO_LABELS, TIGHT, with_error=False)
    assert len(solved) == 2


def test_solve_that_does_not_arrive_says_so_and_leaves_nan() -> None:
    # z' = 80 z leaves float32's range at t = ln(3.4e38) / 80, about 1.1.
    flow = flow_study(np.diag([80.0, 80.0]), t1=4.0).flow(ring(), NO_LABELS, SolverChoice("rk4", steps=400))
    assert flow is not None
    assert flow.status == "non_finite"
    assert flow.message.endswith(".")
    assert np.isfinite(flow.paths[0]).all()
    assert np.isnan(flow.paths[-1]).all()
    assert math.isnan(flow.error)


def test_extra_dimensions_start_at_zero_and_are_not_shown() -> None:
    A = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    A[1, 2] = 1.0  # the extra dimension integrates x, and moves y
    flow = classifier_study(A, np.eye(3)[:2], extra_dims=1).flow(ring(), np.zeros(16, int), TIGHT)
    assert flow is not None
    assert flow.paths.shape[2] == 2
    np.testing.assert_allclose(flow.paths[-1, :, 1], ring()[:, 1] + 0.5 * ring()[:, 0], atol=1e-5)


# --- field and probe


def test_field_is_that_of_the_model_on_the_grid() -> None:
    field = flow_study(SADDLE, b=(0.1, -0.2)).field(Extent(-1, 1, -2, 2), n=5, times=3)
    assert field is not None
    np.testing.assert_allclose(field.x, [-1, -0.5, 0, 0.5, 1])
    np.testing.assert_allclose(field.y, [-2, -1, 0, 1, 2])
    np.testing.assert_allclose(field.t, [0, 0.5, 1])
    exact = np.stack(np.meshgrid(field.x, field.y), axis=-1) @ SADDLE.T + [0.1, -0.2]
    for velocity in field.velocity:
        np.testing.assert_allclose(velocity, exact, atol=1e-6)


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
    monkeypatch.setattr("odeviz.analysis.study._BLOCK", 10_000)
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


def test_each_model_answers_only_its_own_question() -> None:
    with pytest.raises(ValueError, match="this model is a classifier"):
        classifier_study(ROTATION, np.eye(2)).density(1.0, SQUARE, 4, TIGHT)
    with pytest.raises(ValueError, match="this model is a density"):
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


# --- cancelling


def test_cancelled_questions_have_no_answer() -> None:
    study, classifier = trained_study(), trained_study("classification")
    stop = set_event()
    assert study.flow(ring(), NO_LABELS, TIGHT, cancel=stop) is None
    assert study.field(SQUARE, cancel=stop) is None
    assert study.density(1.0, SQUARE, 8, TIGHT, cancel=stop) is None
    assert study.probe((0.0, 0.0), 1.0, cancel=stop) is None
    assert classifier.decision(0.0, SQUARE, 8, TIGHT, cancel=stop) is None


def test_cancelling_stops_within_the_work() -> None:
    study = trained_study()
    full = study.flow(ring(), NO_LABELS, TIGHT, with_error=False)
    assert full is not None
    assert len(full.steps.t) > 2
    assert study.flow(ring(), NO_LABELS, TIGHT, cancel=Countdown(2)) is None
    assert study.field(SQUARE, times=5, cancel=Countdown(3)) is None
    assert study.density(1.0, SQUARE, 8, TIGHT, cancel=Countdown(2)) is None
    # Cancelled while the reference is solved: no half-made answer is remembered.
    assert study.flow(ring(), NO_LABELS, TIGHT, cancel=Countdown(len(full.steps.t) + 3)) is None
    again = study.flow(ring(), NO_LABELS, TIGHT)
    assert again is not None
    assert again.error < 1e-3


# --- seeds, data, the study itself


def test_seeds_of_a_flow_are_base_samples() -> None:
    seeds, labels = flow_study(ROTATION).default_seeds(4000, rng_seed=3)
    assert (labels == -1).all()
    np.testing.assert_allclose(seeds.mean(axis=0), 0, atol=0.07)
    np.testing.assert_allclose(np.cov(seeds.T), np.eye(2), atol=0.1)
    np.testing.assert_array_equal(seeds, flow_study(ROTATION).default_seeds(4000, rng_seed=3)[0])
    assert not np.array_equal(seeds, flow_study(ROTATION).default_seeds(4000, rng_seed=4)[0])


def test_seeds_of_a_classifier_are_labelled_data() -> None:
    seeds, labels = classifier_study(ROTATION, np.eye(2)).default_seeds(200)
    assert set(labels) == {0, 1}
    half = DATASETS["moons"].extent
    assert np.abs(seeds).max() < half


def test_data_of_a_classifier_are_its_training_points() -> None:
    study = trained_study("classification")
    data = study.data(5000)
    assert len(data.points) == 1024
    batch, _ = task_for(Experiment()).batch(np.random.default_rng(0))
    shown = {point.tobytes() for point in np.asarray(data.points)}
    assert all(point.tobytes() in shown for point in batch.numpy())
    assert len(study.data(10).points) == 10


def test_extent_is_the_data_sets() -> None:
    half = DATASETS["moons"].extent
    assert flow_study(ROTATION).extent == Extent(-half, half, -half, half)


def test_study_of_a_snapshot_answers_like_the_model() -> None:
    experiment = Experiment(task="density", solver=SolverConfig(learn_t1=True, t1=0.8))
    model = build_model(experiment)
    snapshot = Snapshot(experiment, 42, 1.0, copy_weights(model))
    flow, direct = (s.flow(ring(), NO_LABELS, TIGHT) for s in (Study(snapshot), Study.of(model, experiment)))
    assert flow is not None
    assert direct is not None
    assert flow.iteration == 42
    assert flow.t[-1] == pytest.approx(0.8)
    np.testing.assert_array_equal(flow.paths, direct.paths)


def test_study_leaves_the_model_it_was_made_of_alone() -> None:
    model = CNF(2, (8, 8))
    before = model.solver
    study = Study.of(model, Experiment(task="density"))
    study.density(1.0, SQUARE, 4, SolverChoice("rk4", steps=3))
    assert model.solver is before
    assert model.last_solution is None
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_every_array_of_every_result_is_read_only() -> None:
    study, classifier = trained_study(), trained_study("classification")
    seeds, labels = study.default_seeds(4)
    results = [
        study.flow(seeds, labels, TIGHT),
        study.field(SQUARE, n=3, times=2),
        study.density(0.5, SQUARE, 3, TIGHT),
        classifier.decision(0.5, SQUARE, 3, TIGHT),
        study.data(5),
    ]
    arrays = [seeds, labels]
    for result in results:
        for part in (result, getattr(result, "steps", result)):
            values = [getattr(part, f.name) for f in dataclasses.fields(part)]
            arrays += [value for value in values if isinstance(value, np.ndarray)]
    assert len(arrays) > 14
    assert not any(array.flags.writeable for array in arrays)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda s: s.density(1.0, SQUARE, 0, TIGHT), "n must be a whole number of at least 1, not 0"),
        (lambda s: s.field(SQUARE, n=1), "n must be a whole number of at least 2, not 1"),
        (lambda s: s.flow(ring(), NO_LABELS, TIGHT, frames=1), "frames must be a whole number of at least 2"),
        (lambda s: s.flow(np.zeros((3, 5)), NO_LABELS[:3], TIGHT), r"seeds must be points \[batch, 2\]"),
        (lambda s: s.flow(np.zeros((0, 2)), NO_LABELS[:0], TIGHT), "at least one"),
    ],
)
def test_wrong_questions_are_one_sentence(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call(flow_study(ROTATION))


def test_package_is_imported_without_torch() -> None:
    program = "import sys, odeviz.analysis; assert 'torch' not in sys.modules; odeviz.analysis.SolverChoice()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
