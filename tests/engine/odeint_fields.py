"""Fields that the tests of odeint share."""

import torch
from torch import nn

F64 = torch.float64
GIVEN = ["euler", "midpoint", "heun2", "heun3", "rk4", "explicit_adams", "implicit_adams", "fixed_adams"]


def tensor(*values, **options):
    return torch.tensor(values, dtype=F64, **options)


def decay(t, y):
    return -y


def swing(t, y):
    """A non-autonomous field whose solution is y0 exp(sin t)."""
    return torch.cos(t) * y


class Field(nn.Module):
    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(2)
        self.A = nn.Parameter(torch.randn(3, 3, generator=generator, dtype=F64))
        self.unused = nn.Parameter(torch.zeros(2, dtype=F64))
        self.nfe = 0

    def forward(self, t, y):
        self.nfe += 1
        return torch.tanh(y @ self.A) * torch.cos(3 * t) - 0.1 * y


Y0 = torch.linspace(-1, 1, 6, dtype=F64).reshape(2, 3)
TIMES = tensor(0.0, 0.35, 0.8, 1.5)


class Pair(nn.Module):
    """A field and a quadrature beside it."""

    def __init__(self, field):
        super().__init__()
        self.field = field

    def forward(self, t, state):
        y, z = state
        return self.field(t, y), (y**2).sum() - z


class Ball(nn.Module):
    def __init__(self, speed=1.5, radius=0.2, start=0.7):
        super().__init__()
        values = {"gravity": 9.8, "height": 10.0, "speed": speed, "radius": radius, "start": start}
        for name, value in values.items():
            setattr(self, name, nn.Parameter(tensor(value)))

    def forward(self, t, state):
        _, speed = state
        return speed, -self.gravity

    def above_ground(self, t, state):
        return state[0] - self.radius


class Watched:
    """A field that callbacks can be hung on."""

    def __init__(self, field):
        self.field = field

    def __call__(self, t, y):
        return self.field(t, y)


def heard_by(field, suffix=""):
    """What the three callbacks hung on the field are called with, by name."""
    names = ("callback_step", "callback_accept_step", "callback_reject_step")
    calls = {name: [] for name in names}
    for name in names:
        setattr(field, name + suffix, lambda t0, y0, dt, name=name: calls[name].append((t0, y0, dt)))
    return calls
