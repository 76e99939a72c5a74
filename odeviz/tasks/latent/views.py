"""The views of time series: over time and in the plane, latent states, traversals, and the paper's Table 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from odeviz.models import LatentODE
from odeviz.tasks.chart import Chart, Charts, Curve, Picture, Role, Table, frozen
from odeviz.tasks.latent import COUNTS, LATENT_ODE, RNN, SPIRALS
from odeviz.tasks.latent.by_hand import by_hand
from odeviz.tasks.latent.learning import parted, principal
from odeviz.tasks.latent.series import Floats
from odeviz.tasks.latent.telling import Told, coverage, told
from odeviz.tasks.numerals import percent
from odeviz.tasks.scene import Scene
from odeviz.tasks.shipped import recorded

#: Series in the plane; states along a direction, in standard deviations of the encoded series.
_IN_PLANE, _ALONG = 2, (-2.0, -1.0, 0.0, 1.0, 2.0)
_CLASSES: tuple[Role, ...] = ("class0", "class1", "class2", "class3", "class4")
#: The channels that are drawn.
_CHANNELS: tuple[tuple[str, Role], ...] = (("y₁", "model"), ("y₂", "second"))

#: RMSE beyond 30, 50 and 100 observations in the paper (Chen et al., 2018, Table 2).
PAPER = {LATENT_ODE: (0.1642, 0.1502, 0.1346), RNN: (0.3937, 0.3202, 0.1813)}
_NAMES = {LATENT_ODE: "latent ODE", RNN: "recurrent net"}
#: Preset of each model that is shipped.
PRESET_OF = {LATENT_ODE: "latent-spirals", RNN: "latent-spirals-rnn"}
#: Figures of one model by two solvers differ by a smaller share than this.
_SAME = 1e-3
#: Observations of a spiral that those have learnt from.
SHIPPED_FROM = (20, 100)


@torch.no_grad()
def draw(key: str, scene: Scene) -> Picture:
    """One of the task's views."""
    return _VIEWS[key](scene)


def _over_time(scene: Scene) -> Chart:
    """The first two channels of a series, with bands from samples of z0."""
    (series,) = told(scene, 1)
    this = f"this one, {_called(scene, series.label)}," if series.label >= 0 else "this one"
    note = f"{_until(scene)}: {this} with an RMSE of {series.beyond_error():.2f}.{_held(scene)}"
    # A recurrent net's flow begins where the observations end; a person's own time is not the flow's.
    flowing = isinstance(scene.model, LatentODE) and scene.learning.experiment.data.name == SPIRALS
    return Chart("Held-out series", "t", "y", _series_over_time(scene, series), over_time=flowing, note=note)


def _held(scene: Scene) -> str:
    """How much of what came later the band really holds."""
    if not isinstance(scene.model, LatentODE):
        return ""
    share, count = coverage(scene)
    what = "clean curves" if scene.learning.experiment.data.name == SPIRALS else "later observations"
    return f" The band of 90 % holds {percent(share)} of the {what} of {count} held-out series."


def _series_over_time(scene: Scene, series: Told) -> tuple[Curve, ...]:
    def of(values: Floats | None, channel: int) -> Floats | None:
        return None if values is None else frozen(values[:, channel])

    curves: list[Curve] = []
    for channel, (name, role) in enumerate(_CHANNELS[: series.said.shape[1]]):
        # What was observed is the ground for what is made of it.
        curves += [
            Curve(
                "observed", frozen(series.seen_at), frozen(series.seen[:, channel]), "data", "points",
                faint=channel > 0,
            ),
            *_truth(scene, series.known_at, series.known[:, channel], faint=channel > 0),
            Curve(
                name, frozen(series.t), frozen(series.said[:, channel]), role,
                low=of(series.low, channel), high=of(series.high, channel),
            ),
        ]  # fmt: skip
    return tuple(curves)


def _called(scene: Scene, label: int) -> str:
    name: str = scene.learning.classes.told(label) if label >= 0 else "series"
    return name


def _truth(scene: Scene, x: Floats, y: Floats, *, faint: bool = False) -> tuple[Curve, ...]:
    if scene.learning.experiment.data.name == SPIRALS:
        return (Curve("clean", frozen(x), frozen(y), "truth", "dashed", faint=faint),)
    return (Curve("known", frozen(x), frozen(y), "truth", "points", faint=faint),)


