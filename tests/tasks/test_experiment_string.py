"""An experiment as one line of text."""

import re

import numpy as np
import pytest

from odeviz.tasks import Experiment
from odeviz.tasks.experiment_string import experiment_string, is_experiment_string, read_experiment_string
from odeviz.tasks.presets import PRESETS
from odeviz.tasks.registry import TASKS

LINE = "odeviz:moons-density?field.width=64&seed=3"


def test_a_line_is_a_preset_and_what_differs_from_it():
    moons = PRESETS["moons-density"].experiment
    assert experiment_string(moons) == "odeviz:moons-density"
    changed = moons.with_settings({"seed": 3, "field.width": moons.field.width + 1})
    assert experiment_string(changed) == f"odeviz:moons-density?field.width={moons.field.width + 1}&seed=3"


def test_every_experiment_is_read_back_with_every_bit():
    experiments = [each.experiment for each in PRESETS.values()] + [Experiment.of(task) for task in TASKS]
    for experiment in experiments:
        odd = experiment.with_settings({"training.lr": 1e-5 / 3, "seed": 2**31 - 1})
        assert read_experiment_string(experiment_string(odd)) == odd


def test_what_mails_and_chats_add_does_no_harm():
    for text in (
        f"  '{LINE}'\n",
        f"`{LINE}`",
        f"<{LINE}>",
        LINE.replace("&", "&\r\n  "),
        LINE.replace("3", "%33"),
    ):
        assert read_experiment_string(text) == read_experiment_string(LINE)
        assert is_experiment_string(text)
    assert not is_experiment_string("moons-density")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "begins with odeviz:, such as odeviz:moons-density?field.width=64&seed=3, not 'hello'"),
        ("odeviz:", "names a preset after odeviz:"),
        ("odeviz:?task=nothing", "names a preset after odeviz:"),
        ("odeviz:moon-density", "there is no preset 'moon-density' (did you mean 'moons-density'?)"),
        ("odeviz:moons-density?seed", "has settings such as seed=3 after ?, not 'seed'"),
        ("odeviz:moons-density?seed=1&seed=2", "seed is given twice"),
        ("odeviz:moons-density?seed=x", "seed must be a whole number"),
        ("odeviz:moons-density?sede=1", "did you mean 'seed'?"),
        ("odeviz:moons-density?data.noise=9", "data.noise must be a number from 0 to 1"),
        ("odeviz:moons-density?a=" + "9" * 9000, "at most 8,000 characters"),
    ],
)
def test_a_bad_line_gets_a_sentence(text, words):
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        read_experiment_string(text)
    assert "\n" not in str(caught.value)


def test_own_data_do_not_fit_on_a_line():
    with pytest.raises(ValueError, match="learns from your own data"):
        experiment_string(Experiment.of("density", {"data.name": "own"}))


def test_a_line_repeats_the_run_bit_for_bit():
    from odeviz.training import Session

    moons = PRESETS["moons-density"].experiment
    first = moons.with_settings({"field.width": 8, "training.lr": 1e-2 / 3, "training.batch": 32, "seed": 5})
    second = read_experiment_string(experiment_string(first))
    weights = []
    for experiment in (first, second):
        session = Session(experiment)
        for _ in range(3):
            assert session.step()
        weights.append(session.snapshot().weights)
    for name, array in weights[0].items():
        np.testing.assert_array_equal(array, weights[1][name])
