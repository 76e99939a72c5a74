"""Networks with the regularisers' states: the kinetic energy and the Jacobian's norm, and log p where asked for.

All follow from what :class:`Tangents` carries through the layers, the state and Jacobian-vector products: the
squares of the last layer's values are summed. The cotangent of such a sum, times twice the values, adds to theirs.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from odeviz.fields.divergence_networks import Tangents
from odeviz.fields.network import Network, Rows, Shapes
from odeviz.fields.noise_networks import Noise, NoisyTrace


class Regularized(Tangents):
    """Rows [f, |f|^2, ||J||_F^2] with the exact Jacobian J."""

    extra_rows = 2
    log_density: ClassVar[bool] = False

    def _slot_shapes(self) -> Shapes:
        return super()._slot_shapes() | {"values": (self.dim, self._columns())}

    def _scratch_shapes(self) -> Shapes:
        shapes = super()._scratch_shapes()
        shapes["squares"] = shapes.pop("values")
        return shapes

    def _measured(self, columns: Tensor) -> Tensor:
        """The tangents ``[dim, k, batch]`` whose norm is the Jacobian's."""
        return self._blocks(columns)

    def _write_values(self, values: Tensor, out: Rows) -> None:
        if self.log_density:
            super()._write_values(values, out)
        else:
            out[1].copy_(values[:, : self.batch])
        squares = torch.mul(values, values, out=self.scratch["squares"])
        torch.sum(squares[:, : self.batch], 0, out=out[2][-2])
        torch.sum(self._measured(squares), (0, 1), out=out[2][-1])

    def _pull_back_values(self, buffers: dict[str, Tensor]) -> None:
        values, cotangent, last, dim = buffers["values"], buffers["cotangent"], buffers["last"], self.dim
        state, kinetic, jacobian = cotangent[:dim], cotangent[-2], cotangent[-1]
        torch.addcmul(state, values[:, : self.batch], kinetic, value=2, out=last[:, : self.batch])
        self._blocks(last).zero_()
        torch.mul(self._measured(values), jacobian, out=self._measured(last)).mul_(2)
        if self.log_density:
            self._pull_back_trace(cotangent[dim], last)


class RegularizedDensity(Regularized):
    """Rows [f, -tr J, |f|^2, ||J||_F^2]."""

    extra_rows = 3
    log_density = True


class Noisy(Noise, Regularized):
    """Rows [f, |f|^2, |J e|^2] with fixed noise e, the last tangent of every sample."""

    def _measured(self, columns: Tensor) -> Tensor:
        return self._blocks(columns)[:, -1:]


class NoisyDensity(Noisy):
    """Rows [f, -tr J, |f|^2, |J e|^2]; the trace is exact, from the unit vectors before the noise."""

    extra_rows = 3
    log_density = True

    def _directions(self) -> int:
        return self.dim + 1


class HutchinsonDensity(NoisyTrace, Noisy):
    """Rows [f, -e^T J e, |f|^2, |J e|^2], all from one tangent."""

    extra_rows = 3
    log_density = True


def regularized_network(log_density: bool, noisy: bool, hutchinson: bool) -> type[Network]:
    """The kind for what is asked of it."""
    if hutchinson:
        return HutchinsonDensity
    if noisy:
        return NoisyDensity if log_density else Noisy
    return RegularizedDensity if log_density else Regularized
