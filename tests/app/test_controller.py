"""What a person's actions do, and what the window shows of it."""

import dataclasses

import numpy as np
import pytest
from fake_window import EXTENT, FakeSession, FakeStudy
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication

from odeviz.analysis.results import SolverChoice
from odeviz.app.actions import ACTIONS
from odeviz.bridge import Answer, DensityRequest, Phase, Trouble
from odeviz.state import Mark, offered
from odeviz.tasks import Experiment
from odeviz.tasks.chart import Map, Maps
from odeviz.tasks.presets import PRESETS
from odeviz.tasks.registry import task_of

#: What the offscreen platform says about every top-level window.
shows_a_window = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def test_every_action_of_the_registry_does_something(rig):
    assert {spec.key for spec in ACTIONS} == set(rig.control._commands)


def test_a_shown_model_moves(rig):
    rig.show(task="density", solver__method="rk4")
    before = rig.bench.playhead.t
    rig.tick(0.05)
    assert rig.bench.playhead.t > before
    assert {"scene", "flow", "cost", "field", "background"} <= rig.control.pictures.results.keys()


def test_the_flows_end_time_is_the_playheads(rig):
    rig.show()
    assert rig.bench.playhead.t1 == 2.0


def test_train_starts_from_scratch_when_the_shown_model_is_finished(rig):
    rig.show(training__iterations=10)
    rig.control.do("train")
    rig.control.trainer.advance(3)
    rig.control.do("train")
    rig.tick()
    assert rig.control.trainer.phase is Phase.PAUSED
    assert rig.bench.snapshot.iteration == 3
    assert rig.bench.unsaved


def test_train_goes_on_after_a_pause(rig):
    rig.show(training__iterations=10)
    for _ in range(3):
        rig.control.do("train")
        rig.control.trainer.advance(2)
    rig.control.trainer.pause()
    rig.tick()
    assert len(rig.sessions) == 1
    assert rig.bench.snapshot.iteration == 4


def test_training_to_the_end_is_reported(rig):
    rig.show(training__iterations=5)
    rig.control.do("train")
    rig.control.trainer.advance(6)
    rig.tick()
    assert rig.control.trainer.phase is Phase.FINISHED
    assert rig.window.status.fields["iteration"].text() == "5 / 5"


def test_a_cold_change_makes_train_start_again(rig):
    rig.show()
    rig.control.do("reset")
    rig.bench.edit("field.width", 8)
    rig.control.do("train")
    assert [session.experiment.field.width for session in rig.sessions] == [64, 8]


def test_a_hot_change_reaches_the_running_session_at_once_and_leaves_cold_ones_waiting(rig):
    rig.show()
    rig.control.do("reset")
    rig.bench.edit("field.width", 8)
    rig.bench.edit("training.lr", 0.02)
    running = rig.sessions[0].experiment
    assert (running.training.lr, running.field.width) == (0.02, 64)
    assert rig.bench.running == running


def test_undo_of_a_hot_change_reaches_the_session_too(rig):
    rig.show()
    rig.control.do("reset")
    rig.bench.edit("training.lr", 0.02)
    rig.control.do("undo")
    assert rig.sessions[0].experiment.training.lr == 5e-3


def test_step_makes_one_iteration_of_a_new_run(rig):
    rig.show()
    rig.control.do("step")
    rig.control.do("step")
    rig.tick()
    assert rig.bench.snapshot.iteration == 2
    assert rig.control.trainer.phase is Phase.PAUSED


def test_numerical_trouble_is_told_in_the_view_and_keeps_the_model(rig):
    rig.show()
    rig.control.do("reset")
    rig.sessions[0].message = "Training stopped at iteration 1: the loss became nan."
    rig.control.do("train")
    rig.control.trainer.advance(1)
    rig.tick()
    assert rig.control.trainer.phase is Phase.TROUBLE
    assert rig.window.flow.overlays.message.text() == "Training stopped at iteration 1: the loss became nan."
    assert rig.bench.snapshot is not None
    assert rig.dialogs.troubles == []


