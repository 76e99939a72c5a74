"""Networks with their exact divergence: the state is z and log p, whose derivative is -tr df/dz.

With s_l = ψ' of hidden layer l and W_l the weights of layer l at the current time, the activation's constants and
the gates folded in, counting layers from one:

- 1 hidden layer: tr J = c^T s_1 with c_k = sum_d W_1[k, d] W_2[d, k];
- 2 hidden layers: tr J = s_2^T M s_1 with M = W_2 o (W_1 W_3)^T (o elementwise), for any number of dimensions;
- more: the D columns of the Jacobian travel through the layers beside the state, as one batch of (1 + D) B.

The last row of the cotangent, dL/d(log p)', multiplies -tr J; λ below is its negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from odeviz.fields.network import Network, Place, Shapes
from odeviz.fields.products import Operation, Products


def divergence_network(hidden_layers: int) -> type[Network]:
    """The cheapest kind for a number of hidden layers."""
    kinds: dict[int, type[Network]] = {1: OneHiddenLayer, 2: TwoHiddenLayers}
    return kinds.get(hidden_layers, Tangents)


class _ClosedForm(Network):
    """What the closed forms share: a curvature term at each activation, and a last row."""

    extra_rows = 1

    def _scratch_shapes(self) -> Shapes:
        shapes = super()._scratch_shapes() | self._hidden("slope", self.batch)
        return shapes | self._hidden("curved", self.batch) | {"lambda": (1, self.batch)}

    def _at(self, t: float) -> None:
        if self.weights.at(t):
            self._combine()

    def _combine(self) -> None:
        """What the divergence needs of the weights at the current time."""
        raise NotImplementedError

    def _curved(self, place: Place, i: int) -> Tensor:
        """dL/ds_i through the divergence, in scratch memory."""
        raise NotImplementedError

    def _through_activation(self, place: Place, i: int, delta: Tensor) -> None:
        self.activation.times_slope_and_curvature(
            delta, self._curved(place, i), place.a[i], place.aux[i], self.scratch[f"work{i}"]
        )

    def _backward(self, place: Place, out: Tensor) -> None:
        torch.neg(place.cotangent[self.dim :], out=self.scratch["lambda"])
        super()._backward(place, out[: self.dim])
        out[self.dim].zero_()

    def _slope(self, place: Place, i: int) -> Tensor:
        slope = self.scratch[f"slope{i}"]
        self.activation.slope(place.a[i], place.aux[i], slope)
        return slope


class OneHiddenLayer(_ClosedForm):
    """tr J = c^T s_1."""

    def _trace_shape(self) -> tuple[int, ...]:
        return (self.sizes[1],)

    def _scratch_shapes(self) -> Shapes:
        return super()._scratch_shapes() | {"-c": (1, self.sizes[1])}

    def _combine(self) -> None:
        first, last = self.weights.plain
        torch.sum(first * last.t(), 1, out=self.scratch["-c"][0]).neg_()

    def _forward(self, place: Place, z: Tensor, out: Tensor) -> None:
        super()._forward(place, z[: self.dim], out[: self.dim])
        torch.mm(self.scratch["-c"], self._slope(place, 1), out=out[self.dim :])

    def _curved(self, place: Place, i: int) -> Tensor:
        minus_c, cotangent = self.scratch["-c"], place.cotangent[self.dim :]
        return torch.mul(minus_c.t(), cotangent, out=self.scratch["curved1"])

    def _form(self, place: Place, operations: Iterable[Operation], products: Products) -> None:
        super()._form(place, operations, products)
        assert products.trace is not None
        torch.mv(self._slope(place, 1), place.cotangent[self.dim], out=products.trace).neg_()

    def _complete(self, products: Products, weights: list[Tensor]) -> Products:
        dc, (first, last) = products.trace, weights
        assert dc is not None
        return products.plus([dc[:, :, None] * last.mT, dc[:, None, :] * first.mT])


class TwoHiddenLayers(_ClosedForm):
    """tr J = s_2^T M s_1: one more product of the size of the middle layer's."""

    def load(self, layers: Iterable[Sequence[Tensor]], duration: float) -> None:
        super().load(layers, duration)
        self.scratch["-1"].fill_(-1)

    def _trace_shape(self) -> tuple[int, ...]:
        return (self.sizes[2], self.sizes[1])

    def _slot_shapes(self) -> Shapes:
        return super()._slot_shapes() | {"Ms": (self.sizes[2], self.batch)}

    def _delta_shapes(self) -> Shapes:
        return super()._delta_shapes() | {"λs": (self.sizes[2], self.batch)}

    def _scratch_shapes(self) -> Shapes:
        return super()._scratch_shapes() | {"M": (self.sizes[2], self.sizes[1]), "-1": (1, self.sizes[2])}

    def _combine(self) -> None:
        first, middle, last = self.weights.plain
        torch.mm(last.t(), first.t(), out=self.scratch["M"]).mul_(middle)

    def _forward(self, place: Place, z: Tensor, out: Tensor) -> None:
        super()._forward(place, z[: self.dim], out[: self.dim])
        Ms, sMs = place.buffers["Ms"], self.scratch["curved2"]
        torch.mm(self.scratch["M"], self._slope(place, 1), out=Ms)
        self.activation.times_slope(Ms, place.a[2], place.aux[2], sMs, self.scratch["work2"])
        torch.mm(self.scratch["-1"], sMs, out=out[self.dim :])

    def _curved(self, place: Place, i: int) -> Tensor:
        curved, lam = self.scratch[f"curved{i}"], self.scratch["lambda"]
        if i == 2:
            return torch.mul(place.buffers["Ms"], lam, out=curved)
        s = place.buffers["λs"]
        self.activation.times_slope(lam, place.a[2], place.aux[2], s, self.scratch["work2"])
        return torch.mm(self.scratch["M"].t(), s, out=curved)

    def _form(self, place: Place, operations: Iterable[Operation], products: Products) -> None:
        super()._form(place, operations, products)
        assert products.trace is not None
        torch.mm(place.buffers["λs"], self._slope(place, 1).t(), out=products.trace)

    def _complete(self, products: Products, weights: list[Tensor]) -> Products:
        dM, (first, middle, last) = products.trace, weights
        assert dM is not None
        dQ = dM * middle
        return products.plus([dQ.mT @ last.mT, dM * (last.mT @ first.mT), (dQ @ first).mT])


