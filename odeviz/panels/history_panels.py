"""What training has done so far: the loss with the metric, and the function evaluations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from odeviz.panels.line_shapes import dashes, runs, segments, stairs, thinned
from odeviz.panels.panel import Panel
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.numerals import short, thousands
from odeviz.tasks.registry import task_of
from odeviz.training.snapshot import MEAN_PART, History, Score
from odeviz.widgets.icons import icon
from odeviz.widgets.legend import Key, Legend, shade
from odeviz.widgets.lines import StraightLine
from odeviz.widgets.plot import grown
from odeviz.widgets.primitives import Segments, pen
from odeviz.widgets.scrub_plot import ScrubPlot
from odeviz.widgets.theme import Theme

_EMPTY = "Nothing has been trained yet.\nPress Train to start."
#: A loss that shares its axis has a logarithmic one when its largest value is this many times its smallest.
_WIDE = 1e3
_UNSOLVED = "Nothing is solved in the training of this model, so that there is nothing to count."


class HistoryPanel(Panel):
    """Curves against the iteration, with a legend that reads their values at the moment on show.

    It is dragged through to look at earlier moments of the run. Another run's curves can be kept beside, dashed.
    """

    #: The iteration under the hand, and whether it still holds on.
    scrubbed = Signal(float, bool)
    #: So many moments back; a negative number goes forwards.
    stepped = Signal(int)
    #: Back to the latest.
    released = Signal()
    #: Somebody tried to look back, and there are no earlier moments.
    missed = Signal()
    #: The run shall be kept to compare others with, or put away.
    keep_toggled = Signal()

    def __init__(self, theme: Theme, y: str, log_y: bool, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.legend = Legend(theme, parent=self, rows=3)
        self.plot = ScrubPlot(theme, "iteration", y, log_y=log_y, parent=self)
        self.plot.setAccessibleName(f"{self.title} over the run")
        self.keep = QToolButton(self)
        self.keep.setCheckable(True)
        self.keep.setIcon(icon("push-pin", theme, "muted"))
        self.keep.setAccessibleName("Keep this run for comparison")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        head = QHBoxLayout()
        column.addLayout(head)
        column.addWidget(self.plot, 1)
        head.setContentsMargins(0, 0, 6, 0)
        head.setSpacing(0)
        head.addWidget(self.legend, 1, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.keep, 0, Qt.AlignmentFlag.AlignTop)
        self._curves: dict[str, tuple[Segments, str, float, float]] = {}
        self._x: tuple[float, float] | None = None
        self._y: tuple[float, float] | None = None
        self._history, self._moment = History.empty(), None
        #: What the legend reads: the curves are drawn more seldom.
        self._read = self._history
        #: The history of the run that is kept, what it is called, and how good its model is.
        self._kept, self._kept_name, self._kept_score = History.empty(), "", None
        self.plot.set_message(_EMPTY)
        self.plot.scrubbed.connect(self.scrubbed)
        self.plot.stepped.connect(self.stepped)
        self.plot.released.connect(self.released)
        self.plot.missed.connect(self.missed)
        self.keep.clicked.connect(self._on_keep)
        self.set_kept(None)

    _moment: int | None
    _kept_score: Score | None

    @property
    def moment(self) -> int | None:
        """The earlier moment on show, or None."""
        return self._moment

    def set_kept(self, history: History | None, name: str = "", score: Score | None = None) -> None:
        """Show another run's curves, dashed; ``name`` tells it from this one. None: there is none.

        An empty history is one that cannot be compared: ``name`` says why.
        """
        if history is None and not self.keep.isChecked() and self.keep.toolTip():
            # There was none, and it is said so.
            return
        self._kept, self._kept_name = history if history is not None else History.empty(), name
        self._kept_score = score
        self.keep.setChecked(history is not None)
        self.keep.setToolTip(
            f"Put the kept run away ({name})" if history is not None else
            "Keep this run: its curves stay, dashed, beside those of the runs to come"
        )  # fmt: skip
        self.draw()

    def set_moment(self, iteration: int | None) -> None:
        """The earlier moment that all views show, or None for the latest."""
        self._moment = iteration
        self._show_moment()
        self.draw_legend()

    def set_ready(self, ready: bool) -> None:
        """Whether the run has moments to go back to."""
        self.plot.set_ready(ready)

    def draw(self) -> None:
        """Draw the history, and the kept one."""
        self.draw_legend()

    def draw_legend(self) -> None:
        """Tell the values at the moment on show."""

    def add_curve(self, name: str, role: str, width: float = 1.0, alpha: float = 1.0) -> Segments:
        """A curve in a theme colour; thick ones are smooth."""
        curve = Segments()
        self.plot.addItem(curve)
        self._curves[name] = (curve, role, width, alpha)
        return curve

    def fit(self, x: NDArray[Any], values: list[NDArray[Any]], floor: float | None = None) -> None:
        """Ranges that hold the curves, the kept run's among them; they move in steps."""
        finite = np.concatenate([v[np.isfinite(v)] for v in values])
        last = float(max([*x[-1:], *self._kept.iteration[-1:]], default=0.0))
        if not last or not len(finite):
            return
        lo = float(finite.min()) if floor is None else floor
        wide, high = grown(self._x, 0.0, last), grown(self._y, lo, float(finite.max()))
        wide = (0.0, wide[1])
        if floor is not None:
            high = (floor, high[1])
        if (wide, high) != (self._x, self._y):
            self._x, self._y = wide, high
            self.plot.setRange(xRange=wide, yRange=high, padding=0.0)

    def take(self, history: History) -> None:
        """Another history to draw; the axes of another run's begin anew."""
        before, self._history = self._history.iteration, history
        self._read = history
        if len(before) and (not len(history) or history.iteration[-1] < before[-1]):
            self._x = self._y = None
        self.plot.set_message("" if len(history) or len(self._kept) else _EMPTY)
        self._show_moment()

    def upto(self) -> History:
        """The history up to the moment on show, itself included."""
        return self._read if self._moment is None else self._read.until(self._moment)

    def moment_keys(self) -> list[Key]:
        """Of which earlier moment the legend's values are."""
        return [] if self._moment is None else [Key("at iteration", "muted", "text", thousands(self._moment))]

    def kept_keys(self) -> list[Key]:
        """The kept run's entry in the legend."""
        if not self._kept_name:
            return []
        kind, score = "dash" if len(self._kept) else "cross", self.kept_score()
        name = f"kept: {self._kept_name}" if score is None else f"kept ({self._kept_name}): {score.name}"
        return [Key(name, "muted", kind, "" if score is None else score.text)]

    def kept_score(self) -> Score | None:
        """How good the kept run's model is, where no curve shows it."""
        return None

    def restyle(self) -> None:
        for curve, role, width, alpha in self._curves.values():
            curve.set_pen(pen(shade(self.theme, role), width, alpha), smooth=width >= 2)
        self.update()

    def _show_moment(self) -> None:
        last = self._history.iteration[-1:]
        here = self._moment if self._moment is not None else (int(last[0]) if len(last) else None)
        self.plot.set_moment(here, past=self._moment is not None)

    def _on_keep(self) -> None:
        # It shows what is so, not what was clicked.
        self.keep.setChecked(not self.keep.isChecked())
        self.keep_toggled.emit()


