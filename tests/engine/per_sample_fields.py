"""Fields that the tests of steps per sample share."""

import torch

from odeviz.engine import Event

F64 = torch.float64
GRAVITY, BOUNCE = 9.81, 0.8


def squared(t, y):
    return y * y


def falling(t, y):
    return torch.stack([y[:, 1], torch.full_like(y[:, 1], -GRAVITY)], 1)


def dropped(heights):
    return torch.stack([heights, torch.zeros_like(heights)], 1)


BOUNCY = Event(
    lambda t, y: y[:, 0],
    direction=-1,
    jump=lambda t, y: torch.stack([torch.zeros_like(y[:, 0]), -BOUNCE * y[:, 1]], 1),
)
