"""A study: a snapshot's model, restored and ready to be asked what it does. Importing this module imports torch."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.analysis import grid
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
    StepTable,
    frozen,
)
from odeviz.engine import Solution, Status, StepRecord
from odeviz.engine.integrate import CancelToken
from odeviz.models import CNF, ODENet, SolverOptions
from odeviz.tasks.datasets import DATASETS
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.learning import training_points
from odeviz.training.snapshot import Snapshot

Model = ODENet | CNF

#: How the log-density under the mouse is solved.
_PROBE = SolverOptions(method="dopri5", rtol=1e-5, atol=1e-5)

#: States of a grid that are solved together.
_BLOCK = 2048


class Study:
    """Questions to the model of one snapshot; every answer is a frozen result.

    Questions that take long take a ``cancel`` token (anything with ``is_set``, looked at in every step of a
    solve) and answer None when it was set. A solve that fails numerically raises nothing: the result says so
    and holds NaN for what was not reached. The plane is the state's first two dimensions; where a question
    sets states in the plane, the extra dimensions are zero.
    """

    def __init__(self, snapshot: Snapshot, device: str = "cpu") -> None:
        from odeviz.training import restore

        model = restore(snapshot, device=device)
        assert isinstance(model, ODENet | CNF)
        self._begin(model, snapshot.experiment, snapshot.iteration)

    @classmethod
    def of(cls, model: Model, experiment: Experiment, iteration: int = 0) -> Study:
        """A study of a copy of any model; the experiment tells the data set."""
        study = cls.__new__(cls)
        study._begin(copy.deepcopy(model), experiment, iteration)
        return study

    def _begin(self, model: Model, experiment: Experiment, iteration: int) -> None:
        self._model = model.eval().requires_grad_(False)
        self._experiment, self._iteration = experiment, iteration
        self._like = next(model.parameters())
        self._reference = Reference(self._model)

    @property
    def t1(self) -> float:
        """The end time of the flow, which starts at 0."""
        return self._model.t1

    @property
    def extent(self) -> Extent:
        """A square around the origin that shows the data set."""
        half = DATASETS[self._experiment.data.name].extent
        return Extent(-half, half, -half, half)

    def data(self, n: int = 1000) -> DataResult:
        """``n`` points of the data set, the same at every call; of a classifier's, at most those it is trained on."""
        if self._experiment.task == "classification":
            points, labels = (part[:n].copy() for part in training_points(self._experiment))
        else:
            points, labels = self._sample(n, self._experiment.seed)
        return DataResult(frozen(points), frozen(labels))

    def default_seeds(self, n: int, rng_seed: int = 0) -> tuple[NDArray[np.float32], Ints]:
        """Where trajectories start: ``seeds [n, 2]`` and ``labels [n]``.

        A classifier carries data, labelled; a flow carries samples of its base N(0, I), labelled -1.
        """
        if isinstance(self._model, ODENet):
            points, labels = self._sample(n, rng_seed)
        else:
            rng = np.random.default_rng(rng_seed)
            points, labels = rng.standard_normal((n, 2), dtype=np.float32), np.full(n, -1, dtype=np.int64)
        return frozen(points), frozen(labels)

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
        """Trajectories through ``seeds [batch, 2]`` from t = 0 to t1, at ``frames`` equal times, by one solve.

        The states between the steps are the method's own dense output, so ``nfe`` is what the solve cost.
        ``with_error`` measures the distance to a float64 reference at t1 (see :class:`FlowResult`), which is
        solved once for each set of seeds; without it the error is told only if that has been done before.
        """
        if np.ndim(seeds) != 2 or np.shape(seeds)[1] != 2 or not len(seeds):
            raise ValueError(f"seeds must be points [batch, 2], at least one, not {list(np.shape(seeds))}")
        grid.at_least("frames", frames, 2)
        start = self._states(seeds)
        times = np.linspace(0.0, self.t1, frames)
        began = time.perf_counter()
        solution = self._model.flow(start, times.tolist(), _options(choice), cancel=cancel)
        milliseconds = 1000 * (time.perf_counter() - began)
        if solution.status is Status.CANCELLED:
            return None
        error = self._reference.error(start, solution.y1, cancel, only_known=not with_error)
        if error is None:
            return None
        return FlowResult(
            t=frozen(times),
            paths=_array(solution.y[..., :2]),
            labels=frozen(np.array(labels, dtype=np.int64)),
            steps=_table(solution.stats.steps),
            choice=choice,
            iteration=self._iteration,
            nfe=solution.stats.nfe_forward,
            error=error,
            milliseconds=milliseconds,
            status=_name(solution),
            message=solution.message,
        )

    @torch.no_grad()
    def field(
        self, extent: Extent, n: int = 25, times: int = 33, cancel: CancelToken | None = None
    ) -> FieldResult | None:
        """The vector field on an n x n grid, from edge to edge of the extent, at equal times from 0 to t1."""
        x, y, points = grid.nodes(extent, n)
        states = self._states(points)
        moments = np.linspace(0.0, self.t1, times)
        # The field's fused kernel, as a solve would use it: three times as fast as calling the module.
        kernel = self._model.field.kernel(states)
        packed = kernel.pack(states)
        velocity = packed.new_empty(times, len(packed))
        try:
            for k, t in enumerate(moments.tolist()):
                if cancel is not None and cancel.is_set():
                    return None
                kernel.evaluate(t, packed, velocity[k], -1)
            grids = _array(kernel.unpack(velocity)[..., :2].reshape(times, n, n, 2))
        finally:
            kernel.release()
        return FieldResult(frozen(moments), frozen(x), frozen(y), grids, self._iteration)

    @torch.no_grad()
    def density(
        self, t: float, extent: Extent, n: int, choice: SolverChoice, cancel: CancelToken | None = None
    ) -> DensityResult | None:
        """log p(z, t) in nats on n x n cells, with the mass inside the extent.

        Every cell's centre is carried back to t = 0, where the base's density is known.
        Raises ``ValueError`` for a model that has no density.
        """
        if not isinstance(self._model, CNF):
            raise ValueError("only a continuous normalizing flow has a density; this model is a classifier")
        ask = partial(self._model.log_prob_at, t=t, solver=_options(choice), cancel=cancel)
        answer = self._on_grid(extent, n, ask, solves=t > 0.0)
        if answer is None:
            return None
        log_density = _array(answer.values.reshape(n, n))
        mass = float(np.exp(log_density, dtype=np.float64).sum() * grid.cell_area(extent, n))
        return DensityResult(t, extent, log_density, mass, self._iteration, answer.status, answer.message)

    @torch.no_grad()
    def decision(
        self, t: float, extent: Extent, n: int, choice: SolverChoice, cancel: CancelToken | None = None
    ) -> DecisionResult | None:
        """Class probabilities on n x n cells: each centre, taken as a state at time t, carried on to t1 and read out.

        Raises ``ValueError`` for a model that decides nothing.
        """
        if not isinstance(self._model, ODENet):
            raise ValueError("only a classifier has a decision to show; this model is a density")
        ask = partial(self._model.classify_from, t=t, solver=_options(choice), cancel=cancel)
        answer = self._on_grid(extent, n, ask, solves=t < self.t1)
        if answer is None:
            return None
        probability = _array(answer.values.softmax(dim=1).T.reshape(-1, n, n))
        return DecisionResult(t, extent, probability, self._iteration, answer.status, answer.message)

    @torch.no_grad()
    def probe(
        self, point: tuple[float, float], t: float, cancel: CancelToken | None = None
    ) -> ProbeResult | None:
        """Velocity, speed and exact divergence at one state in the plane, and log p there for a density."""
        state = self._states(np.array([point]))
        u, v = self._model.field(t, state)[0, :2].tolist()
        divergence = float(self._model.field.divergence(t, state)[0])
        log_density = math.nan
        if isinstance(self._model, CNF):
            log_density = float(self._model.log_prob_at(state, t, _PROBE, cancel=cancel)[0])
            solution = self._model.last_solution
            if t > 0.0 and solution is not None and solution.status is Status.CANCELLED:
                return None
        return ProbeResult(t, point, (u, v), math.hypot(u, v), divergence, log_density)

    def _sample(self, n: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        data = self._experiment.data
        rng = np.random.default_rng(seed)
        return DATASETS[data.name].sample(n, data.noise, rng, self._experiment.task)

    def _states(self, points: NDArray[Any]) -> Tensor:
        """Points of the plane ``[batch, 2]`` as states ``[batch, dim]``."""
        states = torch.as_tensor(np.array(points), dtype=self._like.dtype, device=self._like.device)
        return self._model.lift(states) if isinstance(self._model, ODENet) else states

    def _on_grid(
        self, extent: Extent, n: int, ask: Callable[[Tensor], Tensor], solves: bool
    ) -> _GridAnswer | None:
        """What ``ask`` answers for the states at the centres of n x n cells; all NaN if one of its solves failed.

        Blocks that fit a processor's cache are faster than one solve, and every k-th cell goes into one block:
        all blocks see the same picture and take nearly the same steps, where blocks of neighbours could differ
        along a visible seam.
        """
        states = self._states(grid.cell_centres(extent, n))
        blocks = -(-len(states) // _BLOCK)
        values: list[Tensor] = []
        for k in range(blocks):
            values.append(ask(states[k::blocks]))
            solution = self._model.last_solution if solves else None
            if solution is not None and not solution.ok:
                if solution.status is Status.CANCELLED:
                    return None
                nothing = values[0].new_full((len(states), *values[0].shape[1:]), math.nan)
                return _GridAnswer(nothing, _name(solution), solution.message)
        whole = values[0].new_empty((len(states), *values[0].shape[1:]))
        for k, part in enumerate(values):
            whole[k::blocks] = part
        return _GridAnswer(whole)


@dataclass(frozen=True, slots=True)
class _GridAnswer:
    values: Tensor  # [cells, ...]
    status: str = "success"
    message: str = ""


def _options(choice: SolverChoice) -> SolverOptions:
    return SolverOptions(choice.method, choice.rtol, choice.atol, choice.steps)


def _name(solution: Solution) -> str:
    return solution.status.name.lower()


def _array(values: Tensor) -> NDArray[Any]:
    """A tensor's values as a read-only array of its own."""
    return frozen(values.detach().cpu().contiguous().numpy())


def _table(steps: Sequence[StepRecord]) -> StepTable:
    return StepTable(
        frozen(np.array([step.t for step in steps], dtype=np.float64)),
        frozen(np.array([step.h for step in steps], dtype=np.float64)),
        frozen(np.array([step.error for step in steps], dtype=np.float64)),
        frozen(np.array([step.accepted for step in steps], dtype=np.bool_)),
    )
