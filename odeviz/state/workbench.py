"""The workbench: everything the window shows, and the one door through which a person changes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from PySide6.QtCore import QObject, Signal

from odeviz.analysis.projection import Projection
from odeviz.analysis.results import SolverChoice
from odeviz.state.commands import Change, UndoStack
from odeviz.state.editing import edited, told
from odeviz.state.layers import COLOURINGS, LAYERS
from odeviz.state.nouns import Mark, Point, Range, Replay, Seeds, Selection
from odeviz.state.observable import Observable
from odeviz.tasks.experiment import FIXED, Experiment
from odeviz.training.snapshot import Snapshot

#: A trajectory solved with this looks the same as an exact one.
VIEWING_TOLERANCE = 1e-4


class Workbench(Observable):
    """What is shown, with undo.

    ``set_*`` methods write directly, for what the program does; the verbs (``edit``, ``choose``,
    ``add_seed`` ...) are a person's actions and go through the undo stack.
    """

    #: A validation message for a setting: dotted path, sentence ("" when it is fine again).
    rejected = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = UndoStack(self)
        self.undo_stack.setUndoLimit(200)
        self._drags = 0
        self.dragging = False

    # What the program opens.

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
            new = edited(self.experiment, path, value, self.data)
        except ValueError as error:
            self.rejected.emit(path, str(error))
            return
        self.rejected.emit(path, "")
        if new != self.experiment:
            self._push(told(new, path), self.set_experiment, self.experiment, new, f"edit {path}")

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
            elif choice.per_sample != self.choice.per_sample:
                text, key = "steps per sample" if choice.per_sample else "shared steps", ""
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

    def _push(self, text: str, apply: Any, old: Any, new: Any, merge: str = "") -> None:
        drag = self._drags if self.dragging else 0
        self.undo_stack.push(Change(text, apply, old, new, merge, drag))


def viewing_choice(experiment: Experiment) -> SolverChoice:
    """The solver the views start with: the experiment's own, made adaptive, and tight enough to be drawn."""
    solver = experiment.solver
    method = "dopri5" if solver.method in FIXED else solver.method
    rtol, atol = (min(tolerance, VIEWING_TOLERANCE) for tolerance in (solver.rtol, solver.atol))
    return SolverChoice(method, rtol, atol, solver.steps)
