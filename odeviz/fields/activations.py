"""Activations: as differentiable functions, and as in-place operations on a kernel's tape.

A kernel may run a cheaper function ψ instead of the activation φ, with φ(u) = ``outer`` * ψ(``inner`` * u) +
``offset``; the three constants are folded into the weights before and after it. tanh is the reason: evaluated as
2 sigmoid(2u) - 1 it costs a sixth on a CPU. Slope and curvature below are ψ' and ψ''.
"""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

_sigmoid_backward: Callable[..., Tensor] = torch.ops.aten.sigmoid_backward.grad_input
_threshold_backward: Callable[..., Tensor] = torch.ops.aten.threshold_backward.grad_input
_elu_backward: Callable[..., Tensor] = torch.ops.aten.elu_backward.grad_input


class Activation(ABC):
    """One activation.

    On the tape ``a`` is ψ(u) and ``aux`` what else ψ' needs (sigmoid(u), or nothing). All tensors of one call
    have one shape, results go to ``out``, which may be the first argument; ``work`` is overwritten.
    """

    inner = 1.0
    outer = 1.0
    offset = 0.0
    #: Whether the tape holds sigmoid(u) beside ψ(u).
    keeps_sigmoid = False
    #: Whether ψ'' / ψ' is finite everywhere.
    bends = True

    @staticmethod
    @abstractmethod
    def function(u: Tensor) -> Tensor:
        """φ(u), differentiable."""

    @staticmethod
    @abstractmethod
    def derivative(u: Tensor) -> Tensor:
        """φ'(u), differentiable."""

    @abstractmethod
    def apply(self, u: Tensor, aux: Tensor | None, out: Tensor) -> None:
        """out = ψ(u), and ``aux``."""

    @abstractmethod
    def slope(self, a: Tensor, aux: Tensor | None, out: Tensor) -> None:
        """out = ψ'."""

    @abstractmethod
    def times_slope(self, q: Tensor, a: Tensor, aux: Tensor | None, out: Tensor, work: Tensor) -> None:
        """out = ψ' q."""

    @abstractmethod
    def times_bend(self, x: Tensor, a: Tensor, aux: Tensor | None) -> None:
        """x = (ψ'' / ψ') x, where ``bends``."""

    def times_slope_and_curvature(
        self, q: Tensor, x: Tensor, a: Tensor, aux: Tensor | None, work: Tensor
    ) -> None:
        """q = ψ' q + ψ'' x; ``x`` is overwritten."""
        self.times_bend(x, a, aux)
        self.times_slope(q.add_(x), a, aux, q, work)


class Sigmoid(Activation):
    """ψ' = a (1 - a), ψ'' = ψ' (1 - 2 a)."""

    @staticmethod
    def function(u: Tensor) -> Tensor:
        return torch.sigmoid(u)

    @staticmethod
    def derivative(u: Tensor) -> Tensor:
        a = torch.sigmoid(u)
        return a * (1 - a)

    def apply(self, u: Tensor, aux: Tensor | None, out: Tensor) -> None:
        torch.sigmoid(u, out=out)

    def slope(self, a: Tensor, aux: Tensor | None, out: Tensor) -> None:
        torch.addcmul(a, a, a, value=-1, out=out)

    def times_slope(self, q: Tensor, a: Tensor, aux: Tensor | None, out: Tensor, work: Tensor) -> None:
        _sigmoid_backward(q, a, grad_input=out)

    def times_bend(self, x: Tensor, a: Tensor, aux: Tensor | None) -> None:
        x.addcmul_(x, a, value=-2)


class Tanh(Sigmoid):
    """tanh(u) = 2 sigmoid(2u) - 1."""

    inner = 2.0
    outer = 2.0
    offset = -1.0

    @staticmethod
    def function(u: Tensor) -> Tensor:
        return torch.tanh(u)

    @staticmethod
    def derivative(u: Tensor) -> Tensor:
        return 1 - torch.tanh(u).square()


class Relu(Activation):
    """ψ' = 1 where u > 0; the curvature is zero."""

    @staticmethod
    def function(u: Tensor) -> Tensor:
        return torch.relu(u)

    @staticmethod
    def derivative(u: Tensor) -> Tensor:
        return (u > 0).to(u.dtype)

    def apply(self, u: Tensor, aux: Tensor | None, out: Tensor) -> None:
        torch.clamp_min(u, 0, out=out)

    def slope(self, a: Tensor, aux: Tensor | None, out: Tensor) -> None:
        torch.sign(a, out=out)

    def times_slope(self, q: Tensor, a: Tensor, aux: Tensor | None, out: Tensor, work: Tensor) -> None:
        _threshold_backward(q, a, 0, grad_input=out)

    def times_bend(self, x: Tensor, a: Tensor, aux: Tensor | None) -> None:
        x.zero_()


