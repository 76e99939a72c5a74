import pytest
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QColor, QIcon
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton, QToolTip, QWidget

from odeviz.widgets.icons import icon
from odeviz.widgets.see_through_tips import SeeThroughTips
from odeviz.widgets.theme import Colors, Theme, colors


def contrast(a, b):
    """The WCAG 2.1 contrast ratio of two colours."""

    def luminance(color):
        c = QColor(color)
        parts = [
            v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
            for v in (c.redF(), c.greenF(), c.blueF())
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_text_is_readable_on_every_surface(dark):
    c = colors(dark)
    for surface in (c.window, c.base, c.raised, c.hover):
        assert contrast(c.text, surface) >= 7.0
        assert contrast(c.muted, surface) >= 4.5
    assert contrast(c.accent, c.base) >= 3.0
    assert contrast(c.selected, c.base) >= 3.0
    assert contrast(c.danger, c.base) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
def test_every_role_is_a_colour(dark):
    c = colors(dark)
    for role in Colors.__slots__:
        values = getattr(c, role) if role == "classes" else (getattr(c, role),)
        assert all(QColor(value).isValid() for value in values), role


def test_a_change_of_mode_is_announced_once_and_dresses_the_application(qtbot, qapp, theme):
    before = qapp.palette().window().color()
    with qtbot.waitSignal(theme.changed) as blocker:
        theme.set_mode("dark")
    assert blocker.signal_triggered
    assert theme.dark
    assert qapp.palette().window().color() == QColor(colors(True).window) != before
    with qtbot.assertNotEmitted(theme.changed):
        theme.set_mode("dark")


def test_an_unknown_mode_is_refused_by_name(theme):
    with pytest.raises(ValueError, match="theme must be one of system, light, dark, not 'blue'"):
        theme.set_mode("blue")


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_density_map_starts_at_the_ground_and_its_lightness_goes_one_way(mode, qapp):
    theme = Theme(mode)
    shades = [theme.density_map.map(i / 20, mode="qcolor") for i in range(21)]
    assert shades[0] == QColor(theme.colors.base)
    light = [contrast(shade, "#000000") for shade in shades]
    assert light == sorted(light, reverse=not theme.dark)
    theme.deleteLater()


def test_an_icon_takes_the_colour_of_the_theme_and_of_its_state(qapp, theme):
    def ink(state, mode=QIcon.Mode.Normal):
        image = play.pixmap(QSize(32, 32), mode, state).toImage()
        return image.pixelColor(13, 16).name()

    play = icon("play-fill", theme)
    assert ink(QIcon.State.Off) == theme.colors.text.lower()
    assert ink(QIcon.State.On) == theme.colors.accent.lower()
    theme.set_mode("dark")
    assert ink(QIcon.State.Off) == colors(True).text.lower()


def test_the_keyboard_focus_can_be_seen(qtbot, show, theme):
    button = show(lambda theme: QToolButton(), size=(80, 40))
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    plain = button.grab().toImage()
    button.setFocus()
    qtbot.waitUntil(button.hasFocus)
    assert button.grab().toImage() != plain


@pytest.mark.qt_log_ignore("does not support", extend=True)
def test_a_tooltip_lets_the_mouse_through_once_the_mouse_moves(qtbot, qapp):
    tips, widget = SeeThroughTips(qapp), QWidget()
    qtbot.addWidget(widget)
    widget.show()
    qtbot.waitUntil(lambda: qapp.focusWindow() is widget.windowHandle())
    QToolTip.showText(QPoint(5, 5), "What it is.", widget)
    (tip,) = [window for window in qapp.topLevelWindows() if window.type() == Qt.WindowType.ToolTip]
    assert not tip.flags() & Qt.WindowType.WindowTransparentForInput
    QTest.mouseMove(widget.windowHandle(), QPoint(9, 9))
    assert tip.flags() & Qt.WindowType.WindowTransparentForInput
    QToolTip.hideText()
    tips.deleteLater()
