"""Forward and back again: what a solver loses on the way, and what the flow itself makes of it."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from odeviz.analysis.diagnostics.flow_map import flow_map
from odeviz.analysis.diagnostics.maps import Layer, over_plane
from odeviz.analysis.diagnostics.subject import Ground, Subject, number, setting_text, subject_of
from odeviz.engine import METHODS
from odeviz.tasks.chart import Picture
from odeviz.tasks.scene import Scene


def round_trip(scene: Scene, subject: Subject, states: Tensor) -> Tensor:
    """Distance ``[batch]`` in float64 between states and where the present solver has brought them back to."""
    begun = subject.own(states)
    there = subject.solve(scene, subject.model, begun, (0.0, subject.t1), scene.solver)
    if not there.ok:
        return torch.full_like(states[:, 0], math.nan)
    back = subject.solve(scene, subject.model, there.y1, (subject.t1, 0.0), scene.solver)
    distance: Tensor = (back.y1 - begun).cpu().double().norm(dim=1)
    return distance


def reverse(scene: Scene) -> Picture:
    """See the view."""
    subject = subject_of(scene)
    way = flow_map(scene)
    distance = round_trip(scene, subject, way.ground.states)
    # Below rounding, a distance says nothing.
    least = torch.finfo(subject.own(way.ground.states).dtype).eps
    layers = [_logarithm(way.ground, "there and back", distance, least)]
    note = f"{setting_text(scene.solver)}: {_middle(distance)}"
    if not bool(torch.isfinite(distance).any()):
        note = f"{setting_text(scene.solver)} does not come back: there is nothing to show"
    if way.whole and bool(torch.isfinite(way.stretch).all()):
        stretch = 1.0 / way.stretch[:, -1].clamp_min(1e-300)
        rate = float(stretch.max().log()) / subject.t1
        if METHODS[scene.solver.method].adaptive:
            expected = scene.solver.rtol * stretch
            layers.append(_logarithm(way.ground, "tolerance × stretch", expected, least))
            share = (distance / expected).median()
            note += f"; the median is {number(float(share))} × tolerance × stretch"
        note += f". The way back stretches errors up to {number(float(stretch.max()))}-fold: exp(λT), λ = "
        note += f"{number(rate)}, T = {number(subject.t1)}"
    note += "."
    return over_plane("There and back", layers, scale="log₁₀ |Δz|", shared=True, note=note)


def _logarithm(ground: Ground, title: str, values: Tensor, least: float) -> Layer:
    return Layer(title, ground, values.clamp_min(least).log10())


def _middle(values: Tensor) -> str:
    known = values[torch.isfinite(values)]
    if not len(known):
        return "unknown"
    return f"{number(float(known.median()))} in the median, {number(float(known.max()))} at most"


VIEWS: dict[str, Callable[[Scene], Picture]] = {"reverse": reverse}