def test_an_exception_in_training_opens_a_dialog_with_details(rig):
    rig.show()
    rig.control.do("reset")
    rig.sessions[0].step = lambda: 1 / 0
    rig.control.do("train")
    rig.control.trainer.advance(1)
    (title, trouble), *_ = rig.dialogs.troubles
    assert title == "Training stopped"
    assert "ZeroDivisionError" in trouble.details


def test_a_solve_that_fails_is_told_in_the_view(rig):
    rig.show()
    rig.control.service._loop._make_study = lambda snapshot: failing(rig, snapshot)
    rig.control.do("reset")
    rig.settle()
    assert rig.window.flow.overlays.message.text() == "The step became too small at t = 0.5."


def failing(rig, snapshot):
    study = type(rig.studies[0])(snapshot)
    study.status, study.message = "step_too_small", "The step became too small at t = 0.5."
    return study


def test_the_tolerance_slider_solves_again(rig):
    rig.show()
    choice = SolverChoice(rtol=1e-6, atol=1e-6)
    rig.window.solver_bar.choice_changed.emit(choice)
    rig.settle()
    assert rig.control.pictures.results["flow"].choice == choice
    assert rig.control.pictures.results["cost"].error == 1e-5


def test_a_slider_drag_is_one_undo_step_and_measures_the_error_at_its_end(rig):
    rig.show()
    bar = rig.window.solver_bar
    before = rig.bench.choice
    bar.drag_started.emit()
    rig.control.pictures.results.pop("cost")
    for exponent in (4, 5, 6):
        bar.choice_changed.emit(SolverChoice(rtol=10.0**-exponent, atol=10.0**-exponent))
        rig.tick()
    assert "cost" not in rig.control.pictures.results
    bar.drag_finished.emit()
    rig.settle()
    assert rig.control.pictures.results["cost"].choice.rtol == 1e-6
    rig.control.do("undo")
    assert rig.bench.choice == before


def test_tolerance_actions_move_by_decades_and_stop_at_the_ends(rig):
    rig.show()
    rig.control.do("tighter")
    assert rig.bench.choice.rtol == pytest.approx(1e-5)
    for _ in range(20):
        rig.control.do("looser")
    assert rig.bench.choice.rtol == 0.1


def test_with_a_fixed_step_method_the_tolerance_actions_double_and_halve_the_steps(rig):
    rig.show()
    rig.bench.choose(SolverChoice(method="rk4", steps=20))
    rig.control.do("tighter")
    assert rig.bench.choice.steps == 40


def test_seeds_get_trajectories_and_can_be_removed(rig):
    rig.show()
    rig.window.flow.seed_added.emit(0.5, -0.5)
    rig.window.flow.seed_added.emit(1.0, 1.0)
    rig.tick()
    assert rig.control.pictures.results["seeds"].paths.shape[1] == 2
    rig.control.do("remove_seed")
    rig.tick()
    assert rig.bench.seeds.points == ((0.5, -0.5),)
    rig.control.do("clear_seeds")
    assert "seeds" not in rig.control.pictures.results


def test_every_layer_and_colouring_that_is_offered_is_drawn_from_what_it_asks_for(rig):
    rig.show()
    for key in offered(rig.bench.stage):
        if not rig.bench.layers[key]:
            rig.control.do(f"layer.{key}")
    rig.control.do("colour.nfe")
    rig.settle()
    assert {"stream", "rest", "border", "effort"} <= rig.control.pictures.results.keys()
    flow = rig.window.flow
    assert flow.overlays.key._scale.title == "NFE"
    assert len(flow._layers["rest"]._now) == 1
    assert rig.control.redraw._going
    tails = flow._layers["tracers"]._tails
    rig.tick(0.02)
    before = tails._lines.copy()
    rig.tick(0.02)
    assert (tails._lines != before).any()
    for key in ("layer.tracers", "layer.rest", "layer.boundary"):
        rig.control.do(key)
    rig.control.playback.play(False)
    assert not rig.control.redraw._going
    rig.control.do("undo")
    assert rig.bench.layers["boundary"]


