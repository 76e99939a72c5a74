import dataclasses
import time
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QApplication

from odeviz.analysis.overlays import SpaceResult
from odeviz.analysis.projection import Projection
from odeviz.analysis.results import Extent, FlowResult, ProbeResult
from odeviz.panels import flow_paths
from odeviz.panels.flow_layers import at_time, finite_paths, frame_at
from odeviz.panels.flow_view import FlowView
from odeviz.state import COLOURINGS, LAYERS, Mark, Selection
from odeviz.tasks.classes import Classes
from odeviz.widgets import trail

EXTENT = Extent(-2.0, 2.0, -2.0, 2.0)


@pytest.fixture
def view(show, qtbot):
    view = show(FlowView, size=(560, 560))
    view.set_extent(EXTENT)
    return view


@pytest.fixture
def full(view, make_flow, field, density, data):
    view.set_field(field)
    view.set_density(density)
    view.set_data(data)
    view.set_flow(make_flow())
    return view


def on_screen(view, x, y):
    """Where a point of the plane is in the viewport."""
    scene = view._box.mapViewToScene(QPointF(x, y))
    return view._plot.mapFromScene(scene)


def at(view, viewport_point):
    return view._box.mapSceneToView(view._plot.mapToScene(viewport_point))


def press(qtbot, view, x, y):
    qtbot.mousePress(view._plot.viewport(), Qt.MouseButton.LeftButton, pos=on_screen(view, x, y))


def move(qtbot, view, x, y):
    qtbot.mouseMove(view._plot.viewport(), on_screen(view, x, y))


def release(qtbot, view, x, y):
    qtbot.mouseRelease(view._plot.viewport(), Qt.MouseButton.LeftButton, pos=on_screen(view, x, y))


def click(qtbot, view, x, y):
    qtbot.mouseClick(view._plot.viewport(), Qt.MouseButton.LeftButton, pos=on_screen(view, x, y))


def pixel(view, x, y):
    # Painted at the view's own scale, by the paint code itself.
    image = view._plot.grab().toImage()
    point = on_screen(view, x, y)
    return image.pixelColor(point.x(), point.y())


def shades(view, x, y, side=16):
    """The colours within a square of the picture, whose middle is a point of the plane."""
    point, image = on_screen(view, x, y), view._plot.grab().toImage()
    around = [(point.x() + i, point.y() + k) for i in range(side) for k in range(side)]
    return {image.pixelColor(*place).rgb() for place in around}


def test_what_was_not_reached_is_hatched_and_said(view, density, partial):
    view.set_density(partial)
    assert len(shades(view, -1.5, -1.5)) == 2, "slanting lines on the ground"
    assert pixel(view, 0.1, 0.1) != pixel(view, 1.9, 1.9), "the density is there where it is known"
    assert view.overlays.remark.isVisible()
    assert view.overlays.remark.text() == "Hatched: 50 % of the view was not reached. The solve stopped."
    view.set_layers({"background": False})
    assert not view.overlays.remark.isVisible()
    assert len(shades(view, -1.5, -1.5)) == 1
    view.set_layers({"background": True})
    view.set_density(density)
    assert not view.overlays.remark.isVisible()


def test_one_unit_is_as_long_up_as_along(view):
    origin, right, up = (on_screen(view, *p) for p in ((0, 0), (1, 0), (0, 1)))
    assert abs((right.x() - origin.x()) - (origin.y() - up.y())) <= 1


def test_the_whole_extent_is_seen(view):
    (x0, x1), (y0, y1) = view._box.viewRange()
    assert x0 <= -1.99
    assert x1 >= 1.99
    assert y0 <= -1.99
    assert y1 >= 1.99


def test_particles_move_with_the_playhead(full):
    dots = full._layers["particles"].items[0]
    full.set_time(0.0)
    start = dots._points.copy()
    full.set_time(0.625)
    np.testing.assert_allclose(dots._points[:, 0], start[:, 0] + 0.625)


