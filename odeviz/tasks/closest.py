"""Names near to a word that is none: what was perhaps meant. No torch."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

#: Names that are offered at most.
_OFFERED = 3


def closest(word: str, names: Iterable[str]) -> list[str]:
    """The names that a mistyped word is nearest to, best first: as a whole, else by their first parts before "-"."""
    names = list(names)
    near = difflib.get_close_matches(word, names, n=1)
    if near:
        return near
    parts = difflib.get_close_matches(word, {name.split("-")[0] for name in names}, n=1)
    return [name for name in names if parts and name.split("-")[0] == parts[0]][:_OFFERED]


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """The question as a clause, such as "did you mean 'flow'?"; "" where nothing is near."""
    near = [repr(name) for name in closest(word, names)]
    if not near:
        return ""
    return f"did you mean {', '.join(near[:-1])}{' or ' * (len(near) > 1)}{near[-1]}?"
