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
#: How far the remark is from the plot's edges.
_EDGE = 12


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
        self.remark = QLabel(plot)
        self.remark.setProperty("role", "remark")
        self.remark.setWordWrap(True)
        self.remark.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.remark.hide()

    def set_message(self, text: str) -> None:
        """One sentence in the middle; "" takes it away."""
        self.message.setText(text)
        self._notice.setVisible(bool(text))
        self.place()

    def set_remark(self, text: str) -> None:
        """What is to be known of the picture, in a corner; "" takes it away."""
        if text != self.remark.text():
            self.remark.setText(text)
            self.remark.setVisible(bool(text))
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
        left = round(self._plot.getAxis("left").width()) + _EDGE
        text = self.remark.fontMetrics().horizontalAdvance(self.remark.text()) + 2 * _EDGE
        self.remark.setFixedWidth(max(min(text, _WIDEST, area.width() - left - _EDGE), _NARROWEST))
        self.remark.adjustSize()
        self.remark.move(left, area.top() + _EDGE)
