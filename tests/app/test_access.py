"""Access: text of any size, nothing that moves by itself, keys, names and focus for everybody."""

from itertools import pairwise

import numpy as np
import pytest
from dialogs_made import DIALOGS
from PySide6.QtCore import QPoint, QRect, QSettings, QSize, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QCheckBox, QLabel, QLineEdit, QWidget

from odeviz.app.actions import ACTIONS
from odeviz.app.gallery import Card, Gallery
from odeviz.app.main_window import MainWindow
from odeviz.app.startup import _wear_remembered
from odeviz.app.status_bar import StatusBar
from odeviz.app.tab_order import stops
from odeviz.tasks import Experiment
from odeviz.widgets.button_keys import ButtonKeys
from odeviz.widgets.focus_ring import FocusRing
from odeviz.widgets.theme import Theme


@pytest.fixture
def dressed(qapp, qtbot, request):
    """A window in a theme's clothes, at 200 % text or another size."""
    theme = Theme("light")
    theme.set_scale(getattr(request, "param", 2.0))
    theme.apply(qapp)
    window = MainWindow(theme)
    window.form.set_experiment(Experiment(), None)
    window.resize(1280, 800)
    window.show()
    window.reset_layout()
    qtbot.waitExposed(window)
    yield window
    window.deleteLater()
    theme.deleteLater()
    qapp.setStyleSheet("")


@pytest.fixture
def shown(rig, qtbot):
    rig.show()
    rig.window.resize(1440, 900)
    rig.window.show()
    rig.window.reset_layout()
    qtbot.waitExposed(rig.window)
    rig.control.guidance.marks.place()
    rig.window.activateWindow()
    return rig


def pixels(widget):
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.array(image.constBits()).reshape(image.height(), image.width(), 4)[..., :3].astype(int)


def test_the_status_bars_numbers_stand_together_again_after_larger_text(qapp, qtbot):
    theme = Theme("light")
    theme.apply(qapp)
    bar = StatusBar(theme)
    qtbot.addWidget(bar)
    bar.set_device("CPU", "")
    wide = bar.fields["device"].minimumWidth()
    theme.set_scale(2.0)
    assert bar.fields["device"].minimumWidth() > wide
    theme.set_scale(1.0)
    assert bar.fields["device"].minimumWidth() == wide
    theme.deleteLater()
    qapp.setStyleSheet("")


def test_at_200_percent_the_window_fits_1280_by_800_and_nothing_is_cut(dressed, qtbot):
    assert (dressed.width(), dressed.height()) == (1280, 800)
    value = dressed.solver_bar.costs.value("nfe")
    assert value.font().pixelSize() >= 24
    value.setText("8888")
    assert value.sizeHint().width() <= value.width()
    dressed.time_bar.set_range(0.0, 100.0)
    dressed.time_bar.set_time(100.0)
    assert dressed.time_bar._read.sizeHint().width() <= dressed.time_bar._read.width()
    for row in dressed.form._rows.values():
        if row.isVisible():
            assert row.control.mapTo(dressed.form, row.control.rect().topRight()).x() < dressed.form.width()
    dressed.form._changes.setText("88")
    assert dressed.form._changes.sizeHint().width() <= dressed.form._changes.width()
    # Nor is a word of the gallery cut.
    gallery = Gallery(dressed.theme, dressed)
    gallery.show()
    qtbot.waitExposed(gallery)
    for label in gallery.findChildren(QLabel):
        if label.isVisible() and isinstance(label.parentWidget(), Card):
            assert label.heightForWidth(label.width()) <= label.height(), label.text()


