"""The derivative of the flow map on a grid over the plane, in either direction of time."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from odeviz.analysis.diagnostics.subject import Ground, Subject, subject_of
from odeviz.models import SolverOptions
from odeviz.tasks.scene import Scene

#: Distance of near neighbours as a share of the plane's height: in float64, with steps they share, neither the
#: curvature of the flow map nor rounding shows in their difference.
_APART = 1e-5
CELLS = 40
#: Steps that neighbours share are as good for their difference as tight ones.
_SHARED = SolverOptions(method="dopri5", rtol=1e-6, atol=1e-6, max_steps=300)
#: States of more dimensions have neighbours in the plane only.
ALL_DIRECTIONS = 3


@dataclass(frozen=True, slots=True)
class FlowMap:
    """States carried from one time to another, and how much neighbours part on the way."""

    ground: Ground
    end: Tensor  # [cells, dim]
    #: Singular values of the flow map's derivative, the largest first: of the whole one, or restricted to the plane.
    stretch: Tensor  # [cells, directions]
    whole: bool


def flow_map(scene: Scene, backward: bool = False, *, coarse: bool = False) -> FlowMap:
    """From t = 0 to t1, or back; of every model once. NaN where the solve did not arrive.

    Neighbours are infinitesimally near or, with ``coarse``, a cell apart: then no ridge slips between the cells of a
    map, as it is done for Lyapunov exponents.
    """
    made: FlowMap = scene.remember(
        f"flow map {backward} {coarse}", lambda: _flow_map(scene, backward, 0.5 / CELLS if coarse else _APART)
    )
    return made


def _flow_map(scene: Scene, backward: bool, share: float) -> FlowMap:
    subject = subject_of(scene)
    ground = Ground.of(subject, CELLS)
    directions = _directions(subject)
    apart = share * (subject.extent.y1 - subject.extent.y0)
    shifts = torch.cat([torch.zeros_like(directions[:1]), apart * directions, -apart * directions])
    states = (ground.states[None] + shifts[:, None]).reshape(-1, subject.dim)
    times = (subject.t1, 0.0) if backward else (0.0, subject.t1)
    solution = subject.solve(scene, subject.exact, states, times, _SHARED)
    moved = solution.y1.reshape(len(shifts), -1, subject.dim)
    ahead, behind = moved[1:].chunk(2)
    derivative = ((ahead - behind) / (2.0 * apart)).permute(1, 2, 0)
    stretch = torch.linalg.svdvals(derivative.nan_to_num())
    if not solution.ok:
        stretch = torch.full_like(stretch, torch.nan)
    return FlowMap(ground, moved[0], stretch, len(directions) == subject.dim)


def _directions(subject: Subject) -> Tensor:
    """Unit vectors ``[directions, dim]`` of all dimensions, or of the plane."""
    if subject.dim <= ALL_DIRECTIONS:
        return torch.eye(subject.dim, dtype=torch.float64)
    origin, x, y = subject.plane.states(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]).double())
    across = torch.stack([x - origin, y - origin])
    basis: Tensor = torch.linalg.qr(across.T).Q
    return basis.T
