"""A session repeats itself exactly, can be interrupted anywhere, and survives numerical trouble."""

from __future__ import annotations

import math
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from odeviz.tasks import Experiment
from odeviz.training import Session, restore
from odeviz.training.session import learning_rate


def classifier(**changes):
    small = {"field.width": 8, "data.samples": 64, "training.batch": 32, "training.iterations": 40}
    return Experiment().with_settings(small | changes)


def density(**changes):
    small = {
        "task": "density",
        "field.width": 8,
        "field.time": "concatsquash",
        "solver.method": "rk4",
        "solver.steps": 3,
        "solver.learn_t1": True,
        "training.batch": 32,
        "training.iterations": 40,
    }
    return Experiment().with_settings(small | changes)


EXPERIMENTS = {
    "classifier": classifier(),
    "augmented": classifier(**{"field.extra_dims": 1, "data.name": "annuli"}),
    "density": density(),
    "density-adaptive": density(**{"solver.method": "dopri5", "solver.learn_t1": False}),
    "backsolve": classifier(**{"solver.adjoint": "backsolve"}),
    "backprop": density(**{"solver.adjoint": "backprop"}),
    "float64": density(dtype="float64"),
}


def losses(session, n):
    out = []
    for _ in range(n):
        assert session.step(), session.message
        out.append(session.metrics["loss"])
    return out


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_same_seed_same_losses_bit_for_bit(name):
    first, again = Session(EXPERIMENTS[name]), Session(EXPERIMENTS[name])
    torch.manual_seed(99)
    assert losses(first, 6) == losses(again, 6)


def test_other_seed_other_run():
    assert losses(Session(classifier()), 2) != losses(Session(classifier(seed=1)), 2)


def test_session_leaves_the_global_generators_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    Session(density()).step()
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("name", ["classifier", "density", "density-adaptive"])
def test_interrupted_run_equals_an_uninterrupted_one(name):
    experiment = EXPERIMENTS[name]
    through = Session(experiment)
    expected = losses(through, 12)
    before = Session(experiment)
    first = losses(before, 5)
    state = pickle.loads(pickle.dumps(before.state_dict()))
    losses(before, 3)  # what follows must not reach into the state that was taken
    after = Session(experiment)
    after.load_state_dict(state)
    assert first + losses(after, 7) == expected
    for name, array in through.snapshot().weights.items():
        assert np.array_equal(array, after.snapshot().weights[name]), name
    assert after.snapshot().history.loss.tolist() == expected


def test_run_ends_after_its_iterations():
    session = Session(classifier(**{"training.iterations": 3}))
    assert [session.step() for _ in range(4)] == [True, True, True, False]
    assert session.finished
    assert session.iteration == 3
    assert session.message == ""


def test_own_data_of_another_kind_are_refused_before_a_model_is_made():
    own = {"points": np.zeros((32, 2), np.float32), "labels": np.full(32, -1)}
    with pytest.raises(ValueError, match="own data must hold t, y, series, not labels, points"):
        Session(Experiment.of("latent", {"data.name": "own"}), data=own)


def test_progress_replaces_the_count_of_iterations():
    session = Session(classifier(**{"training.iterations": 2}))
    assert all(session.step(progress=k / 5) for k in range(5))
    assert not session.step(progress=1.0)
    assert session.iteration == 5


def test_cosine_ends_at_zero_and_constant_stays():
    experiment = classifier(**{"training.lr": 0.1})
    assert [learning_rate(experiment, p) for p in (0.0, 0.5, 1.0)] == pytest.approx([0.1, 0.05, 0.0])
    constant = experiment.with_setting("training.schedule", "constant")
    assert learning_rate(constant, 0.9) == 0.1


def test_first_step_is_adams():
    # Adam's first step moves every weight with a gradient by the learning rate.
    session = Session(classifier(**{"training.lr": 1e-3}))
    before = {name: p.detach().clone() for name, p in session.model.named_parameters()}
    session.step()
    for name, p in session.model.named_parameters():
        if not p.grad.any():
            continue
        moved = (p.detach() - before[name]).abs()
        assert moved.max().item() == pytest.approx(1e-3, rel=0.02), name


def test_weight_decay_pulls_weights_to_zero():
    norms = []
    for decay in (0.0, 1.0):
        session = Session(classifier(**{"training.weight_decay": decay, "training.lr": 0.01}))
        losses(session, 20)
        norms.append(sum(p.detach().square().sum().item() for p in session.model.parameters()))
    assert norms[1] < 0.9 * norms[0]


def test_training_lowers_the_loss_and_records_it():
    session = Session(density())
    history_losses = losses(session, 40)
    history = session.snapshot().history
    assert history.iteration.tolist() == list(range(1, 41))
    assert history.loss.tolist() == history_losses
    assert np.mean(history_losses[-5:]) < np.mean(history_losses[:5]) - 0.1
    # Three steps of rk4: twelve evaluations, each pulled back once.
    assert set(history.nfe_forward) == set(history.nfe_backward) == {12.0}
    assert np.flatnonzero(np.isfinite(history.metric)).tolist() == [31]
    assert np.all(np.diff(history.seconds) > 0)


