"""Planar normalizing flow (Rezende and Mohamed, 2015): the discrete counterpart of the planar CNF."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from odeviz.engine import Solution, Stats, Status, StepRecord
from odeviz.engine.integrate import CancelToken
from odeviz.models.density_model import DensityModel
from odeviz.models.options import SolverOptions

#: Newton steps on a bracketed, monotone function: far more than float64 needs.
_NEWTON_STEPS = 60


class PlanarLayers(nn.Module):
    """K maps z -> z + u tanh(w . z + b), met one after the other, as a flow whose times are the layers.

    Between t = k and k + 1 a point moves on a straight line at constant velocity, so that at t = k + s it has been
    mapped by the layer with s u in place of u: a planar map again, and so invertible. ``forward(t, z)`` is that
    velocity. The maps are kept invertible by w . u > -1, as in the paper's appendix.
    """

    def __init__(self, dim: int, layers: int) -> None:
        super().__init__()
        for name, value in (("dim", dim), ("layers", layers)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        self.dim, self.count = dim, layers
        bound = 1.0 / math.sqrt(dim)
        self.weight = nn.Parameter(torch.empty(layers, dim).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(layers).uniform_(-bound, bound))
        self.out = nn.Parameter(torch.empty(layers, dim).uniform_(-bound, bound))

    def out_kept(self) -> Tensor:
        """u ``[layers, dim]``, made such that w . u = -1 + softplus(w . u as it is learnt)."""
        w = self.weight
        along = (w * self.out).sum(1, keepdim=True)
        wanted = nn.functional.softplus(along) - 1.0
        return self.out + (wanted - along) * w / (w * w).sum(1, keepdim=True).clamp_min(1e-12)

    def place(self, t: float) -> tuple[int, float]:
        """The layer k and the share s of its way at a time; the end belongs to the last layer."""
        t = min(max(float(t), 0.0), float(self.count))
        k = min(int(t), self.count - 1)
        return k, t - k

    def ahead(self, z: Tensor, k: int, share: float, out: Tensor) -> tuple[Tensor, Tensor]:
        """Layer k with ``share`` of its u, and log |det| of its Jacobian ``[batch]``; ``out`` is ``out_kept()``."""
        u = share * out[k]
        h = torch.tanh(z @ self.weight[k] + self.bias[k])
        log_det = torch.log1p((1.0 - h * h) * (self.weight[k] @ u))
        return z + h[:, None] * u, log_det

    def back(self, y: Tensor, k: int, share: float, out: Tensor) -> Tensor:
        """The inverse of :meth:`ahead` in float64 inside; differentiable with respect to ``y``."""
        w, b, u = self.weight[k].double(), self.bias[k].double(), share * out[k].double()
        target, c = y.double() @ w, w @ u
        a = _solve(target.detach(), c.item(), b.item(), 1e-14 if y.dtype == torch.float64 else 1e-8)
        h = torch.tanh(a + b)
        # One step of Newton's from the solution leaves it where it is, and carries the derivative.
        a = a - (a + c * h - target) / (1.0 + c * (1.0 - h * h))
        return y - (torch.tanh(a + b)[:, None] * u).to(y.dtype)

    def forward(self, t: float | Tensor, z: Tensor) -> Tensor:
        """Velocity ``[batch, dim]`` at ``t`` in [0, layers]."""
        k, share = self.place(float(t))
        out = self.out_kept()
        start = self.back(z, k, share, out)
        return torch.tanh(start @ self.weight[k] + self.bias[k])[:, None] * out[k]


def _solve(target: Tensor, c: float, b: float, tolerance: float) -> Tensor:
    """a with a + c tanh(a + b) = target, c > -1: Newton's method, bisection where it would leave its bracket."""
    low, high = target - abs(c), target + abs(c)
    a = target.clone()
    if not target.numel():
        return a
    for _ in range(_NEWTON_STEPS):
        h = torch.tanh(a + b)
        excess = a + c * h - target
        low, high = torch.where(excess < 0, a, low), torch.where(excess < 0, high, a)
        better = a - excess / (1.0 + c * (1.0 - h * h))
        better = torch.where((better > low) & (better < high), better, 0.5 * (low + high))
        if bool((better - a).abs().max() <= tolerance * (1.0 + target.abs().max())):
            return better
        a = better
    return a


