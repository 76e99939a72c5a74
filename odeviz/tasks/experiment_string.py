"""An experiment as one line of text, to be copied into a mail, a paper or a command: a preset and what differs from it.

``odeviz:moons-density?field.width=64&seed=3`` is the preset ``moons-density`` with two settings replaced. Settings
have their dotted paths, values are percent-encoded, and numbers are written so that they are read back bit for bit.
An experiment of a task without presets names its task instead: ``odeviz:?task=flip``.
"""

from __future__ import annotations

import functools
import re
from urllib.parse import quote, unquote

from odeviz.tasks.experiment import Experiment
from odeviz.tasks.numerals import thousands
from odeviz.tasks.own_data import OWN
from odeviz.tasks.preset import Preset
from odeviz.tasks.presets import PRESETS
from odeviz.tasks.registry import TASKS, task_of
from odeviz.tasks.settings import hint

SCHEME = "odeviz:"
#: Longer than a line with every setting there is.
MAX_LENGTH = 8000
_EXAMPLE = f"{SCHEME}moons-density?field.width=64&seed=3"


def is_experiment_string(text: str) -> bool:
    """Whether a text is meant to be one: it begins with ``odeviz:``, perhaps after spaces and quotes."""
    return _clean(text[:200]).startswith(SCHEME)


def experiment_string(experiment: Experiment) -> str:
    """The experiment on one line; ``ValueError`` for one that learns from data that no line can hold."""
    if experiment.data.name == OWN:
        raise ValueError("the experiment learns from your own data, which a line of text cannot hold")
    near = nearest_preset(experiment)
    base = near.experiment if near is not None else Experiment.of(experiment.task)
    changed = set(base.changed(experiment))
    texts = {e.path: _written(e.value) for e in experiment.entries() if e.path in changed}
    if near is None:
        texts = {"task": experiment.task, **texts}
    settings = "&".join(f"{path}={quote(text, safe='')}" for path, text in texts.items())
    return f"{SCHEME}{near.name if near is not None else ''}{'?' if settings else ''}{settings}"


def read_experiment_string(text: str) -> Experiment:
    """The experiment of a line; ``ValueError`` with one sentence that names what is wrong with it."""
    line = _clean(text)
    if not line.startswith(SCHEME):
        shown = " ".join(text.split())[:40]
        raise ValueError(f"an experiment's line begins with {SCHEME}, such as {_EXAMPLE}, not {shown!r}")
    if len(line) > MAX_LENGTH:
        raise ValueError(
            f"an experiment's line has at most {thousands(MAX_LENGTH)} characters, not {thousands(len(line))}"
        )
    name, _, settings = line.removeprefix(SCHEME).partition("?")
    texts: dict[str, str] = {}
    for assignment in filter(None, settings.split("&")):
        path, equals, value = assignment.partition("=")
        if not equals or not path:
            raise ValueError(
                f"an experiment's line has settings such as seed=3 after ?, not {assignment[:60]!r}"
            )
        if path in texts:
            raise ValueError(f"{path} is given twice")
        texts[path] = unquote(value)
    return _base(unquote(name), texts).with_texts(texts)


@functools.lru_cache(maxsize=64)
def nearest_preset(experiment: Experiment) -> Preset | None:
    """The preset of its task from which the fewest settings differ; None for a task without presets."""
    alike = [preset for preset in PRESETS.values() if preset.experiment.task == experiment.task]
    return min(alike, key=lambda preset: len(preset.experiment.changed(experiment)), default=None)


def called(experiment: Experiment) -> str:
    """What a window calls an experiment: its nearest preset, unless it learns from a person's own data."""
    if experiment.data.name == OWN:
        return f"Your own data ({task_of(experiment).title.lower()})"
    near = nearest_preset(experiment)
    return near.title if near is not None else ""


def _base(name: str, texts: dict[str, str]) -> Experiment:
    if name in PRESETS:
        return PRESETS[name].experiment
    if name:
        raise ValueError(f"there is no preset {name[:60]!r}{hint(name[:60], PRESETS)}")
    task = texts.get("task", "")
    if task not in TASKS:
        raise ValueError(f"an experiment's line names a preset after {SCHEME}, such as {_EXAMPLE}")
    return Experiment.of(task)


def _clean(text: str) -> str:
    """Without what mails and chats add: spaces, line breaks, quotes and brackets around it."""
    return re.sub(r"\s+", "", text).strip("'\"`<>")


def _written(value: object) -> str:
    """A setting's value as ``odeviz.tasks.settings.parse`` reads it; ``repr`` keeps every bit of a float."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else str(value)
