"""Figures of curves: training against iteration, and the solver's steps against time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from odeviz.analysis.results import Floats, FlowResult, StepTable
from odeviz.exporting.palette import mix
from odeviz.exporting.style import ink, label_ends, letters, new_figure, notes, page, running_median
from odeviz.tasks import task as tasks
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.registry import task_of
from odeviz.training.snapshot import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def loss_figure(
    *, history: History, experiment: Experiment | None = None, kept: History | None = None
) -> Figure:
    """Training loss and the first figure of the experiment's task against iteration.

    The loss is above (logarithmic where it is positive), the figure below. Where both are the same quantity, as the
    negative log-likelihoods of densities, they share one axis, with the value that no model can beat as a dashed line
    where it is known. A faint line is every recorded value, a full one their running median; dotted, the loss of a
    run that is ``kept`` to compare with.
    Raises ``ValueError`` for an empty history.
    """
    _has_rows(history)
    experiment = experiment or Experiment()
    task = task_of(experiment)
    if task.shares_axis:
        return _shared_figure(history, task, task.bound(experiment), kept)
    figure = new_figure(*page(0.78))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    _raw_and_smooth(above, history.iteration, history.loss, ink().accent)
    _paint_kept(above, kept, "loss", ink().accent)
    losses = history.loss[np.isfinite(history.loss)]
    if losses.size and losses.min() > 0:
        above.set_yscale("log")
        _few_decades(above, losses)
    above.set_ylabel(_with_unit(task.loss))
    known = np.isfinite(history.metric)
    shown = task.headline
    metric = history.metric[known] * (100 if shown.percent else 1)
    below.plot(history.iteration[known], metric, **_MEASURED, color=_second())
    below.set_ylabel(_with_unit(shown))
    if known.any() and shown.percent:
        below.set_ylim(min(50.0, float(metric.min())) - 2, 102)
    _iterations(below, history, kept)
    figure.align_ylabels()
    if known.any():
        last = float(history.metric[known][-1])
        label_ends(below, [(float(history.iteration[-1]), float(metric[-1]), shown.text(last), _second())])
    return figure


def _with_unit(figure: tasks.Figure) -> str:
    unit = "%" if figure.percent else figure.unit
    return f"{figure.label} ({unit})" if unit else figure.label


def nfe_figure(*, history: History, kept: History | None = None) -> Figure:
    """Function evaluations of the forward and the backward solve against iteration; fainter, those of a ``kept`` run.

    Raises ``ValueError`` for an empty history.
    """
    _has_rows(history)
    figure = new_figure(*page(0.56))
    axes = figure.add_subplot()
    # Dashed, so that both are seen where they are equal, as they are for fixed steps.
    curves = (
        ("forward", history.nfe_forward, ink().accent, "-"),
        ("backward", history.nfe_backward, _second(), (0, (3, 2))),
    )
    ends = []
    for name, values, color, dashes in curves:
        if np.isfinite(values).any():
            last = _raw_and_smooth(axes, history.iteration, values, color, dashes)
            ends.append((float(history.iteration[-1]), last, name, color))
    for column, color in (("nfe_forward", ink().accent), ("nfe_backward", _second())):
        _paint_kept(axes, kept, column, color)
    axes.set_ylim(0, 1.04 * axes.get_ylim()[1])
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel("function evaluations")
    _iterations(axes, history, kept)
    label_ends(axes, ends)
    return figure


def steps_figure(*, flow: FlowResult | None = None, steps: StepTable | None = None) -> Figure:
    """The steps of one solve: their size against time, and below it the error each was judged by.

    Every step is a bar from its start to its end at the height of its size; a rejected one is a red cross.
    The scaled error is 1 at the tolerance; it is not drawn when the method does not estimate it.
    Raises ``ValueError`` when neither ``flow`` nor ``steps`` is given, or there is no step.
    """
    table = steps if steps is not None else flow.steps if flow is not None else None
    if table is None:
        raise ValueError("a steps figure needs flow or steps")
    if not len(table.t):
        raise ValueError("the solve took no step: there is nothing to draw")
    judged = bool(np.isfinite(table.error).any())
    figure = new_figure(*page(0.78 if judged else 0.52))
    if judged:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        _paint_errors(below, table)
    else:
        above = below = figure.add_subplot()
    _paint_sizes(above, table)
    below.set_xlabel("t", labelpad=1, style="italic")
    taken, refused = int(table.accepted.sum()), int((~table.accepted).sum())
    cost = f"{taken} accepted, {refused} rejected"
    if flow is not None:
        how = f", rtol {_short(flow.choice.rtol)}" if judged else ""
        end = ": " if figure.get_figwidth() > letters(4.5) else "\n"
        nfe = (
            f"{flow.nfe} NFE" if flow.nfe_each is None else f"costliest trajectory {flow.nfe_each.max()} NFE"
        )
        cost = f"{flow.choice.method}{how}{end}{nfe}, {cost}"
    notes(above, cost)
    figure.align_ylabels()
    if judged:
        label_ends(below, [(float(table.t[-1]), 1.0, "tolerance", ink().muted)])
    return figure


#: A loss that shares its axis has a logarithmic one when its largest value is this many times its smallest.
_WIDE = 1e3
_MEASURED = {"marker": "o", "markersize": 2.2, "linewidth": 0.9, "markeredgewidth": 0}
_DOT = {"marker": "o", "markersize": 2.4, "linestyle": "", "markeredgewidth": 0, "zorder": 3}
_TICK = {"marker": "|", "markersize": 4.5, "linestyle": "", "markeredgewidth": 0.8}
_CROSS = {"marker": "x", "markersize": 3.6, "linestyle": "", "markeredgewidth": 1, "zorder": 4}
_LIMIT = {"linewidth": 0.8, "linestyle": (0, (4, 3)), "zorder": 1}


def _second() -> str:
    """The second curve's colour, where the first has the accent."""
    return ink().classes[1]


