"""What the solver has answered: kept until the next tick of the redraw loop, then drawn by the panels it is for.

Nothing is drawn when an answer arrives, so that a burst of them is one paint.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from odeviz.analysis.overlays import SpaceResult
from odeviz.analysis.projection import Projection
from odeviz.analysis.results import Extent, FlowResult, SolverChoice
from odeviz.app.background import Background
from odeviz.app.comparison import Comparison
from odeviz.app.flow_extras import FlowExtras
from odeviz.app.main_window import MainWindow
from odeviz.app.probing import Probing
from odeviz.app.redraw import RedrawLoop
from odeviz.app.task_views import TaskViews
from odeviz.app.turns import Turns
from odeviz.bridge import Answer, Scene
from odeviz.panels.lit_dots import Crowd
from odeviz.state import Selection, Workbench
from odeviz.tasks.registry import task_of

#: A tick draws what has arrived until it has worked for so many seconds.
BUDGET = 0.001
#: What moves a panel to the playhead's time is called so, and by the panel's key.
_TIME_OF = "time of "


class Showing(QObject):
    """Joins answers and panels, and moves the panels to the playhead's time."""

    #: A :class:`Scene` is on show: where the plane lies, and the data on it.
    scene_shown = Signal(object)
    #: Trajectories are drawn.
    flow_shown = Signal()
    #: The first picture of a model is complete.
    completed = Signal()

    def __init__(
        self,
        bench: Workbench,
        window: MainWindow,
        redraw: RedrawLoop,
        background: Background,
        extras: FlowExtras,
        comparison: Comparison,
        probing: Probing,
        boards: Mapping[str, TaskViews],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.bench, self.window, self.redraw = bench, window, redraw
        self._background, self._extras, self._boards = background, extras, boards
        #: How the states on show lie in the picture, and through which projection they are seen.
        self.space, self.seen = SpaceResult(), Projection()
        #: The latest result of every kind: what an export draws.
        self.results: dict[str, Any] = {}
        self._arrived: dict[str, Answer] = {}
        self.turns = Turns(self, redraw.floor)
        self._announced = True
        #: The part of the plane on show.
        self._extent: Extent | None = None
        self._crowd = Crowd()
        #: The error last measured, and with which solver.
        self._error: tuple[SolverChoice | None, float] = None, math.nan
        #: Who draws the kinds that are not drawn here.
        self._others: dict[str, Callable[[Any], None]] = {
            "field": window.flow.set_field, "pinned": partial(self._show_pinned, comparison), "probe": probing.show,
            **{kind: partial(extras.show, kind) for kind in FlowExtras.kinds},
        }  # fmt: skip

    @property
    def waits(self) -> bool:
        """Whether answers wait to be drawn."""
        return bool(self._arrived)

    @property
    def at_rest(self) -> bool:
        """Whether nothing waits, and every panel is at the playhead's time unless it is told of it on and on."""
        due = self.turns.due
        if self.redraw.going:
            due = tuple(key for key in due if not key.startswith(_TIME_OF))
        return not (self._arrived or due)

    def draws(self, kind: str, draw: Callable[[Any], None]) -> None:
        """Answers of a kind are drawn so."""
        self._others[kind] = draw

    def forget(self) -> None:
        """Another model is about to be shown."""
        self._arrived.clear()
        self.turns.clear()
        self.results.clear()
        self._tell_crowd(seed=None, trajectory=None)
        self._error = None, math.nan
        self._extent = None
        self._announced = False

    def drop(self, kind: str) -> None:
        """What has arrived of a kind and is not drawn yet is stale."""
        self._arrived.pop(kind, None)

    def take(self, answer: Answer) -> None:
        """Keep an answer until the next tick; a later one of its kind replaces it."""
        self._arrived[answer.request.kind] = answer
        self.redraw.wake(under_hand=answer.request.kind == "flow" and self.bench.dragging)

    def turn(self, projection: Projection) -> None:
        """Show another side of what is shown."""
        self.seen = projection
        self.window.flow.set_projection(self.space, projection)

    def later(self, key: str, draw: Callable[[], object]) -> None:
        """Draw this in a turn of its own after this tick; a later call for the same ``key`` replaces it."""
        self.turns.give(key, partial(self._draw_later, draw))

    def _draw_later(self, draw: Callable[[], object]) -> None:
        draw()
        # Something may have waited for all to be drawn.
        self.redraw.wake()

    def show(self) -> None:
        """Called on every tick: draw what has arrived since the last, and the playhead's time.

        What a tick has no time for is left to the next ones, so that none holds up the window.
        """
        until = time.perf_counter() + BUDGET
        while self._arrived:
            self._show_next()
            if time.perf_counter() > until:
                break
        else:
            self._show_background()
        if self._arrived:
            self.redraw.wake()
        self._show_time(self.bench.playhead.t)
        if not self._announced and self._complete:
            self._announced = True
            self.completed.emit()

    def _show_next(self) -> None:
        """Draw the answer that came first."""
        kind = next(iter(self._arrived))
        answer = self._arrived.pop(kind)
        if kind == "scene" and answer.request.projection != self.bench.projection.still:
            # It has been asked for anew, as it is seen now.
            return
        self.results[kind] = answer.result
        if kind in self._boards:
            self._show_view(self._boards[kind], answer)
            return
        draw = self._others.get(kind) or getattr(self, f"_show_{kind}")
        draw(answer.result)

    def _show_time(self, t: float) -> None:
        window = self.window
        for panel in (window.flow, window.time_bar):
            panel.set_time(t)
        for board in self._boards.values():
            board.set_time(t, self._move_later)
        for panel in (window.series, window.steps, window.density):
            if window.is_seen(panel):
                self._move_later(panel.key, partial(panel.set_time, t))

    def _move_later(self, key: str, move: Callable[[], object]) -> None:
        """Move something to the playhead's time in a turn of its own after this tick."""
        self.turns.give(_TIME_OF + key, move)

    # One kind of answer each.

    def _show_scene(self, scene: Scene) -> None:
        if self.bench.hurried:
            scene = dataclasses.replace(scene, extent=scene.extent.steadied(self._extent))
            self.results["scene"] = scene
        self._extent = scene.extent
        self._show_space(scene)
        window = self.window
        if "flow" not in self.results:
            # The paths on show are of the model before: not a moment among the data of this one.
            window.flow.set_flow(None)
            window.flow.set_field(None)
            if "background" not in self.results:
                # And what lies behind them.
                self._background.take_away()
                self.later("density", self._background.show_panel)
        window.flow.set_extent(scene.extent)
        self.later("names", partial(window.series.set_names, window.flow.axis_names()))
        window.flow.set_data(scene.data)
        window.density.set_data(scene.data)
        self._set_end(scene.t1)
        self.scene_shown.emit(scene)

    def _show_space(self, scene: Scene) -> None:
        projection = self.bench.projection
        if projection.still != self.seen.still:
            # What is on show was seen in another way.
            self._extras.forget()
            self.window.flow.set_flow(None)
            self.window.flow.set_field(None)
            for kind in ("flow", "seeds"):
                self.results.pop(kind, None)
        self.space, self.seen = scene.space, projection
        self.bench.set_space(scene.space.dim, scene.space.over_time)
        self.window.flow.set_projection(scene.space, projection)

    def _show_flow(self, flow: FlowResult) -> None:
        self._set_end(float(flow.t[-1]))
        window = self.window
        window.flow.set_flow(flow)
        window.flow.set_message(flow.message if flow.status != "success" else self.bench.training.message)
        window.time_bar.set_clock(flow.clock)
        window.time_bar.set_steps(flow.steps, flow.costliest)
        # The latest error measured with this solver has to do until the next.
        known, error = self._error
        self.window.solver_bar.set_cost(
            dataclasses.replace(flow, error=error) if self.bench.hurried and known == flow.choice else flow
        )
        self.later("crowd", partial(window.series.set_crowd, flow))
        self.later("crowds", partial(self._tell_crowd, trajectory=flow))
        if window.is_seen(window.steps):
            self.later("steps", partial(window.steps.set_steps, flow.steps, flow))
        self.flow_shown.emit()

    def _show_view(self, board: TaskViews, answer: Answer) -> None:
        # Not in the tick that moves the flow.
        self.later(board.kind, partial(board.show, self.later, answer))

    def _show_pinned(self, comparison: Comparison, flow: FlowResult) -> None:
        self.later("pinned", partial(comparison.show, flow))

    def _show_cost(self, flow: FlowResult) -> None:
        self._error = flow.choice, flow.error
        if not self.bench.hurried:
            self.window.solver_bar.set_cost(flow)

    def _show_seeds(self, flow: FlowResult) -> None:
        self.show_seeds()

    def show_seeds(self) -> None:
        """Draw the seeds where they are now, and their trajectories as far as they are known."""
        seeds = self.bench.seeds
        # A trajectory for each seed, or none: those of another number of seeds are stale.
        flow = self.results.get("seeds")
        if flow is not None and flow.paths.shape[1] != len(seeds.points):
            flow = None
        there = bool(seeds.points) and self.space.fits(seeds.points)
        points = self.space.place(np.array(seeds.points)) if there else None
        self.window.flow.set_seeds(points, flow if there else None)
        self.window.series.set_seeds(flow if there else None)
        self._tell_crowd(seed=flow if there else None)

    def select(self, selection: Selection) -> None:
        """Light up what is selected and hovered in every view that knows trajectories."""
        self._crowd = dataclasses.replace(self._crowd, selection=selection)
        self.window.flow.set_selection(selection)
        self.window.series.set_selection(selection)
        self.window.steps.set_selection(selection)
        self._tell_crowd()

    def _tell_crowd(self, **flows: FlowResult | None) -> None:
        for kind, flow in flows.items():
            self._crowd = self._crowd.having(kind, flow)
        self.window.density.set_crowd(self._crowd)
        # Views lie over the task's own plane: through another projection a trajectory has no place there.
        own = self.seen.kind == "plane"
        self.window.view.set_crowd(self._crowd if own else dataclasses.replace(self._crowd, flows={}))

    def _show_background(self, frame: Any = None) -> None:
        self._background.follow()
        if self._background.show(frame):
            # It takes as long as the flow's own background does.
            self.later("density", self._background.show_panel)
        # The frame on show: what has arrived may be one of another time, kept for later.
        if self._background.frame is not None:
            self.results["background"] = self._background.frame

    def _set_end(self, t1: float) -> None:
        if t1 != self.bench.playhead.t1:
            self.bench.set_playhead(self.bench.playhead.with_end(t1))
            self._background.rescale(t1)

    @property
    def _complete(self) -> bool:
        """Whether everything of the first picture is there."""
        snapshot = self.bench.snapshot
        behind = snapshot is not None and task_of(snapshot.experiment).behind(snapshot.experiment)
        return "flow" in self.results and ("background" in self.results or not behind)
