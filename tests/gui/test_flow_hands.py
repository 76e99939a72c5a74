"""The flow view under mouse and keys: seeds, selection, panning, hovering, the cursor."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from on_plane import on_screen
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from odeviz.analysis.overlays import SpaceResult
from odeviz.analysis.projection import Projection
from odeviz.analysis.results import Extent, ProbeResult
from odeviz.panels.flow_view import FlowView
from odeviz.state import Mark, Selection


def press(qtbot, view, x, y):
    qtbot.mousePress(view._plot.viewport(), Qt.MouseButton.LeftButton, pos=on_screen(view, x, y))


def move(qtbot, view, x, y):
    qtbot.mouseMove(view._plot.viewport(), on_screen(view, x, y))


def release(qtbot, view, x, y):
    qtbot.mouseRelease(view._plot.viewport(), Qt.MouseButton.LeftButton, pos=on_screen(view, x, y))


def click(qtbot, view, x, y):
    qtbot.mouseClick(view._plot.viewport(), Qt.MouseButton.LeftButton, pos=on_screen(view, x, y))


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


def test_what_is_still_seen_in_the_plane_has_no_state_in_space(deep, make_flow):
    projection, basis = Projection("space", (0, 1, 2), (0.0, 90.0)), np.eye(3)
    deep.set_projection(
        SpaceResult(3, names=("x", "y", "z"), origin=np.zeros(3), basis=basis, embedding=basis), projection
    )
    flow = make_flow(2)
    deep._flow = flow
    assert flow.paths.shape[2] == 2
    assert deep._state_of(Mark("trajectory", 1)) is None
    deep._flow = dataclasses.replace(
        flow, paths=np.concatenate([flow.paths, np.full((5, 2, 1), 0.5)], axis=2)
    )
    assert deep._state_of(Mark("trajectory", 1))[2] == 0.5


def test_a_seed_that_is_dragged_is_selected_so_that_the_keys_go_on_with_it(qtbot, full):
    full.set_seeds(np.array([[0.0, 0.0], [1.0, 1.0]]), None)
    full.set_selection(Selection((Mark("seed", 1),)))
    with qtbot.waitSignal(full.selected) as selected:
        full.drag_seed(0, 0.25, 0.25)
    assert selected.args == [(Mark("seed", 0),), False]
    full.set_selection(Selection((Mark("seed", 0),)))
    with qtbot.assertNotEmitted(full.selected):
        full.drag_seed(0, 0.3, 0.25)
        full.finish_drag()


def test_what_is_selected_or_hovered_has_a_head_where_there_is_no_path_yet(full):
    full.set_time(0.0)
    full.set_selection(Selection((Mark("trajectory", 3),), Mark("trajectory", 5)))
    np.testing.assert_allclose(full.paths.heads._points, full._flow.paths[0, [3, 5]])
    full.set_selection(Selection())
    assert not len(full.paths.heads._points)
