"""Latent ODE: a time series as a trajectory that is not seen itself (Chen et al., 2018, section 5)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from odeviz.fields import MLPField
from odeviz.models.options import SolverOptions, check_end_time
from odeviz.models.series import Normal, Observations, SeriesModel, backwards, encoder_inputs, small_net

#: Gaps between observations are read in fiftieths of the end time.
_GAPS = 50.0


class LatentODE(SeriesModel):
    """z0 ~ N(0, I), dz/dt = f(z), values = decoder(z(t)) + noise; a recurrent net tells q(z0) from a series.

    ::

        model = LatentODE(channels=2, t1=2.0)
        belief = model.encode(observed)
        path = model.flow(belief.mean, (0.0, 0.5, 1.0, 2.0)).y
        values = model.decode(path)

    A gated recurrent net runs over the observations from the last to the first and reads values, which of them were
    seen, and the gap since the row before it; one more step leads to the time asked for. ``hidden`` are the units of
    the field's hidden layers, ``encoder`` those of the recurrent net, ``decoder`` those of the decoder's hidden layer.
    ``solver`` may be replaced at any time; ``last_solution`` tells what the latest solve cost and whether it succeeded:
    states that a failed solve did not reach are NaN, and nothing is raised.

    Wrong values raise ``ValueError`` naming the argument.
    """

    def __init__(
        self,
        channels: int = 2,
        latent: int = 4,
        hidden: Sequence[int] = (20, 20),
        *,
        activation: str = "elu",
        time: str = "none",
        encoder: int = 25,
        decoder: int = 20,
        t1: float = 2.0,
        solver: SolverOptions | None = None,
    ) -> None:
        super().__init__(solver or SolverOptions(rtol=1e-3, atol=1e-3))
        check_end_time(t1)
        for name, value in (("channels", channels), ("encoder", encoder), ("decoder", decoder)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        self.channels = channels
        self.field = MLPField(latent, tuple(hidden), activation=activation, time=time)
        self.encoder = nn.GRU(2 * channels + 1, encoder, batch_first=True)
        self.head = nn.Linear(encoder, 2 * latent)
        self.decoder = small_net(latent, decoder, channels)
        self._t1 = float(t1)

    @property
    def t1(self) -> float:
        """The end time of the flow, which starts at 0."""
        return self._t1

    def encode(self, observed: Observations) -> Normal:
        """q(z0): the belief about the state at t = 0."""
        last = observed.rows - 1
        return self._belief(observed.at_row(self._read(observed), last), observed.t[:, 0])

    def encode_twice(self, observed: Observations, row: Tensor) -> tuple[Normal, Normal]:
        """q(z0), and the belief about the state at the time of row ``row [n]`` from that row and later ones alone."""
        read, last = self._read(observed), observed.rows - 1
        hidden = torch.cat([observed.at_row(read, last), observed.at_row(read, last - row)])
        first = observed.t[:, 0]
        both = self._belief(hidden, torch.cat([first, torch.zeros_like(first)]))
        n = len(observed)
        return Normal(both.mean[:n], both.log_var[:n]), Normal(both.mean[n:], both.log_var[n:])

    def _read(self, observed: Observations) -> Tensor:
        """The recurrent net's states ``[n, rows, encoder]`` after each row, the last row first."""
        gaps = torch.diff(observed.t, dim=1, append=observed.t[:, -1:])
        inputs = encoder_inputs(observed, gaps, self.t1 / _GAPS)
        states: Tensor = self.encoder(backwards(inputs, observed.rows))[0]
        return states

    def _belief(self, hidden: Tensor, gap: Tensor) -> Normal:
        """After one more step of the recurrent net, over ``gap [n]`` and with nothing seen."""
        nothing = hidden.new_zeros(len(hidden), 1, 2 * self.channels + 1)
        nothing[:, 0, -1] = gap * (_GAPS / self.t1)
        there: Tensor = self.encoder(nothing, hidden[None].contiguous())[0]
        mean, log_var = self.head(there[:, 0]).chunk(2, dim=1)
        return Normal(mean, log_var)

    def state_of(self, observed: Observations) -> Tensor:
        return self.encode(observed).mean

    def decode(self, states: Tensor) -> Tensor:
        values: Tensor = self.decoder(states)
        return values
