"""Fit a continuous normalizing flow to a ring of points, then draw from it."""

import torch

import odeviz

torch.manual_seed(0)


def ring(n):
    angle, radius = 2 * torch.pi * torch.rand(n), 2 + 0.1 * torch.randn(n)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1)


cnf = odeviz.CNF(dim=2, hidden=(32, 32))
optimizer = torch.optim.Adam(cnf.parameters(), lr=1e-2)
for iteration in range(201):
    loss = -cnf.log_prob(ring(256)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if iteration % 50 == 0:
        print(f"iteration {iteration:3d}: {loss.item():.3f} nats per point")

radii = cnf.sample(1000).norm(dim=1)
print(f"samples: mean radius {radii.mean():.2f}, spread {radii.std():.2f}")
