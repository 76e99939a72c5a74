"""Every way to a gradient against a tight float64 solve, and the adjoint along trajectories (eqs 4 and 5 of the paper).

The loss is the mean over trajectories of |z(t1)|²/2, whose adjoint at t1 is the state itself over their number.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from odeviz.analysis.diagnostics.cost import MODES
from odeviz.analysis.diagnostics.subject import FINE, TRAJECTORIES, array, number, setting_text, subject_of
from odeviz.engine import METHODS, Solution, Status, solve
from odeviz.engine.solve import check_adjoint
from odeviz.models import FlowModel, SolverOptions
from odeviz.tasks.chart import Chart, Curve, Picture, Table, frozen
from odeviz.tasks.numerals import kibibytes
from odeviz.tasks.scene import Cancelled, Scene

#: As tight as can be.
_TIGHT = tuple(SolverOptions("dop853", tol, tol, max_steps=500) for tol in (1e-10, 1e-8))
#: Times at which the adjoint is shown, and how many of its trajectories.
_TIMES, _DRAWN = 65, 24


@dataclass(frozen=True, slots=True)
class Gradient:
    """Derivatives of the loss with respect to the field's weights, the starts and the end time, in float64."""

    theta: Tensor  # [parameters]
    start: Tensor  # [batch, dim]
    t1: float
    solution: Solution

    def errors(self, true: Gradient) -> tuple[float, float, float]:
        """Errors relative to the true ones."""
        return (
            _relative(self.theta - true.theta, true.theta),
            _relative(self.start - true.start, true.start),
            abs(self.t1 - true.t1) / abs(true.t1) if true.t1 else math.nan,
        )

    def end_errors(self, true: Gradient) -> tuple[float, float]:
        """What the solve itself is off by at t1: root mean square and worst trajectory, over the states' own size."""
        end = true.solution.y1.detach()
        off = (self.solution.y1.detach().cpu().double() - end).norm(dim=1)
        size = float(end.square().sum(dim=1).mean().sqrt())
        return float(off.square().mean().sqrt()) / size, float(off.max()) / size


def gradient_of(scene: Scene, model: FlowModel, start: Tensor, options: SolverOptions) -> Gradient | None:
    """The gradient in the model's own precision by one of the modes; None where the solve fails."""
    scene.check()
    model = copy.deepcopy(model).requires_grad_(True)
    start = start.detach().clone().requires_grad_(True)
    t = start.new_tensor([0.0, model.t1]).requires_grad_(True)
    with torch.enable_grad():
        solution = solve(
            model.field,
            start,
            t,
            method=options.method,
            rtol=options.rtol,
            atol=options.atol,
            steps=None if options.adaptive else options.steps,
            adjoint=options.adjoint,
            max_steps=options.max_steps,
            cancel=scene.cancel,
        )
        if solution.status is Status.CANCELLED:
            raise Cancelled
        if not solution.ok:
            return None
        torch.autograd.backward(0.5 * solution.y1.square().sum() / len(start))
    weights = [p.new_zeros(p.shape) if p.grad is None else p.grad for p in model.field.parameters()]
    assert start.grad is not None
    assert t.grad is not None
    theta = torch.cat([w.reshape(-1) for w in weights]).cpu().double()
    return Gradient(theta, start.grad.cpu().double(), float(t.grad[-1]), solution)


def true_gradient(scene: Scene) -> Gradient | None:
    """The gradient by a tight solve in float64; its derivative by t1 is a . f, the adjoint times the field there."""
    subject = subject_of(scene)
    tried = (gradient_of(scene, subject.exact, subject.starts(), options) for options in _TIGHT)
    true = next((gradient for gradient in tried if gradient is not None), None)
    if true is None:
        return None
    end = true.solution.y1.detach()
    with torch.no_grad():
        velocity = subject.exact.field(subject.t1, end)
    return Gradient(true.theta, true.start, float((end * velocity).sum()) / len(end), true.solution)


def gradients(scene: Scene) -> Picture:
    """See the view."""
    subject = subject_of(scene)
    true: Gradient | None = scene.remember("gradient", lambda: true_gradient(scene))
    columns = (
        "gradient", "error dL/dθ", "kept, KiB", "NFE", "backward NFE", "error dL/dz₀", "error dL/dt₁",
        "evaluated again", "method",
    )  # fmt: skip
    if true is None:
        return Table("Gradients compared", columns, (), note="The flow did not arrive: there is no gradient.")
    rows: list[tuple[str | float, ...]] = []
    off: dict[str, tuple[float, float]] = {}
    for mode in MODES:
        options = _for_mode(scene.solver, mode)
        found = gradient_of(scene, subject.model, subject.own(subject.starts()), options)
        if found is None:
            rows.append((mode, *[math.nan] * 7, options.method))
            continue
        stats = found.solution.stats
        theta, start, t1 = found.errors(true)
        off[options.method] = found.end_errors(true)
        cost = (kibibytes(stats.bytes_kept), float(stats.nfe_forward), float(stats.nfe_backward))
        rows.append((mode, theta, *cost, start, t1, float(stats.recomputed), options.method))
    mine = subject_of(scene).model.solver.adjoint
    return Table(
        "Gradients compared",
        columns,
        tuple(rows),
        current=list(MODES).index(mine) if mine in MODES else None,
        note=_note(scene, subject.model, rows) + _stretch_note(scene.solver, off),
    )


