"""Guidance: what one sees in each panel, and the tour."""

import pytest
from PySide6.QtCore import QPoint, QRect, QSettings, Qt
from PySide6.QtWidgets import QApplication

from odeviz.app.tour import STEPS
from odeviz.panels.guides import GUIDES
from odeviz.tasks.presets import PRESETS


@pytest.fixture
def shown(rig, qtbot):
    rig.window.resize(1440, 900)
    rig.window.show()
    rig.window.reset_layout()
    qtbot.waitExposed(rig.window)
    rig.control.guidance.marks.place()
    return rig


def test_every_panel_has_a_guide_with_a_title_and_symbols_for_its_equation(rig):
    assert rig.control.guidance._panels().keys() <= GUIDES.keys()
    for guide in GUIDES.values():
        assert guide.what.endswith(".")
        assert bool(guide.equation) == bool(guide.symbols)
        assert not guide.equation or guide.look_for


def test_a_key_explains_the_panel_that_has_the_keyboard(shown):
    shown.window.solver_bar.slider.setFocus()
    shown.window.actions_["explain"].trigger()
    card, bar = shown.dialogs.opened[-1], shown.window.solver_bar
    assert "atol + rtol" in card.text
    # What it explains can still be seen.
    assert not card.geometry().intersects(QRect(bar.mapToGlobal(QPoint(0, 0)), bar.size()))


def test_a_question_mark_explains_its_panel_and_only_front_panels_have_one(shown, qtbot):
    marks = shown.control.guidance.marks.marks
    assert {"experiment", "density", "loss"} <= {key for key, mark in marks.items() if mark.isVisible()}
    assert not marks["nfe"].isVisible()
    shown.window.docks["nfe"].raise_()
    qtbot.waitUntil(lambda: marks["nfe"].isVisible() and not marks["loss"].isVisible())
    qtbot.mouseClick(marks["nfe"], Qt.MouseButton.LeftButton)
    assert shown.dialogs.opened[-1].text.startswith("NFE")


@pytest.mark.qt_log_ignore("propagateSizeHints|does not support raise", extend=True)
def test_a_panel_that_floats_keeps_its_question_mark(shown, qtbot):
    dock, mark = shown.window.docks["experiment"], shown.control.guidance.marks.marks["experiment"]
    dock.setFloating(True)
    qtbot.waitUntil(lambda: mark.isVisible() and mark.window() is dock)
    title = dock.titleBarWidget()
    assert title.room.geometry().contains(mark.geometry().center() - title.pos())
    dock.setFloating(False)
    qtbot.waitUntil(lambda: mark.isVisible() and mark.window() is shown.window)


def test_the_bars_of_the_middle_have_question_marks_too(shown, qtbot):
    for bar, said in ((shown.window.time_bar, "Time"), (shown.window.solver_bar, "Solver")):
        qtbot.mouseClick(bar.help, Qt.MouseButton.LeftButton)
        assert shown.dialogs.opened[-1].text.startswith(said)


def test_the_flows_guide_says_what_to_look_for_in_the_open_preset_and_names_its_layers(shown, qtbot):
    shown.control.documents.open_preset("moons-density")
    qtbot.mouseClick(shown.window.flow.bar.help, Qt.MouseButton.LeftButton)
    told = shown.dialogs.opened[-1].text
    assert PRESETS["moons-density"].look_for in told
    assert "Field: The vector field f(z, t, θ)" in told
    assert "Nullclines:" not in told


def test_the_tour_goes_through_all_steps_by_keys_and_blocks_nothing(shown, qtbot):
    window, tour = shown.window, shown.control.guidance.tour
    window.actions_["tour"].trigger()
    for step in range(len(STEPS)):
        assert tour.callout.isVisible()
        assert tour.callout.title.text() == STEPS[step].title
        target = STEPS[step].target(window)
        assert tour.outline.geometry().contains(target.mapTo(window, target.rect().center()))
        assert window.rect().contains(tour.callout.geometry())
        qtbot.keyClick(tour.callout.next, Qt.Key.Key_Return)
    assert not tour.callout.isVisible()
    window.actions_["tour"].trigger()
    playing = shown.bench.playhead.loop
    qtbot.mouseClick(window.time_bar._loop, Qt.MouseButton.LeftButton)
    assert shown.bench.playhead.loop != playing
    qtbot.keyClick(tour.callout.next, Qt.Key.Key_Escape)
    assert tour.at is None
    assert not tour.outline.isVisible()
    window.actions_["tour"].trigger()
    for button, title in ((tour.callout.next, STEPS[1].title), (tour.callout.back, STEPS[0].title)):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert tour.callout.title.text() == title
    qtbot.mouseClick(tour.callout.skip, Qt.MouseButton.LeftButton)
    assert tour.at is None


def test_the_tour_is_offered_once_and_can_be_started_from_there(shown, qtbot, tmp_path):
    guidance, toasts = shown.control.guidance, shown.control.telling.toasts
    guidance._settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    guidance.offer_tour()
    qtbot.mouseClick(toasts.shown[0].buttons[0], Qt.MouseButton.LeftButton)
    assert guidance.tour.at == 0
    assert not toasts.shown
    guidance.offer_tour()
    assert not toasts.shown
    QApplication.processEvents()
