"""Digits: Table 1, precision for speed, which digits are taken for which, and those that are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from odeviz.models import ResidualNet, SolverOptions
from odeviz.tasks.chart import Chart, Charts, Curve, Map, Maps, Picture, Table, frozen
from odeviz.tasks.confusion import confusion, counted
from odeviz.tasks.digits.images import CLASSES, SIDE
from odeviz.tasks.digits.shipped import shipped
from odeviz.tasks.numerals import kibibytes, percent
from odeviz.tasks.scene import Scene

#: Columns of Table 1 by their figures.
_COLUMNS = {
    "error": "error, %",
    "parameters": "params",
    "bytes_kept": "kept, KiB",
    "nfe": "NFE",
    "nfe_backward": "NFE back",
}
_NAMES = {"ode-net": "ODE-Net", "residual-net": "Residual net", "rk-net": "RK-Net"}
_TOLERANCES = tuple(10.0**-k for k in range(6, -1, -1))
#: Mistakes that are shown, in rows of so many.
_SHOWN, _COLUMNS_SHOWN = 12, 4


def draw(key: str, scene: Scene) -> Picture:
    """One of the views."""
    views: dict[str, Callable[[Scene], Picture]] = {
        "table1": _table1,
        "tolerance": _tolerance,
        "confusion": _confusion,
        "mistakes": _mistakes,
    }
    return views[key](scene)


def _table1(scene: Scene) -> Table:
    learning = scene.learning
    here = {"error": learning.error(scene.model)}
    scene.check()
    here |= learning.cost(scene.model)
    rows = [(_NAMES[name], figures) for name, figures in shipped().items()]
    # One of the shipped models is a row already.
    same = [k for k, (_, figures) in enumerate(rows) if _alike(figures, here)]
    if not same:
        rows.append(("this model", here))
    current = same[0] if same else len(rows) - 1
    largest = max(figures["parameters"] for _, figures in rows)
    return Table(
        "Table 1 on digits of 8 x 8 pixels",
        ("model", *_COLUMNS.values()),
        tuple((name, *(_value(key, figures[key]) for key in _COLUMNS)) for name, figures in rows),
        current=current,
        note=f"The model on show, in bold, has {percent(here['parameters'] / largest)} of the largest one's "
        "parameters. Memory is what a batch of 64 digits keeps for its gradient; NFE are of field or blocks.",
    )


def _alike(figures: dict[str, float], here: dict[str, float]) -> bool:
    return all(abs(figures[key] - here[key]) <= 1e-9 * abs(here[key]) for key in _COLUMNS)


def _value(key: str, value: float) -> float:
    return {"error": 100.0 * value, "bytes_kept": kibibytes(value)}.get(key, value)


def _tolerance(scene: Scene) -> Charts | Table:
    if isinstance(scene.model, ResidualNet):
        note = "A residual net has no solver, and so no tolerance: its blocks are all there is."
        return Table(
            "Precision for speed", ("model", "blocks"), (("Residual net", scene.model.blocks),), note=note
        )
    method = scene.solver.method if scene.solver.adaptive else "dopri5"
    errors, evaluations = [], []
    for tolerance in _TOLERANCES:
        scene.check()
        solver = SolverOptions(method=method, rtol=tolerance, atol=tolerance)
        errors.append(100.0 * scene.learning.error(scene.model, solver))
        evaluations.append(float(scene.model.last_solution.stats.nfe_forward))
    x = frozen(_TOLERANCES)
    moved = abs(errors[-1] - errors[_TOLERANCES.index(1e-4)])
    charts = tuple(
        Chart(title, "tolerance", label, (Curve("", x, frozen(values), style="line"),), x_log=True)
        for title, label, values in (
            ("Error", "test error, %", errors),
            ("Work", "NFE", evaluations),
        )
    )
    saved = evaluations[_TOLERANCES.index(1e-4)] / evaluations[-1]
    return Charts(
        "Precision for speed",
        charts,
        note=f"From 1e-4 to 1 with {method} the error moves by {moved:.2f} points, with {saved:.1f} times fewer "
        "evaluations.",
    )


def _answers(scene: Scene) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Probabilities ``[n, 10]`` of the test digits, and what they are."""
    model, (pixels, labels) = scene.model, scene.learning.test
    solver = dataclasses.replace(scene.solver, first_step=None)
    scores = model.classify_from(model.lift(pixels), 0.0, solver, cancel=scene.cancel)
    scene.check()
    return torch.softmax(scores.double(), dim=1).cpu().numpy(), labels.cpu().numpy()


def _confusion(scene: Scene) -> Maps:
    probability, labels = _answers(scene)
    counts = counted(labels, probability.argmax(1), CLASSES)
    wrong = counts * (1.0 - np.eye(CLASSES))
    digit, as_ = np.unravel_index(int(wrong.argmax()), wrong.shape)
    most = (
        f"{digit} is taken for {as_} most often, {int(wrong.max())} times"
        if wrong.any()
        else "none is mistaken"
    )
    note = f"Of {len(labels)} digits {int(wrong.sum())} are mistaken: {most}."
    return confusion(counts, scene.learning.classes, "digits", note)


def _mistakes(scene: Scene) -> Maps:
    probability, labels = _answers(scene)
    taken, sure = probability.argmax(1), probability.max(1)
    wrong = np.flatnonzero(taken != labels)
    surest = wrong[np.argsort(-sure[wrong], kind="stable")][:_SHOWN]
    images = scene.learning.tested.pixels.reshape(-1, SIDE, SIDE)
    maps = tuple(
        Map(
            f"{labels[k]}→{taken[k]} ({percent(sure[k])})",
            (0.0, float(SIDE), 0.0, float(SIDE)),
            frozen(images[k, ::-1]),
        )
        for k in surest
    )
    return Maps(
        "Mistakes",
        maps,
        columns=_COLUMNS_SHOWN,
        shared=True,
        note=f"{len(wrong)} of {len(labels)} test digits ({percent(len(wrong) / len(labels), 1)}) are mistaken: "
        "digit→what it is taken for, in brackets the probability given to that.",
    )
