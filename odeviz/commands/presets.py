"""``odeviz list``: the presets, one a line."""

from __future__ import annotations

import argparse

from odeviz.commands.output import OK, print_json


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON array")


def run(given: argparse.Namespace) -> int:
    from odeviz.tasks.presets import PRESETS

    if given.json:
        print_json(
            [
                {
                    "name": preset.name,
                    "title": preset.title,
                    "task": preset.experiment.task,
                    "sentence": preset.sentence,
                    "look_for": preset.look_for,
                    "seconds": preset.seconds,
                }
                for preset in PRESETS.values()
            ]
        )
        return OK
    width = max(map(len, PRESETS))
    for preset in PRESETS.values():
        print(f"{preset.name:<{width}}  {preset.sentence}")
    return OK
