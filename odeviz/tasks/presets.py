"""Every task's presets. No torch."""

from __future__ import annotations

from importlib import import_module

from odeviz.tasks.closest import did_you_mean
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
    """The preset of that name; raises ``ValueError`` with the closest ones, or where none is near, all names."""
    if name in PRESETS:
        return PRESETS[name]
    hint = did_you_mean(name, PRESETS) or f"the presets are {', '.join(PRESETS)}"
    raise ValueError(f"there is no preset {name!r}; {hint}")
