"""A classifier with a flow between the lift of its input and a linear readout."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from odeviz.engine.integrate import CancelToken
from odeviz.models.flow_model import FlowModel
from odeviz.models.options import SolverOptions, check_end_time, check_states


class Classifier(FlowModel):
    """Lift the input ``[batch, inputs]`` to a state, carry it from t = 0 to ``t1``, read class scores off linearly.

    A subclass makes ``field`` first and then calls :meth:`_read_off`, so that the first weights come in that order.
    With ``inputs`` a linear map takes that many numbers to ``dim``; without it an input is ``dim`` numbers itself.
    ``extra_dims`` zeros are appended. With ``controlled`` the state carries the mapped input along, unchanged, behind
    the dimensions that flow. Rows of a failed solve are NaN, and nothing is raised.
    """

    def __init__(self, dim: int, classes: int, *, extra_dims: int, t1: float, solver: SolverOptions) -> None:
        super().__init__(solver)
        check_end_time(t1)
        for name, value, least in (("dim", dim, 1), ("classes", classes, 1), ("extra_dims", extra_dims, 0)):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, not {value}")
        self.dim, self.classes, self.extra_dims = dim, classes, extra_dims
        self.controlled = False
        self._t1 = float(t1)

    def _read_off(self, inputs: int | None) -> None:
        self.readout = nn.Linear(self.dim + self.extra_dims, self.classes)
        self.encoder = None if inputs is None else nn.Linear(inputs, self.dim)

    @property
    def t1(self) -> float:
        """The end time of the flow, which starts at 0."""
        return self._t1

    def lift(self, x: Tensor) -> Tensor:
        """Inputs ``[batch, inputs]`` to states ``[batch, state_dim]``."""
        h = x if self.encoder is None else self.encoder(x)
        state = nn.functional.pad(h, (0, self.extra_dims)) if self.extra_dims else h
        return torch.cat([state, h], dim=1) if self.controlled else state

    def forward(self, x: Tensor) -> Tensor:
        """Class scores (logits) ``[batch, classes]`` of inputs ``[batch, inputs]``."""
        check_states("x", x, self.dim if self.encoder is None else self.encoder.in_features)
        return self.classify_from(self.lift(x), 0.0)

    def classify_from(
        self,
        state: Tensor,
        t: float,
        solver: SolverOptions | None = None,
        *,
        cancel: CancelToken | None = None,
    ) -> Tensor:
        """Class scores ``[batch, classes]`` of states ``[batch, state_dim]`` at ``t``, carried on to t1."""
        if t < self.t1:
            state = self.flow(state, (t, self.t1), solver, cancel=cancel).y1
        return self.scores(state)

    def scores(self, state: Tensor) -> Tensor:
        """Class scores ``[batch, classes]`` of states ``[batch, state_dim]`` at t1."""
        logits: Tensor = self.readout(state[:, : self.dim + self.extra_dims])
        return logits

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """Class indices ``[batch]`` of inputs ``[batch, inputs]``."""
        labels: Tensor = self(x).argmax(dim=1)
        return labels
