"""A study whose states are seen along other axes than its task's. Importing this module imports torch."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from odeviz.analysis.overlays import SpaceResult
from odeviz.analysis.projection import Projection
from odeviz.analysis.results import DataResult, Extent, Ints, frozen
from odeviz.analysis.states import PRECISE, as_starts
from odeviz.analysis.study import Study
from odeviz.tasks.plane import Plane

#: Trajectories, and times along them, whose states tell where the picture lies.
_TRAJECTORIES, _TIMES = 200, 9
#: Room around the states, and the share of them that may lie outside.
_ROOM, _OUTSIDE = 1.15, 0.005
#: How much larger than the states the box about them is.
_BOX = 1.05


class ProjectedStudy(Study):
    """The study of the same model through a plane, or a space of three axes, of the states' own spread."""

    def __init__(self, study: Study, projection: Projection) -> None:
        self.__dict__.update(study.__dict__)
        self._own, self._projection = study, projection
        states = self._spread()
        middle = states.mean(axis=0)
        axes = list(projection.axes)
        if projection.by_components:
            _, _, rows = np.linalg.svd(states - middle, full_matrices=True)
            # A component's sign is nobody's choice: its largest entry is made positive, so that it stays.
            rows = rows * np.sign(rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)])[:, None]
            basis = rows[axes].T
        else:
            basis = np.eye(states.shape[1])[:, axes]
            if not projection.in_space:
                # Along the axes that are shown the picture has the coordinates' own values.
                middle[axes] = 0.0
        self._middle = np.zeros(len(axes))
        if projection.in_space:
            # The box that is turned is the states' own, so that they fill it.
            lows, highs = np.quantile((states - middle) @ basis, [_OUTSIDE / 2, 1 - _OUTSIDE / 2], axis=0)
            self._sides = _BOX * np.maximum((highs - lows) / 2, 1e-6)
            shift = basis @ ((lows + highs) / 2)
            self._middle = (middle + shift) @ basis if not projection.by_components else (lows + highs) / 2
            middle = middle + shift
        like = self.like
        names = [f"PC{k + 1}" for k in range(states.shape[1])]
        names = names if projection.by_components else list(self.task.axes(self.model))
        self.plane = Plane(
            torch.as_tensor(middle).to(like),
            torch.as_tensor(np.ascontiguousarray(basis)).to(like),
            labels=(names[axes[0]], names[axes[1]]),
        )
        self._shown = (states - middle) @ basis

    @property
    def space(self) -> SpaceResult:
        space = super().space
        if not self._projection.in_space:
            return space
        return replace(space, sides=frozen(self._sides), middle=frozen(self._middle))

    @property
    def extent(self) -> Extent:
        """A square that shows nearly all of the states; in space their box, whatever side it is seen from."""
        shown, labels, dims = self._shown, self.plane.labels, self.model.state_dim
        if self._projection.in_space:
            half = float(np.linalg.norm(self._sides))
            return Extent(-half, half, -half, half, *labels, dims=dims)
        low, high = np.quantile(shown, [_OUTSIDE, 1 - _OUTSIDE], axis=0)
        half = _ROOM * max(float((high - low).max()) / 2, 1e-6)
        (x, y) = ((low + high) / 2).tolist()
        return Extent(x - half, x + half, y - half, y + half, *labels, dims=dims)

    def data(self, n: int = 1000) -> DataResult:
        states, labels = self.task.shown_states(self.model, n)
        given = torch.as_tensor(np.asarray(states)).to(self.like)
        points = self.plane.points(given[None], given.new_zeros(1))[0]
        return DataResult(frozen(points.cpu().numpy()), frozen(labels), self.task.classes)

    def default_seeds(self, n: int, rng_seed: int = 0) -> tuple[NDArray[Any], Ints]:
        """As states, whatever plane the task sets them in."""
        seeds, labels = self._own.default_seeds(n, rng_seed)
        return frozen(as_starts(self.model, self._own.plane, seeds).cpu().numpy()), labels

    @torch.no_grad()
    def _spread(self) -> NDArray[np.float64]:
        """States ``[n, dim]`` along trajectories; those of their starts alone where the flow does not arrive."""
        if "spread" not in self._memory:
            start = as_starts(self.model, self._own.plane, self._own.default_seeds(_TRAJECTORIES)[0])
            times = np.linspace(0.0, self.t1 if math.isfinite(self.t1) else 0.0, _TIMES).tolist()
            states = self.model.flow(start, times, PRECISE).y.flatten(0, 1).cpu().double().numpy()
            states = states[np.isfinite(states).all(axis=1)]
            self._memory["spread"] = states if len(states) else np.zeros((1, self.model.state_dim))
        spread: NDArray[np.float64] = self._memory["spread"]
        return spread