def test_snapshot_is_frozen_and_restores_the_model():
    session = Session(density())
    losses(session, 3)
    snapshot = pickle.loads(pickle.dumps(session.snapshot()))
    x = torch.randn(10, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = session.model.log_prob(x)
        assert torch.equal(restore(snapshot).log_prob(x), expected)
        assert restore(snapshot, dtype=torch.float64).log_prob(x.double()).dtype == torch.float64
    losses(session, 2)
    with torch.no_grad():
        assert torch.equal(restore(snapshot).log_prob(x), expected)
    with pytest.raises(ValueError, match="read-only"):
        session.snapshot().weights["log_t1"][...] = 0.0


def test_session_goes_on_from_a_snapshot():
    session = Session(classifier())
    losses(session, 5)
    snapshot = session.snapshot()
    went_on = Session(classifier(), snapshot=snapshot)
    assert went_on.iteration == 5
    for name, array in went_on.snapshot().weights.items():
        assert np.array_equal(array, snapshot.weights[name])
    losses(went_on, 3)
    assert went_on.snapshot().history.iteration.tolist() == list(range(1, 9))


def test_snapshot_of_another_shape_is_refused():
    snapshot = Session(classifier()).snapshot()
    with pytest.raises(ValueError, match=r"must have shape \[.*16.*\], not \[.*8.*\]"):
        Session(classifier(**{"field.width": 16}), snapshot=snapshot)
    with pytest.raises(ValueError, match="is missing"):
        Session(density(), snapshot=snapshot)


def test_hot_settings_reach_the_next_iteration():
    session = Session(classifier())
    losses(session, 2)
    session.apply(
        session.experiment.with_settings({"solver.method": "rk4", "solver.steps": 2, "training.batch": 16})
    )
    losses(session, 1)
    assert session.metrics["nfe_forward"] == 8.0


def test_cold_settings_are_refused_by_name():
    session = Session(classifier())
    with pytest.raises(
        ValueError, match=r"field\.width, seed cannot change while training; restart to apply"
    ):
        session.apply(session.experiment.with_settings({"field.width": 9, "seed": 3, "training.lr": 0.1}))
    assert session.experiment == classifier()


def poison(session):
    """Make every loss from now on NaN without touching the weights."""
    session.task.loss = lambda model, batch: type(session.task).loss(session.task, model, batch) * math.nan


def weights(session):
    return {name: array.copy() for name, array in session.snapshot().weights.items()}


def test_loss_that_is_not_finite_stops_with_the_last_good_weights():
    session = Session(classifier())
    losses(session, 3)
    good = {name: p.detach().clone() for name, p in session.model.named_parameters()}
    assert session.step()  # the last step whose loss was finite began at these weights
    poison(session)
    assert not session.step()
    assert "iteration 5" in session.message
    assert "loss became nan" in session.message
    assert "smaller learning rate" in session.message
    for name, p in session.model.named_parameters():
        assert torch.equal(p, good[name])
    assert not session.step()
    assert session.snapshot().message == session.message


def test_a_hot_change_lets_a_stopped_session_try_again():
    session = Session(classifier())
    losses(session, 2)
    poison(session)
    assert not session.step()
    session.apply(session.experiment.with_setting("training.lr", 1e-4))
    assert session.message == ""
    losses(session, 3)
    assert all(np.isfinite(array).all() for array in weights(session).values())


def test_wild_learning_rate_never_leaves_weights_that_are_not_finite():
    session = Session(density(**{"training.lr": 1.0, "training.iterations": 60, "field.activation": "relu"}))
    while session.step():
        pass
    assert all(np.isfinite(array).all() for array in weights(session).values())


@pytest.mark.filterwarnings("ignore:rtol = 1e-09 and atol = 1e-09 ask for less than the rounding of float32")
def test_solve_without_end_is_given_up():
    session = Session(classifier(**{"solver.rtol": 1e-9, "solver.atol": 1e-9}))
    with torch.no_grad():
        for p in session.model.field.parameters():
            p.mul_(200.0)
    assert not session.step()
    assert "the limit of steps was used up" in session.message
    assert "another tolerance" in session.message


def test_failed_solve_stops_with_its_reason():
    session = Session(classifier())
    losses(session, 2)
    with torch.no_grad():
        for p in session.model.field.parameters():
            p.fill_(math.inf)
    assert not session.step()
    assert "iteration 3: the solve stopped at t = 0" in session.message
    assert "no longer finite" in session.message
    assert all(np.isfinite(array).all() for array in weights(session).values())


@pytest.mark.parametrize(("experiment", "names"), [
    (classifier(), {"accuracy"}),
    (density(), {"nll", "nll_se", "mass", "entropy", "gap", "gap_in_se", "nfe"}),
    (density(**{"data.noise": 0.2}), {"nll", "nll_se", "mass", "nfe"}),
])  # fmt: skip
def test_evaluate_gives_the_tasks_figures(experiment, names):
    session = Session(experiment)
    figures = session.evaluate()
    assert set(figures) == names
    assert figures == session.evaluate()
    assert all(math.isfinite(value) for value in figures.values())
    if "mass" in figures:
        assert figures["mass"] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_tensor_is_made_on_the_sessions_device(name):
    # With another default device, a tensor made without naming the session's would not mix with the others.
    expected, session = Session(EXPERIMENTS[name]), Session(EXPERIMENTS[name])
    with torch.device("meta"):
        assert losses(session, 3) == losses(expected, 3)
        session.apply(session.experiment.with_setting("training.lr", 1e-3))
        assert session.step(), session.message
        assert all(math.isfinite(value) for value in session.evaluate().values())
        state, snapshot = session.state_dict(), session.snapshot()
    session.load_state_dict(state)
    assert all(np.isfinite(array).all() for array in snapshot.weights.values())


def test_session_may_move_between_threads():
    session = Session(density())
    here = losses(Session(density()), 4)
    there = losses(session, 2)
    with ThreadPoolExecutor(1) as pool:
        there += pool.submit(losses, session, 2).result()
    assert there == here
