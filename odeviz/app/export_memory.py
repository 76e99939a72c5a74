"""What was exported last time and how: remembered from one export to the next, its manner between windows too."""

from __future__ import annotations

import dataclasses
from typing import Any

from PySide6.QtCore import QSettings

from odeviz.exporting.output import FIGURES, FILMS, TABLES, Order
from odeviz.exporting.style import STYLES, Look

#: The format that each thing asked for has at first.
_FIRST = {"figure": "png", "data": "csv", "film": "gif"}


class ExportMemory:
    """Keeps the format by what was asked for: a ``figure``, ``data`` or a ``film``. Without settings, for a session."""

    def __init__(self, settings: QSettings | None) -> None:
        self._settings = settings
        self._notes: dict[str, Any] = {}
        #: What was exported, by what was asked for and the panel that was in hand then.
        self._what: dict[tuple[str, str], str] = {}

    def order(self, asked: str) -> Order:
        """As last time; a spoilt note of it counts for nothing."""
        style, width, dpi, suffix = (
            self._value(name) for name in ("style", "width", "dpi", f"format-{asked}")
        )
        order = Order(suffix=suffix if suffix in {**FIGURES, **TABLES, **FILMS} else _FIRST[asked])
        try:
            look = Look(style if style in STYLES else "publication", float(width) if width else None)
            return dataclasses.replace(order, look=look, dpi=min(max(float(dpi or order.dpi), 36.0), 1200.0))
        except (TypeError, ValueError):
            return order

    def what(self, asked: str, in_hand: str) -> str:
        """What is offered first: as last time while the same panel is in hand."""
        return self._what.get((asked, in_hand), "film-flow" if asked == "film" else in_hand)

    def keep(self, asked: str, in_hand: str, what: str, order: Order) -> None:
        """Remember an export; a film's resolution is none for figures."""
        self._what[asked, in_hand] = what
        self._note(f"format-{asked}", order.suffix)
        if order.suffix in FIGURES:
            self._note("style", order.look.style)
            self._note("width", order.look.width or "")
            self._note("dpi", order.dpi)

    def _note(self, name: str, value: Any) -> None:
        self._notes[name] = value
        if self._settings is not None:
            self._settings.setValue(f"export/{name}", value)

    def _value(self, name: str) -> Any:
        if self._settings is None:
            return self._notes.get(name)
        return self._settings.value(f"export/{name}")
