"""The layers of the flow figures of ``odeviz export``: which there are, and what each is drawn from."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from odeviz.analysis.diagnostics import common_views
from odeviz.commands.arguments import UserError
from odeviz.exporting import plane
from odeviz.tasks.registry import task_of

if TYPE_CHECKING:
    from odeviz.analysis.results import Extent, FlowResult
    from odeviz.analysis.study import Study

#: Those that need no person's hand; and those shown unless others are asked for.
LAYERS = tuple(key for key in plane.LAYERS if key not in ("seeds", "pinned", "tracers"))
SHOWN = tuple(key for key in plane.SHOWN if key != "data")
#: Nodes of the grid that streamlines and nullclines are made of, its times, and times of states at rest.
_NODES, _TIMES, _MOMENTS, _POINTS = 65, 17, 9, 1000


def layer_names(text: str) -> tuple[str, ...]:
    """An option's type: names of layers with commas between them."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = next((name for name in names if name not in LAYERS), None)
    if unknown is not None or not names:
        raise argparse.ArgumentTypeError(f"must be some of {', '.join(LAYERS)}, not {unknown or text!r}")
    return names


def layers_of(study: Study, asked: Sequence[str] | None) -> tuple[str, ...]:
    """The layers to draw; :class:`UserError` for one that this model has nothing to show in."""
    if asked is None:
        return SHOWN
    experiment = study.experiment
    task = task_of(experiment)
    has = {
        "background": bool(task.behind(experiment)),
        "contours": bool(task.behind(experiment)),
        "boundary": task.runs_back(experiment),
        "rest": bool(common_views(experiment)) and not study.plane.over_time,
    }
    for name in asked:
        if not has.get(name, True):
            there = ", ".join(key for key in LAYERS if has.get(key, True))
            raise UserError(f"this model of a {experiment.task} task has no {name} to show; it has {there}")
    return tuple(asked)


def results_for(
    study: Study, layers: Sequence[str], extent: Extent, flow: FlowResult, color: str | None
) -> dict[str, Any]:
    """What these layers are drawn from besides the trajectories and the background."""
    results: dict[str, Any] = {}
    if "arrows" in layers:
        results["field"] = study.field(extent)
    if "data" in layers:
        results["data"] = study.data(_POINTS)
    if {"streamlines", "nullclines"} & set(layers):
        results["stream"] = study.streams(extent, _NODES, _TIMES, "streamlines" in layers)
    if "boundary" in layers:
        results["boundary"] = study.border()
    if "rest" in layers:
        results["rest"] = study.rest(_MOMENTS)
    if color == "nfe":
        if not common_views(study.experiment):
            raise UserError("--color nfe means nothing to a model that solves no ODE")
        results["effort"] = study.effort(flow.paths.shape[1], flow.choice, seed=study.experiment.seed)
    return results
