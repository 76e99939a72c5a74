"""The flow view's hands: drags pan the plane or move a seed, clicks go to the view, the wheel zooms."""

from __future__ import annotations

import weakref
from typing import Any, Protocol

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt

from odeviz.widgets.guard import guarded


class Handler(Protocol):
    """Who decides what a gesture means."""

    def seed_at(self, scene: QPointF) -> int | None: ...
    def drag_seed(self, index: int, x: float, y: float) -> None: ...
    def finish_drag(self) -> None: ...
    def click(self, scene: QPointF, double: bool) -> None: ...


class FlowBox(pg.ViewBox):
    """A view box whose left drags pan, unless they begin on a seed, and whose left clicks are handed on."""

    def __init__(self, view: Handler) -> None:
        super().__init__(enableMenu=False, defaultPadding=0.0)
        # Weak: a cycle through Python would keep a closed view's graphics items until some later collection.
        self._view = weakref.ref(view)
        self._seed: int | None = None

    @guarded
    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        if event.button() != Qt.MouseButton.LeftButton or axis is not None:
            super().mouseDragEvent(event, axis)
            return
        if event.isStart():
            self._seed = self._view().seed_at(event.buttonDownScenePos())
        if self._seed is None:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        point = self.mapSceneToView(event.scenePos())
        self._view().drag_seed(self._seed, point.x(), point.y())
        if event.isFinish():
            self._seed = None
            self._view().finish_drag()

    @guarded
    def mouseClickEvent(self, event: Any) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
            self._view().click(event.scenePos(), event.double())
