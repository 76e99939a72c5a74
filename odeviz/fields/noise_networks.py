"""Networks whose Jacobian is seen through noise: Hutchinson's estimate of the trace (Grathwohl et al., 2019).

For e of mean 0 and covariance I, e^T J e is an estimate of tr J without bias, from one tangent, J e, where the exact
trace needs one for each dimension. The noise is fixed for a solve, so that what is solved is an ODE.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from odeviz.fields.divergence_networks import Tangents
from odeviz.fields.mlp_kernel import MLPKernel
from odeviz.fields.network import Network, Shapes
from odeviz.fields.products import Operation

if TYPE_CHECKING:
    from odeviz.fields.mlp import MLPField


class Noise(Tangents):
    """The last tangent of every sample is noise, by default the only one."""

    def _directions(self) -> int:
        return 1

    def _scratch_shapes(self) -> Shapes:
        return super()._scratch_shapes() | {"noise": (self.dim, self.batch)}

    def load_noise(self, noise: Tensor) -> None:
        """Take a copy of the noise ``[batch, dim]`` for one solve."""
        self.scratch["noise"].copy_(noise.t())

    def _forward_operations(self, buffers: dict[str, Tensor]) -> Iterator[Operation]:
        yield partial(buffers["x0"][1:, -self.batch :].copy_, self.scratch["noise"])
        yield from super()._forward_operations(buffers)


class NoisyTrace(Noise):
    """Rows [f, -e^T J e]."""

    def _write_trace(self, values: Tensor, out: Tensor) -> None:
        torch.sum(self._blocks(values)[:, -1] * self.scratch["noise"], 0, out=out).neg_()

    def _pull_back_trace(self, cotangent: Tensor, last: Tensor) -> None:
        self._blocks(last)[:, -1].addcmul_(self.scratch["noise"], cotangent, value=-1)


def noisy_kernel(
    field: MLPField, y0: Tensor, log_duration: Tensor | None, kind: type[Network], noise: Tensor
) -> MLPKernel:
    """A kernel of a kind that derives from :class:`Noise`, with its noise ``[batch, dim]``."""
    kernel = MLPKernel(field, y0, log_duration, kind)
    network = kernel.network
    assert isinstance(network, Noise)
    with torch.no_grad():
        network.load_noise(noise)
    return kernel