def test_trails_end_at_the_playhead_and_are_whole_again_later(full, make_flow):
    layer, flow = full._layers["trajectories"], make_flow()
    full.set_time(0.6)
    full.set_time(1.0)
    assert len(layer._groups) == 2
    for group in layer._groups:
        mine = flow.paths[:, group.path[: len(group.path) // 4]]
        np.testing.assert_allclose(group.lines.reshape(4, -1, 4)[:, :, 2:], mine[1:])
        assert group.item._count == len(group.lines)
    full.set_time(0.375)
    for group in layer._groups:
        heads = group.lines[group.before[1] : group.item._count]
        np.testing.assert_allclose(heads[:, 2], flow.paths[0, group.path[: len(heads)], 0] + 0.375)


def test_what_a_paint_has_no_time_for_comes_with_the_next(qtbot, full, make_flow, monkeypatch):
    full.set_layers({key: key == "trajectories" for key in LAYERS})
    full.set_time(1.0)
    before = full._plot.grab().toImage()
    assert full.paths.whole
    monkeypatch.setattr(trail, "_BATCH", 1)
    monkeypatch.setattr(flow_paths, "PATIENCE", 0.0)
    flow = make_flow()
    other = dataclasses.replace(flow, paths=0.5 * flow.paths)
    full.set_flow(other)
    full.set_time(1.0)
    # Until the new picture is whole the one before stays.
    assert full._plot.grab().toImage() == before
    assert not full.paths.whole
    qtbot.waitUntil(lambda: full.paths.whole)
    in_parts = full._plot.grab().toImage()
    monkeypatch.undo()
    full.set_flow(flow)
    full.set_flow(other)
    full.set_time(1.0)
    assert full._plot.grab().toImage() == in_parts != before


def test_a_trail_looks_the_same_played_or_jumped_to(full):
    full.set_layers({key: key == "trajectories" for key in LAYERS})
    for t in np.linspace(0.0, 0.8, 9):
        full.set_time(float(t))
        played = full._plot.grab().toImage()
    full.set_time(0.0)
    full._plot.grab()
    full.set_time(0.8)
    full.restyle()
    assert full._plot.grab().toImage() == played


def test_arrows_follow_the_field_in_time(full):
    lines = full._layers["arrows"]._lines
    full.set_time(0.0)
    shaft = lines[0::3]
    assert (shaft[:, 3] > shaft[:, 1]).all()
    np.testing.assert_allclose(shaft[:, 0], shaft[:, 2])
    full.set_time(1.0)
    assert (shaft[:, 2] > shaft[:, 0]).all()


def test_faster_arrows_are_longer(view, field):
    speeds = field.velocity.copy()
    speeds[:, :, :2] *= 0.25
    view.set_field(type(field)(field.t, field.x, field.y, speeds, 1))
    shaft = view._layers["arrows"]._lines[0::3].reshape(4, 4, 4)
    length = np.hypot(shaft[..., 2] - shaft[..., 0], shaft[..., 3] - shaft[..., 1])
    assert (length[:, :2] < 0.6 * length[:, 2:]).all()


def test_the_density_is_drawn_with_the_themes_map(view, density, theme):
    view.set_density(density)
    assert pixel(view, 0.05, 0.05).lightness() < 60
    assert pixel(view, 1.9, 1.9).lightness() > 230


def test_decision_regions_take_the_classes_colours(view, decision, theme):
    view.set_decision(decision)
    left, right = pixel(view, -1.5, 0.4), pixel(view, 1.5, 0.4)
    blue, orange = (QColor(shade) for shade in theme.colors.classes[:2])
    assert abs(right.hue() - blue.hue()) < 12
    assert abs(left.hue() - orange.hue()) < 12
    assert view.bar.chips["background"].text() == "Decision"


def test_a_change_of_theme_repaints_the_ground(full, theme):
    full.set_density(None)
    full.set_layers(dict.fromkeys(LAYERS, False))
    assert pixel(full, 1.0, 1.0) == QColor(theme.colors.base)
    theme.set_mode("dark")
    assert pixel(full, 1.0, 1.0) == QColor(theme.colors.base)


def test_every_layer_can_be_switched_and_says_so(qtbot, full):
    for key, layer in LAYERS.items():
        chip, shown = full.bar.chips[key], layer.shown
        assert chip.accessibleName() == ("Density" if key == "background" else layer.title)
        with qtbot.waitSignal(full.layer_toggled) as toggled:
            qtbot.mouseClick(chip, Qt.MouseButton.LeftButton)
        assert toggled.args == [key, not shown]
        assert all(item.isVisible() is not shown for item in full._layers[key].items)


def test_a_layer_that_is_not_offered_is_neither_in_the_legend_nor_drawn(full):
    full.set_offered(["trajectories", "seeds"])
    assert [key for key, chip in full.bar.chips.items() if not chip.isHidden()] == ["trajectories", "seeds"]
    assert not full._layers["arrows"].items[0].isVisible()
    full.set_offered(list(LAYERS))
    assert full._layers["arrows"].items[0].isVisible()


def test_the_pinned_paths_are_joined_to_the_present_ones_where_they_are_farthest_apart(
    full, make_flow, theme
):
    other = make_flow()
    other.paths[-1, 3] += [0.0, 0.9]
    other.paths[-1, 4] += [0.0, 0.2]
    full.set_layers({key: key == "pinned" for key in LAYERS})
    full.set_pinned(other)
    full.set_time(1.0)
    layer = full._layers["pinned"]
    here, there = make_flow().paths[-1, 3], other.paths[-1, 3]
    assert np.allclose(layer.gap, [here, there])
    x, y = (here + there) / 2
    assert pixel(full, x, y) == QColor(theme.colors.accent)
    full.set_time(0.0)
    assert not len(layer.gap), "they begin together"
    full.set_pinned(None)
    full.set_time(1.0)
    assert not len(layer.gap)


def test_showing_layers_emits_nothing(qtbot, full):
    with qtbot.assertNotEmitted(full.layer_toggled):
        full.set_layers({"arrows": False, "data": True})
    assert not full.bar.chips["arrows"].isChecked()


def test_a_click_adds_a_seed_where_it_was_made(qtbot, full):
    with qtbot.waitSignal(full.seed_added) as added:
        click(qtbot, full, 0.5, -0.75)
    assert added.args == [pytest.approx(0.5, abs=0.02), pytest.approx(-0.75, abs=0.02)]


def test_a_double_click_fits_and_adds_no_seed(qtbot, full):
    full._box.setRange(xRange=(0, 1), yRange=(0, 1))
    with qtbot.assertNotEmitted(full.seed_added, wait=300):
        viewport, where = full._plot.viewport(), full._plot.viewport().rect().center()
        qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=where)
        qtbot.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=where)
        qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=where)
    assert full._box.viewRange()[0][1] >= 1.99


