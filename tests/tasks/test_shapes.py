"""Expected shapes against the models themselves."""

import pytest

from odeviz.tasks import Experiment
from odeviz.tasks.presets import PRESETS
from odeviz.tasks.registry import expected_shapes

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
