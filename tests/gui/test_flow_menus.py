"""What the flow view offers in menus, its fit button and the wheel: what a real mouse chooses is drawn."""

import numpy as np
import pytest
from on_plane import EXTENT, on_screen
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QMenu

from odeviz.analysis.overlays import SpaceResult
from odeviz.analysis.projection import Projection
from odeviz.panels.flow_view import FlowView
from odeviz.state import COLOURINGS, Mark, Selection

LEFT = Qt.MouseButton.LeftButton
pytestmark = pytest.mark.qt_log_ignore("does not support", extend=True)


@pytest.fixture
def full(show, make_flow):
    view = show(FlowView, size=(560, 560))
    view.set_extent(EXTENT)
    view.set_flow(make_flow())
    view.set_seeds(np.array([[-0.5, 0.7]]), make_flow(1))
    view.set_time(1.0)
    return view


def picture(view):
    image = view._plot.grab().toImage()
    return np.array(image.constBits()).reshape(image.height(), -1)


def choose(qtbot, menu, text):
    """Click on the entry of an open menu."""
    (entry,) = [action for action in menu.actions() if action.text() == text]
    qtbot.mouseClick(menu, LEFT, pos=menu.actionGeometry(entry).center())


def test_a_colouring_is_chosen_from_the_menu_and_its_scale_is_drawn(qtbot, full):
    full.colouring_chosen.connect(lambda key: full.set_colouring(key, None, tuple(COLOURINGS)))
    before, menu = picture(full), full.bar.colouring.menu()
    menu.popup(full.bar.colouring.mapToGlobal(QPoint(0, 0)))
    with qtbot.waitSignal(full.colouring_chosen) as chosen:
        choose(qtbot, menu, "Time")
    assert chosen.args == ["time"]
    assert full.overlays.key._scale.title == "t"
    assert (picture(full) != before).sum() > 200
    menu.close()


def test_a_projection_is_chosen_from_the_menu_and_the_plane_becomes_space(qtbot, full):
    space = SpaceResult(3, False, ("x", "y", "z"), np.zeros(3), np.eye(3), np.eye(3))
    full.set_projection(space, Projection("axes", (0, 1)))
    full.projection_chosen.connect(lambda projection: full.set_projection(space, projection))
    menu = full.bar.projection.menu()
    menu.popup(full.bar.projection.mapToGlobal(QPoint(0, 0)))
    with qtbot.waitSignal(full.projection_chosen) as chosen:
        choose(qtbot, menu, "Space of axes")
    assert chosen.args == [Projection.of("space")]
    assert not full._plot.getAxis("bottom").isVisible()
    assert all(label.isVisible() for label in full._frame._labels)
    menu.close()


def test_the_wheel_zooms_about_the_mouse_and_the_button_fits_again(qtbot, full):
    whole, viewport = picture(full), full._plot.viewport()
    place = QPointF(on_screen(full, 1.0, 1.0))
    with qtbot.waitSignal(full.range_chosen) as chosen:
        QApplication.sendEvent(viewport, QWheelEvent(
            place, QPointF(viewport.mapToGlobal(place)), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        ))  # fmt: skip
    x0, x1, _, _ = chosen.args[0]
    assert x1 - x0 < 3.9
    assert on_screen(full, 1.0, 1.0).x() == pytest.approx(place.x(), abs=2)
    assert (picture(full) != whole).sum() > 200
    with qtbot.waitSignal(full.range_chosen) as chosen:
        qtbot.mouseClick(full.bar.fit, LEFT)
    assert chosen.args == [None]
    assert (picture(full) == whole).mean() > 0.999


def test_the_right_button_offers_what_can_be_done_there(qtbot, full):
    full.set_selection(Selection((Mark("seed", 0),)))

    def ask(x, y):
        qtbot.mouseClick(full._plot.viewport(), Qt.MouseButton.RightButton, pos=on_screen(full, x, y))
        return next(menu for menu in full.findChildren(QMenu) if menu.isVisible())

    with qtbot.waitSignal(full.seed_added) as added:
        choose(qtbot, ask(0.5, 1.5), "Set a seed here")
    assert added.args == [pytest.approx(0.5, abs=0.02), pytest.approx(1.5, abs=0.02)]
    with qtbot.waitSignal(full.selected) as selected:
        choose(qtbot, ask(0.0, -0.6), "Select trajectory 2")
    assert selected.args == [(Mark("trajectory", 1),), False]
    with qtbot.waitSignal(full.seeds_removed):
        choose(qtbot, ask(0.5, 1.5), "Remove the selected seeds")
    full.set_range((0.0, 1.0, 0.0, 1.0))
    choose(qtbot, ask(0.5, 0.5), "Fit the view")
    assert full._box.viewRange()[0][1] >= 1.99
