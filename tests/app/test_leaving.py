"""Leaving a model: what is not saved is asked about first."""

import pytest

#: What the offscreen platform says about every top-level window.
shows_a_window = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


@shows_a_window
def test_closing_a_trained_model_asks_and_cancel_keeps_the_window(rig, qtbot):
    rig.show()
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
    rig.show()
    rig.control.do("step")
    rig.tick()
    trained = rig.bench.snapshot
    rig.control.do("preset.moons-density")
    assert rig.bench.snapshot is trained
    rig.dialogs.keep = "discard"
    rig.control.do("preset.moons-density")
    assert rig.bench.snapshot.experiment.task == "density"


def test_saving_first_shows_the_other_model_afterwards(rig, tmp_path):
    rig.show()
    rig.control.do("step")
    rig.tick()
    rig.dialogs.keep, rig.dialogs.to_save = "save", tmp_path / "kept.odeviz"
    rig.control.do("preset.moons-density")
    assert rig.dialogs.to_save.exists()
    assert rig.bench.snapshot.experiment.task == "density"
    assert not rig.bench.unsaved


def test_a_save_that_fails_keeps_the_trained_model_on_show(rig, tmp_path):
    rig.show()
    rig.control.do("step")
    rig.tick()
    trained = rig.bench.snapshot
    rig.dialogs.keep, rig.dialogs.to_save = "save", tmp_path / "no such folder" / "kept.odeviz"
    rig.control.do("preset.moons-density")
    assert rig.bench.snapshot is trained
    assert rig.bench.unsaved
