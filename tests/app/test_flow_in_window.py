"""The flow in the window: seeds, selection, layers, projections, and what lies behind it."""

import dataclasses

import numpy as np
import pytest
from fake_window import EXTENT, FakeSession, FakeStudy
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication

from odeviz.bridge import Answer, DensityRequest
from odeviz.state import Mark, offered
from odeviz.tasks import Experiment
from odeviz.tasks.chart import Map, Maps
from odeviz.tasks.presets import PRESETS
from odeviz.tasks.registry import task_of

#: What the offscreen platform says about every top-level window.
shows_a_window = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


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


def test_another_model_is_never_shown_over_what_lies_behind_the_one_before(rig, monkeypatch):
    rig.show()
    flow, background = rig.window.flow, rig.control.pictures.background
    assert flow._behind is not None
    asked = []
    monkeypatch.setattr(background, "renew", lambda *args: asked.append(args))
    experiment = PRESETS["moons-density"].experiment
    rig.control.show_model(FakeSession(experiment).snapshot(), None)
    for _ in range(20):
        rig.tick(0.0)
    assert asked, "it is asked for and not there yet"
    assert flow._behind is None
    assert rig.window.docks["density"].windowTitle() == "Density"
    assert background.frame is None


def test_what_lies_behind_steps_back_once_it_has_been_of_another_time_for_a_while(rig, monkeypatch):
    rig.show()
    image = rig.window.flow._layers["background"].items[0]
    background, now = rig.control.pictures.background, [100.0]
    monkeypatch.setattr("odeviz.app.background.time.monotonic", lambda: now[0])
    frame = rig.control.pictures.results["background"]
    rig.bench.set_playhead(dataclasses.replace(rig.bench.playhead, t=frame.t))
    faded = []
    for t, passed in (
        (frame.t, 1.0),
        (frame.t + 0.5, 0.0),
        (frame.t + 0.5, 0.2),
        (frame.t + 0.5, 0.2),
        (frame.t, 0.0),
    ):
        now[0] += passed
        rig.bench.set_playhead(dataclasses.replace(rig.bench.playhead, t=t))
        background._fade(frame)
        faded.append(image.opacity() < 1.0)
    assert faded == [False, False, False, True, False]
