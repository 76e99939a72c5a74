"""Sessions: the window is put back as it was seen."""

import dataclasses

import numpy as np
import pytest
from fake_window import FakeSession, FakeStudy
from PySide6.QtCore import Qt

from odeviz.analysis.projection import Projection
from odeviz.app.panel_places import arrange, places_of
from odeviz.storage.model_file import save_model
from odeviz.storage.session_file import Place
from odeviz.tasks import Experiment
from odeviz.tasks.registry import expected_shapes
from odeviz.training.checkpoints import Checkpoint
from odeviz.training.snapshot import Snapshot


@pytest.fixture
def model_file(tmp_path):
    """A model file of a tiny classifier, made without torch."""
    experiment = Experiment().with_settings({"field.width": 3, "field.depth": 1})
    weights = {name: np.zeros(shape, np.float32) for name, shape in expected_shapes(experiment).items()}
    path = tmp_path / "tiny.odeviz"
    save_model(path, Snapshot(experiment, 12, 1.0, weights))
    return path


@pytest.fixture
def session_file(rig, model_file, tmp_path):
    """A session of that model with much changed, which the window shows."""
    control, bench = rig.control, rig.bench
    control.documents.open(model_file)
    rig.settle()
    bench.edit("seed", 9)
    control.do("tighter")
    control.do("per_sample")
    bench.add_seed((0.5, -0.5))
    bench.show_layer("arrows", False)
    bench.colour_by("speed")
    bench.project(Projection.of("axes"))
    bench.look_at((-1.0, 1.0, -0.5, 0.5))
    control.playback.scrub(1.5)
    control.playback.loop(False)
    rig.window.docks["loss"].close()
    rig.dialogs.to_save = tmp_path / "mine.odeviz-session"
    control.do("save_session")
    return rig.dialogs.to_save


def seen(rig):
    bench = rig.bench
    head = bench.playhead
    return (
        bench.experiment, bench.choice, bench.seeds, dict(bench.layers), bench.colouring, bench.projection,
        bench.range, (head.t, head.t1, head.loop, head.speed), rig.window.docks["loss"].isHidden(),
    )  # fmt: skip


def test_a_session_puts_everything_back(rig, model_file, session_file):
    before = seen(rig)
    assert rig.window.windowTitle() == "mine.odeviz-session[*] — odeviz"
    rig.control.documents.open(model_file)
    rig.control.do("reset_layout")
    rig.settle()
    assert seen(rig) != before
    rig.control.documents.open(session_file)
    rig.settle()
    assert seen(rig) == before
    assert not rig.bench.playhead.playing
    assert not rig.bench.undo_stack.canUndo()


def test_a_changed_view_puts_a_session_behind_until_it_is_undone_or_saved(rig, session_file):
    assert not rig.bench.unsaved
    rig.bench.add_seed((0.0, 0.0))
    assert rig.bench.unsaved
    rig.control.do("undo")
    assert not rig.bench.unsaved
    rig.bench.add_seed((0.0, 0.0))
    rig.control.do("save")
    assert not rig.bench.unsaved
    rig.control.documents.open(session_file)
    assert len(rig.bench.seeds.points) == 2


def test_the_question_tells_that_only_the_view_would_be_lost(rig, session_file):
    rig.bench.add_seed((0.0, 0.0))
    asked = []
    rig.dialogs.keep_changes = lambda what: asked.append(what) or "cancel"
    rig.window.close()
    assert asked == ["What mine.odeviz-session shows was changed and is not saved."]


def test_an_opened_session_can_be_scrubbed_through_its_run_and_compared_again(rig, model_file, tmp_path):
    control, bench = rig.control, rig.bench
    control.documents.open(model_file)
    before = dataclasses.replace(bench.latest, history=FakeSession(bench.experiment).snapshot().history)
    past = tuple(Checkpoint(k, 0.1 * k, bench.latest.weights) for k in (0, 4, 8))
    bench.set_snapshot(dataclasses.replace(before, checkpoints=past))
    control.do("compare")
    bench.keep(before)
    rig.dialogs.to_save = tmp_path / "run.odeviz-session"
    control.do("save_session")
    pinned = bench.pinned
    bench.keep(None)
    assert bench.unsaved, "the file keeps a run to compare with, the window no longer"
    rig.dialogs.keep_changes = lambda what: "discard"
    control.documents.open(model_file)
    assert bench.pinned is None
    control.documents.open(rig.dialogs.to_save)
    assert bench.pinned == pinned
    assert bench.kept is not None
    assert not bench.unsaved
    control.do("earlier")
    rig.settle()
    assert bench.snapshot.iteration == 8