def test_f_fits(qtbot, full):
    full._box.setRange(xRange=(0, 1), yRange=(0, 1))
    qtbot.keyClick(full, Qt.Key.Key_F)
    assert full._box.viewRange()[0][1] >= 1.99


def test_a_drag_on_a_seed_moves_it_live(qtbot, full, make_flow):
    full.set_seeds(np.array([[0.0, 0.0], [1.0, 1.0]]), make_flow(2))
    moves = []
    full.seed_moved.connect(lambda *args: moves.append(args))
    press(qtbot, full, 1.0, 1.0)
    for step in (0.9, 0.7, 0.5):
        move(qtbot, full, step, 1.0)
        # pyqtgraph tells moves apart by time.
        qtbot.wait(12)
    with qtbot.waitSignal(full.seed_drag_finished) as finished:
        release(qtbot, full, 0.5, 1.0)
    assert finished.args == [1]
    assert {index for index, _, _ in moves} == {1}
    assert moves[-1][1:] == (pytest.approx(0.5, abs=0.03), pytest.approx(1.0, abs=0.03))


def test_an_answer_that_comes_during_a_drag_leaves_the_handle_under_the_hand(full, make_flow):
    full.set_seeds(np.array([[0.0, 0.0]]), make_flow(1))
    full.drag_seed(0, 0.5, 0.5)
    full.set_seeds(np.array([[0.1, 0.1]]), make_flow(1))
    assert full._layers["seeds"].seeds.tolist() == [[0.5, 0.5]]
    full.finish_drag()
    full.set_seeds(np.array([[0.1, 0.1]]), make_flow(1))
    assert full._layers["seeds"].seeds.tolist() == [[0.1, 0.1]]


def test_a_drag_beside_the_seeds_pans(qtbot, full):
    before = full._box.viewRange()
    with qtbot.assertNotEmitted(full.seed_moved):
        press(qtbot, full, 0.0, 0.0)
        target = on_screen(full, 0.6, 0.0)
        for share in (0.3, 0.7, 1.0):
            start = on_screen(full, 0.0, 0.0)
            qtbot.mouseMove(full._plot.viewport(), start + (target - start) * share)
            qtbot.wait(12)
        qtbot.mouseRelease(full._plot.viewport(), Qt.MouseButton.LeftButton, pos=target)
    assert full._box.viewRange()[0][0] < before[0][0]


