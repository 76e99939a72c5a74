"""What a person does in the flow view: the mouse and the keys, as intents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QMenu

from odeviz.analysis.projection import Projection
from odeviz.analysis.results import Extent, FlowResult
from odeviz.panels.flow_box import FlowBox
from odeviz.panels.flow_field import RestLayer
from odeviz.panels.flow_layers import BackgroundLayer, Layer, at_time
from odeviz.panels.flow_overlays import FlowOverlays
from odeviz.panels.flow_paths import TrajectoryLayer
from odeviz.panels.panel import Panel
from odeviz.panels.seed_layer import SeedLayer
from odeviz.state.nouns import Mark, Range, Selection
from odeviz.widgets.plot import Plot

#: A second click within this many milliseconds fits the view instead of leaving a seed.
DOUBLE_CLICK = 220
#: How near to a seed, in pixels, the mouse takes hold of it; and how near to a path it is over that.
REACH, NEAR = 11, 5.0
#: The cursor over the picture, over a seed's handle, and during each gesture of :class:`FlowBox`.
CURSORS: Mapping[str, Qt.CursorShape] = {
    "": Qt.CursorShape.CrossCursor, "over": Qt.CursorShape.OpenHandCursor, "pan": Qt.CursorShape.ClosedHandCursor,
    "move": Qt.CursorShape.ClosedHandCursor, "turn": Qt.CursorShape.SizeAllCursor,
    "mark": Qt.CursorShape.CrossCursor,
}  # fmt: skip
#: Degrees that space turns for each pixel of a drag.
TURN = 0.4
_NUDGES = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1),
}  # fmt: skip


class FlowHands(Panel):
    """The gestures of the flow view. Left click sets a seed, with Shift or Ctrl it selects; Shift-drag marks a box."""

    seed_added = Signal(float, float)
    seed_moved = Signal(int, float, float)
    seed_drag_finished = Signal(int)
    #: The selected seeds are to go.
    seeds_removed = Signal()
    #: Coordinates of the seeds, of the selected ones if there are any, are to be copied.
    copy_wanted = Signal()
    #: :class:`Mark` objects to be selected, and whether what is selected already stays so.
    selected = Signal(object, bool)
    #: The :class:`Mark` under the mouse, or None.
    marked = Signal(object)
    hovered = Signal(float, float)
    hover_left = Signal()
    layer_toggled = Signal(str, bool)
    colouring_chosen = Signal(str)
    #: A :class:`Projection`; while it is turned, one after the other until :attr:`turn_finished`.
    projection_chosen = Signal(object)
    turn_finished = Signal()
    #: The part of the plane that is looked at, x0, x1, y0, y1, or None for all of it.
    range_chosen = Signal(object)
    #: What is seen of the plane, by hand or not: x0, x1, y0, y1.
    seen = Signal(object)

    _box: FlowBox
    _plot: Plot
    overlays: FlowOverlays
    _layers: Mapping[str, Layer]
    _shown: dict[str, bool]
    _extent: Extent
    _projection: Projection
    _selection: Selection
    _time: float
    _flow: FlowResult | None
    _seed_flow: FlowResult | None
    #: What is to be added to what is drawn for a state's own coordinates.
    _middle: NDArray[np.float64]

    def _begin(self) -> None:
        """To be called when plot and layers are there."""
        self._hover: tuple[float, float] | None = None
        self._held: int | None = None
        # A click waits a moment, so that a double click can fit the view without leaving a seed behind.
        self._pending = QTimer(self)
        self._pending.setSingleShot(True)
        self._pending.setInterval(DOUBLE_CLICK)
        self._pending.timeout.connect(self._add_pending_seed)
        self._click = QPointF()
        self._plot.viewport().installEventFilter(self)
        self._plot.scene().sigMouseMoved.connect(self._mouse_moved)
        self._box.sigRangeChangedManually.connect(self._moved_by_hand)
        self._box.sigRangeChanged.connect(self._tell_seen)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def seeds(self) -> SeedLayer:
        """The layer of the seeds."""
        return self._layers["seeds"]  # type: ignore[return-value]

    @property
    def paths(self) -> TrajectoryLayer:
        """The layer of the trajectories."""
        return self._layers["trajectories"]  # type: ignore[return-value]

    @property
    def turns(self) -> bool:
        """Whether there is a depth to be turned."""
        return self._projection.in_space

    def fit(self) -> None:
        """Show the whole extent."""
        raise NotImplementedError

    def axis_names(self) -> list[str]:
        """What the coordinates of a path's points are called."""
        raise NotImplementedError

    # Keys.

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, control = event.key(), event.modifiers() == Qt.KeyboardModifier.ControlModifier
        chosen = [k for k in self._selection.of("seed") if k < len(self.seeds.seeds)]
        if key == Qt.Key.Key_F:
            self.fit()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and chosen:
            self.seeds_removed.emit()
        elif key in _NUDGES and chosen:
            self._nudge(chosen, *_NUDGES[Qt.Key(key)], event.modifiers())
        elif key == Qt.Key.Key_Escape and self._selection.marks:
            self.selected.emit((), False)
        elif control and key == Qt.Key.Key_A:
            self.selected.emit(tuple(Mark("seed", k) for k in range(len(self.seeds.seeds))), False)
        elif control and key == Qt.Key.Key_C:
            self.copy_wanted.emit()
        elif key == Qt.Key.Key_N and len(self.seeds.seeds):
            after = 0 if not chosen else (chosen[-1] + 1) % len(self.seeds.seeds)
            self.selected.emit((Mark("seed", after),), False)
        elif key == Qt.Key.Key_Insert:
            middle = self._box.viewRect().center()
            self.seed_added.emit(middle.x(), middle.y())
        else:
            super().keyPressEvent(event)

    def _nudge(self, chosen: Sequence[int], dx: int, dy: int, held: Qt.KeyboardModifier) -> None:
        """Move the selected seeds by a hundredth of the view; with Shift by a tenth of that."""
        share = 1e-3 if held & Qt.KeyboardModifier.ShiftModifier else 1e-2
        rect = self._box.viewRect()
        step = share * np.array([rect.width(), rect.height()]) * [dx, dy]
        for index in chosen:
            x, y = self.seeds.seeds[index] + step
            self.drag_seed(index, float(x), float(y))
        self.finish_drag()

    # The mouse.

    def seed_at(self, scene: QPointF) -> int | None:
        """The seed whose handle lies under a point of the scene, the nearest one."""
        seeds = self.seeds.seeds
        if not len(seeds) or not self._shown["seeds"]:
            return None
        at = [self._box.mapViewToScene(QPointF(x, y)) for x, y in seeds]
        far = np.array([np.hypot(p.x() - scene.x(), p.y() - scene.y()) for p in at])
        nearest = int(far.argmin())
        return nearest if far[nearest] <= REACH else None

    def mark_at(self, scene: QPointF) -> Mark | None:
        """The seed or trajectory under a point of the scene; seeds first."""
        handle = self.seed_at(scene)
        if handle is not None:
            return Mark("seed", handle)
        point, pixel = self._box.mapSceneToView(scene), self._box.viewPixelSize()
        kinds = (("seed", self.seeds, "seeds"), ("trajectory", self.paths, "trajectories"))
        for kind, layer, key in kinds:
            found = layer.nearest(point, pixel, self._time) if self._shown[key] else None
            if found is not None and found[1] <= NEAR:
                return Mark(kind, found[0])  # type: ignore[arg-type]
        return None

    def drag_seed(self, index: int, x: float, y: float) -> None:
        """Hold a seed at a point: its handle follows at once, its path when it has been solved."""
        if self._held is None and index not in self._selection.of("seed"):
            # The keys go on with what the mouse has moved.
            self.selected.emit((Mark("seed", index),), False)
        self._held = index
        self.seeds.move(index, x, y)
        self.seed_moved.emit(index, x, y)

    def finish_drag(self) -> None:
        """Let the held seed go."""
        if self._held is not None:
            held, self._held = self._held, None
            self.seed_drag_finished.emit(held)

    def click(self, scene: QPointF, double: bool, extend: bool = False) -> None:
        """A click on a seed or its path selects it, elsewhere it adds one; a double click fits the view.

        With ``extend`` (Shift or Ctrl held) it selects what is under the mouse, trajectories too, and adds nothing.
        """
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if double:
            self._pending.stop()
            self.fit()
            return
        mark = self.mark_at(scene)
        if mark is not None and (extend or mark.kind == "seed"):
            self.selected.emit((mark,), extend)
        elif not extend:
            self._click = self._box.mapSceneToView(scene)
            self._pending.start()

    def select_box(self, box: QRectF, extend: bool) -> None:
        """Select the seeds and the trajectories whose heads lie in a rectangle of the plane."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        edges = (box.left(), box.right(), box.top(), box.bottom())
        marks: list[Mark] = []
        if self._shown["seeds"]:
            marks += [Mark("seed", k) for k in self.seeds.inside(edges, self._time)]
        if self._shown["trajectories"] or self._shown["particles"]:
            marks += [Mark("trajectory", k) for k in self.paths.inside(edges, self._time)]
        self.selected.emit(tuple(marks), extend)

    def turn(self, dx: float, dy: float, finished: bool) -> None:
        """Turn space by a drag of so many pixels."""
        a, e = self._projection.turn
        self.projection_chosen.emit(self._projection.turned(a - TURN * dx, e + TURN * dy))
        if finished:
            self.turn_finished.emit()

    def ask_menu(self, scene: QPointF, screen: QPointF) -> None:
        """What can be done at a point, in a menu."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._click, mark = self._box.mapSceneToView(scene), self.mark_at(scene)
        menu = QMenu(self)
        menu.addAction("Set a seed here").triggered.connect(self._add_pending_seed)
        if mark is not None:
            self._asked = mark
            name = f"Select {mark.kind} {mark.index + 1}"
            menu.addAction(name).triggered.connect(self._select_asked)
        if self._selection.marks:
            menu.addAction("Select nothing").triggered.connect(self._select_nothing)
        if len(self.seeds.seeds):
            menu.addAction("Copy the seeds' coordinates").triggered.connect(self.copy_wanted)
        if self._selection.of("seed"):
            menu.addAction("Remove the selected seeds").triggered.connect(self.seeds_removed)
        menu.addSeparator()
        menu.addAction("Fit the view").triggered.connect(self.fit)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(screen.toPoint())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self._hover = None
            self.overlays.readout.hide()
            self.marked.emit(None)
            self.hover_left.emit()
        return super().eventFilter(watched, event)

    # Inside

    def _add_pending_seed(self) -> None:
        self.seed_added.emit(self._click.x(), self._click.y())

    def _select_asked(self) -> None:
        self.selected.emit((self._asked,), False)

    def _select_nothing(self) -> None:
        self.selected.emit((), False)

    def _moved_by_hand(self, *_: Any) -> None:
        self.range_chosen.emit(self.seen_range)

    def _tell_seen(self, *_: Any) -> None:
        self.seen.emit(self.seen_range)

    @property
    def seen_range(self) -> Range:
        """What is seen of the plane."""
        (x0, x1), (y0, y1) = self._box.viewRange()
        return float(x0), float(x1), float(y0), float(y1)

    def _mouse_moved(self, scene: QPointF) -> None:
        if not self._box.sceneBoundingRect().contains(scene):
            return
        point, mark = self._box.mapSceneToView(scene), self.mark_at(scene)
        self._hover = (point.x(), point.y())
        self._read(point, mark)
        self.overlays.readout.avoid(scene.x(), scene.y())
        if not self._box.gesture:
            over = self.seed_at(scene) is not None
            self._plot.viewport().setCursor(CURSORS["over" if over else ""])
        self.marked.emit(mark)
        self.hovered.emit(point.x(), point.y())

    def gesture_changed(self, gesture: str) -> None:
        """A drag with this meaning has begun; "" when it is over."""
        self._plot.viewport().setCursor(CURSORS[gesture])

    def _read(self, point: QPointF, mark: Mark | None) -> None:
        """Say what is known under the mouse. In space a place has no depth of its own, only what lies there has."""
        card, names = self.overlays.readout, self.axis_names()
        if self._projection.in_space:
            state = self._state_of(mark)
            if state is not None:
                card.set_point(state, self._told(mark), ", ".join(names))
            card.setVisible(state is not None)
            return
        rest: RestLayer = self._layers["rest"]  # type: ignore[assignment]
        behind: BackgroundLayer = self._layers["background"]  # type: ignore[assignment]
        there = rest.at(point, self._box.viewPixelSize()) if self._shown["rest"] else ""
        lost = self._shown["background"] and behind.is_lost(point)
        told = there or self._told(mark) or "not reached by the solve" * lost
        name = ", ".join(names) if self._extent.dims > 2 or self._extent.x_label == "t" else "z"
        card.set_point((point.x(), point.y()), told, name)
        card.show()

    def _state_of(self, mark: Mark | None) -> Sequence[float] | None:
        """Where in space a seed or a trajectory is at the playhead's time; None for neither."""
        if mark is None:
            return None
        flow = self._seed_flow if mark.kind == "seed" else self._flow
        if flow is None or mark.index >= flow.paths.shape[1] or flow.paths.shape[2] != len(self._middle):
            # What is on show may still be as it was seen before.
            return None
        states: NDArray[np.float64] = at_time(flow.t, flow.paths[:, mark.index], self._time) + self._middle
        return states.tolist()

    def _told(self, mark: Mark | None) -> str:
        """What is said of what is under the mouse."""
        if mark is None:
            return ""
        return f"seed {mark.index + 1}" if mark.kind == "seed" else self.paths.told(mark.index)
