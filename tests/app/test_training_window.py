"""Training in the window: its speed, its ends, its past, and a run kept to compare with."""

import dataclasses
import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

from odeviz.app.actions import PACES
from odeviz.app.run_control import hot_part
from odeviz.bridge import Phase
from odeviz.tasks import Experiment
from odeviz.tasks.presets import PRESETS

#: What the offscreen platform says about every top-level window.
shows_a_window = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def test_the_speed_is_chosen_and_shown(rig):
    rig.window.actions_["pace.5"].trigger()
    assert rig.control.trainer._loop._pace == 5.0
    assert rig.window.pace_button.text() == "5 it/s"
    checked = [key for key in PACES if rig.window.actions_[f"pace.{key}"].isChecked()]
    assert checked == ["5"]


def test_an_experiment_of_another_task_has_nothing_that_applies_to_the_run():
    density = Experiment.of("density", {"options.trace": "hutchinson-gaussian"})
    assert hot_part(density, Experiment.of("classification", {"training.lr": 0.5})) == density


def test_why_a_run_ended_is_told_and_train_lets_it_go_on(rig):
    rig.show(training__iterations=100)
    rig.control.do("reset")
    session = rig.sessions[-1]
    session.rule = 3
    rig.control.do("train")
    rig.control.trainer.advance(9)
    rig.tick()
    assert rig.control.trainer.phase is Phase.FINISHED
    assert rig.bench.message == "Stopped at iteration 3."
    rig.control.do("train")
    rig.control.trainer.advance(2)
    assert rig.sessions[-1] is session
    assert session.iteration == 5
    session.rule = 6
    rig.control.trainer.advance(9)
    assert rig.bench.message == "Stopped at iteration 6."
    rig.control.do("reset")
    assert rig.bench.message == "", "of a run that is no more"


@pytest.fixture
def trained(rig):
    """A run in progress, 30 iterations old, with a checkpoint at every fourth."""
    rig.show(training__iterations=100)
    rig.window.show()
    rig.control.do("reset")
    rig.control.do("train")
    advance(rig, 30)
    return rig


def advance(rig, steps):
    rig.control.trainer.advance(steps)
    rig.control.trainer._loop._publish()
    rig.tick()
    rig.control.history._draw_after = 0.0
    rig.tick()


def at(plot, iteration):
    """Where an iteration lies in a plot's view port."""
    box = plot.getViewBox()
    y = box.viewRange()[1][0]
    return plot.mapFromScene(box.mapViewToScene(QPointF(iteration, y))) - QPoint(0, 40)


@shows_a_window
def test_dragging_through_the_loss_shows_the_model_as_it_was_while_training_goes_on(qtbot, trained):
    bench, window = trained.bench, trained.window
    plot, mark = window.loss.plot, window.replay_mark
    assert not mark.isVisible()
    qtbot.mousePress(plot.viewport(), Qt.MouseButton.LeftButton, pos=at(plot, 12.4))
    assert (bench.snapshot.iteration, bench.replay.held) == (12, True)
    for _ in range(8):
        trained.tick()
    assert trained.control.pictures.results["flow"].iteration == 12
    qtbot.mouseRelease(plot.viewport(), Qt.MouseButton.LeftButton, pos=at(plot, 20))
    assert (bench.snapshot.iteration, bench.replay.held) == (20, False)
    advance(trained, 10)
    assert (bench.snapshot.iteration, bench.latest.iteration) == (20, 40)
    assert mark.isVisible()
    assert mark._text.text() == "Showing iteration 20 of 40"
    assert window.status.fields["iteration"].text() == "40 / 100"
    qtbot.mouseClick(mark.back, Qt.MouseButton.LeftButton)
    assert bench.snapshot.iteration == 16
    qtbot.mouseClick(mark.live, Qt.MouseButton.LeftButton)
    assert (bench.snapshot.iteration, mark.isVisible()) == (40, False)
    assert window.focusWidget() is window.flow
    advance(trained, 5)
    assert bench.snapshot.iteration == 45


@shows_a_window
def test_the_status_bar_and_the_legend_of_the_loss_tell_the_same_numbers(trained):
    advance(trained, 7)
    trained.control.history._draw_after = math.inf
    trained.control.trainer.advance(5)
    trained.control.trainer._loop._publish()
    trained.tick()
    loss, told = (
        trained.window.loss,
        dict(zip(("loss", "metric"), ("mean loss", "final accuracy"), strict=True)),
    )
    assert len(loss._history) == 37
    keys = {key.name: key.value for key in loss.legend._keys}
    for field, name in told.items():
        assert trained.window.status.fields[field].text() == f"{name} {keys[name]}"
    assert "last 5 % of the iterations made" in trained.window.status.fields["loss"].toolTip()


