"""Fast paths of (z, log p)' = (f, -tr df/dz): the exact divergence fused with the network, and its gradients.

With s_l = ψ' of hidden layer l and W_l the weights of layer l at the current time, all with the activation's
constants and the gates folded in, counting layers from one:

- 1 hidden layer: tr J = c^T s_1 with c_k = sum_d W_1[k, d] W_2[d, k];
- 2 hidden layers: tr J = s_2^T M s_1 with M = W_2 o (W_1 W_3)^T (o elementwise), for any number of dimensions;
- more: the D columns of the Jacobian travel through the layers beside the state, as one batch of (1 + D) B.

The last row of the cotangent, dL/d(log p)', multiplies -tr J; below λ is its negative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from odeviz.fields.mlp_kernel import MLPKernel, Place
from odeviz.fields.products import Products, layer_mm

if TYPE_CHECKING:
    from odeviz.fields.mlp import MLPField


def log_density_kernel(field: MLPField, y0: Tensor, log_duration: Tensor | None = None) -> MLPKernel:
    """The kernel for the field's depth; ``y0 [batch, dim + 1]``."""
    kinds: dict[int, type[MLPKernel]] = {1: OneHiddenLayer, 2: TwoHiddenLayers}
    return kinds.get(len(field.hidden), Tangents)(field, y0, log_duration)


class _Traced(MLPKernel):
    """What the closed forms share: a curvature term at each activation, and a last row."""

    extra_rows = 1

    def _scratch_shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = super()._scratch_shapes()
        hidden = list(enumerate(self.sizes[1:-1], 1))
        shapes |= {f"slope{i}": (n, self.batch) for i, n in hidden}
        shapes |= {f"curved{i}": (n, self.batch) for i, n in hidden}
        return shapes | {"lambda": (1, self.batch)}

    def _at(self, t: float) -> None:
        if self._weights.at(t):
            self._combine()

    def _combine(self) -> None:
        """What the divergence needs of the weights at the current time."""
        raise NotImplementedError

    def _through_activation(self, place: Place, i: int) -> None:
        self._activation.times_slope_and_curvature(
            place.delta[i - 1], self._curved(place, i), place.a[i], place.aux[i], self._scratch[f"work{i}"]
        )

    def _curved(self, place: Place, i: int) -> Tensor:
        """dL/ds of the activation before layer i through the divergence, in scratch memory."""
        raise NotImplementedError

    def _backward(self, place: Place, out: Tensor) -> None:
        torch.neg(place.cotangent[self.dim :], out=self._scratch["lambda"])
        super()._backward(place, out)
        out[self.dim].zero_()

    def _slope(self, place: Place, i: int) -> Tensor:
        slope = self._scratch[f"slope{i}"]
        self._activation.slope(place.a[i], place.aux[i], slope)
        return slope


class OneHiddenLayer(_Traced):
    """tr J = c^T s."""

    def _trace_shape(self) -> tuple[int, ...]:
        return (self.sizes[1],)

    def _scratch_shapes(self) -> dict[str, tuple[int, ...]]:
        return super()._scratch_shapes() | {"-c": (1, self.sizes[1])}

    def _prepare(self) -> None:
        self._minus_c = self._scratch["-c"]

    def _combine(self) -> None:
        first, last = self._weights.plain
        torch.sum(first * last.t(), 1, out=self._minus_c[0]).neg_()

    def _forward(self, place: Place, s: Tensor, out: Tensor) -> None:
        super()._forward(place, s, out)
        torch.mm(self._minus_c, self._slope(place, 1), out=out[self.dim :])

    def _curved(self, place: Place, i: int) -> Tensor:
        return torch.mul(self._minus_c.t(), place.cotangent[self.dim :], out=self._scratch["curved1"])

    def _form(self, place: Place, products: Products) -> None:
        super()._form(place, products)
        assert products.trace is not None
        torch.mv(self._slope(place, 1), place.cotangent[self.dim], out=products.trace).neg_()

    def _complete(self, products: Products, weights: list[Tensor]) -> Products:
        dc, (first, last) = products.trace, weights
        assert dc is not None
        return Products(
            products.bias,
            [
                products.weight[0] + dc[:, :, None] * last.transpose(1, 2),
                products.weight[1] + dc[:, None, :] * first.transpose(1, 2),
            ],
            None,
        )


