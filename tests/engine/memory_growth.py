"""Run as a script: by how many bytes the process grows over a number of solves with gradients.

``python memory_growth.py ADJOINT SOLVES SOLVES`` prints a JSON object: a number for a field with a kernel and one
without, over so many solves each, and for ``discrete`` one for fifty solves of which nothing is forgotten.
"""

import gc
import json
import os
import sys
from pathlib import Path

import torch
from torch import nn

from odeviz.engine import solve
from odeviz.fields import MLPField

#: Of each mode that does not take the others' method.
OPTIONS = {"reversible": {"method": "asynchronous-leapfrog", "steps": 2}}
OTHERWISE = {"method": "bosh3", "rtol": 1e-2, "atol": 1e-2}
WARM_UP, KEPT = 50, 50


class Plain(nn.Module):
    """A field without a kernel of its own."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))

    def forward(self, t, y):
        return self.net(y)


FIELDS = {"with-kernel": lambda: MLPField(2, (16,)), "without-kernel": Plain}


def solve_and_differentiate(field, y0, adjoint):
    t = torch.tensor([0.0, 0.5], requires_grad=True)
    solution = solve(field, y0, t, adjoint=adjoint, **OPTIONS.get(adjoint, OTHERWISE))
    torch.autograd.grad(solution.y.square().sum(), (y0, t, *field.parameters()))
    return solution


def resident():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def growth(field, adjoint, solves, keep=None):
    """Bytes by which ``solves`` solves grow the process; what is appended to ``keep`` stays."""
    y0 = torch.randn(16, 2, requires_grad=True)
    for _ in range(WARM_UP):
        solve_and_differentiate(field, y0, adjoint)
    before = resident()
    for _ in range(solves):
        solution = solve_and_differentiate(field, y0, adjoint)
        if keep is not None:
            keep.append(solution)
    return resident() - before


if __name__ == "__main__":
    adjoint, *solves = sys.argv[1:]
    torch.set_num_threads(1)
    pairs = zip(FIELDS.items(), solves, strict=True)
    grown = {name: growth(make(), adjoint, int(count)) for (name, make), count in pairs}
    if adjoint == "discrete":
        grown["kept"] = growth(MLPField(2, (16,)), adjoint, KEPT, keep=[])
    print(json.dumps(grown))
