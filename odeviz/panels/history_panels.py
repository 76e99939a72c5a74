"""What training has done so far: the loss with the metric, and the function evaluations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtWidgets import QVBoxLayout, QWidget

from odeviz.panels.panel import Panel
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.registry import task_of
from odeviz.tasks.task import Task
from odeviz.training.snapshot import History
from odeviz.widgets.legend import Key, Legend, shade
from odeviz.widgets.plot import Plot, grown
from odeviz.widgets.primitives import Segments, pen
from odeviz.widgets.theme import Theme

_EMPTY = "Nothing has been trained yet.\nPress Train to start."
#: A loss that shares its axis has a logarithmic one when its largest value is this many times its smallest.
_WIDE = 1e3


class HistoryPanel(Panel):
    """Curves against the iteration, with a legend that reads their latest values."""

    def __init__(self, theme: Theme, y: str, log_y: bool, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.legend = Legend(theme, parent=self)
        self.plot = Plot(theme, "iteration", y, log_y=log_y, parent=self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.legend)
        column.addWidget(self.plot, 1)
        self._curves: dict[str, tuple[Segments, str, float, float]] = {}
        self._x: tuple[float, float] | None = None
        self._y: tuple[float, float] | None = None
        self.plot.set_message(_EMPTY)

    def add_curve(self, name: str, role: str, width: float = 1.0, alpha: float = 1.0) -> Segments:
        """A curve in a theme colour; thick ones are smooth."""
        curve = Segments()
        self.plot.addItem(curve, ignoreBounds=True)
        self._curves[name] = (curve, role, width, alpha)
        return curve

    def fit(self, x: NDArray[Any], values: list[NDArray[Any]], floor: float | None = None) -> None:
        """Ranges that hold the curves; they move in steps."""
        finite = np.concatenate([v[np.isfinite(v)] for v in values])
        if not len(x) or not len(finite):
            return
        lo = float(finite.min()) if floor is None else floor
        wide, high = grown(self._x, 0.0, float(x[-1]) or 1.0), grown(self._y, lo, float(finite.max()))
        wide = (0.0, wide[1])
        if floor is not None:
            high = (floor, high[1])
        if (wide, high) != (self._x, self._y):
            self._x, self._y = wide, high
            self.plot.setRange(xRange=wide, yRange=high, padding=0.0)

    def restyle(self) -> None:
        for curve, role, width, alpha in self._curves.values():
            curve.set_pen(pen(shade(self.theme, role), width, alpha), smooth=width >= 2)
        self.update()


class LossPanel(HistoryPanel):
    """The loss of each iteration, its running mean, and the metric with the entropy no model can go below."""

    key = "loss"
    title = "Loss"
    about = "The training loss, faint for each iteration and strong for its running mean, and the metric."

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "loss", False, parent)
        self._raw = self.add_curve("raw", "accent", 1.0, 0.35)
        self._mean = self.add_curve("mean", "accent", 2.0)
        self._metric = self.add_curve("metric", "classes.1", 2.0)
        self._bound = pg.InfiniteLine(angle=0)
        self._bound.setZValue(-1)
        self.plot.addItem(self._bound, ignoreBounds=True)
        self._bound.hide()
        self._is_log = False
        self.setToolTip(
            "Loss against iteration: faint, each one; strong, a running mean over 2 % of the run.\n"
            "For a density also the NLL of held-out points, in nats, and the data's entropy H, "
            "which no honest model goes below."
        )
        self.restyle()

    def set_history(self, history: History, experiment: Experiment | None = None) -> None:
        """Draw a history of a run of ``experiment``, which tells what the loss and the metric are."""
        task = task_of(experiment or Experiment())
        bound = task.bound(experiment) if experiment is not None else None
        self.plot.set_message("" if len(history) else _EMPTY)
        if not len(history):
            self._x = self._y = None
        x = history.iteration.astype(np.float64)
        known = np.isfinite(history.metric)
        mean = running_mean(history.loss)
        shown = [history.loss, *([history.metric[known]] if task.shares_axis else [])]
        everything = np.concatenate(shown) if len(history) else np.empty(0)
        finite = everything[np.isfinite(everything)]
        positive = len(finite) > 0 and float(finite.min()) > 0 and (bound is None or bound > 0)
        self._use_log(positive and (not task.shares_axis or float(finite.max() / finite.min()) > _WIDE))
        scale = _log if self._is_log else _same
        self._raw.set_segments(segments(x, scale(history.loss)))
        self._mean.set_segments(segments(*thinned(x, scale(mean))))
        known = known & task.shares_axis
        self._metric.set_segments(segments(x[known], scale(history.metric[known])))
        values = [scale(v) for v in shown] or [np.empty(0)]
        if bound is not None:
            values.append(scale(np.array([bound])))
            self._bound.setValue(float(values[-1][0]))
        self._bound.setVisible(bound is not None)
        self.fit(x, values)
        self._tell(history, mean, task, bound)

    def restyle(self) -> None:
        super().restyle()
        line = pen(self.theme.colors.muted, 1.0)
        line.setDashPattern([4, 4])
        self._bound.setPen(line)

    def _use_log(self, log: bool) -> None:
        if log != self._is_log:
            self._is_log = log
            self._y = None
            self.plot.set_log_y(log)

    def _tell(self, history: History, mean: NDArray[Any], task: Task, bound: float | None) -> None:
        keys = [Key("loss", "accent", value=f"{mean[-1]:.3f}" if len(mean) else "")]
        metric = history.metric[np.isfinite(history.metric)]
        figure = task.headline
        if len(metric) and task.shares_axis:
            keys.append(Key(figure.label, "classes.1", value=figure.text(metric[-1])))
        elif len(metric):
            keys.append(Key(figure.label, "success", "dot", figure.text(metric[-1])))
        if bound is not None:
            keys.append(Key(task.bound_name, "muted", "dash", f"{bound:.3f}"))
        self.legend.set_keys(keys)


class NfePanel(HistoryPanel):
    """Function evaluations in each iteration, forward and backward."""

    key = "nfe"
    title = "NFE"
    about = "Number of function evaluations of each training iteration, forward and backward."

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "evaluations of f", False, parent)
        self._forward = self.add_curve("forward", "classes.0", 1.5)
        self._backward = self.add_curve("backward", "classes.1", 1.5)
        self.setToolTip(
            "NFE: how often f(h, t, θ) was evaluated. It grows as the learnt dynamics get more complex "
            "(Chen et al. 2018, figure 3)."
        )
        self.restyle()

    def set_history(self, history: History) -> None:
        """Draw a history."""
        self.plot.set_message("" if len(history) else _EMPTY)
        if not len(history):
            self._x = self._y = None
        x = history.iteration.astype(np.float64)
        keys = []
        for name, values, curve in (
            ("forward", history.nfe_forward, self._forward),
            ("backward", history.nfe_backward, self._backward),
        ):
            curve.set_segments(segments(*stairs(*runs(x, values))))
            role = self._curves[name][1]
            last = f"{values[-1]:.0f}" if len(values) and math.isfinite(values[-1]) else ""
            keys.append(Key(name, role, value=last))
        self.legend.set_keys(keys)
        self.fit(x, [history.nfe_forward, history.nfe_backward], floor=0.0)


def running_mean(values: NDArray[Any]) -> NDArray[np.float64]:
    """The mean over the last 2 % of the rows (at least 5) at each row, non-finite ones left out."""
    good = np.isfinite(values)
    total = np.cumsum(np.where(good, values, 0.0))
    count = np.cumsum(good)
    window = max(5, len(values) // 50)
    total[window:] -= total[:-window].copy()
    count[window:] = count[window:] - np.cumsum(good)[:-window]
    with np.errstate(invalid="ignore", divide="ignore"):
        result: NDArray[np.float64] = total / count
    return result


def segments(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    """The segments ``[n, 4]`` of a line through points, without those that touch a value that is not finite."""
    lines = np.stack([x[:-1], y[:-1], x[1:], y[1:]], axis=1)
    return np.ascontiguousarray(lines[np.isfinite(lines).all(axis=1)], dtype=np.float64)


def thinned(x: NDArray[Any], y: NDArray[Any], most: int = 300) -> tuple[NDArray[Any], NDArray[Any]]:
    """At most about ``most`` points of a slow curve, the last one among them."""
    every = max(1, len(x) // most)
    start = (len(x) - 1) % every if len(x) else 0
    return x[start::every], y[start::every]


def runs(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The points at which a value differs from the one before, and the last one."""
    if len(x) < 3:
        return x, y
    keep = np.r_[True, np.diff(y) != 0]
    keep[-1] = True
    return x[keep], y[keep]


def stairs(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """A line that holds each value until the next one: counts do not lie between whole numbers."""
    if len(x) < 2:
        return x, y
    return np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]


def _log(values: NDArray[Any]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        result: NDArray[np.float64] = np.log10(values)
    return result


def _same(values: NDArray[Any]) -> NDArray[Any]:
    return values
