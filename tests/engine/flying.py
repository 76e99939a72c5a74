"""Balls, oscillators and their events, which tests share."""

import torch

G = 9.81


def ball(t, y):
    """Height and velocity under gravity."""
    return torch.stack([y[:, 1], torch.full_like(y[:, 1], -G)], 1)


def height(t, y):
    return y[:, 0]


def bounce(restitution):
    return lambda t, y: torch.stack([torch.zeros_like(y[:, 0]), -restitution * y[:, 1]], 1)


def drop(h=10.0, v=0.0):
    return torch.tensor([[h, v]], dtype=torch.float64, requires_grad=True)
