"""Flows from one distribution of points to another, neither of them the standard normal."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from odeviz.fields import MLPField
from odeviz.models.cnf import CNF
from odeviz.models.flow_model import FlowModel
from odeviz.models.options import SolverOptions


class Transport(FlowModel):
    """A flow that carries points from one distribution at t = 0 to another at t = 1, without their densities.

    Wrong values raise ``ValueError`` naming the argument.
    """

    def __init__(
        self,
        dim: int = 2,
        hidden: Sequence[int] = (64, 64),
        *,
        activation: str = "tanh",
        time: str = "concat",
        solver: SolverOptions | None = None,
    ) -> None:
        super().__init__(solver or SolverOptions())
        self.field = MLPField(dim, tuple(hidden), activation=activation, time=time)

    @property
    def t1(self) -> float:
        """The end time of the flow, which starts at 0."""
        return 1.0


class MixtureCNF(CNF):
    """A continuous normalizing flow from equally likely isotropic normals at t = 0 to the data at t = 1.

    ``centres [m, dim]`` are their means, ``std`` is the standard deviation they share; neither is learnt.
    """

    centres: Tensor

    def __init__(
        self,
        centres: Tensor,
        std: float,
        hidden: Sequence[int] = (64, 64),
        *,
        activation: str = "tanh",
        time: str = "concat",
        solver: SolverOptions | None = None,
    ) -> None:
        if not (math.isfinite(std) and std > 0):
            raise ValueError(f"std must be a positive finite number, not {std}")
        if centres.dim() != 2 or not len(centres):
            raise ValueError(f"centres must be [m, dim], at least one, not {list(centres.shape)}")
        super().__init__(
            centres.shape[1], hidden, activation=activation, time=time, learn_t1=False, solver=solver
        )
        self.std = float(std)
        # Known from the experiment, so that it is no part of the weights.
        self.register_buffer("centres", centres.detach().clone(), persistent=False)

    def base_log_prob(self, z: Tensor) -> Tensor:
        """log of the mixture's density in nats, ``[batch]``."""
        squares = (z[:, None, :] - self.centres).square().sum(dim=2) / self.std**2
        constant = math.log(len(self.centres)) + self.dim * math.log(self.std * math.sqrt(2.0 * math.pi))
        return torch.logsumexp(-0.5 * squares, dim=1) - constant

    def base_sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ``n`` points ``[n, dim]`` of the mixture; ``generator`` is one on the CPU."""
        which = torch.randint(len(self.centres), (n,), generator=generator, device="cpu")
        return self.centres[which.to(self.centres.device)] + self.std * super().base_sample(n, generator)
