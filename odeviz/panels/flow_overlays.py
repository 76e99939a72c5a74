"""What lies over the flow view's plane: the card about the point under the mouse, the scale of colours, a notice."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout

from odeviz.panels.readout import Readout
from odeviz.widgets.plot import Plot
from odeviz.widgets.scale_key import ScaleKey
from odeviz.widgets.theme import Theme

#: The notice is no wider than this, and leaves so much free at its sides, in pixels.
_WIDEST, _NARROWEST, _FREE = 360, 120, 64


class FlowOverlays:
    """Cards over a plot, kept in their places."""

    def __init__(self, theme: Theme, plot: Plot) -> None:
        self._plot = plot
        self.readout = Readout(theme, plot)
        self.readout.hide()
        self.key = ScaleKey(theme, plot)
        self._notice = QFrame(plot)
        self._notice.setProperty("role", "card")
        self.message = QLabel(self._notice)
        self.message.setWordWrap(True)
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside = QVBoxLayout(self._notice)
        inside.setContentsMargins(16, 12, 16, 12)
        inside.addWidget(self.message)
        self._notice.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._notice.hide()

    def set_message(self, text: str) -> None:
        """One sentence in the middle; "" takes it away."""
        self.message.setText(text)
        self._notice.setVisible(bool(text))
        self.place()

    def place(self) -> None:
        """Called when the plot has another size."""
        area = self._plot.rect()
        self.readout.place(area)
        # Above the axis at the bottom.
        self.key.place(area.adjusted(0, 0, 0, -round(self._plot.getAxis("bottom").height())))
        self._notice.setFixedWidth(max(min(_WIDEST, area.width() - _FREE), _NARROWEST))
        self._notice.adjustSize()
        middle = area.center()
        self._notice.move(middle.x() - self._notice.width() // 2, middle.y() - self._notice.height() // 2)
