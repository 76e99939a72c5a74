"""What can be exported: every panel, every view, and films, from what the window shows or from what is asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from odeviz.analysis.film import film_times
from odeviz.analysis.overlays import RestResult
from odeviz.analysis.projection import Projection
from odeviz.analysis.results import DataResult, Extent, FlowResult, SolverChoice
from odeviz.bridge.requests import FilmRequest, Request, TrainingFilmRequest, ViewRequest
from odeviz.exporting.output import FIGURES, FILM, FILMS, TABLES, Material, Order
from odeviz.exporting.plane import LAYERS, SHOWN
from odeviz.storage.origin import Origin
from odeviz.tasks.chart import Chart, Charts, Curve, Role
from odeviz.tasks.numerals import AXES
from odeviz.tasks.registry import same_loss, task_of
from odeviz.tasks.task import View
from odeviz.training.snapshot import Snapshot

#: Colours of seeds over time, and from how many curves on they are not named.
_SEEDS: tuple[Role, ...] = ("model", "second", "baseline", "data")
_NAMED = 8
#: What the keys of films of a training begin with.
TRAINING = "film-training"
#: The answer to an export's request, among the results.
ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the window shows at the moment of an export; frozen results, safe to hand to a worker."""

    snapshot: Snapshot
    results: Mapping[str, Any]
    t: float
    choice: SolverChoice
    #: Views of the model, and what those on show are called among the results, by their keys.
    views: tuple[View, ...] = ()
    on_show: Mapping[str, str] = field(default_factory=dict)
    projection: Projection = field(default_factory=Projection)
    #: The run that is shown, with its checkpoints.
    run: Snapshot | None = None
    #: The flow view's layers that are on, what trajectories are coloured by, and the part of the plane that a person
    #: has chosen to look at.
    layers: tuple[str, ...] = SHOWN
    colouring: str = "class"
    range: tuple[float, float, float, float] | None = None
    #: A run kept to compare with; the selected trajectories, and what the coordinates of a path are called.
    kept: Snapshot | None = None
    chosen: tuple[int, ...] = ()
    names: tuple[str, ...] = AXES

    @property
    def behind(self) -> str:
        """What the plane shows behind the flow."""
        return task_of(self.snapshot.experiment).behind(self.snapshot.experiment)

    def answered(self, answer: Any) -> Shown:
        """With the answer to an export's request."""
        return dataclasses.replace(self, results={**self.results, ASKED: answer})


#: The figure's key with its results; what a table holds; a question to the solver.
Figure = Callable[[Shown], tuple[str, dict[str, Any]]]
Ask = Callable[[Shown, Order], Request]


@dataclass(frozen=True, slots=True)
class Export:
    """Something that can be exported: how its figure and its table are found in what the window shows."""

    key: str
    title: str
    group: str
    figure: Figure
    table: Callable[[Shown], Any]
    #: What must be asked for first, and what is asked for a preview if that is less.
    ask: Ask | None = None
    ask_little: Ask | None = None
    #: What a film shows.
    panel: str = ""

    @property
    def is_film(self) -> bool:
        return self.group == "Films"

    @property
    def is_training(self) -> bool:
        """Whether it is a film over a training, with a picture for each checkpoint."""
        return self.key.startswith(TRAINING)

    @property
    def is_strip(self) -> bool:
        return self.group == "Filmstrips"

    @property
    def formats(self) -> Mapping[str, str]:
        """Suffix and name of every format it is written in."""
        return FILMS if self.is_film else {**FIGURES, **TABLES}

    def material(self, now: Shown) -> Material:
        """What is drawn or written. Raises ``KeyError`` before its request has been answered."""
        figure, results = self.figure(now)
        return Material(figure, results, self.table(now), self.origin(now))

    def origin(self, now: Shown) -> Origin:
        """Where it is from."""
        return Origin.of(now.snapshot, self.title)


def exports_of(now: Shown) -> list[Export]:
    """All that can be exported of what is shown, in the order it is offered."""
    panels = [export for there, export in _PANELS if there(now)]
    views = [_view_export(view, now) for view in now.views]
    return [*panels, *views, *_strips(now), *_films(now)]


