"""Films made: what a model's flow does over its time, and what a training made of it. No torch before it is asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from odeviz.analysis.film import Film, Frame
from odeviz.analysis.results import DecisionResult, DensityResult, Extent, FlowResult, SolverChoice
from odeviz.tasks.numerals import percent, thousands
from odeviz.tasks.registry import task_of
from odeviz.training.snapshot import Snapshot

if TYPE_CHECKING:
    from odeviz.analysis.study import Study

#: Trajectories, the fewest times along one, and cells a side of a background.
TRAJECTORIES, _TIMES, _CELLS, _POINTS = 300, 241, 100, 1000

#: How far it is: pictures computed, and pictures in all.
Report = Callable[[int, int], None]


def film_of_time(
    study: Study,
    panel: str,
    shares: Sequence[float],
    choice: SolverChoice,
    for_map: SolverChoice | None = None,
    report: Report | None = None,
    cancel: Any = None,
    layers: tuple[str, ...] | None = None,
) -> Film | None:
    """A panel ("flow", "density" or "decision") at shares of the flow's time; None when cancelled.

    ``for_map`` solves what lies behind the flow, if it is to be another than ``choice``. ``layers`` are those that the
    flow shows, data among them; without, all but the data.
    """
    flow = crowd(study, choice, _TIMES, cancel)
    if flow is None:
        return None
    extent = around(study.extent, flow) if panel == "flow" else study.extent
    field = study.field(extent, cancel=cancel) if panel == "flow" else None
    frames = []
    for k, share in enumerate(shares):
        t = share * study.t1
        background = _background(study, t, extent, for_map or choice, cancel)
        if _stopped(cancel):
            return None
        frames.append(Frame(f"t = {flow.clock.told(t)}", t, flow.iteration, flow, field, background))
        if report is not None:
            report(k + 1, len(shares))
    data = study.data(_POINTS) if panel == "flow" and layers is not None and "data" in layers else None
    return Film(extent, tuple(frames), data, layers=layers)


def film_of_training(
    snapshot: Snapshot,
    choice: SolverChoice,
    panel: str = "",
    report: Report | None = None,
    cancel: Any = None,
    layers: tuple[str, ...] | None = None,
) -> Film | None:
    """A run at its checkpoints: density at the end, decision at the start, or the flow; by default what comes first.

    The flow is that of the whole time, with what lies behind it at its end.

    None when cancelled. Raises ``ValueError`` for a snapshot that holds no checkpoints, as one from a file.
    """
    from odeviz.analysis.study import Study

    if len(snapshot.moments) < 2:
        raise ValueError(
            "there are no checkpoints of this run to make a film of: train it, or train it again"
        )
    last = Study(snapshot)
    panel = panel or task_of(snapshot.experiment).behind(snapshot.experiment) or "flow"
    whole, extent = panel == "flow", last.extent
    if whole:
        flow = crowd(last, choice, _TIMES, cancel)
        extent = extent if flow is None else around(extent, flow)
    frames = []
    for k, moment in enumerate(snapshot.moments):
        study = Study(snapshot.nearest(moment))
        # A decision is drawn where the data lies, at the flow's start.
        t = 0.0 if panel == "decision" else study.t1
        flow = crowd(study, choice, _TIMES, cancel) if whole else None
        field = study.field(extent, cancel=cancel) if whole else None
        background = _background(study, t, extent, choice, cancel)
        if _stopped(cancel):
            return None
        frames.append(Frame(f"iteration {thousands(moment)}", t, moment, flow, field, background))
        if report is not None:
            report(k + 1, len(snapshot.moments))
    data = last.data(_POINTS) if not whole or (layers is not None and "data" in layers) else None
    return Film(extent, tuple(frames), data, over_time=False, layers=layers)


def with_shares(film: Film, shares: Sequence[float]) -> Film:
    """The film with shares of the time for captions, as a filmstrip shows them."""
    pairs = zip(film.frames, shares, strict=True)
    frames = (dataclasses.replace(frame, caption=percent(share)) for frame, share in pairs)
    return dataclasses.replace(film, frames=tuple(frames))


def crowd(
    study: Study, choice: SolverChoice, frames: int = 61, cancel: Any = None, count: int = TRAJECTORIES
) -> FlowResult | None:
    """The trajectories that the window shows; None when cancelled."""
    seeds, labels = study.default_seeds(min(count, task_of(study.experiment).crowd))
    return study.flow(seeds, labels, choice, frames, with_error=False, cancel=cancel)


def around(extent: Extent, flow: FlowResult) -> Extent:
    """The extent, grown about its centre until it holds all but the farthest trajectories, four times at most."""
    middle = np.array([extent.x0 + extent.x1, extent.y0 + extent.y1]) / 2
    half = np.array([extent.x1 - extent.x0, extent.y1 - extent.y0]) / 2
    away = np.abs(flow.paths.reshape(-1, 2) - middle) / half
    away = away[np.isfinite(away).all(axis=1)]
    if not len(away):
        return extent
    reach = np.clip(1.1 * np.quantile(away, 0.99, axis=0), 1.0, 4.0)
    if extent.equal:
        reach[:] = reach.max()
    elif extent.x_label == "t":
        reach[0] = 1.0
    (x0, y0), (x1, y1) = middle - half * reach, middle + half * reach
    return dataclasses.replace(extent, x0=float(x0), x1=float(x1), y0=float(y0), y1=float(y1))


def _background(
    study: Study, t: float, extent: Extent, choice: SolverChoice, cancel: Any
) -> DensityResult | DecisionResult | None:
    behind = task_of(study.experiment).behind(study.experiment)
    if behind == "density":
        return study.density(t, extent, _CELLS, choice, cancel)
    if behind == "decision":
        return study.decision(t, extent, _CELLS, choice, cancel)
    return None


def _stopped(cancel: Any) -> bool:
    return cancel is not None and bool(cancel.is_set())
