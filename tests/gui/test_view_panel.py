"""The views panel: what its charts and tables look like on the screen, and what a person does with it."""

from __future__ import annotations

import numpy as np
import pytest
from pictures_made import TABLE, VIEWS, X, chart, colours, maps
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from odeviz.panels.lit_dots import Crowd
from odeviz.panels.precision_panel import PrecisionPanel
from odeviz.panels.strands import on_sheet
from odeviz.panels.view_panel import ViewPanel
from odeviz.state import Mark, Selection
from odeviz.tasks.chart import Chart, Charts, Curve, Table, cell_text, frozen
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.presets import PRESETS
from odeviz.tasks.task import View
from odeviz.tasks.viewpoint import Control


@pytest.fixture
def panel(show):
    panel = show(ViewPanel, size=(420, 420))
    panel.set_views(VIEWS)
    return panel


@pytest.mark.parametrize("kind", [ViewPanel, PrecisionPanel])
def test_choosing_a_view_with_the_keyboard_emits_its_key_and_takes_the_picture_away(kind, qtbot, show):
    panel = show(kind, size=(420, 420))
    panel.set_views(VIEWS)
    panel.set_picture(chart())
    assert panel._stack.currentWidget() is panel._charts
    with qtbot.waitSignal(panel.chosen) as chosen:
        qtbot.keyClick(panel._choice, Qt.Key.Key_Down)
    assert chosen.args == ["second"]
    assert panel.view == "second"
    assert panel._about.text() == "What is second."
    assert panel._stack.currentWidget() is panel._message


def test_other_views_keep_the_one_on_show_if_they_have_it(panel):
    panel.choose("second")
    panel.set_views((View("third", "Third", "."), VIEWS[1]))
    assert panel.view == "second"
    panel.set_views((View("third", "Third", "."),))
    assert panel.view == "third"
    panel.set_views(())
    assert panel.view == ""
    assert panel._message.text() == "Drawing…"


def test_every_curve_of_a_chart_is_drawn_in_its_colour(panel, theme):
    panel.set_picture(chart(over_time=True))
    panel.set_time(1.5)
    plot = panel._charts._plots[0]
    assert [key.name for key in plot.legend._keys] == ["learnt", "true", "seen", "counted"]
    assert plot._now.value() == 1.5
    (x0, x1), (y0, y1) = plot.plot.viewRange()
    assert x0 <= 0.0 < 2.0 <= x1
    assert y0 <= -0.42
    assert y1 >= 3.0
    seen = colours(plot.plot)
    wanted = int(theme.colors.accent[1:], 16)
    assert wanted in seen
    assert int(theme.colors.text[1:], 16) in seen


def test_a_logarithmic_axis_leaves_out_what_has_no_logarithm(panel):
    y = frozen([1.0, 0.0, 100.0])
    panel.set_picture(
        Chart("log", "x", "y", (Curve("c", frozen([1.0, 10.0, 100.0]), y),), x_log=True, y_log=True)
    )
    plot = panel._charts._plots[0]
    assert plot.plot.getAxis("left").log
    assert plot.plot.getAxis("bottom").log
    low, high = plot.plot.viewRange()[1]
    assert -1 < low <= 0
    assert 2 <= high < 3


def test_several_charts_stand_in_columns_with_their_titles(panel):
    panel.set_picture(Charts("both", (chart(), chart(), chart()), columns=2))
    first, second, third = panel._charts._plots
    assert first.y() == second.y() < third.y() or not panel.isVisible()
    assert first._title.text() == "Waves"
    panel.set_picture(chart())
    assert not first._title.isVisibleTo(panel)
    assert not second.isVisibleTo(panel)


def test_charts_stand_below_each_other_and_are_scrolled_where_there_is_little_room(panel):
    four = Charts("four", tuple(chart() for _ in range(4)), columns=2)
    panel.resize(600, 700)
    panel.set_picture(four)
    QApplication.processEvents()
    grid, bar = panel._charts, panel._charts._scroll.verticalScrollBar()
    assert (grid._places, bar.maximum()) == ([(0, 0), (0, 1), (1, 0), (1, 1)], 0)
    panel.resize(260, 320)
    QApplication.processEvents()
    assert grid._places == [(0, 0), (1, 0), (2, 0), (3, 0)]
    assert min(plot.plot.height() for plot in grid._plots) > 40
    before = bar.value()
    QTest.keyClick(grid._scroll, Qt.Key.Key_PageDown)
    assert bar.maximum() >= bar.value() > before