def _flow(now: Shown) -> tuple[str, dict[str, Any]]:
    """The flow view's picture: the layers that are on, in the colours and the part of the plane that are chosen."""
    scene = now.results.get("scene")
    background = now.results.get("background")
    behind = {now.behind: background} if now.behind else {}
    deep = now.projection.in_space
    flat = {kind: _flat(now, now.results.get(kind)) for kind in ("flow", "seeds", "rest", "pinned")}
    plane = {
        **behind, "field": now.results.get("field"), "stream": now.results.get("stream"),
        "boundary": now.results.get("border"), "tracers": now.results.get("tracers"),
    }  # fmt: skip
    return "flow", {
        **flat,
        **({} if deep else plane),
        "effort": now.results.get("effort"),
        "data": _flat(now, scene.data) if scene is not None else None,
        "time": now.t,
        "extent": _part(now, scene.extent) if scene is not None else None,
        "layers": tuple(key for key in LAYERS if key in now.layers),
        "color": now.colouring,
    }


def _part(now: Shown, extent: Extent) -> Extent:
    """The part of the plane that is looked at."""
    if now.range is None:
        return extent
    return dataclasses.replace(extent, **dict(zip(("x0", "x1", "y0", "y1"), now.range, strict=True)))


def _flat(now: Shown, result: Any) -> Any:
    """Trajectories, data or states at rest as they are drawn: those in space from the side it is turned to."""
    name = "points" if isinstance(result, (DataResult, RestResult)) else "paths"
    if result is None or getattr(result, name).shape[-1] != 3 or not now.projection.in_space:
        return result
    return dataclasses.replace(result, **{name: getattr(result, name) @ now.projection.camera[:2].T})


def _background(now: Shown) -> tuple[str, dict[str, Any]]:
    scene = now.results.get("scene")
    return now.behind, {
        now.behind: now.results["background"],
        "data": scene.data if scene is not None else None,
    }


def _loss(now: Shown) -> tuple[str, dict[str, Any]]:
    experiment, kept = now.snapshot.experiment, now.kept
    comparable = kept is not None and same_loss(kept.experiment, experiment)
    beside = kept.history if kept is not None and comparable else None
    return "loss", {"history": now.snapshot.history, "experiment": experiment, "kept": beside}


def _nfe(now: Shown) -> tuple[str, dict[str, Any]]:
    return "nfe", {"history": now.snapshot.history, "kept": None if now.kept is None else now.kept.history}


def _steps(now: Shown) -> tuple[str, dict[str, Any]]:
    return "steps", {"flow": now.results["flow"]}


def _seeds(now: Shown) -> tuple[str, dict[str, Any]]:
    whole = _flow(now)[1]
    return "flow", {**whole, "flow": whole["seeds"], "seeds": None, "layers": SHOWN, "color": "time"}


def _field(now: Shown) -> tuple[str, dict[str, Any]]:
    return "flow", {"field": now.results["field"], "time": now.t}


def _picture(now: Shown, kind: str) -> tuple[str, dict[str, Any]]:
    return "view", {"picture": now.results[kind]}


def _film(now: Shown, figure: str, panel: str) -> tuple[str, dict[str, Any]]:
    return figure, {"film": now.results[ASKED], "panel": panel}


def _result(kind: str) -> Callable[[Shown], Any]:
    return lambda now: now.results[kind]


def _has(kind: str) -> Callable[[Shown], bool]:
    return lambda now: now.results.get(kind) is not None


def _history(now: Shown) -> Any:
    return now.snapshot.history


def _has_history(now: Shown) -> bool:
    return len(now.snapshot.history) > 0


def _has_solves(now: Shown) -> bool:
    return now.snapshot.history.solves


def _step_table(now: Shown) -> Any:
    return now.results["flow"].steps


def _has_series(now: Shown) -> bool:
    return _has("flow")(now) and (bool(now.chosen) or _has("seeds")(now))


def _series(now: Shown) -> Charts:
    """Each coordinate of the seeds' trajectories, and of those that are selected, against t."""
    curves: list[tuple[str, Role, FlowResult, int]] = []
    seeds, crowd = now.results.get("seeds"), now.results["flow"]
    if seeds is not None:
        curves = [(f"seed {k + 1}", _SEEDS[k % len(_SEEDS)], seeds, k) for k in range(seeds.paths.shape[1])]
    for k in now.chosen:
        label = int(crowd.labels[k]) if k < len(crowd.labels) else -1
        if k < crowd.paths.shape[1]:
            role: Any = f"class{label % 10}" if label >= 0 else "truth"
            curves.append((f"trajectory {k + 1}", role, crowd, k))
    charts = [
        Chart(
            name, "t", name,
            tuple(
                Curve(title, flow.clock.own(flow.t), flow.paths[:, k, axis], role, faint=len(curves) > _NAMED)
                for title, role, flow, k in curves
            ),
            over_time=not crowd.clock,
        )
        for axis, name in enumerate(now.names[: crowd.paths.shape[2]])
    ]  # fmt: skip
    return Charts("Over time", tuple(charts))


