"""The seeds over time, with real mouse events."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from odeviz.panels.series_panel import SeriesPanel
from odeviz.state import Mark, Selection
from odeviz.tasks.own_time import OwnTime


@pytest.fixture
def panel(show, make_flow):
    panel = show(SeriesPanel, size=(360, 420))
    panel.set_names(("z₁", "z₂"))
    panel.set_seeds(make_flow(2))
    panel.grab()
    return panel


def on_screen(plot, t, value):
    return plot.mapFromScene(plot.getViewBox().mapViewToScene(QPointF(t, value)))


def test_each_coordinate_is_drawn_against_time_up_to_the_end(panel):
    lines = panel.plots[0]._plain._lines
    np.testing.assert_allclose(sorted(lines[:4, 2]), [0.25, 0.5, 0.75, 1.0])
    np.testing.assert_allclose(lines[:4, 3] - lines[:4, 2], -1.0)
    panel.set_time(0.5)
    np.testing.assert_allclose(panel.plots[0]._heads._points, [[0.5, -0.5], [0.5, 1.5]])
    assert panel.plots[0]._now.value() == 0.5


def test_a_curve_under_the_mouse_is_marked_and_a_click_selects_it(panel, qtbot):
    viewport, place = panel.plots[0].viewport(), on_screen(panel.plots[0], 0.4, 1.4)
    with qtbot.waitSignal(panel.marked, check_params_cb=lambda mark: mark is not None) as marked:
        qtbot.mouseMove(viewport, place)
    assert marked.args == [Mark("seed", 1)]
    with qtbot.waitSignal(panel.selected) as selected:
        qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=place)
    assert selected.args == [(Mark("seed", 1),), False]
    panel.set_selection(Selection((Mark("seed", 1),), Mark("seed", 0)))
    plot = panel.plots[0]
    assert (plot._plain._count, plot._lit._count, plot._over._count) == (0, 4, 4)


def test_a_click_beside_the_curves_moves_the_time(panel, qtbot):
    plot = panel.plots[0]
    with qtbot.assertNotEmitted(panel.selected), qtbot.waitSignal(panel.time_picked) as picked:
        qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=on_screen(plot, 0.8, 0.4))
    assert picked.args == [pytest.approx(0.8, abs=0.01)]


def test_escape_selects_nothing(panel, qtbot):
    panel.set_selection(Selection((Mark("seed", 0),)))
    with qtbot.waitSignal(panel.selected) as selected:
        qtbot.keyClick(panel, Qt.Key.Key_Escape)
    assert selected.args == [(), False]
    panel.set_selection(Selection(*selected.args[:1]))
    assert not panel.plots[0]._lit._count


def test_selected_trajectories_are_drawn_beside_the_seeds(panel, make_flow):
    panel.set_crowd(make_flow(6))
    panel.set_selection(Selection((Mark("trajectory", 2), Mark("trajectory", 5))))
    assert panel.plots[1]._lit._count == 8
    panel.set_seeds(None)
    assert panel.plots[1]._plain._count == 0
    panel.set_selection(Selection())
    assert "No seeds yet" in panel.plots[0]._message.text()
    assert panel.plots[1].isHidden()


def test_there_are_as_many_plots_as_coordinates(panel):
    panel.set_names(("x", "y", "z"))
    assert [plot._labels["bottom"] for plot in panel.plots] == ["", "", "t"]
    panel.set_names(("PC₁", "PC₂"))
    assert [plot.isHidden() for plot in panel.plots] == [False, False, True]


def test_trajectories_of_a_persons_own_data_are_drawn_over_their_own_time(panel, make_flow, qtbot):
    panel.set_seeds(make_flow(2, clock=OwnTime(10.0, start=100.0)))
    panel.grab()
    plot = panel.plots[0]
    assert sorted(plot._plain._lines[:4, 2]) == pytest.approx([102.5, 105.0, 107.5, 110.0])
    panel.set_time(0.5)
    assert plot._now.value() == pytest.approx(105.0)
    with qtbot.waitSignal(panel.time_picked) as picked:
        qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=on_screen(plot, 108.0, 0.4))
    assert picked.args == [pytest.approx(0.8, abs=0.01)]