def _has_rows(history: History) -> None:
    if not len(history):
        raise ValueError("the history is empty: train for at least one iteration first")


def _paint_kept(axes: Axes, kept: History | None, column: str, color: str) -> None:
    """The running median of the kept run, dotted, and above the axes what that stands for."""
    if kept is None or not len(kept):
        return
    values = np.asarray(getattr(kept, column), dtype=np.float64)
    if np.isfinite(values).any():
        smooth = running_median(values, max(1, len(values) // 40) | 1)
        shade = mix(ink().ground, color, 0.6)
        axes.plot(kept.iteration, smooth, color=shade, linewidth=1.1, linestyle=(0, (1, 1.2)), zorder=2.5)
        notes(axes, "", "dotted: the run kept to compare")


def _iterations(axes: Axes, history: History, kept: History | None = None) -> None:
    from matplotlib.ticker import EngFormatter, MaxNLocator

    ends = [int(each.iteration[-1]) for each in (history, kept) if each is not None and len(each)]
    last = max(*ends, 1)
    axes.set_xlim(0, last)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10], integer=True))
    if last >= 20_000:
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel("iteration", labelpad=1)


def _raw_and_smooth(axes: Axes, x: Floats, values: Floats, color: str, dashes: Any = "-") -> float:
    """Every value faintly, their running median in full; returns the median's last finite value."""
    width = max(1, len(values) // 40) | 1
    if width > 1:
        axes.plot(x, values, color=mix(ink().ground, color, 0.25), linewidth=0.5, zorder=2)
    smooth = running_median(values, width)
    axes.plot(x, smooth, color=color, linewidth=1.1, linestyle=dashes, zorder=3)
    finite = smooth[np.isfinite(smooth)]
    return float(finite[-1]) if finite.size else 0.0


def _shared_figure(history: History, task: tasks.Task, bound: float | None, kept: History | None) -> Figure:
    figure = new_figure(*page(0.62))
    axes = figure.add_subplot()
    last = float(history.iteration[-1])
    ends = [
        (last, _raw_and_smooth(axes, history.iteration, history.loss, ink().accent), "training", ink().accent)
    ]
    _paint_kept(axes, kept, "loss", ink().accent)
    known = np.isfinite(history.metric)
    if known.any():
        axes.plot(history.iteration[known], history.metric[known], **_MEASURED, color=_second(), zorder=4)
        ends.append((last, float(history.metric[known][-1]), "held out", _second()))
    if not np.isfinite(history.loss).any():
        ends = ends[1:]
    # The first few losses of a long run may lie far above all others; the curve comes in over the top.
    losses = history.loss[np.isfinite(history.loss)]
    shown = np.sort(losses)[: math.ceil(0.985 * len(losses))] if len(losses) > 200 else losses
    # Of the kept run likewise all but its beginning.
    beside = np.empty(0) if kept is None else kept.loss[len(kept) // 10 :]
    beside = beside[np.isfinite(beside)]
    values = np.concatenate([shown, history.metric[known], beside, [bound] if bound is not None else []])
    if values.size:
        low, high = float(values.min()), float(values.max())
        if low > 0 and high / low > _WIDE:
            axes.set_yscale("log")
            _few_decades(axes, values)
        else:
            margin = 0.06 * (high - low) or 0.1
            axes.set_ylim(low - margin, high + margin)
    if bound is not None:
        axes.axhline(bound, **_LIMIT, color=ink().muted)
        ends.append((last, bound, f"{task.bound_name} = {bound:.3f}", ink().muted))
    axes.set_ylabel(_with_unit(task.loss))
    _iterations(axes, history, kept)
    label_ends(axes, ends)
    return figure


def _paint_sizes(axes: Axes, table: StepTable) -> None:
    from matplotlib.collections import LineCollection

    size, good = np.abs(table.h), table.accepted
    bars = [
        [(t, abs(h)), (end, abs(h))]
        for t, end, h in zip(table.t[good], table.ends[good], table.h[good], strict=True)
    ]
    axes.add_collection(LineCollection(bars, colors=ink().accent, linewidths=1.4, capstyle="butt", zorder=3))
    axes.plot(table.t[good], size[good], **_TICK, color=ink().accent)
    axes.plot(table.t[~good], size[~good], **_CROSS, color=ink().danger)
    edges = np.concatenate([table.t, table.ends[good]])
    axes.set_xlim(float(edges.min()), float(edges.max()))
    axes.set_yscale("log")
    axes.set_ylabel("step size |h|")
    axes.set_ylim(float(size.min()) / 1.4, float(size.max()) * 1.4)
    _few_decades(axes, size)


def _paint_errors(axes: Axes, table: StepTable) -> None:
    # A step of no error at all has no place on a logarithmic axis; it stands at the bottom.
    floor = 1e-4
    error, good = np.maximum(table.error, floor), table.accepted
    # An error is that of the state a step ends in.
    ends = table.ends
    axes.axhline(1.0, **_LIMIT, color=ink().muted)
    axes.vlines(
        ends[good], floor / 10, error[good], color=mix(ink().ground, ink().accent, 0.35), linewidth=0.6
    )
    axes.plot(ends[good], error[good], **_DOT, color=ink().accent)
    axes.plot(ends[~good], error[~good], **_CROSS, color=ink().danger)
    axes.set_yscale("log")
    finite = error[np.isfinite(error)]
    axes.set_ylim(float(finite.min()) / 2, max(4.0, float(finite.max()) * 2))
    axes.set_ylabel("scaled error")
    _few_decades(axes, finite)


def _few_decades(axes: Axes, values: Floats) -> None:
    """Ticks a reader can use whether the values span a tenth of a decade or ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    span = float(np.log10(values.max() / values.min())) if values.min() > 0 else 0.0
    subs = (1.0,) if span > 1.5 else (1.0, 2.0, 5.0)
    axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=6))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))


def _short(value: float) -> str:
    """``1e-5``, not ``1e-05``."""
    return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e")
