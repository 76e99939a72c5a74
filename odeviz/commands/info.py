"""``odeviz info``: what a model file holds, or of what an exported figure tells. Needs no torch."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from odeviz.commands.arguments import find_model, model_argument
from odeviz.commands.output import OK, experiment_line, parameter_count, print_json, print_table
from odeviz.tasks.doubts import doubts


def options(parser: argparse.ArgumentParser) -> None:
    model_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(given: argparse.Namespace) -> int:
    from odeviz.analysis.diagnostics import common_views
    from odeviz.storage.model_file import load_model, read_versions
    from odeviz.storage.origin import is_carrier
    from odeviz.tasks.registry import task_of

    path = find_model(given.file)
    if is_carrier(path):
        return _tell_origin(path, given.json)
    snapshot = load_model(path)
    format_version, odeviz_version = read_versions(path)
    about = {
        "file": str(path),
        "format_version": format_version,
        "odeviz_version": odeviz_version,
        "iteration": snapshot.iteration,
        "seconds": snapshot.seconds,
        "parameters": parameter_count(snapshot),
    }
    if "log_t1" in snapshot.weights:
        about["learnt_t1"] = math.exp(float(snapshot.weights["log_t1"]))
    about |= experiment_line(snapshot.experiment)
    entries = snapshot.experiment.entries()
    if given.json:
        settings = {entry.path: entry.value for entry in entries}
        more = {
            "message": snapshot.message,
            "doubts": doubts(snapshot.metrics),
            "metrics": dict(snapshot.metrics),
            "settings": settings,
        }
        print_json(about | more)
        return OK
    print_table(about | dict(snapshot.metrics))
    if snapshot.message:
        print(snapshot.message)
    for sentence in doubts(snapshot.metrics):
        print(f"warning: {sentence}")
    print()
    print_table({entry.path: entry.value for entry in entries if snapshot.experiment.applies(entry)})
    own, common = (
        task_of(snapshot.experiment).views_of(snapshot.experiment),
        common_views(snapshot.experiment),
    )
    for title, views in (("views of its task", own), ("views of any flow", common)):
        if views:
            print(f"\n{title} (odeviz export --panel ...):")
            print_table({view.key: view.about for view in views})
    return OK


def _tell_origin(path: Path, as_json: bool) -> int:
    """Of what experiment an exported picture or table is."""
    from odeviz.storage.origin import read_origin

    origin = read_origin(path)
    entries = origin.experiment.entries()
    about = {
        "file": str(path),
        "odeviz_version": origin.version,
        "shows": origin.title,
        "iteration": origin.iteration,
    }
    if as_json:
        print_json(about | {"settings": {entry.path: entry.value for entry in entries}})
        return OK
    print_table(about)
    print()
    print_table({entry.path: entry.value for entry in entries if origin.experiment.applies(entry)})
    return OK
