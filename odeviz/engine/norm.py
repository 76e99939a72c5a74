"""Error norms: how far a vector is from zero, measured in tolerances."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from odeviz.engine.checks import as_number, described


def rms(x: Tensor) -> float:
    """Root mean square of all entries."""
    return float(torch.linalg.vector_norm(x)) / math.sqrt(x.numel())


def largest(x: Tensor) -> float:
    """Largest magnitude of all entries."""
    return float(torch.linalg.vector_norm(x, math.inf))


NORMS: dict[str, Callable[[Tensor], float]] = {"rms": rms, "max": largest}


@lru_cache(maxsize=64)
def _number(value: float, dtype: torch.dtype) -> Tensor:
    """A number as a 0-dim tensor on the CPU, made once: a Python number would be made one at every use."""
    return torch.tensor(value, dtype=dtype, device="cpu")


Norm = Callable[[Tensor], float | Tensor]


def _checked_norm(value: object, x: Tensor) -> float:
    """What a caller's norm of x returned: one number, which is NaN only where x is not finite."""
    number = as_number(value.squeeze() if isinstance(value, Tensor) else value)
    if number is None:
        raise TypeError(f"norm must return one number, not {described(value)}")
    if not number >= 0 and bool(torch.isfinite(x).all()):
        raise ValueError(f"norm must return a number of at least 0, not {number}")
    return number


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The error allowed in each entry is ``atol + rtol * |y|`` (Hairer, Norsett, Wanner II.4.10).

    ``rtol`` and ``atol`` are numbers, or tensors of the state's layout with one for each entry.
    """

    rtol: float | Tensor
    atol: float | Tensor
    #: A name in ``NORMS``, or a function of the state's layout.
    norm: str | Norm = "rms"

    def scale(self, magnitude: Tensor, out: Tensor | None = None) -> Tensor:
        """Allowed error of each entry, given the magnitude of the state.

        Never zero: with ``atol = 0`` an entry that rests at zero has no error, which is within any tolerance.
        """
        tiny = torch.finfo(magnitude.dtype).tiny
        if isinstance(self.rtol, float) and isinstance(self.atol, float):
            return torch.add(_number(self.atol or tiny, magnitude.dtype), magnitude, alpha=self.rtol, out=out)
        return torch.mul(magnitude, self.rtol, out=out).add_(self.atol).clamp_min_(tiny)

    def measure(self, x: Tensor) -> float:
        """The norm of a vector already divided by its scale."""
        return NORMS[self.norm](x) if isinstance(self.norm, str) else _checked_norm(self.norm(x), x)

    def layout(self, arrange: Callable[[Tensor], Tensor]) -> Tolerance:
        """The same tolerance with its tensors ``[batch, dim]`` arranged as a kernel's states are."""
        rtol, atol = (arrange(x) if isinstance(x, Tensor) else x for x in (self.rtol, self.atol))
        return replace(self, rtol=rtol, atol=atol)
