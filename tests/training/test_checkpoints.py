"""Checkpoints stay few, evenly spaced and exactly what the run had learnt."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from odeviz.tasks import Experiment
from odeviz.training import Session, restore
from odeviz.training import checkpoints as module
from odeviz.training.checkpoints import MOST, Checkpoint, Keeper, thinned


def weights(bytes_=8):
    return {"w": np.zeros(bytes_, dtype=np.int8)}


def after(iterations, keeper=None, start=0, size=8):
    keeper = keeper or Keeper()
    copies = []
    for iteration in range(start, iterations + 1):
        keeper.offer(iteration, 0.1 * iteration, lambda: copies.append(1) or weights(size))
    return keeper, len(copies)


@pytest.mark.parametrize("iterations", [5, 64, 65, 1000, 12345])
def test_they_are_few_evenly_spaced_and_begin_at_the_first(iterations):
    keeper, copies = after(iterations)
    kept = [checkpoint.iteration for checkpoint in keeper.checkpoints]
    assert kept[0] == 0
    assert min(iterations + 1, MOST // 2) <= len(kept) <= MOST
    (distance,) = set(np.diff(kept))
    assert iterations - kept[-1] < distance
    assert copies <= MOST + MOST / 2 * np.log2(max(iterations, MOST) / MOST) + 1


def test_a_run_that_goes_on_keeps_their_distance():
    first, _ = after(1000)
    on, _ = after(1400, Keeper(first.checkpoints), start=1001)
    through, _ = after(1400)
    assert [c.iteration for c in on.checkpoints] == [c.iteration for c in through.checkpoints]


def test_their_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    keeper, _ = after(500, size=100)
    assert 5 <= len(keeper.checkpoints) <= 10
    keeper, copies = after(500, size=300)
    assert (keeper.checkpoints, copies) == ((), 1)


@pytest.fixture(scope="module")
def run():
    experiment = Experiment().with_settings(
        {"field.width": 6, "data.samples": 64, "training.batch": 32, "training.iterations": 40}
    )
    session, reached = Session(experiment), {}
    for _ in range(10):
        reached[session.iteration] = session.snapshot()
        session.step()
    return session, reached


def test_a_checkpoint_is_the_model_as_it_was(run):
    session, reached = run
    latest = session.snapshot()
    assert latest.moments == tuple(range(11))
    for iteration in (0, 4):
        then = latest.nearest(iteration + 0.4)
        assert then.iteration == iteration == len(then.history)
        assert then.moments == tuple(range(iteration + 1))
        for name, array in reached[iteration].weights.items():
            np.testing.assert_array_equal(then.weights[name], array)
        restore(then)
    assert then.metrics["loss"] == reached[4].metrics["loss"]
    assert latest.nearest(99) is latest


def test_a_run_taken_up_again_has_its_checkpoints(run):
    session, _ = run
    state = session.state_dict()
    again = Session(session.experiment)
    again.load_state_dict(state)
    assert again.snapshot().moments == session.snapshot().moments
    on = Session(session.experiment, session.snapshot())
    assert on.snapshot().checkpoints == session.snapshot().checkpoints
    without = Session(session.experiment, dataclasses.replace(session.snapshot(), checkpoints=()))
    assert without.snapshot().moments == (10,)


def test_what_has_no_room_is_thinned_evenly_from_the_first_on():
    past = tuple(Checkpoint(k, 0.0, {"w": np.zeros(10)}) for k in range(9))
    assert [each.iteration for each in thinned(past, 80 * 9)] == list(range(9))
    assert [each.iteration for each in thinned(past, 80 * 6)] == [0, 2, 4, 6, 8]
    assert thinned(past, 80) == (), "one model is no run"
