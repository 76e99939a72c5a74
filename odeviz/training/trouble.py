"""What went wrong in a worker, as something that can cross to the window."""

from __future__ import annotations

import dataclasses
import traceback
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    """One sentence for a person, and the traceback for a report (empty where there was no exception)."""

    sentence: str
    details: str = ""
    #: Not foreseen: its details are worth a dialog. ``ValueError`` and ``OSError`` bring a sentence of their own.
    unexpected: bool = False

    def about(self, what: str) -> Trouble:
        """The same, with what it happened to above its details."""
        return dataclasses.replace(self, details=f"{what}\n\n{self.details}".rstrip())

    @classmethod
    def of(cls, error: BaseException, doing: str = "") -> Trouble:
        """Made from an exception; ``doing`` says what was tried (``"Training"``)."""
        said = " ".join(str(error).split()) or type(error).__name__
        unexpected = not isinstance(error, ValueError | OSError)
        if unexpected:
            said = f"{type(error).__name__}: {said}"
        told = f"{doing}: {said}" if doing else said
        sentence = f"{told[:1].upper()}{told[1:].removesuffix('.')}."
        return cls(sentence, "".join(traceback.format_exception(error)), unexpected)
