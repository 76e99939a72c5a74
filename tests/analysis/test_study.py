"""A study's answers against closed forms: linear fields, whose flows and densities are known."""

import dataclasses
import itertools
import math
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm
from studies import (
    NO_LABELS,
    ROTATION,
    SADDLE,
    SQUARE,
    TIGHT,
    Cubic,
    classifier_study,
    flow_study,
    ring,
    trained_study,
)

from odeviz.analysis import SolverChoice, Study
from odeviz.analysis.results import Extent
from odeviz.models import CNF
from odeviz.tasks.datasets import DATASETS
from odeviz.tasks.experiment import Experiment, SolverConfig
from odeviz.tasks.learning import build_model, task_for
from odeviz.training.snapshot import Snapshot
from odeviz.training.weights import copy_weights


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


def test_with_steps_per_sample_each_trajectory_costs_what_it_costs_alone_and_the_costliest_tells_its_steps() -> (
    None
):
    study, seeds = flow_study(np.diag([-1.0, -40.0])), np.array([[1.0, 0.0], [0.0, 0.5], [0.3, 9.0]])
    choice = SolverChoice("dopri5", 1e-4, 1e-4, per_sample=True)
    flow = study.flow(seeds, NO_LABELS[:3], choice)
    alone = [study.flow(seed[None], NO_LABELS[:1], SolverChoice("dopri5", 1e-4, 1e-4)) for seed in seeds]
    assert flow is not None
    assert flow.nfe_each is not None
    assert flow.nfe_each.tolist() == [each.nfe for each in alone if each is not None]
    assert (flow.costliest, flow.nfe) == (2, flow.nfe_each.max())
    assert alone[2] is not None
    np.testing.assert_allclose(flow.steps.h, alone[2].steps.h, rtol=1e-3)
    shared = study.flow(seeds, NO_LABELS[:3], dataclasses.replace(choice, method="adams"))
    assert shared is not None
    assert shared.costliest is None


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
    for tolerance in (1e-4, 1e-6, 1e-8):  # above, two steps suffice whatever is asked
        flow = study.flow(ring(), NO_LABELS, SolverChoice("dopri5", tolerance, tolerance))
        assert flow is not None
        errors.append(flow.error)
    assert all(tighter < looser / 5 for looser, tighter in itertools.pairwise(errors))
    assert errors[-1] < 1e-6


def test_a_known_reference_tells_the_error_of_every_later_solve() -> None:
    study = flow_study(ROTATION)
    loose, tight = SolverChoice("dopri5", 1e-2, 1e-2), SolverChoice("dopri5", 1e-6, 1e-6)
    before = study.flow(ring(), NO_LABELS, tight, with_error=False)
    measured = study.flow(ring(), NO_LABELS, loose)
    after = study.flow(ring(), NO_LABELS, tight, with_error=False)
    assert before is not None
    assert measured is not None
    assert after is not None
    assert math.isnan(before.error)
    assert 0 < after.error < measured.error


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


def test_trajectories_that_arrive_are_drawn_whole_although_others_do_not() -> None:
    study = Study.of(CNF(2, field=Cubic(), learn_t1=False), Experiment(task="density"))
    study.model.field.rate.neg_()
    # Under z' = z³ the second one is gone at t = 1/2.
    flow = study.flow(np.array([[0.5, 0.0], [1.0, 0.0]]), NO_LABELS[:2], TIGHT, frames=6)
    assert flow is not None
    np.testing.assert_allclose(flow.paths[:, 0, 0], 0.5 / np.sqrt(1 - 0.5 * flow.t), rtol=1e-4)
    np.testing.assert_array_equal(np.isnan(flow.paths[:, 1, 0]), flow.t >= 0.5)
    assert flow.status == "step_too_small"
    assert flow.message.startswith("1 of 2 trajectories did not arrive. The solve stopped at t = 0.5")


def test_extra_dimensions_start_at_zero_and_are_not_shown() -> None:
    A = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    A[1, 2] = 1.0  # the extra dimension integrates x, and moves y
    flow = classifier_study(A, np.eye(3)[:2], extra_dims=1).flow(ring(), np.zeros(16, int), TIGHT)
    assert flow is not None
    assert flow.paths.shape[2] == 2
    np.testing.assert_allclose(flow.paths[-1, :, 1], ring()[:, 1] + 0.5 * ring()[:, 0], atol=1e-5)


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
    batch, _ = task_for(Experiment()).batch(np.random.default_rng(0), 0.0)
    shown = {point.tobytes() for point in np.asarray(data.points)}
    assert all(point.tobytes() in shown for point in batch.numpy())
    assert len(study.data(10).points) == 10


def test_extent_is_the_data_sets() -> None:
    half = DATASETS["moons"].extent
    assert flow_study(ROTATION).extent == Extent(-half, half, -half, half)


def test_an_extent_stays_while_it_holds_the_next_and_is_not_much_larger() -> None:
    shown = Extent(-1.0, 1.0, -2.0, 2.0)
    assert shown.steadied(None) is shown
    assert Extent(-0.9, 0.9, -1.5, 2.0).steadied(shown) is shown
    # Outgrown on one side: with some room on all.
    wider = Extent(-1.5, 1.0, -2.0, 2.0).steadied(shown)
    assert wider == Extent(-1.75, 1.25, -2.4, 2.4)
    assert Extent(-1.6, 1.0, -2.1, 2.0).steadied(wider) is wider
    # Far too large for what is shown now.
    assert Extent(-0.5, 0.5, -1.0, 1.0).steadied(wider) == Extent(-0.6, 0.6, -1.2, 1.2)
    # Other axes.
    other = Extent(-0.9, 0.9, -1.5, 2.0, "t", "z")
    assert other.steadied(shown) is other


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
