"""Error norms: how far a vector is from zero, measured in tolerances."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


def rms(x: Tensor) -> float:
    """Root mean square of all entries."""
    return float(torch.linalg.vector_norm(x)) / math.sqrt(x.numel())


def largest(x: Tensor) -> float:
    """Largest magnitude of all entries."""
    return float(torch.linalg.vector_norm(x, math.inf))


NORMS: dict[str, Callable[[Tensor], float]] = {"rms": rms, "max": largest}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The error allowed in each entry is ``atol + rtol * |y|`` (Hairer, Norsett, Wanner II.4.10)."""

    rtol: float
    atol: float
    norm: str = "rms"

    def scale(self, magnitude: Tensor, out: Tensor | None = None) -> Tensor:
        """Allowed error of each entry, given the magnitude of the state.

        Never zero: with ``atol = 0`` an entry that rests at zero has no error, which is within any tolerance.
        """
        return torch.mul(magnitude, self.rtol, out=out).add_(self.atol or torch.finfo(magnitude.dtype).tiny)

    def measure(self, x: Tensor) -> float:
        """The norm of a vector already divided by its scale."""
        return NORMS[self.norm](x)
