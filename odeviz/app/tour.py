"""A tour of the window in six steps: a callout beside what it speaks of. Everything can be used meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QRect, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from odeviz.app.main_window import MainWindow
from odeviz.widgets.callout import Callout, Outline
from odeviz.widgets.theme import Theme


@dataclass(frozen=True, slots=True)
class TourStep:
    """One stop: what is shown, and what is said about it."""

    title: str
    text: str
    target: Callable[[MainWindow], QWidget]


def _tool(key: str) -> Callable[[MainWindow], QWidget]:
    return lambda window: window.toolbar.widgetForAction(window.actions_[key])


STEPS: tuple[TourStep, ...] = (
    TourStep(
        "A flow, trained and moving",
        "A small network gives every point of the plane a velocity. Follow it from t = 0 to t₁ and it carries the "
        "plane along: dz/dt = f(z, t, θ). The buttons above the picture switch its layers.",
        lambda window: window.flow,
    ),
    TourStep(
        "Train it yourself",
        "Press Train: it starts from random weights, before your eyes. Press again to pause; Step makes one "
        "iteration.",
        _tool("train"),
    ),
    TourStep(
        "The tolerance",
        "Drag this slider: the flow is solved again, more or less precisely, as you drag. Beside it stands what "
        "that costs, and how far off it is.",
        lambda window: window.solver_bar.slider,
    ),
    TourStep(
        "Time, and the solver's steps",
        "Drag the playhead or press Space. Each tick is a step the solver took, each red cross one it had to take "
        "back: together they cost the NFE, its evaluations of f.",
        lambda window: window.time_bar,
    ),
    TourStep(
        "Ask the flow",
        "Click anywhere to start a trajectory of your own, drag its start to see it follow, press Delete to remove it. "
        "Over Time, at the right, shows its coordinates.",
        lambda window: window.flow,
    ),
    TourStep(
        "Further",
        "The gallery opens trained models, each with a note on what to look for; Export takes pictures, films and "
        "numbers home. A question mark, or Shift+F1, says what you see in a panel; Ctrl+K finds everything else.",
        _tool("gallery"),
    ),
)


class Tour(QObject):
    """Goes through :data:`STEPS`. Escape ends it."""

    def __init__(self, window: MainWindow, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._window = window
        #: The number of the step on show, or None.
        self.at: int | None = None
        self.outline = Outline(theme, window)
        self.callout = Callout(theme, window)
        self.callout.next_wanted.connect(self.forward)
        self.callout.back_wanted.connect(self.back)
        self.callout.closed.connect(self.stop)
        self._escape = QShortcut(QKeySequence("Esc"), window)
        self._escape.activated.connect(self.stop)
        self._escape.setEnabled(False)

    @Slot()
    def start(self) -> None:
        """From the first step."""
        self._window.installEventFilter(self)
        self._go(0)

    @Slot()
    def forward(self) -> None:
        """To the next step; after the last it ends."""
        if self.at is not None:
            self._go(self.at + 1)

    @Slot()
    def back(self) -> None:
        """To the step before."""
        if self.at:
            self._go(self.at - 1)

    @Slot()
    def stop(self) -> None:
        """Put it away; the keyboard goes back to the flow."""
        held = self.callout.isAncestorOf(self._window.focusWidget()) if self._window.focusWidget() else False
        self.at = None
        self._escape.setEnabled(False)
        self._window.removeEventFilter(self)
        self.callout.hide()
        self.outline.hide()
        if held:
            self._window.flow.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if self.at is not None and event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self._place()
        return super().eventFilter(watched, event)

    def _go(self, step: int) -> None:
        if step >= len(STEPS):
            self.stop()
            return
        self.at = step
        self._escape.setEnabled(True)
        self.callout.say(STEPS[step].title, STEPS[step].text, step, len(STEPS))
        self._place()
        self.outline.show()
        self.callout.show()
        self.callout.take_keyboard()

    def _place(self) -> None:
        window = self._window
        if self.at is None:
            return
        target = STEPS[self.at].target(window)
        place = QRect(target.mapTo(window, target.rect().topLeft()), target.size())
        self.outline.surround(place)
        self.callout.stand_by(place, window.rect().adjusted(8, 8, -8, -window.statusBar().height() - 8))
        for widget in (self.outline, self.callout):
            widget.raise_()
