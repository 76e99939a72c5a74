"""Fixed points of the field with its time held fast, their eigenvalues, and nullclines in the plane."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.analysis import grid
from odeviz.analysis.diagnostics.jacobian import jacobian
from odeviz.analysis.diagnostics.subject import Subject, array, number, subject_of
from odeviz.tasks.chart import Chart, Charts, Curve, Picture, Role, Table, frozen
from odeviz.tasks.scene import Scene

PLANE = 2
#: Newton's method starts from the nodes of such a grid, and takes so many steps.
_STARTS, _NEWTON = 15, 30
#: States of more dimensions than this are sought from fewer starts.
_MANY_DIMENSIONS, _FEW_STARTS = 8, 7
#: A point is fixed where the field is this much smaller than it is typically; two closer than that share are one.
_ZERO, _SAME = 1e-9, 1e-4
#: Eigenvalues with a smaller real part than this share of their modulus turn without end, to what can be told.
_NEUTRAL = 1e-6
_CELLS = 96
#: What becomes of the neighbours of fixed points, by the first word of their kinds.
_FATES: tuple[tuple[str, tuple[str, ...], Role], ...] = (
    ("stable", ("stable",), "model"),
    ("unstable", ("unstable", "saddle"), "truth"),
    ("neutral", ("centre", "degenerate"), "second"),
)
#: Rows of the table for each time.
_ROWS = 30


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """A state at rest while the field is held fast at ``t``."""

    t: float
    state: NDArray[np.float64]  # [dim]
    point: tuple[float, float]
    eigenvalues: NDArray[np.complex128]  # [dim], the largest real part first
    kind: str


def moments(subject: Subject) -> tuple[float, ...]:
    """Times to hold the field fast at: one for a field that does not depend on time."""
    states, times = subject.starts(), (0.0, 0.5 * subject.t1, subject.t1)
    with torch.no_grad():
        first, *others = (subject.exact.field(t, states) for t in times)
    size = float(first.abs().max())
    same = all(float((other - first).abs().max()) <= 1e-12 * max(size, 1e-300) for other in others)
    return times[:1] if same else times


def kind_of(eigenvalues: NDArray[np.complex128]) -> str:
    """What a linear flow with these eigenvalues does."""
    size = float(np.abs(eigenvalues).max()) or 1.0
    real = np.where(np.abs(eigenvalues.real) <= _NEUTRAL * size, 0.0, eigenvalues.real)
    turns = bool((np.abs(eigenvalues.imag) > _NEUTRAL * size).any())
    if (real > 0).any() and (real < 0).any():
        return "saddle"
    if (real == 0).all() and turns and (np.abs(eigenvalues.imag) > _NEUTRAL * size).all():
        return "centre"
    if (real == 0).any():
        return "degenerate"
    return f"{'unstable' if (real > 0).any() else 'stable'} {'focus' if turns else 'node'}"


def fixed_points(scene: Scene, t: float) -> list[FixedPoint]:
    """Those within the plane's rectangle, found by Newton's method from a grid over it."""
    subject = subject_of(scene)
    found = _newton(scene, subject, t)
    points = subject.plane.points(found[None], found.new_tensor([t]))[0]
    distinct: list[int] = []
    e = subject.extent
    reach = _SAME * max(e.x1 - e.x0, e.y1 - e.y0)
    for k, (x, y) in enumerate(points.tolist()):
        inside = subject.plane.over_time or (e.x0 <= x <= e.x1 and e.y0 <= y <= e.y1)
        if inside and all(float((found[k] - found[j]).norm()) > reach for j in distinct):
            distinct.append(k)
    if not distinct:
        return []
    matrices = jacobian(subject.exact.field, t, found[distinct])[1]
    results = []
    for k, matrix in zip(distinct, matrices, strict=True):
        values = torch.linalg.eigvals(matrix).numpy()
        values = values[np.argsort(-values.real, kind="stable")]
        x, y = points[k].tolist()
        results.append(FixedPoint(t, found[k].numpy(), (x, y), values, kind_of(values)))
    return sorted(results, key=lambda one: one.point)


def _newton(scene: Scene, subject: Subject, t: float) -> Tensor:
    """States ``[n, dim]`` where the field is zero to rounding, many of them several times."""
    side = _FEW_STARTS if subject.dim > _MANY_DIMENSIONS else _STARTS
    nodes = grid.nodes(subject.extent, side, side)[2]
    states = subject.plane.states(torch.as_tensor(nodes))
    most = 0.5 * max(subject.extent.y1 - subject.extent.y0, 1e-6)
    field = subject.exact.field
    typical = float(field(t, states).detach().norm(dim=1).median())
    for _ in range(_NEWTON):
        scene.check()
        value, matrix = jacobian(field, t, states)
        step = (torch.linalg.pinv(matrix.nan_to_num()) @ value[:, :, None])[:, :, 0]
        step = step.nan_to_num(0.0, 0.0, 0.0)
        # A step across the picture is no guide: it is cut short.
        length = step.norm(dim=1, keepdim=True).clamp_min(1e-300)
        states = states - step * (most / length).clamp(max=1.0)
        states = torch.where(torch.isfinite(states), states, torch.zeros_like(states))
    with torch.no_grad():
        left = field(t, states).norm(dim=1)
    return states[left <= _ZERO * max(typical, 1e-300)]


def all_fixed_points(scene: Scene) -> dict[float, list[FixedPoint]]:
    """By the time the field is held fast at; found once."""
    subject = subject_of(scene)
    known: dict[float, list[FixedPoint]] = scene.remember(
        "fixed points", lambda: {t: fixed_points(scene, t) for t in moments(subject)}
    )
    return known


def table(scene: Scene) -> Picture:
    """See the view."""
    known, subject = all_fixed_points(scene), subject_of(scene)
    labels = subject.plane.labels
    rows: list[tuple[str | float, ...]] = []
    for t, points in known.items():
        for one in points[:_ROWS]:
            place = ", ".join(number(v) for v in one.point)
            away = float(np.abs(one.state - _in_plane(subject, one)).max())
            rows.append((number(t), place, one.kind, _eigenvalue_text(one.eigenvalues), away))
    return Table(
        "Fixed points",
        ("held at t", f"{labels[0]}, {labels[1]}", "class", "eigenvalues", "out of the plane"),
        tuple(rows),
        note=_note(known),
    )


def nullclines(scene: Scene) -> Picture:
    """See the view."""
    subject, known = subject_of(scene), all_fixed_points(scene)
    charts = []
    for t, points in known.items():
        scene.check()
        if subject.plane.over_time:
            charts.append(_nullclines_over_time(subject, t))
        else:
            charts.append(_plane_chart(subject, t, points))
    note = _note(known)
    if subject.dim > PLANE:
        note += f" A slice of {subject.dim} dimensions, fixed points projected onto it."
    if len(charts) == 1:
        # Of a field that does not depend on time it is the picture of all times.
        only = dataclasses.replace(charts[0], title="Nullclines", note=note)
        return only if subject.plane.over_time else dataclasses.replace(only, at="playhead")
    return Charts("Nullclines", tuple(charts), columns=len(charts), note=note)


def _plane_chart(subject: Subject, t: float, points: list[FixedPoint]) -> Chart:
    x, y, nodes = grid.nodes(subject.extent, _CELLS, _CELLS)
    states = subject.plane.states(torch.as_tensor(nodes))
    with torch.no_grad():
        velocity = subject.plane.velocity(subject.exact.field(t, states)).reshape(_CELLS, _CELLS, 2).numpy()
    labels = subject.plane.labels
    roles: tuple[Role, Role] = ("class0", "class1")
    curves = [
        Curve(f"{_rate(labels[k])} = 0", *zero_lines(x, y, velocity[..., k]), roles[k]) for k in range(2)
    ]
    for label, kinds, role in _FATES:
        mine = [one.point for one in points if one.kind.startswith(kinds)]
        if mine:
            px, py = np.array(mine).T
            curves.append(Curve(label, frozen(px), frozen(py), role, "points"))
    e = subject.extent
    return Chart(f"t = {number(t)}", *labels, tuple(curves), frame=(e.x0, e.x1, e.y0, e.y1), at=t)


def _nullclines_over_time(subject: Subject, t: float) -> Chart:
    """Of one dimension, the field itself: its zeros are the fixed points."""
    e = subject.extent
    h = np.linspace(e.y0, e.y1, 4 * _CELLS)
    with torch.no_grad():
        velocity = subject.exact.field(t, torch.as_tensor(h)[:, None])[:, 0]
    name = e.y_label
    zero = Curve("0", frozen([e.y0, e.y1]), frozen([0.0, 0.0]), "muted", "dashed")
    return Chart(f"t = {number(t)}", name, f"d{name}/dt", (Curve("field", frozen(h), array(velocity)), zero))


def zero_lines(
    x: NDArray[np.float64], y: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Where ``values [ny, nx]`` at nodes change their sign: segments with a NaN after each, by marching triangles.

    Each cell is parted along a diagonal; in a triangle the values are taken as linear, so that a zero line is straight.
    """
    gx, gy = np.meshgrid(x, y)
    corners = np.stack([gx, gy, values], axis=-1)
    a, b, c, d = corners[:-1, :-1], corners[:-1, 1:], corners[1:, 1:], corners[1:, :-1]
    pieces = [_in_triangles(*(part.reshape(-1, 3) for part in three)) for three in ((a, b, c), (a, c, d))]
    segments = np.concatenate(pieces)
    lines = np.full((len(segments), 3, 2), np.nan)
    lines[:, :2] = segments
    flat = lines.reshape(-1, 2)
    return frozen(flat[:, 0]), frozen(flat[:, 1])