def test_what_a_turning_wheel_brings_into_view_is_solved_for_once_when_it_rests(rig, qtbot, monkeypatch):
    rig.show()
    rig.settle()
    asked, field = [], FakeStudy.field
    monkeypatch.setattr(
        FakeStudy, "field", lambda *given, **more: asked.append(given[1].x1) or field(*given, **more)
    )
    rig.control.pictures.settling.calm = 0.05
    for reach in range(3, 9):
        rig.window.flow._box.setRange(xRange=(-reach, reach), yRange=(-reach, reach), padding=0.0)
        rig.tick(0.0)
    assert not asked
    assert not rig.control.pictures.settled
    with qtbot.waitSignal(rig.control.pictures.settling.settled):
        pass
    rig.settle()
    assert [reach >= 8.0 for reach in asked] == [True]


def test_the_background_reaches_as_far_as_is_seen(rig):
    rig.show()
    rig.settle()
    flow, results = rig.window.flow, rig.control.pictures.results
    first = results["background"]
    for seen in ((-2.0, 2.0, -2.0, 2.0), (3.0, 7.0, -2.0, 2.0), (-9.0, 9.0, -9.0, 9.0), (0.0, 0.5, 0.0, 0.5)):
        flow._box.setRange(xRange=seen[:2], yRange=seen[2:], padding=0.0)
        rig.settle()
        x0, x1, y0, y1 = flow.seen_range
        e = results["background"].extent
        assert e.x0 <= x0 < x1 <= e.x1
        assert e.y0 <= y0 < y1 <= e.y1
    assert results["background"] is not first


def test_a_trajectory_that_is_marked_anywhere_lights_up_everywhere(rig):
    rig.show()
    rig.window.flow.seed_added.emit(0.5, -0.5)
    rig.tick()
    flow, series = rig.window.flow, rig.window.series
    assert series.plots[0]._lit._count > 0
    series.marked.emit(Mark("seed", 0))
    assert flow.seeds._hovered == 0
    flow.selected.emit((Mark("trajectory", 3),), True)
    assert rig.bench.selection.marks == (Mark("seed", 0), Mark("trajectory", 3))
    assert [numbers for _, _, numbers in series._curves(0)] == [[0], [3]]
    rig.control.do("remove_seed")
    assert rig.bench.selection.marks == (Mark("trajectory", 3),)


@shows_a_window
def test_maps_of_states_mark_trajectories_and_select_them(qtbot, rig):
    rig.show()
    rig.window.show()
    rig.window.docks["view"].raise_()
    qtbot.waitExposed(rig.window)
    rig.settle()
    square = (-1.0, 1.0, -1.0, 1.0)
    over = Map("NFE", square, np.eye(4), at=1.0)
    rig.window.view.set_picture(Maps("maps", (over, Map("plain", square, np.eye(4))), columns=2))
    qtbot.wait(1)
    cell, plain = rig.window.view._maps._cells[:2]
    # Every trajectory of the fake study is at (t, 0).
    there = cell._plot.mapFromScene(cell._plot.getViewBox().mapViewToScene(QPointF(1.0, 0.0)))
    qtbot.mouseMove(cell._plot.viewport(), there - QPoint(3, 0))
    qtbot.mouseClick(cell._plot.viewport(), Qt.MouseButton.LeftButton, pos=there - QPoint(3, 0))
    assert rig.bench.selection.marks == (Mark("trajectory", 0),)
    assert cell.lit.dots.data["x"].tolist() == [1.0]
    assert not len(plain.lit.dots.data)
    assert rig.window.flow.paths._marked[1] == (0,)


