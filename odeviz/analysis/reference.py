"""The yardstick for a solve's error: the same flow in float64 at a tight tolerance, remembered by its seeds."""

from __future__ import annotations

import copy
from collections import OrderedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.engine import Status
from odeviz.engine.integrate import CancelToken
from odeviz.models import CNF, ODENet, SolverOptions

#: At most this many trajectories are solved again.
MOST = 128

TIGHT = SolverOptions(method="dopri5", rtol=1e-10, atol=1e-10, max_steps=20_000)


class Reference:
    """End states of a model's flow to about ten digits.

    The answers for the last few sets of seeds are kept, so that moving a tolerance slider, which leaves the
    seeds as they are, solves for them once.
    """

    def __init__(self, model: ODENet | CNF, keep: int = 4) -> None:
        self._model = model
        self._precise: ODENet | CNF | None = None
        self._known: OrderedDict[bytes, Tensor | None] = OrderedDict()
        self._keep = keep

    def error(
        self, seeds: NDArray[np.float64], start: Tensor, end: Tensor, cancel: CancelToken | None = None
    ) -> float | None:
        """Largest distance of end states ``[batch, dim]`` to the reference, over evenly chosen trajectories.

        ``start [batch, dim]`` are the states at t = 0 of ``seeds``. NaN if the flow or its reference did not
        arrive; None if cancelled.
        """
        if not len(start):
            return float("nan")
        chosen = torch.linspace(0, len(start) - 1, min(len(start), MOST)).round().long().to(start.device)
        key = seeds.tobytes()
        if key not in self._known:
            solution = self._model_in_float64().flow(
                start[chosen].double(), (0.0, self._model.t1), TIGHT, cancel=cancel
            )
            if solution.status is Status.CANCELLED:
                return None
            self._known[key] = solution.y1 if solution.ok else None
            while len(self._known) > self._keep:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        exact = self._known[key]
        if exact is None:
            return float("nan")
        return float((end[chosen].double() - exact).norm(dim=1).max())

    def _model_in_float64(self) -> ODENet | CNF:
        if self._precise is None:
            self._precise = copy.deepcopy(self._model).double()
        return self._precise
