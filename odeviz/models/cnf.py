"""Continuous normalizing flow with its exact log-density (Chen et al., 2018; Grathwohl et al., 2019)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from odeviz.engine.integrate import CancelToken
from odeviz.fields import LogDensityField, MLPField, Rescaled
from odeviz.models.flow_model import FlowModel
from odeviz.models.options import SolverOptions, check_end_time, without_graph


class CNF(FlowModel):
    """A flow that carries the base N(0, I) at t = 0 to the data's density at t = ``t1``.

    ::

        cnf = CNF(dim=2)
        optimizer = torch.optim.Adam(cnf.parameters(), lr=1e-2)
        for x in batches:
            loss = -cnf.log_prob(x).mean()
            optimizer.zero_grad(); loss.backward(); optimizer.step()
        samples = cnf.sample(1000)

    The log-density obeys d log p(z(t)) / dt = -tr df/dz along a trajectory (the instantaneous change of
    variables); the trace is exact. With ``learn_t1`` the end time is a parameter (its logarithm, ``log_t1``).
    ``solver`` may be replaced at any time; ``last_solution`` tells what the latest solve cost and whether it
    succeeded: densities and samples of a failed solve are NaN, and nothing is raised.

    Wrong values raise ``ValueError`` naming the argument.
    """

    def __init__(
        self,
        dim: int = 2,
        hidden: Sequence[int] = (48, 48),
        *,
        activation: str = "tanh",
        time: str = "concatsquash",
        t1: float = 1.0,
        learn_t1: bool = True,
        solver: SolverOptions | None = None,
    ) -> None:
        super().__init__(solver or SolverOptions())
        check_end_time(t1)
        self.dim = dim
        self.field = MLPField(dim, tuple(hidden), activation=activation, time=time)
        self._t1 = float(t1)
        self.log_t1 = nn.Parameter(torch.tensor(math.log(t1))) if learn_t1 else None

    @property
    def t1(self) -> float:
        """The end time of the flow, which starts at 0."""
        return self._t1 if self.log_t1 is None else math.exp(self.log_t1.item())

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats, ``[batch]``, of data ``[batch, dim]``; differentiable. NaN where the solve failed."""
        if self.log_t1 is not None and torch.is_grad_enabled():
            # Over s = t / t1 in [0, 1], so that t1 gets its gradient too.
            return self._log_prob(Rescaled(self.field, self.log_t1), x, 1.0)
        return self._log_prob(self.field, x, self.t1)

    def log_prob_at(
        self, z: Tensor, t: float, solver: SolverOptions | None = None, *, cancel: CancelToken | None = None
    ) -> Tensor:
        """log p_t(z) in nats, ``[batch]``: the density that the flow has made of the base by time ``t``."""
        if t <= 0.0:
            return self.base_log_prob(z)
        return self._log_prob(self.field, z, t, solver, cancel)

    def base_log_prob(self, z: Tensor) -> Tensor:
        """log N(z; 0, I) in nats, ``[batch]``."""
        return -0.5 * (z * z).sum(dim=1) - 0.5 * self.dim * math.log(2.0 * math.pi)

    def _log_prob(
        self,
        field: nn.Module,
        z: Tensor,
        t: float,
        solver: SolverOptions | None = None,
        cancel: CancelToken | None = None,
    ) -> Tensor:
        start = torch.cat([z, z.new_zeros(z.shape[0], 1)], dim=1)
        solution = (solver or self.solver).solve(LogDensityField(field), start, (t, 0.0), cancel=cancel)
        self.last_solution = without_graph(solution)
        base, change = solution.y1[:, : self.dim], solution.y1[:, self.dim]
        return self.base_log_prob(base) - change

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ``n`` samples ``[n, dim]``: base samples carried from 0 to t1. NaN if the solve failed.

        ``generator`` is one on the CPU, whatever the model's device, so that a seed means the same everywhere.
        """
        like = next(self.parameters())
        z0 = torch.randn(n, self.dim, generator=generator, dtype=like.dtype, device="cpu").to(like.device)
        return self.flow(z0, (0.0, self.t1)).y1
