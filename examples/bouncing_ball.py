"""An event that changes the state: a ball bounces, and its impacts know how they depend on where it was dropped."""

import torch

import odeviz

GRAVITY = 9.81
restitution = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)


def falling(t, y):
    return torch.stack([y[:, 1], torch.full_like(y[:, 1], -GRAVITY)], 1)


impact = odeviz.Event(
    lambda t, y: y[:, 0],  # the height becomes zero ...
    direction=-1,  # ... on the way down
    jump=lambda t, y: torch.stack([torch.zeros_like(y[:, 0]), -restitution * y[:, 1]], 1),
)

dropped = torch.tensor([[10.0, 0.0]], dtype=torch.float64, requires_grad=True)  # height in m, velocity in m/s
solution = odeviz.solve(falling, dropped, [0.0, 6.0], events=[impact], params=[restitution])

times = solution.events[0].t
print("impacts after", ", ".join(f"{t:.4f} s" for t in times.tolist()))
last = times[-1]
d_height, d_restitution = torch.autograd.grad(last, (dropped, restitution))
print(f"the last one is {d_height[0, 0]:.4f} s later for each metre of height,")
print(f"and {d_restitution:.3f} s later for each unit of restitution")
