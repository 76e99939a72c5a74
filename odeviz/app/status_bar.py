"""The status bar: where training stands, in numbers that do not jump about."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QStatusBar, QToolButton, QWidget

from odeviz.tasks.experiment import Experiment
from odeviz.tasks.numerals import short, thousands
from odeviz.tasks.registry import task_of
from odeviz.training.loop import Phase
from odeviz.training.snapshot import MEAN_PART, Snapshot
from odeviz.widgets.icons import icon
from odeviz.widgets.theme import Theme

_MEAN = f"Training loss, the mean of the batches of the last {100 // MEAN_PART} % of the iterations made"


class StatusBar(QStatusBar):
    """Iteration, iterations a second, mean loss, metric, NFE, device; and a message on the left."""

    FIELDS = (
        ("phase", "What the trainer is doing"),
        ("iteration", "Training iterations made, of those planned"),
        ("speed", "Training iterations a second"),
        ("loss", _MEAN),
        ("metric", ""),
        (
            "nfe",
            "Evaluations of the vector field in the latest training iteration: forward, backward. The solver "
            "bar's NFE is of the paths on show.",
        ),
        ("device", "Where training runs"),
    )

    _explained: Experiment | None

    #: What is under way shall be given up.
    cancel_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self._message = QLabel()
        self._message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._message.setContentsMargins(12, 0, 0, 0)
        self.addWidget(self._message, 1)
        self._make_going(theme)
        self.fields: dict[str, QLabel] = {}
        for name, tip in self.FIELDS:
            label = QLabel()
            label.setToolTip(tip)
            label.setProperty("role", "caption")
            label.setContentsMargins(8, 0, 8, 0)
            label.hide()
            self.fields[name] = label
            self.addPermanentWidget(label)
        self._theme, self._explained = theme, None
        self._phase, self._begun = Phase.IDLE, False
        self._restyle()
        theme.changed.connect(self._restyle)

    def _make_going(self, theme: Theme) -> None:
        self.going = QWidget(self)
        self._doing, self._bar, self.cancel = QLabel(), QProgressBar(), QToolButton()
        self._doing.setProperty("role", "caption")
        self._bar.setFixedWidth(120)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress of the export")
        self.cancel.setIcon(icon("x", theme, "muted"))
        self.cancel.setToolTip("Cancel the export: no file is left")
        self.cancel.setAccessibleName("Cancel the export")
        self.cancel.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.cancel.clicked.connect(self.cancel_wanted)
        row = QHBoxLayout(self.going)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(8)
        for part in (self._doing, self._bar, self.cancel):
            row.addWidget(part)
        self.addPermanentWidget(self.going)
        self.going.hide()

    def _restyle(self) -> None:
        for label in self.fields.values():
            label.setFont(self._theme.font(-1))
            # A label's size hint is never below its minimum: that of larger text before would stay.
            label.setMinimumWidth(0)
            label.setMinimumWidth(label.sizeHint().width() if label.text() else 0)

    def set_message(self, text: str) -> None:
        """One sentence on the left; "" clears it."""
        self._message.setText(text)
        self._message.setToolTip(text)

    def set_going(self, text: str, share: float | None) -> None:
        """What is under way, and how much of it is done; None where that is not known. "" when nothing is."""
        self._doing.setText(text)
        self._bar.setRange(0, 0 if share is None else 1000)
        self._bar.setValue(0 if share is None else round(1000 * share))
        self.going.setVisible(bool(text))

    def set_phase(self, phase: Phase) -> None:
        self._phase = phase
        self._show_phase()

    def _show_phase(self) -> None:
        words = {Phase.IDLE: "", Phase.STARTING: "Starting…", Phase.TROUBLE: "Stopped"}
        if not self._begun:
            words[Phase.PAUSED] = "Not started"
        self._show("phase", words.get(self._phase, self._phase.value.capitalize()))

    def set_device(self, device: str, reason: str) -> None:
        """The device's name, and one sentence why it was taken."""
        self._show("device", device)
        self.fields["device"].setToolTip(reason)

    def set_speed(self, per_second: float) -> None:
        """Iterations a second; 0 hides them."""
        self._show("speed", f"{thousands(per_second)} it/s" if per_second >= 10 else f"{per_second:.1f} it/s"
                   if per_second > 0 else "")  # fmt: skip

    def set_snapshot(self, snapshot: Snapshot | None) -> None:
        """Numbers of the model on show."""
        self._begun = snapshot is not None and snapshot.iteration > 0
        self._show_phase()
        if snapshot is None:
            for name in ("iteration", "loss", "metric", "nfe"):
                self._show(name, "")
            return
        total = snapshot.experiment.training.iterations
        self._show("iteration", f"{thousands(snapshot.iteration)} / {thousands(total)}")
        history = snapshot.history
        mean = snapshot.mean_loss
        self._show("loss", f"mean loss {short(mean)}" if math.isfinite(mean) else "")
        self._show("metric", _metric(snapshot))
        self._explain(snapshot.experiment)
        if len(history) and math.isfinite(history.nfe_forward[-1]):
            forward, backward = history.nfe_forward[-1], history.nfe_backward[-1]
            self._show("nfe", f"training NFE {thousands(forward)} / {thousands(backward)}")
        else:
            self._show("nfe", "")

    def _explain(self, experiment: Experiment) -> None:
        """Say what the numbers are taken over, which is another thing for every task."""
        if experiment == self._explained:
            return
        self._explained = experiment
        task = task_of(experiment)
        told = f"{task.headline.label}: on {task.measured_on}, now and then while training."
        if task.final_on:
            told += f"\nFinal {task.headline.label}: on {task.final_on}, when training is done."
        if task.bound(experiment):
            told += f"\nIn brackets how far it is above {task.bound_name}: {task.bound_about}."
        self.fields["metric"].setToolTip(told)

    def _show(self, name: str, text: str) -> None:
        label = self.fields[name]
        if label.text() != text:
            label.setText(text)
            # Digits change all the time: the place they take only grows.
            label.setMinimumWidth(max(label.minimumWidth(), label.sizeHint().width()) if text else 0)
        label.setVisible(bool(text))


def _metric(snapshot: Snapshot) -> str:
    """The task's first figure, and its distance to the bound where that is known and not 0."""
    score, task = snapshot.score, task_of(snapshot.experiment)
    if score is None:
        return ""
    bound = task.bound(snapshot.experiment)
    above = f" ({task.bound_name} {score.value - bound:+.3f})" if bound else ""
    return f"{score.name} {score.text}{above}"
