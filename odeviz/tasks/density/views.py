"""Views of a density: a filmstrip, samples, marginals, and what Hutchinson's noise does. Imports torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.models import CNF, DensityModel, SolverOptions
from odeviz.tasks.chart import Chart, Charts, Curve, Floats, Map, Maps, Picture, Role, frozen
from odeviz.tasks.density.learning import draw_noise
from odeviz.tasks.numerals import figure, percent, thousands
from odeviz.tasks.scene import Scene

#: Shares of t1 at which Chen et al. (2018), figure 5, show the density, and the controls' values that stand for them.
SHARES = (0.05, 0.2, 0.4, 0.6, 0.8, 1.0)
_FIGURE = {"pictures": 6.0, "first": 5.0, "last": 100.0}
#: Cells a side of a film's picture and of the density behind the marginals, and of a first look at either; bins of a
#: histogram.
_FILM, _FINE, _GLANCE, _BINS = 48, 64, 32, 60
#: States solved together; points and samples beside each other; points of the noise's view, and draws along a path.
_ROWS, _SHOWN, _MEASURED, _DRAWS = 2048, 1500, 256, 8
#: Times along a path.
_TIMES = 81
#: The steps of a density need not be finer than the picture.
_COARSE = 1e-3

Extent = tuple[float, float, float, float]


def draw(key: str, scene: Scene) -> Picture:
    """The view of that name."""
    views: dict[str, Callable[[Scene], Picture]] = {
        "filmstrip": filmstrip,
        "samples": samples,
        "marginals": marginals,
        "noise": noise,
    }
    with torch.no_grad():
        return views[key](scene)


def filmstrip(scene: Scene) -> Maps:
    """The density at some shares of the flow."""
    extent, t1 = scene.learning.extent(scene.model), scene.model.t1
    cells = _GLANCE if scene.glance else _FILM
    maps = tuple(
        Map(percent(share), extent, frozen(density_map(scene, extent, share * t1, cells)), t=share * t1)
        for share in _shares(scene)
    )
    columns = {2: 2, 4: 2, 8: 4, 11: 4, 12: 4}.get(len(maps), 3)
    note = f"At shares of t₁ = {figure(t1)}; each picture has its own colour scale."
    plane = scene.learning.plane(scene.model)
    return Maps("Density over time", maps, columns=columns, axes=plane.labels, equal=plane.equal, note=note)


def _shares(scene: Scene) -> tuple[float, ...]:
    if not scene.values or dict(scene.values) == _FIGURE:
        return SHARES
    first, last = scene.values["first"] / 100, scene.values["last"] / 100
    return tuple(np.linspace(first, last, round(scene.values["pictures"])).tolist())


def samples(scene: Scene) -> Chart:
    """Samples of the model at a time over points of the data, carried back to it."""
    points, where = _data_then(scene, _SHOWN)
    start = scene.model.base_sample(len(points), torch.Generator().manual_seed(0))
    drawn = _carried(scene, start, 0.0, scene.t)
    curves = (
        Curve(where, frozen(points[:, 0]), frozen(points[:, 1]), role="data", style="points"),
        Curve("samples", frozen(drawn[:, 0]), frozen(drawn[:, 1]), role="model", style="points"),
    )
    note = (
        f"{thousands(len(points))} points of the data, as many samples, at t = {figure(scene.t)} of "
        f"{figure(scene.model.t1)}."
    )
    plane = scene.learning.plane(scene.model)
    x, y = plane.labels
    return Chart("Samples", x, y, curves, equal=plane.equal, at=scene.t, note=note)


def marginals(scene: Scene) -> Charts:
    """Densities along x and y at a time over histograms of the data, carried back to it."""
    extent = scene.learning.extent(scene.model)
    points, where = _data_then(scene, 4000 if scene.glance else 8 * _SHOWN)
    cells = _GLANCE if scene.glance else _FINE
    values = density_map(scene, extent, scene.t, cells)
    charts = []
    for axis, name in enumerate(scene.learning.plane(scene.model).labels):
        low, high = extent[2 * axis : 2 * axis + 2]
        other = (extent[3 - 2 * axis] - extent[2 - 2 * axis]) / cells
        height, edges = np.histogram(points[:, axis], _BINS, (low, high))
        width = edges[1] - edges[0]
        centres = low + (high - low) * (np.arange(cells) + 0.5) / cells
        curves = (
            Curve(
                where, frozen(edges[:-1] + 0.5 * width), frozen(height / len(points) / width), "data", "bars"
            ),
            Curve("model", frozen(centres), frozen(values.sum(axis) * other)),
        )
        charts.append(Chart(f"Along {name}", name, f"p({name})", curves))
    note = f"Histograms of {thousands(len(points))} points, at t = {figure(scene.t)} of {figure(scene.model.t1)}."
    return Charts("Marginals", tuple(charts), columns=2, note=note)


def _data_then(scene: Scene, n: int) -> tuple[Floats, str]:
    """Up to ``n`` points of the data ``[n, 2]`` at the scene's time, carried back from the end; what to call them."""
    points = scene.learning.shown(scene.model, n)[0]
    if scene.at_end:
        return points, "data"
    states = scene.learning.plane(scene.model).states(_like(scene.model, points))
    return _carried(scene, states, scene.model.t1, scene.t), "data, carried back"


def _carried(scene: Scene, states: Tensor, start: float, end: float) -> Floats:
    """States at one time carried to another, as points of the plane; NaN where they did not arrive."""
    if start != end:
        solver = _coarser(scene.solver) if scene.glance else scene.solver
        states = scene.model.flow(states, (start, end), solver, cancel=scene.cancel).y1
        scene.check()
    points: Tensor = scene.learning.plane(scene.model).points(states, states.new_tensor(end))
    return _array(points)


