"""The flow view's hands: drags pan the plane, move a seed, mark a box or turn space; clicks go to the view."""

from __future__ import annotations

import weakref
from typing import Any, Protocol

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt

from odeviz.widgets.guard import guarded


class Handler(Protocol):
    """Who decides what a gesture means."""

    @property
    def turns(self) -> bool: ...
    def seed_at(self, scene: QPointF) -> int | None: ...
    def drag_seed(self, index: int, x: float, y: float) -> None: ...
    def finish_drag(self) -> None: ...
    def click(self, scene: QPointF, double: bool, extend: bool) -> None: ...
    def ask_menu(self, scene: QPointF, screen: QPointF) -> None: ...
    def select_box(self, box: QRectF, extend: bool) -> None: ...
    def turn(self, dx: float, dy: float, finished: bool) -> None: ...
    def gesture_changed(self, gesture: str) -> None: ...


class FlowBox(pg.ViewBox):
    """A view box whose left drags pan, and turn what has a depth, unless they begin on a seed or with Shift held down.

    Shift marks a box. In space the right button and Alt turn the view too, and the middle button pans.
    """

    def __init__(self, view: Handler) -> None:
        super().__init__(enableMenu=False, defaultPadding=0.0)
        # Weak: a cycle through Python would keep a closed view's graphics items until some later collection.
        self._view = weakref.ref(view)
        self._seed: int | None = None
        #: What the drag under way does: pan, move, mark or turn; "" while there is none.
        self.gesture = ""

    @guarded
    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        if axis is not None:
            super().mouseDragEvent(event, axis)
            return
        if event.isStart():
            self.gesture = self._meant(event)
            self._view().gesture_changed(self.gesture)
        if self.gesture == "pan":
            super().mouseDragEvent(event, axis)
        else:
            event.accept()
            getattr(self, f"_{self.gesture}")(event)
        if event.isFinish():
            self.gesture = ""
            self._view().gesture_changed("")

    @guarded
    def mouseClickEvent(self, event: Any) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
            held = event.modifiers() & (
                Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier
            )
            self._view().click(event.scenePos(), event.double(), bool(held))
        elif event.button() == Qt.MouseButton.RightButton:
            event.accept()
            self._view().ask_menu(event.scenePos(), event.screenPos())

    def _meant(self, event: Any) -> str:
        """What a drag does that begins like this."""
        left, held = event.button() == Qt.MouseButton.LeftButton, event.modifiers()
        turns = self._view().turns
        if turns and (event.button() == Qt.MouseButton.RightButton or held & Qt.KeyboardModifier.AltModifier):
            return "turn"
        if left and held & Qt.KeyboardModifier.ShiftModifier:
            return "mark"
        self._seed = self._view().seed_at(event.buttonDownScenePos()) if left else None
        if self._seed is not None:
            return "move"
        return "turn" if left and turns else "pan"

    def _move(self, event: Any) -> None:
        point = self.mapSceneToView(event.scenePos())
        self._view().drag_seed(self._seed, point.x(), point.y())
        if event.isFinish():
            self._view().finish_drag()

    def _mark(self, event: Any) -> None:
        self.updateScaleBox(event.buttonDownPos(), event.pos())
        if event.isFinish():
            self.rbScaleBox.hide()
            corners = [self.mapToView(event.buttonDownPos()), self.mapToView(event.pos())]
            extend = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            self._view().select_box(QRectF(*corners).normalized(), extend)

    def _turn(self, event: Any) -> None:
        way = event.pos() - event.lastPos()
        self._view().turn(way.x(), way.y(), event.isFinish())
