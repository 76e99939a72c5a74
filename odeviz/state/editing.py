"""What an edit of one setting leads to: settings that must fit another follow it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from odeviz.tasks.experiment import Experiment
from odeviz.tasks.own_data import ARRAYS, OWN
from odeviz.tasks.registry import TASKS
from odeviz.tasks.settings import find

#: Settings that must fit another: by the one that leads, the one that follows and a choice that always fits.
_FOLLOWERS = {"solver.method": ("solver.adjoint", "discrete")}


def edited(now: Experiment, path: str, value: Any, data: Mapping[str, Any]) -> Experiment:
    """The experiment with one setting changed; ``data`` are a person's own. Raises ``ValueError``."""
    if path == "task" and value != now.task and value in TASKS:
        # Another task begins with what works for it.
        kept: dict[str, Any] = {"seed": now.seed, "device": now.device, "dtype": now.dtype}
        if now.data.name in TASKS[value].data:
            same = Experiment.of(value, kept | {"data.name": now.data.name})
            if learns_from(same, data):
                return same
        return Experiment.of(value, kept)
    # A method brings its ways to a gradient; what both have is kept.
    follower, otherwise = _FOLLOWERS.get(path, ("", ""))
    if follower and find(now, path).value != value:
        for choice in [find(now, follower).value, otherwise]:
            try:
                return now.with_settings({path: value, follower: choice})
            except ValueError:
                continue
    new = now.with_setting(path, value)
    if (path, value) == ("data.name", OWN):
        TASKS[new.task].check_data(new, data)
    return new


def is_there(experiment: Experiment, data: Mapping[str, Any]) -> bool:
    """Whether ``data`` are a person's own of the kind that the experiment's task takes."""
    return set(data) == set(ARRAYS.get(TASKS[experiment.task].own, ("nothing",)))


def learns_from(experiment: Experiment, data: Mapping[str, Any]) -> bool:
    """Whether the experiment can be trained where a person's own data are these, whether it uses them or not."""
    if experiment.data.name != OWN:
        return True
    try:
        TASKS[experiment.task].check_data(experiment, data)
    except ValueError:
        return False
    return True


def told(experiment: Experiment, path: str) -> str:
    """What an edit is called in the menu, such as ``learning rate 0.01``."""
    entry = next(entry for entry in experiment.entries() if entry.path == path)
    label = entry.about.label[:1].lower() + entry.about.label[1:]
    if isinstance(entry.value, bool):
        return f"{label} {'on' if entry.value else 'off'}"
    return f"{label} {entry.value:.4g}" if isinstance(entry.value, float) else f"{label} {entry.value}"
