"""The field whose Euler steps are the blocks of a residual net."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from odeviz.fields.divergence import Time, differentiated
from odeviz.fields.mlp import MLPField

#: A time this share of a block before the next one's start belongs to the next one: times are rounded.
_ROUNDING = 1e-4


class BlockField(nn.Module):
    """One field after the other: f(t, y) is block k's field while k T/N <= t < (k + 1) T/N, with N blocks in [0, T].

    Euler's method with N steps then makes y + (T/N) f_k(y) in step k: an N-block residual net (Chen et al., 2018,
    eqs 1 and 2). Before 0 the first block's field holds, from T on the last one's. Each block is an autonomous
    :class:`odeviz.fields.MLPField`.
    """

    def __init__(
        self,
        dim: int,
        blocks: int,
        hidden: Sequence[int] = (64,),
        *,
        activation: str = "tanh",
        t1: float = 1.0,
    ) -> None:
        super().__init__()
        if blocks < 1:
            raise ValueError(f"blocks must be at least 1, not {blocks}")
        self.dim, self.duration = dim, float(t1)
        self.blocks = nn.ModuleList(
            MLPField(dim, tuple(hidden), activation=activation, time="none") for _ in range(blocks)
        )

    def block_at(self, t: float | Tensor) -> int:
        """The index of the block that holds at time ``t``, which all samples share."""
        count = len(self.blocks)
        return min(max(int(float(t) / self.duration * count + _ROUNDING), 0), count - 1)

    def forward(self, t: Time, y: Tensor) -> Tensor:
        """dy/dt ``[batch, dim]``."""
        value: Tensor = self.blocks[self.block_at(t)](t, y)
        return value

    def with_divergence(self, t: Time, y: Tensor) -> tuple[Tensor, Tensor]:
        """f ``[batch, dim]`` and its exact divergence ``[batch]``, both differentiable."""
        return differentiated(self, t, y)

    def divergence(self, t: Time, y: Tensor) -> Tensor:
        """Exact divergence ``[batch]``."""
        return self.with_divergence(t, y)[1]

    def extra_repr(self) -> str:
        return f"dim={self.dim}, blocks={len(self.blocks)}, t1={self.duration:g}"


def boundaries(blocks: int, t1: float, start: float, end: float) -> list[float]:
    """``start``, the times on the way to ``end``, either way, at which one of ``blocks`` in [0, t1] begins, ``end``."""
    lo, hi = min(start, end), max(start, end)
    least = _ROUNDING * t1 / blocks
    inner = [k * t1 / blocks for k in range(blocks + 1)]
    inner = [t for t in inner if lo + least < t < hi - least]
    return [start, *(inner if end > start else inner[::-1]), end]
