"""The learnt rate and its integral over time, as charts. Imports torch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from odeviz.tasks.chart import Chart, Curve, frozen
from odeviz.tasks.numerals import figure, percent, thousands
from odeviz.tasks.poisson.learning import Learning
from odeviz.tasks.poisson.rates import HORIZON
from odeviz.tasks.scene import Scene

#: Points of a curve, bins of the events, and sequences whose events are marked.
_POINTS, _BINS, _MARKED = 201, 50, 6


def draw(key: str, scene: Scene) -> Chart:
    """One of the task's views."""
    return {"rate": _rate, "integral": _integral}[key](scene)


def _rate(scene: Scene) -> Chart:
    learning: Learning = scene.learning
    t = np.linspace(0.0, HORIZON, _POINTS)
    rate, unit = learning.rate(scene.model, t, scene.solver)[0], learning.unit
    if not np.isfinite(rate).all():
        return _nothing("Rate", "rate λ")
    observed = learning.observed
    counts, edges = np.histogram(observed.t, bins=_BINS, range=(0.0, HORIZON))
    binned = counts / (observed.exposure * unit.scale * np.diff(edges))
    own = unit.time(t)
    curves = [
        Curve("events in bins", _at(unit.time((edges[1:] + edges[:-1]) / 2)), _at(binned), "data", "bars"),
        Curve("learnt", _at(own), _at(rate / unit.scale)),
    ]
    note = ""
    if learning.truth is not None:
        truth = learning.truth.at(t)
        curves.append(Curve("true", _at(own), _at(truth), "truth", "dashed"))
        note = (
            f" On average the learnt rate is {percent(np.abs(rate - truth).mean() / truth.mean(), 1)} off "
            "the true one."
        )
    # A row of marks below the axis for each sequence.
    marked = observed.series < _MARKED
    step = 0.03 * float(max(binned.max(), rate.max() / unit.scale))
    rows = -step * (1.0 + observed.series[marked])
    curves.append(
        Curve("events", _at(unit.time(observed.t[marked])), _at(rows), "muted", "points", faint=True)
    )
    return Chart(
        "Rate",
        "t",
        "rate λ",
        tuple(curves),
        over_time=learning.truth is not None,
        note=f"{thousands(len(observed.t))} events to learn from, {thousands(len(learning.held_out.t))} "
        "others held out for the score."
        f"{note}",
    )


def _integral(scene: Scene) -> Chart:
    learning: Learning = scene.learning
    t = np.linspace(0.0, HORIZON, _POINTS)
    count = learning.rate(scene.model, t, scene.solver)[1]
    if not np.isfinite(count).all():
        return _nothing("Expected count", "events of a sequence so far")
    observed = learning.observed
    so_far = np.searchsorted(np.sort(observed.t), t, side="right") / observed.exposure
    # The number of events up to any time is Poisson: its variance is its mean.
    se = np.sqrt(count / observed.exposure)
    own = _at(learning.unit.time(t))
    return Chart(
        "Expected count",
        "t",
        "events of a sequence so far",
        (
            Curve("observed", own, _at(so_far), "data"),
            Curve("integral of λ", own, _at(count), low=_at(count - 2 * se), high=_at(count + 2 * se)),
        ),
        over_time=learning.truth is not None,
        note=f"{figure(count[-1], 4)} events are expected up to the end, {figure(so_far[-1], 4)} were seen "
        "in a mean sequence; "
        "the band is two standard errors.",
    )


def _nothing(title: str, axis: str) -> Chart:
    return Chart(title, "t", axis, (), note="The solve did not arrive, so that there is nothing to show.")


def _at(values: NDArray[Any]) -> NDArray[Any]:
    return frozen(values)
