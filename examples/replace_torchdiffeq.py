"""A script for torchdiffeq as it stands, but for its import: learn a spiral from states at irregular times."""

import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--iterations", type=int, default=90)
parser.add_argument("--peer", action="store_true", help="run with torchdiffeq itself")
args = parser.parse_args()

if args.peer:
    from torchdiffeq import odeint_adjoint as odeint
else:
    from odeviz import odeint_adjoint as odeint

torch.manual_seed(0)
A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
start = torch.tensor([[2.0, 0.0]])
times = torch.cat([torch.zeros(1), torch.sort(8 * torch.rand(199)).values])


class Spiral(nn.Module):
    """dy/dt = y^3 A."""

    def forward(self, t, y):
        return y**3 @ A


class Network(nn.Module):
    """dy/dt by a network of y^3."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 50), nn.Tanh(), nn.Linear(50, 2))
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.1)
                nn.init.zeros_(layer.bias)

    def forward(self, t, y):
        return self.layers(y**3)


def batch(truth, length=10, size=20):
    """Pieces of the trajectory that begin anywhere: their starts, common times and states."""
    first = torch.randint(len(times) - length, (size,))
    # One solve serves a batch of pieces that share their times, so all have those of the first.
    pieces = times[first[0] : first[0] + length]
    starts = truth[first]
    with torch.no_grad():
        targets = odeint(Spiral(), starts, pieces - pieces[0])
    return starts, pieces - pieces[0], targets


with torch.no_grad():
    truth = odeint(Spiral(), start, times, method="dopri5")

network = Network()
optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
losses = []
for iteration in range(1, args.iterations + 1):
    starts, t, targets = batch(truth)
    optimizer.zero_grad()
    states = odeint(network, starts, t, rtol=1e-4, atol=1e-5)
    loss = (states - targets).abs().mean()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    if iteration % 30 == 0:
        print(f"iteration {iteration:4d}: mean loss of the last 30 {sum(losses[-30:]) / 30:.4f}")
