"""Films of a training: one picture for each moment that a run kept."""

import dataclasses
from threading import Event

import numpy as np

from odeviz.analysis.filming import TRAJECTORIES, film_of_time, film_of_training
from odeviz.analysis.results import SolverChoice
from odeviz.analysis.study import Study
from odeviz.bridge.requests import FlowRequest
from odeviz.tasks import Experiment
from odeviz.tasks.registry import expected_shapes
from odeviz.training.checkpoints import Checkpoint
from odeviz.training.snapshot import Snapshot


def run():
    """A tiny classifier whose weights were smaller before."""
    experiment = Experiment().with_settings({"field.width": 3, "field.depth": 1})
    rng = np.random.default_rng(0)
    weights = {
        name: rng.normal(size=shape).astype(np.float32) for name, shape in expected_shapes(experiment).items()
    }
    small = {name: 0.1 * array for name, array in weights.items()}
    return Snapshot(experiment, 8, 1.0, weights, checkpoints=(Checkpoint(0, 0.0, small),))


def test_a_film_has_the_windows_trajectories_and_only_the_layers_asked_for():
    snapshot, choice = run(), SolverChoice()
    study = Study(dataclasses.replace(snapshot, experiment=snapshot.experiment.with_setting("seed", 5)))
    film = film_of_time(study, "flow", (0.0, 1.0), choice, layers=("data", "particles"))
    shown = FlowRequest(choice, TRAJECTORIES).answer(study, Event())
    assert np.array_equal(film.frames[0].flow.paths[0], shown.paths[0])
    assert (film.has("particles"), film.has("arrows"), len(film.data.points)) == (True, False, 1000)
    assert film_of_time(study, "flow", (1.0,), choice).data is None


def test_a_training_is_filmed_as_what_lies_behind_the_flow_or_as_the_flow_of_each_moment():
    choice = SolverChoice(rtol=1e-2, atol=1e-2)
    decision = film_of_training(run(), choice)
    assert [frame.iteration for frame in decision.frames] == [0, 8]
    assert {(frame.time, frame.flow) for frame in decision.frames} == {(0.0, None)}, "where the data lies"
    flow = film_of_training(run(), choice, "flow")
    first, last = flow.frames
    t1 = float(last.flow.t[-1])
    assert (first.time, last.time, last.background.t) == (t1, t1, t1), "all of one time"
    reach = [np.abs(frame.flow.paths[-1] - frame.flow.paths[0]).max() for frame in flow.frames]
    assert reach[0] < reach[1], "each moment's own flow"
    assert not flow.over_time