class LossPanel(HistoryPanel):
    """The loss of each iteration, its mean, and the metric with the entropy no model can go below."""

    key = "loss"
    title = "Loss"
    about = "The training loss, faint for each iteration and strong for the mean of the last ones, and the metric."

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        self._task, self._bound_value, self._score = task_of(Experiment()), None, None
        super().__init__(theme, "loss", False, parent)
        self._raw = self.add_curve("raw", "accent", 1.0, 0.35)
        self._kept_mean = self.add_curve("kept mean", "accent", 2.0, 0.55)
        self._kept_metric = self.add_curve("kept metric", "classes.1", 2.0, 0.55)
        self._mean = self.add_curve("mean", "accent", 2.0)
        self._metric = self.add_curve("metric", "classes.1", 2.0)
        self._bound = StraightLine(angle=0)
        self._bound.setZValue(-1)
        self.plot.addItem(self._bound)
        self._bound.hide()
        self._is_log = False
        self.plot.setToolTip(
            "Loss against iteration: faint, that of each batch; strong, the mean loss of the last iterations.\n"
            "For a density also the NLL on held-out points, in nats, and the data's entropy H, which no honest model "
            "goes below. The legend's tooltip says what each number is taken over.\n"
            "Drag, or press Left and Right, to see the model as it was then."
        )
        self.restyle()

    _bound_value: float | None
    _score: Score | None

    def set_history(
        self, history: History, experiment: Experiment | None = None, score: Score | None = None
    ) -> None:
        """Draw a history of a run of ``experiment``, which tells what the loss and the metric are."""
        self._task, self._score = task_of(experiment or Experiment()), score
        self._bound_value = self._task.bound(experiment) if experiment is not None else None
        self.take(history)
        self.draw()

    def read(self, history: History, score: Score | None) -> None:
        """Tell a later history's values of the run that is drawn: its curves follow."""
        self._read, self._score = history, score
        self.draw_legend()

    def draw(self) -> None:
        if not hasattr(self, "_is_log"):
            return
        history, task, bound = self._history, self._task, self._bound_value
        shown = [part for each in (history, self._kept) for part in self._shown(each)]
        everything = np.concatenate(shown)
        finite = everything[np.isfinite(everything)]
        positive = len(finite) > 0 and float(finite.min()) > 0 and (bound is None or bound > 0)
        self._use_log(positive and (not task.shares_axis or float(finite.max() / finite.min()) > _WIDE))
        scale = _log if self._is_log else _same
        x = history.iteration.astype(np.float64)
        self._raw.set_segments(segments(x, scale(history.loss)))
        self._mean.set_segments(segments(*thinned(x, scale(history.mean_loss()))))
        self._metric.set_segments(segments(*self._figures(history, scale)))
        kept = thinned(self._kept.iteration.astype(np.float64), scale(self._kept.mean_loss()))
        self._kept_mean.set_segments(dashes(segments(*kept)))
        self._kept_metric.set_segments(dashes(segments(*self._figures(self._kept, scale))))
        values = [scale(v) for v in shown]
        if bound is not None:
            values.append(scale(np.array([bound])))
            self._bound.setValue(float(values[-1][0]))
        self._bound.setVisible(bound is not None)
        self.fit(x, values)
        self.draw_legend()

    def draw_legend(self) -> None:
        history, task, bound = self.upto(), self._task, self._bound_value
        mean, score = history.mean_loss()[-1:], self._score
        over = f"of the batches of the last {100 // MEAN_PART} % of the iterations made"
        keys = [Key("mean loss", "accent", value=short(mean[-1]) if len(mean) else "", about=over)]
        if self._moment is not None or score is None:
            quick = history.metric_at_end()
            score = Score(task.headline, quick, False) if math.isfinite(quick) else None
        if score is not None:
            on = task.final_on if score.final else f"{task.measured_on}, now and then"
            role, kind = ("classes.1", "line") if task.shares_axis else ("success", "dot")
            keys.append(Key(score.name, role, kind, score.text, f"on {on}"))
        if bound is not None:
            keys.append(Key(task.bound_name, "muted", "dash", f"{bound:.3f}", task.bound_about))
        self.legend.set_keys([*self.moment_keys(), *keys, *self.kept_keys()])

    def kept_score(self) -> Score | None:
        return None if self._task.shares_axis else self._kept_score

    def restyle(self) -> None:
        super().restyle()
        line = pen(self.theme.colors.muted, 1.0)
        line.setDashPattern([4, 4])
        self._bound.setPen(line)

    def _shown(self, history: History) -> list[NDArray[Any]]:
        """What of a history must be within the axes; of a kept one without its single iterations."""
        loss = history.loss if history is self._history else history.mean_loss()
        known = history.metric[np.isfinite(history.metric)]
        return [loss, known] if self._task.shares_axis else [loss]

    def _figures(self, history: History, scale: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """The first figure over the iterations, where it shares the loss's axis."""
        known = np.isfinite(history.metric) & self._task.shares_axis
        return history.iteration[known].astype(np.float64), scale(history.metric[known])

    def _use_log(self, log: bool) -> None:
        if log != self._is_log:
            self._is_log = log
            self._y = None
            self.plot.set_log_y(log)


class NfePanel(HistoryPanel):
    """Function evaluations in each iteration, forward and backward."""

    key = "nfe"
    title = "NFE"
    about = "Number of function evaluations of each training iteration, forward and backward."

    #: Name, column and colour of its curves.
    _columns = (("forward", "nfe_forward", "classes.0"), ("backward", "nfe_backward", "classes.1"))

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "evaluations of f", False, parent)
        for name, _, role in self._columns:
            self.add_curve(f"kept {name}", role, 1.5, 0.55)
            self.add_curve(name, role, 1.5)
        self.plot.setToolTip(
            "NFE: how often f(z, t, θ) was evaluated. It grows as the learnt dynamics get more complex "
            "(Chen et al. 2018, figure 3).\nDrag, or press Left and Right, to see the model as it was then."
        )
        self.restyle()

    def set_history(self, history: History) -> None:
        """Draw a history."""
        self.take(history)
        if len(history) and not history.solves and not self._kept.solves:
            self.plot.set_message(_UNSOLVED)
        self.draw()

    def draw(self) -> None:
        if not self._curves:
            return
        x = self._history.iteration.astype(np.float64)
        shown = []
        for name, column, _ in self._columns:
            values, kept = getattr(self._history, column), getattr(self._kept, column)
            self._curves[name][0].set_segments(segments(*stairs(*runs(x, values))))
            evenly = thinned(self._kept.iteration.astype(np.float64), kept)
            self._curves[f"kept {name}"][0].set_segments(dashes(segments(*evenly)))
            shown += [values, kept]
        self.draw_legend()
        self.fit(x, shown, floor=0.0)

    def draw_legend(self) -> None:
        keys, history = [], self.upto()
        for name, column, role in self._columns:
            values = getattr(history, column)
            last = thousands(values[-1]) if len(values) and math.isfinite(values[-1]) else ""
            keys.append(Key(name, role, value=last))
        self.legend.set_keys([*self.moment_keys(), *keys, *self.kept_keys()])


def _log(values: NDArray[Any]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        result: NDArray[np.float64] = np.log10(values)
    return result


def _same(values: NDArray[Any]) -> NDArray[Any]:
    return values
