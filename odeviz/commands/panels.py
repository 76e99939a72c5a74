"""What the panels of ``odeviz export`` are drawn from: results of a model, by the figures' own names."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from odeviz.analysis import diagnostics
from odeviz.analysis.filming import around, crowd
from odeviz.analysis.results import SolverChoice
from odeviz.commands.arguments import UserError, solver_choice
from odeviz.commands.layers import layers_of, results_for
from odeviz.tasks.closest import did_you_mean
from odeviz.tasks.registry import TASKS, task_of
from odeviz.tasks.viewpoint import Viewpoint

if TYPE_CHECKING:
    from odeviz.analysis.study import Study
    from odeviz.training.snapshot import Snapshot

#: Panels and the result that is each one's data.
PANELS = {
    "flow": "flow",
    "density": "density",
    "decision": "decision",
    "loss": "history",
    "nfe": "history",
    "steps": "steps",
}
#: Those that show one moment of the flow.
AT_A_TIME = ("flow", "density", "decision")
#: Views that follow the playhead do so too.
_FOLLOWING = tuple(
    dict.fromkeys(view.key for task in TASKS.values() for view in task.views if "time" in view.follows)
)
#: Those that need no solve.
_RECORDED = ("loss", "nfe")
#: How a map is solved unless the options say otherwise: precisely, so that it shows the model, not its solver.
FOR_MAPS = SolverChoice("dopri5", rtol=1e-5, atol=1e-5)
_CELLS, _FINE_CELLS, _DATA_POINTS = 200, 400, 1000


def results_of(snapshot: Snapshot, given: argparse.Namespace) -> dict[str, Any]:
    """What the panel's figure is drawn from, by the figure's own names."""
    panel = given.panel
    if panel not in (*AT_A_TIME, *_FOLLOWING) and given.time is not None:
        known = ", ".join((*AT_A_TIME, *_FOLLOWING))
        raise UserError(f"--time means nothing to the {panel} panel, but to {known}")
    if panel in _RECORDED:
        return _recorded(snapshot, given)
    if panel not in PANELS:
        return _view(snapshot, given)
    check_background(snapshot, panel)
    choice = solver_choice(snapshot.experiment, given)

    from odeviz.analysis.study import Study

    study = Study(snapshot)
    # A decision is drawn where the data lies, at the flow's start.
    default = 0.0 if panel == "decision" else study.t1
    time = default if given.time is None else _within(study, given.time)
    if panel == "steps":
        flow = crowd(study, choice)
        return {"flow": flow, "steps": flow.steps}
    return _plane(study, snapshot, given, choice, time)


def check_panel(snapshot: Snapshot, panel: str) -> None:
    """:class:`UserError` if this model has no panel or view of that name, with those it has."""
    experiment = snapshot.experiment
    behind = task_of(experiment).behind(experiment)
    own = [name for name in PANELS if name not in ("density", "decision") or name == behind]
    views = [view.key for view in diagnostics.views_of(experiment)]
    if panel in (*PANELS, *views):
        return
    hint = did_you_mean(panel, (*own, *views))
    has = f"its panels are {', '.join(own)}" + (
        f", its views {', '.join(views)}" if views else "; it has no views"
    )
    raise UserError(f"this model of a {experiment.task} task has no {panel}; {hint or has}")


def check_background(snapshot: Snapshot, panel: str) -> None:
    """:class:`UserError` if the panel is the density or decision of a model that has none."""
    background = task_of(snapshot.experiment).behind(snapshot.experiment)
    if panel in ("density", "decision") and panel != background:
        also = f"; --panel {background} shows what it has" if background else ""
        raise UserError(f"a model of a {snapshot.experiment.task} task has no {panel}{also}")


def _view(snapshot: Snapshot, given: argparse.Namespace) -> dict[str, Any]:
    """One of the task's own views or of those that any flow has."""
    from odeviz.analysis.study import Study

    study = Study(snapshot)
    viewpoint = Viewpoint(t=None if given.time is None else _within(study, given.time))
    picture = study.view(given.panel, solver_choice(snapshot.experiment, given), viewpoint=viewpoint)
    assert picture is not None, "nothing cancels here"
    if picture.note:
        print(picture.note)
    return {"picture": picture}


def _within(study: Study, time: float) -> float:
    """The flow's time of one in the data's own, or :class:`UserError` if the flow has ended by then."""
    clock = study.task.own_clock
    t = clock.flow(time)
    # An end that was rounded when it was written down is still the end.
    if not -1e-6 * study.t1 <= t <= study.t1 * (1 + 1e-4 * bool(clock)):
        first, last = (f"{clock.own(end):.6g}" for end in (0.0, study.t1))
        own = ", in the data's own time" if clock else ""
        since = f" since {clock.since}" if clock.since else ""
        raise UserError(
            f"--time must be a number from {first} to {last}, the end of this model's flow{own}{since}, not {time:g}"
        )
    return min(max(t, 0.0), study.t1)


def _recorded(snapshot: Snapshot, given: argparse.Namespace) -> dict[str, Any]:
    """The history's panels: what training wrote down."""
    if not len(snapshot.history):
        raise UserError(f"{given.file} has no history: the model has not been trained")
    if given.panel == "nfe" and not snapshot.history.solves:
        raise UserError(f"{given.file} has no nfe: nothing is solved in its training")
    results: dict[str, Any] = {"history": snapshot.history}
    if given.panel == "loss":
        results["experiment"] = snapshot.experiment
    return results


def _plane(
    study: Study, snapshot: Snapshot, given: argparse.Namespace, choice: SolverChoice, time: float
) -> dict[str, Any]:
    """The panels that show the plane at one moment."""
    results: dict[str, Any] = {}
    extent = study.extent
    for_map = choice if any((given.method, given.rtol, given.atol, given.steps)) else FOR_MAPS
    if given.panel == "flow":
        flow = crowd(study, choice)
        extent = around(extent, flow)
        layers = layers_of(study, given.layers)
        results = {
            "flow": flow,
            "time": time,
            "extent": extent,
            "layers": layers,
            "color": given.color or "class",
        }
        results |= results_for(study, layers, extent, flow, given.color)
        if not {"background", "contours"} & set(layers):
            return results
    background = task_of(snapshot.experiment).behind(snapshot.experiment)
    if background == "density":
        results["density"] = study.density(time, extent, _CELLS, for_map)
    elif background == "decision":
        # Filaments of a class are thin: a decision by itself is drawn twice as finely as one behind a flow.
        cells = _FINE_CELLS if given.panel == "decision" else _CELLS
        results["decision"] = study.decision(time, extent, cells, for_map)
        if given.panel == "decision" and time == 0.0:
            results["data"] = study.data(_DATA_POINTS)
    return results
