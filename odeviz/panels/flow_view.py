"""The flow view: what the vector field does to the plane, at the playhead's time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from odeviz.analysis.results import (
    DataResult,
    DecisionResult,
    DensityResult,
    Extent,
    FieldResult,
    FlowResult,
    ProbeResult,
)
from odeviz.panels.flow_box import FlowBox
from odeviz.panels.flow_layers import (
    ArrowLayer,
    BackgroundLayer,
    DotsLayer,
    Layer,
    TrajectoryLayer,
    finite_paths,
)
from odeviz.panels.panel import Panel
from odeviz.panels.readout import Readout
from odeviz.panels.seed_layer import SeedLayer
from odeviz.state.layers import LAYERS
from odeviz.widgets import chip
from odeviz.widgets.icons import icon
from odeviz.widgets.plot import Plot
from odeviz.widgets.theme import Theme

#: A second click within this many milliseconds fits the view instead of leaving a seed.
DOUBLE_CLICK = 220
#: How near to a seed, in pixels, the mouse takes hold of it.
REACH = 11


class FlowView(Panel):
    """Density or decision regions, field, trajectories, data, particles and seeds on one plane."""

    key = "flow"
    title = "Flow"
    about = "What the learnt vector field does to the plane, from t = 0 to the playhead."

    seed_added = Signal(float, float)
    seed_moved = Signal(int, float, float)
    seed_drag_finished = Signal(int)
    #: The selected seeds are to go.
    seeds_removed = Signal()
    seed_selected = Signal(int)
    hovered = Signal(float, float)
    hover_left = Signal()
    layer_toggled = Signal(str, bool)

    #: Key, title and tooltip of each layer, in the order they are drawn.
    layers: ClassVar[tuple[tuple[str, str, str], ...]] = tuple(
        (key, layer.title, layer.about) for key, layer in LAYERS.items()
    )
    _swatches: ClassVar[tuple[chip.Swatch, ...]] = (
        chip.gradient, chip.arrow, chip.waves, chip.dots, chip.particle, chip.ring,
    )  # fmt: skip

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._extent = Extent(-4.0, 4.0, -4.0, 4.0)
        self._time = 0.0
        self._hover: tuple[float, float] | None = None
        self._held: int | None = None
        self._box = FlowBox(self)
        self._plot = Plot(theme, grid=False, view_box=self._box, parent=self)
        self._plot.setMouseEnabled(True, True)
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setAspectLocked(True)
        # A width of its own: an axis that grows with its labels would shift the plane under the mouse.
        self._plot.getAxis("left").setWidth(40)
        self._plot.viewport().installEventFilter(self)
        self._plot.scene().sigMouseMoved.connect(self._mouse_moved)
        self._layers: dict[str, Layer] = {
            "background": BackgroundLayer(theme),
            "arrows": ArrowLayer(theme),
            "trajectories": TrajectoryLayer(theme),
            "data": DotsLayer(theme, -5, 4.5, 0.55, rim=False, plain="data"),
            "particles": DotsLayer(theme, 20, 5.0, 0.95, rim=True, plain="path"),
            "seeds": SeedLayer(theme),
        }
        for layer in self._layers.values():
            for item in layer.items:
                self._plot.addItem(item, ignoreBounds=True)
        self._shown = {key: True for key, _, _ in self.layers}
        # A click waits a moment, so that a double click can fit the view without leaving a seed behind.
        self._pending = QTimer(self)
        self._pending.setSingleShot(True)
        self._pending.setInterval(DOUBLE_CLICK)
        self._pending.timeout.connect(self._add_pending_seed)
        self._click = QPointF()
        self._build()
        self.restyle()
        self.fit()

    # What is shown

    def set_extent(self, extent: Extent) -> None:
        """Show this part of the plane; a change of the extent fits the view to it."""
        if extent != self._extent:
            self._extent = extent
            self._plot.setAspectLocked(extent.equal)
            self._plot.set_axis("bottom", extent.x_title)
            self._plot.set_axis("left", extent.y_label)
            self.fit()

    def set_data(self, data: DataResult | None) -> None:
        """The data set's points, or none."""
        self._layer("data", DotsLayer).show_data(data)

    def set_flow(self, flow: FlowResult | None) -> None:
        """Trajectories, drawn up to the playhead, and the particles at their heads."""
        if flow is None:
            none = np.empty(0)
            steps = np.zeros((2, 0, 2))
            flow_t, labels = np.array([0.0, 1.0]), none.astype(np.int64)
            self._layer("particles", DotsLayer).show_paths(flow_t, steps, labels)
            self._layer("trajectories", TrajectoryLayer).clear(self._plot)
            return
        paths = finite_paths(flow.paths, self._extent)
        self._layer("trajectories", TrajectoryLayer).show_result(
            flow, paths, self._plot, self._shown["trajectories"]
        )
        self._layer("particles", DotsLayer).show_paths(flow.t, paths, flow.labels)
        self._tell_time("trajectories", "particles")

    def set_field(self, field: FieldResult | None) -> None:
        """The vector field's arrows."""
        self._layer("arrows", ArrowLayer).show_result(field)
        self._tell_time("arrows")

    def set_background_there(self, there: bool) -> None:
        """Whether the model has anything to show behind the flow."""
        self._chips["background"].setVisible(there)
        if not there:
            self._layer("background", BackgroundLayer).show_result(None)

    def set_density(self, density: DensityResult | None) -> None:
        """The density behind everything; it takes the place of decision regions."""
        self._background(density, "Density", chip.gradient)

    def set_decision(self, decision: DecisionResult | None) -> None:
        """The class probabilities behind everything; they take the place of a density."""
        self._background(decision, "Decision", chip.regions)

    def set_time(self, t: float) -> None:
        """Move everything that depends on time to ``t``."""
        self._time = t
        for key, layer in self._layers.items():
            if self._shown[key]:
                layer.set_time(t)

    def set_seeds(
        self, seeds: NDArray[Any] | None, seed_flow: FlowResult | None, selected: int | None = None
    ) -> None:
        """The seeds ``[k, 2]``, their trajectories as far as they are known, and which one is selected."""
        points = np.empty((0, 2)) if seeds is None else np.array(seeds, dtype=np.float64).reshape(-1, 2)
        layer = self._layer("seeds", SeedLayer)
        if self._held is not None and self._held < min(len(points), len(layer.seeds)):
            # While a handle is held it stays under the hand, however late an answer comes.
            points[self._held] = layer.seeds[self._held]
        paths = None if seed_flow is None else finite_paths(seed_flow.paths, self._extent)
        layer.show_result(points, seed_flow, paths, selected)
        self._tell_time("seeds")

    def set_layers(self, shown: Mapping[str, bool]) -> None:
        """Which layers are shown, by key."""
        for key, on in shown.items():
            if key in self._layers:
                self._shown[key] = on
                self._layers[key].set_visible(on)
                self._chips[key].blockSignals(True)
                self._chips[key].setChecked(on)
                self._chips[key].blockSignals(False)
        self.set_time(self._time)

    def set_probe(self, probe: ProbeResult | None) -> None:
        """What is known at the point under the mouse."""
        self._readout.set_probe(probe if self._hover is not None else None)

    def set_message(self, text: str) -> None:
        """One sentence over the view: what went wrong, or what to do first. "" takes it away."""
        self._message.setText(text)
        self._notice.setVisible(bool(text))
        self._place_overlays()

    def fit(self) -> None:
        """Show the whole extent."""
        e = self._extent
        width, height = e.x1 - e.x0, e.y1 - e.y0
        self._box.setLimits(
            minXRange=width / 1e4, maxXRange=6 * width, minYRange=height / 1e4, maxYRange=6 * height
        )
        self._plot.setRange(QRectF(e.x0, e.y0, width, height), padding=0.0)

    def restyle(self) -> None:
        for layer in self._layers.values():
            layer.restyle()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(640, 560)

    # What the person does

    def keyPressEvent(self, event: QKeyEvent) -> None:
        layer = self._layer("seeds", SeedLayer)
        chosen = layer.selected if layer.selected is not None and layer.selected < len(layer.seeds) else None
        nudges = {
            Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1),
        }  # fmt: skip
        if event.key() == Qt.Key.Key_F:
            self.fit()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and chosen is not None:
            self.seeds_removed.emit()
        elif event.key() in nudges and chosen is not None:
            dx, dy = nudges[event.key()]
            step = (self._extent.x1 - self._extent.x0) / 100
            x, y = layer.seeds[chosen] + step * np.array([dx, dy])
            self.drag_seed(chosen, float(x), float(y))
            self.finish_drag()
        else:
            super().keyPressEvent(event)

    def seed_at(self, scene: QPointF) -> int | None:
        """The seed whose handle lies under a point of the scene, the nearest one."""
        seeds = self._layer("seeds", SeedLayer).seeds
        if not len(seeds) or not self._shown["seeds"]:
            return None
        at = [self._box.mapViewToScene(QPointF(x, y)) for x, y in seeds]
        far = np.array([np.hypot(p.x() - scene.x(), p.y() - scene.y()) for p in at])
        nearest = int(far.argmin())
        return nearest if far[nearest] <= REACH else None

    def drag_seed(self, index: int, x: float, y: float) -> None:
        """Hold a seed at a point: its handle follows at once, its path when it has been solved."""
        self._held = index
        self._layer("seeds", SeedLayer).move(index, x, y)
        self.seed_moved.emit(index, x, y)

    def finish_drag(self) -> None:
        """Let the held seed go."""
        if self._held is not None:
            held, self._held = self._held, None
            self.seed_drag_finished.emit(held)

    def click(self, scene: QPointF, double: bool) -> None:
        """A click at a point of the scene: on a seed selects it, elsewhere adds one; a double click fits."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if double:
            self._pending.stop()
            self.fit()
            return
        hit = self.seed_at(scene)
        if hit is not None:
            self.seed_selected.emit(hit)
        else:
            self._click = self._box.mapSceneToView(scene)
            self._pending.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self._hover = None
            self._readout.hide()
            self.hover_left.emit()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_overlays()

    # Inside

    def _build(self) -> None:
        self._chips: dict[str, chip.Chip] = {}
        row = QHBoxLayout()
        row.setContentsMargins(8, 4, 8, 4)
        row.setSpacing(0)
        for (key, title, tooltip), swatch in zip(self.layers, self._swatches, strict=True):
            button = chip.Chip(self.theme, title, swatch, tooltip, self)
            button.setObjectName(key)
            button.toggled.connect(self._chip_toggled)
            row.addWidget(button)
            self._chips[key] = button
        row.addStretch(1)
        fit = QToolButton(self)
        fit.setIcon(icon("corners-out", self.theme, "muted"))
        fit.setIconSize(QSize(16, 16))
        fit.setToolTip("Fit the view to the data (F, or double click)")
        fit.setAccessibleName("Fit the view")
        fit.clicked.connect(self.fit)
        row.addWidget(fit)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self._plot, 1)
        self._readout = Readout(self.theme, self._plot)
        self._readout.hide()
        self._notice = QFrame(self._plot)
        self._notice.setProperty("role", "card")
        self._message = QLabel(self._notice)
        self._message.setWordWrap(True)
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside = QVBoxLayout(self._notice)
        inside.setContentsMargins(16, 12, 16, 12)
        inside.addWidget(self._message)
        self._notice.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._notice.hide()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _layer(self, key: str, kind: type[Any]) -> Any:
        return self._layers[key]

    def _background(
        self, result: DensityResult | DecisionResult | None, word: str, swatch: chip.Swatch
    ) -> None:
        self._layer("background", BackgroundLayer).show_result(result)
        if result is not None:
            self._chips["background"].set_face(word, swatch)

    def _tell_time(self, *keys: str) -> None:
        for key in keys:
            if self._shown[key]:
                self._layers[key].set_time(self._time)

    def _chip_toggled(self, on: bool) -> None:
        key = self.sender().objectName()
        self.set_layers({key: on})
        self.layer_toggled.emit(key, on)

    def _add_pending_seed(self) -> None:
        self.seed_added.emit(self._click.x(), self._click.y())

    def _mouse_moved(self, scene: QPointF) -> None:
        if not self._box.sceneBoundingRect().contains(scene):
            return
        point = self._box.mapSceneToView(scene)
        self._hover = (point.x(), point.y())
        self._readout.set_point(point.x(), point.y())
        self._readout.show()
        over = self.seed_at(scene) is not None
        self._plot.viewport().setCursor(Qt.CursorShape.OpenHandCursor if over else Qt.CursorShape.CrossCursor)
        self.hovered.emit(point.x(), point.y())

    def _place_overlays(self) -> None:
        if not hasattr(self, "_notice"):
            return
        wide = sum(c.full_width() for c in self._chips.values()) + 60
        for each in self._chips.values():
            each.set_compact(self.width() < wide)
        area = self._plot.rect()
        self._readout.place(area)
        width = min(360, area.width() - 64)
        self._notice.setFixedWidth(max(width, 120))
        self._notice.adjustSize()
        self._notice.move(
            area.center().x() - self._notice.width() // 2, area.center().y() - self._notice.height() // 2
        )
