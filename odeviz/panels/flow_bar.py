"""The row above the flow view: a legend whose entries switch layers, the paths' colours, the projection, fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QActionGroup, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from odeviz.analysis.overlays import SpaceResult
from odeviz.analysis.projection import PROJECTIONS, Projection
from odeviz.state.layers import COLOURINGS, LAYERS
from odeviz.widgets import chip
from odeviz.widgets.help_button import HelpButton
from odeviz.widgets.icons import icon
from odeviz.widgets.menu_button import MenuButton
from odeviz.widgets.theme import Theme

#: How each layer is drawn, in small.
SWATCHES: Mapping[str, chip.Swatch] = {
    "background": chip.gradient, "contours": chip.rings, "boundary": chip.border, "arrows": chip.arrow,
    "streamlines": chip.stream, "tracers": chip.tracers, "nullclines": chip.crossing, "trajectories": chip.waves,
    "pinned": chip.dotted_waves,
    "base": chip.hollow_dots, "data": chip.dots, "particles": chip.particle, "rest": chip.rest, "seeds": chip.ring,
}  # fmt: skip
#: Layers that keep their words longest, most used first; then the others in their order.
WORDS_FIRST = ("background", "trajectories", "arrows", "data", "particles", "seeds")
#: A layer that comes and goes while the others are looked at: there is always room kept for it.
_PASSING = "pinned"
#: Coordinates that are offered at most: of more, components say more.
MOST_AXES = 12
#: What the colours of classes are called where there are none, and why.
_PLAIN = "One colour", "All paths in one colour: these have no classes."


class FlowBar(QWidget):
    """A chip for each layer, with its word where there is room, shown or not; menus beside them.

    The most used layers have their words first; the menu of layers has all names. Nothing moves when a layer is
    switched: a second press on the same spot takes the first one back.
    """

    layer_toggled = Signal(str, bool)
    colouring_chosen = Signal(str)
    projection_chosen = Signal(object)
    fit_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._offered: Sequence[str] = tuple(LAYERS)
        #: The colouring, and what is offered beside it, as they were last told.
        self._told: tuple[str, tuple[str, ...]] | None = None
        self._space, self._projection = SpaceResult(), Projection()
        self._colouring, self._labelled = "class", True
        self.chips: dict[str, chip.Chip] = {}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(8, 4, 8, 4)
        self._row.setSpacing(0)
        self.layers = self._menu_button("stack", "Layers")
        self.layers.setText("Layers")
        self.layers.setToolTip("Layers: all of them by name, with their keys")
        self.layers.menu().aboutToShow.connect(self._fill_layers)
        self.layers.menu().triggered.connect(self._layer_triggered)
        for key, layer in LAYERS.items():
            keys = f"  ({layer.shortcut})" if layer.shortcut else ""
            button = chip.Chip(theme, layer.title, SWATCHES[key], layer.about + keys, self)
            button.setObjectName(key)
            button.toggled.connect(self._chip_toggled)
            self._row.addWidget(button)
            self.chips[key] = button
        self._row.addStretch(1)
        self.colouring = self._menu_button("palette", "What the paths are coloured by")
        self.projection = self._menu_button("cube", "How states of more than two dimensions are seen")
        self.fit = QToolButton(self)
        self.fit.setIcon(icon("corners-out", theme, "muted"))
        self.fit.setIconSize(QSize(16, 16))
        self.fit.setToolTip("Fit the view to the data (F, or double click)")
        self.fit.setAccessibleName("Fit the view")
        self.fit.clicked.connect(self.fit_wanted)
        self._row.addWidget(self.fit)
        about = "What the learnt vector field does to the plane, layer by layer."
        self.help = HelpButton(theme, "flow", "Flow", about, self)
        self._row.addWidget(self.help)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._fill_colouring()
        self.set_colouring("class", tuple(COLOURINGS))
        self.set_space(SpaceResult(), Projection())

    def set_layers(self, shown: Mapping[str, bool]) -> None:
        """Which layers are shown, by key."""
        for key, on in shown.items():
            if key in self.chips:
                self.chips[key].blockSignals(True)
                self.chips[key].setChecked(on)
                self.chips[key].blockSignals(False)
        self._settle()

    def set_offered(self, keys: Sequence[str]) -> None:
        """Which layers there are."""
        if tuple(keys) != self._offered:
            self._offered = tuple(keys)
            self._settle()

    def name_background(self, word: str, swatch: chip.Swatch) -> None:
        """What lies behind the flow, density or decision: a shorter word may leave room for all the others'."""
        self.chips["background"].set_face(word, swatch)
        self._settle()

    def names(self) -> list[str]:
        """What the layers are called that can be switched here."""
        return [self.chips[key].text() for key in self._offered]

    def set_colouring(self, key: str, offered: Sequence[str]) -> None:
        """What the paths are coloured by, and what they can be."""
        if (key, tuple(offered)) == self._told:
            # A bar that settles anew for every model that is opened takes longer than it seems.
            return
        self._told = key, tuple(offered)
        for action in self.colouring.menu().actions():
            action.setChecked(action.data() == key)
            action.setVisible(action.data() in offered)
        self._colouring = key
        self._name_colouring()

    def set_labelled(self, labelled: bool) -> None:
        """Whether the paths on show have classes to be coloured by."""
        if labelled != self._labelled:
            self._labelled = labelled
            self._name_colouring()

    def _name_colouring(self) -> None:
        title, about = COLOURINGS[self._colouring] if self._labelled or self._colouring != "class" else _PLAIN
        self.colouring.setText(title)
        self.colouring.setToolTip(f"Paths are coloured by {title}. {about}" if title != _PLAIN[0] else about)
        for action in self.colouring.menu().actions():
            if action.data() == "class":
                title, about = COLOURINGS["class"] if self._labelled else _PLAIN
                action.setText(title)
                action.setToolTip(about)
        self._settle()

    def set_space(self, space: SpaceResult, projection: Projection) -> None:
        """The state's dimensions, and how they are seen."""
        self._space, self._projection = space, projection
        self.projection.setVisible(space.dim > 2)
        self.projection.setText(self._projection_text())
        self.projection.setToolTip(PROJECTIONS[projection.kind][1])
        self._fill_projection()
        self._settle()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._settle()

    # Inside

    def _settle(self) -> None:
        """Words for as many as there is room for, swatches for the rest; or the menu and a few."""
        there = [self.chips[key] for key in self._offered]
        menus = [b for b in (self.colouring, self.projection) if not b.isHidden()]
        alone = Qt.ToolButtonStyle.ToolButtonIconOnly
        self.layers.setToolButtonStyle(alone)
        others = (self.layers, self.fit, self.help)
        room = self.width() - 24 - sum(button.sizeHint().width() for button in others)
        kept = [self.chips[_PASSING]] if _PASSING not in self._offered else []
        swatches = sum(each.minimumSizeHint().width() for each in (*there, *kept))
        words = sum(each.full_width() for each in there)
        # The menus' words go first.
        full = sum(_full_width(button) for button in menus)
        terse = words + full > room
        for button in menus:
            button.setToolButtonStyle(alone if terse else Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        room -= sum(button.sizeHint().width() for button in menus)
        named = swatches > room
        if named:
            room += self.layers.sizeHint().width()
            self.layers.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            there = wordy = self._most_used(room - self.layers.sizeHint().width())
        else:
            wordy = self._with_words(there, room - swatches)
        for each in self.chips.values():
            each.set_compact(each not in wordy)
            each.setVisible(each in there)

    def _most_used(self, room: int) -> list[chip.Chip]:
        """Those that have room beside the menu, word and all: shown or not, so that none goes when it is pressed."""
        found = []
        for key in WORDS_FIRST:
            each = self.chips[key]
            room -= each.full_width()
            if key in self._offered and room >= 0:
                found.append(each)
        return found

    def _with_words(self, there: Sequence[chip.Chip], room: int) -> list[chip.Chip]:
        """Those whose words fit into so many pixels beside all swatches, the most used first; never what passes."""
        first = [self.chips[key] for key in WORDS_FIRST]
        wordy = []
        for each in sorted(
            (each for each in there if each is not self.chips[_PASSING]),
            key=lambda each: first.index(each) if each in first else len(first),
        ):
            room -= each.full_width() - each.minimumSizeHint().width()
            if room < 0:
                break
            wordy.append(each)
        return wordy

    def _fill_layers(self) -> None:
        menu = self.layers.menu()
        menu.clear()
        for key in self._offered:
            switch, layer = self.chips[key], LAYERS[key]
            action = menu.addAction(f"{switch.text()}\t{layer.shortcut}")
            action.setData(key)
            action.setCheckable(True)
            action.setChecked(switch.isChecked())
            action.setToolTip(layer.about)

    def _layer_triggered(self, action: object) -> None:
        self.chips[action.data()].setChecked(action.isChecked())  # type: ignore[attr-defined]

    def _chip_toggled(self, on: bool) -> None:
        self._settle()
        self.layer_toggled.emit(self.sender().objectName(), on)

    def _menu_button(self, name: str, what: str) -> QToolButton:
        button = MenuButton(self)
        button.setIcon(icon(name, self._theme, "muted"))
        button.setIconSize(QSize(16, 16))
        button.setAccessibleName(what)
        menu = QMenu(button)
        menu.setToolTipsVisible(True)
        button.setMenu(menu)
        self._row.addWidget(button)
        return button

    def _fill_colouring(self) -> None:
        menu = self.colouring.menu()
        for key, (title, about) in COLOURINGS.items():
            action = menu.addAction(title)
            action.setData(key)
            action.setCheckable(True)
            action.setToolTip(about)
        menu.triggered.connect(self._colouring_triggered)
        self.projection.menu().triggered.connect(self._projection_triggered)

    def _colouring_triggered(self, action: object) -> None:
        self.colouring_chosen.emit(action.data())  # type: ignore[attr-defined]

    def _projection_text(self) -> str:
        projection = self._projection
        if projection.kind == "plane":
            return PROJECTIONS["plane"][0]
        return ", ".join(self.axis_name(axis, projection) for axis in projection.axes)

    def axis_name(self, axis: int, projection: Projection) -> str:
        """What a coordinate or component is called."""
        names = self._space.names
        return projection.label(axis) if projection.by_components or axis >= len(names) else names[axis]

    def _fill_projection(self) -> None:
        """The kinds of projection, and for the present one a choice of what lies along each of its axes."""
        menu, now, dim = self.projection.menu(), self._projection, self._space.dim
        menu.clear()
        for kind, (title, about) in PROJECTIONS.items():
            action = menu.addAction(title)
            action.setCheckable(True)
            action.setChecked(kind == now.kind)
            action.setToolTip(about)
            action.setData(now if kind == now.kind else Projection.of(kind))
        if now.kind == "plane":
            return
        menu.addSeparator()
        for place, axis in enumerate(now.axes):
            side = ("to the right", "upwards", "in depth")[place] if not now.in_space else f"{place + 1}"
            submenu = menu.addMenu(f"Axis {side}: {self.axis_name(axis, now)}")
            group = QActionGroup(submenu)
            for other in range(min(dim, MOST_AXES)):
                action = submenu.addAction(self.axis_name(other, now))
                action.setActionGroup(group)
                action.setCheckable(True)
                action.setChecked(other == axis)
                action.setData(_swapped(now, place, other))

    def _projection_triggered(self, action: object) -> None:
        self.projection_chosen.emit(action.data())  # type: ignore[attr-defined]


def _swapped(now: Projection, place: int, axis: int) -> Projection:
    """With another axis at a place; where that one was already, the two change places."""
    axes = list(now.axes)
    if axis in axes:
        axes[axes.index(axis)] = axes[place]
    axes[place] = axis
    return Projection(now.kind, tuple(axes), now.turn)


def _full_width(button: QToolButton) -> int:
    return button.fontMetrics().horizontalAdvance(button.text()) + 16 + 34
