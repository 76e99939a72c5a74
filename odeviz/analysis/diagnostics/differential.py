"""Divergence and curl of the field over the plane."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from odeviz.analysis.diagnostics.jacobian import pulled_back
from odeviz.analysis.diagnostics.maps import Layer, over_plane
from odeviz.analysis.diagnostics.subject import Ground, Subject, array, number, subject_of
from odeviz.fields.divergence import differentiated
from odeviz.tasks.chart import Map, Maps, Picture
from odeviz.tasks.scene import Scene

_CELLS, _MOMENTS = 96, 3
#: A divergence below this share of the field's largest rate is none.
_ROUNDING = 1e-12
#: Times of a map over an axis of time.
_COLUMNS = 96


def divergence_and_curl(subject: Subject, t: float, states: Tensor) -> tuple[Tensor, Tensor]:
    """The divergence in all dimensions, and the curl of the motion in the plane: both ``[batch]``, in 1/time.

    The plane's directions are e and g, in which a point moves by b and c: the curl is c^T J e - b^T J g.
    """
    corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    origin, x, y = subject.plane.states(corners)
    along = subject.plane.velocity(torch.eye(subject.dim, dtype=torch.float64)).T
    _, rows = pulled_back(subject.exact.field, t, states, along)
    curl = rows[:, 1] @ (x - origin) - rows[:, 0] @ (y - origin)
    return differentiated(subject.exact.field, t, states)[1], curl


def view(scene: Scene) -> Picture:
    """See the view."""
    subject = subject_of(scene)
    if subject.plane.over_time:
        return _over_time(scene, subject)
    ground = Ground.of(subject, _CELLS)
    moments = np.linspace(0.0, subject.t1, _MOMENTS).tolist()
    divergences, curls = [], []
    for t in moments:
        scene.check()
        divergence, curl = divergence_and_curl(subject, t, ground.states)
        # What is left of a field without divergence is rounding, which would fill the scale.
        size = max(float(divergence.abs().max()), float(curl.abs().max()))
        divergence = torch.where(
            divergence.abs() > _ROUNDING * size, divergence, torch.zeros_like(divergence)
        )
        divergences.append(Layer(f"div, t = {number(t)}", ground, divergence))
        curls.append(Layer(f"curl, t = {number(t)}", ground, curl))
    return over_plane(
        "Divergence and curl",
        [*divergences, *curls],
        scale="1/time",
        columns=_MOMENTS,
        shared=True,
        diverging=True,
        note=f"Divergence {_range(divergences)} (positive: the flow expands, a density falls), curl {_range(curls)} "
        "(positive: counter-clockwise).",
    )


def _over_time(scene: Scene, subject: Subject) -> Maps:
    """A state of one dimension has no curl: its divergence over time and state."""
    ground = Ground.of(subject, _CELLS // 4)
    times = subject.t1 * (np.arange(_COLUMNS) + 0.5) / _COLUMNS
    columns = []
    for t in times.tolist():
        scene.check()
        columns.append(differentiated(subject.exact.field, t, ground.states)[1])
    values = torch.stack(columns, dim=1)
    e = subject.extent
    one = Map("divergence", (0.0, subject.t1, e.y0, e.y1), array(values))
    return Maps(
        "Divergence",
        (one,),
        columns=1,
        diverging=True,
        scale="1/time",
        axes=subject.plane.labels,
        equal=False,
        note=f"Divergence {number(float(values.min()))} to {number(float(values.max()))}.",
    )


def _range(layers: list[Layer]) -> str:
    low = min(float(layer.values.min()) for layer in layers)
    high = max(float(layer.values.max()) for layer in layers)
    return f"{number(low)} to {number(high)}"


VIEWS: dict[str, Callable[[Scene], Picture]] = {"divergence-curl": view}
