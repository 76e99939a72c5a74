"""Times at which one solve serves many series, and how the state at any other time follows from them. Imports torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from odeviz.tasks.latent.series import Floats

#: Beyond this many distinct times, so many equal steps take their place.
_MOST = 256


@dataclass(frozen=True, slots=True)
class Places:
    """Where times lie between a clock's: ``lower [n, rows]``, and the ``share`` of the way to the next, in [0, 1]."""

    lower: Tensor
    share: Tensor

    def __getitem__(self, chosen: Tensor | slice) -> Places:
        return Places(self.lower[chosen], self.share[chosen])

    def thinned(self, kept: Tensor) -> Places:
        """Those of the rows ``kept [n, fewer]`` alone."""
        return Places(self.lower.gather(1, kept), self.share.gather(1, kept))

    def of(self, states: Tensor) -> Tensor:
        """States ``[times, n, dim]`` at the clock's times as those at the places' times, ``[n, rows, dim]``."""
        path = states.transpose(0, 1)
        wide = self.lower[:, :, None].expand(-1, -1, path.shape[2])
        here = path.gather(1, wide)
        if not self.share.any():
            return here
        return here + self.share[:, :, None] * (path.gather(1, wide + 1) - here)


class Clock:
    """The distinct times of some series, with 0; or, where they are too many, equal steps with lines between them.

    The lines' error is that of linear interpolation over a 256th of the time.
    """

    def __init__(self, times: Floats) -> None:
        distinct = np.unique(np.append(times, 0.0))
        if len(distinct) > _MOST:
            distinct = np.linspace(0.0, distinct[-1], _MOST + 1)
        self._times = distinct
        self.times: list[float] = distinct.tolist()

    def places(self, times: Floats, like: Tensor) -> Places:
        """The places of times within the clock's, on the device and in the type of ``like``."""
        lower = np.clip(np.searchsorted(self._times, times, side="right") - 1, 0, len(self._times) - 2)
        share = (times - self._times[lower]) / (self._times[lower + 1] - self._times[lower])
        return Places(
            torch.as_tensor(lower, device=like.device), torch.as_tensor(share).to(like.device, like.dtype)
        )
