"""Leaving a model: what is not saved is asked about first."""

import dataclasses

import numpy as np
import pytest
from fake_window import FakeSession

from odeviz.app.leaving import LONG_RUN, is_missed
from odeviz.storage.own_data import OwnData
from odeviz.tasks.presets import preset

#: What the offscreen platform says about every top-level window.
shows_a_window = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


@shows_a_window
def test_closing_a_trained_model_asks_and_cancel_keeps_the_window(rig, qtbot):
    rig.show(field__width=40)
    rig.control.do("step")
    rig.tick()
    rig.window.show()
    rig.window.close()
    assert rig.window.isVisible()
    rig.dialogs.keep = "discard"
    rig.window.close()
    assert not rig.window.isVisible()


@shows_a_window
def test_closing_an_untouched_model_asks_nothing(rig):
    rig.show()
    rig.window.show()
    rig.window.close()
    assert not rig.window.isVisible()


def test_another_model_does_not_replace_a_trained_one_unasked(rig):
    rig.show(field__width=40)
    rig.control.do("step")
    rig.tick()
    trained = rig.bench.snapshot
    rig.control.do("preset.moons-density")
    assert rig.bench.snapshot is trained
    rig.dialogs.keep = "discard"
    rig.control.do("preset.moons-density")
    assert rig.bench.snapshot.experiment.task == "density"


def test_saving_first_shows_the_other_model_afterwards(rig, tmp_path):
    rig.show(field__width=40)
    rig.control.do("step")
    rig.tick()
    rig.dialogs.keep, rig.dialogs.to_save = "save", tmp_path / "kept.odeviz"
    rig.control.do("preset.moons-density")
    assert rig.dialogs.to_save.exists()
    assert rig.bench.snapshot.experiment.task == "density"
    assert not rig.bench.unsaved


def test_a_save_that_fails_keeps_the_trained_model_on_show(rig, tmp_path):
    rig.show(field__width=40)
    rig.control.do("step")
    rig.tick()
    trained = rig.bench.snapshot
    rig.dialogs.keep, rig.dialogs.to_save = "save", tmp_path / "no such folder" / "kept.odeviz"
    rig.control.do("preset.moons-density")
    assert rig.bench.snapshot is trained
    assert rig.bench.unsaved


PRESET = preset("moons-density").experiment


@pytest.mark.parametrize(
    ("settings", "seconds", "unsaved", "in_file", "missed"),
    [
        ({}, 33.0, True, False, False),
        ({}, LONG_RUN, True, False, True),
        ({}, LONG_RUN, False, False, False),
        ({"field.width": 40}, 1.0, True, False, True),
        ({"field.width": 40}, 1.0, False, False, False),
        ({"data.name": "own"}, 0.0, False, False, True),
        ({"data.name": "own"}, 9.0, False, True, False),
        ({}, 1.0, True, True, True),
    ],
)
def test_what_a_person_would_miss(settings, seconds, unsaved, in_file, missed):
    snapshot = FakeSession(PRESET.with_settings(settings)).snapshot()
    assert is_missed(dataclasses.replace(snapshot, seconds=seconds), unsaved, in_file) is missed
    assert not is_missed(None, False, False)


def test_a_short_run_of_a_preset_is_left_and_reset_without_a_question_and_a_long_one_is_not(rig):
    asked = []
    rig.dialogs.keep_changes = lambda what: asked.append(what) or "cancel"
    rig.control.do("preset.moons-density")
    for seconds, questions in ((33.0, 0), (150.0, 2)):
        rig.control.do("step")
        rig.tick()
        rig.bench.set_snapshot(dataclasses.replace(rig.bench.latest, iteration=1234, seconds=seconds))
        rig.bench.set_document(None, unsaved=True)
        for leave in ("reset", "preset.moons-density"):
            rig.control.do(leave)
        assert len(asked) == questions
    assert asked == ["The model (1,234 iterations, 2 min of training) was trained and is not saved."] * 2


def test_a_drawing_is_asked_about_before_it_is_learnt_from(rig):
    asked = []
    rig.dialogs.keep_changes = lambda what: asked.append(what) or "cancel"
    rig.show()
    points = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    own = OwnData({"points": points, "labels": np.zeros(60, np.int64)})
    rig.control.own_data._on_drawn(own)
    rig.tick()
    rig.control.do("reset")
    assert asked == []
    rig.control.do("preset.moons-density")
    assert asked == ["Your own data are not saved."]
    assert rig.bench.latest.experiment.data.name == "own"
