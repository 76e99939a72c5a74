"""The one theme: colours, type and spacing of everything in the window, light and dark.

Class colours, accent and the other roles that figures share come from :mod:`odeviz.exporting.palette`;
what only a window needs (hover tints, separators, ink on the accent) is derived here by mixing them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontInfo, QFontMetrics, QGuiApplication, QIcon, QPalette
from PySide6.QtWidgets import QApplication

from odeviz.exporting.palette import mix, palette
from odeviz.widgets.stylesheet import stylesheet

MODES = ("system", "light", "dark")
#: How large text can be, as shares of the system's size.
TEXT_SIZES = (1.0, 1.25, 1.5, 2.0)

#: Pixels of the system's fonts that have been asked for, by their keys.
_BODIES: dict[str, int] = {}
#: All gaps and paddings are multiples of this many pixels.
GRID = 4

# Sequential maps for a probability density: lightness is linear in Oklab, from the ground itself (zero is
# empty space, not a colour) through cyan or blue to the opposite end, so equal steps look equal.
_DENSITY_DARK = (
    "#15181E", "#1A2856", "#004580", "#00668F", "#0688A1", "#00ABB3", "#0FCFBD", "#7DECC2", "#D6FEDD",
)  # fmt: skip
_DENSITY_LIGHT = (
    "#FFFFFF", "#D9F1FA", "#A5DDF3", "#66C3EA", "#2FA3DC", "#0F7FC6", "#1F5BA8", "#2A3C86", "#271B4E",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Colors:
    """The role of every colour in the window, as ``#RRGGBB``."""

    window: str
    #: What plots and inputs are drawn upon.
    base: str
    #: A raised surface: a card over a plot, a button.
    raised: str
    #: A pressed or hovered neutral surface.
    hover: str
    text: str
    muted: str
    #: Text of what is switched off, ticks of an axis.
    faint: str
    separator: str
    grid: str
    accent: str
    accent_text: str
    #: A tint of the accent for selected rows and checked buttons.
    accent_soft: str
    #: What is selected among trajectories: told apart from the classes, from densities and from the accent, also by
    #: the colour-blind.
    selected: str
    danger: str
    danger_soft: str
    warning: str
    warning_soft: str
    success: str
    classes: tuple[str, ...]
    field: str
    path: str
    seed: str

    def of_class(self, label: int) -> str:
        """The colour of a class index; of a negative one (no class), the path's."""
        return self.classes[label % len(self.classes)] if label >= 0 else self.path


def colors(dark: bool) -> Colors:
    """All roles for a dark or a light window."""
    p = palette(dark)
    accent = mix(p.accent, "#FFFFFF", 0.22) if dark else mix(p.accent, "#5B6BFF", 0.45)
    warning = "#E5B454" if dark else "#9A6700"
    window = mix(p.ground, "#000000", 0.28) if dark else mix(p.raised, p.grid, 0.18)
    return Colors(
        window=window,
        base=p.ground,
        raised=p.raised if dark else p.ground,
        hover=mix(p.raised, p.text, 0.08 if dark else 0.06),
        text=p.text,
        muted=p.muted,
        faint=mix(p.muted, p.ground, 0.45),
        separator=mix(p.grid, p.ground, 0.10),
        grid=p.grid,
        accent=accent,
        accent_text="#FFFFFF",
        accent_soft=mix(p.ground, accent, 0.24 if dark else 0.11),
        selected="#FF4F9A" if dark else "#D10060",
        danger=mix(p.danger, "#FFFFFF", 0.2) if dark else p.danger,
        danger_soft=mix(p.ground, p.danger, 0.2 if dark else 0.08),
        warning=warning,
        warning_soft=mix(p.ground, warning, 0.18 if dark else 0.12),
        success=p.classes[2],
        classes=p.classes,
        field=p.field,
        path=p.path,
        seed="#FFFFFF" if dark else "#101319",
    )


