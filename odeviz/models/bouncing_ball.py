"""A ball under gravity that bounces off a floor: a flow with jumps, all of whose constants are learnt."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from odeviz.engine import METHODS, ButcherTableau, Event, Solution, solve
from odeviz.engine.integrate import CancelToken
from odeviz.fields.systems import SystemField
from odeviz.models.flow_model import FlowModel
from odeviz.models.options import SolverOptions, check_end_time, without_graph

#: Height above the floor at which a ball rests, in m: so little that nobody sees it.
_RESTING = 1e-5


class BallField(SystemField):
    """Height and velocity of falling balls ``[batch, 2]``, in m and m/s; a ball at rest on the floor stays there.

    The floor's level and the restitution belong to the impacts, but are parameters of the field too, so that a solve
    is differentiated in them.
    """

    def __init__(self, gravity: float = 10.0, restitution: float = 0.8, level: float = 0.0) -> None:
        super().__init__(2)
        if gravity <= 0:
            raise ValueError(f"gravity must be positive, not {gravity}")
        if not 0 < restitution < 1:
            raise ValueError(f"restitution must be between 0 and 1, not {restitution}")
        self.log_gravity = nn.Parameter(torch.tensor(float(gravity)).log())
        self.logit_restitution = nn.Parameter(torch.tensor(float(restitution)).logit())
        self.level = nn.Parameter(torch.tensor(float(level)))

    @property
    def gravity(self) -> Tensor:
        """Acceleration of a falling ball, in m/s²; 0-dim."""
        return self.log_gravity.exp()

    @property
    def restitution(self) -> Tensor:
        """Speed after an impact over that before it; 0-dim."""
        return self.logit_restitution.sigmoid()

    def forward(self, t: object, y: Tensor) -> Tensor:
        height, velocity = y.unbind(-1)
        resting = (velocity == 0) & (height <= self.level + 2 * _RESTING)
        return torch.stack([velocity, -self.gravity * (~resting)], -1)


class BouncingBall(FlowModel):
    """Balls ``[batch, 2]`` (height in m, velocity in m/s) from t = 0 to ``t1``, bouncing off the floor on the way.

    An impact is an event of the solve whose jump turns the velocity round, with a part of its speed; both the time
    of an impact and the state after it are differentiated (Chen, Amos and Nickel, *Learning neural event functions
    for ordinary differential equations*, 2021). A ball that would leave the floor slower than ``slowest`` stays down:
    otherwise it would bounce infinitely often in a finite time.
    """

    field: BallField

    def __init__(
        self, field: BallField, t1: float, solver: SolverOptions | None = None, slowest: float = 0.5
    ) -> None:
        super().__init__(solver or SolverOptions())
        check_end_time(t1)
        self.field, self.slowest, self._t1 = field, slowest, float(t1)

    @property
    def t1(self) -> float:
        """The end time of the flow, which starts at 0."""
        return self._t1

    def impact(self) -> Event:
        """The event of reaching the floor from above, with its jump."""
        return Event(lambda t, y: y[:, 0] - self.field.level, direction=-1, jump=self._bounce)

    def _bounce(self, t: object, y: Tensor) -> Tensor:
        after = -self.field.restitution * y[:, 1]
        leaves = (after >= self.slowest).to(y.dtype)
        return torch.stack([self.field.level + _RESTING * (1 - leaves), after * leaves], 1)

    def flow(
        self,
        z0: Tensor,
        t: Sequence[float],
        solver: SolverOptions | None = None,
        *,
        cancel: CancelToken | None = None,
        dense: bool = False,
    ) -> Solution:
        """Carry balls ``z0 [batch, 2]`` from ``t[0]`` forward through the times ``t``; impacts are its events."""
        s = solver or self.solver
        # Impacts of one ball would cut the steps of all others: each gets its own, where the method can.
        each = isinstance(METHODS[s.method], ButcherTableau) and s.adjoint in ("discrete", "backprop")
        solution = solve(
            self.field,
            z0,
            t,
            per_sample=each,
            method=s.method,
            rtol=s.rtol,
            atol=s.atol,
            steps=None if s.adaptive else s.steps,
            adjoint=s.adjoint,
            max_steps=s.max_steps,
            events=[self.impact()],
            cancel=cancel,
            dense=dense,
        )
        self.last_solution = without_graph(solution)
        return solution

    def jumped(self, event: int, t: Tensor, y: Tensor) -> Tensor:
        return self._bounce(t, y)