class Elu(Activation):
    """u where u > 0, else exp(u) - 1: ψ' = 1 + min(a, 0), and ψ'' = ψ' where u < 0, else 0."""

    @staticmethod
    def function(u: Tensor) -> Tensor:
        return functional.elu(u)

    @staticmethod
    def derivative(u: Tensor) -> Tensor:
        return u.clamp_max(0).exp()

    def apply(self, u: Tensor, aux: Tensor | None, out: Tensor) -> None:
        torch.ops.aten.elu.out(u, out=out)

    def slope(self, a: Tensor, aux: Tensor | None, out: Tensor) -> None:
        torch.clamp_max(a, 0, out=out).add_(1)

    def times_slope(self, q: Tensor, a: Tensor, aux: Tensor | None, out: Tensor, work: Tensor) -> None:
        _elu_backward(q, 1, 1, 1, True, a, grad_input=out)

    def times_bend(self, x: Tensor, a: Tensor, aux: Tensor | None) -> None:
        x.masked_fill_(a > 0, 0)


class Softplus(Activation):
    """ψ' = σ, ψ'' = σ (1 - σ), with σ = sigmoid(u)."""

    keeps_sigmoid = True

    @staticmethod
    def function(u: Tensor) -> Tensor:
        return functional.softplus(u)

    @staticmethod
    def derivative(u: Tensor) -> Tensor:
        return torch.sigmoid(u)

    def apply(self, u: Tensor, aux: Tensor | None, out: Tensor) -> None:
        assert aux is not None
        torch.sigmoid(u, out=aux)
        torch.ops.aten.softplus.out(u, out=out)

    def slope(self, a: Tensor, aux: Tensor | None, out: Tensor) -> None:
        assert aux is not None
        out.copy_(aux)

    def times_slope(self, q: Tensor, a: Tensor, aux: Tensor | None, out: Tensor, work: Tensor) -> None:
        assert aux is not None
        torch.mul(q, aux, out=out)

    def times_bend(self, x: Tensor, a: Tensor, aux: Tensor | None) -> None:
        assert aux is not None
        x.addcmul_(x, aux, value=-1)


class Silu(Activation):
    """a = u σ, ψ' = a + σ (1 - a), ψ'' = (1 - σ) (2 ψ' - a), with σ = sigmoid(u)."""

    keeps_sigmoid = True
    bends = False

    @staticmethod
    def function(u: Tensor) -> Tensor:
        return functional.silu(u)

    @staticmethod
    def derivative(u: Tensor) -> Tensor:
        sigma = torch.sigmoid(u)
        return sigma * (1 + u * (1 - sigma))

    def apply(self, u: Tensor, aux: Tensor | None, out: Tensor) -> None:
        assert aux is not None
        torch.sigmoid(u, out=aux)
        torch.mul(u, aux, out=out)

    def slope(self, a: Tensor, aux: Tensor | None, out: Tensor) -> None:
        assert aux is not None
        torch.addcmul(aux, a, aux, value=-1, out=out)
        out.add_(a)

    def times_slope(self, q: Tensor, a: Tensor, aux: Tensor | None, out: Tensor, work: Tensor) -> None:
        self.slope(a, aux, work)
        torch.mul(q, work, out=out)

    def times_bend(self, x: Tensor, a: Tensor, aux: Tensor | None) -> None:
        raise NotImplementedError("the slope of silu has a zero")

    def times_slope_and_curvature(
        self, q: Tensor, x: Tensor, a: Tensor, aux: Tensor | None, work: Tensor
    ) -> None:
        assert aux is not None
        self.times_slope(q, a, aux, q, work)
        x.addcmul_(x, aux, value=-1)
        q.addcmul_(x, work.sub_(a, alpha=0.5), value=2)


ACTIVATIONS: dict[str, Activation] = {
    "tanh": Tanh(),
    "sigmoid": Sigmoid(),
    "softplus": Softplus(),
    "silu": Silu(),
    "elu": Elu(),
    "relu": Relu(),
}


def one_of(argument: str, value: str, names: tuple[str, ...]) -> str:
    """``value`` if it is one of ``names``, else ``ValueError`` naming the argument and the choices."""
    if value in names:
        return value
    close = difflib.get_close_matches(str(value), names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"{argument} must be one of {', '.join(names)}, not {value!r}{hint}")
