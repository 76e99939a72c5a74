"""One sentence for every wrong setting: it names the offender and what is allowed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from odeviz.engine import ADJOINTS, METHODS
from odeviz.engine.solve import check_adjoint
from odeviz.tasks import Experiment, SolverConfig
from odeviz.tasks.closest import closest
from odeviz.tasks.datasets import DATASETS
from odeviz.tasks.experiment import ADAPTIVE, FIXED
from odeviz.tasks.presets import PRESETS, preset
from odeviz.tasks.quantities import read_number
from odeviz.tasks.settings import find


@pytest.mark.parametrize(
    ("assignments", "words"),
    [
        ({"field.width": "-3"}, ["field.width", "a whole number", "1 to 1024", "-3"]),
        ({"field.width": "wide"}, ["field.width", "a whole number", "'wide'"]),
        ({"field.depth": "2.5"}, ["field.depth", "a whole number", "1 to 8"]),
        ({"training.lr": "1e9"}, ["training.lr", "1e-06 to 1"]),
        ({"solver.rtol": "0"}, ["solver.rtol", "1e-12 to 1"]),
        ({"data.noise": "nan"}, ["data.noise", "finite", "0 to 1"]),
        ({"solver.learn_t1": "maybe"}, ["solver.learn_t1", "true or false", "maybe"]),
        ({"field.activation": "tahn"}, ["field.activation", "softplus", "did you mean 'tanh'"]),
        ({"field.widht": "3"}, ["'field.widht'", "did you mean 'field.width'", "training.lr"]),
        ({"field": "3"}, ["no setting 'field'"]),
        ({"width": "3"}, ["no setting 'width'", "field.width"]),
        (
            {"data.name": "rings"},
            ["data.name", "moons, circles, spirals, annuli", "classification", "'rings'"],
        ),
        ({"data.name": "moon"}, ["data.name", "did you mean 'moons'"]),
        ({"device": "gpu"}, ["device", "auto, cpu, cuda, mps"]),
        ({"solver.adjoint": "reversible"}, ["solver.adjoint", "asynchronous-leapfrog", "not dopri5"]),
        ({"solver.method": "adams", "solver.adjoint": "backsolve"}, ["solver.adjoint", "bosh3", "not adams"]),
        ({"device": "mps", "dtype": "float64"}, ["dtype", "float32", "mps"]),
    ],
)
def test_wrong_setting_gets_one_sentence(assignments, words):
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        Experiment().with_texts(assignments)
    for word in words:
        assert word in str(caught.value)


def test_texts_become_values_of_the_settings_type():
    changed = Experiment().with_texts(
        {"data.noise": "0.25", "field.width": " 32 ", "solver.learn_t1": "yes", "solver.method": "rk4"}
    )
    assert (changed.data.noise, changed.field.width) == (0.25, 32)
    assert changed.solver.learn_t1 is True
    assert changed.changed(Experiment()) == ["data.noise", "field.width", "solver.method", "solver.learn_t1"]


@pytest.mark.parametrize(
    ("text", "whole", "unit", "number"),
    [
        ("2 min", False, "s", 120.0),
        ("2min 30s", False, "s", 150.0),
        ("2:30", False, "s", 150.0),
        ("1:00:00", False, "s", 3600.0),
        ("1,5 h", False, "s", 5400.0),
        ("500 ms", False, "s", 0.5),
        ("1e3 it", True, "iterations", 1000),
        ("1,000,000", True, "iterations", 1_000_000),
        ("1,234.5", False, "", 1234.5),
        ("0,001", False, "", 1e-3),
        ("−3", True, "", -3),
    ],
)
def test_a_number_is_read_as_people_write_it(text, whole, unit, number):
    found = read_number(text, whole, unit)
    assert (found, type(found)) == (number, int if whole else float)


@pytest.mark.parametrize(
    ("text", "whole", "unit"),
    [("20 it", False, "s"), ("3 fortnights", False, "s"), ("2 min", True, "iterations"),
     ("1 it 2 it", True, "iterations"), ("0.5 it", True, "iterations"), ("inf", True, ""),
     ("min", False, "s"), ("", False, "s"), ("1,2,3", False, "")],
)  # fmt: skip
def test_what_is_no_number_of_the_unit_is_refused(text, whole, unit):
    with pytest.raises(ValueError):  # noqa: PT011 - whoever asks says what is allowed
        read_number(text, whole, unit)


@pytest.mark.parametrize("order", [("task", "data.name"), ("data.name", "task")])
def test_task_and_data_set_change_together_in_any_order(order):
    wanted = {"task": "density", "data.name": "rings"}
    changed = Experiment().with_texts({path: wanted[path] for path in order})
    assert (changed.task, changed.data.name) == ("density", "rings")


def test_settings_given_in_code_are_checked_too():
    with pytest.raises(ValueError, match=r"solver\.steps must be a whole number"):
        Experiment(solver=SolverConfig(steps=0))
    with pytest.raises(ValueError, match=r"seed must be a whole number"):
        Experiment(seed=True)


def test_hot_settings_are_those_a_running_session_takes_over():
    base = Experiment()
    assert base.is_hot_change(base.with_setting("training.lr", 1e-4).with_setting("solver.rtol", 1e-6))
    assert base.cold_changes(base.with_setting("training.lr", 1e-4).with_setting("field.width", 8)) == [
        "field.width"
    ]


def test_settings_without_meaning_are_known():
    base = Experiment()
    by_path = {entry.path: entry for entry in base.entries()}
    assert base.applies(by_path["solver.rtol"])
    assert not base.applies(by_path["solver.steps"])
    assert not base.applies(by_path["solver.learn_t1"])


def test_every_setting_explains_itself():
    for entry in Experiment().entries():
        assert entry.about.label
        assert entry.about.help.endswith(".")


def test_every_data_set_has_a_preset_for_each_of_its_tasks():
    suffix = {"classification": "classifier", "density": "density"}
    wanted = {f"{name}-{suffix[task]}" for name, data in DATASETS.items() for task in data.tasks}
    assert wanted <= set(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_preset_speaks_for_itself(name):
    chosen = preset(name)
    assert chosen.name == name
    data = chosen.experiment.data
    assert data.name not in DATASETS or data.noise == DATASETS[data.name].default_noise
    assert chosen.sentence.endswith(".")
    assert chosen.look_for.endswith(".")
    assert 0 < chosen.seconds <= chosen.limit <= 300


def test_unknown_preset_gets_the_closest_or_all_names():
    with pytest.raises(
        ValueError, match=r"^there is no preset 'moon-density'; did you mean 'moons-density'\?$"
    ):
        preset("moon-density")
    with pytest.raises(ValueError, match="there is no preset 'qqq'") as caught:
        preset("qqq")
    assert all(name in str(caught.value) for name in PRESETS)


def test_the_methods_offered_are_the_engines():
    for name in (*ADAPTIVE, *FIXED):
        assert METHODS[name].adaptive == (name in ADAPTIVE)
    choices = find(Experiment(), "solver.adjoint").about.choices
    assert set(choices) == set(ADJOINTS)


@pytest.mark.parametrize("adjoint", ADJOINTS)
@pytest.mark.parametrize("method", [*ADAPTIVE, *FIXED])
def test_a_pair_of_method_and_gradient_is_allowed_when_the_engine_can_do_it(method, adjoint):
    def can(check):
        try:
            check()
        except ValueError:
            return False
        return True

    settings = {"solver.method": method, "solver.adjoint": adjoint}
    assert can(lambda: Experiment().with_settings(settings)) == can(
        lambda: check_adjoint(adjoint, METHODS[method])
    )


def test_presets_and_training_package_load_without_torch():
    code = "import sys, odeviz.tasks.presets, odeviz.training; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_part_of_names_offers_the_whole_family():
    family = [name for name in PRESETS if "classifier" in name]
    assert closest("classifier", PRESETS) == closest("clasifier", PRESETS) == family
    assert len(closest("density", PRESETS)) == 12
    assert closest("lotka-mlp", PRESETS)[0] == "lotka-volterra-mlp"
    assert closest("spirals", PRESETS) == ["spirals-classifier", "latent-spirals", "latent-spirals-rnn"]
    assert closest("xyz", PRESETS) == []