class PlanarNF(DensityModel):
    """K planar maps from N(0, I) at t = 0 to the density at t = K, shown as a flow whose times are the layers.

    Nothing is solved: ``solver`` is not used, and :meth:`flow` makes the layers themselves, exactly, also back from
    where a point has arrived, by solving one monotone equation a layer. Densities are exact at every time.

    Wrong values raise ``ValueError`` naming the argument.
    """

    field: PlanarLayers

    def __init__(self, dim: int = 2, layers: int = 8) -> None:
        super().__init__(SolverOptions(method="euler", steps=max(layers, 1)))
        self.dim = dim
        self.field = PlanarLayers(dim, layers)

    @property
    def t1(self) -> float:
        """The number of layers."""
        return float(self.field.count)

    def carry(self, z0: Tensor, solver: SolverOptions | None = None) -> tuple[Tensor, Tensor]:
        log_prob, out = self.base_log_prob(z0), self.field.out_kept()
        for k in range(self.field.count):
            z0, log_det = self.field.ahead(z0, k, 1.0, out)
            log_prob = log_prob - log_det
        return z0, log_prob

    def log_prob_at(
        self, z: Tensor, t: float, solver: SolverOptions | None = None, *, cancel: CancelToken | None = None
    ) -> Tensor:
        """log q_t(z) in nats, ``[batch]``, by carrying z back through the layers."""
        (last, share), out = self.field.place(t), self.field.out_kept()
        log_det = torch.zeros_like(z[:, 0])
        for k in range(last, -1, -1):
            z = self.field.back(z, k, share if k == last else 1.0, out)
            log_det = log_det + self.field.ahead(z, k, share if k == last else 1.0, out)[1]
        return self.base_log_prob(z) - log_det

    def flow(
        self,
        z0: Tensor,
        t: Sequence[float],
        solver: SolverOptions | None = None,
        *,
        cancel: CancelToken | None = None,
        dense: bool = False,
    ) -> Solution:
        """Carry states ``z0 [batch, dim]`` from ``t[0]`` through the times ``t``, either way, by the layers."""
        if dense:
            raise ValueError("a planar normalizing flow has no dense output; ask for output times instead")
        out, states = self.field.out_kept(), [z0]
        for start, end in pairwise(t):
            states.append(self._moved(states[-1], start, end, out))
        t0, t1 = float(t[0]), float(t[-1])
        cuts = sorted(
            {t0, t1, *(float(k) for k in range(self.field.count + 1) if min(t0, t1) < k < max(t0, t1))}
        )
        cuts = cuts if t0 <= t1 else cuts[::-1]
        steps = [StepRecord(a, b - a, math.nan, True) for a, b in pairwise(cuts)]
        stats = Stats(nfe_forward=len(steps), steps=steps)
        return Solution(tuple(map(float, t)), torch.stack(states), Status.SUCCESS, "", t1, stats, 1.0)

    def _moved(self, z: Tensor, start: float, end: float, out: Tensor) -> Tensor:
        """States at time ``start`` at time ``end``."""
        (k, share), (last, final) = self.field.place(start), self.field.place(end)
        if share:
            z = self.field.back(z, k, share, out)
        for layer in range(k, last):
            z = self.field.ahead(z, layer, 1.0, out)[0]
        for layer in range(k - 1, last - 1, -1):
            z = self.field.back(z, layer, 1.0, out)
        return self.field.ahead(z, last, final, out)[0] if final else z
