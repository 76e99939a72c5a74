"""The true system beside the learnt one: in the plane, in time, and in what it keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from odeviz.fields.systems import EquationField, UniversalField
from odeviz.tasks.chart import Chart, Charts, Curve, Floats, Map, Maps, Picture, Role, Table, frozen
from odeviz.tasks.dynamics import TASK
from odeviz.tasks.dynamics.learning import PERIODS, SCORING, Learning
from odeviz.tasks.numerals import figure, percent
from odeviz.tasks.scene import Scene

#: Trajectories and arrows along each side of a phase plane; times of a path; cells along each side of a map.
_PATHS, _ARROWS, _FINE, _CELLS = 12, 15, 801, 60
#: Points of the data on a map.
_POINTS = 300


def draw(key: str, scene: Scene) -> Picture:
    """The view of that key."""
    scene.check()
    return _VIEWS[key](scene, scene.learning)


def _phase(scene: Scene, learning: Learning) -> Charts:
    true = learning.true_paths(_FINE)[:_PATHS]
    times = np.linspace(0.0, scene.model.t1, _FINE)
    learnt = learning.follow(scene.model, true[:, 0], times, scene.solver)
    scene.check()
    grid = learning.system.lift(_nodes(learning, _ARROWS))
    sides = (
        ("True system", "true", true, learning.system.rate(grid), "truth"),
        ("Learnt system", "learnt", learnt, learning.rate(scene.model, grid), "model"),
    )
    charts = tuple(
        _plane_chart(learning, title, name, paths, velocity, role)  # type: ignore[arg-type]
        for title, name, paths, velocity, role in sides
    )
    apart = np.linalg.norm(learnt[:, -1] - true[:, -1], axis=-1)
    starts = f"{len(true)} training start{'s' * (len(true) > 1)}"
    note = (
        f"From {starts}; at t = {scene.model.t1:g} true and learnt are {figure(apart.mean())} apart (mean)."
    )
    return Charts("Phase plane", charts, columns=2, note=note)


def _plane_chart(
    learning: Learning, title: str, name: str, paths: Floats, velocity: Floats, role: Role
) -> Chart:
    system = learning.system
    times = np.linspace(0.0, learning.experiment.solver.t1, paths.shape[1])
    i, j = system.plane
    x, y = _arrows(learning, velocity[..., [i, j]])
    lines = [_within(learning, path[:, [i, j]]) for path in paths]
    curves = [Curve("field", frozen(x), frozen(y), "muted", faint=True)]
    curves += [
        Curve(
            name if not k else "", frozen(line[:, 0]), frozen(line[:, 1]), role, faint=k > 0, t=frozen(times)
        )
        for k, line in enumerate(lines)
    ]
    starts = paths[:, 0][:, [i, j]]
    curves.append(Curve("starts", frozen(starts[:, 0]), frozen(starts[:, 1]), "data", "points"))
    return Chart(title, system.axes[i], system.axes[j], tuple(curves), at="playhead")


def _series(scene: Scene, learning: Learning) -> Charts:
    times = np.linspace(0.0, scene.model.t1, _FINE)
    true, whence = _true_path(scene, learning, times)
    learnt = learning.follow(scene.model, true[:1], times, scene.solver)[0]
    t = frozen(times)
    charts = tuple(
        Chart(
            "", "t", axis,
            (
                Curve("true", t, frozen(true[:, k]), "truth", "dashed"),
                Curve("learnt", t, frozen(_bounded(learnt[:, k], true[:, k])), "model"),
            ),
            over_time=True,
        )
        for k, axis in enumerate(learning.system.axes)
    )  # fmt: skip
    apart = np.sqrt(((learnt - true) ** 2).sum(-1).mean())
    note = f"From {whence}; RMS distance {figure(apart)} up to t = {scene.model.t1:g}."
    return Charts("Time series", (*charts, _distance(times, true, learnt)), note=note)


def _true_path(scene: Scene, learning: Learning, times: Floats) -> tuple[Floats, str]:
    """The true states ``[times, dim]`` from the selected seed, or else from an unseen start; and whence."""
    start, system = scene.viewpoint.start, learning.system
    if start is None:
        return learning.true_paths(_FINE, unseen=True)[0], "a start that training never saw"
    point = np.array(start, dtype=np.float64)
    state = point if len(point) == system.dim else system.lift(point)
    return system.path(state.tolist(), times), "the selected seed"


def _distance(times: Floats, true: Floats, learnt: Floats) -> Chart:
    """How far the learnt state is from the true one."""
    apart = np.linalg.norm(learnt - true, axis=-1)
    apart = np.where(np.isfinite(apart) & (apart > 0), apart, np.nan)
    # Without a name of its own, so that the components' legend stands for all.
    curve = Curve("", frozen(times), frozen(apart), "second")
    return Chart("", "t", "distance", (curve,), y_log=True, over_time=True)


def _difference(scene: Scene, learning: Learning) -> Maps:
    states = learning.system.lift(_centres(learning))
    true, learnt = learning.system.rate(states), learning.rate(scene.model, states)
    scene.check()
    apart = np.linalg.norm(learnt - true, axis=-1)
    points = frozen(learning.shown(scene.model, _POINTS)[0])
    maps = (
        _map(learning, "True speed", np.linalg.norm(true, axis=-1)),
        _map(learning, "Learnt speed", np.linalg.norm(learnt, axis=-1)),
        _map(learning, "Difference", apart, points),
    )
    note = f"The fields differ by {figure(np.median(apart))} (median over the plane){_slice_of(learning)}."
    return Maps("Where the fields differ", maps, columns=3, scale="speed", **_plane(learning), note=note)


def _conserved(scene: Scene, learning: Learning) -> Chart:
    """The learnt field's drift, as the figure measures it: a looser solver would show its own dissipation too."""
    times, unseen = scene.remember("drift", lambda: learning.drift(scene.model, learning.held_out[:, 0]))
    shown = learning.starts(scene.model, TASK.crowd, 0)[0].astype(np.float64)
    _, crowd = scene.remember("drift of the crowd", lambda: learning.drift(scene.model, shown))
    scene.check()
    most = np.abs(unseen).max(1)
    bold, *faint = (np.where(np.isfinite(row), row, np.nan) for row in (unseen[0], *crowd))
    t = frozen(times)
    curves = [Curve("kept", t, frozen(np.zeros_like(times)), "truth", "dashed")]
    # Faint are the flow view's own trajectories, so that each can be pointed at in both.
    curves += [Curve("", t, frozen(row), "model", faint=True, of=k) for k, row in enumerate(faint)]
    curves.append(Curve("learnt", t, frozen(bold), "model"))
    name, gone = learning.system.invariant, int(np.isinf(most).sum())
    away = f"; {gone} leave the states that have one" if gone else ""
    note = (
        f"Over {PERIODS} periods the {name} changes by up to {figure(np.median(most))} (median of {len(most)} unseen "
        f"starts; {figure(most[0])} from the bold one){away}; faint: the flow's paths. Solved to "
        f"{figure(SCORING.rtol)}: the learnt field's drift, not the solver's."
    )
    return Chart("Conserved quantity", "t", f"change of {name}", tuple(curves), note=note)


