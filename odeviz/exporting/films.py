"""Films drawn: a filmstrip with its pictures side by side, and the frames of an animation one after another.

All pictures of a film have the same axes, colour scales and layout, so that nothing but the flow moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odeviz.analysis.film import Film, Frame, tails
from odeviz.analysis.results import DecisionResult, DensityResult, FlowResult
from odeviz.exporting.paths import is_unlabelled, paint_heads, paint_paths
from odeviz.exporting.plane import (
    STRENGTH,
    decision_bar,
    density_bar,
    paint_arrows,
    paint_background,
    paint_data,
    paint_decision,
    paint_density,
    size_of,
)
from odeviz.exporting.style import COLUMN, Look, drawing, ink, letters, look, new_figure, notes, plane

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: What a film can show.
PANELS = ("flow", "density", "decision")
_TRAJECTORIES = 300
#: Pictures stand beside each other while each has this many inches on paper.
_LEAST = 0.85


def filmstrip_figure(*, film: Film, panel: str = "flow") -> Figure:
    """A film's pictures side by side on shared scales; below densities, the samples carried by the flow.

    ``panel`` is one of :data:`PANELS`. Made for the width of a page; in a narrower one there are more rows.
    Raises ``ValueError`` for a panel that the film cannot show.
    """
    check_panel(film, panel)
    count, width = len(film.frames), look().width or 2 * COLUMN
    columns = max(1, min(count, int(width / letters(_LEAST))))
    kinds = ["density", "samples"] if panel == "density" and film.frames[0].flow is not None else [panel]
    bands = -(-count // columns)
    extent = film.extent
    shape = (extent.y1 - extent.y0) / (extent.x1 - extent.x0) if extent.equal else 0.75
    room = (width - letters(0.6)) / columns * min(max(shape, 0.3), 3.0)
    figure = new_figure(width, (room * len(kinds) + letters(0.2)) * bands)
    places = figure.subplots(bands * len(kinds), columns, squeeze=False)
    image = None
    for index, frame in enumerate(film.frames):
        for row, kind in enumerate(kinds):
            axes = places[index // columns * len(kinds) + row, index % columns]
            plane(axes, extent)
            axes.set(xlabel="", ylabel="", xticks=[], yticks=[])
            axes.spines[:].set(visible=True, linewidth=0.4)
            painted = _paint(axes, film, frame, kind, small=True)
            image = painted if painted is not None else image
            if row == 0:
                axes.set_title(frame.caption, pad=3)
    for axes in places.ravel()[:]:
        if not axes.has_data():
            axes.set_axis_off()
    _bars(list(places.ravel()), film, panel, image)
    return figure


class Animation:
    """The frames of a film, drawn one after another on one figure.

    ``size`` is the frames' width and height in pixels, both even, as video codecs want them.
    """

    def __init__(self, film: Film, panel: str, wanted: Look, dpi: float) -> None:
        check_panel(film, panel)
        self._film, self._panel, self._look = film, panel, wanted
        with drawing(wanted):
            self._figure = new_figure(*size_of(film.extent, bar=panel != "flow"))
            self._figure.set_dpi(dpi)
            self._axes = self._figure.add_subplot()
            plane(self._axes, film.extent)
            self._canvas: Any = self._figure.canvas
            moving = self._frame(len(film.frames) - 1)
            _bars([self._axes], film, panel, next(iter(self._axes.images), None))
            # Laid out once: numbers of other widths must not move the plane.
            self._figure.draw_without_rendering()
            self._figure.set_layout_engine("none")
            for artist in moving:
                artist.remove()
            caption = notes(self._axes, "")
            self._canvas.draw()
            #: What stays the same in all frames, and what is drawn over the moving again.
            self._still = self._canvas.copy_from_bbox(self._figure.bbox)
            self._above = [*self._axes.spines.values(), caption]
        width, height = self._canvas.get_width_height()
        self.size = width // 2 * 2, height // 2 * 2
        #: The same before it is rounded.
        self.inches: tuple[float, float] = tuple(map(float, self._figure.get_size_inches()))

    def __len__(self) -> int:
        return len(self._film.frames)

    def pixels(self, index: int) -> NDArray[np.uint8]:
        """A frame's picture ``[height, width, 3]``."""
        with drawing(self._look):
            self._canvas.restore_region(self._still)
            moving = self._frame(index)
            for artist in (*sorted(moving, key=lambda each: each.get_zorder()), *self._above):
                self._axes.draw_artist(artist)
            for artist in moving:
                artist.remove()
            width, height = self.size
            return np.ascontiguousarray(np.asarray(self._canvas.buffer_rgba())[:height, :width, :3])

    def _frame(self, index: int) -> list[Any]:
        """Put a frame's artists on the axes, and return them."""
        before = set(self._axes.get_children())
        frame = self._film.frames[index]
        _paint(self._axes, self._film, frame, self._panel)
        notes(self._axes, frame.caption)
        return [artist for artist in self._axes.get_children() if artist not in before]


def check_panel(film: Film, panel: str) -> None:
    """``ValueError`` if a film cannot show a panel."""
    if panel not in PANELS:
        raise ValueError(f"panel must be one of {', '.join(PANELS)}, not {panel!r}")
    if not film.frames:
        raise ValueError("a film needs at least one frame")
    wanted = {"density": DensityResult, "decision": DecisionResult}.get(panel)
    if wanted is not None and not isinstance(film.frames[0].background, wanted):
        raise ValueError(f"the film has no {panel} to show")


def _paint(axes: Axes, film: Film, frame: Frame, kind: str, small: bool = False) -> Any:
    """Paint a frame on a plane; returns the image of which a scale is made, if there is one.

    A ``small`` one has neither arrows nor tails.
    """
    background = frame.background
    if kind == "density" and isinstance(background, DensityResult):
        if film.data is not None:
            axes.scatter(*film.data.points.T, s=1.0, c=ink().text, linewidths=0, alpha=0.5, zorder=4)
        return paint_density(axes, background, film.top)
    if kind == "decision" and isinstance(background, DecisionResult):
        paint_decision(axes, background, STRENGTH)
    elif kind == "flow":
        if film.has("background"):
            paint_background(axes, background, film.top)
        if frame.field is not None and not small and film.has("arrows"):
            paint_arrows(axes, frame.field, frame.time)
    flow = frame.flow
    if kind == "decision" and flow is None and film.data is not None:
        paint_data(axes, film.data, faint=False)
    if flow is None:
        return None
    if kind == "flow" and film.data is not None:
        paint_data(axes, film.data, faint=True, small=small)
    if kind == "flow" and not small and film.has("trajectories"):
        _trails(axes, film, frame, flow)
    # A small picture has no trails: its points stand for them.
    if kind != "flow" or film.has("particles") or (small and film.has("trajectories")):
        paint_heads(axes, flow, frame.time, plain=is_unlabelled(flow), small=small)
    return None


def _trails(axes: Axes, film: Film, frame: Frame, flow: FlowResult) -> None:
    shown = tails(flow, frame.time) if film.over_time else flow
    if len(shown.t) > 1:
        paint_paths(axes, shown, None, most=_TRAJECTORIES)


def _bars(axes: list[Axes], film: Film, panel: str, image: Any) -> None:
    """The scale beside the planes, where the panel has one."""
    background = film.frames[0].background
    where: Any = axes if len(axes) > 1 else axes[0]
    if panel == "density" and image is not None:
        density_bar(where, image)
    elif panel == "decision" and isinstance(background, DecisionResult) and len(background.probability) == 2:
        decision_bar(where, background.classes)
