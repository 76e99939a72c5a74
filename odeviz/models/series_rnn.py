"""A recurrent net that predicts the next observation, the latent ODE's baseline (Chen et al., 2018, section 5.1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from odeviz.engine import Solution
from odeviz.engine.integrate import CancelToken
from odeviz.fields import AutogradField
from odeviz.models.layers import layered_flow
from odeviz.models.options import SolverOptions, check_end_time, without_graph
from odeviz.models.series import Observations, SeriesModel, encoder_inputs

#: Gaps between observations are read in twenty-fifths of the end time.
_GAPS = 25.0


class FedBack(nn.Module):
    """A recurrent net that reads its own prediction at equal gaps: (its next state - h) / gap, on states h.

    One step of Euler's method of length ``gap`` is one step of the net.
    """

    def __init__(self, channels: int, units: int, gap: float, unit: float) -> None:
        super().__init__()
        self.cell = nn.GRU(2 * channels + 1, units, batch_first=True)
        self.readout = nn.Linear(units, channels)
        self.gap, self.unit = gap, unit

    def step(self, hidden: Tensor, gap: Tensor) -> Tensor:
        """The state ``[n, units]`` after reading the prediction of ``hidden``, with ``gap [n]`` to the next one."""
        predicted = self.readout(hidden)
        inputs = torch.cat([predicted, torch.ones_like(predicted), (gap / self.unit)[:, None]], dim=1)
        after: Tensor = self.cell(inputs[:, None], hidden[None].contiguous())[1][0]
        return after

    def forward(self, hidden: Tensor) -> Tensor:
        gap = hidden.new_full((len(hidden),), self.gap)
        return (self.step(hidden, gap) - hidden) / self.gap


class SeriesRNN(SeriesModel):
    """A gated recurrent net over values, which of them were seen, and the gap to the next row, which it predicts.

    Beyond the observations it reads its own predictions. That is its flow: from the state after the last observation
    over the time ``t1`` that is to be predicted, in ``steps`` steps of Euler's method, whatever solver it is given (see
    ``layers``). Training solves nothing and leaves ``last_solution`` None.

    Wrong values raise ``ValueError`` naming the argument.
    """

    def __init__(
        self,
        channels: int = 2,
        units: int = 25,
        *,
        steps: int = 30,
        t1: float = 1.0,
        solver: SolverOptions | None = None,
    ) -> None:
        super().__init__(solver or SolverOptions(method="euler", steps=max(steps, 1)))
        check_end_time(t1)
        for name, value in (("channels", channels), ("units", units), ("steps", steps)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        self.channels, self.steps = channels, steps
        self.field = AutogradField(FedBack(channels, units, t1 / steps, t1 / _GAPS), units)
        self._t1 = float(t1)

    @property
    def t1(self) -> float:
        """The end time of the flow, which starts at 0, the end of the observations."""
        return self._t1

    @property
    def net(self) -> FedBack:
        """The recurrent net."""
        net: FedBack = self.field.module  # type: ignore[assignment]
        return net

    def read(self, observed: Observations, ahead: Tensor) -> Tensor:
        """States ``[n, rows, units]`` after each row; ``ahead [n]`` is the gap from the last one to what comes next."""
        gaps = torch.diff(observed.t, dim=1, append=observed.t[:, -1:])
        last = torch.arange(gaps.shape[1], device=gaps.device) == observed.rows[:, None] - 1
        inputs = encoder_inputs(observed, torch.where(last, ahead[:, None], gaps), self.net.unit)
        states: Tensor = self.net.cell(inputs)[0]
        return states

    def predict_next(self, observed: Observations) -> Tensor:
        """Values ``[n, rows - 1, channels]`` of each row after the first, from those before it."""
        ahead = torch.zeros_like(observed.t[:, 0])
        return self.decode(self.read(observed, ahead)[:, :-1])

    def state_of(self, observed: Observations) -> Tensor:
        """The state after the last observation, one step's gap before what it predicts."""
        ahead = torch.full_like(observed.t[:, 0], self.net.gap)
        return observed.at_row(self.read(observed, ahead), observed.rows - 1)

    def extrapolate(self, observed: Observations, times: Tensor, stride: int = 1) -> Tensor:
        """Values ``[n, len, channels]`` at later times ``[n, len]``, increasing, by reading its own predictions.

        ``stride`` chains of predictions are woven into each other: the first makes the 1st, (1 + stride)th, ... time,
        the next the 2nd, and so on, so that the gaps may be as long as those the net has learnt from.
        """
        n, count = times.shape
        end = observed.at_row(observed.t, observed.rows - 1)
        values = times.new_zeros(n, count, self.channels)
        for first in range(min(stride, count)):
            chain = times[:, first::stride]
            hidden = observed.at_row(self.read(observed, chain[:, 0] - end), observed.rows - 1)
            states = [hidden]
            for gap in torch.diff(chain, dim=1).unbind(1):
                hidden = self.net.step(hidden, gap)
                states.append(hidden)
            values[:, first::stride] = self.decode(torch.stack(states, dim=1))
        return values

    def flow(
        self,
        z0: Tensor,
        t: Sequence[float],
        solver: SolverOptions | None = None,
        *,
        cancel: CancelToken | None = None,
        dense: bool = False,
    ) -> Solution:
        """Carry states ``z0 [batch, units]`` through the steps between ``t[0]`` and ``t[-1]``."""
        solution = layered_flow(self.field, z0, t, self.steps, self.t1, cancel, dense)
        self.last_solution = without_graph(solution)
        return solution

    def decode(self, states: Tensor) -> Tensor:
        values: Tensor = self.net.readout(states)
        return values
