"""Solve a predator-prey model, look at the steps, and ask for the state at any time."""

import torch

import odeviz


def lotka_volterra(t, y):
    prey, predator = y.unbind(1)
    return torch.stack([1.1 * prey - 0.4 * prey * predator, 0.1 * prey * predator - 0.4 * predator], 1)


y0 = torch.tensor([[10.0, 5.0], [6.0, 6.0]], dtype=torch.float64)  # two initial states, solved together
solution = odeviz.solve(lotka_volterra, y0, [0.0, 10.0, 20.0], rtol=1e-8, atol=1e-8, dense=True)

print(solution.status.name, "after", solution.stats.nfe_forward, "evaluations")
print(solution.stats.accepted, "steps accepted,", solution.stats.rejected, "rejected")
print("state at t = 20:", solution.y1.tolist())
print("state at t = 13.37:", solution(13.37).tolist())
