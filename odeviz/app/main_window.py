"""The main window: where the panels stand. It holds no logic; it tells what happened to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QEvent, QSettings, QSize, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import (
    QDockWidget,
    QFrame,
    QMainWindow,
    QMenu,
    QSizePolicy,
    QStyle,
    QTabBar,
    QTabWidget,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from odeviz.app.actions import ACTIONS, MENUS, Actions
from odeviz.app.dock_room import DockRoom
from odeviz.app.optional_dock import OptionalDock
from odeviz.app.painting_window import PaintingWindow
from odeviz.app.status_bar import StatusBar
from odeviz.app.tab_order import step
from odeviz.app.window_memory import WindowMemory
from odeviz.panels.density_panel import DensityPanel
from odeviz.panels.experiment_form import ExperimentForm
from odeviz.panels.flow_view import FlowView
from odeviz.panels.history_panels import LossPanel, NfePanel
from odeviz.panels.log_panel import LogPanel
from odeviz.panels.panel import Panel
from odeviz.panels.precision_panel import PrecisionPanel
from odeviz.panels.replay_mark import ReplayMark
from odeviz.panels.series_panel import SeriesPanel
from odeviz.panels.solver_bar import SolverBar
from odeviz.panels.steps_panel import StepsPanel
from odeviz.panels.time_bar import TimeBar
from odeviz.panels.view_panel import ViewPanel
from odeviz.state import Stage, offered
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.experiment_string import called, is_experiment_string, nearest_preset
from odeviz.tasks.presets import PRESETS
from odeviz.widgets.dock_title import DockTitle
from odeviz.widgets.icons import icon
from odeviz.widgets.menu import Menu, with_keys
from odeviz.widgets.menu_bar import MenuBar
from odeviz.widgets.menu_button import MenuButton
from odeviz.widgets.notice_bar import NoticeBar
from odeviz.widgets.theme import Theme

P = TypeVar("P", bound=Panel)

LOADING = "Loading the engine…"
#: How wide the edges of a window manager's frame are, at most.
EDGE = 4
#: Raised when docks are added, renamed or laid out anew: a layout remembered by another version is left alone.
LAYOUT_VERSION = 5
TOOLBAR = (
    "train", "step", "reset", "", "gallery", "open", "", "undo", "redo", "", "export_figure", "palette",
)  # fmt: skip


class MainWindow(PaintingWindow):
    """Form on the left, flow view with its bars in the middle, panels on the right.

    With ``settings`` it remembers its layout there; without, it remembers nothing.
    """

    #: A file was dropped on the window.
    file_dropped = Signal(object)
    #: An experiment's line was dropped on the window.
    line_dropped = Signal(str)
    #: The window fills the screen, or does no more.
    state_changed = Signal()
    #: The window wants to close; :attr:`may_close` decides.
    close_wanted = Signal()

    def __init__(
        self, theme: Theme, settings: QSettings | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self.may_close = True
        self._room = DockRoom(self)
        self.setObjectName("window")
        self.setAcceptDrops(True)
        options = QMainWindow.DockOption
        # Without grouped dragging a dock that shares its place could not be pulled out by its tab.
        self.setDockOptions(options.AllowTabbedDocks | options.AllowNestedDocks | options.GroupedDragging)
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.actions_ = Actions(theme, self)
        self._make_panels()
        self._make_toolbar()
        self._make_menus()
        self.status = StatusBar(theme, self)
        self.setStatusBar(self.status)
        self._begin()
        self._take_room()
        self._measure()
        self.reset_layout()
        self._memory = WindowMemory(self, settings, LAYOUT_VERSION)
        self._memory.restore()
        # What a dialog gives the keyboard back to; else Qt finds the first button that takes it.
        self.flow.setFocus()

    def _take_room(self) -> None:
        """A window that its screen holds together with the frame, which is not there yet to be measured."""
        room = self.screen().availableGeometry()
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight)
        width, height = room.width() - 2 * EDGE, room.height() - bar - 2 * EDGE
        self.resize(max(1024, min(1440, width)), max(700, min(900, height)))

    def _begin(self) -> None:
        """What it shows before anything is opened: the first paint does not wait for who controls it."""
        self.set_document(called(Experiment()), False)
        first = nearest_preset(Experiment())
        self.form.set_presets(PRESETS)
        self.form.set_preset(first.name if first is not None else None)
        self.flow.set_offered(offered(Stage()))
        self.flow.set_message(LOADING)
        self.status.set_device("CPU", "auto takes the CPU, the fastest for fields this small.")

    def set_document(self, name: str, unsaved: bool) -> None:
        """What is on show, by the name of its file or preset, and whether it would be lost."""
        self.setWindowTitle(f"{name.replace('[*]', '')}[*] — odeviz" if name else "odeviz[*]")
        self.setWindowModified(unsaved)

    def is_seen(self, panel: QWidget) -> bool:
        """Whether any of a panel is on the screen; a dock behind another tab counts as visible for Qt."""
        return panel.isVisible() and not panel.visibleRegion().isEmpty()

    def show_pace(self, pace: float | None) -> None:
        """How many iterations a second training makes at most."""
        self.pace_button.setText("Full speed" if pace is None else f"{pace:g} it/s")
        limit = "as fast as it can" if pace is None else f"at most {pace:g} iterations a second"
        self.pace_button.setToolTip(f"Training speed: {limit}")

    # Layout.

    def toggle_full_screen(self) -> None:
        """All of the screen, or as large as before."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def reset_layout(self) -> None:
        """All docks back to where they stand at first, at sizes that suit the window."""
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        self._room.forget()
        for dock in self.docks.values():
            dock.setFloating(False)
            self.removeDockWidget(dock)
        form, loss, nfe, density, steps, view, precision = (
            self.docks[key] for key in ("experiment", "loss", "nfe", "density", "steps", "view", "precision")
        )
        self.addDockWidget(left, form)
        self.addDockWidget(right, density)
        self.splitDockWidget(density, loss, Qt.Orientation.Vertical)
        self.tabifyDockWidget(density, view)
        self.tabifyDockWidget(density, steps)
        self.tabifyDockWidget(loss, nfe)
        self.tabifyDockWidget(nfe, precision)
        self.tabifyDockWidget(loss, self.docks["series"])
        self.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self.docks["log"])
        for key, dock in self.docks.items():
            dock.setVisible(key != "log")
        density.raise_()
        loss.raise_()
        wide = self.width() >= 1200
        horizontal, vertical = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        widths = [
            min(self.theme.px(296 if wide else 248), max(self.width() // 4, 248)),
            min(self.theme.px(372 if wide else 276), max(self.width() // 3, 276)),
        ]
        self.resizeDocks([form, density], widths, horizontal)
        self.resizeDocks([density, loss], [1160, 840], vertical)
        self.behind.keep()

    def remember_layout(self) -> None:
        """Write geometry and layout to the settings, if there are any."""
        self._memory.keep_last()

    def _make_panels(self) -> None:
        # A widget that gets another parent is styled anew with all its children: each is made where it stays.
        centre = QFrame(self)
        centre.setProperty("role", "panel")
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.notice = NoticeBar(
            [(self.actions_["restore"], "Restore"), (self.actions_["discard"], "Discard")], centre
        )
        self.flow = FlowView(self.theme, centre)
        self.replay_mark = ReplayMark(self.theme, self.flow)
        self.time_bar = TimeBar(self.theme, centre)
        self.solver_bar = SolverBar(self.theme, centre)
        column.addWidget(self.notice)
        column.addWidget(self.flow, 1)
        column.addWidget(self.time_bar)
        column.addWidget(self.solver_bar)
        self.setCentralWidget(centre)
        self.docks: dict[str, QDockWidget] = {}
        self.form = self._docked(ExperimentForm)
        self.density = self._docked(DensityPanel)
        self.view = self._docked(ViewPanel)
        self.steps = self._docked(StepsPanel)
        self.loss = self._docked(LossPanel)
        self.nfe = self._docked(NfePanel)
        self.precision = self._docked(PrecisionPanel)
        self.series = self._docked(SeriesPanel)
        self.log = self._docked(LogPanel)
        #: Of densities and decisions: other tasks have neither.
        self.behind = OptionalDock(self, self.docks["density"], self.docks["view"])

    def _docked(self, kind: Callable[[Theme, QWidget], P]) -> P:
        """A panel in a dock of its own."""
        dock = QDockWidget(self)
        panel = kind(self.theme, dock)
        features = QDockWidget.DockWidgetFeature
        dock.setWindowTitle(panel.title)
        dock.setObjectName(f"dock.{panel.key}")
        dock.setWidget(panel)
        dock.setFeatures(
            features.DockWidgetClosable | features.DockWidgetMovable | features.DockWidgetFloatable
        )
        dock.toggleViewAction().setToolTip(panel.about)
        dock.dockLocationChanged.connect(self._title_docks)
        dock.topLevelChanged.connect(self._title_docks)
        dock.visibilityChanged.connect(self._title_docks)
        self.docks[panel.key] = dock
        return panel

    @Slot()
    def _title_docks(self) -> None:
        """A dock that shares its place has its title on a tab already; dragging the tab moves it."""
        for dock in self.docks.values():
            beside = [other for other in self.tabifiedDockWidgets(dock) if not other.isHidden()]
            tabbed = bool(beside) and not dock.isFloating()
            bar = dock.titleBarWidget()
            if bar is None or tabbed == isinstance(bar, DockTitle):
                dock.setTitleBarWidget(QWidget(dock) if tabbed else DockTitle(self.theme, dock))
                if bar is not None:
                    bar.deleteLater()
        for tabs in self.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
            # Where there is no room for all they are scrolled: of a word cut short nothing can be read.
            tabs.setElideMode(Qt.TextElideMode.ElideNone)

    def _make_toolbar(self) -> None:
        bar = self.toolbar = QToolBar("Toolbar", self)
        bar.setObjectName("toolbar")
        bar.setMovable(False)
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        bar.toggleViewAction().setEnabled(False)
        for key in TOOLBAR:
            if key:
                bar.addAction(self.actions_[key])
            else:
                bar.addSeparator()
        for key in TOOLBAR:
            button = bar.widgetForAction(self.actions_[key]) if key else None
            if isinstance(button, QToolButton):
                button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
                if key in ("open", "undo", "redo"):
                    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        train = bar.widgetForAction(self.actions_["train"])
        train.setProperty("kind", "primary")
        self.pace_button = MenuButton()
        self.pace_button.setIcon(icon("gauge", self.theme))
        self.pace_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.pace_button.setAccessibleName("Training speed")
        bar.insertWidget(bar.actions()[TOOLBAR.index("reset") + 1], self.pace_button)
        self.show_pace(None)
        spacer = QWidget()
        spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(spacer)
        self.theme_button = MenuButton()
        self.theme_button.setIcon(icon("circle-half", self.theme))
        self.theme_button.setToolTip("Light, dark, or as the system is")
        self.theme_button.setAccessibleName("Theme")
        bar.addWidget(self.theme_button)
        self.addToolBar(bar)
        self.theme.changed.connect(self._measure)

    @Slot()
    def _measure(self) -> None:
        """Buttons as wide as their longest texts, so that those beside them stay where they are."""
        side = self.theme.px(18)
        self.toolbar.setIconSize(QSize(side, side))
        for button in self.findChildren(QToolButton):
            # What its icon measures beside text of the system's size.
            plain = button.property("plain") or button.iconSize()
            button.setProperty("plain", plain)
            if button.parentWidget() is not self.toolbar:
                button.setIconSize(plain * self.theme.scale)
        self._measure_train()
        widest = max(map(self.theme.width, ("Full speed", "100 it/s")))
        self.pace_button.setFixedWidth(widest + 22 + side)

    def _measure_train(self) -> None:
        action = self.actions_["train"]
        button, text = self.toolbar.widgetForAction(action), action.text()
        button.setMinimumWidth(0)
        widths = []
        for each in ("Train", "Pause"):
            action.setText(each)
            button.ensurePolished()
            widths.append(button.sizeHint().width())
        action.setText(text)
        button.setMinimumWidth(max(widths))

    def _make_menus(self) -> None:
        self.setMenuBar(MenuBar(self))
        menus = {title: Menu(text, self) for title, text in zip(MENUS, with_keys(MENUS), strict=True)}
        for bar_menu in menus.values():
            self.menuBar().addMenu(bar_menu)
        submenus: dict[tuple[str, str], QMenu] = {}
        for spec in ACTIONS:
            menu = menus[spec.menu]
            if spec.submenu:
                place = (spec.menu, spec.submenu)
                if place not in submenus:
                    submenus[place] = Menu(spec.submenu, menu)
                    menu.addMenu(submenus[place])
                menu = submenus[place]
            if spec.first:
                menu.addSeparator()
            menu.addAction(self.actions_[spec.key])
        panels = Menu("Panels", menus["View"])
        menus["View"].addMenu(panels)
        for dock in self.docks.values():
            panels.addAction(dock.toggleViewAction())
        self.theme_menu = submenus["View", "Theme"]
        self.theme_button.setMenu(self.theme_menu)
        self.pace_button.setMenu(submenus["Model", "Training Speed"])

    # What happens to the window.

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.MouseButtonRelease:
            # Edges between docks are dragged on the window itself.
            self._room.forget()
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.WindowStateChange:
            self.state_changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._room.share(event.oldSize().width())

    def focusNextPrevChild(self, forward: bool) -> bool:
        return step(self, forward)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.close_wanted.emit()
        if not self.may_close:
            event.ignore()
            return
        self.remember_layout()
        event.accept()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._dropped(event) is not None or is_experiment_string(event.mimeData().text()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = self._dropped(event)
        if path is not None:
            event.acceptProposedAction()
            self.file_dropped.emit(path)
        elif is_experiment_string(event.mimeData().text()):
            event.acceptProposedAction()
            self.line_dropped.emit(event.mimeData().text())

    @staticmethod
    def _dropped(event: QDropEvent) -> Path | None:
        urls = event.mimeData().urls()
        if len(urls) == 1 and urls[0].isLocalFile():
            return Path(urls[0].toLocalFile())
        return None