def test_a_click_on_a_seed_selects_it(qtbot, full, make_flow):
    full.set_seeds(np.array([[0.0, 0.0], [1.0, 1.0]]), make_flow(2))
    with qtbot.assertNotEmitted(full.seed_added, wait=250), qtbot.waitSignal(full.selected) as selected:
        click(qtbot, full, 1.0, 1.0)
    assert selected.args == [(Mark("seed", 1),), False]


def test_keys_remove_nudge_and_step_through_the_selected_seeds(qtbot, full, make_flow):
    full.set_seeds(np.array([[0.0, 0.0], [1.0, 1.0]]), make_flow(2))
    full.set_selection(Selection((Mark("seed", 1),)))
    with qtbot.waitSignals([full.seed_moved, full.seed_drag_finished]):
        qtbot.keyClick(full, Qt.Key.Key_Right)
    with qtbot.waitSignal(full.seeds_removed):
        qtbot.keyClick(full, Qt.Key.Key_Delete)
    with qtbot.waitSignal(full.selected) as selected:
        qtbot.keyClick(full, Qt.Key.Key_N)
    assert selected.args == [(Mark("seed", 0),), False]
    full.set_selection(Selection())
    with qtbot.assertNotEmitted(full.seeds_removed):
        qtbot.keyClick(full, Qt.Key.Key_Delete)


def test_a_trajectory_under_the_mouse_is_named_and_drawn_thick(qtbot, full):
    full.set_time(1.0)
    with qtbot.waitSignal(full.marked, check_params_cb=lambda mark: mark is not None) as marked:
        move(qtbot, full, 0.0, -0.6)
    assert marked.args == [Mark("trajectory", 1)]
    assert full.overlays.readout._values["mark"].text() == "trajectory 2, class 1"
    full.set_selection(Selection(hovered=Mark("trajectory", 1)))
    np.testing.assert_allclose(full.paths._hovered._lines[:, [1, 3]], -0.6)
    assert full.paths._hovered._count == 4


def test_shift_selects_by_a_click_and_by_a_box_and_sets_no_seed(qtbot, full, make_flow):
    full.set_time(0.0)
    full.set_seeds(np.array([[-0.9, 0.9]]), make_flow(1))
    viewport, shift = full._plot.viewport(), Qt.KeyboardModifier.ShiftModifier
    with qtbot.assertNotEmitted(full.seed_added, wait=250), qtbot.waitSignal(full.selected) as selected:
        qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, shift, on_screen(full, -0.6, -0.6))
    assert selected.args == [(Mark("trajectory", 1),), True]
    with qtbot.waitSignal(full.selected) as selected:
        qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, shift, on_screen(full, -1.5, 1.5))
        for x in (-1.0, 0.0, 0.3):
            where = QPointF(on_screen(full, x, -x - 0.7))
            event = QMouseEvent(
                QEvent.Type.MouseMove, where, viewport.mapToGlobal(where), Qt.MouseButton.NoButton,
                Qt.MouseButton.LeftButton, shift,
            )  # fmt: skip
            QApplication.sendEvent(viewport, event)
            qtbot.wait(12)
        qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, shift, on_screen(full, 0.3, -1.0))
    assert set(selected.args[0]) == {Mark("seed", 0), *(Mark("trajectory", k) for k in (0, 1, 2, 3))}
    full.set_selection(Selection(selected.args[0]))
    with qtbot.waitSignal(full.selected) as selected:
        qtbot.keyClick(full, Qt.Key.Key_Escape)
    assert selected.args == [(), False]


def test_paths_are_coloured_by_class_time_speed_and_cost(full, make_flow):
    everything = tuple(COLOURINGS)
    speed = np.linspace(1.0, 3.0, 30).reshape(5, 6)
    full.set_flow(make_flow(speed=speed, classes=Classes(names=("inner", "outer"))))
    assert [name for name, _ in full.overlays.key._scale.names] == ["inner", "outer"]
    assert full.paths.told(0).endswith(("inner", "outer"))
    full.set_colouring("time", None, everything)
    assert [len(group.lines) for group in full.paths._groups] == [6] * 4
    assert full.overlays.key._scale.limits == (0.0, 1.0)
    full.set_colouring("speed", None, everything)
    assert full.overlays.key._scale.title == "‖dh/dt‖"
    assert sum(len(group.lines) for group in full.paths._groups) == 24
    full.set_colouring("nfe", np.array([20.0, 20.0, 50.0, 50.0, 50.0, 20.0]), everything)
    assert full.overlays.key._scale.ends == ("20", "50")
    assert len(full.paths._groups) == 2


