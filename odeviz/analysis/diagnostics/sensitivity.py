"""How much work each state needs, and how fast its neighbours leave it."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from odeviz.analysis.diagnostics.flow_map import flow_map
from odeviz.analysis.diagnostics.maps import Layer, over_plane
from odeviz.analysis.diagnostics.subject import Ground, adaptive_choice, number, setting_text, subject_of
from odeviz.engine import Status, solve
from odeviz.tasks.chart import Picture
from odeviz.tasks.numerals import thousands
from odeviz.tasks.scene import Cancelled, Scene

_CELLS = 40


def nfe_each(scene: Scene, states: Tensor) -> tuple[Tensor, Tensor]:
    """Evaluations ``[batch]`` each state needs when its steps are its own, and which of them arrived."""
    subject, options = subject_of(scene), adaptive_choice(scene.solver)
    scene.check()
    solution = solve(
        subject.model.field,
        subject.own(states),
        (0.0, subject.t1),
        per_sample=True,
        method=options.method,
        rtol=options.rtol,
        atol=options.atol,
        max_steps=options.max_steps,
        cancel=scene.cancel,
    )
    each = solution.per_sample
    assert each is not None, "asked for"
    if Status.CANCELLED in each.status:
        raise Cancelled
    arrived = torch.tensor([status is Status.SUCCESS for status in each.status])
    return each.nfe.cpu().double(), arrived


def nfe_map(scene: Scene) -> Picture:
    """See the view."""
    subject = subject_of(scene)
    ground = Ground.of(subject, _CELLS)
    nfe, arrived = nfe_each(scene, ground.states)
    options = adaptive_choice(scene.solver)
    together = subject.solve(
        scene, subject.model, subject.own(ground.states), (0.0, subject.t1), options
    ).stats.nfe_forward
    nfe[~arrived] = math.nan
    note = f"{setting_text(options)}: "
    if bool(arrived.any()):
        known = nfe[arrived]
        note += (
            f"{thousands(int(known.min()))} to {thousands(int(known.max()))} evaluations, "
            f"{number(float(known.mean()))} in the mean; "
            f"all of these states together, with shared steps, {together} (the solver bar's are of its own paths)."
        )
    missed = int((~arrived).sum())
    note += f" {missed} of {len(nfe)} states did not arrive." if missed else ""
    return over_plane(
        "NFE over the plane", [Layer("from t = 0 to t₁", ground, nfe, 0.0)], scale="NFE", note=note
    )


def ftle(scene: Scene) -> Picture:
    """See the view; finite-time Lyapunov exponents over a grid, as in Shadden, Lekien and Marsden (2005)."""
    t1 = subject_of(scene).t1
    forward, backward = flow_map(scene, coarse=True), flow_map(scene, backward=True, coarse=True)
    rates = [way.stretch[:, 0].log() / t1 for way in (forward, backward)]
    title = "Lyapunov exponents"
    layers = [
        Layer("until t₁", forward.ground, rates[0], 0.0),
        Layer("back to t = 0", backward.ground, rates[1], t1),
    ]
    if not all(bool(torch.isfinite(rate).all()) for rate in rates):
        return over_plane(
            title, layers, scale="1/time", note="States of this part of the plane do not arrive."
        )
    most = [float(rate.max()) for rate in rates]
    return over_plane(
        title,
        layers,
        scale="1/time",
        shared=True,
        note=f"At most {number(most[0])} forwards and {number(most[1])} backwards: neighbours part "
        f"{number(math.exp(min(most[0] * t1, 700)))}-fold and {number(math.exp(min(most[1] * t1, 700)))}-fold. "
        "Ridges repel forwards, attract backwards.",
    )


VIEWS: dict[str, Callable[[Scene], Picture]] = {"nfe-map": nfe_map, "ftle": ftle}
