"""The rate of a Poisson process as a readout of a flow (Chen et al., 2018, section 5.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from odeviz.engine.integrate import CancelToken
from odeviz.fields import MLPField, RateField
from odeviz.fields.activations import one_of
from odeviz.fields.rate import LINKS
from odeviz.models.flow_model import FlowModel
from odeviz.models.options import SolverOptions, check_end_time, checked_widths, without_graph

#: Below this a rate counts as this, so that its logarithm stays finite.
_TINY = 1e-30


class PoissonODE(FlowModel):
    """Events at the rate λ(t) = ``mean`` · link(w . z(t) + b), where z flows from a learnt z(0) over [0, ``t1``].

    The log-likelihood of events is the sum of log λ(t_i) minus the integral of λ, which is a state of the ODE: one
    solve gives both. ``mean`` is a rate in the middle of what is expected, so that the link has values about 1.

    Wrong values raise ``ValueError`` naming the argument.
    """

    def __init__(
        self,
        latent: int = 2,
        hidden: Sequence[int] = (32, 32),
        *,
        activation: str = "tanh",
        time: str = "none",
        link: str = "softplus",
        mean: float = 1.0,
        t1: float = 1.0,
        solver: SolverOptions | None = None,
    ) -> None:
        super().__init__(solver or SolverOptions())
        check_end_time(t1)
        if not (math.isfinite(mean) and mean > 0):
            raise ValueError(f"mean must be a positive finite number, not {mean}")
        self.mean, self.link = float(mean), one_of("link", link, tuple(LINKS))
        self.z0 = nn.Parameter(0.5 * torch.randn(latent))
        self.field = MLPField(latent, checked_widths(hidden), activation=activation, time=time)
        self.readout = nn.Linear(latent, 1)
        with torch.no_grad():
            self.readout.bias.fill_(LINKS[link].one)
        self._t1 = float(t1)

    @property
    def t1(self) -> float:
        """The end of the time in which events are observed, which starts at 0."""
        return self._t1

    def rate(self, z: Tensor) -> Tensor:
        """λ at states ``[..., latent]``: ``[...]``, in events per unit of time."""
        return self.mean * LINKS[self.link].rate(self._read(z))

    def path(
        self,
        times: Sequence[float],
        solver: SolverOptions | None = None,
        *,
        cancel: CancelToken | None = None,
    ) -> tuple[Tensor, Tensor]:
        """States z ``[times, latent]`` and the integrals of λ from 0 ``[times]``, differentiable.

        ``times`` increase strictly, from 0. NaN where the solve failed.
        """
        field = RateField(self.field, self.readout, self.link)
        start = torch.cat([self.z0, self.z0.new_zeros(1)])[None]
        solution = (solver or self.solver).solve(field, start, times, cancel=cancel)
        self.last_solution = without_graph(solution)
        return solution.y[:, 0, :-1], self.mean * solution.y[:, 0, -1]

    def log_rate(self, z: Tensor) -> Tensor:
        """log λ at states ``[..., latent]``: ``[...]``."""
        if self.link == "exp":
            return self._read(z) + math.log(self.mean)
        return self.rate(z).clamp_min(_TINY).log()

    def _read(self, z: Tensor) -> Tensor:
        read: Tensor = self.readout(z)
        return read[..., 0]
