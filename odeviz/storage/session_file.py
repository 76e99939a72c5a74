"""The session file: a model file that also tells what a window showed of its model.

One text more in a model file's metadata, ``session``: a JSON object (version 3), described by :class:`_Text`; and the
tensors that :mod:`odeviz.storage.session_run` describes, of the run's earlier models and of one kept beside it. Version
1 knew neither those nor a pinned setting, version 2 no steps per sample. All that reads a model reads a session file
too, as the model it holds.

Reading trusts nothing: every value is checked, and whatever is wrong is a :class:`SessionFileError`. Layers, views and
panels are names of things in the window; names that it does not know are left alone.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import msgspec

import odeviz
from odeviz.analysis.projection import Projection
from odeviz.analysis.results import SolverChoice
from odeviz.storage.model_file import ModelFileError, experiment_of, load_with_texts, save_model
from odeviz.storage.session_run import (
    Arrays,
    pack_checkpoints,
    pack_history,
    unpack_checkpoints,
    unpack_history,
)
from odeviz.tasks.experiment import Experiment
from odeviz.training.snapshot import Snapshot

SUFFIX = ".odeviz-session"
VERSION = 3
#: More seeds, coordinates and panels than any window has.
MAX_SEEDS, MAX_COORDINATES, MAX_PANELS = 10_000, 100, 100
#: Beyond what can be drawn in float32.
_FAR = 1e30

_KEY = "session"


class SessionFileError(ModelFileError):
    """A session file cannot be used; ``str()`` is one sentence naming the file and the problem."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a panel stands."""

    key: str
    #: left, right, top or bottom.
    area: str
    #: Panels of one group are tabs of one place; groups fill an area in the order of their numbers.
    group: int
    shown: bool
    #: The tab that is in front.
    front: bool
    #: To the right of the group before it, instead of below.
    beside: bool
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class View:
    """What a window showed of a model, and the experiment in its form."""

    experiment: Experiment = field(default_factory=Experiment)
    #: The solver that the views look through.
    choice: SolverChoice = SolverChoice()  # noqa: RUF009
    #: The playhead: its time, the flow's end time, and how it plays.
    t: float = 0.0
    t1: float = 1.0
    loop: bool = True
    speed: float = 1.0
    seeds: tuple[tuple[float, ...], ...] = ()
    #: Which layers of the flow view are shown, by key.
    layers: Mapping[str, bool] = field(default_factory=dict)
    colouring: str = "class"
    projection: Projection = Projection()  # noqa: RUF009
    #: The part of the plane on show, x0, x1, y0, y1; None is all of it.
    range: tuple[float, float, float, float] | None = None
    #: The key of the view in the panel of views.
    view: str = ""
    #: What was set of the views' own controls, by the views' keys and the controls'.
    values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    panels: tuple[Place, ...] = ()
    #: The solver's setting that is pinned to compare with.
    pinned: SolverChoice | None = None
    #: A run kept to compare with: its experiment and its history are what a file holds of it.
    kept: Snapshot | None = None


_Name = Annotated[str, msgspec.Meta(max_length=100)]
_Whole = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
_Time = Annotated[float, msgspec.Meta(ge=0, le=1e6)]


class _Solver(msgspec.Struct, forbid_unknown_fields=True):
    method: _Name
    rtol: float
    atol: float
    steps: _Whole
    per_sample: bool = False


class _Playhead(msgspec.Struct, forbid_unknown_fields=True):
    t: _Time
    t1: Annotated[float, msgspec.Meta(gt=0, le=1e6)]
    loop: bool
    speed: Annotated[float, msgspec.Meta(ge=0.01, le=100)]


class _Projection(msgspec.Struct, forbid_unknown_fields=True):
    kind: _Name
    axes: Annotated[list[Annotated[int, msgspec.Meta(ge=0, le=MAX_COORDINATES)]], msgspec.Meta(max_length=3)]
    turn: Annotated[list[float], msgspec.Meta(min_length=2, max_length=2)]


_Pixels = Annotated[int, msgspec.Meta(ge=1, le=100_000)]


class _Place(msgspec.Struct, forbid_unknown_fields=True):
    key: _Name
    area: Literal["left", "right", "top", "bottom"]
    group: Annotated[int, msgspec.Meta(ge=0, le=MAX_PANELS)]
    shown: bool
    front: bool
    beside: bool
    width: _Pixels
    height: _Pixels


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    experiment: dict[str, bool | _Whole | float | str]
    iteration: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    seconds: Annotated[float, msgspec.Meta(ge=0)]


class _Text(msgspec.Struct, forbid_unknown_fields=True):
    """The ``session`` text."""

    version: int
    experiment: dict[str, bool | _Whole | float | str]
    solver: _Solver
    playhead: _Playhead
    seeds: Annotated[
        list[Annotated[list[float], msgspec.Meta(min_length=2, max_length=MAX_COORDINATES)]],
        msgspec.Meta(max_length=MAX_SEEDS),
    ]
    layers: Annotated[dict[_Name, bool], msgspec.Meta(max_length=100)]
    colouring: _Name
    projection: _Projection
    range: Annotated[list[float], msgspec.Meta(min_length=4, max_length=4)] | None
    view: _Name
    values: Annotated[dict[_Name, dict[_Name, float]], msgspec.Meta(max_length=100)]
    panels: Annotated[list[_Place], msgspec.Meta(max_length=MAX_PANELS)]
    pinned: _Solver | None = None
    kept: _Kept | None = None


class _Version(msgspec.Struct):
    version: int


