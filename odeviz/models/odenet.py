"""ODE-Net: a classifier whose hidden layers are the flow of a vector field (Chen et al., 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from odeviz.engine.integrate import CancelToken
from odeviz.fields import MLPField
from odeviz.models.flow_model import FlowModel
from odeviz.models.options import SolverOptions, check_end_time


class ODENet(FlowModel):
    """Lift the input, carry it along a flow from t = 0 to ``t1``, read class scores off linearly.

    ::

        model = ODENet(dim=2, classes=2)
        optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
        for x, label in batches:
            loss = torch.nn.functional.cross_entropy(model(x), label)
            optimizer.zero_grad(); loss.backward(); optimizer.step()

    ``extra_dims`` zeros are appended to the input (Dupont et al., *Augmented Neural ODEs*, 2019), so that
    trajectories can pass each other. ``solver`` may be replaced at any time; ``last_solution`` tells what the
    latest solve cost and whether it succeeded: rows of a failed solve are NaN, and nothing is raised.

    Wrong values raise ``ValueError`` naming the argument.
    """

    def __init__(
        self,
        dim: int = 2,
        classes: int = 2,
        hidden: Sequence[int] = (64, 64),
        *,
        activation: str = "tanh",
        time: str = "concat",
        extra_dims: int = 0,
        t1: float = 1.0,
        solver: SolverOptions | None = None,
    ) -> None:
        super().__init__(solver or SolverOptions(rtol=1e-3, atol=1e-3))
        check_end_time(t1)
        for name, value, least in (("classes", classes, 1), ("extra_dims", extra_dims, 0)):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, not {value}")
        self.dim, self.classes, self.extra_dims = dim, classes, extra_dims
        self.field = MLPField(dim + extra_dims, tuple(hidden), activation=activation, time=time)
        self.readout = nn.Linear(dim + extra_dims, classes)
        self._t1 = float(t1)

    @property
    def t1(self) -> float:
        """The end time of the flow, which starts at 0."""
        return self._t1

    def lift(self, x: Tensor) -> Tensor:
        """Inputs ``[batch, dim]`` to states ``[batch, dim + extra_dims]``."""
        return nn.functional.pad(x, (0, self.extra_dims)) if self.extra_dims else x

    def forward(self, x: Tensor) -> Tensor:
        """Class scores (logits) ``[batch, classes]`` of inputs ``[batch, dim]``."""
        return self.classify_from(self.lift(x), 0.0)

    def classify_from(
        self,
        state: Tensor,
        t: float,
        solver: SolverOptions | None = None,
        *,
        cancel: CancelToken | None = None,
    ) -> Tensor:
        """Class scores ``[batch, classes]`` of states ``[batch, dim + extra_dims]`` at ``t``, carried on to t1."""
        if t < self.t1:
            state = self.flow(state, (t, self.t1), solver, cancel=cancel).y1
        logits: Tensor = self.readout(state)
        return logits

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """Class indices ``[batch]`` of inputs ``[batch, dim]``."""
        labels: Tensor = self(x).argmax(dim=1)
        return labels