def test_charts_of_a_plane_are_scrolled_before_they_are_squeezed(panel):
    plane = Chart("t = 0", "z₁", "z₂", (Curve("dz₁/dt = 0", X, X),), at=0.0)
    panel.resize(372, 360)
    panel.set_picture(Charts("Nullclines", (plane,) * 3, columns=3))
    QApplication.processEvents()
    grid = panel._charts
    assert grid._places == [(0, 0), (0, 1), (1, 0)]
    assert min(plot.plot.height() for plot in grid._plots) > 0.6 * grid._plots[0].width()
    assert grid._scroll.verticalScrollBar().maximum() > 0
    panel.resize(372, 700)
    QApplication.processEvents()
    assert grid._scroll.verticalScrollBar().maximum() == 0


@pytest.mark.parametrize("columns", [1, 2])
def test_charts_are_of_one_size_whatever_the_first_had_before(panel, columns, theme):
    panel.set_picture(chart())
    QApplication.processEvents()
    panel.choose("second")
    # All widgets are asked anew for their sizes.
    theme.set_mode("dark")
    panel.set_picture(Charts("both", (chart(), chart()), columns))
    QApplication.processEvents()
    sizes = [(plot.plot.width(), plot.plot.height()) for plot in panel._charts._plots[:2]]
    assert np.ptp(sizes, axis=0).max() <= 40 * (columns == 1) + 2, "the numbers below the last are its own"


def test_a_table_marks_the_model_on_show_and_writes_no_nan(panel):
    panel.set_picture(TABLE)
    table = panel._table
    assert panel._stack.currentWidget() is table
    assert [table.cells.index(0, k).data() for k in range(3)] == ["net", "0.0312", "27,562"]
    assert table.cells.index(1, 1).data() == "–"
    assert table.cells.index(1, 0).data(Qt.ItemDataRole.FontRole).bold()
    assert table.cells.index(0, 0).data(Qt.ItemDataRole.FontRole) is None
    assert cell_text(-0.5) == "−0.5"


def test_it_follows_the_theme(panel, theme):
    for picture in (chart(), maps(), TABLE):
        panel.set_picture(picture)
        theme.set_mode("dark")
        assert int(theme.colors.base[1:], 16) in colours(panel)
        theme.set_mode("light")


def test_a_line_parts_the_tasks_views_from_the_common_ones(qtbot, panel):
    common = (View("third", "Third view", "What is third."), View("fourth", "Fourth view", "."))
    panel.set_views(VIEWS, common)
    names = [panel._choice.itemText(k) for k in range(panel._choice.count())]
    assert names == ["First view", "Second view", "", "Third view", "Fourth view"]
    panel.choose("second")
    with qtbot.waitSignal(panel.chosen) as chosen:
        qtbot.keyClick(panel._choice, Qt.Key.Key_Down)
    assert chosen.args == ["third"], "the line is passed over"
    assert panel.current == common[0]
    panel.set_views((), common)
    assert panel._choice.count() == 2
    assert panel.view == "third"


def test_many_names_take_more_rows_of_the_legend(panel):
    curves = tuple(Curve(f"method {k}", X, frozen(X + k), "class0") for k in range(9))
    panel.set_picture(Chart("many", "x", "y", curves))
    legend = panel._charts._plots[0].legend
    rows = [row for row, _ in legend._places()]
    assert max(rows) == 2
    assert legend.height() == 28 + 2 * 18
    panel.set_picture(chart())
    assert legend.height() == 28


def test_what_charts_have_in_common_is_said_once(panel):
    panel.set_picture(Charts("Both", (chart(), chart())))
    grid = panel._charts
    assert [key.name for key in grid._legend._keys] == ["learnt", "true", "seen", "counted"]
    assert not any(plot.legend.isVisibleTo(panel) for plot in grid._plots)
    named = [plot.plot.getAxis("bottom").label.isVisible() for plot in grid._plots]
    assert named == [False, True]
    other = Chart("Other", "x", "y", (Curve("other", X, X),))
    panel.set_picture(Charts("Two", (chart(), other), columns=2))
    assert not grid._legend.isVisibleTo(panel)
    assert [len(plot.legend._keys) for plot in grid._plots] == [4, 1]


def test_a_charts_frame_and_a_constant_curve_are_shown_with_room(panel):
    flat = Curve("flat", X, frozen(np.full(21, 2.4444444444)))
    panel.set_picture(Chart("Flat", "x", "y", (flat,)))
    (_, _), (y0, y1) = panel._charts._plots[0].plot.viewRange()
    assert y0 < 2.3 < 2.6 < y1
    panel.set_picture(Chart("Framed", "x", "y", (flat,), frame=(-1.0, 3.0, 0.0, 5.0)))
    assert panel._charts._plots[0].plot.viewRange() == [[-1.0, 3.0], [0.0, 5.0]]


