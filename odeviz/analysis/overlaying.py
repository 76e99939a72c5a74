"""What a study answers for what is drawn over the plane. Importing this module imports torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.analysis.diagnostics.equilibria import fixed_points, moments
from odeviz.analysis.diagnostics.sensitivity import nfe_each
from odeviz.analysis.diagnostics.subject import subject_of
from odeviz.analysis.overlays import (
    AloneResult,
    BorderResult,
    EffortResult,
    RestResult,
    SpaceResult,
    StreamResult,
)
from odeviz.analysis.results import Extent, FieldResult, FlowResult, Ints, SolverChoice, frozen
from odeviz.analysis.states import as_starts
from odeviz.analysis.streamlines import streamlines
from odeviz.engine.integrate import CancelToken
from odeviz.models import FlowModel
from odeviz.tasks.learning import Learning
from odeviz.tasks.plane import Plane, TimePlane
from odeviz.tasks.scene import Cancelled, Scene

#: Times of a boundary that is run back.
BORDER_TIMES = 25


class Overlaid(ABC):
    """The part of a :class:`odeviz.analysis.study.Study` that answers for what lies over the plane."""

    model: FlowModel
    task: Learning
    #: A tensor of the model's type and device.
    like: Tensor
    # Of the study itself.
    field: Callable[..., FieldResult | None]
    flow: Callable[..., FlowResult | None]
    scene: Callable[[SolverChoice, CancelToken | None], Scene]
    default_seeds: Callable[[int, int], tuple[NDArray[Any], Ints]]

    @property
    @abstractmethod
    def plane(self) -> Plane | TimePlane: ...

    @property
    @abstractmethod
    def t1(self) -> float: ...

    @property
    def space(self) -> SpaceResult:
        """How the study's states lie in its plane."""
        plane, dim = self.plane, self.model.state_dim
        if dim <= 2 or not isinstance(plane, Plane):
            return SpaceResult(dim, plane.over_time)
        embedding = plane.basis if plane.embedding is None else plane.embedding
        arrays = [frozen(part.cpu().double().numpy()) for part in (plane.origin, plane.basis, embedding)]
        return SpaceResult(dim, False, self.task.axes(self.model), *arrays)

    def streams(
        self, extent: Extent, n: int, times: int, lines: bool, cancel: CancelToken | None = None
    ) -> StreamResult | None:
        """The field on a grid fine enough to be followed, and with ``lines`` the curves along it; None if cancelled."""
        field = self.field(extent, n=n, times=times, cancel=cancel)
        if field is None:
            return None
        return StreamResult(field, frozen(streamlines(field)) if lines else None)

    def rest(self, times: int = 9, cancel: CancelToken | None = None) -> RestResult | None:
        """Fixed points of the field held fast at equal times, as they lie in the study's plane; None if cancelled.

        A field that does not depend on time has them once.
        """
        scene = self.scene(SolverChoice(), cancel)
        try:
            subject = subject_of(scene)
            held = np.linspace(0.0, self.t1, times if len(moments(subject)) > 1 else 1)
            found = [(k, point) for k, t in enumerate(held) for point in fixed_points(scene, float(t))]
        except Cancelled:
            return None
        dim = self.model.state_dim
        states = np.array([point.state for _, point in found]).reshape(-1, dim)
        placed = self.plane.points(torch.as_tensor(states).to(self.like)[None], torch.zeros(1))[0]
        return RestResult(
            frozen(held),
            frozen(np.array([k for k, _ in found], dtype=np.int64)),
            frozen(placed.cpu().double().numpy()),
            frozen(states),
            tuple(point.kind for _, point in found),
            frozen(np.array([point.eigenvalues for _, point in found]).reshape(-1, dim)),
        )

    def border(self, cancel: CancelToken | None = None) -> BorderResult | None:
        """The decision boundary run back by the flow; None if cancelled, or of a model that has none."""
        times = np.linspace(0.0, self.t1, BORDER_TIMES)
        curve = self.task.border(self.model, times.tolist(), cancel)
        if curve is None or (cancel is not None and cancel.is_set()):
            return None
        return BorderResult(frozen(times), frozen(curve))

    def alone(
        self,
        marks: Sequence[tuple[str, int]],
        seeds: Sequence[Sequence[float]],
        count: int,
        choice: SolverChoice,
        cancel: CancelToken | None = None,
    ) -> AloneResult | None:
        """The steps of some of the ``seeds``, and of trajectories from ``default_seeds(count)``; None if cancelled."""
        crowd, found = self.default_seeds(count, 0)[0], []
        known = [(kind, k) for kind, k in marks if k < len(seeds if kind == "seed" else crowd)]
        for kind, k in known:
            start = np.array([seeds[k] if kind == "seed" else crowd[k]])
            flow = self.flow(start, np.array([-1]), choice, frames=2, with_error=False, cancel=cancel)
            if flow is None:
                return None
            found.append(flow.steps)
        return AloneResult(choice, tuple(known), tuple(found))

    def effort(
        self, count: int, choice: SolverChoice, cancel: CancelToken | None = None, seed: int = 0
    ) -> EffortResult | None:
        """What each of the trajectories costs alone that start at ``default_seeds(count, seed)``; None if cancelled."""
        start = as_starts(self.model, self.plane, self.default_seeds(count, seed)[0])
        try:
            nfe, arrived = nfe_each(self.scene(choice, cancel), start)
        except Cancelled:
            return None
        nfe[~arrived] = torch.nan
        return EffortResult(choice, frozen(nfe.numpy()))
