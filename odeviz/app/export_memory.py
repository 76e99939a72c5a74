"""How figures were exported last time: style, width and resolution, remembered between windows."""

from __future__ import annotations

import dataclasses
from typing import Any

from PySide6.QtCore import QSettings

from odeviz.exporting.output import FIGURES, Order
from odeviz.exporting.style import STYLES, Look


class ExportMemory:
    """Without settings nothing is remembered."""

    def __init__(self, settings: QSettings | None) -> None:
        self._settings = settings

    @property
    def order(self) -> Order:
        """As last time; a spoilt note of it counts for nothing."""
        style, width, dpi = (self._value(name) for name in ("style", "width", "dpi"))
        order = Order()
        try:
            look = Look(style if style in STYLES else "publication", float(width) if width else None)
            return dataclasses.replace(order, look=look, dpi=min(max(float(dpi or order.dpi), 36.0), 1200.0))
        except (TypeError, ValueError):
            return order

    def keep(self, order: Order) -> None:
        """Remember a figure's order; a film's resolution is none for figures."""
        if self._settings is not None and order.suffix in FIGURES:
            self._settings.setValue("export/style", order.look.style)
            self._settings.setValue("export/width", order.look.width or "")
            self._settings.setValue("export/dpi", order.dpi)

    def _value(self, name: str) -> Any:
        return None if self._settings is None else self._settings.value(f"export/{name}")
