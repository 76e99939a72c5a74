"""Views of a fit to a given density: what is given, the grid of figure 4, and the units. Imports torch."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.fields import PlanarField
from odeviz.models import PlanarNF, SolverOptions
from odeviz.tasks.chart import Chart, Charts, Curve, Map, Maps, Picture, frozen
from odeviz.tasks.density.views import density_map, filmstrip
from odeviz.tasks.numerals import AXES
from odeviz.tasks.scene import Scene
from odeviz.tasks.variational.grid import KINDS, UNITS, fitted
from odeviz.tasks.variational.potentials import HALF, Potential, centres

_EXTENT = (-HALF, HALF, -HALF, HALF)
#: Cells a side of the two pictures, and of each of the grid's.
_FINE, _COARSE = 80, 40
#: How the grid's continuous flows are solved.
_SOLVER = SolverOptions(method="dopri5", rtol=1e-3, atol=1e-3)
#: Times at which gates are shown.
_TIMES = 101
#: An arrow's head as a share of its length.
_HEAD = 0.2


def draw(key: str, scene: Scene) -> Picture:
    """The view of that name."""
    views: dict[str, Callable[[Scene], Picture]] = {
        "comparison": comparison,
        "grid": grid,
        "units": units,
        "filmstrip": filmstrip,
    }
    with torch.no_grad():
        return views[key](scene)


def comparison(scene: Scene) -> Maps:
    """p beside q."""
    potential: Potential = scene.learning.potential
    given = Map(f"given: {potential.name}", _EXTENT, frozen(potential.density(_FINE)))
    t1: float = scene.model.t1
    learnt = Map("learnt", _EXTENT, frozen(density_map(scene, _EXTENT, t1, _FINE)), at=t1)
    note = f"{potential.title}."
    return Maps("Given and learnt", (given, learnt), 2, shared=True, scale="p, q", axes=AXES, note=note)


def grid(scene: Scene) -> Maps:
    """Chen et al. (2018), figure 4, with models that are shipped."""
    potential: Potential = scene.learning.potential
    given = Map(f"given:\n{potential.name}", _EXTENT, frozen(potential.density(_COARSE)))
    shown = Map("this\nmodel", _EXTENT, frozen(density_map(scene, _EXTENT, scene.model.t1, _COARSE)))
    maps = []
    for kind, first in zip(KINDS, (given, shown), strict=True):
        maps.append(first)
        for count in UNITS:
            scene.check()
            maps.append(_shipped(potential.name, kind, count))
    note = (
        "Each has its own colour scale. All were trained for as many iterations; standard errors of KL are below "
        "0.02 nats."
    )
    return Maps("Continuous against planar flow", tuple(maps), columns=1 + len(UNITS), axes=AXES, note=note)


@cache
def _shipped(potential: str, kind: str, units: int) -> Map:
    """The density of a model of the grid, which is always the same."""
    fit = fitted(potential, kind, units)
    states = torch.from_numpy(centres(_COARSE)).to(next(fit.model.parameters()))
    log_density = fit.model.log_prob_at(states, fit.model.t1, _SOLVER)
    values = log_density.double().exp().numpy().reshape(_COARSE, _COARSE)
    return Map(f"{fit.label}\nKL {fit.kl:.3f}", _EXTENT, frozen(values))


def units(scene: Scene) -> Charts:
    """Where each unit pushes, and when."""
    model = scene.model
    field = model.field
    out = field.out_kept() if isinstance(model, PlanarNF) else field.out.t()
    weight, bias = field.weight.double().cpu().numpy(), field.bias.double().cpu().numpy()
    push = out.double().cpu().numpy()
    arrows = [curve for k in range(len(push)) for curve in _unit(k, weight[k], float(bias[k]), push[k])]
    name = "layer" if isinstance(model, PlanarNF) else "unit"
    where = Chart(f"Where each {name} pushes", *AXES, tuple(arrows), equal=True)
    when = _layers(push) if isinstance(model, PlanarNF) else _gates(field, model.t1)
    return Charts("Units", (where, when), columns=2)


def _unit(k: int, w: NDArray[np.float64], b: float, u: NDArray[np.float64]) -> list[Curve]:
    """The line w . z + b = 0 within the square, and the arrow of the push on its positive side."""
    norm = float(np.hypot(*w))
    if norm < 1e-9:
        return []
    foot, along = -b * w / norm**2, np.array([-w[1], w[0]]) / norm
    line = foot + np.linspace(-2.0 * HALF, 2.0 * HALF, 161)[:, None] * along
    line[(np.abs(line) > HALF).any(1)] = math.nan
    curves = (
        []
        if np.isnan(line).all()
        else [Curve(f"{k + 1}", frozen(line[:, 0]), frozen(line[:, 1]), "muted", "dashed", faint=True)]
    )
    if (np.abs(foot) > HALF).any():
        return curves
    tip, side = foot + u, np.array([-u[1], u[0]])
    wings = [tip - _HEAD * u + 0.5 * _HEAD * side, tip - _HEAD * u - 0.5 * _HEAD * side]
    shaft = np.array([foot, tip, wings[0], tip, wings[1]])
    return [*curves, Curve("", frozen(shaft[:, 0]), frozen(shaft[:, 1]), "model")]


def _gates(field: PlanarField, t1: float) -> Chart:
    times = np.linspace(0.0, t1, _TIMES)
    gates: Tensor = field.gates(torch.as_tensor(times[:, None]).to(field.weight))
    values = gates.cpu().numpy()
    curves = tuple(
        Curve(f"{k + 1}", frozen(times), frozen(values[:, k]), faint=True) for k in range(values.shape[1])
    )
    return Chart("When each unit acts", "t", "gate", curves, over_time=True)


def _layers(push: NDArray[np.float64]) -> Chart:
    lengths = np.hypot(push[:, 0], push[:, 1])
    middle = np.arange(len(push)) + 0.5
    bars = Curve("", frozen(middle), frozen(lengths), style="bars")
    return Chart("How far each layer can push", "t (layers)", "|u|", (bars,), over_time=True)