def test_the_steps_of_what_is_selected_are_asked_for_while_they_are_seen_and_once(rig, monkeypatch):
    asked = []
    alone = FakeStudy.alone
    monkeypatch.setattr(FakeStudy, "alone", lambda *given: asked.append(given[1]) or alone(*given))
    rig.show()
    rig.bench.select(Mark("trajectory", 3))
    rig.settle()
    assert not asked, "the panel stands behind another"
    monkeypatch.setattr(rig.window, "is_seen", lambda panel: panel is rig.window.steps)
    rig.settle()
    rig.settle()
    assert asked == [(Mark("trajectory", 3),)]
    assert list(rig.window.steps._own) == [Mark("trajectory", 3)]
    rig.bench.select()
    rig.settle()
    assert not rig.window.steps._own


def test_coordinates_of_the_selected_seeds_are_copied(rig):
    rig.show()
    for x in (0.25, 0.5):
        rig.window.flow.seed_added.emit(x, -1.0)
    rig.control.do("copy_seeds")
    assert QGuiApplication.clipboard().text() == "0.5, -1"
    rig.bench.select()
    rig.control.do("copy_seeds")
    assert QGuiApplication.clipboard().text() == "0.25, -1\n0.5, -1"


def test_in_space_seeds_are_states_and_a_turn_is_one_undo_step(rig):
    rig.show()
    study = rig.studies[-1]
    study.dim = 3
    rig.control.do("projection.space")
    rig.settle()
    flow = rig.window.flow
    assert flow.turns
    assert "arrows" not in flow._offered
    assert len([plot for plot in rig.window.series.plots if plot._labels["left"] in "xyz"]) == 3
    assert "seen in space" in rig.window.density.plot._message.text()
    flow.seed_added.emit(0.5, 0.25)
    seed = np.array(rig.bench.seeds.points[0])
    np.testing.assert_allclose(rig.bench.projection.camera @ seed, [0.5, 0.25, 0.0], atol=1e-9)
    turned = rig.bench.projection
    for _ in range(3):
        flow.turn(10.0, 5.0, finished=False)
    flow.turn(10.0, 5.0, finished=True)
    assert rig.bench.projection.turn[0] == pytest.approx((turned.turn[0] - 16.0) % 360)
    rig.control.do("undo")
    assert rig.bench.projection == turned
    flow.seed_moved.emit(0, 0.75, 0.25)
    flow.seed_drag_finished.emit(0)
    np.testing.assert_allclose(turned.camera @ rig.bench.seeds.points[0], [0.75, 0.25, 0.0], atol=1e-9)
    # Until another projection is solved for, a seed is set where it is seen.
    rig.control.do("projection.axes")
    flow.seed_added.emit(-0.5, 0.25)
    np.testing.assert_allclose(turned.camera @ rig.bench.seeds.points[1], [-0.5, 0.25, 0.0], atol=1e-9)


def test_nothing_of_the_model_before_is_drawn_among_the_next_ones_data(rig, monkeypatch):
    rig.show()
    assert rig.window.flow._flow is not None
    solves = rig.control.service.ask

    def only_the_scene(snapshot, request, **how):
        return solves(snapshot, request, **how) if request.kind == "scene" else 0

    monkeypatch.setattr(rig.control.service, "ask", only_the_scene)
    other = FakeSession(Experiment().with_settings({"task": "classification", "data.name": "circles"}))
    rig.control.show_model(other.snapshot(), None)
    rig.tick()
    assert "scene" in rig.control.pictures.results
    assert rig.window.flow._flow is None


def test_no_background_is_asked_for_where_the_model_just_chosen_has_none(rig):
    rig.show(task="density")
    asked = []
    rig.control.service.ask = lambda snapshot, request, patient=False: asked.append(request)
    # The stage is of the model before until the next tick.
    none = next(each for each in PRESETS.values() if not task_of(each.experiment).behind(each.experiment))
    rig.bench.snapshot = dataclasses.replace(rig.bench.snapshot, experiment=none.experiment)
    rig.control.pictures.background.renew(EXTENT, training=False)
    assert asked == []


