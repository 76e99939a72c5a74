"""Continuous normalizing flow with its exact log-density (Chen et al., 2018; Grathwohl et al., 2019)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from odeviz.engine.checks import checked_count
from odeviz.engine.integrate import CancelToken
from odeviz.fields import LogDensityField, MLPField, RegularizedField, Rescaled
from odeviz.models.density_model import DensityModel
from odeviz.models.options import (
    SolverOptions,
    check_end_time,
    check_states,
    checked_widths,
    without_graph,
)


class Regularized(NamedTuple):
    """The log-density ``[batch]`` and the two integrals of RNODE along the way, over time as a share of t1."""

    log_prob: Tensor
    #: Integral of |f|^2.
    kinetic: Tensor
    #: Integral of the Jacobian's squared Frobenius norm.
    jacobian: Tensor


class CNF(DensityModel):
    """A flow that carries the base N(0, I) at t = 0 to the data's density at t = ``t1``.

    ::

        cnf = CNF(dim=2)
        optimizer = torch.optim.Adam(cnf.parameters(), lr=1e-2)
        for x in batches:
            loss = -cnf.log_prob(x).mean()
            optimizer.zero_grad(); loss.backward(); optimizer.step()
        samples = cnf.sample(1000)

    The log-density obeys d log p(z(t)) / dt = -tr df/dz along a trajectory (the instantaneous change of
    variables); the trace is exact unless noise is given. With ``learn_t1`` the end time is a parameter (its
    logarithm, ``log_t1``). ``field`` replaces the multilayer perceptron that ``hidden``, ``activation`` and ``time``
    describe: a module with ``dim`` and ``with_divergence``, such as :class:`odeviz.fields.PlanarField`.
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
        field: nn.Module | None = None,
        t1: float = 1.0,
        learn_t1: bool = True,
        solver: SolverOptions | None = None,
    ) -> None:
        super().__init__(solver or SolverOptions())
        check_end_time(t1)
        self.field = (
            MLPField(dim, checked_widths(hidden), activation=activation, time=time)
            if field is None
            else field
        )
        if self.state_dim != dim:
            raise ValueError(f"field must have dim {dim}, not {self.state_dim}")
        self.dim = dim
        self._t1 = float(t1)
        self.log_t1 = nn.Parameter(torch.tensor(math.log(t1))) if learn_t1 else None

    @property
    def t1(self) -> float:
        """The end time of the flow, which starts at 0."""
        return self._t1 if self.log_t1 is None else math.exp(self.log_t1.item())

    def log_prob(self, x: Tensor, *, noise: Tensor | None = None, stretch: float = 1.0) -> Tensor:
        """log p(x) in nats, ``[batch]``, of data ``[batch, dim]``; differentiable. NaN where the solve failed.

        ``noise [batch, dim]`` of mean 0 and covariance I replaces the trace by Hutchinson's estimate (Grathwohl et
        al., 2019). ``stretch`` multiplies the end time for this solve alone (STEER, Ghosh et al., 2020).
        """
        check_states("x", x, self.dim)
        field, end = self._timed(stretch)
        return self._log_prob(LogDensityField(field, noise=noise), x, end)

    def regularized_log_prob(
        self, x: Tensor, *, noise: Tensor | None = None, stretch: float = 1.0
    ) -> Regularized:
        """As :meth:`log_prob`, with the integrals that RNODE adds to the loss (Finlay et al., 2020).

        Both are over s = t / t1 in [0, 1], so that neither changes where only the unit of time does: a learnt end time
        cannot make them small. With ``noise`` the Jacobian's norm is estimated too, by |J e|^2.
        """
        check_states("x", x, self.dim)
        field = Rescaled(self.field, self._log_duration())
        dynamics = RegularizedField(field, noise=noise, hutchinson=noise is not None)
        start = torch.cat([x, x.new_zeros(x.shape[0], 3)], dim=1)
        y1 = self._solved(dynamics, start, (stretch, 0.0))
        base, (change, kinetic, jacobian) = y1[:, : self.dim], y1[:, self.dim :].unbind(1)
        # From t1 back to 0 the integrals have come with the opposite sign.
        return Regularized(self.base_log_prob(base) - change, -kinetic, -jacobian)

    def log_prob_at(
        self, z: Tensor, t: float, solver: SolverOptions | None = None, *, cancel: CancelToken | None = None
    ) -> Tensor:
        """log p_t(z) in nats, ``[batch]``: the density that the flow has made of the base by time ``t``."""
        if t <= 0.0:
            return self.base_log_prob(z)
        check_states("z", z, self.dim)
        return self._log_prob(LogDensityField(self.field), z, t, solver, cancel)

    def carry(self, z0: Tensor, solver: SolverOptions | None = None) -> tuple[Tensor, Tensor]:
        """Where base samples ``z0 [batch, dim]`` arrive at t1, and the log-density there, differentiable."""
        check_states("z0", z0, self.dim)
        field, end = self._timed(1.0)
        start = torch.cat([z0, self.base_log_prob(z0)[:, None]], dim=1)
        y1 = self._solved(LogDensityField(field), start, (0.0, end), solver)
        return y1[:, : self.dim], y1[:, self.dim]

    def _timed(self, stretch: float) -> tuple[nn.Module, float]:
        """The field and the end of its time; over s = t / t1 where t1 needs its gradient."""
        if self.log_t1 is not None and torch.is_grad_enabled():
            return Rescaled(self.field, self.log_t1), stretch
        return self.field, self.t1 * stretch

    def _log_duration(self) -> nn.Parameter:
        if self.log_t1 is not None:
            return self.log_t1
        like = next(self.parameters())
        return nn.Parameter(like.new_tensor(math.log(self._t1)), requires_grad=False)

    def _log_prob(
        self,
        field: LogDensityField,
        z: Tensor,
        t: float,
        solver: SolverOptions | None = None,
        cancel: CancelToken | None = None,
    ) -> Tensor:
        start = torch.cat([z, z.new_zeros(z.shape[0], 1)], dim=1)
        y1 = self._solved(field, start, (t, 0.0), solver, cancel)
        return self.base_log_prob(y1[:, : self.dim]) - y1[:, self.dim]

    def _solved(
        self,
        field: nn.Module,
        start: Tensor,
        t: tuple[float, float],
        solver: SolverOptions | None = None,
        cancel: CancelToken | None = None,
    ) -> Tensor:
        """The end state ``[batch, ...]``; what it cost is noted."""
        solution = (solver or self.solver).solve(field, start, t, cancel=cancel)
        self.last_solution = without_graph(solution)
        return solution.y1

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ``n`` samples ``[n, dim]``: base samples carried from 0 to t1. NaN if the solve failed.

        ``generator`` is one on the CPU, whatever the model's device, so that a seed means the same everywhere.
        """
        return self.flow(self.base_sample(checked_count("n", n), generator), (0.0, self.t1)).y1

    def base_sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ``n`` points ``[n, dim]`` of the base, which the flow starts from."""
        like = next(self.parameters())
        return torch.randn(n, self.dim, generator=generator, dtype=like.dtype, device="cpu").to(like.device)
