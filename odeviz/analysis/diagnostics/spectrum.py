"""Eigenvalues and norm of the field's Jacobian along trajectories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from odeviz.analysis.diagnostics.jacobian import jacobian
from odeviz.analysis.diagnostics.subject import FINE, array, number, setting_text, subject_of
from odeviz.tasks.chart import Chart, Curve, Picture, Role, frozen
from odeviz.tasks.numerals import thousands
from odeviz.tasks.scene import Scene

_TIMES = 41
#: States of more dimensions than this are looked at along fewer trajectories.
_MANY_DIMENSIONS, _FEW = 8, 16
#: The flow view's trajectories whose norm is drawn, one by one.
_DRAWN, _DRAWN_FEW = 24, 8
#: How far the stability region of an explicit method of order 4 or 5 reaches along the negative real axis, about.
_REACH = 3.3


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Over times ``t [T]``, ``[T, batch]`` each."""

    t: np.ndarray
    #: Largest real part, and largest modulus, of an eigenvalue.
    real: Tensor
    radius: Tensor
    #: Largest singular value: the rate at which neighbours can part at most.
    norm: Tensor
    #: The same along the first of the flow view's trajectories.
    crowd: Tensor


def spectrum(scene: Scene) -> Spectrum | None:
    """Along the subject's trajectories, in float64; None where they do not arrive."""
    subject = subject_of(scene)
    many = subject.dim > _MANY_DIMENSIONS
    own = subject.starts()[: _FEW if many else None]
    starts = torch.cat([own, subject.crowd(_DRAWN_FEW if many else _DRAWN)])
    times = np.linspace(0.0, subject.t1, _TIMES)
    solution = subject.solve(scene, subject.exact, starts, times.tolist(), FINE)
    if not solution.ok:
        return None
    real, radius, norm = [], [], []
    for t, states in zip(times.tolist(), solution.y, strict=True):
        scene.check()
        matrices = jacobian(subject.exact.field, t, states)[1]
        values = torch.linalg.eigvals(matrices)
        real.append(values.real.max(dim=1).values)
        radius.append(values.abs().max(dim=1).values)
        norm.append(torch.linalg.matrix_norm(matrices, ord=2))
    every = torch.stack(norm)
    n = len(own)
    return Spectrum(times, torch.stack(real)[:, :n], torch.stack(radius)[:, :n], every[:, :n], every[:, n:])


def stiffness(scene: Scene) -> Picture:
    """See the view."""
    found: Spectrum | None = scene.remember("spectrum", lambda: spectrum(scene))
    subject = subject_of(scene)
    title, axes = "Jacobian along the flow", ("t", "1/time")
    if found is None:
        return Chart(title, *axes, (), over_time=True, note="The flow is too stiff to be followed closely.")
    crowd = [
        Curve("", frozen(found.t), array(found.crowd[:, k]), "muted", faint=True, of=k)
        for k in range(found.crowd.shape[1])
    ]
    curves = (
        *crowd,
        _curve("norm |J|", found.t, found.norm, "class1"),
        _curve("spectral radius", found.t, found.radius, "class2"),
        _curve("largest real part", found.t, found.real, "model"),
    )
    solution = subject.solve(
        scene, subject.model, subject.own(subject.starts()), (0.0, subject.t1), scene.solver
    )
    steps = [abs(step.h) for step in solution.stats.steps if step.accepted]
    taken = f"; {setting_text(scene.solver)} makes {len(steps)}" if steps else ""
    radius = float(found.radius.max())
    needed = thousands(radius * subject.t1 / _REACH)
    count = "one explicit step" if needed in ("0", "1") else f"up to {needed} explicit steps"
    return Chart(
        title,
        *axes,
        curves,
        over_time=True,
        note=f"Norm up to {number(float(found.norm.max()))}, spectral radius up to {number(radius)}, "
        f"real parts {number(float(found.real.min()))} to {number(float(found.real.max()))}. "
        f"Stability alone asks for {count}{taken}. Medians, bands of 5 to 95 %; faint: norms along the flow's paths.",
    )


def _curve(label: str, t: np.ndarray, values: Tensor, role: Role) -> Curve:
    low, middle, high = (array(values.quantile(q, dim=1)) for q in (0.05, 0.5, 0.95))
    return Curve(label, frozen(t), middle, role, low=low, high=high)


VIEWS: dict[str, Callable[[Scene], Picture]] = {"stiffness": stiffness}