def _says(scene: Scene) -> str:
    return _NAMES[scene.learning.experiment.options.model]


def _until(scene: Scene) -> str:
    learning = scene.learning
    half = 0.5 * learning.experiment.solver.t1
    if learning.experiment.data.name == SPIRALS:
        return f"Observed until t = {half:g}; what comes later is predicted"
    lasts = half / learning.series.tempo
    return f"Observed for {lasts:.4g} in the data's own time; what comes in the {lasts:.4g} after that is predicted"


def _in_plane(scene: Scene) -> Picture:
    """A few series in the plane of their first two channels."""
    if scene.model.channels < 2:
        return _over_time(scene)
    charts = []
    for series in told(scene, _IN_PLANE):
        curves = (
            Curve("observed", frozen(series.seen[:, 0]), frozen(series.seen[:, 1]), "data", "points"),
            *_truth(scene, series.known[:, 0], series.known[:, 1]),
            Curve(
                _says(scene), frozen(series.said[:, 0]), frozen(series.said[:, 1]), "model",
                t=frozen(series.flow_t) if isinstance(scene.model, LatentODE) else None,
            ),
        )  # fmt: skip
        name = _called(scene, series.label)
        title = f"{name}, {series.beyond_error():.2f}"
        charts.append(Chart(title, "y₁", "y₂", curves, equal=True))
    note = f"{_until(scene)}. Above each: its RMSE there."
    return Charts("Held-out series in the plane", tuple(charts), columns=2, note=note)


def _latent(scene: Scene) -> Chart:
    """Encoded held-out series, with the line that parts their classes in the plane that is shown."""
    learning, model = scene.learning, scene.model
    states = model.state_of(learning.held_out())
    plane = learning.plane(model)
    points = plane.points(states, torch.zeros(())).cpu().double().numpy()
    labels = learning.series.scored.labels
    curves = [
        Curve(_called(scene, label), *_columns(points[labels == label]), _role(label), "points")
        for label in np.unique(labels).tolist()
    ]
    note = "Each point is what one series is encoded as."
    if (labels >= 0).all():
        share, line = parted(points, labels)
        whole, _ = parted(states.cpu().double().numpy(), labels)
        curves.append(Curve("parting line", *_columns(_segment(line, points)), "muted"))
        note = (
            f"The line parts {percent(share, 1)} of them, a hyperplane in all dimensions {percent(whole, 1)}."
        )
        if isinstance(model, LatentODE):
            turning = learning.parted_in_their_sense(model, scene.solver).mean()
            note += (
                f" Place alone would do, as the kinds lie side by side; {percent(turning, 1)} are parted and also "
                "decode to a curve that turns in their sense."
            )
    x, y = plane.labels
    return Chart("Encoded held-out series", x, y, tuple(curves), equal=True, at=0.0, note=note)


def _role(label: int) -> Role:
    return _CLASSES[label] if label >= 0 else "model"


def _columns(points: Floats) -> tuple[Floats, Floats]:
    return frozen(points[:, 0]), frozen(points[:, 1])


def _segment(line: Floats, points: Floats) -> Floats:
    """The part ``[2, 2]`` of the line ``a x + b y + c = 0`` that lies along the points."""
    normal, middle = line[:2] / max(float(np.hypot(*line[:2])), 1e-12), points.mean(axis=0)
    foot = middle - (middle @ line[:2] + line[2]) / max(float(line[:2] @ line[:2]), 1e-12) * line[:2]
    along = np.array([-normal[1], normal[0]])
    reach = (points - foot) @ along
    ends: Floats = foot + np.outer([reach.min(), reach.max()], along)
    return ends


def _traversal(scene: Scene) -> Charts:
    """What states decode to that lie along the principal directions of the encoded series."""
    learning, model = scene.learning, scene.model
    states = model.state_of(learning.held_out())
    middle, directions = principal(states.cpu().double().numpy())
    spread = ((states.cpu().double().numpy() - middle) @ directions).std(axis=0)
    t = np.linspace(0.0, model.t1, 101)
    charts = []
    for k in range(min(2, model.state_dim)):
        scene.check()
        starts = middle + np.outer(_ALONG, directions[:, k] * spread[k])
        values = learning.decoded(model, learning.tensor(starts), np.tile(t, (len(_ALONG), 1)), scene.solver)
        curves = learning.in_data(values.cpu().double().numpy())
        charts.append(_moved(scene, t, curves, f"direction {k + 1}"))
    note = "The colours run from −2 to 2 standard deviations of the encoded series; points mark t = 0."
    return Charts("Moving the state", tuple(charts), columns=2, note=note)


