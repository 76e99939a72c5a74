"""What every model with a density has: a normal base at t = 0, and the log-density the flow makes of it."""

from __future__ import annotations

import math

from torch import Tensor

from odeviz.engine.integrate import CancelToken
from odeviz.models.flow_model import FlowModel
from odeviz.models.options import SolverOptions


class DensityModel(FlowModel):
    """A model that carries N(0, I) at t = 0 to a density on ``[batch, dim]`` at ``t1``, and can tell both."""

    dim: int

    def log_prob_at(
        self, z: Tensor, t: float, solver: SolverOptions | None = None, *, cancel: CancelToken | None = None
    ) -> Tensor:
        """log p_t(z) in nats, ``[batch]``: the density that the flow has made of the base by time ``t``."""
        raise NotImplementedError

    def carry(self, z0: Tensor, solver: SolverOptions | None = None) -> tuple[Tensor, Tensor]:
        """Where base samples ``z0 [batch, dim]`` arrive at t1, and the log-density there, differentiable."""
        raise NotImplementedError

    def base_log_prob(self, z: Tensor) -> Tensor:
        """log N(z; 0, I) in nats, ``[batch]``."""
        return -0.5 * (z * z).sum(dim=1) - 0.5 * self.dim * math.log(2.0 * math.pi)
