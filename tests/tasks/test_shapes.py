"""Expected shapes against the models themselves."""

import dataclasses

import numpy as np
import pytest

from odeviz.tasks import Experiment, registry
from odeviz.tasks.presets import PRESETS
from odeviz.tasks.registry import TASKS, expected_shapes

CASES = [
    {},
    {"field.time": "none", "field.depth": 1, "field.width": 5},
    {"field.time": "concatsquash", "field.depth": 3, "field.width": 4},
    {"field.extra_dims": 3, "solver.learn_t1": True},
    {"task": "density"},
    {"task": "density", "solver.learn_t1": True, "field.time": "concatsquash", "field.extra_dims": 2},
]


@pytest.mark.parametrize("settings", CASES, ids=str)
def test_the_shapes_are_those_of_the_built_model(settings):
    from odeviz.tasks.learning import build_model

    experiment = Experiment().with_settings(settings)
    state = build_model(experiment).state_dict()
    assert expected_shapes(experiment) == {name: tuple(tensor.shape) for name, tensor in state.items()}


@pytest.mark.parametrize("name", PRESETS)
def test_a_presets_shapes_are_those_of_its_model(name):
    from odeviz.tasks.learning import build_model

    experiment = PRESETS[name].experiment
    state = build_model(experiment).state_dict()
    assert expected_shapes(experiment) == {name: tuple(tensor.shape) for name, tensor in state.items()}


def test_a_persons_own_data_may_decide_the_shapes(monkeypatch):
    about = dataclasses.replace(
        TASKS["density"], own_shapes=lambda experiment, data: {"readout": (len(data["y"][0]),)}
    )
    monkeypatch.setattr(registry, "TASKS", {"density": about})
    experiment = PRESETS["moons-density"].experiment
    assert expected_shapes(experiment, {"y": np.zeros((20, 3))}) == {"readout": (3,)}
    assert expected_shapes(experiment) == about.shapes(experiment)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_a_picture_for_its_card(name):
    experiment = PRESETS[name].experiment
    points, labels = TASKS[experiment.task].sketch(experiment)
    assert points.shape == (len(labels), 2)
    assert len(points) >= 100
    assert np.isfinite(points).all()
