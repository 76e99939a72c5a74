"""The flow view's controller: its gestures become changes of the workbench, and what the workbench says is shown."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QGuiApplication

from odeviz.analysis.projection import Projection
from odeviz.app.main_window import MainWindow
from odeviz.app.pictures import Pictures
from odeviz.state import Point, Workbench, offered


class FlowControl(QObject):
    """Joins workbench, flow view and the panel of the seeds over time."""

    def __init__(
        self, bench: Workbench, pictures: Pictures, window: MainWindow, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.bench, self.pictures, self.window = bench, pictures, window
        flow, series = window.flow, window.series
        flow.seed_added.connect(self.add_seed)
        flow.seed_moved.connect(self.move_seed)
        flow.seed_drag_finished.connect(self.end_drag)
        flow.seeds_removed.connect(self.remove_selected)
        flow.copy_wanted.connect(self.copy_seeds)
        flow.layer_toggled.connect(bench.show_layer)
        flow.colouring_chosen.connect(bench.colour_by)
        flow.projection_chosen.connect(self._project)
        flow.turn_finished.connect(bench.end_drag)
        flow.range_chosen.connect(bench.look_at)
        for panel in (flow, series, window.view, window.density, window.steps):
            panel.selected.connect(self._select)
            panel.marked.connect(bench.hover)
        bench.selection_changed.connect(pictures.showing.select)
        bench.range_changed.connect(flow.set_range)
        bench.stage_changed.connect(self._on_stage)
        bench.colouring_changed.connect(self._show_colouring)
        flow.set_layers(bench.layers)
        self._show_stage()

    # What a person does.

    @Slot(float, float)
    def add_seed(self, x: float, y: float) -> None:
        """Set a seed where it is seen; in space, half-way deep."""
        # Before its scene is there, nobody knows how many dimensions a state of the model has.
        if "scene" in self.pictures.results:
            self.bench.add_seed(_point(self.pictures.space.lift(self._deep(x, y)[None])[0]))

    @Slot(int, float, float)
    def move_seed(self, index: int, x: float, y: float) -> None:
        """Move a seed along the picture; what the picture does not show of it stays."""
        if not self.bench.dragging:
            self.begin_drag()
        if not 0 <= index < len(self.bench.seeds.points):
            return
        space, seed = self.pictures.space, np.array(self.bench.seeds.points[index])
        if space.basis is None:
            self.bench.move_seed(index, (x, y))
            return
        placed = space.place(seed[None])[0]
        way = self._deep(x, y) - (self._flattened(placed) if len(placed) == 3 else placed)
        self.bench.move_seed(index, _point(seed + space.step(way[None])[0]))

    @Slot()
    def remove_selected(self) -> None:
        self.bench.remove_seeds(*self.bench.selection.of("seed"))

    @Slot()
    def copy_seeds(self) -> None:
        """The coordinates of the selected seeds, or of all, to the clipboard."""
        points = self.bench.seeds.points
        chosen = self.bench.selection.of("seed") or range(len(points))
        lines = [", ".join(f"{value:.6g}" for value in points[k]) for k in chosen]
        if lines:
            QGuiApplication.clipboard().setText("\n".join(lines))
            count = "The coordinates of one seed are" if len(lines) == 1 else f"{len(lines)} seeds are"
            self.bench.say(f"{count} on the clipboard.")

    def project(self, kind: str) -> None:
        """See the states through a kind of projection."""
        if kind != self.bench.projection.kind:
            self.bench.project(Projection.of(kind))

    @Slot()
    def begin_drag(self) -> None:
        """What is dragged is one undo step, and solves follow the hand."""
        self.bench.begin_drag()
        self.pictures.drag_started()

    @Slot()
    def end_drag(self) -> None:
        self.bench.end_drag()
        self.pictures.drag_finished()

    # Inside.

    @Slot(object)
    def _project(self, projection: Projection) -> None:
        now = self.bench.projection
        if projection != now and projection.still == now.still and not self.bench.dragging:
            self.bench.begin_drag()
        self.bench.project(projection)

    @Slot(object, bool)
    def _select(self, marks: Any, extend: bool) -> None:
        self.bench.select(*marks, extend=extend)

    @Slot()
    def _on_stage(self) -> None:
        # In a turn of its own: it comes with all else that another model changes.
        self.pictures.showing.turns.give("stage", self._show_stage, lasting=True)

    def _show_stage(self) -> None:
        stage = self.bench.stage
        there = offered(stage)
        self.window.flow.set_offered(there)
        self.window.density.set_there("background" in there, not stage.projection.in_space)
        self._show_colouring()

    @Slot()
    def _show_colouring(self, key: str = "") -> None:
        self.pictures.extras.show_colouring()

    def _deep(self, x: float, y: float) -> np.ndarray:
        """A point of the picture in the coordinates that are seen."""
        seen = self.pictures.seen
        if not seen.in_space or self.pictures.space.basis is None:
            return np.array([x, y])
        deep: np.ndarray = np.array([x, y]) @ seen.camera[:2]
        return deep

    def _flattened(self, placed: np.ndarray) -> np.ndarray:
        """A place in space moved to the middle of its depth."""
        right_up = self.pictures.seen.camera[:2]
        flat: np.ndarray = (placed @ right_up.T) @ right_up
        return flat


def _point(values: Any) -> Point:
    return tuple(float(value) for value in values)