def test_a_projection_that_is_left_before_it_is_shown_leaves_nothing_behind(rig):
    rig.show()
    study, flow, pictures = rig.studies[-1], rig.window.flow, rig.control.pictures
    study.dim = 3
    rig.control.do("projection.space")
    # Its scene has arrived, and is not drawn yet.
    rig.control.do("projection.plane")
    rig.tick()
    assert not pictures.seen.in_space
    assert pictures.space.basis is None
    flow.seed_added.emit(0.5, 0.25)
    assert rig.bench.seeds.points == ((0.5, 0.25),)
    rig.settle()
    rig.control.do("projection.space")
    rig.settle()
    assert pictures.seen.in_space
    assert pictures.space.basis is not None


def test_nothing_is_asked_of_the_point_under_the_mouse_until_it_is_seen_so(rig):
    rig.show()
    rig.studies[-1].dim = 3
    asked = []
    rig.control.service.ask = lambda snapshot, request, patient=False: asked.append(request.kind)
    rig.window.flow.hovered.emit(0.5, 0.25)
    rig.tick()
    assert "probe" in asked
    asked.clear()
    # The scene that is seen in space is asked for, and does not come.
    rig.control.do("projection.space")
    rig.window.flow.hovered.emit(0.75, 0.25)
    rig.tick()
    assert "scene" in asked
    assert "probe" not in asked


def test_a_late_frame_of_another_model_asks_for_no_more(rig):
    rig.show(task="density")
    background, pictures = rig.control.pictures.background, rig.control.pictures
    request = DensityRequest(1.0, EXTENT, 8, rig.bench.choice)
    late = Answer(request, rig.bench.snapshot, 0, pictures.results["background"])
    none = next(each for each in PRESETS.values() if not task_of(each.experiment).behind(each.experiment))
    # As when training starts again with another task's settings.
    rig.bench.set_snapshot(dataclasses.replace(rig.bench.snapshot, experiment=none.experiment))
    asked = []
    rig.control.service.ask = lambda snapshot, request, patient=False: asked.append(request.kind)
    background.take(late)
    assert "background" not in asked


def test_a_seed_drag_is_one_undo_step(rig):
    rig.show()
    flow = rig.window.flow
    flow.seed_added.emit(0.0, 0.0)
    for x in (0.1, 0.2, 0.3):
        flow.seed_moved.emit(0, x, 0.0)
    flow.seed_drag_finished.emit(0)
    assert rig.bench.seeds.points == ((0.3, 0.0),)
    rig.control.do("undo")
    assert rig.bench.seeds.points == ((0.0, 0.0),)


def test_hovering_asks_what_is_there_and_leaving_forgets_it(rig):
    rig.show()
    rig.window.flow.hovered.emit(0.5, 0.25)
    rig.tick()
    rig.tick()
    assert rig.control.pictures.results["probe"].point == (0.5, 0.25)


def test_the_background_follows_the_playhead(rig):
    rig.show(task="density")
    rig.control.playback.scrub(0.0)
    for _ in range(60):
        rig.tick()
    rig.control.playback.scrub(2.0)
    rig.tick()
    assert rig.control.pictures.results["background"].t == pytest.approx(2.0)
    # The panel of its own draws it in the tick after.
    rig.tick()
    assert rig.control.pictures.settled
    rig.control.playback.scrub(1.03)
    rig.tick()
    assert rig.control.pictures.results["background"].t == 1.03, "of that very time"
    assert rig.control.pictures.results["background"].log_density.shape == (100, 100)
    # Frames of other times go on being filled in: what is exported stays what is on show.
    later = DensityRequest(0.3, EXTENT, 40, rig.bench.choice, awaited=False)
    frame = later.answer(rig.studies[-1], None)
    rig.control.pictures.showing.take(Answer(later, rig.bench.snapshot, 0, result=frame))
    rig.tick(0.0)
    assert rig.control.pictures.results["background"].t == 1.03


def test_layers_can_be_hidden_from_the_menu_and_from_the_view(rig):
    rig.show()
    rig.control.do("layer.arrows")
    assert not rig.bench.layers["arrows"]
    rig.window.flow.layer_toggled.emit("arrows", True)
    assert rig.bench.layers["arrows"]


