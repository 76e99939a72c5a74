"""What an edit of one setting leads to: settings that must fit another follow it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from odeviz.tasks.experiment import Experiment
from odeviz.tasks.own_data import OWN, classes_of
from odeviz.tasks.registry import TASKS
from odeviz.tasks.settings import find
from odeviz.tasks.task import Task

#: Settings that must fit another: by the one that leads, the one that follows and a choice that always fits.
_FOLLOWERS = {"solver.method": ("solver.adjoint", "discrete")}


def edited(now: Experiment, path: str, value: Any, data: Mapping[str, Any]) -> Experiment:
    """The experiment with one setting changed; ``data`` are a person's own. Raises ``ValueError``."""
    if path == "task" and value != now.task and value in TASKS:
        # Another task begins with what works for it.
        kept: dict[str, Any] = {"seed": now.seed, "device": now.device, "dtype": now.dtype}
        own = now.data.name == OWN
        other = own and (TASKS[value].own != TASKS[now.task].own or not _labelled(TASKS[value], data))
        if now.data.name in TASKS[value].data and not other:
            kept |= {"data.name": now.data.name}
        return Experiment.of(value, kept)
    # A method brings its ways to a gradient; what both have is kept.
    follower, otherwise = _FOLLOWERS.get(path, ("", ""))
    if follower and find(now, path).value != value:
        for choice in [find(now, follower).value, otherwise]:
            try:
                return now.with_settings({path: value, follower: choice})
            except ValueError:
                continue
    return now.with_setting(path, value)


def _labelled(task: Task, data: Mapping[str, Any]) -> bool:
    """Whether the person's own data have the labels that a task may need."""
    return not task.needs_labels or bool(len(classes_of(data.get("labels", np.empty(0)))))


def told(experiment: Experiment, path: str) -> str:
    """What an edit is called in the menu, such as ``learning rate 0.01``."""
    entry = next(entry for entry in experiment.entries() if entry.path == path)
    label = entry.about.label[:1].lower() + entry.about.label[1:]
    if isinstance(entry.value, bool):
        return f"{label} {'on' if entry.value else 'off'}"
    return f"{label} {entry.value:.4g}" if isinstance(entry.value, float) else f"{label} {entry.value}"
