"""What a person expects of any window: named undo steps, recent files, a title, and a question before work is lost."""

import dataclasses

import numpy as np
import pytest
from PySide6.QtCore import QSettings

from odeviz.app.recent_files import RecentFiles
from odeviz.storage.model_file import load_model, save_model
from odeviz.tasks import Experiment
from odeviz.tasks.presets import PRESETS
from odeviz.training.snapshot import Snapshot


@pytest.fixture
def model_file(tmp_path):
    from odeviz.tasks.registry import expected_shapes

    experiment = Experiment().with_settings({"field.width": 3, "field.depth": 1})
    weights = {name: np.zeros(shape, np.float32) for name, shape in expected_shapes(experiment).items()}
    path = tmp_path / "tiny.odeviz"
    save_model(path, Snapshot(experiment, 12, 1.0, weights))
    return path


def test_undo_and_redo_name_what_they_would_do(rig):
    rig.show()
    undo, redo = (rig.window.actions_[key] for key in ("undo", "redo"))
    assert (undo.text(), undo.isEnabled()) == ("Undo", False)
    rig.bench.edit("training.lr", 0.02)
    rig.bench.edit("training.lr", 0.03)
    assert undo.text() == "Undo learning rate 0.03"
    rig.control.do("tighter")
    assert undo.text() == "Undo tolerance 1e-05"
    assert "Undo tolerance 1e-05" in undo.toolTip()
    rig.control.do("layer.arrows")
    assert undo.text() == "Undo hiding of field"
    rig.control.do("undo")
    assert redo.text() == "Redo hiding of field"


def test_recent_files_are_listed_opened_and_dropped_when_they_are_gone(rig, model_file, tmp_path):
    actions = rig.window.actions_
    assert not actions["recent.0"].isVisible()
    rig.control.documents.open(model_file)
    rig.dialogs.to_save = tmp_path / "copy & more.odeviz"
    rig.control.do("save_as")
    assert actions["recent.0"].text().startswith("copy && more.odeviz  (")
    assert actions["recent.1"].text().startswith("tiny.odeviz  (")
    rig.control.do("recent.1")
    assert rig.bench.path == model_file

    (tmp_path / "copy & more.odeviz").unlink()
    rig.control.do("recent.1")
    assert rig.dialogs.troubles[0][0] == "copy & more.odeviz could not be opened"
    assert [name.rpartition("/")[2] for name in rig.control.documents.recent.names] == ["tiny.odeviz"]
    rig.control.do("forget_recent")
    assert not actions["recent.0"].isVisible()


@pytest.mark.parametrize("count", [1, 12])
def test_recent_files_are_remembered_and_bounded(qapp, tmp_path, count):
    settings = QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)
    recent = RecentFiles(settings)
    for place in range(count):
        recent.add(tmp_path / f"{place}.odeviz")
    settings.sync()
    again = RecentFiles(QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat))
    assert again.names == recent.names
    assert len(again.names) == min(count, 9)
    assert again.names[0] == str(tmp_path / f"{count - 1}.odeviz")


def test_a_changed_preset_keeps_its_name_in_title_and_form(rig):
    moons = PRESETS["moons-classifier"]
    entries = {entry.path: entry.value for entry in moons.experiment.entries()}
    rig.show(**entries)
    box = rig.window.form._presets
    box.resize(240, 28)
    assert rig.window.windowTitle() == f"{moons.title}[*] — odeviz"
    assert box.currentText() == moons.title
    rig.bench.edit("seed", 5)
    rig.tick()
    assert box.currentIndex() == -1
    assert box.shown[:5] == moons.title[:5]
    assert box.shown.endswith(" (changed)")
    rig.control.do("undo")
    rig.tick()
    assert box.currentText() == moons.title


def trained(rig, seconds):
    """A run of so many seconds that is not saved."""
    rig.show(training__iterations=10)
    rig.bench.set_snapshot(dataclasses.replace(rig.bench.snapshot, seconds=seconds))
    rig.bench.set_document(None, unsaved=True)


def test_a_long_run_is_not_thrown_away_without_a_question_and_a_short_one_is(rig):
    trained(rig, seconds=300.0)
    asked = []
    rig.dialogs.keep_changes = lambda what: asked.append(what) or "cancel"
    for start in ("reset", "train", "step"):
        rig.control.do(start)
    rig.bench.edit("field.width", 8)
    rig.window.form.restart_requested.emit()
    assert asked == ["The model (10 iterations, 5 min of training) was trained and is not saved."] * 4
    assert rig.sessions == []
    rig.dialogs.keep_changes = lambda what: "discard"
    rig.control.do("reset")
    assert len(rig.sessions) == 1

    trained(rig, seconds=3.0)
    rig.dialogs.keep_changes = None
    rig.control.do("reset")
    assert len(rig.sessions) == 2


def test_a_long_run_can_be_saved_first(rig, model_file):
    rig.control.documents.open(model_file)
    rig.bench.set_snapshot(dataclasses.replace(rig.bench.snapshot, seconds=300.0, iteration=13))
    rig.bench.set_document(model_file, unsaved=True)
    rig.dialogs.keep = "save"
    rig.control.do("reset")
    assert load_model(model_file).iteration == 13
    assert len(rig.sessions) == 1
