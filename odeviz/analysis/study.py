"""A study: a snapshot's model, restored and ready to be asked what it does. Importing this module imports torch."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.analysis import diagnostics, grid
from odeviz.analysis.corners import speeds, with_corners
from odeviz.analysis.deciding import decided
from odeviz.analysis.mapping import answered, carried_apart, not_arrived
from odeviz.analysis.overlaying import Overlaid
from odeviz.analysis.projection import Projection
from odeviz.analysis.reference import Reference
from odeviz.analysis.results import (
    DataResult,
    DecisionResult,
    DensityResult,
    Extent,
    FieldResult,
    FlowResult,
    Ints,
    ProbeResult,
    SolverChoice,
    frozen,
)
from odeviz.analysis.states import PRECISE, as_starts, as_states
from odeviz.analysis.stepping import nfe_each, steps_of
from odeviz.engine import Solution, Status
from odeviz.engine.integrate import CancelToken
from odeviz.engine.kernel import AutogradKernel, Kernel, kernel_of
from odeviz.fields.divergence import differentiated
from odeviz.models import Classifier, DensityModel, FlowModel, SolverOptions
from odeviz.tasks.chart import Picture
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.learning import NO_DATA, Data, task_for
from odeviz.tasks.plane import Plane, TimePlane
from odeviz.tasks.registry import task_of
from odeviz.tasks.scene import Cancelled, Scene
from odeviz.tasks.settings import one_of
from odeviz.tasks.viewpoint import WHOLE, Viewpoint
from odeviz.training.snapshot import Snapshot


class Study(Overlaid):
    """Questions to the model of one snapshot; every answer is a frozen result.

    Questions that take long take a ``cancel`` token (anything with ``is_set``, looked at in every step of a
    solve) and answer None when it was set. A solve that fails numerically raises nothing: the result says so
    and holds NaN for what was not reached. The plane is the task's, in most tasks the state's first two dimensions;
    where a question sets states in the plane, they lie in it.
    """

    def __init__(self, snapshot: Snapshot, device: str = "cpu") -> None:
        from odeviz.training import restore

        model = restore(snapshot, device=device)
        self._begin(model, snapshot.experiment, snapshot.iteration, snapshot.data)

    @classmethod
    def of(cls, model: FlowModel, experiment: Experiment, iteration: int = 0) -> Study:
        """A study of a copy of any model; the experiment tells the task and the data set."""
        study = cls.__new__(cls)
        study._begin(copy.deepcopy(model), experiment, iteration, NO_DATA)
        return study

    def _begin(self, model: FlowModel, experiment: Experiment, iteration: int, data: Data) -> None:
        self.model = model.eval().requires_grad_(False)
        self._experiment, self._iteration = experiment, iteration
        self.like = next(model.parameters())
        self.task = task_for(experiment, self.like.device, data)
        self._reference = Reference(self.model)
        #: What views have found out of the model, for others and for when they are drawn again.
        self._memory: dict[str, Any] = {}

    @property
    def experiment(self) -> Experiment:
        """What the model is of."""
        return self._experiment

    @property
    def t1(self) -> float:
        """The end time of the flow, which starts at 0."""
        return self.model.t1

    @property
    def extent(self) -> Extent:
        """A rectangle of the plane that shows the data set."""
        plane = self.plane
        return Extent(
            *self.task.extent(self.model), *plane.labels, equal=plane.equal, dims=self.model.state_dim
        )

    @cached_property
    def plane(self) -> Plane | TimePlane:
        """The plane that states are shown in."""
        return self.task.plane(self.model)

    def data(self, n: int = 1000) -> DataResult:
        """At most ``n`` points of the data set, the same at every call; of a fixed set, those trained on."""
        points, labels = self.task.shown(self.model, n)
        return DataResult(frozen(points), frozen(labels), self.task.classes)

    def default_seeds(self, n: int, rng_seed: int = 0) -> tuple[NDArray[Any], Ints]:
        """Where ``n`` trajectories start: points of the plane ``[n, 2]`` or states ``[n, dim]``, and labels ``[n]``.

        A classifier carries data, labelled; a flow carries samples of its base, labelled -1.
        """
        seeds, labels = self.task.starts(self.model, n, rng_seed)
        return frozen(seeds), frozen(labels)

    @torch.no_grad()
    def flow(
        self,
        seeds: NDArray[Any],
        labels: Ints,
        choice: SolverChoice,
        frames: int = 61,
        with_error: bool = True,
        cancel: CancelToken | None = None,
    ) -> FlowResult | None:
        """Trajectories through ``seeds`` from t = 0 to t1, by one solve, at ``frames`` equal times.

        There are more of those where the task's trajectories need it to look smooth.

        ``seeds`` are points of the plane ``[batch, 2]`` or states ``[batch, dim]``, at t = 0; where the plane has an
        axis of time, a trajectory passes through its point at the point's own time.

        The states between the steps are the method's own dense output, so ``nfe`` is what the solve cost.
        Where the choice says so trajectories have steps of their own; maps and views always share theirs.
        ``with_error`` measures the distance to a float64 reference at t1 (see :class:`FlowResult`), which is
        solved once for each set of seeds; without it the error is told only if that has been done before.
        """
        self._check_seeds(seeds)
        grid.at_least("frames", frames, 2)
        frames = max(frames, task_of(self._experiment).frames(self._experiment))
        start = as_starts(self.model, self.plane, seeds)
        times = np.linspace(0.0, self.t1, frames)
        began = time.perf_counter()
        jumps = task_of(self._experiment).jumps
        options = replace(_options(choice), per_sample=choice.own_steps)
        solution = self.model.flow(start, times.tolist(), options, cancel=cancel, dense=jumps)
        milliseconds = 1000 * (time.perf_counter() - began)
        if solution.status is Status.CANCELLED:
            return None
        error = self._reference.error(start, solution.y1, cancel, only_known=not with_error)
        if error is None:
            return None
        found = self._carried(solution, start, times, options, cancel)
        if found is None:
            return None
        states, lost = found
        if jumps:
            times, states = with_corners(self.model, solution, times)
        paths = _array(self.plane.points(states, torch.tensor(times).to(states)))
        return FlowResult(
            t=frozen(times),
            paths=paths,
            labels=frozen(np.array(labels, dtype=np.int64)),
            steps=steps_of(solution),
            choice=choice,
            iteration=self._iteration,
            nfe=solution.stats.nfe_forward,
            error=error,
            milliseconds=milliseconds,
            status=_name(solution),
            message=lost + solution.message,
            speed=_speed(times, states),
            classes=self.task.classes,
            clock=self.task.own_clock,
            axes=self.plane.labels if paths.shape[-1] == len(self.plane.labels) else (),
            nfe_each=nfe_each(solution),
        )

    def _carried(
        self,
        solution: Solution,
        start: Tensor,
        times: NDArray[np.float64],
        options: SolverOptions,
        cancel: CancelToken | None,
    ) -> tuple[Tensor, str] | None:
        """The states at the times, and what did not arrive, of trajectories that one lost one has not stopped."""
        if solution.ok or solution.per_sample is not None:
            return solution.y, not_arrived(solution.y1)
        return carried_apart(self.model, start, times.tolist(), options, cancel)

    def _check_seeds(self, seeds: NDArray[Any]) -> None:
        widths = (2, self.model.state_dim)
        if np.ndim(seeds) != 2 or np.shape(seeds)[1] not in widths or not len(seeds):
            raise ValueError(f"seeds must be points [batch, 2], at least one, not {list(np.shape(seeds))}")

    @torch.no_grad()
    def field(
        self, extent: Extent, n: int = 25, times: int = 33, cancel: CancelToken | None = None
    ) -> FieldResult | None:
        """The vector field on about n x n nodes, from edge to edge of the extent, at equal times from 0 to t1.

        Where the plane has an axis of time it does not change: two times then.
        """
        grid.at_least("n", n, 2)
        x, y, points = grid.nodes(extent, *grid.counts(extent, n))
        if self.plane.over_time:
            return self._slopes(x, y, cancel)
        states = self._states(points)
        moments = np.linspace(0.0, self.t1, times)
        velocity = self._velocities(moments, states, cancel)
        if velocity is None:
            return None
        grids = _array(self.plane.velocity(velocity).reshape(times, len(y), len(x), 2))
        return FieldResult(frozen(moments), frozen(x), frozen(y), grids, self._iteration)

    def _slopes(
        self, x: NDArray[np.float64], y: NDArray[np.float64], cancel: CancelToken | None
    ) -> FieldResult | None:
        """The field over an axis of time: each column ``x`` of the grid at its own time."""
        column = self._states(np.stack([np.zeros_like(y), y], axis=1))
        velocity = self._velocities(x, column, cancel)
        if velocity is None:
            return None
        slopes = _array(self.plane.velocity(velocity).transpose(0, 1))
        both = np.broadcast_to(slopes, (2, *slopes.shape))
        return FieldResult(frozen(np.array([0.0, self.t1])), frozen(x), frozen(y), both, self._iteration)

    def _velocities(self, times: NDArray[Any], states: Tensor, cancel: CancelToken | None) -> Tensor | None:
        """The field ``[times, batch, dim]`` at the states; None when cancelled."""
        make = kernel_of(self.model.field)
        if make is None:
            kernel: Kernel = AutogradKernel(self.model.field, states, ())
        else:
            # As a solve would use it: three times as fast as calling the module.
            kernel = make(states)
        packed = kernel.pack(states)
        velocity = packed.new_empty(len(times), len(packed))
        try:
            for k, t in enumerate(times.tolist()):
                if cancel is not None and cancel.is_set():
                    return None
                kernel.evaluate(t, packed, velocity[k], -1)
            return kernel.unpack(velocity).clone()
        finally:
            kernel.release()

    @torch.no_grad()
    def density(
        self, t: float, extent: Extent, n: int, choice: SolverChoice, cancel: CancelToken | None = None
    ) -> DensityResult | None:
        """log p(z, t) in nats on about n x n cells, with the mass inside the extent.

        Every cell's centre is carried back to t = 0, where the base's density is known.
        Raises ``ValueError`` for a model that has no density.
        """
        if not isinstance(self.model, DensityModel):
            raise ValueError("only a normalizing flow has a density; this model is none")
        model = self.model

        def ask(states: Tensor, options: SolverOptions) -> Tensor:
            return model.log_prob_at(states, t, options, cancel=cancel)

        nx, ny = grid.counts(extent, n)
        states = self._states(grid.cell_centres(extent, nx, ny))
        answer = answered(model, states, ask, _options(choice), solves=t > 0.0)
        if answer is None:
            return None
        log_density = _array(answer.values.reshape(ny, nx) - self._log_scale)
        density = np.exp(log_density, dtype=np.float64)
        known = math.nan if np.isnan(density).all() else float(np.nansum(density))
        mass = known * grid.cell_area(extent, nx, ny)
        return DensityResult(t, extent, log_density, mass, self._iteration, answer.status, answer.message)

    @torch.no_grad()
    def decision(
        self,
        t: float,
        extent: Extent,
        n: int,
        choice: SolverChoice,
        cancel: CancelToken | None = None,
        finer: bool = False,
    ) -> DecisionResult | None:
        """Class probabilities on about n x n cells: each centre, a state at time t, carried on to t1 and read out.

        ``finer`` makes the cells half as large, solved for beside a boundary and interpolated elsewhere.
        Raises ``ValueError`` for a model that decides nothing.
        """
        if not isinstance(self.model, Classifier):
            raise ValueError("only a classifier has a decision to show; this model is none")
        found = decided(self.model, self._states, t, extent, n, _options(choice), cancel, finer)
        if found is None:
            return None
        return replace(found, iteration=self._iteration, classes=self.task.classes)

    @torch.no_grad()
    def probe(
        self, point: tuple[float, float], t: float, cancel: CancelToken | None = None
    ) -> ProbeResult | None:
        """Velocity, speed and exact divergence at one state in the plane, and log p there for a density."""
        state = self._states(np.array([point]))
        if self.plane.over_time:
            t = point[0]
        velocity, divergence = differentiated(self.model.field, t, state)
        u, v = self.plane.velocity(velocity)[0].tolist()
        log_density = math.nan
        if isinstance(self.model, DensityModel):
            log_density = float(self.model.log_prob_at(state, t, PRECISE, cancel=cancel)[0]) - self._log_scale
            solution = self.model.last_solution
            if t > 0.0 and solution is not None and solution.status is Status.CANCELLED:
                return None
        return ProbeResult(t, point, (u, v), math.hypot(u, v), float(divergence[0]), log_density)

    @torch.no_grad()
    def view(
        self,
        key: str,
        choice: SolverChoice,
        cancel: CancelToken | None = None,
        viewpoint: Viewpoint = WHOLE,
        pinned: SolverChoice | None = None,
    ) -> Picture | None:
        """One of the task's own views or of those any flow has; ``ValueError`` when there is none of that name.

        With a viewpoint of little patience it may be a first look, or hold only some of its parts. Views of what a
        solver setting costs also mark the ``pinned`` one.
        """
        task = task_of(self._experiment)
        views = {view.key: view for view in diagnostics.views_of(self._experiment)}
        one_of("view", key, list(views))
        own = key in [view.key for view in task.views_of(self._experiment)]
        draw = import_module(f"{task.package}.views").draw if own else diagnostics.draw
        values = viewpoint.settings(views[key].controls(self._experiment))
        beside = None if pinned is None else _options(pinned)
        scene = Scene(
            self.model, self.task, _options(choice), cancel, self._memory, viewpoint, values, beside
        )
        try:
            picture: Picture = draw(key, scene)
        except Cancelled:
            return None
        return picture

    def scene(self, choice: SolverChoice, cancel: CancelToken | None = None) -> Scene:
        """What views of the model are drawn from."""
        return Scene(self.model, self.task, _options(choice), cancel, self._memory)

    def through(self, projection: Projection) -> Study:
        """The same model with its states seen in another way; two dimensions are always seen as they are."""
        if projection.kind == "plane" or self.model.state_dim <= 2:
            return self
        from odeviz.analysis.projected import ProjectedStudy

        name = f"through {projection.kind} {projection.axes}"
        if name not in self._memory:
            self._memory[name] = ProjectedStudy(self, projection)
        seen: Study = self._memory[name]
        return seen

    @property
    def _log_scale(self) -> float:
        """What log p of a state exceeds that of its point by."""
        plane = self.plane
        return plane.log_scale if isinstance(plane, Plane) else 0.0

    def _states(self, points: NDArray[Any]) -> Tensor:
        return as_states(self.model, self.plane, points)


def _options(choice: SolverChoice) -> SolverOptions:
    return SolverOptions(choice.method, choice.rtol, choice.atol, choice.steps)


def _name(solution: Solution) -> str:
    return solution.status.name.lower()


def _speed(times: NDArray[np.float64], states: Tensor) -> NDArray[Any]:
    """Norm of the central differences ``[T, batch]`` of states ``[T, batch, dim]`` at the times."""
    values = states.cpu().double().numpy()
    if not (np.diff(times) > 0.0).all():
        return frozen(speeds(times, values).astype(np.float32))
    return frozen(np.linalg.norm(np.gradient(values, times, axis=0), axis=-1).astype(np.float32))


def _array(values: Tensor) -> NDArray[Any]:
    """A tensor's values as a read-only array of its own."""
    return frozen(values.detach().cpu().contiguous().numpy())
