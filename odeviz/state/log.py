"""What the window has told: every message with its time and, where there are any, its details."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

from PySide6.QtCore import QObject, Signal

Level = Literal["info", "warning", "error"]
LEVELS: tuple[Level, ...] = ("info", "warning", "error")
#: Entries that are kept; the oldest go first.
MOST = 500


@dataclass(frozen=True, slots=True)
class Note:
    """One message."""

    text: str
    level: Level = "info"
    #: What was tried, where that is not clear from the text.
    title: str = ""
    #: For those who want to know more, such as a traceback.
    details: str = ""
    #: Seconds since the epoch.
    when: float = field(default_factory=time.time, compare=False)

    @property
    def line(self) -> str:
        """Title and text."""
        return f"{self.title}: {self.text}" if self.title else self.text

    @property
    def clock(self) -> str:
        """The local time of day."""
        return time.strftime("%H:%M:%S", time.localtime(self.when))

    @property
    def whole(self) -> str:
        """All of it, as it is copied."""
        head = f"{self.clock} {self.level}: {self.line}"
        return f"{head}\n{self.details.rstrip()}" if self.details else head


class Log(QObject):
    """The notes, the oldest first."""

    added = Signal(object)
    cleared = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._notes: list[Note] = []

    @property
    def notes(self) -> tuple[Note, ...]:
        """All that are kept."""
        return tuple(self._notes)

    def tell(self, note: Note) -> None:
        """Keep a note and say so; what the last one said already is not told again."""
        last = self._notes[-1] if self._notes else None
        graver = last is not None and last.level != "info" and note.level == "info"
        if last is not None and graver and note.text in (last.text, last.line):
            return
        self._notes.append(note)
        del self._notes[:-MOST]
        self.added.emit(note)

    def clear(self) -> None:
        """Forget them all."""
        self._notes.clear()
        self.cleared.emit()
