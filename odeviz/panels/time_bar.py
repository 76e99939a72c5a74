"""The time bar: the playhead all views share, over the steps the solver took."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from odeviz.analysis.results import StepTable
from odeviz.panels.cost_table import theirs
from odeviz.panels.panel import Panel
from odeviz.tasks.own_time import FLOW_TIME, OwnTime
from odeviz.widgets.help_button import HelpButton
from odeviz.widgets.icons import icon
from odeviz.widgets.theme import Theme
from odeviz.widgets.track import Track

_READ = "The playhead's time t; the flow runs from t₀ to t₁"
_TRACK = (
    "The playhead. Each tick is a step the solver accepted, each red cross one it rejected and "
    "tried again with a smaller h.{}\nLeft and Right move it, Home and End go to the ends, Space plays."
)
SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)
#: The least length of the track beside the buttons, in pixels.
_LEAST = 110


class TimeBar(Panel):
    """Play, loop, speed and a track whose ticks are the accepted steps; rejected ones are red."""

    key = "time"
    title = "Time"
    about = "The playhead. Ticks are the solver's accepted steps, red crosses the rejected ones."

    time_changed = Signal(float)
    play_toggled = Signal(bool)
    loop_toggled = Signal(bool)
    speed_changed = Signal(float)
    rewound = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._playing = False
        self._clock = FLOW_TIME
        #: The steps of all, or of the costliest, with whose they are; and those of the one selected.
        self._steps: tuple[StepTable | None, str] = None, ""
        self._own: tuple[StepTable, str] | None = None
        self.track = StepTrack(theme, self)
        self._rewind = self._button("skip-back-fill", "Back to the start (Home)")
        self._play = self._button("play-fill", "Play (Space)", checkable=True)
        self._loop = self._button("repeat", "Loop: start again at the end", checkable=True)
        self._loop.setChecked(True)
        self._speed = QComboBox(self)
        self._speed.setToolTip("Speed of playing")
        self._speed.setAccessibleName("Speed")
        for speed in SPEEDS:
            self._speed.addItem(f"{speed:g}×", speed)
        self._speed.setCurrentIndex(SPEEDS.index(1.0))
        self._read = QLabel(self)
        self._read.setProperty("role", "value")
        self._read.setFont(theme.font(0))
        self._read.setToolTip(_READ)
        self._read.setAccessibleName("Time")
        self.help = HelpButton(theme, self.key, self.title, self.about, self)
        self._lay_out()
        self.track.value_changed.connect(self._track_moved)
        self._play.clicked.connect(self.play_toggled)
        self._loop.clicked.connect(self.loop_toggled)
        self._rewind.clicked.connect(self._go_to_start)
        self._speed.activated.connect(self._speed_chosen)
        self.set_range(0.0, 1.0)

    def set_range(self, t0: float, t1: float) -> None:
        """The times at the two ends."""
        self.track.set_range(t0, t1)
        self._fit()
        self._show_time()

    def set_clock(self, clock: OwnTime) -> None:
        """The time of a person's own data, in which the playhead's is told."""
        if clock != self._clock:
            self._clock = clock
            self.track.clock = clock
            since = f" since {clock.since}" if clock.since else ""
            own = f"\nIt is told in the data's own time{since}." if clock else ""
            self._read.setToolTip(f"{_READ}{own}")
            self._fit()
            self._show_time()

    def restyle(self) -> None:
        super().restyle()
        self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(self._beside(), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _beside(self) -> int:
        """Pixels that all but the track takes."""
        others = (self._rewind, self._play, self._loop, self._speed, self._read, self.help)
        return sum(each.sizeHint().width() + 4 for each in others) + 24

    def _fit(self) -> None:
        """The read-out as wide as its widest text: the track keeps its length."""
        shares = (0.0, 0.111, 0.777, 0.999, 1.0) if self._clock else (0.0, 1.0)
        lo, hi = self.track.lo, self.track.hi
        texts = [f"t = {self._clock.told(lo + share * (hi - lo), 3)}" for share in shares]
        self._read.setFixedWidth(self.theme.width(max(texts, key=len)) + 16)
        self._make_room()

    def set_time(self, t: float) -> None:
        """Put the playhead; nothing is emitted."""
        self.track.set_value(t)
        self._show_time()

    def set_steps(self, steps: StepTable | None, costliest: int | None = None) -> None:
        """The steps to mark, or none; where trajectories have their own, which one's these are."""
        self._steps = steps, "" if costliest is None else f"number {costliest + 1}, the costliest"
        self._show_steps()

    def set_own(self, steps: StepTable | None, whose: tuple[str, int] = ("", 0)) -> None:
        """Mark the steps of a selected "seed" or "trajectory" and its index instead; None: no more."""
        kind, index = whose
        name = f"seed {index + 1}" if kind == "seed" else f"number {index + 1}, the one selected"
        self._own = None if steps is None else (steps, name)
        self._show_steps()

    def _show_steps(self) -> None:
        self.track.set_steps(*(self._steps if self._own is None else self._own))

    def set_playing(self, playing: bool) -> None:
        """Show whether the playhead moves by itself."""
        if playing != self._playing:
            self._playing = playing
            self._play.setIcon(icon("pause-fill" if playing else "play-fill", self.theme))
            self._play.setToolTip("Pause (Space)" if playing else "Play (Space)")
            self._play.setAccessibleName("Pause" if playing else "Play")
        self._play.setChecked(playing)

    def set_loop(self, loop: bool) -> None:
        """Show whether playing starts again at the end."""
        self._loop.setChecked(loop)

    def set_speed(self, speed: float) -> None:
        """Show the speed; the nearest of those offered."""
        self._speed.setCurrentIndex(int(np.argmin([abs(s - speed) for s in SPEEDS])))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self.play_toggled.emit(not self._playing)
        elif event.key() in _MOVES:
            self.track.keyPressEvent(event)
        else:
            super().keyPressEvent(event)

    def _button(self, name: str, tooltip: str, checkable: bool = False) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icon(name, self.theme))
        button.setCheckable(checkable)
        button.setToolTip(tooltip)
        button.setAccessibleName(tooltip.split(" (")[0].split(":")[0])
        return button

    def _lay_out(self) -> None:
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(8, 4, 8, 4)
        self._column.setSpacing(0)
        self._row = row = QHBoxLayout()
        self._column.addLayout(row)
        row.setSpacing(4)
        for button in (self._rewind, self._play, self._loop):
            row.addWidget(button)
        row.addWidget(self._speed)
        row.addSpacing(4)
        row.addWidget(self.track, 1)
        row.addStretch(0)
        row.addSpacing(4)
        row.addWidget(self._read)
        row.addWidget(self.help)
        self._column.setSizeConstraint(QVBoxLayout.SizeConstraint.SetNoConstraint)

    def _make_room(self) -> None:
        """Where it is narrow, or the text large, the track has a row of its own."""
        tight = self.width() - self._beside() < max(_LEAST, self.theme.px(100))
        if tight != (self._column.count() > 1):
            if tight:
                self._row.removeWidget(self.track)
                self._row.setStretch(self._row.count() - 4, 1)
                self._column.addWidget(self.track)
            else:
                self._column.removeWidget(self.track)
                self._row.setStretch(self._row.count() - 4, 0)
                self._row.insertWidget(self._row.count() - 4, self.track, 1)
            self.updateGeometry()

    def _show_time(self) -> None:
        self._read.setText(f"t = {self._clock.told(self.track.value, 3)}")

    def _track_moved(self, t: float) -> None:
        self._show_time()
        self.time_changed.emit(t)

    def _go_to_start(self) -> None:
        self.set_time(self.track.lo)
        self.rewound.emit()

    def _speed_chosen(self, index: int) -> None:
        self.speed_changed.emit(SPEEDS[index])


