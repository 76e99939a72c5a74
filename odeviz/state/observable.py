"""What the window shows, one noun a signal: what the program writes and everything else follows."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from PySide6.QtCore import QObject, Signal

from odeviz.analysis.projection import Projection
from odeviz.analysis.results import SolverChoice
from odeviz.state.layers import SHOWN, Stage
from odeviz.state.nouns import Playhead, Range, Replay, Seeds, Selection, TrainingStatus
from odeviz.tasks.experiment import Experiment
from odeviz.training.loop import Phase
from odeviz.training.snapshot import Snapshot


class Observable(QObject):
    """Observable state. A setter that changes nothing emits nothing; what is emitted is frozen."""

    #: The edited :class:`Experiment`: what the form shows.
    experiment_changed = Signal(object)
    #: The :class:`Experiment` of the session or model on show, or None.
    running_changed = Signal(object)
    #: The :class:`Snapshot` on show.
    snapshot_changed = Signal(object)
    #: The :class:`Snapshot` that training has reached, on show or not.
    latest_changed = Signal(object)
    #: The :class:`Replay`: which moment of the run is on show.
    replay_changed = Signal(object)
    #: The :class:`Snapshot` of a run kept to compare others with, or None.
    kept_changed = Signal(object)
    #: The :class:`SolverChoice` of the solver bar.
    choice_changed = Signal(object)
    #: The :class:`SolverChoice` that is pinned to compare with, or None.
    pinned_changed = Signal(object)
    #: The :class:`Playhead`.
    playhead_changed = Signal(object)
    #: The :class:`Seeds`.
    seeds_changed = Signal(object)
    #: The :class:`Selection`.
    selection_changed = Signal(object)
    #: Which layers are shown, by key.
    layers_changed = Signal(object)
    #: What trajectories are coloured by: a key of :data:`COLOURINGS`.
    colouring_changed = Signal(str)
    #: The :class:`Projection` that states are seen in.
    projection_changed = Signal(object)
    #: The part of the plane on show, x0, x1, y0, y1, or None for all of it.
    range_changed = Signal(object)
    #: The :class:`Stage`: what decides which layers are offered.
    stage_changed = Signal(object)
    #: What a person has set of the views' controls: numbers by control, by view.
    values_changed = Signal(object)
    #: The :class:`TrainingStatus`.
    training_changed = Signal(object)
    #: One sentence for the status bar.
    message_changed = Signal(str)
    #: The file on show (a :class:`Path` or None), and whether it is behind.
    document_changed = Signal(object, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.experiment = Experiment()
        #: A person's own data by name, for experiments that learn from it.
        self.data: Mapping[str, Any] = {}
        self.running: Experiment | None = None
        self.snapshot: Snapshot | None = None
        self.latest: Snapshot | None = None
        self.replay = Replay()
        self.kept: Snapshot | None = None
        self.choice = SolverChoice()
        self.pinned: SolverChoice | None = None
        self.playhead = Playhead()
        self.seeds = Seeds()
        self.selection = Selection()
        self.layers: Mapping[str, bool] = SHOWN
        self.colouring = "class"
        self.projection = Projection()
        self.range: Range | None = None
        self.stage = Stage()
        self.values: Mapping[str, Mapping[str, float]] = MappingProxyType({})
        self.training = TrainingStatus()
        self.message, self.lasting = "", False
        self.path: Path | None = None
        self.unsaved = False

    @property
    def hurried(self) -> bool:
        """Whether pictures follow one another: each as good as there is time for."""
        following = self.training.phase is Phase.TRAINING and self.replay.iteration is None
        return self.replay.held or following

    def set_experiment(self, experiment: Experiment) -> None:
        if experiment != self.experiment:
            self.experiment = experiment
            self.experiment_changed.emit(experiment)

    def set_running(self, experiment: Experiment | None) -> None:
        if experiment != self.running:
            self.running = experiment
            self._set_stage()
            self.running_changed.emit(experiment)

    def set_snapshot(self, snapshot: Snapshot | None) -> None:
        """What training has reached, or a file holds; it is on show unless an earlier moment of the run is."""
        before, self.latest = self.latest, snapshot
        if snapshot is None or (before is not None and snapshot.iteration < before.iteration):
            # Another run, which has no such moment.
            self.set_replay(Replay())
        if snapshot is not before:
            self.latest_changed.emit(snapshot)
        if self.replay.iteration is None:
            self._show(snapshot)

    def _show(self, snapshot: Snapshot | None) -> None:
        if snapshot is not self.snapshot:
            self.snapshot = snapshot
            self.snapshot_changed.emit(snapshot)

    def set_replay(self, replay: Replay) -> None:
        """Show another moment of the run; training goes on meanwhile."""
        if replay == self.replay:
            return
        moved = replay.iteration != self.replay.iteration
        self.replay = replay
        if moved and self.latest is not None:
            wanted = replay.iteration
            self._show(self.latest if wanted is None else self.latest.nearest(wanted))
        self.replay_changed.emit(replay)

    def look_back(self, iteration: float, held: bool = False) -> None:
        """Show the moment of the run nearest to an iteration."""
        if self.latest is not None:
            nearest = min(self.latest.moments, key=lambda moment: abs(moment - iteration))
            self.set_replay(Replay(None if nearest == self.latest.iteration else nearest, held))

    def step_back(self, steps: int) -> None:
        """Show the moment so many before the one on show; a negative number leads to later ones."""
        if self.latest is None or self.snapshot is None:
            return
        moments = self.latest.moments
        here = bisect.bisect_left(moments, self.snapshot.iteration)
        self.look_back(moments[min(max(here - steps, 0), len(moments) - 1)])

    def keep(self, snapshot: Snapshot | None) -> None:
        """Keep a run to compare others with; None puts it away."""
        if snapshot is not self.kept:
            self.kept = snapshot
            self.kept_changed.emit(snapshot)

    def set_choice(self, choice: SolverChoice) -> None:
        if choice != self.choice:
            self.choice = choice
            self.choice_changed.emit(choice)

    def set_pinned(self, choice: SolverChoice | None) -> None:
        if choice != self.pinned:
            self.pinned = choice
            self._set_stage(comparing=choice is not None)
            self.pinned_changed.emit(choice)

    def set_playhead(self, playhead: Playhead) -> None:
        if playhead != self.playhead:
            self.playhead = playhead
            self.playhead_changed.emit(playhead)

    def set_seeds(self, seeds: Seeds) -> None:
        if seeds != self.seeds:
            self.seeds = seeds
            self.set_selection(self.selection.among(len(seeds.points)))
            self.seeds_changed.emit(seeds)

    def set_selection(self, selection: Selection) -> None:
        if selection != self.selection:
            self.selection = selection
            self.selection_changed.emit(selection)

    def set_layers(self, layers: Mapping[str, bool]) -> None:
        if dict(layers) != dict(self.layers):
            self.layers = MappingProxyType(dict(layers))
            self.layers_changed.emit(self.layers)

    def set_colouring(self, key: str) -> None:
        if key != self.colouring:
            self.colouring = key
            self.colouring_changed.emit(key)

    def set_projection(self, projection: Projection) -> None:
        """See the states in another way; one of another kind is fitted into view."""
        if projection != self.projection:
            refit = projection.still != self.projection.still
            self.projection = projection
            if refit:
                self.set_range(None)
            self.projection_changed.emit(projection)
            self._set_stage()

    def set_range(self, shown: Range | None) -> None:
        if shown != self.range:
            self.range = shown
            self.range_changed.emit(shown)

    def set_space(self, dim: int, over_time: bool) -> None:
        """Dimensions of the state on show, and whether its plane's horizontal axis is time."""
        self._set_stage(dim=dim, over_time=over_time)

    def _set_stage(self, **known: Any) -> None:
        stage = dataclasses.replace(
            self.stage, experiment=self.running or self.experiment, projection=self.projection.still, **known
        )
        if stage != self.stage:
            self.stage = stage
            self.stage_changed.emit(stage)

    def set_values(self, values: Mapping[str, Mapping[str, float]]) -> None:
        if dict(values) != dict(self.values):
            self.values = MappingProxyType(dict(values))
            self.values_changed.emit(self.values)

    def set_training(self, status: TrainingStatus) -> None:
        if status != self.training:
            self.training = status
            self.training_changed.emit(status)

    def say(self, message: str, lasting: bool = False) -> None:
        """Show a sentence in the status bar ("" clears it).

        What was done is told for a while; a ``lasting`` one stays until another is said, and so does one that ends in
        dots, of what goes on.
        """
        if message != self.message:
            self.message, self.lasting = message, lasting or message.endswith("…")
            self.message_changed.emit(message)

    def set_document(self, path: Path | None, unsaved: bool) -> None:
        if (path, unsaved) != (self.path, self.unsaved):
            self.path, self.unsaved = path, unsaved
            self.document_changed.emit(path, unsaved)