class Theme(QObject):
    """Which colours the window wears, how large its text is, and whether things may move by themselves.

    ``changed`` is emitted after ``colors``, ``density_map``, ``scale`` or ``calm`` are new.
    """

    changed = Signal()
    #: A person has chosen a mode, a size or calm, whether or not that looks different.
    chosen = Signal()

    def __init__(self, mode: str = "system", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.mode = mode
        #: Text is this many times as large as the system's.
        self.scale = 1.0
        #: Reduced motion: nothing moves that no hand has moved.
        self.calm = _system_is_calm()
        #: Icons in these colours, by name and roles: :mod:`odeviz.widgets.icons`.
        self.icons: dict[tuple[str, str, str], QIcon] = {}
        self._app: QApplication | None = None
        self.dark = False
        self.colors = colors(False)
        self.density_map = self._map()
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._follow)
        self._take(self._wanted())

    def set_mode(self, mode: str) -> None:
        """Follow the system, or stay light or dark. Raises ``ValueError`` for any other word."""
        if mode not in MODES:
            raise ValueError(f"theme must be one of {', '.join(MODES)}, not {mode!r}")
        self.mode = mode
        if self._app is not None:
            # The platform's own parts (title bar, file dialogs) follow too.
            scheme = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}.get(
                mode, Qt.ColorScheme.Unknown
            )
            QGuiApplication.styleHints().setColorScheme(scheme)
        self._take(self._wanted())
        self.chosen.emit()

    def set_scale(self, scale: float) -> None:
        """How large text is: one of :data:`TEXT_SIZES`. Raises ``ValueError`` for any other number."""
        if scale not in TEXT_SIZES:
            raise ValueError(f"text size must be one of {', '.join(map(str, TEXT_SIZES))}, not {scale!r}")
        if scale != self.scale:
            self.scale = scale
            self._dress()
            self.changed.emit()
            self.chosen.emit()

    def set_calm(self, calm: bool) -> None:
        """Whether nothing shall move by itself."""
        if calm != self.calm:
            self.calm = calm
            self.changed.emit()
            self.chosen.emit()

    def px(self, pixels: float) -> int:
        """A length that grows with the text."""
        return round(pixels * self.scale)

    def apply(self, app: QApplication) -> None:
        """Dress the application: Fusion, a palette and one stylesheet, renewed whenever the theme changes."""
        self._app = app
        app.setStyle("Fusion")
        self._dress()

    def qcolor(self, color: str, alpha: float = 1.0) -> QColor:
        """A role's colour with an opacity from 0 to 1."""
        result = QColor(color)
        result.setAlphaF(alpha)
        return result

    def font(self, step: int = 0, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
        """The system's font on the one type scale: -1 caption, 0 body, 1 title, 2 headline; even digits."""
        font = QFont(QGuiApplication.font())
        font.setPixelSize(type_size(step, self.scale))
        font.setWeight(weight)
        font.setFeature(QFont.Tag("tnum"), 1)
        return font

    def width(self, text: str, step: int = 0, weight: QFont.Weight = QFont.Weight.DemiBold) -> int:
        """Pixels that a text takes in :meth:`font`; a widget's own metrics are right only once it has been shown."""
        return QFontMetrics(self.font(step, weight)).horizontalAdvance(text)

    def _wanted(self) -> bool:
        if self.mode == "system":
            return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return self.mode == "dark"

    def _follow(self) -> None:
        self._take(self._wanted())

    def _take(self, dark: bool) -> None:
        if dark == self.dark:
            return
        self.dark = dark
        self.colors = colors(dark)
        self.density_map = self._map()
        self._dress()
        self.changed.emit()

    def _map(self) -> pg.ColorMap:
        stops = _DENSITY_DARK if self.dark else _DENSITY_LIGHT
        return pg.ColorMap(np.linspace(0.0, 1.0, len(stops)), list(stops), name="odeviz density")

    def _dress(self) -> None:
        if self._app is None:
            return
        self._app.setPalette(self._palette())
        sheet = stylesheet(self.colors, [type_size(step, self.scale) for step in (-1, 0, 1, 2)], self.scale)
        if sheet != self._app.styleSheet():
            self._app.setStyleSheet(sheet)

    def _palette(self) -> QPalette:
        c, role = self.colors, QPalette.ColorRole
        result = QPalette()
        roles = {
            role.Window: c.window, role.WindowText: c.text, role.Base: c.base, role.AlternateBase: c.hover,
            role.Text: c.text, role.PlaceholderText: c.faint, role.Button: c.raised, role.ButtonText: c.text,
            role.Highlight: c.accent, role.HighlightedText: c.accent_text, role.ToolTipBase: c.raised,
            role.ToolTipText: c.text, role.Link: c.accent, role.LinkVisited: c.accent, role.Accent: c.accent,
            role.Mid: c.separator, role.Midlight: c.hover, role.Light: c.raised, role.Dark: c.grid,
            role.Shadow: c.grid, role.BrightText: c.danger,
        }  # fmt: skip
        for each, color in roles.items():
            result.setColor(each, QColor(color))
        for each in (role.WindowText, role.Text, role.ButtonText):
            result.setColor(QPalette.ColorGroup.Disabled, each, QColor(c.faint))
        return result


def type_size(step: int, scale: float = 1.0) -> int:
    """Pixels of the type scale at a step from -1 (caption) to 2 (headline), from the system's font size."""
    font = QGuiApplication.font()
    key = font.key()
    if key not in _BODIES:
        # Qt looks the font up among all of the system's each time it is asked.
        _BODIES[key] = max(12, QFontInfo(font).pixelSize())
    return round(scale * (_BODIES[key] + (-1, 0, 2, 6)[step + 1]))


def _system_is_calm() -> bool:
    """Whether the system asks for reduced motion; versions of Qt that cannot tell say no."""
    hints = getattr(QGuiApplication.styleHints(), "accessibility", None)
    preference = getattr(hints() if hints is not None else None, "motionPreference", None)
    return preference is not None and getattr(preference(), "name", "") == "ReducedMotion"
