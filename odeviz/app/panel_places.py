"""Where the panels stand, as plain data that a session file can hold.

Qt's own description of a layout is a stream of bytes that it trusts: a damaged one makes it crash. The window remembers
its layout by it from one start to the next, but a file that came from somebody else must not hold it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDockWidget, QTabBar

from odeviz.app.main_window import MainWindow
from odeviz.storage.session_file import Place

_AREAS = {
    "left": Qt.DockWidgetArea.LeftDockWidgetArea,
    "right": Qt.DockWidgetArea.RightDockWidgetArea,
    "top": Qt.DockWidgetArea.TopDockWidgetArea,
    "bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
}
_NAMES = {area: name for name, area in _AREAS.items()}


def places_of(window: MainWindow) -> tuple[Place, ...]:
    """Where every panel stands: by groups of tabs, from the top left on; a floating panel as if it were docked."""
    places = []
    corner: dict[str, QDockWidget] = {}
    for number, group in enumerate(_groups(window)):
        front = _front(window, group)
        area = _NAMES[window.dockWidgetArea(front)]
        above, corner[area] = corner.get(area), front
        beside = above is not None and front.x() >= above.x() + above.width()
        places += [
            Place(_key(dock), area, number, True, dock is front, beside, *_size(front)) for dock in group
        ]
    told = {place.key for place in places}
    for key, dock in window.docks.items():
        if key not in told:
            area = _NAMES.get(window.dockWidgetArea(dock), "right")
            places.append(
                Place(key, area, len(places), not dock.isHidden(), True, False, dock.width(), dock.height())
            )
    return tuple(places)


def arrange(window: MainWindow, places: Sequence[Place]) -> None:
    """Put the panels there. Panels that are not told of stay hidden; without any places nothing changes."""
    known = [place for place in places if place.key in window.docks]
    if not known:
        return
    for dock in window.docks.values():
        dock.setFloating(False)
        window.removeDockWidget(dock)
    fronts: list[tuple[QDockWidget, QSize]] = []
    leads: dict[str, QDockWidget] = {}
    groups = [
        [place for place in known if place.group == number]
        for number in sorted({place.group for place in known})
    ]
    # All places before all tabs: what is put beside a tab becomes a tab itself.
    for group in groups:
        _stand(window, window.docks[group[0].key], group[0], leads)
    for group in groups:
        docks = [window.docks[place.key] for place in group]
        for before, dock in pairwise(docks):
            window.tabifyDockWidget(before, dock)
        for place, dock in zip(group, docks, strict=True):
            dock.setVisible(place.shown)
            if place.front and place.shown:
                fronts.append((dock, QSize(place.width, place.height)))
    for front, _ in fronts:
        front.raise_()
    listed = [front for front, _ in fronts]
    window.resizeDocks(listed, [size.width() for _, size in fronts], Qt.Orientation.Horizontal)
    window.resizeDocks(listed, [size.height() for _, size in fronts], Qt.Orientation.Vertical)
    window.behind.keep()


def _stand(window: MainWindow, dock: QDockWidget, place: Place, leads: dict[str, QDockWidget]) -> None:
    """The first of a group: at the area's end, or beside the group before."""
    before = leads.get(place.area)
    if before is None or not place.shown:
        window.addDockWidget(_AREAS[place.area], dock)
    else:
        upright = place.area in ("left", "right") and not place.beside
        window.splitDockWidget(
            before, dock, Qt.Orientation.Vertical if upright else Qt.Orientation.Horizontal
        )
    if place.shown:
        leads[place.area] = dock


def _groups(window: MainWindow) -> list[list[QDockWidget]]:
    """The docked panels that are shown, tab by tab, from the top left on."""
    groups: list[list[QDockWidget]] = []
    for dock in window.docks.values():
        if dock.isHidden() or dock.isFloating() or any(dock in group for group in groups):
            continue
        beside = [other for other in window.tabifiedDockWidgets(dock) if not other.isHidden()]
        titles = _tabs(window, {each.windowTitle() for each in (dock, *beside)})
        # What is withdrawn for the task's sake keeps its place among the tabs, the first.
        beside += [window.behind.dock] * window.behind.belongs([dock, *beside])
        groups.append(sorted([dock, *beside], key=lambda each: titles.get(each.windowTitle(), -1)))
    # Only the front one of a group has a place on the screen.
    return sorted(groups, key=lambda group: (_front(window, group).y(), _front(window, group).x()))


def _front(window: MainWindow, group: Sequence[QDockWidget]) -> QDockWidget:
    group = [dock for dock in group if not dock.isHidden()]
    bar = _bar(window, {dock.windowTitle() for dock in group})
    shown = bar.tabText(bar.currentIndex()) if bar is not None else ""
    return next((dock for dock in group if dock.windowTitle() == shown), group[0])


def _tabs(window: MainWindow, titles: set[str]) -> dict[str, int]:
    bar = _bar(window, titles)
    return {bar.tabText(place): place for place in range(bar.count())} if bar is not None else {}


def _bar(window: MainWindow, titles: set[str]) -> QTabBar | None:
    """The tab bar with just these titles."""
    bars = window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return next((bar for bar in bars if {bar.tabText(place) for place in range(bar.count())} == titles), None)


def _key(dock: QDockWidget) -> str:
    return dock.objectName().removeprefix("dock.")


def _size(dock: QDockWidget) -> tuple[int, int]:
    return max(dock.width(), 1), max(dock.height(), 1)