def test_paths_without_classes_are_not_said_to_be_coloured_by_them(full, make_flow):
    button = full.bar.colouring
    assert button.text() == "Class"
    full.set_flow(make_flow(labels=np.full(6, -1)))
    assert button.text() == button.menu().actions()[0].text() == "One colour"
    assert "no classes" in button.toolTip()
    full.set_flow(make_flow())
    assert button.text() == button.menu().actions()[0].text() == "Class"


def test_a_pan_is_told_and_a_range_can_be_set(qtbot, full):
    full.set_range((0.0, 1.0, 0.0, 1.0))
    (x0, x1), _ = full._box.viewRange()
    assert x0 <= 0.0 < 1.0 <= x1 < 1.2
    full.set_extent(Extent(-3.0, 3.0, -3.0, 3.0))
    assert full._box.viewRange()[0][1] < 1.2
    with qtbot.waitSignal(full.range_chosen) as chosen:
        full._box.wheelEvent(
            SimpleNamespace(delta=lambda: -120, pos=lambda: QPointF(9, 9), accept=lambda: None)
        )
    assert chosen.args[0][1] > x1
    with qtbot.waitSignal(full.range_chosen) as chosen:
        qtbot.keyClick(full, Qt.Key.Key_F)
    assert chosen.args == [None]


def test_the_mouse_reads_the_point_and_then_what_is_known_there(qtbot, full):
    with qtbot.waitSignal(full.hovered) as hovered:
        move(qtbot, full, 0.5, 0.25)
    assert hovered.args == [pytest.approx(0.5, abs=0.02), pytest.approx(0.25, abs=0.02)]
    assert full.overlays.readout.isVisible()
    full.set_probe(ProbeResult(0.0, (0.5, 0.25), (1.0, -2.0), 2.236, -0.5, -1.25))
    texts = {key: label.text() for key, label in full.overlays.readout._values.items()}
    assert texts["f"] == "1.000, −2.000"
    assert texts["log_density"] == "−1.250 nats"
    full.set_probe(ProbeResult(0.0, (0.5, 0.25), (1.0, -2.0), 2.236, -0.5))
    assert not full.overlays.readout._values["log_density"].isVisible()


def test_the_card_makes_way_for_what_the_mouse_points_at(qtbot, full):
    (_, x1), (_, y1) = full._box.viewRange()
    card = full.overlays.readout
    for x, y in ((0.0, 0.0), (0.98 * x1, 0.98 * y1), (0.0, 0.0)):
        # pyqtgraph passes on no more than so many movements a second.
        qtbot.wait(20)
        with qtbot.waitSignal(full.hovered):
            move(qtbot, full, x, y)
        there = full._plot.mapFromScene(full._box.mapViewToScene(QPointF(x, y)))
        assert not card.geometry().contains(there)
    assert card.geometry().center().x() > full._plot.width() // 2


def test_a_message_is_shown_and_taken_away(view):
    view.set_message("The solver stopped at t = 0.4.")
    assert view.overlays._notice.isVisible()
    assert view.overlays.message.text() == "The solver stopped at t = 0.4."
    view.set_message("")
    assert not view.overlays._notice.isVisible()


def test_a_flow_that_was_lost_is_drawn_up_to_where_it_stopped(view, make_flow):
    flow = make_flow()
    paths = flow.paths.copy()
    paths[3:, 2] = np.nan
    paths[2, 0] = 1e30
    lost = FlowResult(
        **{**{f: getattr(flow, f) for f in flow.__slots__}, "paths": paths, "status": "non_finite"}
    )
    view.set_flow(lost)
    view.set_time(1.0)
    np.testing.assert_allclose(view._layers["particles"].items[0]._points[2], paths[2, 2])
    view._plot.grab()


def test_no_flow_empties_the_view(full):
    full.set_flow(None)
    full.set_seeds(None, None)
    full.set_field(None)
    full.set_data(None)
    full.set_density(None)
    full.set_time(0.3)
    assert full._layers["trajectories"]._groups == []
    full._plot.grab()


def test_words_give_way_in_a_narrow_view(view, qtbot):
    chip = view.bar.chips["trajectories"]
    wide = chip.width()
    view.resize(320, 400)
    qtbot.waitUntil(lambda: chip.width() < wide)


