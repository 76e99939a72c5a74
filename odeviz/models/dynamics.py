"""A field that stands for a system, from its initial states to an end time."""

from __future__ import annotations

from torch import nn

from odeviz.models.flow_model import FlowModel
from odeviz.models.options import SolverOptions, check_end_time


class Dynamics(FlowModel):
    """States ``[batch, field.dim]`` of a system that follow a learnt field from t = 0 to ``t1``.

    ::

        model = Dynamics(MLPField(2, time="none"), t1=10.0)
        states = model.flow(y0, times).y  # [time, batch, dim], differentiable
    """

    def __init__(self, field: nn.Module, t1: float, solver: SolverOptions | None = None) -> None:
        super().__init__(solver or SolverOptions())
        check_end_time(t1)
        self.field = field
        self._t1 = float(t1)

    @property
    def t1(self) -> float:
        """The end time of the flow, which starts at 0."""
        return self._t1
