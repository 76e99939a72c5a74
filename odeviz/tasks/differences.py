"""In which settings two experiments differ, in words. No torch, no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from odeviz.tasks.experiment import Experiment
from odeviz.tasks.settings import Entry


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting with its two values; None where an experiment's task does not have it."""

    path: str
    label: str
    symbol: str
    before: Any
    after: Any
    #: What zero is called, where it switches something off.
    zero: str = ""

    @property
    def name(self) -> str:
        """As short as it is understood."""
        return self.symbol or self.label.lower()


def differences(before: Experiment, after: Experiment) -> list[Difference]:
    """The settings that mean something to either experiment and differ, in the order of the form."""
    old, new = ({entry.path: entry for entry in each.entries()} for each in (before, after))
    found = []
    for path in after.changed(before):
        entries = [table[path] for table in (old, new) if path in table]
        if not any(
            each.applies(table[path]) for each, table in ((before, old), (after, new)) if path in table
        ):
            continue
        about = entries[-1].about
        values = (_value(old, path), _value(new, path))
        found.append(Difference(path, about.label, about.symbol, *values, about.zero))
    return found


def _value(table: dict[str, Entry], path: str) -> Any:
    return table[path].value if path in table else None


def in_short(found: Sequence[Difference], most: int = 2) -> str:
    """The values before the change in a few words, such as ``width 32, η 0.01``."""
    if not found:
        return "same settings"
    texts = [f"{each.name} {written(each.before, each.zero)}" for each in found[:most]]
    rest = len(found) - most
    return ", ".join(texts) + (f" and {rest} more" if rest > 0 else "")


def written(value: Any, zero: str = "") -> str:
    """A setting's value as text; 0 by its own name, if it has one."""
    if zero and not value and value is not None:
        return zero
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
