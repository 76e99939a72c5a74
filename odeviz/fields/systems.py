"""Fields that know something of the system they stand for: its equations, a part of them, or their structure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from odeviz.fields.divergence import Time, differentiated
from odeviz.fields.mlp import MLPField
from odeviz.fields.perceptron import Perceptron

#: (components of states, parameters) -> components of their rates of change.
Rates = Callable[[Sequence[Any], Sequence[Any]], Sequence[Any]]


class SystemField(nn.Module):
    """What the fields of this module have in common: states ``[batch, dim]`` and an exact divergence."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, t: Time, y: Tensor) -> Tensor:
        """dy/dt ``[batch, dim]``."""
        raise NotImplementedError

    def with_divergence(self, t: Time, y: Tensor) -> tuple[Tensor, Tensor]:
        """f ``[batch, dim]`` and its exact divergence ``[batch]``: one backward pass for each dimension."""
        return differentiated(self, t, y)

    def divergence(self, t: Time, y: Tensor) -> Tensor:
        """Exact divergence ``[batch]``."""
        return self.with_divergence(t, y)[1]


class Units(nn.Module):
    """Units in which a system's states are of size 1 about 0: (y - centre) / size, at ``rate`` sizes in a unit of time.

    They are constants of the system, not weights, and are left out of files.
    """

    def __init__(self, centre: Sequence[float], size: Sequence[float], rate: float = 1.0) -> None:
        super().__init__()
        if len(centre) != len(size) or min(size) <= 0 or rate <= 0:
            raise ValueError(
                f"centre and size must match, size and rate be positive, not {centre}, {size}, {rate}"
            )
        self.rate = rate
        self.centre: Tensor
        self.size: Tensor
        self.register_buffer("centre", torch.tensor(centre), persistent=False)
        self.register_buffer("size", torch.tensor(size), persistent=False)

    def pure(self, y: Tensor) -> Tensor:
        """States ``[batch, dim]`` without their units."""
        return (y - self.centre) / self.size

    def velocity(self, v: Tensor) -> Tensor:
        """Velocities without units ``[batch, dim]`` in the system's own."""
        return v * (self.rate * self.size)


class EquationField(SystemField):
    """Known equations whose positive parameters are learnt, as their logarithms ``logs [n]``."""

    def __init__(self, dim: int, rates: Rates, parameters: Sequence[float] | Tensor) -> None:
        super().__init__(dim)
        values = torch.as_tensor(parameters, dtype=torch.get_default_dtype())
        if values.dim() != 1 or not bool((values > 0).all()):
            raise ValueError(f"parameters must be positive numbers, not {parameters}")
        self.rates = rates
        self.logs = nn.Parameter(values.log())

    @property
    def parameters_now(self) -> Tensor:
        """The parameters ``[n]``."""
        return self.logs.exp()

    def forward(self, t: Time, y: Tensor) -> Tensor:
        return torch.stack(tuple(self.rates(y.unbind(-1), self.parameters_now.unbind())), -1)


class UniversalField(SystemField):
    """Known terms plus a net for what is missing (Rackauckas et al., *Universal differential equations*, 2020).

    ``rates`` are the known terms, under fixed ``parameters``; the net gives the missing terms of ``channels``.
    """

    def __init__(
        self,
        dim: int,
        rates: Rates,
        parameters: Sequence[float],
        channels: Sequence[int],
        hidden: Sequence[int],
        activation: str = "tanh",
        units: Units | None = None,
    ) -> None:
        super().__init__(dim)
        self.rates, self.fixed, self.channels = rates, tuple(parameters), tuple(channels)
        self.units = units or Units((0.0,) * dim, (1.0,) * dim)
        self.net = Perceptron(dim, hidden, len(self.channels), activation)

    def missing(self, y: Tensor) -> Tensor:
        """What the net adds to the known terms ``[batch, dim]``."""
        added = [torch.zeros_like(y[..., 0])] * self.dim
        for channel, value in zip(self.channels, self.net(self.units.pure(y)).unbind(-1), strict=True):
            added[channel] = value
        return self.units.velocity(torch.stack(added, -1))

    def forward(self, t: Time, y: Tensor) -> Tensor:
        return torch.stack(tuple(self.rates(y.unbind(-1), self.fixed)), -1) + self.missing(y)


class SecondOrderField(SystemField):
    """x'' = net(x, x'), as the state [x, x'] (Norcliffe et al., *On second order behaviour in neural ODEs*, 2020)."""

    def __init__(self, dim: int, hidden: Sequence[int], activation: str = "tanh") -> None:
        super().__init__(_even(dim))
        self.net = Perceptron(dim, hidden, dim // 2, activation)

    def forward(self, t: Time, y: Tensor) -> Tensor:
        return torch.cat([y[..., self.dim // 2 :], self.net(y)], -1)


class HamiltonianField(SystemField):
    """q' = dH/dp, p' = -dH/dq of a scalar net H(q, p) (Greydanus et al., *Hamiltonian neural networks*, 2019).

    Its exact flow keeps H and the volume of phase space, whatever the weights.
    """

    def __init__(self, dim: int, hidden: Sequence[int], activation: str = "tanh") -> None:
        super().__init__(_even(dim))
        if activation == "relu":
            raise ValueError("activation must be smooth for a Hamiltonian, not 'relu': its gradient jumps")
        self.net = Perceptron(dim, hidden, 1, activation)

    def energy(self, y: Tensor) -> Tensor:
        """H ``[batch]``, up to a constant."""
        value: Tensor = self.net(y)[..., 0]
        return value

    def forward(self, t: Time, y: Tensor) -> Tensor:
        by_position, by_momentum = self.net.gradient(y).chunk(2, -1)
        return torch.cat([by_momentum, -by_position], -1)


class ScaledField(SystemField):
    """A multilayer perceptron on states in units of their own."""

    def __init__(self, units: Units, hidden: Sequence[int], activation: str = "tanh") -> None:
        super().__init__(len(units.centre))
        self.units = units
        self.net = MLPField(self.dim, hidden, activation=activation, time="none")

    def forward(self, t: Time, y: Tensor) -> Tensor:
        return self.units.velocity(self.net(t, self.units.pure(y)))


def _even(dim: int) -> int:
    if dim < 2 or dim % 2:
        raise ValueError(f"dim must be even, a position's numbers and as many velocities', not {dim}")
    return dim
