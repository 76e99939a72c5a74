"""What is not saved survives a crash."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from fake_window import Rig
from PySide6.QtCore import Qt

from odeviz.app.autosave import _lock_of
from odeviz.storage.session_file import SUFFIX, View, load_session, save_session
from odeviz.tasks import Experiment
from odeviz.tasks.registry import expected_shapes
from odeviz.training.snapshot import Snapshot

EXPERIMENT = Experiment().with_settings({"field.width": 3, "field.depth": 1})
VIEW = View(EXPERIMENT, seeds=((0.5, 0.25),), t=0.4, t1=1.0)
#: Takes a lock and ends as a crash does, without giving it back.
CRASH = """
import os, sys
from PySide6.QtCore import QLockFile
lock = QLockFile(sys.argv[1])
assert lock.tryLock(0)
os._exit(1)
"""


@pytest.fixture
def snapshot():
    weights = {name: np.zeros(shape, np.float32) for name, shape in expected_shapes(EXPERIMENT).items()}
    return Snapshot(EXPERIMENT, 431, 7.0, weights)


@pytest.fixture
def rig(qtbot, tmp_path):
    rig = Rig(autosave=tmp_path / "autosave")
    yield rig
    rig.close()
    qtbot.wait(0)


@pytest.fixture
def left(rig, tmp_path, snapshot):
    """What a process that is gone has left behind."""
    (tmp_path / "autosave").mkdir()
    path = tmp_path / "autosave" / f"1-ab{SUFFIX}"
    save_session(path, snapshot, VIEW)
    return path


def files(folder):
    return sorted(path for path in folder.glob(f"*{SUFFIX}"))


def show_unsaved(rig, snapshot):
    rig.control.show_model(snapshot, None)
    rig.settle()
    rig.bench.set_document(None, unsaved=True)


def test_only_what_would_be_lost_is_written_and_only_when_it_has_changed(rig, tmp_path, snapshot):
    folder, autosave = tmp_path / "autosave", rig.control.autosave
    rig.control.show_model(snapshot, None)
    rig.settle()
    autosave.save()
    assert files(folder) == []
    rig.bench.add_seed((0.0, 0.0))
    autosave.save()
    (path,) = files(folder)
    assert load_session(path)[1].seeds == ((0.0, 0.0),)
    path.unlink()
    rig.tick(0.5)
    autosave.save()
    assert files(folder) == [], "playing on is no change"
    rig.bench.edit("seed", 4)
    autosave.save()
    assert load_session(path)[1].experiment.seed == 4
    rig.control.do("undo")
    rig.control.do("undo")
    autosave.save()
    assert files(folder) == [], "there is nothing to lose"


def test_a_run_that_is_kept_is_something_to_lose_until_a_session_holds_it(rig, tmp_path, snapshot):
    folder, autosave = tmp_path / "autosave", rig.control.autosave
    rig.control.show_model(snapshot, None)
    rig.settle()
    rig.bench.keep(snapshot)
    autosave.save()
    (path,) = files(folder)
    assert load_session(path)[1].kept.iteration == 431
    rig.dialogs.to_save = tmp_path / "mine.odeviz-session"
    rig.control.do("save_session")
    autosave.save()
    assert files(folder) == []


def test_a_clean_end_leaves_nothing_behind(rig, tmp_path, snapshot):
    show_unsaved(rig, snapshot)
    rig.control.autosave.save()
    assert len(files(tmp_path / "autosave")) == 1
    rig.control.shutdown()
    assert list((tmp_path / "autosave").iterdir()) == []


def test_what_was_left_behind_is_offered_and_restored(rig, left, qtbot):
    rig.show()
    assert not rig.window.actions_["restore"].isVisible()
    rig.control.autosave.start()
    assert "odeviz ended unexpectedly. Restore “" in rig.window.notice.sentence
    assert "iteration 431" in rig.window.notice.sentence
    assert not rig.window.notice.isHidden()
    assert rig.window.actions_["restore"].isVisible()
    qtbot.mouseClick(rig.window.notice.buttons[0], Qt.MouseButton.LeftButton)
    assert rig.bench.snapshot.iteration == 431
    assert rig.bench.seeds.points == ((0.5, 0.25),)
    assert rig.bench.unsaved
    assert rig.window.notice.isHidden()
    # It is kept in this process's own file from now on.
    (path,) = files(left.parent)
    assert path != left
    assert load_session(path)[0].iteration == 431


def test_what_was_left_behind_can_be_discarded(rig, left, qtbot, snapshot):
    other = left.with_name(f"2-cd{SUFFIX}")
    save_session(other, dataclasses.replace(snapshot, iteration=77), VIEW)
    rig.control.autosave.start()
    asked = [rig.window.notice.sentence]
    qtbot.mouseClick(rig.window.notice.buttons[1], Qt.MouseButton.LeftButton)
    asked.append(rig.window.notice.sentence)
    assert {"iteration 77," in sentence for sentence in asked} == {True, False}
    rig.window.show()
    rig.window.activateWindow()
    rig.window.notice.buttons[1].setFocus()
    assert rig.window.focusWidget() is rig.window.notice.buttons[1]
    rig.control.do("discard")
    assert rig.window.notice.isHidden()
    assert rig.window.focusWidget() is rig.window.flow, "and not a button that Return would press"
    assert files(left.parent) == []


def test_an_unanswered_offer_is_made_again(rig, left):
    rig.control.autosave.start()
    rig.control.shutdown()
    assert files(left.parent) == [left]
    assert _lock_of(left).tryLock(0)


def test_a_running_processs_file_is_left_alone_and_a_crashed_ones_is_offered(rig, left):
    held = _lock_of(left)
    assert held.tryLock(0)
    rig.control.autosave.start()
    assert rig.control.autosave.left_over is None
    held.unlock()
    subprocess.run([sys.executable, "-c", CRASH, f"{left}.lock"], check=False, timeout=60)
    rig.control.autosave.start()
    assert rig.control.autosave.left_over.path == left


def test_what_cannot_be_read_is_taken_away(rig, left):
    left.write_bytes(b"half a file")
    rig.control.autosave.start()
    assert rig.control.autosave.left_over is None
    assert files(left.parent) == []


def test_a_folder_that_cannot_be_written_is_told_once(rig, tmp_path, snapshot):
    (tmp_path / "autosave").write_text("in the way")
    show_unsaved(rig, snapshot)
    rig.control.autosave.save()
    assert rig.bench.message.startswith("What is not saved would not survive a crash: Cannot write ")
    rig.bench.say("")
    rig.control.autosave.save()
    assert rig.bench.message == ""