def test_text_grows_by_keys_of_the_menu_and_is_remembered(rig, tmp_path):
    low = rig.window.solver_bar.slider.sizeHint().height()
    rig.window._memory._settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    rig.window.actions_["text.larger"].trigger()
    rig.window.actions_["text.larger"].trigger()
    assert rig.theme.scale == 1.5
    assert rig.window.actions_["text.150%"].isChecked()
    assert rig.window.solver_bar.slider.sizeHint().height() > low
    rig.control.do("calm")
    # Written at once: a process that is killed has no time to.
    other = Theme("light")
    _wear_remembered(other, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    assert (other.scale, other.calm) == (1.5, True)
    other.deleteLater()


def test_with_reduced_motion_nothing_moves_by_itself(rig):
    rig.show()
    assert rig.bench.playhead.playing
    rig.control.do("calm")
    assert not rig.bench.playhead.playing
    rig.bench.show_layer("tracers", True)
    assert not rig.window.flow.drifting
    rig.show()
    assert not rig.bench.playhead.playing
    assert rig.bench.playhead.t == rig.bench.playhead.t1
    rig.control.do("calm")
    rig.show()
    assert rig.bench.playhead.playing


def test_tab_leads_from_the_top_left_through_everything_and_everything_has_a_name(shown, qtbot):
    window = shown.window
    there = stops(window)
    assert len(set(there)) == len(there)
    first = {part: next(k for k, each in enumerate(there) if part.isAncestorOf(each) or part is each) for part in (
        window.toolbar, window.form, window.flow, window.time_bar, window.solver_bar, window.loss,
    )}  # fmt: skip
    assert list(first.values()) == sorted(first.values())
    rows = [each for each in there if window.form.isAncestorOf(each)]
    heights = [each.mapTo(window.form, each.rect().center()).y() for each in rows]
    assert all(below > above - 12 for above, below in pairwise(heights))
    for each in there:
        assert each.accessibleName() or getattr(each, "text", str)(), each
        told = each.toolTip() or each.parentWidget().toolTip() or each.accessibleDescription()
        assert told or isinstance(each, QLineEdit) or "Panels" in each.accessibleName(), each.accessibleName()
    there[0].setFocus()
    for each in there[1:12]:
        qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
        assert window.focusWidget() is each
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert window.focusWidget() is there[10]


@pytest.mark.parametrize("dressed", [1.0], indirect=True)
def test_what_has_the_keyboard_by_keys_is_seen_in_both_themes(dressed, qapp, qtbot):
    ring = FocusRing(dressed.theme, qapp, dressed)
    dressed.activateWindow()
    dressed.flow.setFocus()
    assert ring.ring is None
    qtbot.waitUntil(lambda: qapp.focusWindow() is dressed.windowHandle())
    QTest.keyClick(dressed.windowHandle(), Qt.Key.Key_Shift)
    for mode in ("light", "dark"):
        dressed.theme.set_mode(mode)
        # One of each kind: what is drawn depends on that.
        for each in {type(each): each for each in stops(dressed)}.values():
            dressed.setFocus()
            # A check box is smaller than its ring, and must still be seen.
            around = each.parentWidget() if isinstance(each, QCheckBox) else each
            before = pixels(around)
            each.setFocus(Qt.FocusReason.TabFocusReason)
            changed = np.abs(pixels(around) - before).max(axis=-1) > 60
            assert changed.sum() >= 20, f"{mode}: {each.accessibleName()}"
            assert ring.ring.parentWidget() is around
            edge = ring.ring.mask().translated(ring.ring.pos())
            assert around is each or not edge.intersects(
                QRect(each.pos(), QSize(each.height(), each.height()))
            )
    QTest.mouseClick(
        dressed.windowHandle(), Qt.MouseButton.LeftButton, pos=dressed.flow.mapTo(dressed, QPoint(300, 200))
    )
    assert ring.ring is None


@pytest.mark.qt_log_ignore("does not support", extend=True)
def test_the_menu_bar_gives_the_keyboard_up_to_nobody_too(shown, qtbot, qapp):
    window, ring = shown.window, FocusRing(shown.theme, qapp, shown.window)
    qtbot.waitUntil(lambda: qapp.focusWindow() is window.windowHandle())
    if window.focusWidget() is not None:
        window.focusWidget().clearFocus()
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Alt)
    bar = window.menuBar()
    assert ring.ring.parentWidget() is bar
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Right)
    assert ring.ring.geometry() == bar.actionGeometry(bar.actions()[1])
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Down)
    QTest.keyClick(QApplication.activePopupWidget(), Qt.Key.Key_Escape)
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Escape)
    assert QApplication.focusWidget() is None
    assert ring.ring is None


