"""A menu whose entries all have a key: the letter that is underlined, unique among its entries."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QStyleOptionMenuItem, QWidget


def plain(text: str) -> str:
    """An entry's text without the mark of its key."""
    return re.sub(r"&(.)", r"\1", text)


def with_keys(texts: Sequence[str]) -> list[str]:
    """Texts with ``&`` before a letter that no other has: one that begins a word if there is one, else any.

    As many get one as can. The same texts always get the same.
    """
    wanted = [_candidates(text) for text in texts]
    taken: dict[str, int] = {}

    def place(one: int, tried: set[str]) -> bool:
        for letter in wanted[one]:
            if letter in tried:
                continue
            tried.add(letter)
            # Whoever has it takes another one, if there is one.
            if letter not in taken or place(taken[letter], tried):
                taken[letter] = one
                return True
        return False

    for one in range(len(texts)):
        free = next((letter for letter in wanted[one] if letter not in taken), None)
        if free is not None:
            taken[free] = one
        else:
            place(one, set())
    letters = {one: letter for letter, one in taken.items()}
    return [_marked(text, letters.get(one, "")) for one, text in enumerate(texts)]


def _candidates(text: str) -> list[str]:
    """The letters of a text in lower case: first those that begin a word, then all others."""
    low = text.lower()
    return list(dict.fromkeys([*re.findall(r"\b[a-z0-9]", low), *re.findall(r"[a-z0-9]", low)]))


def _marked(text: str, letter: str) -> str:
    """The text with its key marked, where it begins a word if it does so anywhere."""
    found = letter and (
        re.search(rf"\b{letter}", text, re.IGNORECASE) or re.search(letter, text, re.IGNORECASE)
    )
    cut = found.start() if found else len(text)
    before, after = (part.replace("&", "&&") for part in (text[:cut], text[cut:]))
    return f"{before}&{after}" if found else before


class Menu(QMenu):
    """Marks its entries' keys before it is shown, and keeps no column for icons where none is seen."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self.mark)

    @Slot()
    def mark(self) -> None:
        """Give each entry its key, those that are not shown now too: it stays the same when they are."""
        entries = [action for action in self.actions() if not action.isSeparator()]
        texts = with_keys([plain(action.text()) for action in entries])
        for action, text in zip(entries, texts, strict=True):
            if action.text() != text:
                action.setText(text)

    def initStyleOption(self, option: QStyleOptionMenuItem, action: QAction) -> None:
        super().initStyleOption(option, action)
        if not option.menuHasCheckableItems:  # type: ignore[attr-defined]
            # Qt keeps room for icons that it was told not to show.
            option.maxIconWidth = 0  # type: ignore[attr-defined]