def _parameters(scene: Scene, learning: Learning) -> Table:
    assert isinstance(scene.model.field, EquationField)
    learnt = scene.model.field.parameters_now.double().tolist()
    rows = tuple(
        (p.name, p.value, value, abs(value / p.value - 1))
        for p, value in zip(learning.system.parameters, learnt, strict=True)
    )
    worst = max(row[3] for row in rows)
    note = f"The largest relative error is {figure(worst, 2)}."
    return Table("Parameters", ("parameter", "true", "learnt", "relative error"), rows, note=note)


def _missing(scene: Scene, learning: Learning) -> Maps:
    field, system = scene.model.field, learning.system
    assert isinstance(field, UniversalField)
    states = system.lift(_centres(learning))
    true = system.missing_rate(states)
    with torch.no_grad():
        flat = field.missing(learning.tensor(states.reshape(-1, system.dim)))
    learnt = flat.double().cpu().numpy().reshape(states.shape)
    points = frozen(learning.shown(scene.model, _POINTS)[0])
    maps = tuple(
        _map(learning, f"{side}, of {system.axes[channel]}", values[..., channel], points)
        for channel in system.channels
        for side, values in (("True", true), ("Learnt", learnt))
    )
    here = learning.held_out.reshape(-1, system.dim)
    with torch.no_grad():
        found = field.missing(learning.tensor(here.copy())).double().cpu().numpy()
    wanted = system.missing_rate(here)
    error = np.sqrt(((found - wanted) ** 2).sum() / (wanted**2).sum())
    note = f"Where trajectories go the learnt {system.term} is {percent(error, 1)} off (RMS){_slice_of(learning)}."
    return Maps(
        f"Missing term: {system.term}",
        maps,
        columns=2,
        shared=True,
        diverging=True,
        scale="rate",
        **_plane(learning),
        note=note,
    )