@pytest.mark.qt_log_ignore("does not support", extend=True)
def test_where_no_layer_has_room_a_menu_names_them_all_and_switches_them(view, qtbot):
    view.resize(300, 400)
    qtbot.waitUntil(lambda: view.bar.chips["data"].isHidden())
    menu = view.bar.layers.menu()
    menu.popup(view.bar.layers.mapToGlobal(QPoint(0, 0)))
    assert [action.text().split("\t")[0] for action in menu.actions()] == view.bar.names()
    (streams,) = [action for action in menu.actions() if action.text() == "Streamlines\tAlt+Shift+3"]
    assert not streams.isChecked()
    with qtbot.waitSignal(view.layer_toggled) as toggled:
        qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(streams).center())
    assert toggled.args == ["streamlines", True]


def test_the_cursor_says_what_the_hand_does(full, qtbot, make_flow):
    full.set_seeds(np.array([[0.0, 0.0]]), make_flow(1))
    shapes, shape = [], Qt.CursorShape
    for x in (0.0, 1.5):
        for place in (x + 0.3, x):
            move(qtbot, full, place, 0.0)
            qtbot.wait(12)
        shapes.append(full._plot.viewport().cursor().shape())
        press(qtbot, full, x, 0.0)
        for way in (0.1, 0.3):
            move(qtbot, full, x, way)
            qtbot.wait(12)
        shapes.append(full._plot.viewport().cursor().shape())
        release(qtbot, full, x, 0.3)
        assert full._plot.viewport().cursor().shape() != shape.ClosedHandCursor
    hand, fist = shape.OpenHandCursor, shape.ClosedHandCursor
    assert shapes == [hand, fist, shape.CrossCursor, fist]


def test_moving_the_playhead_over_1000_trajectories_takes_less_than_4_ms(view, make_flow, field):
    view.set_field(field)
    view.set_flow(make_flow(1000, 61))
    times = []
    for t in np.linspace(0.0, 1.0, 41):
        start = time.perf_counter()
        view.set_time(float(t))
        times.append(time.perf_counter() - start)
    assert sorted(times)[20] < 4e-3


@pytest.mark.parametrize(
    ("t", "frame", "share"), [(-1, 0, 0), (0, 0, 0), (0.3, 0, 0.6), (0.5, 1, 0), (1, 2, 0), (9, 2, 0)]
)
def test_the_frame_before_a_time(t, frame, share):
    assert frame_at(np.array([0.0, 0.5, 1.0]), t) == (frame, pytest.approx(share))


def test_values_between_frames_are_interpolated():
    assert at_time(np.array([0.0, 2.0]), np.array([[1.0], [5.0]]), 0.5).tolist() == [2.0]


def test_a_path_lost_at_once_is_put_out_of_sight():
    paths = np.full((3, 1, 2), np.nan)
    assert (finite_paths(paths, EXTENT) > 100).all()


def test_a_handle_is_found_within_reach_only(full, make_flow):
    full.set_seeds(np.array([[0.0, 0.0]]), make_flow(1))
    centre = full._plot.mapToScene(on_screen(full, 0.0, 0.0))
    assert full.seed_at(centre + QPointF(6, 0)) == 0
    assert full.seed_at(centre + QPointF(30, 0)) is None
    assert full._plot.mapFromScene(centre) != QPoint()


def test_another_size_shows_the_same_part_of_the_plane(show, qtbot):
    view = show(FlowView, size=(300, 500))
    assert [view._plot.getAxis(name).labelText for name in ("bottom", "left")] == ["z₁", "z₂"]
    for size in ((700, 420), (360, 640)):
        view.resize(*size)
        qtbot.waitUntil(lambda size=size: view._plot.width() > size[0] - 40)
        (x0, x1), (y0, y1) = view._plot.viewRange()
        assert min(x1 - x0, y1 - y0) == pytest.approx(8.0, rel=0.01)
        assert (x0 + x1, y0 + y1) == pytest.approx((0.0, 0.0), abs=0.05)


