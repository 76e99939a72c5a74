"""A stiff problem, Robertson's reaction: what it costs an explicit method, and a method made for it."""

import torch

import odeviz


def robertson(t, y):
    a, b, c = y.unbind(1)
    slow, fast, faster = 0.04 * a, 3e7 * b * b, 1e4 * b * c
    return torch.stack([-slow + faster, slow - faster - fast, fast], 1)


y0 = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
print("to the time      method        NFE    steps   what became of it")
for t1 in (0.4, 40.0, 4e5):
    for method in ("dopri5", "esdirk4"):
        solution = odeviz.solve(robertson, y0, [0.0, t1], method=method, rtol=1e-6, atol=1e-9, max_steps=4000)
        outcome = f"c = {solution.y1[0, 2]:.6f}" if solution.ok else solution.status.value
        print(
            f"{t1:>11g}   {method:>9}   {solution.stats.nfe_forward:>8}   {len(solution.stats.steps):>6}   {outcome}"
        )