def test_a_long_heading_is_broken_where_its_values_are_short(panel):
    panel.set_picture(Table("Rows", ("model", "kept, KiB"), (("net", 8.0),)))
    assert panel._table.cells.headerData(1, Qt.Orientation.Horizontal) == "kept,\nKiB"


def test_a_dot_rides_on_a_path_with_the_playhead_and_a_chart_over_time_is_scrubbed(qtbot, panel):
    path = Curve("path", X, frozen(X**2), t=frozen(X / 2.0))
    panel.set_picture(Chart("plane", "x", "y", (path, Curve("other", X, X))))
    panel.set_time(0.75)
    plot = panel._charts._plots[0]
    assert plot.riders.places.tolist() == [pytest.approx([1.5, 2.25])]
    panel.set_time(1.5)
    assert not len(plot.riders.places), "after its end"
    with qtbot.assertNotEmitted(panel.time_picked):
        qtbot.mouseClick(plot.plot.viewport(), Qt.MouseButton.LeftButton)
    panel.set_picture(chart(over_time=True))
    box = plot.plot.getViewBox()
    place = plot.plot.mapFromScene(box.mapViewToScene(QPointF(1.25, 1.0)))
    with qtbot.waitSignal(panel.time_picked) as picked:
        qtbot.mouseClick(plot.plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert picked.args[0] == pytest.approx(1.25, abs=0.02)


def test_curves_keep_their_items_while_only_their_values_change(panel):
    stays, goes = Curve("stays", X, X), Curve("now", X, frozen(X + 1.0), "truth")
    panel.set_picture(Chart("c", "x", "y", (stays, goes)))
    plot = panel._charts._plots[0]
    before = dict(plot._drawn)
    panel.set_picture(Chart("c", "x", "y", (stays, Curve("now", X, frozen(X + 2.0), "truth"))))
    assert plot._drawn[0] is before[0]
    assert plot._drawn[1][1] is before[1][1]
    np.testing.assert_array_equal(before[1][1][0].getData()[1], X + 2.0)
    panel.set_picture(Chart("c", "x", "y", (stays, Curve("now", X, frozen(X + 2.0), "data"))))
    assert plot._drawn[1][1] is not before[1][1]
    assert all(item.scene() is None for item in before[1][1])
    panel.set_picture(Chart("c", "x", "y", (stays,)))
    assert list(plot._drawn) == [0]


def test_a_views_controls_are_sliders_that_go_back_with_a_double_click(qtbot, panel):
    control = Control("steps", "Steps", "How many.", 1, 9, 4, whole=True)
    view = View("own", "Own", ".", controls=lambda experiment: (control,))
    panel.set_views((view, VIEWS[0]), (), Experiment())
    panel.choose("own")
    panel.grab()
    row = panel.controls.rows["steps"]
    assert row.value.text() == "4"
    with qtbot.waitSignal(panel.adjusted) as moved:
        qtbot.keyClick(row.slider, Qt.Key.Key_End)
    assert moved.args == ["own", "steps", 9.0]
    with qtbot.waitSignals([panel.adjust_started, panel.adjusted, panel.adjust_finished], order="strict"):
        qtbot.mouseDClick(row.slider, Qt.MouseButton.LeftButton, pos=QPoint(40, 12))
    assert row.slider.value == 4
    panel.choose("first")
    assert not panel.controls.isVisible()


def test_an_axis_is_named_as_far_as_there_is_room(panel, qtbot):
    long = Chart("Long", "x", "a name that is longer than a low picture is high", (Curve("flat", X, X),))
    panel.set_picture(long)
    axis = panel._charts._plots[0].plot.getAxis("left")
    panel.resize(420, 260)
    qtbot.waitUntil(lambda: axis.labelText.endswith("…"))
    panel.resize(420, 700)
    qtbot.waitUntil(lambda: axis.labelText == long.y_label)


def test_a_note_that_has_no_room_ends_in_dots_and_is_whole_in_the_tooltip(panel):
    panel.resize(320, 300)
    note = "Much is to be said of this picture. " * 6
    panel.set_picture(chart(note=note))
    assert panel._note.text() == panel._note.toolTip() == note
    assert panel._note.shown == note
    high = panel._note.height()
    panel.set_picture(chart(note="Little."))
    QApplication.processEvents()
    assert panel._note.height() == high, "what stands above it must not move with its length"
    note *= 3
    panel.set_picture(chart(note=note))
    assert panel._note.shown.endswith("…")
    short = len(panel._note.shown)
    panel.theme.set_scale(2.0)
    assert len(panel._note.shown) < 0.7 * short
    panel.theme.set_scale(1.0)
    panel.resize(320, 700)
    assert panel._note.shown == note


def test_what_is_far_beyond_a_charts_frame_is_seen_to_leave_it():
    there, up = [0.0, 1.0, 1e14, 5e15, 0.5, np.nan], [0.0, 0.5, -1e14, 2e15, 0.0, np.nan]
    line = Curve("", np.array(there), np.array(up))
    x, y = on_sheet(Chart("", "", "", (line,), frame=(-1.0, 1.0, -1.0, 1.0)), line)
    assert (x[[0, 1, 4]], y[[0, 1, 4]]) == (pytest.approx([0.0, 1.0, 0.5]), pytest.approx([0.0, 0.5, 0.0]))
    # The way out and the way back, which could not be drawn to their ends.
    assert np.abs(x[2:4]).max() == 50.0
    assert y[2] / x[2] == pytest.approx(-1.0)
    assert y[3] / x[3] == pytest.approx(0.4)
    assert np.isnan(x[5])


def test_a_chart_of_the_plane_marks_a_trajectory_and_lets_it_be_pointed_at(panel, make_flow, qtbot):
    plane = Chart("Paths", "z₁", "z₂", (Curve("", X, X - 1.0),), at="playhead", frame=(-2.0, 2.0, -2.0, 2.0))
    panel.set_picture(plane)
    panel.set_time(0.5)
    panel.set_crowd(Crowd({"trajectory": make_flow(6)}, Selection((Mark("trajectory", 5),))))
    # The chart gets what room the legend leaves.
    QApplication.processEvents()
    panel.grab()
    drawn = panel._charts._plots[0]
    assert drawn.lit.dots.data["x"].tolist() == [1.5]
    np.testing.assert_allclose(drawn.lit.lines.yData[:-1], 1.0)
    place = drawn.plot.mapFromScene(drawn.plot.getViewBox().mapViewToScene(QPointF(-0.5, -1.0)))
    # From elsewhere: where it is already a mouse does not move.
    qtbot.mouseMove(drawn.plot.viewport(), QPoint(2, 2))
    with qtbot.waitSignal(panel.marked, check_params_cb=lambda mark: mark == Mark("trajectory", 0)):
        qtbot.mouseMove(drawn.plot.viewport(), place)
    with qtbot.waitSignal(panel.selected) as selected:
        qtbot.mouseClick(
            drawn.plot.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, place
        )
    assert selected.args == [(Mark("trajectory", 0),), True]
    panel.set_picture(chart())
    assert not len(drawn.lit.dots.data)


def test_a_curve_of_a_trajectory_is_pointed_at_selected_and_lit_from_elsewhere(panel, qtbot):
    curves = tuple(Curve("", X, frozen(X + k), "muted", faint=True, of=k) for k in (3, 5))
    panel.set_picture(Chart("Adjoint", "t", "|a|", (*curves, Curve("median", X, X)), over_time=True))
    # The chart gets what room the legend leaves.
    QApplication.processEvents()
    panel.grab()
    drawn = panel._charts._plots[0]
    place = drawn.plot.mapFromScene(drawn.plot.getViewBox().mapViewToScene(QPointF(1.0, 6.0)))
    with qtbot.waitSignal(panel.marked, check_params_cb=lambda mark: mark == Mark("trajectory", 5)):
        qtbot.mouseMove(drawn.plot.viewport(), place)
    with qtbot.waitSignal(panel.selected) as selected, qtbot.assertNotEmitted(panel.time_picked):
        qtbot.mouseClick(drawn.plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert selected.args == [(Mark("trajectory", 5),), False]
    panel.set_crowd(
        Crowd({}, Selection((Mark("trajectory", 3), Mark("trajectory", 9)), Mark("trajectory", 5)))
    )
    for item, lift in ((drawn.lit_curves.chosen, 3.0), (drawn.lit_curves.over, 5.0)):
        assert item.isVisible()
        np.testing.assert_allclose(item.yData[:-1], X + lift)
    free = drawn.plot.mapFromScene(drawn.plot.getViewBox().mapViewToScene(QPointF(1.0, 2.5)))
    with qtbot.waitSignal(panel.time_picked):
        qtbot.mouseClick(drawn.plot.viewport(), Qt.MouseButton.LeftButton, pos=free)
    panel.set_picture(chart())
    assert not drawn.lit_curves.chosen.isVisible()


@pytest.mark.parametrize(
    ("preset", "told"), [("bouncing-ball", "from event to event"), ("moons-resnet", "no ODE")]
)
def test_without_views_the_panel_says_whether_states_jump_or_nothing_is_solved(show, preset, told):
    panel = show(PrecisionPanel, size=(420, 420))
    panel.set_views((), (), PRESETS[preset].experiment)
    assert told in panel._message.text()
