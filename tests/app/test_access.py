"""Access: text of any size, nothing that moves by itself, keys, names and focus for everybody."""

import pytest
from PySide6.QtCore import QSettings

from odeviz.app.main_window import MainWindow
from odeviz.app.startup import _wear_remembered
from odeviz.widgets.theme import Theme


@pytest.fixture
def dressed(qapp, qtbot):
    """A window in a theme's clothes, at 200 % text."""
    theme = Theme("light")
    theme.set_scale(2.0)
    theme.apply(qapp)
    window = MainWindow(theme)
    window.resize(1280, 800)
    window.show()
    window.reset_layout()
    qtbot.waitExposed(window)
    yield window
    window.deleteLater()
    theme.deleteLater()
    qapp.setStyleSheet("")


def test_at_200_percent_the_window_fits_1280_by_800_and_numbers_are_whole(dressed):
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


def test_text_grows_by_keys_of_the_menu_and_is_remembered(rig, tmp_path):
    low = rig.window.solver_bar.slider.sizeHint().height()
    rig.window.actions_["text.larger"].trigger()
    rig.window.actions_["text.larger"].trigger()
    assert rig.theme.scale == 1.5
    assert rig.window.actions_["text.150%"].isChecked()
    assert rig.window.solver_bar.slider.sizeHint().height() > low
    rig.control.do("calm")
    rig.window._settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    rig.window.remember_layout()
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
