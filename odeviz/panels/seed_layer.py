"""Seeds: the points a person has set, their trajectories in thick lines, and handles to drag."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF

from odeviz.analysis.results import FlowResult
from odeviz.panels.flow_layers import Layer, at_time, frame_at
from odeviz.panels.flow_paths import nearest_path
from odeviz.widgets.primitives import Dots, Segments, bounds, pen, polyline
from odeviz.widgets.theme import Theme


class SeedLayer(Layer):
    """A ring where each seed starts, its whole path thin, the part up to the playhead thick, a dot at its head."""

    def __init__(self, theme: Theme) -> None:
        self._future, self._halo, self._past, self._chosen = Segments(), Segments(), Segments(), Segments()
        self._handles, self._heads = Dots(), Dots()
        super().__init__(
            theme, [self._future, self._halo, self._past, self._chosen, self._handles, self._heads], 40
        )
        self.seeds: NDArray[np.float64] = np.empty((0, 2))
        self._chosen_seeds: tuple[int, ...] = ()
        self._hovered: int | None = None
        self._t: NDArray[Any] = np.zeros(1)
        self._paths: NDArray[np.float64] = np.empty((1, 0, 2))

    def show_result(
        self, seeds: NDArray[np.float64], flow: FlowResult | None, paths: NDArray[np.float64] | None
    ) -> None:
        """Draw seeds ``[k, 2]`` and, where they are known already, their finite paths ``[T, k', 2]``."""
        self.seeds = seeds
        if flow is not None and paths is not None and paths.shape[1] <= len(seeds):
            self._t, self._paths = flow.t, paths
        else:
            self._t, self._paths = np.zeros(1), np.empty((1, 0, 2))
        self._dress()
        lines = polyline(self._paths)
        for item in (self._future, self._halo, self._past, self._chosen):
            item.set_segments(lines)

    def set_marked(self, hovered: int | None, chosen: Sequence[int]) -> None:
        """Which seed is under the mouse, and which are selected."""
        self._hovered, self._chosen_seeds = hovered, tuple(chosen)
        self._dress()

    def nearest(self, point: QPointF, pixel: tuple[float, float], t: float) -> tuple[int, float] | None:
        """The seed whose path passes nearest to a point, and how many pixels of ``pixel`` size it is away."""
        if not self._paths.shape[1] or not self.items[0].isVisible():
            return None
        return nearest_path(self._paths, point, pixel)

    def inside(self, box: tuple[float, float, float, float], t: float) -> list[int]:
        """The seeds whose handle or head lies in a rectangle x0, x1, y0, y1."""
        found = set()
        for points in (self.seeds, at_time(self._t, self._paths, t)):
            x, y = points.T
            found |= set(
                np.flatnonzero((box[0] <= x) & (x <= box[1]) & (box[2] <= y) & (y <= box[3])).tolist()
            )
        return sorted(found)

    def move(self, index: int, x: float, y: float) -> None:
        """Put one handle elsewhere at once, before its path is known."""
        self.seeds = self.seeds.copy()
        self.seeds[index] = x, y
        self._handles.set_bounds(self._room())
        self._handles.move(self.seeds)

    def set_time(self, t: float) -> None:
        if not self._paths.shape[1]:
            return
        frame, share = frame_at(self._t, t)
        head = at_time(self._t, self._paths, t)
        past = self._paths[: frame + 1]
        past = np.concatenate([past, head[None]]) if share else past
        lines = polyline(past)
        self._halo.set_segments(lines)
        self._past.set_segments(lines)
        lit = [k for k in {*self._chosen_seeds, self._hovered} if k is not None and k < past.shape[1]]
        self._chosen.set_segments(polyline(past[:, lit]))
        self._heads.move(head)

    def restyle(self) -> None:
        c, theme = self.theme.colors, self.theme
        self._future.set_pen(pen(c.seed, 1.0, 0.45), smooth=True)
        self._halo.set_pen(pen(c.base, 5.0, 0.7), smooth=True)
        self._past.set_pen(pen(c.seed, 2.0), smooth=True)
        self._chosen.set_pen(pen(c.selected, 3.0), smooth=True)
        hovered = theme.qcolor(c.selected, 0.5)
        rim = theme.qcolor(c.seed)
        self._handles.set_looks(
            [(theme.qcolor(c.base), rim), (theme.qcolor(c.selected), rim), (hovered, rim)], 11
        )
        self._heads.set_looks(
            [(rim, theme.qcolor(c.base)), *[(theme.qcolor(c.selected), theme.qcolor(c.base))] * 2], 8
        )

    def _dress(self) -> None:
        groups = np.zeros(len(self.seeds), dtype=np.intp)
        if self._hovered is not None:
            groups[self._hovered : self._hovered + 1] = 2
        groups[[k for k in self._chosen_seeds if k < len(groups)]] = 1
        self._handles.set_points(self.seeds, groups)
        self._handles.set_bounds(self._room())
        self._heads.set_points(self._paths[-1], groups[: self._paths.shape[1]])
        self._heads.set_bounds(self._room())

    def _room(self) -> QRectF:
        return bounds(np.concatenate([self.seeds, self._paths.reshape(-1, 2)]))
