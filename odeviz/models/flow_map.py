"""A map learnt as a flow: where it takes a point is the answer, with no layer before or after it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from odeviz.fields import ControlledField, MLPField
from odeviz.models.flow_model import FlowModel
from odeviz.models.options import SolverOptions, check_end_time


class FlowMap(FlowModel):
    """x ``[batch, dim]`` to the first ``dim`` numbers of the state at ``t1``, which starts as x and zeros.

    Without ``extra_dims`` it is a homeomorphism; of a line, an increasing function (Dupont et al., *Augmented Neural
    ODEs*, 2019, proposition 1). With ``controlled`` the field sees x too, f(t, h, x), and the state carries it behind
    the dimensions that flow (Massaroli et al., *Dissecting Neural ODEs*, 2020). Rows of a failed solve are NaN.
    """

    def __init__(
        self,
        dim: int = 1,
        hidden: Sequence[int] = (32, 32),
        *,
        activation: str = "tanh",
        time: str = "concat",
        extra_dims: int = 0,
        controlled: bool = False,
        t1: float = 1.0,
        solver: SolverOptions | None = None,
    ) -> None:
        super().__init__(solver or SolverOptions())
        check_end_time(t1)
        for name, value, least in (("dim", dim, 1), ("extra_dims", extra_dims, 0)):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, not {value}")
        self.dim, self.extra_dims, self.controlled = dim, extra_dims, controlled
        wide = dim + extra_dims
        self.field: nn.Module
        if controlled:
            self.field = ControlledField(wide, dim, hidden, activation=activation, time=time)
        else:
            self.field = MLPField(wide, tuple(hidden), activation=activation, time=time)
        self._t1 = float(t1)

    @property
    def t1(self) -> float:
        """The end time of the flow, which starts at 0."""
        return self._t1

    def lift(self, x: Tensor) -> Tensor:
        """Points ``[batch, dim]`` to states ``[batch, state_dim]`` at t = 0."""
        state = nn.functional.pad(x, (0, self.extra_dims))
        return torch.cat([state, x], dim=1) if self.controlled else state

    def forward(self, x: Tensor) -> Tensor:
        """Where points ``[batch, dim]`` are taken, ``[batch, dim]``."""
        return self.map(x)

    def map(self, x: Tensor, solver: SolverOptions | None = None) -> Tensor:
        """The same with another solver."""
        return self.flow(self.lift(x), (0.0, self.t1), solver).y1[:, : self.dim]
