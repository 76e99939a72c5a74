"""Names near to a word that is none: what was perhaps meant. No torch."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

#: Names that are offered at most: as many as the largest family of presets has.
_OFFERED = 12


def closest(word: str, names: Iterable[str]) -> list[str]:
    """The names that a mistyped word is nearest to, best first: as a whole, else all that have a part near to it.

    Parts stand between "-"; a family that begins with such a part comes before those that have it elsewhere.
    """
    names = list(names)
    whole = difflib.get_close_matches(word, names, n=1, cutoff=0.75)
    if whole and not any(word in name.split("-") for name in names):
        return whole
    family = _family(word, names)
    return family[:_OFFERED] or difflib.get_close_matches(word, names, n=1)


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """The question as a clause, such as "did you mean 'flow'?"; "" where nothing is near."""
    near = [repr(name) for name in closest(word, names)]
    if not near:
        return ""
    return f"did you mean {', '.join(near[:-1])}{' or ' * (len(near) > 1)}{near[-1]}?"


def _family(word: str, names: list[str]) -> list[str]:
    parts = [name.split("-") for name in names]
    wanted = word.split("-")[0]
    near = difflib.get_close_matches(wanted, {part for each in parts for part in each}, n=1)
    if not near:
        return []
    part, others = near[0], set(word.split("-")[1:])
    there = [(name, each) for name, each in zip(names, parts, strict=True) if part in each]
    # Of equal places those that share more of the word come first, and otherwise the order of the names stays.
    there.sort(key=lambda pair: (pair[1].index(part), -len(others & set(pair[1]))))
    return [name for name, _ in there]