def noise(scene: Scene) -> Charts:
    """Estimates of the trace along one path, and of log p, against the exact values."""
    model: CNF = scene.model
    path = _trace_along_a_path(scene, model)
    likelihood, errors = _noisy_likelihood(scene, model)
    note = ", ".join(f"{name} {error:.3f} nats" for name, error in errors.items())
    return Charts(
        "Trace estimates",
        (path, likelihood),
        columns=2,
        note=f"Root mean square error of one estimate of log p: {note}.",
    )


def _trace_along_a_path(scene: Scene, model: CNF) -> Chart:
    times = np.linspace(0.0, model.t1, _TIMES)
    start = scene.learning.plane(model).states(_like(model, scene.learning.starts(model, 1, 1)[0]))
    states = model.flow(start, times.tolist(), scene.solver, cancel=scene.cancel).y[:, 0]
    scene.check()
    jacobian = _jacobians(model, _like(model, times[:, None]), states).double().cpu().numpy()
    exact = jacobian.trace(axis1=1, axis2=2)
    # Rademacher in two dimensions: e^T J e - tr J = e1 e2 (J12 + J21). Gaussian: twice the symmetric part's norm.
    signs = np.abs(jacobian[:, 0, 1] + jacobian[:, 1, 0])
    normal = np.sqrt(2.0 * np.square(0.5 * (jacobian + jacobian.transpose(0, 2, 1))).sum((1, 2)))
    t = frozen(times)
    curves = [
        Curve(
            "Gaussian ± 1 SD",
            t,
            frozen(exact),
            "second",
            "dashed",
            frozen(exact - normal),
            frozen(exact + normal),
        ),
        Curve(
            "Rademacher ± 1 SD",
            t,
            frozen(exact),
            "baseline",
            "dashed",
            frozen(exact - signs),
            frozen(exact + signs),
        ),
    ]
    rng = np.random.default_rng(0)
    for k in range(_DRAWS):
        e = rng.standard_normal(2)
        form = np.einsum("i,tij,j->t", e, jacobian, e)
        curves.append(Curve(f"draw {k + 1}", t, frozen(form), "muted", faint=True))
    curves.append(Curve("exact trace", t, frozen(exact)))
    note = "Faint: the trace seen through one Gaussian draw each, fixed along the path."
    return Chart("Trace along one path", "t", "tr ∂f/∂z, 1/time", tuple(curves), over_time=True, note=note)


def _noisy_likelihood(scene: Scene, model: CNF) -> tuple[Chart, dict[str, float]]:
    """log p with one draw of noise each against exact log p, and the errors' root mean squares in nats."""
    plane, rng = scene.learning.plane(model), np.random.default_rng(0)
    x = plane.states(_like(model, scene.learning.shown(scene.model, _MEASURED)[0]))
    held = model.solver
    curves: list[Curve] = []
    errors: dict[str, float] = {}
    kinds: tuple[tuple[str, Role], ...] = (("Gaussian", "second"), ("Rademacher", "baseline"))
    exact = model.log_prob_at(x, model.t1, _coarser(scene.solver), cancel=scene.cancel) - plane.log_scale
    try:
        model.solver = _coarser(scene.solver)
        for name, role in kinds:
            scene.check()
            e = draw_noise(f"hutchinson-{name.lower()}", tuple(x.shape), rng)
            noisy = model.log_prob(x, noise=_like(model, e)) - plane.log_scale
            errors[name] = float((noisy - exact).square().mean().sqrt())
            curves.append(Curve(name, _array(exact), _array(noisy), role, "points"))
    finally:
        model.solver = held
    ends = frozen([float(exact.min()), float(exact.max())])
    curves.append(Curve("exact", ends, ends, "truth"))
    chart = Chart(
        "log p of points of the data", "exact log p (nats)", "with one draw of noise (nats)", tuple(curves)
    )
    return chart, errors


def density_map(scene: Scene, extent: Extent, t: float, n: int) -> NDArray[np.float64]:
    """The density ``[n, n]`` over the plane at time t, row 0 the lowest y."""
    model: DensityModel = scene.model
    plane, solver = scene.learning.plane(model), _coarser(scene.solver)
    x, y = (
        low + (high - low) * (np.arange(n) + 0.5) / n
        for low, high in ((extent[0], extent[1]), (extent[2], extent[3]))
    )
    points = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    states = plane.states(_like(model, points))
    blocks = -(-len(states) // _ROWS)
    log_density = torch.empty_like(states[:, 0])
    for k in range(blocks):
        scene.check()
        # Every k-th cell, so that all blocks are as hard.
        log_density[k::blocks] = model.log_prob_at(states[k::blocks], t, solver, cancel=scene.cancel)
    scene.check()
    density: NDArray[np.float64] = (log_density.double() - plane.log_scale).exp().cpu().numpy().reshape(n, n)
    return density


def _coarser(solver: SolverOptions) -> SolverOptions:
    return replace(solver, rtol=max(solver.rtol, _COARSE), atol=max(solver.atol, _COARSE))


def _jacobians(model: CNF, t: Tensor, z: Tensor) -> Tensor:
    """df/dz ``[batch, 2, 2]`` at times ``[batch, 1]``."""
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        value = model.field(t, z)
        rows = [
            torch.autograd.grad(value[:, d].sum(), z, retain_graph=True)[0] for d in range(value.shape[1])
        ]
    return torch.stack(rows, 1)


def _like(model: DensityModel, array: NDArray[Any] | None) -> Tensor:
    return torch.as_tensor(array).to(next(model.parameters()))


def _array(values: Tensor) -> Floats:
    return frozen(values.detach().cpu().numpy())