class Tangents(Network):
    """Three hidden layers or more: column d of the Jacobian is block 1 + d of every activation.

    The row of ones is zero there, so that biases act on the state alone and one product serves all.
    """

    extra_rows = 1

    def _directions(self) -> int:
        """Tangents of each sample: by default one for each dimension, the unit vectors."""
        return self.dim

    def _columns(self) -> int:
        return (1 + self._directions()) * self.batch

    def _slot_shapes(self) -> Shapes:
        return super()._slot_shapes() | self._hidden("u", self._columns())

    def _delta_shapes(self) -> Shapes:
        return super()._delta_shapes() | {"last": (self.dim, self._columns())}

    def _scratch_shapes(self) -> Shapes:
        shapes = super()._scratch_shapes() | self._hidden("slope", self.batch)
        shapes |= self._hidden("curved", self.batch)
        shapes |= self._hidden("product", self._directions() * self.batch)
        return shapes | {"values": (self.dim, self._columns())}

    def _initialise(self, x: list[Tensor]) -> None:
        super()._initialise(x)
        for inputs in x:
            inputs[0, self.batch :] = 0
        unit = self._blocks(x[0][1:])
        unit.copy_(torch.eye(self.dim, self._directions()).to(unit)[:, :, None].expand_as(unit))

    def _last_delta(self, buffers: dict[str, Tensor]) -> Tensor:
        return buffers["last"].zero_()

    def _before_activation(self, place: Place, i: int) -> Tensor:
        return place.buffers[f"u{i}"]

    def _blocks(self, columns: Tensor) -> Tensor:
        """The tangents ``[n, directions, batch]`` of ``[n, (1 + directions) * batch]``."""
        return columns[:, self.batch :].view(len(columns), self._directions(), self.batch)

    def _diagonal(self, columns: Tensor) -> Tensor:
        """Entries ``[batch, dim]`` of ``[dim, (1 + directions) * batch]`` whose sum is the trace."""
        return self._blocks(columns).diagonal(dim1=0, dim2=1)

    def _slope(self, place: Place, i: int) -> Tensor:
        slope = self.scratch[f"slope{i}"]
        self.activation.slope(place.a[i][:, : self.batch], place.aux[i], slope)
        return slope[:, None, :]

    def _forward(self, place: Place, z: Tensor, out: Tensor) -> None:
        batch, values = self.batch, place.buffers["values"]
        place.a[0][:, :batch].copy_(z[: self.dim])
        for i, (product, W, x, u) in enumerate(place.forward, 1):
            product(W, x, out=u)
            self.activation.apply(u[:, :batch], place.aux[i], place.a[i][:, :batch])
            torch.mul(self._blocks(u), self._slope(place, i), out=self._blocks(place.a[i]))
        torch.mm(self.weights.augmented[-1], place.x[-1], out=values)
        self._write(values, out)

    def _write(self, values: Tensor, out: Tensor) -> None:
        """The state's derivative from the last layer's ``values``: f and its Jacobian."""
        out[: self.dim].copy_(values[:, : self.batch])
        torch.sum(self._diagonal(values), 1, out=out[self.dim]).neg_()

    def _backward(self, place: Place, out: Tensor) -> None:
        self._pull_back_values(place, place.delta[-1])
        for i, (product, W, delta, before) in zip(
            range(len(place.x) - 1, 0, -1), place.backward, strict=True
        ):
            product(W, delta, out=before)
            self._through_activation(place, i, before)
        state = place.delta[0][:, : self.batch]
        torch.mm(self.weights.transposed[0], state, out=out[: self.dim])
        out[self.dim :].zero_()

    def _pull_back_values(self, place: Place, last: Tensor) -> None:
        """dL/d(values) in ``last``, from the cotangent: the reverse of ``_write``."""
        diagonal = self._diagonal(last)
        last[:, : self.batch].copy_(place.cotangent[: self.dim])
        torch.neg(place.cotangent[self.dim, :, None].expand_as(diagonal), out=diagonal)

    def _through_activation(self, place: Place, i: int, delta: Tensor) -> None:
        scratch, batch = self.scratch, self.batch
        u, tangents = self._blocks(place.buffers[f"u{i}"]), self._blocks(delta)
        product = scratch[f"product{i}"].view(tangents.shape)
        curved = torch.sum(torch.mul(u, tangents, out=product), 1, out=scratch[f"curved{i}"])
        tangents.mul_(self._slope(place, i))
        self.activation.times_slope_and_curvature(
            delta[:, :batch], curved, place.a[i][:, :batch], place.aux[i], scratch[f"work{i}"]
        )
