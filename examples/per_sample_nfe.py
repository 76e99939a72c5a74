"""Every sample takes its own steps: where in the plane is a field expensive? With --out FILE, as a picture."""

import argparse

import torch

import odeviz

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--out", metavar="FILE", help="write the map as a PNG, PDF or SVG file")
arguments = parser.parse_args()


def van_der_pol(t, y):  # t is [n, 1] here, a time for each sample; this field does not need it
    x, v = y.unbind(1)
    return torch.stack([v, 4 * (1 - x**2) * v - x], 1)


side = 49  # states along each axis, from -4 to 4
axis = torch.arange(-24, 25) / 6
y0 = torch.cartesian_prod(axis, axis)
solution = odeviz.solve(van_der_pol, y0, [0.0, 5.0], per_sample=True, rtol=1e-6, atol=1e-6)
facts = solution.per_sample
nfe = facts.nfe.view(side, side).T  # rows from below to above

print(f"{len(y0)} samples in {solution.stats.nfe_forward} batches: {solution.status.name}")
print(f"NFE from {facts.nfe.min()} to {facts.nfe.max()}, {facts.nfe.sum()} in all")
shared = odeviz.solve(van_der_pol, y0, [0.0, 5.0], rtol=1e-6, atol=1e-6)
print(f"with shared steps every sample costs the same: {shared.stats.nfe_forward * len(y0)} in all\n")

rows = range(side - 1, -1, -8)
print("   v \\ x" + "".join(f"{axis[i]:7.1f}" for i in range(0, side, 8)))
for row in rows:
    print(f"{axis[row]:8.1f}" + "".join(f"{nfe[row, i]:7d}" for i in range(0, side, 8)))

if arguments.out:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="x", ylabel="v", title="Evaluations by initial state")
    image = axes.imshow(nfe, origin="lower", extent=(-4, 4, -4, 4), cmap="viridis")
    figure.colorbar(image, label="NFE")
    figure.savefig(arguments.out, dpi=200)
    print("\nwrote", arguments.out)