def _in_triangles(
    p: NDArray[np.float64], q: NDArray[np.float64], r: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Segments ``[n, 2, 2]`` in the triangles with corners ``[m, (x, y, value)]`` where the value is zero."""
    above = np.stack([corner[:, 2] > 0 for corner in (p, q, r)])
    odd = above.sum(0)
    segments = []
    for k, (lone, one, other) in enumerate(((p, q, r), (q, r, p), (r, p, q))):
        apart = ((odd == 1) & above[k]) | ((odd == 2) & ~above[k])
        segments.append(np.stack([_crossing(lone[apart], side[apart]) for side in (one, other)], axis=1))
    return np.concatenate(segments)


def _crossing(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    share = (p[:, 2] / (p[:, 2] - q[:, 2]))[:, None]
    crossing: NDArray[np.float64] = p[:, :2] + share * (q[:, :2] - p[:, :2])
    return crossing


def _in_plane(subject: Subject, one: FixedPoint) -> NDArray[np.float64]:
    states: NDArray[np.float64] = subject.plane.states(torch.tensor([one.point], dtype=torch.float64))[
        0
    ].numpy()
    return states


def _eigenvalue_text(values: NDArray[np.complex128]) -> str:
    shown = []
    for value in values[:4]:
        if abs(value.imag) <= _NEUTRAL * abs(value):
            shown.append(number(float(value.real)))
        elif value.imag > 0:
            shown.append(f"{number(float(value.real))} ± {number(float(value.imag))}i")
    return ", ".join(shown) + (", …" if len(values) > 4 else "")


def _rate(label: str) -> str:
    """The derivative of a coordinate, as it is written."""
    return f"d({label})/dt" if " " in label else f"d{label}/dt"


def _note(known: dict[float, list[FixedPoint]]) -> str:
    if not any(known.values()):
        return f"No state is at rest in this part of the plane ({_times(known)})."
    parts = []
    for t, points in known.items():
        kinds = [one.kind for one in points]
        counted = ", ".join(_counted(kinds.count(kind), kind) for kind in dict.fromkeys(kinds)) or "none"
        parts.append(f"{counted} at t = {number(t)}" if len(known) > 1 else counted)
    text = "; ".join(parts)
    held = "Held fast, the field has " if len(known) > 1 else "The field does not depend on time and has "
    return f"{held}{text}."


def _counted(count: int, kind: str) -> str:
    """So many points of a kind, such as "2 stable foci"."""
    if count == 1 or kind == "degenerate":
        return f"{count} {kind}"
    return f"{count} {kind.removesuffix('us')}i" if kind.endswith("focus") else f"{count} {kind}s"


def _times(known: dict[float, list[FixedPoint]]) -> str:
    return "at every time" if len(known) == 1 else "at t = " + ", ".join(number(t) for t in known)


VIEWS: dict[str, Callable[[Scene], Picture]] = {"nullclines": nullclines, "fixed-points": table}