def test_scrubbing_stops_playing(rig):
    rig.show()
    rig.window.time_bar.time_changed.emit(1.5)
    assert (rig.bench.playhead.t, rig.bench.playhead.playing) == (1.5, False)


def test_playing_from_the_end_starts_at_the_beginning(rig):
    rig.show()
    rig.control.playback.scrub(2.0)
    rig.control.do("play")
    assert (rig.bench.playhead.t, rig.bench.playhead.playing) == (0.0, True)


def test_a_preset_without_a_model_is_ready_to_be_trained(rig, monkeypatch):
    monkeypatch.setattr("odeviz.app.documents.pretrained", lambda name: None)
    rig.control.do("preset.spirals-classifier")
    rig.tick()
    assert rig.bench.experiment == PRESETS["spirals-classifier"].experiment
    assert rig.bench.snapshot.iteration == 0
    assert rig.control.trainer.phase is Phase.PAUSED


def test_a_rejected_value_leaves_the_experiment_alone(rig):
    before = rig.bench.experiment
    rig.window.form.edited.emit("field.width", -3)
    assert rig.bench.experiment is before


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


def test_shutting_down_silences_later_reports(rig):
    rig.show()
    rig.control.shutdown()
    rig.control.do("train")
    assert rig.control.trainer.phase is Phase.IDLE


def test_trouble_of_the_solver_is_told(rig):
    rig.show()
    rig.control.pictures.troubled.emit(Trouble("The solver: RuntimeError: out of memory", "Traceback", True))
    assert rig.bench.message == "The solver: RuntimeError: out of memory"
    assert rig.dialogs.troubles[0][0] == "A picture could not be computed"


def test_a_closed_window_leaves_nothing_behind(nothing_left, rig):
    rig.show(task="density")
    rig.control.do("step")
    rig.control.do("palette")


@shows_a_window
def test_a_panel_behind_a_tab_is_brought_up_to_date_when_it_comes_to_the_front(rig, qtbot, monkeypatch):
    told = []
    monkeypatch.setattr(rig.window.nfe, "set_history", told.append)
    monkeypatch.setattr(rig.window.steps, "set_steps", lambda steps, flow: told.append(steps))
    rig.window.show()
    qtbot.waitUntil(lambda: rig.window.is_seen(rig.window.loss), timeout=5000)
    rig.show()
    assert told == []
    rig.window.docks["nfe"].raise_()
    rig.window.docks["steps"].raise_()
    qtbot.waitUntil(lambda: rig.window.is_seen(rig.window.nfe), timeout=5000)
    rig.tick()
    assert rig.bench.snapshot.history in told
    assert rig.control.pictures.results["flow"].steps in told


def test_while_training_the_newest_snapshot_is_drawn_again_and_again(rig, monkeypatch):
    monkeypatch.setattr("odeviz.app.controller.REST", 0.0)
    rig.show(task="density")
    rig.control.do("train")
    drawn = set()
    for _ in range(30):
        rig.control.trainer.advance(1)
        rig.control.trainer._loop._publish()
        rig.tick()
        drawn.add(rig.control.pictures.results["flow"].iteration)
        drawn.add(rig.control.pictures.results["background"].iteration)
    assert len(drawn) > 4


def test_steps_per_sample_are_chosen_with_the_mouse_solved_with_and_undone(qtbot, rig):
    rig.show()
    button, action = rig.window.solver_bar.own, rig.window.actions_["per_sample"]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    rig.settle()
    assert rig.control.pictures.results["flow"].choice.own_steps
    assert action.isChecked()
    assert "number 1, the costliest" in rig.window.time_bar.track.toolTip()
    rig.control.do("undo")
    rig.settle()
    assert not rig.control.pictures.results["flow"].choice.own_steps
    assert (button.isChecked(), action.isChecked()) == (False, False)
    assert "costliest" not in rig.window.time_bar.track.toolTip()
    rig.bench.choose(SolverChoice("adams"))
    assert (button.isEnabled(), action.isEnabled()) == (False, False)
