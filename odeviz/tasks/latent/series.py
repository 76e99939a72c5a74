"""Irregular time series as padded arrays: the spirals, and a person's own cut into windows. numpy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odeviz.tasks.datasets import Labels

Floats = NDArray[np.floating[Any]]

#: Times of a spiral on which it may be observed, and as many beyond them that are to be predicted.
INSIDE = BEYOND = 100
#: Points of a whole spiral of three turns; the first and last start of a series among them.
_POINTS, _FIRST, _LAST = 1000, 100, 900
#: What the spirals' coordinates are divided by, so that a network sees numbers of order one.
SPIRAL_SCALE = 5.0

#: A window of a person's own series with more than so many times the rows that were asked for is thinned to them.
_CROWDED = 4
#: The fewest rows of a window, and the most windows that are scored.
_FEWEST, _SCORED = 4, 400


@dataclass(frozen=True, slots=True)
class Windows:
    """Series side by side: ``t [n, rows]`` from 0 on, increasing; ``y [n, rows, channels]``, NaN where not seen.

    ``rows [n]`` are the rows of each series; what comes after them is padding: the last time again, and NaN.
    """

    t: Floats
    y: Floats
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.t)


@dataclass(frozen=True, slots=True)
class Scored:
    """Series with what is to be said about them: ``inside`` the time they are observed in, and ``beyond`` it."""

    #: By the number of observations, where there is a choice.
    observed: Mapping[int, Windows]
    inside: Windows
    beyond: Windows
    #: When each begins in the data's own time ``[n]``.
    begins: Floats
    #: 0 for clockwise, 1 for counter-clockwise, -1 where there are no classes.
    labels: Labels


@dataclass(frozen=True, slots=True)
class SeriesData:
    """What is learnt from and scored, in the model's time and units: data = ``centre + scale`` * the model's."""

    training: Windows
    scored: Scored
    centre: Floats
    scale: Floats
    #: The data's unit of time in the model's.
    tempo: float

    @property
    def common_unit(self) -> bool:
        """Whether all channels are scaled alike, so that one error in the data's own unit stands for them."""
        return bool((self.scale == self.scale[0]).all())


