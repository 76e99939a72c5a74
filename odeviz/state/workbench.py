"""The workbench: everything the window shows, one noun a signal, each changed through one door."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from odeviz.analysis.projection import Projection
from odeviz.analysis.results import SolverChoice
from odeviz.state.commands import Change
from odeviz.state.layers import COLOURINGS, LAYERS, SHOWN, Stage
from odeviz.state.nouns import Mark, Playhead, Point, Range, Replay, Seeds, Selection, TrainingStatus
from odeviz.tasks.experiment import FIXED, Experiment
from odeviz.tasks.own_data import OWN, classes_of
from odeviz.tasks.registry import TASKS
from odeviz.tasks.settings import find
from odeviz.tasks.task import Task
from odeviz.training.snapshot import Snapshot

#: A trajectory solved with this looks the same as an exact one.
VIEWING_TOLERANCE = 1e-4


class Workbench(QObject):
    """Observable state. A setter that changes nothing emits nothing; what is emitted is frozen.

    ``set_*`` methods write directly, for what the program does; the verbs (``edit``, ``choose``,
    ``add_seed`` ...) are a person's actions and go through the undo stack.
    """

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
    #: A validation message for a setting: dotted path, sentence ("" when it is fine again).
    rejected = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        self.undo_stack.setUndoLimit(200)
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
        self.message = ""
        self.path: Path | None = None
        self.unsaved = False
        self._drags = 0
        self.dragging = False

    # What the program does.

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

    def say(self, message: str) -> None:
        """Show a sentence in the status bar ("" clears it)."""
        if message != self.message:
            self.message = message
            self.message_changed.emit(message)

    def set_document(self, path: Path | None, unsaved: bool) -> None:
        if (path, unsaved) != (self.path, self.unsaved):
            self.path, self.unsaved = path, unsaved
            self.document_changed.emit(path, unsaved)

    def show_model(self, snapshot: Snapshot, path: Path | None = None) -> None:
        """Show a model that was opened: its experiment fills the form, and there is nothing to undo."""
        self._look_afresh()
        self.data = snapshot.data
        self.set_experiment(snapshot.experiment)
        self.set_running(snapshot.experiment)
        self.set_choice(viewing_choice(snapshot.experiment))
        self.set_snapshot(snapshot)
        self.set_document(path, unsaved=False)

    def show_experiment(self, experiment: Experiment, data: Mapping[str, Any] = MappingProxyType({})) -> None:
        """Show an experiment that has no model yet, and the data it learns from if they are a person's own."""
        self.data = data
        self._look_afresh()
        self.set_experiment(experiment)
        self.set_choice(viewing_choice(experiment))
        self.set_document(None, unsaved=False)

    def _look_afresh(self) -> None:
        """What was set and chosen for the model before means nothing to another."""
        self.undo_stack.clear()
        self.latest = None
        self.set_replay(Replay())
        self.set_seeds(Seeds())
        self.set_selection(Selection())
        self.set_values({})
        self.set_pinned(None)
        self.set_projection(Projection())
        self.set_range(None)

    # What a person does.

    def edit(self, path: str, value: Any) -> None:
        """Change one setting of the experiment; a value that is not allowed is :attr:`rejected`."""
        try:
            new = self._edited(path, value)
        except ValueError as error:
            self.rejected.emit(path, str(error))
            return
        self.rejected.emit(path, "")
        if new != self.experiment:
            self._push(_told(new, path), self.set_experiment, self.experiment, new, f"edit {path}")

    def revert(self, experiment: Experiment, text: str) -> None:
        """Make all settings those of ``experiment`` again; ``text`` names the undo step."""
        if experiment != self.experiment:
            self._push(text, self.set_experiment, self.experiment, experiment)

    def begin_drag(self) -> None:
        """From here to :meth:`end_drag`, changes of the same thing are one undo step."""
        self._drags += 1
        self.dragging = True

    def end_drag(self) -> None:
        self.dragging = False

    def choose(self, choice: SolverChoice) -> None:
        """Look through another solver."""
        if choice != self.choice:
            if choice.method != self.choice.method:
                text, key = f"method {choice.method}", ""
            elif choice.method in FIXED:
                text, key = f"{choice.steps} steps", "choice"
            else:
                text, key = f"tolerance {choice.rtol:.2g}", "choice"
            self._push(text, self.set_choice, self.choice, choice, key)

    def add_seed(self, point: Point) -> None:
        self._push("new seed", self.set_seeds, self.seeds, self.seeds.added(point))
        self.set_selection(Selection((Mark("seed", len(self.seeds.points) - 1),)))

    def move_seed(self, index: int, point: Point) -> None:
        if 0 <= index < len(self.seeds.points):
            self._push(
                "move of a seed", self.set_seeds, self.seeds, self.seeds.moved(index, point), f"seed {index}"
            )

    def remove_seeds(self, *indices: int) -> None:
        """Remove these seeds."""
        known = {index for index in indices if 0 <= index < len(self.seeds.points)}
        if known:
            text = "removal of a seed" if len(known) == 1 else f"removal of {len(known)} seeds"
            kept = tuple(mark for mark in self.selection.marks if mark.kind != "seed")
            # Their numbers are those of others from now on.
            self.set_selection(Selection(kept))
            self._push(text, self.set_seeds, self.seeds, self.seeds.removed(*known))

    def clear_seeds(self) -> None:
        if self.seeds.points:
            self._push("removal of all seeds", self.set_seeds, self.seeds, Seeds())

    def select(self, *marks: Mark, extend: bool = False) -> None:
        """Select these alone, or with ``extend`` turn over each of them; selecting is not worth an undo step."""
        now = self.selection
        known = [mark for mark in marks if mark.kind != "seed" or 0 <= mark.index < len(self.seeds.points)]
        self.set_selection(now.toggled(*known) if extend else Selection(tuple(known), now.hovered))

    def hover(self, mark: Mark | None) -> None:
        """This trajectory is under the mouse, or none."""
        self.set_selection(self.selection.hovering(mark))

    def show_layer(self, key: str, shown: bool) -> None:
        if self.layers.get(key) != shown:
            verb = "showing" if shown else "hiding"
            what = LAYERS[key].title.lower()
            self._push(f"{verb} of {what}", self.set_layers, self.layers, {**self.layers, key: shown})

    def colour_by(self, key: str) -> None:
        """Colour trajectories by one of :data:`COLOURINGS`."""
        if key != self.colouring:
            what = COLOURINGS[key][0]
            self._push(f"colouring by {what}", self.set_colouring, self.colouring, key)

    def project(self, projection: Projection) -> None:
        """See the states in another way; turning is one step while it lasts."""
        if projection != self.projection:
            key = "turn" if projection.still == self.projection.still else ""
            self._push("change of projection", self.set_projection, self.projection, projection, key)

    def look_at(self, shown: Range | None) -> None:
        """Pan or zoom to a part of the plane, or with None to all of it."""
        if shown != self.range:
            self._push("pan or zoom", self.set_range, self.range, shown, "range")

    def compare(self) -> None:
        """Pin the solver's setting to compare others with it, or let the pinned one go."""
        text = "pinning of a solver setting" if self.pinned is None else "unpinning of a solver setting"
        self._push(text, self.set_pinned, self.pinned, self.choice if self.pinned is None else None)

    def adjust(self, view: str, key: str, value: float) -> None:
        """Set one of a view's controls."""
        new = {**self.values, view: {**self.values.get(view, {}), key: value}}
        self._push("change of a view", self.set_values, self.values, new, f"view {view} {key}")

    def _edited(self, path: str, value: Any) -> Experiment:
        now = self.experiment
        if path == "task" and value != now.task and value in TASKS:
            # Another task begins with what works for it.
            kept: dict[str, Any] = {"seed": now.seed, "device": now.device, "dtype": now.dtype}
            own = now.data.name == OWN
            other = own and (TASKS[value].own != TASKS[now.task].own or not self._labelled(TASKS[value]))
            if now.data.name in TASKS[value].data and not other:
                kept |= {"data.name": now.data.name}
            return Experiment.of(value, kept)
        # A method brings its ways to a gradient; what both have is kept.
        follower, otherwise = _FOLLOWERS.get(path, ("", ""))
        if follower and find(self.experiment, path).value != value:
            for choice in [find(self.experiment, follower).value, otherwise]:
                try:
                    return self.experiment.with_settings({path: value, follower: choice})
                except ValueError:
                    continue
        return self.experiment.with_setting(path, value)

    def _labelled(self, task: Task) -> bool:
        """Whether the person's own data have the labels that a task may need."""
        return not task.needs_labels or bool(len(classes_of(self.data.get("labels", np.empty(0)))))

    def _push(self, text: str, apply: Any, old: Any, new: Any, merge: str = "") -> None:
        drag = self._drags if self.dragging else 0
        self.undo_stack.push(Change(text, apply, old, new, merge, drag))


#: Settings that must fit another: by the one that leads, the one that follows and a choice that always fits.
_FOLLOWERS = {"solver.method": ("solver.adjoint", "discrete")}


def _told(experiment: Experiment, path: str) -> str:
    """What an edit is called in the menu, such as ``learning rate 0.01``."""
    entry = next(entry for entry in experiment.entries() if entry.path == path)
    label = entry.about.label[:1].lower() + entry.about.label[1:]
    if isinstance(entry.value, bool):
        return f"{label} {'on' if entry.value else 'off'}"
    return f"{label} {entry.value:.4g}" if isinstance(entry.value, float) else f"{label} {entry.value}"


def viewing_choice(experiment: Experiment) -> SolverChoice:
    """The solver the views start with: the experiment's own, made adaptive, and tight enough to be drawn."""
    solver = experiment.solver
    method = "dopri5" if solver.method in FIXED else solver.method
    rtol, atol = (min(tolerance, VIEWING_TOLERANCE) for tolerance in (solver.rtol, solver.atol))
    return SolverChoice(method, rtol, atol, solver.steps)