@pytest.fixture
def deep(view, make_flow):
    """Three coordinates seen from above, the third of which is how high a path lies."""
    flow = make_flow()
    high = np.broadcast_to(np.linspace(-0.9, 0.9, 6), flow.paths.shape[:2])
    paths = np.concatenate([flow.paths, high[..., None]], axis=2)
    projection = Projection("space", (0, 1, 2), (-90.0, 90.0))
    view.set_projection(SpaceResult(3, False, ("x", "y", "z"), np.zeros(3), np.eye(3), np.eye(3)), projection)
    view.set_flow(FlowResult(**{**{f: getattr(flow, f) for f in flow.__slots__}, "paths": paths}))
    view.set_time(1.0)
    return view


def test_from_above_the_first_two_coordinates_are_seen_and_the_highest_is_nearest(deep, make_flow):
    np.testing.assert_allclose(deep.paths._paths, make_flow().paths, atol=1e-9)
    assert (np.diff(deep._layers["particles"]._dots._near) > 0).all()
    # Painter's order: what is drawn last lies highest.
    assert deep.paths._deep._lines[-1][[1, 3]].tolist() == pytest.approx([1.0, 1.0])
    assert not deep._plot.getAxis("bottom").isVisible()


def test_the_right_button_turns_space_and_sets_no_seed(deep, qtbot):
    turns = []
    deep.projection_chosen.connect(turns.append)
    viewport, start = deep._plot.viewport(), QPoint(200, 200)
    with qtbot.waitSignal(deep.turn_finished):
        qtbot.mousePress(viewport, Qt.MouseButton.RightButton, pos=start)
        for step in (10, 30, 50):
            where = QPointF(start + QPoint(step, 0))
            event = QMouseEvent(
                QEvent.Type.MouseMove, where, viewport.mapToGlobal(where), Qt.MouseButton.NoButton,
                Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier,
            )  # fmt: skip
            QApplication.sendEvent(viewport, event)
            qtbot.wait(12)
        qtbot.mouseRelease(viewport, Qt.MouseButton.RightButton, pos=start + QPoint(50, 0))
    assert min(turn.turn[0] for turn in turns) < 265.0 < max(turn.turn[0] for turn in turns) <= 270.0


def test_in_space_the_mouse_reads_the_state_of_what_lies_under_it_and_no_other(deep, qtbot, make_flow):
    projection = Projection("space", (0, 1, 2), (0.0, 90.0))
    origin, basis = np.array([5.0, 0.0, -2.0]), np.eye(3)
    deep.set_projection(
        SpaceResult(3, names=("x", "y", "z"), origin=origin, basis=basis, embedding=basis), projection
    )
    flow = make_flow(2)
    paths = np.concatenate([flow.paths, np.full((5, 2, 1), 0.5)], axis=2)
    deep.set_flow(dataclasses.replace(flow, paths=paths))
    deep.set_time(1.0)
    place = deep.paths._paths[-1, 1]
    move(qtbot, deep, *place)
    card = deep.overlays.readout
    assert card.isVisible()
    assert card._names["x"].text() == "x, y, z"
    assert card._values["x"].text() == "7.000, 1.000, −1.500"
    # pyqtgraph tells moves apart by time.
    qtbot.wait(12)
    move(qtbot, deep, 0.5, 0.0)
    assert not card.isVisible()


def test_the_legend_says_what_can_be_projected_and_how(deep, qtbot):
    button = deep.bar.projection
    assert not button.isHidden()
    assert button.text() == "x, y, z"
    chosen = []
    deep.projection_chosen.connect(chosen.append)
    actions = {action.text(): action for action in button.menu().actions()}
    actions["Axes"].trigger()
    third = next(action.menu() for text, action in actions.items() if text.startswith("Axis 3"))
    third.actions()[0].trigger()
    assert chosen == [Projection("axes", (0, 1)), Projection("space", (2, 1, 0), (-90.0, 90.0))]


def test_the_names_of_the_axes_stand_outside_the_frame(deep):
    deep.set_projection(deep.bar._space, Projection("space", (0, 1, 2), (200.0, 35.0)))
    half = deep._sight.half / np.sqrt(3)
    corners = deep._sight.flat(
        half * np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    )
    hull = np.hypot(*corners.T).max()
    for label in deep._frame._labels:
        assert 0.5 * hull < np.hypot(label.pos().x(), label.pos().y()) < 1.2 * hull


def test_a_few_selected_paths_are_thick_and_many_are_thin(full):
    widths = []
    for chosen in (2, flow_paths.MANY + 1, 2):
        full.paths.set_marked(None, range(chosen))
        widths.append(full.paths._chosen._pen.widthF())
    assert widths == [2.4, 1.0, 2.4]