def save_session(path: Path | str, snapshot: Snapshot, view: View) -> None:
    """Write a model, its run and what was shown of it to one file, whole or not at all; raises as ``save_model``."""
    text = _Text(
        version=VERSION,
        experiment=view.experiment.values(),
        solver=_Solver(**dataclasses.asdict(view.choice)),
        playhead=_Playhead(float(view.t), float(view.t1), view.loop, float(view.speed)),
        seeds=[[float(x) for x in seed] for seed in view.seeds],
        layers=dict(view.layers),
        colouring=view.colouring,
        projection=_Projection(view.projection.kind, list(view.projection.axes), list(view.projection.turn)),
        range=None if view.range is None else [float(x) for x in view.range],
        view=view.view,
        values={key: dict(values) for key, values in view.values.items()},
        panels=[_Place(**dataclasses.asdict(place)) for place in view.panels],
        pinned=None if view.pinned is None else _Solver(**dataclasses.asdict(view.pinned)),
        kept=None if view.kept is None else _told(view.kept),
    )
    more = pack_checkpoints(snapshot.checkpoints)
    if view.kept is not None:
        more |= pack_history(view.kept.history)
    save_model(path, snapshot, {_KEY: msgspec.json.encode(text).decode()}, more)


def load_session(path: Path | str) -> tuple[Snapshot, View | None]:
    """Read a model, with its run and what was shown of it where the file tells those.

    Raises :class:`odeviz.storage.ModelFileError` (a :class:`SessionFileError` is one) and nothing else.
    """
    path = Path(path)
    snapshot, texts, more = load_with_texts(path)
    if _KEY not in texts:
        return snapshot, None
    try:
        view = _view(texts[_KEY], texts.get("odeviz_version", "?"), more)
        return dataclasses.replace(snapshot, checkpoints=unpack_checkpoints(more, snapshot)), view
    except ValueError as error:
        text = " ".join(str(error).split()).rstrip(".")
        raise SessionFileError(
            f"cannot open {path}: {text if len(text) <= 300 else text[:297] + '...'}"
        ) from None


def _view(text: str, odeviz_version: str, more: Arrays) -> View:
    """The view that a text describes; ``ValueError`` with the second half of a sentence about the file."""
    try:
        version = msgspec.json.decode(text, type=_Version).version
        if version > VERSION:
            raise ValueError(
                f"its session was written by odeviz {odeviz_version[:20]} in session format {version}, and odeviz "
                f"{odeviz.__version__} reads up to format {VERSION}; a newer odeviz can open it"
            )
        read = msgspec.json.decode(text, type=_Text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ValueError(f"its session is damaged ({error})") from None
    try:
        experiment = experiment_of(read.experiment)
    except ValueError as error:
        raise ValueError(f"in its session, {error}") from None
    try:
        return View(
            experiment=experiment,
            choice=_choice(read.solver),
            t=min(read.playhead.t, read.playhead.t1),
            t1=read.playhead.t1,
            loop=read.playhead.loop,
            speed=read.playhead.speed,
            seeds=_seeds(read.seeds),
            layers=read.layers,
            colouring=read.colouring,
            projection=Projection(
                read.projection.kind,
                tuple(read.projection.axes),
                _pair(_numbers("the turn of its projection", read.projection.turn)),
            ),
            range=None if read.range is None else _range(read.range),
            view=read.view,
            values={key: _named(key, values) for key, values in read.values.items()},
            panels=_panels(read.panels),
            pinned=None if read.pinned is None else _choice(read.pinned),
            kept=None if read.kept is None else _kept(read.kept, more),
        )
    except ValueError as error:
        raise ValueError(f"its session is not valid: {error}") from None


def _told(kept: Snapshot) -> _Kept:
    return _Kept(kept.experiment.values(), int(kept.iteration), float(kept.seconds))


def _kept(told: _Kept, more: Arrays) -> Snapshot:
    experiment = experiment_of(told.experiment)
    return Snapshot(experiment, told.iteration, told.seconds, weights={}, history=unpack_history(more))


def _choice(solver: _Solver) -> SolverChoice:
    """Checked like the experiment's own solver, whose ranges hold here too."""
    checked = Experiment().with_settings(
        {f"solver.{name}": getattr(solver, name) for name in ("method", "rtol", "atol", "steps")}
    )
    return SolverChoice(checked.solver.method, solver.rtol, solver.atol, solver.steps, solver.per_sample)


def _seeds(seeds: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    lengths = {len(seed) for seed in seeds}
    if len(lengths) > 1:
        raise ValueError(
            f"its seeds must all have as many coordinates, not {min(lengths)} and {max(lengths)}"
        )
    return tuple(_numbers("a seed", seed) for seed in seeds)


def _numbers(what: str, values: Sequence[float]) -> tuple[float, ...]:
    if not all(math.isfinite(value) and abs(value) < _FAR for value in values):
        raise ValueError(
            f"{what} must hold finite numbers, not {', '.join(f'{value:g}' for value in values[:5])}"
        )
    return tuple(values)


def _named(view: str, values: Mapping[str, float]) -> Mapping[str, float]:
    return dict(
        zip(values, _numbers(f"what is set of the view {view!r}", tuple(values.values())), strict=True)
    )


def _pair(values: tuple[float, ...]) -> tuple[float, float]:
    return values[0], values[1]


def _panels(places: Sequence[_Place]) -> tuple[Place, ...]:
    keys = [place.key for place in places]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise ValueError(f"the panel {twice[0]!r} stands in two places")
    return tuple(Place(**msgspec.structs.asdict(place)) for place in places)


def _range(values: Sequence[float]) -> tuple[float, float, float, float]:
    x0, x1, y0, y1 = _numbers("the range on show", values)
    if not (x0 < x1 and y0 < y1):
        raise ValueError(f"the range on show must be x0 < x1, y0 < y1, not {x0:g}, {x1:g}, {y0:g}, {y1:g}")
    return x0, x1, y0, y1
