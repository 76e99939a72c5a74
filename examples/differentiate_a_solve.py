"""One gradient, several ways: exact for the steps taken, by the adjoint ODE, by automatic differentiation."""

import torch

import odeviz

torch.manual_seed(0)
field = odeviz.MLPField(2, (32, 32))
y0 = torch.randn(64, 2)

for adjoint in ("discrete", "interpolating", "backsolve", "backprop"):
    field.zero_grad()
    solution = odeviz.solve(field, y0, [0.0, 1.0], rtol=1e-5, atol=1e-5, adjoint=adjoint)
    solution.y1.pow(2).sum().backward()
    norm = torch.cat([p.grad.flatten() for p in field.parameters()]).norm()
    stats = solution.stats
    print(
        f"{adjoint:>13}: |gradient| {norm:.6f}, NFE {stats.nfe_forward} forwards and {stats.nfe_backward} backwards, "
        f"{stats.bytes_kept / 1024:.0f} KiB kept in between"
    )
