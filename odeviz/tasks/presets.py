"""Every task's presets. No torch."""

from __future__ import annotations

import difflib
from importlib import import_module

from odeviz.tasks.preset import Gate, Preset
from odeviz.tasks.registry import TASKS

__all__ = ["PRESETS", "Gate", "Preset", "preset"]

#: By name, task by task.
PRESETS: dict[str, Preset] = {
    name: preset
    for task in TASKS.values()
    for name, preset in import_module(f"{task.package}.presets").PRESETS.items()
}


def preset(name: str) -> Preset:
    """The preset of that name; raises ``ValueError`` that lists the names and the closest one."""
    if name in PRESETS:
        return PRESETS[name]
    close = difflib.get_close_matches(name, PRESETS, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    raise ValueError(f"there is no preset {name!r}{hint}; the presets are {', '.join(PRESETS)}")