def _note(scene: Scene, model: FlowModel, rows: list[tuple[str | float, ...]]) -> str:
    kept = {str(row[0]): float(row[2]) for row in rows}
    precision = str(next(model.parameters()).dtype).removeprefix("torch.")
    errors = sorted((float(row[1]), str(row[0])) for row in rows if math.isfinite(float(row[1])))
    told = "dL/dθ is unknown"
    if errors:
        (low, best), (high, worst) = errors[0], errors[-1]
        told = f"the error of dL/dθ is {number(low)} ({best}) to {number(high)} ({worst})"
    return (
        f"{setting_text(scene.solver)}, {precision}, {TRAJECTORIES} trajectories: {told}. backprop keeps "
        f"{number(kept['backprop'])} KiB, backsolve {number(kept['backsolve'])} KiB whatever the NFE."
    )


def _stretch_note(options: SolverOptions, off: dict[str, tuple[float, float]]) -> str:
    """What the solve itself is off by, which its gradients share."""
    if options.method not in off or not METHODS[options.method].adaptive:
        return ""
    typical, worst = (number(error / options.rtol) for error in off[options.method])
    return f" z(t₁) is off by {typical} × the tolerance, at worst {worst} ×: so much does the flow stretch errors."


def _for_mode(options: SolverOptions, mode: str) -> SolverOptions:
    """The solver's setting with a gradient mode, by the mode's own method where the setting's cannot have it."""
    method = options.method
    try:
        check_adjoint(mode, METHODS[method])
    except ValueError:
        method = MODES[mode]
    return SolverOptions(
        method, options.rtol, options.atol, options.steps, adjoint=mode, max_steps=options.max_steps
    )


class _AdjointField:
    """d[z, a]/dt = [f, -(df/dz)^T a] on states ``[batch, 2 dim]``."""

    def __init__(self, model: FlowModel) -> None:
        self._field, self._dim = model.field, model.state_dim

    def __call__(self, t: float, state: Tensor) -> Tensor:
        with torch.enable_grad():
            z = state[:, : self._dim].detach().requires_grad_(True)
            velocity = self._field(t, z)
            (pulled,) = torch.autograd.grad(velocity, z, state[:, self._dim :], materialize_grads=True)
        return torch.cat([velocity.detach(), -pulled], dim=1)


def adjoint_paths(scene: Scene) -> tuple[np.ndarray, Tensor] | None:
    """Times ``[T]`` from 0 to t1 and the adjoint ``[T, batch, dim]`` of each trajectory's own |z(t1)|²/2.

    Behind those that are always looked at stand the first of the flow view's.
    """
    subject = subject_of(scene)
    end = subject.ends(scene)
    crowd = subject.crowd(_DRAWN)
    carried = subject.solve(scene, subject.exact, crowd, (0.0, subject.t1), FINE)
    if carried.ok:
        end = torch.cat([end, carried.y1])
    times = np.linspace(subject.t1, 0.0, _TIMES)
    scene.check()
    solution = solve(
        _AdjointField(subject.exact),
        torch.cat([end, end], dim=1),
        times.tolist(),
        method=FINE.method,
        rtol=FINE.rtol,
        atol=FINE.atol,
        cancel=scene.cancel,
    )
    if solution.status is Status.CANCELLED:
        raise Cancelled
    return (times[::-1], solution.y.flip(0)[:, :, subject.dim :]) if solution.ok else None


def adjoint(scene: Scene) -> Picture:
    """See the view."""
    found: tuple[np.ndarray, Tensor] | None = scene.remember("adjoint", lambda: adjoint_paths(scene))
    title, axes = "Adjoint along the flow", ("t", "|a(t)|")
    if found is None:
        return Chart(title, *axes, (), over_time=True, note="The adjoint could not be solved.")
    times, paths = found
    subject = subject_of(scene)
    own = len(subject.ends(scene))
    norms, crowd = paths[:, :own].norm(dim=2), paths[:, own:].norm(dim=2)
    drawn = [
        Curve("", frozen(times), array(crowd[:, k]), "muted", faint=True, of=k) for k in range(crowd.shape[1])
    ]
    low, middle, high = (array(norms.quantile(q, dim=1)) for q in (0.1, 0.5, 0.9))
    curve = Curve("median, and 10 to 90 %", frozen(times), middle, "model", low=low, high=high)
    grown = (norms[0] / norms[-1]).median()
    end = subject.ends(scene)
    with torch.no_grad():
        product = float((paths[-1, :own] * subject.exact.field(subject.t1, end)).sum(1).mean())
    return Chart(
        title,
        *axes,
        (*drawn, curve),
        y_log=bool((norms > 0).all()),
        over_time=True,
        note=f"From t₁ back to 0 the adjoint grows {number(float(grown))}-fold in the median, "
        f"{number(float((norms[0] / norms[-1]).max()))}-fold at most. dL/dt₁ = a · f = {number(product)}, the mean "
        "over trajectories.",
    )


def _relative(difference: Tensor, true: Tensor) -> float:
    size = float(true.norm())
    return float(difference.norm()) / size if size else math.nan


VIEWS: dict[str, Callable[[Scene], Picture]] = {"gradients": gradients, "adjoint": adjoint}
