"""The first picture without the engine: what is kept of it is what the engine says of the same model."""

import dataclasses
import sys
import threading

import numpy as np
import pytest

from odeviz.analysis.study import Study
from odeviz.app.asking import FRAMES, TRAJECTORIES
from odeviz.app.startup import OPENING_PRESET
from odeviz.bridge.opening import keep, recall
from odeviz.bridge.requests import FlowRequest, SceneRequest
from odeviz.state.workbench import viewing_choice
from odeviz.storage import load_model
from odeviz.storage.paths import pretrained
from odeviz.tasks.registry import task_of

NEVER = threading.Event()


@pytest.fixture(scope="module")
def model():
    return load_model(pretrained(OPENING_PRESET))


@pytest.fixture(scope="module")
def asked(model):
    count = min(TRAJECTORIES, task_of(model.experiment).crowd)
    return FlowRequest(viewing_choice(model.experiment), count, FRAMES)


@pytest.fixture
def no_engine(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch")


def test_what_is_kept_is_what_the_engine_says(model, asked, no_engine, monkeypatch):
    scene, flow = recall(model, SceneRequest()), recall(model, asked)
    monkeypatch.undo()
    study = Study(model)
    true_scene, true = SceneRequest().answer(study, NEVER), asked.answer(study, NEVER)
    assert (scene.extent, scene.t1, scene.space) == (true_scene.extent, true_scene.t1, true_scene.space)
    np.testing.assert_array_equal(scene.data.points, true_scene.data.points)
    np.testing.assert_array_equal(scene.data.labels, true_scene.data.labels)
    np.testing.assert_allclose(flow.paths, true.paths, atol=1e-4)
    np.testing.assert_allclose(flow.speed, true.speed, atol=1e-3)
    np.testing.assert_array_equal(flow.t, true.t)
    np.testing.assert_array_equal(flow.labels, true.labels)
    np.testing.assert_allclose(flow.steps.h, true.steps.h, rtol=1e-3)
    told = ("choice", "iteration", "nfe", "status", "message", "classes", "clock")
    assert [getattr(flow, name) for name in told] == [getattr(true, name) for name in told]
    assert np.isnan(flow.milliseconds)
    assert not flow.paths.flags.writeable


def test_nothing_is_known_of_another_model_or_another_question(model, asked, no_engine):
    assert recall(model, asked) is not None
    weights = {name: array * np.array(1.001, array.dtype) for name, array in model.weights.items()}
    assert recall(dataclasses.replace(model, weights=weights), asked) is None
    assert recall(model, dataclasses.replace(asked, frames=FRAMES + 1)) is None
    assert (
        recall(model, dataclasses.replace(asked, choice=dataclasses.replace(asked.choice, rtol=1e-3))) is None
    )


def test_once_the_engine_is_there_it_answers_itself(model, asked):
    assert "torch" in sys.modules
    assert recall(model, asked) is None


def test_no_machine_tells_another_one_s_time(model, asked, tmp_path, no_engine, monkeypatch):
    flow, scene = recall(model, asked), recall(model, SceneRequest())
    path = tmp_path / "opening.npz"
    keep(model, asked, dataclasses.replace(flow, milliseconds=12345.0), scene, path)
    monkeypatch.setattr("odeviz.bridge.opening.resource", lambda name: path)
    assert np.isnan(recall(model, asked).milliseconds)
