"""Irregular time series for models: padded observations, beliefs about a state, the likelihood of what is seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from odeviz.models.flow_model import FlowModel


@dataclass(frozen=True, slots=True)
class Observations:
    """Series side by side, padded.

    ``t [n, rows]`` from 0 on, increasing; ``y [n, rows, channels]``, 0 where nothing was seen; ``seen`` of the same
    shape, 1 or 0; ``rows [n]`` the number of rows of each series, at least one. What comes after them counts for
    nothing.
    """

    t: Tensor
    y: Tensor
    seen: Tensor
    rows: Tensor

    @classmethod
    def of(cls, t: Tensor, y: Tensor, rows: Tensor) -> Observations:
        """From values that are NaN where nothing was seen."""
        there = torch.arange(t.shape[1], device=t.device) < rows[:, None]
        seen = torch.isfinite(y) & there[:, :, None]
        return cls(t, torch.where(seen, y, 0.0), seen.to(y.dtype), rows)

    def __len__(self) -> int:
        return len(self.t)

    def __getitem__(self, chosen: Tensor | slice) -> Observations:
        return Observations(self.t[chosen], self.y[chosen], self.seen[chosen], self.rows[chosen])

    def thinned(self, kept: Tensor) -> Observations:
        """The rows ``kept [n, fewer]`` of each series alone, increasing, none of them padding."""
        wide = kept[:, :, None].expand(-1, -1, self.y.shape[2])
        rows = torch.full_like(self.rows, kept.shape[1])
        return Observations(self.t.gather(1, kept), self.y.gather(1, wide), self.seen.gather(1, wide), rows)

    def at_row(self, values: Tensor, row: Tensor) -> Tensor:
        """Of ``values [n, rows, ...]`` each series' row number ``row [n]``: ``[n, ...]``."""
        return values[torch.arange(len(values), device=values.device), row]


@dataclass(frozen=True, slots=True)
class Normal:
    """Independent normals: ``mean`` and ``log_var`` (the variances' logarithms), both ``[n, dim]``."""

    mean: Tensor
    log_var: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """Draws made of standard normal ``noise [..., n, dim]``, differentiable."""
        return self.mean + (0.5 * self.log_var).exp() * noise

    def kl(self, mean: Tensor | float = 0.0, std: float = 1.0) -> Tensor:
        """KL(self || N(mean, std^2 I)) in nats, ``[n]``."""
        variance = std * std
        log_ratio = self.log_var - math.log(variance)
        squares = (self.log_var.exp() + (self.mean - mean).square()) / variance
        return 0.5 * (squares - 1.0 - log_ratio).sum(dim=1)


def surprise(predicted: Tensor, observed: Observations, sigma: float) -> Tensor:
    """-log of the normal density N(predicted, sigma^2) of all values seen of each series, in nats, ``[n]``."""
    squares = ((predicted - observed.y) / sigma).square()
    each = 0.5 * squares + (math.log(sigma) + 0.5 * math.log(2.0 * math.pi))
    return (observed.seen * each).sum(dim=(1, 2))


class SeriesModel(FlowModel):
    """A model that takes series of ``channels`` values in, and has a state that flows on and is read off as values."""

    channels: int

    def state_of(self, observed: Observations) -> Tensor:
        """The state that the flow starts from, as the observations tell it: ``[n, state_dim]``."""
        raise NotImplementedError

    def decode(self, states: Tensor) -> Tensor:
        """Values ``[..., channels]`` of states ``[..., state_dim]``."""
        raise NotImplementedError


def backwards(values: Tensor, rows: Tensor) -> Tensor:
    """``values [n, rows, ...]`` with each series' own rows in reverse order; the padding holds the first row."""
    order = (rows[:, None] - 1 - torch.arange(values.shape[1], device=values.device)).clamp_min(0)
    order = order.reshape(*order.shape, *(1,) * (values.dim() - 2)).expand(-1, -1, *values.shape[2:])
    return values.gather(1, order)


def encoder_inputs(observed: Observations, gaps: Tensor, unit: float) -> Tensor:
    """What a recurrent net reads: values, which of them were seen, and gaps in units: ``[n, rows, 2 channels + 1]``."""
    return torch.cat([observed.y, observed.seen, (gaps / unit)[:, :, None]], dim=2)


def small_net(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """A linear layer, ELU, a linear layer."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ELU(), nn.Linear(hidden, outputs))
