"""The yardstick for a solve's error: the same flow in float64 at a tight tolerance, remembered by its seeds."""

from __future__ import annotations

import copy
import math
from collections import OrderedDict

import torch
from torch import Tensor

from odeviz.engine import Status
from odeviz.engine.integrate import CancelToken
from odeviz.models import FlowModel, SolverOptions

#: At most this many trajectories are solved again.
MOST = 128

TIGHT = SolverOptions(method="dopri5", rtol=1e-10, atol=1e-10, max_steps=20_000)


class Reference:
    """End states of a model's flow to about ten digits.

    The answers for the last few sets of seeds are kept, so that moving a tolerance slider, which leaves the
    seeds as they are, solves for them once.
    """

    def __init__(self, model: FlowModel, keep: int = 4) -> None:
        self._model = model
        self._precise: FlowModel | None = None
        self._known: OrderedDict[bytes, Tensor] = OrderedDict()
        self._keep = keep

    def error(
        self, start: Tensor, end: Tensor, cancel: CancelToken | None = None, *, only_known: bool = False
    ) -> float | None:
        """Largest distance at t1 between ``end [batch, dim]`` and the reference from ``start [batch, dim]``.

        Evenly chosen trajectories are compared. NaN if the flow or its reference did not arrive, or with
        ``only_known`` if the reference has not been solved for before; None if cancelled.
        """
        if not len(start):
            return math.nan
        chosen = torch.linspace(0, len(start) - 1, min(len(start), MOST)).round().long().to(start.device)
        key = start.cpu().numpy().tobytes()
        if key not in self._known:
            if only_known:
                return math.nan
            exact = self._solve(start[chosen].cpu(), cancel)
            if exact is None:
                return None
            self._known[key] = exact
            while len(self._known) > self._keep:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return float((end[chosen].cpu().double() - self._known[key]).norm(dim=1).max())

    def _solve(self, start: Tensor, cancel: CancelToken | None) -> Tensor | None:
        """End states in float64; NaN where the solve failed, None if it was cancelled."""
        solution = self._model_in_float64().flow(start.double(), (0.0, self._model.t1), TIGHT, cancel=cancel)
        return None if solution.status is Status.CANCELLED else solution.y1

    def _model_in_float64(self) -> FlowModel:
        if self._precise is None:
            self._precise = copy.deepcopy(self._model).cpu().double()
        return self._precise