def test_a_sessions_view_comes_back_over_a_model_of_another_task(rig, model_file, tmp_path, monkeypatch):
    monkeypatch.setattr(rig.window, "is_seen", lambda panel: True)
    control, view = rig.control, rig.window.view
    control.documents.open(model_file)
    rig.settle()
    view.choose("probability")
    rig.dialogs.to_save = tmp_path / "other.odeviz-session"
    control.do("save_session")
    rig.show(task="density")
    rig.settle()
    assert view.view == "filmstrip"
    asked, answer = [], FakeStudy.view
    monkeypatch.setattr(
        FakeStudy, "view", lambda *given, **more: asked.append(given[1]) or answer(*given, **more)
    )
    control.documents.open(rig.dialogs.to_save)
    rig.settle()
    assert view.view == "probability"
    assert "filmstrip" not in asked, "a view of the model before"


def test_without_a_model_saving_says_what_is_missing(rig):
    rig.dialogs.to_save = None
    for key in ("save", "save_as", "save_session"):
        rig.bench.say("")
        rig.control.do(key)
        assert "no model to save yet" in rig.bench.message


def test_a_changed_view_does_not_put_a_model_behind(rig, model_file):
    rig.control.documents.open(model_file)
    rig.bench.add_seed((0.0, 0.0))
    assert not rig.bench.unsaved


@pytest.mark.qt_log_ignore("propagateSizeHints|does not support raise", extend=True)
def test_panels_go_back_to_where_they_stood(rig, qtbot):
    window = rig.window
    docks, right = window.docks, Qt.DockWidgetArea.RightDockWidgetArea
    window.resize(1440, 900)
    window.show()
    qtbot.waitExposed(window)
    docks["nfe"].close()
    window.tabifyDockWidget(docks["density"], docks["precision"])
    window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, docks["experiment"])
    window.tabifyDockWidget(docks["loss"], docks["steps"])
    window.removeDockWidget(docks["view"])
    window.splitDockWidget(docks["loss"], docks["view"], Qt.Orientation.Horizontal)
    docks["view"].show()
    docks["steps"].raise_()
    qtbot.wait(0)
    places = places_of(window)

    window.reset_layout()
    qtbot.wait(0)
    assert places_of(window) != places
    arrange(window, places)
    qtbot.wait(0)
    assert [replaced(place) for place in places_of(window)] == [replaced(place) for place in places]
    assert docks["nfe"].isHidden()
    assert window.dockWidgetArea(docks["view"]) == right
    assert docks["view"].x() > docks["density"].x()
    assert docks["steps"].y() > docks["density"].y()
    assert docks["precision"] in window.tabifiedDockWidgets(docks["density"])
    assert docks["steps"].visibleRegion().isEmpty() is False

    arrange(window, ())
    arrange(window, (Place("nothing", "left", 0, True, True, False, 9, 9),))
    assert docks["experiment"].isVisible()


def replaced(place):
    """Without sizes, which what else stands in the window changes by some pixels."""
    return dataclasses.replace(place, width=0, height=0)


def test_saving_a_session_as_a_model_leaves_the_view_out(rig, session_file, tmp_path):
    rig.dialogs.to_save = tmp_path / "plain.odeviz"
    rig.control.do("save_as")
    rig.bench.add_seed((0.0, 0.0))
    assert not rig.bench.unsaved
    rig.control.documents.open(tmp_path / "plain.odeviz")
    assert rig.bench.seeds.points == ()


def test_seeds_that_do_not_fit_the_model_are_not_drawn_and_do_no_harm(rig):
    rig.show()
    rig.bench.add_seed((0.1, 0.2, 0.3))
    rig.settle()
    assert len(rig.window.flow.seeds.seeds) == 0
    rig.control.do("undo")
    rig.window.flow.seed_added.emit(0.1, 0.2)
    rig.settle()
    assert len(rig.window.flow.seeds.seeds) == 1


def test_settings_that_learn_from_data_the_file_does_not_hold_are_left_out(rig, model_file, tmp_path):
    control, bench = rig.control, rig.bench
    points = np.random.default_rng(0).normal(size=(40, 2))
    control.documents.open(model_file)
    bench.data = {"points": points.astype(np.float32), "labels": np.arange(40) % 2}
    bench.edit("data.name", "own")
    assert bench.experiment.data.name == "own"
    rig.dialogs.to_save = tmp_path / "mine.odeviz-session"
    control.do("save_session")
    control.documents.open(rig.dialogs.to_save)
    assert bench.experiment.data.name == "moons"