def test_space_presses_the_button_that_has_the_keyboard_and_plays_elsewhere(shown, qtbot, qapp):
    keys = ButtonKeys(qapp, shown.window)
    chip, playing = shown.window.flow.bar.chips["data"], shown.bench.playhead.playing
    chip.setFocus()
    qtbot.keyClick(chip, Qt.Key.Key_Space)
    assert not shown.bench.layers["data"]
    qtbot.keyClick(chip, Qt.Key.Key_Return)
    assert shown.bench.layers["data"]
    assert shown.bench.playhead.playing == playing
    shown.window.flow.setFocus()
    qtbot.keyClick(shown.window.flow, Qt.Key.Key_Space)
    assert shown.bench.playhead.playing != playing
    keys.deleteLater()


def test_what_is_drawn_is_spoken_with_its_value(shown):
    window = shown.window
    shown.control.playback.scrub(0.5)
    shown.tick()
    assert window.time_bar.track.accessibleDescription() == "t = 0.500 of 2; 2 steps accepted, 0 rejected"
    window.solver_bar.slider.user_moved(-3.0)
    assert window.solver_bar.slider.accessibleDescription() == "0.001, from 0.1 to 1e-09"
    shown.bench.add_seed((0.5, 0.5))
    assert "1 seeds" in window.flow.accessibleDescription()


def reachable(dialog):
    """What can have the keyboard in a dialog; what is inside a number's box belongs to it."""
    there = [each for each in dialog.findChildren(QWidget) if each.isVisible() and each.isEnabled()]
    there = [
        each for each in there if each.focusPolicy() & Qt.FocusPolicy.TabFocus and each.focusProxy() is None
    ]
    return [each for each in there if not isinstance(each.parentWidget(), QAbstractSpinBox)]


@pytest.mark.parametrize("name", DIALOGS)
@pytest.mark.qt_log_ignore("does not support", extend=True)
def test_tab_reaches_everything_in_a_dialog_and_escape_closes_it(name, qtbot, nothing_left):
    theme = Theme("light")
    dialog = DIALOGS[name](theme)
    dialog.show()
    dialog.activateWindow()
    there, reached = reachable(dialog), []
    for each in there:
        assert each.accessibleName() or getattr(each, "text", str)(), each
    qtbot.keyClick(dialog.focusWidget() or dialog, Qt.Key.Key_Tab)
    while dialog.focusWidget() not in reached:
        reached.append(dialog.focusWidget())
        qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Tab)
    assert [each for each in there if each not in reached] == []
    if name == "export-film":
        # The first ends what is being written.
        with qtbot.waitSignal(dialog.cancelled):
            qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Escape)
        dialog.stop()
    qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    dialog.deleteLater()
    theme.deleteLater()


def test_arrow_keys_lead_through_the_gallerys_cards(qtbot):
    theme = Theme("light")
    gallery = Gallery(theme)
    gallery.show()
    qtbot.waitExposed(gallery)
    gallery.activateWindow()
    qtbot.keyClick(gallery._search, Qt.Key.Key_Down)
    first = gallery.focusWidget()
    assert isinstance(first, Card)
    assert first.name == gallery._sections[0].shown[0].name
    qtbot.keyClick(first, Qt.Key.Key_Right)
    assert gallery.focusWidget().name == gallery._sections[0].shown[1].name
    qtbot.keyClick(gallery.focusWidget(), Qt.Key.Key_Down)
    below = gallery.focusWidget()
    assert below.mapTo(gallery, below.pos()).y() > first.mapTo(gallery, first.pos()).y()
    qtbot.keyClick(below, Qt.Key.Key_Up)
    qtbot.keyClick(gallery.focusWidget(), Qt.Key.Key_Up)
    assert gallery.focusWidget() is gallery._search
    gallery.deleteLater()
    theme.deleteLater()


def test_everything_has_a_tooltip_and_settings_have_symbol_and_equation(rig):
    rig.show()
    assert all(spec.tooltip for spec in ACTIONS)
    for entry in Experiment().entries():
        tip = rig.window.form._rows[entry.path].control.toolTip()
        for part in (entry.about.help, entry.about.symbol, entry.about.equation):
            assert part in tip
    assert "atol + rtol" in rig.window.form._rows["solver.rtol"].control.toolTip()
    for mark in rig.control.guidance.marks.marks.values():
        assert "Shift+F1" in mark.toolTip()
        assert mark.accessibleDescription()