def spiral(label: int, points: Floats) -> Floats:
    """The clean spiral of a class at points 0 to 999 of its three turns, ``[..., 2]``.

    As in the experiment of Chen et al. (2018, section 5.1), in its authors' published form: counter-clockwise (1)
    Archimedes' spiral r = .3 angle about (5, 0); clockwise (0) r = 15 / angle about (-5, 0), the angle falling from
    6 pi + 1 to 1.
    """
    turn = 6.0 * np.pi * np.asarray(points, dtype=np.float64) / (_POINTS - 1)
    angle = turn if label else 6.0 * np.pi + 1.0 - turn
    radius, middle = (0.3 * angle, 5.0) if label else (15.0 / angle, -5.0)
    return np.stack([middle + radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


def spirals(
    n: int,
    observations: Sequence[int],
    noise: float,
    spacing: float,
    rng: np.random.Generator,
    *,
    beyond: bool,
) -> tuple[dict[int, Windows], Floats, Labels]:
    """``n`` spirals, clockwise and counter-clockwise in turn, each seen from a start of its own.

    Each is observed at random ones of 100 times that lie ``spacing`` apart from 0 on, with noise: by number of
    ``observations``, of which fewer are among more. Also the clean curves ``[n, times, 2]``, at those times or, with
    ``beyond``, at 100 more too; then no start is so late that the spiral ends before. And the classes. Scaled.
    """
    times = INSIDE + BEYOND * beyond
    labels = np.arange(n, dtype=np.int64) % 2
    starts = rng.integers(_FIRST, _LAST - BEYOND * beyond, size=n)
    points, clean = starts[:, None] + np.arange(times), np.empty((n, times, 2))
    for label in (0, 1):
        clean[labels == label] = spiral(label, points[labels == label])
    noisy = clean[:, :INSIDE] + noise * rng.standard_normal((n, INSIDE, 2))
    order = rng.permuted(np.tile(np.arange(INSIDE), (n, 1)), axis=1)
    observed = {}
    for count in observations:
        seen = np.sort(order[:, :count], axis=1)
        y = np.take_along_axis(noisy, seen[:, :, None], axis=1)
        observed[count] = Windows(seen * spacing, y / SPIRAL_SCALE, np.full(n, count))
    return observed, clean / SPIRAL_SCALE, labels


def spiral_data(
    n: int, scored: int, counts: Sequence[int], noise: float, t1: float,
    training: np.random.Generator, held_out: np.random.Generator,
) -> SeriesData:  # fmt: skip
    """``n`` spirals to learn from, seen at all 100 times, of which a batch keeps some, and others to score from each of
    the ``counts`` of observations; t1 is 200 times."""
    spacing = t1 / (INSIDE + BEYOND)
    learnt, _, _ = spirals(n, [INSIDE], noise, spacing, training, beyond=False)
    observed, clean, labels = spirals(scored, counts, noise, spacing, held_out, beyond=True)
    times = np.tile(np.arange(INSIDE + BEYOND) * spacing, (scored, 1))
    full = np.full(scored, INSIDE)
    return SeriesData(
        training=learnt[INSIDE],
        scored=Scored(
            observed,
            Windows(times[:, :INSIDE], clean[:, :INSIDE], full),
            Windows(times[:, INSIDE:], clean[:, INSIDE:], full),
            np.zeros(scored),
            labels,
        ),
        centre=np.zeros(2),
        scale=np.full(2, SPIRAL_SCALE),
        tempo=spacing * (_POINTS - 1) / (6.0 * np.pi),
    )


def own_data(data: Mapping[str, NDArray[Any]], rows: int, most: int, t1: float) -> SeriesData:
    """A person's own series (see ``own_data``), cut into windows of equal duration with about ``rows`` rows.

    A window lasts the first half of [0, t1]. The last fifth of each series' windows, and at least one, is never learnt
    from: it is what is to be predicted from the windows before. Channels are scaled to mean 0 and standard deviation
    1. Rows without a value are left out, and at most ``most`` windows are learnt from.
    """
    y = data["y"]
    kept = np.isfinite(y).any(axis=1)
    t, y, series = data["t"][kept], y[kept], data["series"][kept]
    centre, scale = np.nanmean(y, axis=0), np.nanstd(y, axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    y = (y - centre) / scale
    edges = [0, *(np.flatnonzero(np.diff(series)) + 1), len(t)]
    duration = _duration(t, edges, rows)
    windows = [
        window for a, b in pairwise(edges) for window in _cut(t[a:b], y[a:b], duration, _CROWDED * rows)
    ]
    learnt = [window for window in windows if not window.held_out]
    pairs = [(a, b) for a, b in pairwise(windows) if b.held_out and b.index == a.index + 1]
    learnt = [learnt[k] for k in _evenly(len(learnt), most)]
    pairs = [pairs[k] for k in _evenly(len(pairs), _SCORED)]
    if not learnt or not pairs:
        raise ValueError(
            f"own series must be long enough for windows of at least {_FEWEST} rows that follow each other, and none "
            f"is: the longest has {max(b - a for a, b in pairwise(edges))} rows"
        )
    tempo = 0.5 * t1 / duration
    before = _padded([a for a, _ in pairs], tempo)
    after = _padded([b for _, b in pairs], tempo, 0.5 * t1)
    begins = np.array([a.begin for a, _ in pairs])
    scored = Scored({rows: before}, before, after, begins, np.full(len(pairs), -1, dtype=np.int64))
    return SeriesData(_padded(learnt, tempo), scored, centre, scale, tempo)


@dataclass(frozen=True, slots=True)
class _Window:
    """``t`` from the window's ``begin`` on, in the data's unit; ``index`` among its series' windows."""

    t: Floats
    y: Floats
    index: int
    held_out: bool
    begin: float


def _duration(t: Floats, edges: Sequence[int], rows: int) -> float:
    """Of a window: ``rows`` rows on average, and at most half of the longest series."""
    spans = [t[b - 1] - t[a] for a, b in pairwise(edges)]
    gap = sum(spans) / max(len(t) - len(spans), 1)
    # A little more than half, so that the last row falls into the second window.
    return float(max(min(rows * gap, 0.5 * max(spans) * (1 + 1e-9)), np.finfo(float).tiny))


def _cut(t: Floats, y: Floats, duration: float, most: int) -> list[_Window]:
    """One series' windows, those of too few rows left out."""
    where = np.floor((t - t[0]) / duration).astype(np.int64)
    last = int(where[-1])
    first_held_out = last + 1 - max(1, (last + 1) // 5) if last else 1
    windows = []
    # Times increase, so that a window's rows lie side by side.
    indices, begins = np.unique(where, return_index=True)
    for index, a, b in zip(indices.tolist(), begins, [*begins[1:], len(t)], strict=True):
        if b - a >= _FEWEST:
            inside = a + _evenly(b - a, most)
            begin = float(t[0] + index * duration)
            windows.append(_Window(t[inside] - begin, y[inside], index, index >= first_held_out, begin))
    return windows


def _evenly(n: int, most: int) -> NDArray[np.int64]:
    """At most ``most`` of n, evenly chosen."""
    return (
        np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64))
        if n
        else np.zeros(0, np.int64)
    )


def _padded(windows: Sequence[_Window], tempo: float, begin: float = 0.0) -> Windows:
    rows = np.array([len(window.t) for window in windows])
    longest, channels = int(rows.max()), windows[0].y.shape[1]
    t, y = np.zeros((len(windows), longest)), np.full((len(windows), longest, channels), np.nan)
    for k, window in enumerate(windows):
        t[k] = begin + tempo * window.t[-1]
        t[k, : rows[k]] = begin + tempo * window.t
        y[k, : rows[k]] = window.y
    return Windows(t, y, rows)