_VIEWS: dict[str, Callable[[Scene, Any], Picture]] = {
    "phase": _phase,
    "series": _series,
    "difference": _difference,
    "conserved": _conserved,
    "parameters": _parameters,
    "missing": _missing,
}


def _nodes(learning: Learning, n: int, inset: float = 0.5) -> Floats:
    """The centres ``[n, n, 2]`` of n x n cells of the plane, rows from the lowest y."""
    x0, x1, y0, y1 = learning.system.extent
    share = (np.arange(n) + inset) / n
    x, y = np.meshgrid(x0 + share * (x1 - x0), y0 + share * (y1 - y0))
    return np.stack([x, y], -1)


def _centres(learning: Learning) -> Floats:
    return _nodes(learning, _CELLS)


def _map(learning: Learning, title: str, values: Floats, points: Floats | None = None) -> Map:
    return Map(title, learning.system.extent, frozen(values), points)


def _plane(learning: Learning) -> dict[str, Any]:
    """The axes of maps over the plane."""
    system = learning.system
    x, y = (system.axes[k] for k in system.plane)
    return {"axes": (x, y), "equal": learning.equal}


def _slice_of(learning: Learning) -> str:
    """What a map over the plane of a higher-dimensional system shows of it."""
    system = learning.system
    twins = [
        f"{system.axes[k]} = {system.axes[system.plane[c]]}"
        for k, c in enumerate(system.lifted)
        if system.plane[c] != k
    ]
    return f", on the slice {', '.join(twins)}" if twins else ""


def _arrows(learning: Learning, velocity: Floats) -> tuple[Floats, Floats]:
    """Arrows of equal length as seen along ``velocity [n, n, 2]``, as one broken line."""
    x0, x1, y0, y1 = learning.system.extent
    size = np.array([x1 - x0, y1 - y0])
    along = velocity / size
    along = along / np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-12)
    across = along[..., ::-1] * np.array([-1.0, 1.0])
    centre = _nodes(learning, len(velocity))
    step = 0.7 / len(velocity)
    tail, tip = centre - 0.5 * step * along * size, centre + 0.5 * step * along * size
    barbs = [tip + step * (-0.3 * along + side * 0.2 * across) * size for side in (1, -1)]
    gap = np.full_like(tip, np.nan)
    line = np.stack([tail, tip, barbs[0], tip, barbs[1], gap], axis=-2).reshape(-1, 2)
    return line[:, 0], line[:, 1]


def _within(learning: Learning, path: Floats) -> Floats:
    """A path ``[times, 2]`` with gaps where it has left the plane that is shown."""
    x0, x1, y0, y1 = learning.system.extent
    middle, half = np.array([x0 + x1, y0 + y1]) / 2, np.array([x1 - x0, y1 - y0]) / 2
    inside = (np.abs(path - middle) <= 1.15 * half).all(-1, keepdims=True)
    return np.where(inside, path, np.nan)


def _bounded(values: Floats, true: Floats) -> Floats:
    """Values with gaps where they are far outside the range of the true ones."""
    low, high = true.min(), true.max()
    room = max(high - low, 1e-9)
    return np.where((values > low - room) & (values < high + room), values, np.nan)
