"""Where Tab leads: toolbar, form, flow, time, solver, then the other panels, each from the top left on.

Rows of the form and controls of views come and go; the order is looked up when the key is pressed.
"""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import (
    QAbstractScrollArea,
    QAbstractSpinBox,
    QComboBox,
    QDockWidget,
    QLayout,
    QMainWindow,
    QScrollArea,
    QTabBar,
    QToolBar,
    QWidget,
)

#: What is inside these belongs to them.
_WHOLE = (QAbstractSpinBox, QComboBox, QTabBar)


def stops(window: QMainWindow) -> list[QWidget]:
    """Everything that can have the keyboard now, in order."""
    found: list[QWidget] = []
    for part in _parts(window):
        found += [each for each in _inside(part) if each not in found]
    return found


def step(window: QMainWindow, forward: bool) -> bool:
    """Give the keyboard to the next, or the one before; False if there is none."""
    there = stops(window)
    if not there:
        return False
    now = window.focusWidget()
    # Inside a number's box it is the line that has the keyboard.
    while now is not None and now not in there and now is not window:
        now = now.parentWidget()
    place = there.index(now) + (1 if forward else -1) if now in there else 0 if forward else -1
    there[place % len(there)].setFocus(
        Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
    )
    return True


def _parts(window: QMainWindow) -> list[QWidget]:
    """The window's parts from the top left on: bars, what is docked at the left, the middle, the rest."""
    bars = window.findChildren(QToolBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
    tabs = window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
    docks = window.findChildren(QDockWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    seen = [dock for dock in docks if dock.isVisible() and not dock.visibleRegion().isEmpty()]
    left = [dock for dock in seen if window.dockWidgetArea(dock) == Qt.DockWidgetArea.LeftDockWidgetArea]
    others = [dock for dock in seen if dock not in left]
    middle = window.centralWidget()
    place = {part: (part.y(), part.x()) for part in (*seen, *tabs)}
    beside = sorted((*others, *(bar for bar in tabs if bar.isVisible())), key=lambda part: place[part])
    return [*bars, *sorted(left, key=lambda part: place[part]), middle, *beside]


def _inside(widget: QWidget) -> Iterator[QWidget]:
    """What can have the keyboard in a widget, itself first, in the order of its layout."""
    if not widget.isVisible() or not widget.isEnabled():
        return
    if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.focusProxy() is None:
        yield widget
    if isinstance(widget, _WHOLE) or (
        isinstance(widget, QAbstractScrollArea) and not isinstance(widget, QScrollArea)
    ):
        return
    if isinstance(widget, QScrollArea):
        if widget.widget() is not None:
            yield from _inside(widget.widget())
        return
    children = widget.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    told: list[QWidget] = []
    if isinstance(widget, QToolBar):
        told = [each for action in widget.actions() if (each := widget.widgetForAction(action)) is not None]
    elif isinstance(widget, QDockWidget):
        told = [each for each in (widget.widget(),) if each is not None]
    elif widget.layout() is not None:
        told = list(_laid_out(widget.layout(), children))
    others = [child for child in children if child not in told and not child.isWindow()]
    for child in (*told, *sorted(others, key=_corner)):
        yield from _inside(child)


def _corner(widget: QWidget) -> tuple[int, int]:
    at: QPoint = widget.pos()
    return at.y(), at.x()


def _laid_out(layout: QLayout, children: list[QWidget]) -> Iterator[QWidget]:
    """Those children that are in a layout or one within it, as they were added.

    Nobody asks for a layout's items: a wrapped one is left behind when its widget goes, and what takes its place in
    memory can then not be deleted without a crash.
    """
    parts = [*children, *layout.findChildren(QLayout, options=Qt.FindChildOption.FindDirectChildrenOnly)]
    for place, part in sorted((layout.indexOf(part), k) for k, part in enumerate(parts)):
        if place < 0:
            continue
        if isinstance(parts[part], QLayout):
            yield from _laid_out(parts[part], children)
        else:
            yield parts[part]
