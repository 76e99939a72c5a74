"""The run's past in the window: its history panels, going back to earlier moments, and a run kept to compare with."""

from __future__ import annotations

import dataclasses
import time
from functools import partial

from PySide6.QtCore import QObject, Slot

from odeviz.app.main_window import MainWindow
from odeviz.bridge import Phase
from odeviz.panels.history_panels import HistoryPanel
from odeviz.panels.panel import Later
from odeviz.state import Replay, Workbench
from odeviz.tasks.differences import differences, in_short
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.registry import same_loss, task_of
from odeviz.training.snapshot import Snapshot

#: Seconds between two drawings of the loss while training.
HISTORY_PERIOD = 0.4


class RunHistory(QObject):
    """Joins workbench, history panels and the mark that says which moment is on show."""

    def __init__(self, bench: Workbench, window: MainWindow, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.bench, self.window = bench, window
        #: The panels that show the latest.
        self._drawn: set[HistoryPanel] = set()
        #: Whose loss is drawn.
        self._told: Experiment | None = None
        self._draw_after = 0.0
        self._panels: tuple[HistoryPanel, ...] = (window.loss, window.nfe)
        for panel in self._panels:
            panel.scrubbed.connect(bench.look_back)
            panel.stepped.connect(bench.step_back)
            panel.released.connect(self.go_live)
            panel.missed.connect(self._on_missed)
            panel.keep_toggled.connect(self.toggle_kept)
        window.replay_mark.stepped.connect(bench.step_back)
        window.replay_mark.released.connect(self.go_live)
        bench.latest_changed.connect(self._on_latest)
        bench.replay_changed.connect(self._tell_moment)
        bench.kept_changed.connect(self._show_kept)
        bench.running_changed.connect(self._show_kept)

    @Slot()
    def go_live(self) -> None:
        """Show the latest again."""
        self.bench.set_replay(Replay())

    @Slot()
    def toggle_kept(self) -> None:
        """Keep the run on show to compare others with, or put the kept one away."""
        latest = self.bench.latest
        if self.bench.kept is not None:
            self.bench.keep(None)
        elif latest is None or not len(latest.history):
            self.bench.say("There is no run to keep yet: press Train.")
        else:
            # Its curves are all that is compared: its weights need not be held.
            self.bench.keep(dataclasses.replace(latest, checkpoints=()))
            self.bench.say("This run is kept: its curves stay, dashed, beside those of the runs to come.")

    def draw(self, later: Later) -> None:
        """Called on every tick: bring the visible history panels up to date ``later``, a few times a second."""
        latest, now = self.bench.latest, time.monotonic()
        training = self.bench.training.phase is Phase.TRAINING
        if latest is None or (now < self._draw_after and training):
            return
        for panel in self._panels:
            if panel not in self._drawn and self.window.is_seen(panel):
                self._drawn.add(panel)
                self._draw_after = now + HISTORY_PERIOD
                later(f"history: {panel.key}", partial(self._draw, panel, latest))

    def _draw(self, panel: HistoryPanel, latest: Snapshot) -> None:
        if panel is self.window.loss:
            self._told = latest.experiment
            self.window.loss.set_history(latest.history, latest.experiment, latest.score)
        else:
            self.window.nfe.set_history(latest.history)

    @Slot()
    def _on_missed(self) -> None:
        latest = self.bench.latest
        if latest is not None and latest.iteration:
            self.bench.say(
                "A model's file keeps only the end of its training, a session's its whole run: train it, and you can "
                "look back."
            )

    @Slot()
    def _on_latest(self) -> None:
        self._drawn.clear()
        latest, loss = self.bench.latest, self.window.loss
        if latest is not None and latest.experiment == self._told and self.window.is_seen(loss):
            # Its numbers are those of the status bar; its curves follow a few times a second.
            loss.read(latest.history, latest.score)
        self._tell_moment()

    @Slot()
    def _tell_moment(self) -> None:
        bench, latest = self.bench, self.bench.latest
        if latest is None:
            self.window.replay_mark.tell(None, 0)
            return
        iteration = bench.replay.iteration
        shown = None if iteration is None or bench.snapshot is None else bench.snapshot.iteration
        self.window.replay_mark.tell(shown, latest.iteration, first=shown == latest.moments[0])
        for panel in self._panels:
            panel.set_ready(len(latest.moments) > 1)
            if panel.moment != shown:
                panel.set_moment(shown)

    @Slot()
    def _show_kept(self) -> None:
        kept, now = self.bench.kept, self.bench.running
        if kept is None:
            for panel in self._panels:
                panel.set_kept(None)
            return
        name = in_short(differences(kept.experiment, now)) if now is not None else ""
        self.window.nfe.set_kept(kept.history, name)
        if same_loss(kept.experiment, now or kept.experiment):
            self.window.loss.set_kept(kept.history, name, kept.score)
        else:
            # Its loss means something else: it waits until one like it is shown again.
            self.window.loss.set_kept(
                kept.history.until(-1), f"a {task_of(kept.experiment).loss.label}, not comparable"
            )
