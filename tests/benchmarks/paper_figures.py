"""The paper's figures on a shipped model, by the views that any flow has: ``science.py --figures``.

Each row is a claim of Chen et al. (2018) with what is measured and, where it has a figure, whether that is reached.
Figure 3c (backward NFE) is measured and not gated: the paper's half belongs to its solver. Gradients are held to ten
times the tolerance at the preset's first weights. A trained flow stretches, by which the error of the solve grows as
that of every gradient of it does: there the ratio is told beside the error of the states, and marked where it is more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from odeviz.analysis.diagnostics import cost
from odeviz.analysis.diagnostics.accuracy import Yardstick, finest_slope, settled_slope
from odeviz.analysis.diagnostics.flow_map import flow_map
from odeviz.analysis.diagnostics.gradients import Gradient, gradient_of, true_gradient
from odeviz.analysis.diagnostics.layers import MEASURED, layer_errors
from odeviz.analysis.diagnostics.roundtrip import round_trip
from odeviz.analysis.diagnostics.subject import slope, subject_of
from odeviz.engine import METHODS, ButcherTableau
from odeviz.models import SolverOptions
from odeviz.storage import load_model
from odeviz.storage.paths import pretrained
from odeviz.tasks.learning import build_model, task_for
from odeviz.tasks.preset import Gate
from odeviz.tasks.scene import Scene
from odeviz.training import restore
from odeviz.training.snapshot import Snapshot

#: Tolerances between which memory and work are compared, and that of gradients and the way back.
_LOOSE, _TIGHT, _TOLERANCE = 1e-2, 1e-6, 1e-5
#: How many times the tolerance a gradient may be off by.
_MOST_OVER_TOLERANCE = 10.0


@dataclass(frozen=True)
class Row:
    """One measured figure; without a gate it is told and no more."""

    claim: str
    value: float
    gate: Gate | None = None
    more: str = ""
    #: Said in the place of a verdict where there is no gate.
    mark: str = ""


def figures(name: str) -> tuple[int, int]:
    """Print the figures of a preset's shipped model; how many gates are missed, and how many others are marked."""
    path = pretrained(name)
    if path is None:
        print(f"{name}: no model is shipped")
        return 1, 0
    snapshot = load_model(path)
    model = restore(snapshot).eval().requires_grad_(False)
    scene = Scene(model, task_for(snapshot.experiment, data=snapshot.data), model.solver)
    missed = marked = 0
    print(f"{name}: the paper's figures, measured", flush=True)
    with torch.no_grad():
        for row in _rows(scene, snapshot):
            holds = row.gate is None or row.gate.holds(row.value)
            missed += not holds
            marked += bool(row.mark)
            gate = "measured" if row.gate is None else row.gate.text(row.gate.figure)
            verdict = row.mark if row.gate is None else "yes" if holds else "NO"
            print(f"  {row.claim:<62} {row.value:>10.4g}  {gate:<26} {verdict:<4} {row.more}", flush=True)
    return missed, marked


def _rows(scene: Scene, snapshot: Snapshot) -> Iterator[Row]:
    errors = layer_errors(scene)
    net = slope(MEASURED[-3:], errors[-3:])
    yield Row("row 1: error of a residual net against its blocks, slope", net, _near("slope", -1.0, 0.1))
    yield from _orders(scene)
    solves = Yardstick.of(scene).by_tolerance("dopri5", 1000)
    size = Yardstick.of(scene).size
    fall = settled_slope([one.nfe for one in solves], [one.error for one in solves], size)
    yield Row("row 5, Fig. 3a: error of dopri5 against NFE, slope", fall, _near("slope", -5.0, 0.5))
    timed = cost.timed_solves(scene)
    line = cost.fitted(timed)
    more = f"{1000 * line.slope:.0f} µs an evaluation, {len(timed)} solves"
    yield Row("row 6, Fig. 3b: time against NFE, R²", line.r2, Gate("R²", at_least=0.95), more)
    for mode in cost.MODES:
        pairs = cost.backward_nfe(scene, subject_of(scene), mode)
        yield Row(f"row 7, Fig. 3c: backward over forward NFE, {mode}", cost.ratio(pairs))
    yield from _growth(snapshot)
    first = build_model(snapshot.experiment, snapshot.data).eval().requires_grad_(False)
    yield from _first_gradients(Scene(first, scene.learning, first.solver))
    yield from _gradients(scene)
    yield from _way_back(scene)


