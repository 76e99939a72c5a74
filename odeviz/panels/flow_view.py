"""The flow view: what the vector field does to the plane, at the playhead's time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from odeviz.analysis.overlays import BorderResult, RestResult, SpaceResult, StreamResult, TracerResult
from odeviz.analysis.projection import Projection
from odeviz.analysis.results import (
    DataResult,
    DecisionResult,
    DensityResult,
    Extent,
    FieldResult,
    FlowResult,
    ProbeResult,
)
from odeviz.panels.flow_bar import FlowBar
from odeviz.panels.flow_box import FlowBox
from odeviz.panels.flow_field import (
    BorderLayer,
    ContourLayer,
    NullclineLayer,
    RestLayer,
    StreamLayer,
    TracerLayer,
)
from odeviz.panels.flow_hands import FlowHands
from odeviz.panels.flow_layers import ArrowLayer, BackgroundLayer, DotsLayer, Layer, finite_paths
from odeviz.panels.flow_overlays import FlowOverlays
from odeviz.panels.flow_paths import TrajectoryLayer
from odeviz.panels.flow_space import FrameLayer, Sight, middle_of
from odeviz.panels.pinned_layer import PinnedLayer
from odeviz.panels.seed_layer import SeedLayer
from odeviz.state.layers import LAYERS, SHOWN
from odeviz.state.nouns import Range, Selection
from odeviz.widgets import chip
from odeviz.widgets.plot import Plot
from odeviz.widgets.scale_key import Scale
from odeviz.widgets.theme import Theme

#: What draws each layer of the registry.
_MAKERS: Mapping[str, Callable[[Theme], Layer]] = {
    "background": BackgroundLayer,
    "contours": ContourLayer,
    "boundary": BorderLayer,
    "arrows": ArrowLayer,
    "streamlines": StreamLayer,
    "tracers": TracerLayer,
    "nullclines": NullclineLayer,
    "trajectories": TrajectoryLayer,
    "pinned": PinnedLayer,
    "base": lambda theme: DotsLayer(theme, -4, 5.5, 0.85, rim=False, plain="path", hollow=True),
    "data": lambda theme: DotsLayer(theme, -5, 4.5, 0.55, rim=False, plain="data"),
    "particles": lambda theme: DotsLayer(theme, 20, 5.0, 0.95, rim=True, plain="path"),
    "rest": RestLayer,
    "seeds": SeedLayer,
}
_NOBODY = np.empty(0, dtype=np.int64)


class FlowView(FlowHands):
    """Every layer of the registry on one plane, or in space, at the playhead's time."""

    key = "flow"
    title = "Flow"
    about = "What the learnt vector field does to the plane, from t = 0 to the playhead."

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        e = self._extent = Extent(-4.0, 4.0, -4.0, 4.0)
        self._range: Range | None = None
        self._time, self._flow, self._seed_flow = 0.0, None, None
        self._data: DataResult | None = None
        self._rest: RestResult | None = None
        self._pinned: FlowResult | None = None
        self._behind: DensityResult | DecisionResult | None = None
        self._seeds: NDArray[np.float64] = np.empty((0, 2))
        self._selection, self._projection = Selection(), Projection()
        self._sight, self._middle = Sight(self._projection, self._extent), np.zeros(1)
        self._box = FlowBox(self)
        self._plot = Plot(theme, e.x_title, e.y_label, grid=False, view_box=self._box, parent=self)
        self._box.setMouseEnabled(True, True)
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setAspectLocked(True)
        self._layers: dict[str, Layer] = {key: _MAKERS[key](theme) for key in LAYERS}
        self._frame = FrameLayer(theme)
        for layer in (*self._layers.values(), self._frame):
            for item in layer.items:
                self._plot.addItem(item)
        self._wanted = dict(SHOWN)
        self._offered: Sequence[str] = tuple(LAYERS)
        self._shown = dict(SHOWN)
        self._build()
        self._begin()
        self.set_layers(self._wanted)
        self.restyle()
        self.fit()
        # Left to itself a plot of another size keeps its scale, not what it shows.
        self._box.sigResized.connect(self._fit)

    # What is shown

    def set_extent(self, extent: Extent) -> None:
        """Show this part of the plane, unless a person has chosen another."""
        if extent != self._extent:
            self._extent = extent
            self._plot.setAspectLocked(extent.equal)
            self._plot.set_axis("bottom", extent.x_title)
            self._plot.set_axis("left", extent.y_label)
            self._fit()
            self._look(self._projection)

    def set_range(self, shown: Range | None) -> None:
        """Look at a part of the plane, x0, x1, y0, y1, or at the whole extent."""
        if shown != self._range:
            self._range = shown
            self._fit()

    def set_projection(self, space: SpaceResult, projection: Projection) -> None:
        """How the state's dimensions are seen: what is shown is turned at once."""
        self.bar.set_space(space, projection)
        self._middle = middle_of(space, projection)
        deep = projection.in_space
        for axis in ("bottom", "left"):
            self._plot.showAxis(axis, not deep)
        names = [self.bar.axis_name(axis, projection) for axis in projection.axes] if deep else []
        self._frame.set_box(names, space.sides)
        self._look(projection)

    def axis_names(self) -> list[str]:
        """What the coordinates of a path's points are called."""
        deep = self._projection.in_space
        names = [self.bar.axis_name(axis, self._projection) for axis in self._projection.axes]
        return names if deep else [self._extent.x_label, self._extent.y_label]

    def set_data(self, data: DataResult | None) -> None:
        """The data set's points, or none."""
        self._data = data
        layer = self._layer("data", DotsLayer)
        if data is None:
            layer.show_data(None)
        else:
            points = np.asarray(data.points, dtype=np.float64)
            layer.show_points(self._sight.flat(points), data.labels, self._sight.near(points))

    def set_flow(self, flow: FlowResult | None) -> None:
        """Trajectories, drawn up to the playhead, where they begin, and the particles at their heads."""
        self._flow = flow
        base, particles = self._layer("base", DotsLayer), self._layer("particles", DotsLayer)
        if flow is None:
            nothing = np.zeros((2, 0, 2))
            particles.show_paths(np.array([0.0, 1.0]), nothing, _NOBODY)
            base.show_points(nothing[0], _NOBODY)
            self.paths.show_result(None, nothing, None, self._plot)
        else:
            whole = finite_paths(flow.paths, self._extent)
            paths, near = self._sight.flat(whole), self._sight.near(whole)
            self.paths.show_result(flow, paths, near, self._plot)
            particles.show_paths(flow.t, paths, flow.labels, near)
            base.show_points(paths[0], flow.labels, None if near is None else near[0])
            self._tell_time("trajectories", "particles")
            self.bar.set_labelled(bool((flow.labels >= 0).any()))
        self._show_key()
        self._show_pinned()

    def set_colouring(self, key: str, nfe: NDArray[Any] | None, offered: Sequence[str]) -> None:
        """Colour the paths by one of ``offered``; by NFE once that of each is known."""
        self.bar.set_colouring(key, offered)
        self.paths.set_colouring(key, nfe)
        self._tell_time("trajectories")
        self._show_key()

    def set_pinned(self, flow: FlowResult | None) -> None:
        """The trajectories of a pinned solver setting, under the present ones."""
        self._pinned = flow
        self._show_pinned()

    def set_field(self, field: FieldResult | None) -> None:
        """The vector field's arrows."""
        self._layer("arrows", ArrowLayer).show_result(field)
        self._tell_time("arrows")

    def set_stream(self, stream: StreamResult | None) -> None:
        """The field on a finer grid: streamlines, tracers and nullclines."""
        for key in ("streamlines", "tracers", "nullclines"):
            self._layers[key].show_result(stream)  # type: ignore[attr-defined]
            self._tell_time(key)

    def set_rest(self, rest: RestResult | None) -> None:
        """States at rest."""
        self._rest = rest
        points = np.empty((0, 2)) if rest is None else self._sight.flat(np.asarray(rest.points))
        self._layer("rest", RestLayer).show_result(rest, points)
        self._tell_time("rest")

    def set_border(self, border: BorderResult | None) -> None:
        """The decision boundary run back by the flow."""
        self._layer("boundary", BorderLayer).show_result(border)
        self._tell_time("boundary")

    def set_density(self, density: DensityResult | None) -> None:
        """The density behind everything; it takes the place of decision regions."""
        self._background(density, "Density", chip.gradient)

    def set_decision(self, decision: DecisionResult | None) -> None:
        """The class probabilities behind everything; they take the place of a density."""
        self._background(decision, "Decision", chip.regions)

    def set_background_faded(self, faded: bool) -> None:
        """Whether what lies behind the flow steps back, as it is of another time."""
        self._layer("background", BackgroundLayer).set_faded(faded)
        self._layer("contours", ContourLayer).set_faded(faded)

    def set_time(self, t: float) -> None:
        """Move everything that depends on time to ``t``."""
        if t != self._time:
            self._time = t
            self._tell_time(*self._layers)

    def advance(self, seconds: float) -> None:
        """Let the tracers drift on."""
        if self.drifting:
            self._layer("tracers", TracerLayer).advance(seconds)

    @property
    def tracers(self) -> TracerResult | None:
        """The tracers as they are drawn now, if they are."""
        return self._layer("tracers", TracerLayer).result if self._shown["tracers"] else None

    @property
    def drifting(self) -> bool:
        """Whether something moves although the playhead rests."""
        return self._shown["tracers"] and not self.theme.calm

    def set_seeds(self, seeds: NDArray[Any] | None, seed_flow: FlowResult | None) -> None:
        """The seeds ``[k, 2]``, in space ``[k, 3]``, and their trajectories as far as they are known."""
        given = np.empty((0, 2)) if seeds is None else np.array(seeds, dtype=np.float64)
        self._seeds, self._seed_flow = given, seed_flow
        points = np.array(self._sight.flat(given))
        if self._held is not None and self._held < min(len(points), len(self.seeds.seeds)):
            # While a handle is held it stays under the hand, however late an answer comes.
            points[self._held] = self.seeds.seeds[self._held]
        whole = None if seed_flow is None else finite_paths(seed_flow.paths, self._extent)
        self.seeds.show_result(points, seed_flow, None if whole is None else self._sight.flat(whole))
        self._tell_time("seeds")

    def set_selection(self, selection: Selection) -> None:
        """What is selected and hovered, wherever that was done."""
        self._selection = selection
        hovered = selection.hovered
        for kind, layer in (("seed", self.seeds), ("trajectory", self.paths)):
            over = hovered.index if hovered is not None and hovered.kind == kind else None
            layer.set_marked(over, selection.of(kind))
        self._tell_time("seeds", "trajectories")

    def set_layers(self, shown: Mapping[str, bool]) -> None:
        """Which layers are shown, by key."""
        self._wanted |= {key: on for key, on in shown.items() if key in self._layers}
        self.bar.set_layers(self._wanted)
        self._show_layers()

    def set_offered(self, keys: Sequence[str]) -> None:
        """Which layers there are: the others are hidden, whether they are shown elsewhere or not."""
        if tuple(keys) == self._offered:
            return
        self._offered = tuple(keys)
        self.bar.set_offered(keys)
        self._show_layers()

    def set_probe(self, probe: ProbeResult | None) -> None:
        """What is known at the point under the mouse."""
        self.overlays.readout.set_probe(probe if self._hover is not None else None)

    def set_message(self, text: str) -> None:
        """One sentence over the view: what went wrong, or what to do first. "" takes it away."""
        self.overlays.set_message(text)

    def fit(self) -> None:
        """Show the whole extent."""
        self._range = None
        self._fit()
        self.range_chosen.emit(None)

    def restyle(self) -> None:
        # A width of its own: an axis that grows with its labels would shift the plane under the mouse.
        self._plot.getAxis("left").setWidth(self.theme.px(40))
        for layer in (*self._layers.values(), self._frame):
            layer.restyle()
        self._tell_time(*self._layers)
        self._show_key()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(640, 560)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.overlays.place()

    # Inside

    def _build(self) -> None:
        self.bar = FlowBar(self.theme, self)
        self.bar.layer_toggled.connect(self._layer_toggled)
        self.bar.colouring_chosen.connect(self.colouring_chosen)
        self.bar.projection_chosen.connect(self.projection_chosen)
        self.bar.fit_wanted.connect(self.fit)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self._plot, 1)
        self.overlays = FlowOverlays(self.theme, self._plot)
        # They stand clear of the axes, whose size is known when they have been laid out.
        for name in ("left", "bottom"):
            self._plot.getAxis(name).geometryChanged.connect(self._place_overlays)

    def _place_overlays(self) -> None:
        self.overlays.place()

    def _layer(self, key: str, kind: type[Any]) -> Any:
        return self._layers[key]

    def _look(self, projection: Projection) -> None:
        """Draw again what is seen from another side."""
        deep = projection.in_space or self._projection.in_space
        self._projection = projection
        self._sight = Sight(projection, self._extent)
        self._frame.show_sight(self._sight)
        if deep:
            self.set_data(self._data)
            self.set_flow(self._flow)
            self.set_rest(self._rest)
            self.set_seeds(self._seeds, self._seed_flow)

    def _fit(self, *_: object) -> None:
        e = self._extent
        width, height = e.x1 - e.x0, e.y1 - e.y0
        self._box.setLimits(
            minXRange=width / 1e4, maxXRange=6 * width, minYRange=height / 1e4, maxYRange=6 * height
        )
        x0, x1, y0, y1 = self._range or (e.x0, e.x1, e.y0, e.y1)
        self._plot.setRange(QRectF(x0, y0, x1 - x0, y1 - y0), padding=0.0)

    def _background(
        self, result: DensityResult | DecisionResult | None, word: str, swatch: chip.Swatch
    ) -> None:
        self._layer("background", BackgroundLayer).show_result(result)
        self._layer("contours", ContourLayer).show_result(result)
        if result is not None:
            self.bar.name_background(word, swatch)
        self._behind = result
        self._show_remark()

    def _show_layers(self) -> None:
        for key, layer in self._layers.items():
            self._shown[key] = self._wanted[key] and key in self._offered
            layer.set_visible(self._shown[key])
        self._show_key()
        self._show_remark()
        self._tell_time(*self._layers)

    def _show_remark(self) -> None:
        """Where nothing could be solved for behind the flow, say so."""
        behind = self._behind if self._shown["background"] else None
        lost = behind is not None and behind.unreached.any()
        self.overlays.set_remark(f"Hatched: {behind.message}" if behind is not None and lost else "")

    def _tell_time(self, *keys: str) -> None:
        for key in keys:
            if self._shown[key]:
                self._layers[key].set_time(self._time)

    def _show_pinned(self) -> None:
        layer = self._layer("pinned", PinnedLayer)
        if self._pinned is None:
            layer.clear()
            return
        seen = [
            None if flow is None else (flow.t, self._sight.flat(finite_paths(flow.paths, self._extent)))
            for flow in (self._pinned, self._flow)
        ]
        layer.show_result(*seen, self._extent.x1 - self._extent.x0)
        self._tell_time("pinned")

    def _show_key(self) -> None:
        self.overlays.key.set_scale(self.paths.scale if self._shown["trajectories"] else Scale(""))

    def _layer_toggled(self, key: str, on: bool) -> None:
        self.set_layers({key: on})
        self.layer_toggled.emit(key, on)