@shows_a_window
def test_keys_step_through_the_run_and_a_new_one_is_shown_live(qtbot, trained):
    plot, bench = trained.window.nfe.plot, trained.bench
    for key, there in (
        (Qt.Key.Key_Left, 28),
        (Qt.Key.Key_Left, 24),
        (Qt.Key.Key_Right, 28),
        (Qt.Key.Key_Home, 0),
    ):
        qtbot.keyClick(plot, key)
        assert bench.snapshot.iteration == there
    qtbot.keyClick(plot, Qt.Key.Key_Left)
    assert bench.snapshot.iteration == 0
    qtbot.keyClick(plot, Qt.Key.Key_Escape)
    assert bench.snapshot.iteration == 30
    trained.control.do("earlier")
    trained.control.do("reset")
    trained.tick()
    assert (bench.replay.iteration, bench.snapshot.iteration) == (None, 0)


@shows_a_window
def test_saving_while_looking_back_saves_what_training_has_reached(trained, monkeypatch, tmp_path):
    trained.control.do("earlier")
    saved = []
    monkeypatch.setattr("odeviz.app.documents.save_model", lambda path, snapshot: saved.append(snapshot))
    trained.dialogs.to_save = tmp_path / "m.odeviz"
    trained.control.do("save")
    assert [snapshot.iteration for snapshot in saved] == [30]
    assert not trained.bench.unsaved


@shows_a_window
def test_a_kept_run_is_drawn_beside_the_next_and_named_by_what_differs(qtbot, trained):
    loss, nfe = trained.window.loss, trained.window.nfe
    qtbot.mouseClick(loss.keep, Qt.MouseButton.LeftButton)
    assert loss.keep.isChecked()
    trained.bench.edit("field.width", 8)
    trained.control.run.restart()
    advance(trained, 12)
    for panel, name in ((loss, "kept (width 64): final accuracy"), (nfe, "kept: width 64")):
        assert [key.name for key in panel.legend._keys][-1] == name
        assert len(panel._kept) == 30
    assert loss._kept_mean._lines[:, 2].max() == 30
    assert loss._x[1] >= 30
    # A loss of another kind cannot be drawn on the same axis; the evaluations can.
    trained.bench.set_document(None, unsaved=False)
    trained.show(task="density")
    assert len(loss._kept) == 0
    assert "not comparable" in loss.legend._keys[-1].name
    assert len(nfe._kept) == 30
    qtbot.mouseClick(loss.keep, Qt.MouseButton.LeftButton)
    assert not any("kept" in key.name for key in loss.legend._keys)
    assert not loss.keep.isChecked()


def test_settings_go_back_to_the_preset_in_one_undo_step(rig):
    preset = PRESETS["moons-classifier"]
    rig.bench.show_experiment(preset.experiment)
    rig.bench.edit("field.width", 7)
    rig.bench.edit("training.lr", 0.5)
    changed = rig.bench.experiment
    rig.control.do("reset_settings")
    assert rig.bench.experiment == preset.experiment
    rig.control.do("undo")
    assert rig.bench.experiment == changed


def test_a_learnt_end_time_is_told_beside_the_one_it_began_with(rig):
    rig.show(task="density")
    learnt = dataclasses.replace(rig.bench.snapshot, weights={"log_t1": np.array(np.log(1.25))})
    rig.bench.set_snapshot(learnt)
    row = rig.window.form._rows["solver.t1"]
    assert row._note.text() == "learnt: 1.250"


@shows_a_window
def test_the_solvers_error_is_measured_now_and_then_while_training(trained):
    for _ in range(3):
        advance(trained, 1)
        trained.control.pictures._idle_until = 0.0
        for _ in range(8):
            trained.tick()
    assert trained.control.trainer.phase is Phase.TRAINING
    assert trained.window.solver_bar.costs.text("error") == "10⁻⁵"
    # Not with every picture: the next is due in a while.
    asked = []
    trained.control.service.ask = lambda snapshot, request, **_: asked.append(request.kind)
    trained.control.pictures._ask_rest()
    assert "cost" not in asked


def test_a_model_of_layers_has_no_solver_to_set(rig):
    for model, solves in (("residual-net", False), ("ode-net", True)):
        rig.show(options__model=model)
        assert rig.window.solver_bar._controls.isHidden() is not solves
        assert rig.window.actions_["tighter"].isEnabled() is solves


@shows_a_window
def test_a_model_from_a_file_says_why_there_is_nothing_to_look_back_at(qtbot, rig):
    rig.show()
    rig.bench.set_snapshot(dataclasses.replace(rig.bench.snapshot, checkpoints=()))
    rig.window.show()
    rig.tick()
    qtbot.mousePress(rig.window.loss.plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(120, 60))
    assert "train it, and you can look back" in rig.bench.message
    assert rig.bench.replay.iteration is None