def _series_figure(now: Shown) -> tuple[str, dict[str, Any]]:
    return "view", {"picture": _series(now)}


_PANELS: tuple[tuple[Callable[[Shown], bool], Export], ...] = (
    (_has("flow"), Export("flow", "Flow", "Panels", _flow, _result("flow"))),
    (_has("background"), Export("density", "Density or decision", "Panels", _background, _result("background"))),
    (_has_history, Export("loss", "Loss", "Panels", _loss, _history)),
    (_has_solves, Export("nfe", "NFE", "Panels", _nfe, _history)),
    (_has("flow"), Export("steps", "Steps", "Panels", _steps, _step_table)),
    (_has("seeds"), Export("seeds", "Seeded trajectories", "Panels", _seeds, _result("seeds"))),
    (_has_series, Export("series", "Over time", "Panels", _series_figure, _series)),
    (_has("field"), Export("field", "Vector field", "Panels", _field, _result("field"))),
)  # fmt: skip


def _view_export(view: View, now: Shown) -> Export:
    """A view: the one on show as it is, the others asked for."""
    kind = now.on_show.get(view.key, ASKED)
    ask: Ask | None = None if kind != ASKED else lambda now, order: ViewRequest(view.key, now.choice)
    return Export(view.key, view.title, "Views", partial(_picture, kind=kind), _result(kind), ask)


def _filmed(now: Shown) -> list[str]:
    return [panel for panel in ("flow", now.behind) if panel and now.results.get("flow") is not None]


def _strips(now: Shown) -> list[Export]:
    return [
        Export(
            f"filmstrip-{panel}", f"{panel.capitalize()} at chosen times", "Filmstrips",
            partial(_film, figure="filmstrip", panel=panel), _result(ASKED), partial(_ask_strip, panel=panel),
        )
        for panel in _filmed(now)
    ]  # fmt: skip


def _films(now: Shown) -> list[Export]:
    films = [
        Export(
            f"film-{panel}", f"{panel.capitalize()} over time", "Films", partial(_film, figure=FILM, panel=panel),
            _result(ASKED), partial(_ask_film, panel=panel), partial(_ask_little, panel=panel, share=0.6), panel,
        )
        for panel in _filmed(now)
    ]  # fmt: skip
    run = now.run
    if run is not None and len(run.moments) > 1:
        for panel in dict.fromkeys((now.behind or "flow", "flow")):
            share = 0.0 if panel == "decision" else 1.0
            films.append(
                Export(
                    f"{TRAINING}-{panel}", f"Training: {panel}", "Films", partial(_film, figure=FILM, panel=panel),
                    _result(ASKED), partial(_ask_training, run=run, panel=panel),
                    partial(_ask_little, panel=panel, share=share), panel,
                )
            )  # fmt: skip
    return films


def _ask_strip(now: Shown, order: Order, panel: str) -> Request:
    return FilmRequest(panel, order.shares, now.choice, "shares", _layers(now, panel))


def _ask_film(now: Shown, order: Order, panel: str) -> Request:
    count = max(2, round(order.fps * order.seconds))
    return FilmRequest(panel, tuple(film_times(1.0, count)), now.choice, layers=_layers(now, panel))


def _ask_little(now: Shown, order: Order, panel: str, share: float) -> Request:
    return FilmRequest(panel, (share,), now.choice, layers=_layers(now, panel))


def _ask_training(now: Shown, order: Order, run: Snapshot, panel: str) -> Request:
    return TrainingFilmRequest(run, now.choice, panel, _layers(now, panel))


def _layers(now: Shown, panel: str) -> tuple[str, ...] | None:
    """Those of the flow's layers that a film can show."""
    return tuple(key for key in SHOWN if key in now.layers) if panel == "flow" else None
