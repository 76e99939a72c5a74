"""``odeviz solve``: a model's flow is solved again, with another method or tolerance or from other points."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from odeviz.commands.arguments import (
    UserError,
    find_model,
    model_argument,
    solver_choice,
    solver_options,
    solves,
    whole,
)
from odeviz.commands.output import FAILED, OK, print_json, print_table


def options(parser: argparse.ArgumentParser) -> None:
    model_argument(parser)
    solver_options(parser)
    starts = parser.add_mutually_exclusive_group()
    starts.add_argument("--seeds", type=whole(1), metavar="N", default=200, help="trajectories (200)")
    starts.add_argument("--points", type=Path, metavar="CSV", help="start at these points: x,y or x,y,label")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write the trajectories to .csv or .npz; t of a person's own series or events is their own time",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(given: argparse.Namespace) -> int:
    from odeviz.storage import load_model, load_own

    if given.out is not None:
        check_table(given.out)
    snapshot = load_model(find_model(given.file))
    choice = solver_choice(snapshot.experiment, given)
    own = load_own(given.points, "points") if given.points is not None else None
    if own is not None and own.note:
        print(f"odeviz: {given.points.name}: {own.note}", file=sys.stderr)

    from odeviz.analysis.study import Study

    study = Study(snapshot)
    seeds, labels = (
        study.default_seeds(given.seeds, snapshot.experiment.seed)
        if own is None
        else (own.arrays["points"], own.arrays["labels"])
    )
    flow = study.flow(seeds, labels, choice)
    assert flow is not None, "nothing cancels here"
    if given.out is not None:
        from odeviz.exporting.tables import save_table

        save_table(flow, given.out)
    cost = {
        "status": flow.status,
        "method": choice.method if solves(snapshot.experiment) else "none (layers, one after the other)",
        "trajectories": len(labels),
        "nfe": flow.nfe,
        "accepted": flow.accepted,
        "rejected": flow.rejected,
        "error": flow.error,
        "milliseconds": flow.milliseconds,
    }
    if flow.nfe_each is not None:
        each = flow.nfe_each
        cost |= {"nfe_least": int(each.min()), "nfe_mean": float(each.mean()), "nfe_most": int(each.max())}
    if given.json:
        print_json(cost | {"message": flow.message})
    else:
        print_table(cost)
    if flow.status == "success":
        return OK
    print(f"odeviz: {flow.message}", file=sys.stderr)
    return FAILED


def check_table(path: Path) -> None:
    """Refuse a table's file name before any work is done for it."""
    from odeviz.exporting.tables import check_table_suffix
    from odeviz.storage import check_writable

    try:
        check_table_suffix(path)
    except ValueError as error:
        raise UserError(str(error)) from None
    check_writable(path)