def _orders(scene: Scene) -> Iterator[Row]:
    yardstick = Yardstick.of(scene, 32)
    for name, method in METHODS.items():
        if isinstance(method, ButcherTableau):
            measured = finest_slope(yardstick.by_steps(name, 1200), yardstick.size)
            # Of higher orders, float64 has too few digits between the first small step and rounding.
            gate = _near("order", method.order, 0.2) if method.order <= 4 else None
            yield Row(f"row 2: order of {name}, {method.order}", measured, gate)


def _growth(snapshot: Snapshot) -> Iterator[Row]:
    history = snapshot.history
    if len(history) > 100:
        first, last = float(history.nfe_forward[:50].mean()), float(history.nfe_forward[-50:].mean())
        gate = Gate("ratio", at_least=1.0)
        yield Row(
            "row 8, Fig. 3d: NFE at the end over the beginning",
            last / first,
            gate,
            f"{first:.0f} to {last:.0f}",
        )


def _first_gradients(scene: Scene) -> Iterator[Row]:
    """Row 9 at the first weights, whose flow hardly stretches: the largest of the three errors of each mode."""
    true, subject = true_gradient(scene), subject_of(scene)
    assert true is not None, "the flow of first weights arrives"
    for mode, method in cost.MODES.items():
        options = SolverOptions(method, _TOLERANCE, _TOLERANCE, adjoint=mode)
        found = gradient_of(scene, subject.exact, subject.starts(), options)
        errors = [math.nan] * 3 if found is None else [e / _TOLERANCE for e in found.errors(true)]
        more = "dL/dθ {:.2g}, dL/dz0 {:.2g}, dL/dt1 against a · f {:.2g}".format(*errors)
        claim = f"row 9: gradients over tolerance, first weights, {mode}"
        yield Row(claim, max(errors), Gate("ratio", at_most=_MOST_OVER_TOLERANCE), more)


def _gradients(scene: Scene) -> Iterator[Row]:
    subject = subject_of(scene)
    kept: dict[tuple[str, float], float] = {}
    nfe: dict[float, int] = {}
    true = true_gradient(scene)
    for mode, method in cost.MODES.items():
        for tolerance in (_LOOSE, _TOLERANCE, _TIGHT):
            options = SolverOptions(method, tolerance, tolerance, adjoint=mode)
            found = gradient_of(scene, subject.exact, subject.starts(), options)
            if found is None:
                continue
            kept[mode, tolerance] = found.solution.stats.bytes_kept
            if method == "dopri5":
                nfe[tolerance] = found.solution.stats.nfe_forward
            if tolerance == _TOLERANCE and true is not None:
                yield _trained_gradient(mode, found, true)
    grown = {mode: kept[mode, _TIGHT] / kept[mode, _LOOSE] for mode in ("backsolve", "backprop")}
    work = nfe[_TIGHT] / nfe[_LOOSE]
    yield Row(
        "row 4: bytes kept by backsolve, tight over loose", grown["backsolve"], _near("ratio", 1.0, 0.05)
    )
    more = f"NFE grows {work:.3g}-fold"
    share = grown["backprop"] / work
    yield Row("row 4: growth of backprop's bytes over that of NFE", share, _near("ratio", 1.0, 0.15), more)


def _trained_gradient(mode: str, found: Gradient, true: Gradient) -> Row:
    """Row 9 of the trained model, told beside the error of the same solve's states."""
    theta, start, t1 = (error / _TOLERANCE for error in found.errors(true))
    worst = max(theta, start, t1)
    off, furthest = (error / _TOLERANCE for error in found.end_errors(true))
    more = (
        f"dL/dθ {theta:.3g}, dL/dz0 {start:.3g}, dL/dt1 {t1:.3g}; z(t1) itself {off:.3g}, "
        f"on the worst trajectory {furthest:.3g}"
    )
    mark = ""
    if worst > _MOST_OVER_TOLERANCE:
        mark = f"NOT MET (≤ {_MOST_OVER_TOLERANCE:g}): the trained flow stretches, and its solve's own error grows;"
    return Row(f"row 9: gradients over tolerance, trained, {mode}", worst, None, more, mark)


def _way_back(scene: Scene) -> Iterator[Row]:
    way, subject = flow_map(scene), subject_of(scene)
    there = Scene(
        scene.model, scene.learning, SolverOptions("dopri5", _TOLERANCE, _TOLERANCE), None, scene.memory
    )
    distance = round_trip(there, subject, way.ground.states)
    stretch = 1.0 / way.stretch[:, -1]
    share = float((distance / (_TOLERANCE * stretch)).median())
    rate = math.log(float(stretch.max())) / subject.t1
    yield Row(
        "row 10: way back, distance over tolerance × stretch, median", share, None, f"λ up to {rate:.3g}"
    )


def _near(figure: str, value: float, margin: float) -> Gate:
    return Gate(figure, at_least=value - margin, at_most=value + margin)