_MOVES = (
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
)


class StepTrack(Track):
    """A track over time: a tick at each accepted step, a red cross above it at each rejected one."""

    #: Above this many steps a tick each would be a grey bar.
    _most: ClassVar[int] = 400

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, 0.0, 1.0, parent)
        self._accepted = np.empty(0)
        self._rejected = np.empty(0)
        self.clock: OwnTime = FLOW_TIME
        self.setAccessibleName("Playhead")
        self.set_steps(None)

    def set_steps(self, steps: StepTable | None, whose: str = "") -> None:
        """The steps to mark, or none; where trajectories have their own, ``whose`` these are."""
        self._whose = whose
        self.setToolTip(_TRACK.format(f"\n{theirs(whose)}" if whose else ""))
        if steps is None or not len(steps.t):
            self._accepted = self._rejected = np.empty(0)
        else:
            ends = steps.ends
            self._accepted = np.concatenate([steps.t[:1], ends[steps.accepted]])
            # A rejected step is marked where it wanted to arrive.
            self._rejected = ends[~steps.accepted]
        self.describe()
        self.update()

    def spoken(self) -> str:
        whose = f" of {self._whose}" if self._whose else ""
        steps = f"{max(len(self._accepted) - 1, 0)} steps{whose} accepted, {len(self._rejected)} rejected"
        return f"t = {self.clock.told(self.value, 3)} of {self.clock.own(self.hi):g}; {steps}"

    def sizeHint(self) -> QSize:
        return QSize(320, 36)

    def minimumSizeHint(self) -> QSize:
        return QSize(100, 36)

    def groove(self) -> QRectF:
        return QRectF(12, 20, max(self.width() - 24, 1), 4)

    def paint_groove(self, painter: QPainter) -> None:
        super().paint_groove(painter)
        c, groove = self.theme.colors, self.groove()
        past, middle = self.value, groove.center().y()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for t in self._accepted[: self._most]:
            x = round(self.place(float(t)))
            painter.setPen(QPen(QColor(c.accent if t <= past + 1e-9 else c.muted), 1))
            painter.drawLine(QPointF(x, middle - 8), QPointF(x, middle + 8))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(QPen(QColor(c.danger), 1.6))
        for t in self._rejected[: self._most]:
            cross = QPointF(self.place(min(float(t), max(self.lo, self.hi))), groove.top() - 13)
            for arm in (QPointF(2.5, 2.5), QPointF(2.5, -2.5)):
                painter.drawLine(cross - arm, cross + arm)

    def paint_handle(self, painter: QPainter) -> None:
        c, groove = self.theme.colors, self.groove()
        x, middle = self.place(self.value), groove.center().y()
        if self.hasFocus():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.theme.qcolor(c.accent, 0.25))
            painter.drawRoundedRect(QRectF(x - 8, middle - 14, 16, 28), 6, 6)
        painter.setPen(QPen(QColor(c.base), 1))
        painter.setBrush(QColor(c.accent))
        painter.drawRoundedRect(QRectF(x - 4.5, middle - 10, 9, 20), 4.5, 4.5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(c.accent_text))
        painter.drawPolygon(QPolygonF([QPointF(x - 0.75, middle - 4), QPointF(x + 0.75, middle - 4),
                                       QPointF(x + 0.75, middle + 4), QPointF(x - 0.75, middle + 4)]))  # fmt: skip