class TwoHiddenLayers(_Traced):
    """tr J = s_2^T M s_1; one more product of the size of the middle layer's."""

    def _trace_shape(self) -> tuple[int, ...]:
        return (self.sizes[2], self.sizes[1])

    def _slot_shapes(self) -> dict[str, tuple[int, ...]]:
        return super()._slot_shapes() | {"Ms": (self.sizes[2], self.batch)}

    def _delta_shapes(self) -> dict[str, tuple[int, ...]]:
        return super()._delta_shapes() | {"v": (self.sizes[2], self.batch)}

    def _scratch_shapes(self) -> dict[str, tuple[int, ...]]:
        return super()._scratch_shapes() | {"M": (self.sizes[2], self.sizes[1]), "-1": (1, self.sizes[2])}

    def _prepare(self) -> None:
        self._M, self._minus = self._scratch["M"], self._scratch["-1"].fill_(-1)

    def _combine(self) -> None:
        first, middle, last = self._weights.plain
        torch.mm(last.t(), first.t(), out=self._M).mul_(middle)

    def _forward(self, place: Place, s: Tensor, out: Tensor) -> None:
        super()._forward(place, s, out)
        Ms, work = place.more["Ms"], self._scratch["work2"]
        torch.mm(self._M, self._slope(place, 1), out=Ms)
        sMs = self._scratch["curved2"]
        self._activation.times_slope(Ms, place.a[2], place.aux[2], sMs, work)
        torch.mm(self._minus, sMs, out=out[self.dim :])

    def _curved(self, place: Place, i: int) -> Tensor:
        curved = self._scratch[f"curved{i}"]
        if i == 2:
            return torch.mul(place.more["Ms"], self._scratch["lambda"], out=curved)
        v = torch.mul(self._slope(place, 2), self._scratch["lambda"], out=place.more["v"])
        return torch.mm(self._M.t(), v, out=curved)

    def _form(self, place: Place, products: Products) -> None:
        super()._form(place, products)
        assert products.trace is not None
        torch.mm(place.more["v"], self._slope(place, 1).t(), out=products.trace)

    def _complete(self, products: Products, weights: list[Tensor]) -> Products:
        dM, (first, middle, last) = products.trace, weights
        assert dM is not None
        around = last.transpose(1, 2) @ first.transpose(1, 2)
        dQ = dM * middle
        return Products(
            products.bias,
            [
                products.weight[0] + dQ.transpose(1, 2) @ last.transpose(1, 2),
                torch.addcmul(products.weight[1], dM, around),
                products.weight[2] + (dQ @ first).transpose(1, 2),
            ],
            None,
        )


class Tangents(MLPKernel):
    """Three hidden layers or more: column d of the Jacobian is block 1 + d of every activation.

    The row of ones is zero there, so that biases act on the state alone and one product serves all.
    """

    extra_rows = 1

    def _columns(self) -> int:
        return (1 + self.dim) * self.batch

    def _slot_shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = super()._slot_shapes()
        return shapes | {f"u{i}": (n, self._columns()) for i, n in enumerate(self.sizes[1:-1], 1)}

    def _delta_shapes(self) -> dict[str, tuple[int, ...]]:
        return super()._delta_shapes() | {"last": (self.dim, self._columns())}

    def _scratch_shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = super()._scratch_shapes()
        hidden = list(enumerate(self.sizes[1:-1], 1))
        shapes |= {f"slope{i}": (n, self.batch) for i, n in hidden}
        shapes |= {f"curved{i}": (n, self.batch) for i, n in hidden}
        shapes |= {f"product{i}": (n, self.dim, self.batch) for i, n in hidden}
        return shapes | {"values": (self.dim, self._columns())}

    def _bind(self, buffers: dict[str, Tensor]) -> Place:
        place = super()._bind(buffers)
        for x in place.x:
            x[0, self.batch :] = 0
        first = self._blocks(place.a[0])
        first.copy_(torch.eye(self.dim, dtype=first.dtype, device=first.device)[:, :, None].expand_as(first))
        place.delta[-1] = buffers["last"].zero_()
        return place

    def _blocks(self, columns: Tensor) -> Tensor:
        """The tangents ``[n, dim, batch]`` of ``[n, (1 + dim) * batch]``."""
        return columns[:, self.batch :].view(len(columns), self.dim, self.batch)

    def _diagonal(self, columns: Tensor) -> Tensor:
        """Entries ``[batch, dim]`` of ``[dim, (1 + dim) * batch]`` whose sum is the trace."""
        return self._blocks(columns).diagonal(dim1=0, dim2=1)

    def _slope(self, place: Place, i: int) -> Tensor:
        slope = self._scratch[f"slope{i}"]
        self._activation.slope(place.a[i][:, : self.batch], place.aux[i], slope)
        return slope[:, None, :]

    def _forward(self, place: Place, s: Tensor, out: Tensor) -> None:
        weights, batch, values = self._weights.augmented, self.batch, self._scratch["values"]
        place.a[0][:, :batch].copy_(s[: self.dim])
        for i in range(1, len(place.x)):
            u, a = place.more[f"u{i}"], place.a[i]
            layer_mm(weights[i - 1], place.x[i - 1], u)
            self._activation.apply(u[:, :batch], place.aux[i], a[:, :batch])
            torch.mul(self._blocks(u), self._slope(place, i), out=self._blocks(a))
        torch.mm(weights[-1], place.x[-1], out=values)
        out[: self.dim].copy_(values[:, :batch])
        torch.sum(self._diagonal(values), 1, out=out[self.dim]).neg_()

    def _backward(self, place: Place, out: Tensor) -> None:
        delta, weights, batch = place.delta, self._weights.transposed, self.batch
        delta[-1][:, :batch].copy_(place.cotangent[: self.dim])
        diagonal = self._diagonal(delta[-1])
        torch.neg(place.cotangent[self.dim, :, None].expand_as(diagonal), out=diagonal)
        for i in range(len(place.x) - 1, 0, -1):
            layer_mm(weights[i], delta[i], delta[i - 1])
            self._through_activation(place, i)
        torch.mm(weights[0], delta[0][:, :batch], out=out[: self.dim])
        out[self.dim].zero_()

    def _through_activation(self, place: Place, i: int) -> None:
        scratch, u = self._scratch, self._blocks(place.more[f"u{i}"])
        state, tangents = place.delta[i - 1][:, : self.batch], self._blocks(place.delta[i - 1])
        curved = torch.sum(torch.mul(u, tangents, out=scratch[f"product{i}"]), 1, out=scratch[f"curved{i}"])
        tangents.mul_(self._slope(place, i))
        self._activation.times_slope_and_curvature(
            state, curved, place.a[i][:, : self.batch], place.aux[i], scratch[f"work{i}"]
        )
