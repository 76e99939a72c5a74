"""What the classes that an experiment tells apart are called: in legends, tables and files. No torch, no Qt."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Classes:
    """Names of class indices, from 0; those beyond the names are called by their number."""

    #: What one of them is: it stands before a name that is a number.
    title: str = "class"
    names: tuple[str, ...] = ()

    def name(self, label: int) -> str:
        """As it stands in a row of its kind, such as ``upper moon`` or ``7``."""
        return self.names[label] if 0 <= label < len(self.names) else f"{label}"

    def told(self, label: int) -> str:
        """As it stands alone, such as ``upper moon`` or ``digit 7``."""
        name = self.name(label)
        return f"{self.title} {name}" if name.lstrip("-").isdecimal() else name


#: Classes that have no names.
NUMBERED = Classes()