def _moved(scene: Scene, t: Floats, values: Floats, title: str) -> Chart:
    curves, plane, own = [], scene.model.channels > 1, scene.learning.own_time(t, 0.0)
    for role, share, curve in zip(_CLASSES, _ALONG, values, strict=True):
        x, y = (curve[:, 0], curve[:, 1]) if plane else (own, curve[:, 0])
        name = f"{share:+g} σ".replace("-", "−") if share else "mean"
        curves.append(Curve(name, frozen(x), frozen(y), role, t=frozen(t) if plane else None))
        curves.append(Curve("", frozen(x[:1]), frozen(y[:1]), role, "points", faint=True))
    if plane:
        return Chart(title, "y₁", "y₂", tuple(curves), equal=True)
    # Only the spirals' time is the flow's.
    return Chart(title, "t", "y₁", tuple(curves), over_time=scene.learning.experiment.data.name == SPIRALS)


def _table(scene: Scene) -> Table:
    """RMSE beyond the observations: of the model on show, of the presets, and of the paper."""
    learning = scene.learning
    title = "RMSE beyond the observations"
    if learning.experiment.data.name != SPIRALS:
        errors = learning.errors(scene.model, learning.rows_observed, scene.solver)
        rows: tuple[tuple[str | float, ...], ...] = (
            ("this model", errors["rmse"], errors["reconstruction"]),
        )
        return Table(title, ("model", "beyond", "inside"), rows, current=0, note=_unit(scene))
    ours = recorded(Path(__file__), PRESET_OF)
    here = [learning.errors(scene.model, n, scene.solver, inside=False)["rmse"] for n in COUNTS]
    options = learning.experiment.options
    shipped = [ours[options.model][f"rmse_{n}"] for n in COUNTS]
    # The shipped model is a row already; the solver on show moves its figures by less than this.
    same = np.allclose(here, shipped, rtol=_SAME, atol=0.0)
    told: list[tuple[str, Sequence[float]]] = [
        *([] if same else [("this model", here)]),
        *((f"{_NAMES[kind]}, shipped", [row[f"rmse_{n}"] for n in COUNTS]) for kind, row in ours.items()),
        *((f"{_NAMES[kind]}, paper", row) for kind, row in PAPER.items()),
    ]
    rows = tuple((name, *row) for name, row in told)
    columns = ("RMSE from", *(f"{n} seen" for n in COUNTS))
    ratio = ours[RNN][f"rmse_{COUNTS[0]}"] / ours[LATENT_ODE][f"rmse_{COUNTS[0]}"]
    current = list(ours).index(options.model) if same else 0
    as_shipped = _from(options.fewest, options.most) == _from(*SHIPPED_FROM)
    shipped_from = "" if as_shipped else f"; the shipped ones from {_from(*SHIPPED_FROM)}"
    note = (
        f"Learnt from {_from(options.fewest, options.most)} observations of each spiral, drawn anew for each batch"
        f"{shipped_from}. From {COUNTS[0]} the recurrent net's RMSE is {ratio:.2f} times the latent ODE's. "
        "Against the clean curve, at 100 times beyond the observed ones."
    )
    return Table(title, columns, rows, current=current, note=note)


def _from(fewest: int, most: int) -> str:
    low, high = sorted((fewest, most))
    return f"{low} to {high}" if low < high else f"{low}"


def _unit(scene: Scene) -> str:
    unit = "the data's unit" if scene.learning.series.common_unit else "standard deviations of each channel"
    return f"In {unit}, against what was observed later."


_VIEWS: dict[str, Callable[[Scene], Picture]] = {
    "series": _over_time,
    "paths": _in_plane,
    "latent": _latent,
    "traversal": _traversal,
    "by-hand": by_hand,
    "table": _table,
}
