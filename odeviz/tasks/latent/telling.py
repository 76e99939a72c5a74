"""What a model says of a few held-out series, beside what is known of them. Imports torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from odeviz.models import SeriesRNN
from odeviz.models.series import Normal
from odeviz.tasks.latent.series import Floats
from odeviz.tasks.scene import Scene

#: Samples of z0 behind a band, the quantiles that bound it, and times of a curve.
_SAMPLES, _BAND, _TIMES = 40, (0.05, 0.95), 101
#: Held-out series whose band is compared with what came later, at every so many of its times.
_COVERED, _EVERY = 100, 4


@dataclass(frozen=True, slots=True)
class Told:
    """One series in the data's units; times ``[n]`` and values ``[n, channels]``, NaN where there are none."""

    label: int
    #: The flow's times of what is said; all others are the data's own.
    flow_t: Floats
    t: Floats
    said: Floats
    #: The band around what is said.
    low: Floats | None
    high: Floats | None
    seen_at: Floats
    seen: Floats
    known_at: Floats
    known: Floats

    def beyond_error(self) -> float:
        """The root of the mean square of what is said beyond the observations, against what is known."""
        later = self.known_at > self.seen_at[-1]
        errors = [
            np.interp(self.known_at[later], self.t, self.said[:, c]) - self.known[later, c]
            for c in range(self.said.shape[1])
        ]
        return float(np.sqrt(np.nanmean(np.square(errors))))


def told(scene: Scene, count: int) -> list[Told]:
    """``count`` held-out series, from the one that is chosen on."""
    learning = scene.learning
    scored = learning.series.scored
    windows = scored.observed[learning.rows_observed]
    first = min(round(scene.values.get("first", 1.0)) - 1, max(len(windows) - count, 0))
    t, said, low, high = (_by_reading_on if isinstance(scene.model, SeriesRNN) else _by_trajectories)(
        scene, slice(first, first + count)
    )
    series = []
    for row in range(len(said)):
        k = first + row
        rows, inside, beyond = windows.rows[k], scored.inside.rows[k], scored.beyond.rows[k]
        begin = float(scored.begins[k])
        known_at = np.concatenate([scored.inside.t[k, :inside], scored.beyond.t[k, :beyond]])
        known = [scored.inside.y[k, :inside], scored.beyond.y[k, :beyond]]
        series.append(
            Told(
                label=int(scored.labels[k]),
                flow_t=t[row],
                t=learning.own_time(t[row], begin),
                said=said[row],
                low=None if low is None else low[row],
                high=None if high is None else high[row],
                seen_at=learning.own_time(windows.t[k, :rows], begin),
                seen=learning.in_data(windows.y[k, :rows]),
                known_at=learning.own_time(known_at, begin),
                known=learning.in_data(np.concatenate(known)),
            )
        )
    return series


def _by_trajectories(scene: Scene, which: slice) -> tuple[Floats, Floats, Floats, Floats]:
    """Decoded from the mean of q(z0), with quantiles over samples of it."""
    learning, model = scene.learning, scene.model
    belief = model.encode(learning.held_out()[which])
    t = np.tile(np.linspace(0.0, model.t1, _TIMES), (len(belief.mean), 1))
    said = learning.decoded(model, belief.mean, t, scene.solver)
    scene.check()
    low, high = _band(scene, belief, t)
    return t, learning.in_data(_array(said)), learning.in_data(low), learning.in_data(high)


def _band(scene: Scene, belief: Normal, t: Floats) -> tuple[Floats, Floats]:
    """Quantiles at times ``t [n, len]`` of what samples of z0 decode to, in the model's unit ``[n, len, channels]``."""
    n, dim = belief.mean.shape
    chance = torch.Generator().manual_seed(0)
    noise = torch.randn(_SAMPLES, n, dim, generator=chance, dtype=torch.float64)
    samples = belief.sample(noise.to(belief.mean)).flatten(0, 1)
    values = scene.learning.decoded(scene.model, samples, np.tile(t, (_SAMPLES, 1)), scene.solver)
    low, high = np.nanquantile(_array(values.unflatten(0, (_SAMPLES, n))), _BAND, axis=0)
    return low, high


def coverage(scene: Scene) -> tuple[float, int]:
    """The share of what is known beyond the observations that the band holds, and of how many series."""
    learning, beyond = scene.learning, scene.learning.series.scored.beyond
    count = min(_COVERED, len(beyond))

    def found() -> float:
        belief = scene.model.encode(learning.held_out()[:count])
        low, high = _band(scene, belief, beyond.t[:count, ::_EVERY])
        known = beyond.y[:count, ::_EVERY]
        held = (low <= known) & (known <= high)
        return float(held[np.isfinite(known)].mean())

    share: float = scene.remember("coverage of the band", found)
    return share, count


def _by_reading_on(scene: Scene, which: slice) -> tuple[Floats, Floats, None, None]:
    """Each observation from those before it, and then what the net says to its own predictions."""
    learning, model = scene.learning, scene.model
    observed = learning.held_out()[which]
    times = learning.series.scored.beyond.t[which]
    inside, beyond = model.predict_next(observed), learning.predicted(model, observed, times)
    there = torch.arange(1, observed.t.shape[1]) < observed.rows.cpu()[:, None]
    inside = np.where(there[:, :, None], _array(inside), np.nan)
    t = np.concatenate([_array(observed.t[:, 1:]), times], axis=1)
    return t, learning.in_data(np.concatenate([inside, _array(beyond)], axis=1)), None, None


def _array(values: Tensor) -> Floats:
    array: Floats = values.detach().cpu().double().numpy()
    return array
