"""``odeviz list``: the presets, one a line; with ``--methods``, the engine's methods."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from odeviz.commands.output import OK, print_json

if TYPE_CHECKING:
    from odeviz.engine import Method
    from odeviz.tasks.preset import Preset

_WIDTH = 100


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--methods", action="store_true", help="list the solver's methods instead")
    parser.add_argument("--json", action="store_true", help="print one JSON array")


def run(given: argparse.Namespace) -> int:
    return _list_methods(given.json) if given.methods else _list_presets(given.json)


def _list_presets(as_json: bool) -> int:
    from odeviz.tasks.presets import PRESETS
    from odeviz.tasks.registry import TASKS

    figures = {name: _shipped_figures(name) for name in PRESETS}
    if as_json:
        print_json(
            [
                {
                    "name": preset.name,
                    "title": preset.title,
                    "task": preset.experiment.task,
                    "sentence": preset.sentence,
                    "look_for": preset.look_for,
                    "expected": preset.expected,
                    "reached": figures[preset.name],
                    "seconds": preset.seconds,
                }
                for preset in PRESETS.values()
            ]
        )
        return OK
    width = max(map(len, PRESETS))
    for task in TASKS.values():
        print(f"{task.title}. {task.sentence}\n")
        for preset in PRESETS.values():
            if preset.experiment.task == task.name:
                print(_preset_card(preset, width, figures[preset.name]))
        print()
    return OK


def _shipped_figures(name: str) -> dict[str, float]:
    """What the shipped model of a preset reached, by its file; empty where there is none."""
    from odeviz.storage.model_file import read_metrics
    from odeviz.storage.paths import pretrained

    path = pretrained(name)
    return {} if path is None else read_metrics(path)


def _preset_card(preset: Preset, width: int, figures: Mapping[str, float]) -> str:
    """A preset in two or three lines: its name and sentence, how long it trains and what it reaches."""
    text = textwrap.wrap(preset.sentence, _WIDTH - width - 4)
    reached = f"; {preset.reached(figures)}" if preset.gates else ""
    text += textwrap.wrap(f"Trains in about {preset.seconds:.0f} s{reached}", _WIDTH - width - 4)
    names = [preset.name] + [""] * (len(text) - 1)
    return "\n".join(f"  {name:<{width}}  {line}" for name, line in zip(names, text, strict=True))


def _list_methods(as_json: bool) -> int:
    from odeviz.engine import METHODS

    if as_json:
        print_json([_facts(method) for method in METHODS.values()])
        return OK
    for index, method in enumerate(METHODS.values()):
        if index:
            print()
        print(_card(method))
    return OK


def _facts(method: Method) -> dict[str, Any]:
    return {
        "name": method.name,
        "title": method.title,
        "family": method.family,
        "order": method.order,
        "stages": method.stages,
        "fsal": method.fsal,
        "dense_order": method.dense_order,
        "adaptive": method.adaptive,
        "reversible": method.reversible,
        "source": method.source,
        "advice": method.advice,
    }


def _card(method: Method) -> str:
    """A method in four lines or so: its name, its figures, when to use it, who published it."""
    figures = [
        f"order {method.order}",
        f"{method.stages} stage{'s' if method.stages > 1 else ''}{' (FSAL)' if method.fsal else ''}",
        f"dense output of order {method.dense_order}",
        "controls its step size" if method.adaptive else "steps of given size",
        *(["can be undone"] if method.reversible else []),
    ]
    lines = [
        f"{method.name}  {method.title}, {method.family}",
        ", ".join(figures),
        method.advice,
        method.source,
    ]
    return "\n".join(
        textwrap.fill(line, _WIDTH, initial_indent="  " * bool(i), subsequent_indent="  ")
        for i, line in enumerate(lines)
    )
