"""Maps, matrices and films in the views panel."""

from __future__ import annotations

import numpy as np
import pytest
from pictures_made import VIEWS, colours, maps
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication

from odeviz.panels.view_panel import ViewPanel
from odeviz.tasks.chart import Map, Maps, frozen


@pytest.fixture
def panel(show):
    panel = show(ViewPanel, size=(420, 420))
    panel.set_views(VIEWS)
    return panel


def test_maps_share_a_scale_or_not(panel):
    panel.set_picture(maps())
    cells = panel._maps._cells
    assert tuple(cells[0]._image.levels) == (-4.0, 7.0)
    assert tuple(cells[1]._image.levels) == (-40.0, 70.0)
    panel.set_picture(maps(shared=True, diverging=True))
    assert tuple(cells[0]._image.levels) == tuple(cells[1]._image.levels) == (-70.0, 70.0)


def test_maps_on_one_scale_stand_beside_it(panel):
    panel.set_picture(maps(shared=True, scale="1/time"))
    assert panel._maps._bar.isVisibleTo(panel)
    assert panel._maps._bar.accessibleName() == "1/time: −40, −20, 0, 20, 40, 60"
    assert panel._maps._cells[0]._title.text() == "one"
    panel.set_picture(maps(scale="1/time"))
    assert not panel._maps._bar.isVisibleTo(panel)
    assert panel._maps._cells[1]._title.text() == "two\n−40 … 70"
    panel.set_picture(maps(scale="1/time", diverging=True))
    assert panel._maps._cells[1]._title.text() == "two\n±70"
    panel.set_picture(maps())
    assert panel._maps._cells[0]._title.text() == "one"


def test_maps_have_their_axes_once_and_one_size(panel):
    panel.set_picture(maps(axes=("z₁", "z₂"), equal=False))
    first, second = panel._maps._cells[:2]
    assert [cell._plot.getAxis("left").isVisible() for cell in (first, second)] == [True, False]
    assert [cell._plot.getAxis("bottom").labelText for cell in (first, second)] == ["z₁", "z₁"]
    QApplication.processEvents()
    sizes = [cell._plot.getViewBox().sceneBoundingRect().width() for cell in (first, second)]
    assert abs(sizes[0] - sizes[1]) <= 4
    panel.set_picture(maps())
    assert not first._plot.getAxis("left").isVisible()


def test_a_matrix_has_crisp_cells_and_names_beside_them(panel):
    panel.set_picture(maps(axes=("taken for", "is"), matrix=(("c", "b", "a"), ("a", "b", "c", "d"))))
    cell = panel._maps._cells[0]
    assert not cell._image.smooth
    assert cell._plot.getAxis("left")._tickLevels == [[(0, "c"), (1, "b"), (2, "a")]]


def test_a_matrix_tells_its_counts_on_any_colour_while_they_fit_and_each_cell_under_the_mouse(qtbot, panel):
    """Black letters or white, whichever the cell's colour is further from; a zero is fainter."""
    counts = np.array([[0.0, 50.0], [9.0, 1.0]])
    one = Map("", (-0.5, 1.5, -0.5, 1.5), frozen(counts), counts=frozen(counts))
    told = {"axes": ("taken for", "is"), "matrix": (("b", "a"), ("a", "b"))}
    panel.set_picture(Maps("Confusion", (one,), 1, **told))
    cell = panel._maps._cells[0]
    written = colours(cell._plot)
    assert {0x000000, 0xFFFFFF} <= written
    numbers, box = cell._numbers, cell._plot.getViewBox()
    with_them = cell._plot.grab().toImage()
    numbers.hide()
    assert not {0x000000, 0xFFFFFF} <= colours(cell._plot)
    without = cell._plot.grab().toImage()
    for x, y in ((0, 0), (0, 1), (1, 0), (1, 1)):
        middle = cell._plot.mapFromScene(box.mapViewToScene(QPointF(x, y)))
        around = [(middle.x() + dx, middle.y() + dy) for dx in range(-8, 9) for dy in range(-12, 13)]
        assert any(with_them.pixel(*at) != without.pixel(*at) for at in around), (x, y)
    numbers.show()
    for (x, y), said in {
        (1, 0): "b taken for b: 50 of 50 (100.0\u00a0%)",
        (1, 1): "a taken for b: 1 of 10 (10.0\u00a0%)",
    }.items():
        place = cell._plot.mapFromScene(box.mapViewToScene(QPointF(x, y)))

        def is_told(place=place, said=said):
            # Of moves that follow each other fast, pyqtgraph takes no notice.
            for step in (QPoint(1, 0), QPoint(0, 0)):
                qtbot.mouseMove(cell._plot.viewport(), place + step)
            return numbers.toolTip() == said

        qtbot.waitUntil(is_told, timeout=2000)
    many = np.full((40, 40), 1234.0)
    panel.set_picture(
        Maps("Many", (Map("", (0.0, 40.0, 0.0, 40.0), frozen(many), counts=frozen(many)),), 1, **told)
    )
    small = cell._plot.grab().toImage()
    numbers.hide()
    assert small == cell._plot.grab().toImage()
    panel.set_picture(maps())
    assert not numbers.isVisible()


def test_a_film_frames_the_picture_at_the_playhead_and_goes_to_the_one_that_is_clicked(qtbot, panel):
    values = frozen(np.zeros((3, 4)))
    film = tuple(Map(f"{t}", (0.0, 4.0, 0.0, 3.0), values, t=t) for t in (0.0, 0.5, 1.0))
    panel.set_picture(Maps("Film", film, columns=3))
    panel.set_time(0.6)
    cells = panel._maps._cells
    assert [cell._framed for cell in cells] == [False, True, False]
    with qtbot.waitSignal(panel.time_picked) as picked:
        qtbot.mouseClick(cells[2]._plot.viewport(), Qt.MouseButton.LeftButton)
    assert picked.args == [1.0]
    panel.set_picture(maps())
    assert not any(cell._framed for cell in cells)
