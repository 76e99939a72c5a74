"""A person's own data, as named arrays: what each kind holds, and whether it can be learnt from. No torch, no Qt.

======== =====================================================================================================
kind     arrays
======== =====================================================================================================
points   ``points`` float32 ``[n, 2]``; ``labels`` int64 ``[n]``, -1 where there are none
series   ``t`` float64 ``[rows]``, increasing within a series; ``y`` float64 ``[rows, channels]``, NaN where a value
         is missing; ``series`` int64 ``[rows]``, the number of the series a row belongs to, from 0 without a gap
times    ``t`` float64 ``[events]``, increasing within a series; ``series`` int64 ``[events]`` as above
======== =====================================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odeviz.tasks.numerals import figure, thousands

if TYPE_CHECKING:
    from odeviz.tasks.experiment import Experiment

#: The data set's name in an experiment.
OWN = "own"
#: The fewest points, rows or events that anything can be learnt from.
FEWEST = 16
#: Robust scales from the median beyond which a point is an outlier that hides the others.
FAR = 20.0
#: Points whose correlation matrix has a smaller eigenvalue than this lie on a line.
_FLAT = 1e-8

#: The arrays of each kind: their type and dimensions.
ARRAYS: dict[str, dict[str, tuple[type[Any], int]]] = {
    "points": {"points": (np.float32, 2), "labels": (np.int64, 1)},
    "series": {"t": (np.float64, 1), "y": (np.float64, 2), "series": (np.int64, 1)},
    "times": {"t": (np.float64, 1), "series": (np.int64, 1)},
}


def check_own(kind: str, experiment: Experiment, data: Mapping[str, NDArray[Any]]) -> None:
    """``ValueError`` unless ``data`` is of this kind where the experiment learns from it, and empty elsewhere.

    ``kind`` is "" for a task that takes none.
    """
    if experiment.data.name != OWN:
        if data:
            raise ValueError(
                f"data.name must be {OWN} to learn from given data, not {experiment.data.name!r}"
            )
        return
    if not data:
        raise ValueError(f"data.name {OWN} needs {kind} to learn from, and none are given")
    _check_arrays(ARRAYS[kind], data)
    {"points": _check_points, "series": _check_series, "times": _check_times}[kind](data)


def _check_arrays(wanted: Mapping[str, tuple[type[Any], int]], data: Mapping[str, NDArray[Any]]) -> None:
    if set(data) != set(wanted):
        raise ValueError(f"own data must hold {', '.join(wanted)}, not {', '.join(sorted(data))}")
    rows = len(next(iter(data.values()))) if next(iter(data.values())).ndim else 0
    for name, (dtype, dims) in wanted.items():
        array = data[name]
        if array.dtype != dtype or array.ndim != dims or len(array) != rows:
            raise ValueError(
                f"own data's {name} must be {np.dtype(dtype)} with {dims} dimension{'s' * (dims > 1)} and as many "
                f"rows as the others, not {array.dtype} of shape {list(array.shape)}"
            )
        if name != "y" and not np.isfinite(array).all():
            raise ValueError(f"own data's {name} must be finite")
    if rows < FEWEST:
        raise ValueError(f"own data must have at least {FEWEST} rows, not {rows}")


def _check_points(data: Mapping[str, NDArray[Any]]) -> None:
    points = data["points"]
    if points.shape[1] != 2:
        raise ValueError(f"own points must have 2 columns, not {points.shape[1]}")
    if not (np.ptp(points, axis=0) > 0).any():
        raise ValueError("own points are all the same point, from which nothing can be learnt")


def classes_of(labels: NDArray[Any]) -> NDArray[np.int64]:
    """The classes among labels ``[n]``, in order; those without a label, -1, are of none."""
    found: NDArray[np.int64] = np.unique(labels[labels >= 0])
    return found


def check_classes(labels: NDArray[Any], wanted: int) -> None:
    """``ValueError`` unless every point has a label, of ``wanted`` classes, each with points to learn and to test."""
    found = classes_of(labels)
    if not len(found):
        raise ValueError("own points have no labels, and a classifier needs them: columns x, y and label")
    if (labels < 0).any():
        raise ValueError(
            f"own points must all have a label, and {thousands(int((labels < 0).sum()))} have none"
        )
    if len(found) != wanted:
        raise ValueError(f"own points must be of {wanted} classes, not {len(found)}")
    fewest = min(int((labels == each).sum()) for each in found)
    if fewest < FEWEST // 2:
        raise ValueError(f"each class of own points must have at least {FEWEST // 2} points, not {fewest}")


def check_spread(points: NDArray[Any]) -> None:
    """``ValueError`` where points ``[n, 2]`` lie on one line."""
    precise = points.astype(np.float64)
    if precise.std(0).min() <= 0 or np.linalg.eigvalsh(np.corrcoef(precise.T)).min() < _FLAT:
        raise ValueError("own points must not lie on one line, where they have no density in the plane")


def robust_box(points: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Median and robust scale of each axis ``[2]``, and which points ``[n]`` lie far out.

    The scale is the median distance from the median, as a standard deviation (1.4826 times it); the range between
    the 5 % and 95 % quantiles where more than half of the points share one value.
    """
    precise = points.astype(np.float64)
    middle = np.nanmedian(precise, axis=0)
    scale = 1.4826 * np.nanmedian(np.abs(precise - middle), axis=0)
    scale = np.where(scale > 0, scale, np.ptp(np.nanquantile(precise, (0.05, 0.95), axis=0), axis=0))
    far = np.any((scale > 0) & (np.abs(precise - middle) > FAR * scale), axis=1)
    return middle, scale, np.asarray(far, dtype=np.bool_)


def outliers_told(points: NDArray[Any], what: str = "points") -> str:
    """A sentence about points that lie so far out that they blow up the others' units; "" without any.

    ``points`` are ``[n, dims]``, without a value where they are NaN.
    """
    points = points[:, np.isfinite(points).any(axis=0)]
    middle, scale, far = robust_box(points)
    if not far.any():
        return ""
    known = np.where(scale > 0, scale, np.inf)
    distance = float(np.nanmax(np.abs(points.astype(np.float64) - middle) / known))
    count, of = int(far.sum()), len(points)
    return (
        f"{thousands(count)} of {thousands(of)} {what} lie{'s' * (count == 1)} more than {FAR:g} robust "
        "scales from the median "
        f"(the widest {figure(distance)}), which makes the others' spread tiny, as data are scaled by their mean and "
        f"standard deviation: leave such {what} out of the file"
    )


def _check_series(data: Mapping[str, NDArray[Any]]) -> None:
    y = data["y"]
    if not 1 <= y.shape[1] <= 64:
        raise ValueError(f"own series must have 1 to 64 channels, not {y.shape[1]}")
    if np.isinf(y).any() or not np.isfinite(y).any(axis=0).all():
        raise ValueError("own series must have a finite value in each channel, and no infinite one")
    if not (np.nanmax(y, axis=0) > np.nanmin(y, axis=0)).any():
        raise ValueError("own series are all of one value, from which nothing can be learnt")
    _check_times(data)


def _check_times(data: Mapping[str, NDArray[Any]]) -> None:
    t, series = data["t"], data["series"]
    steps = np.diff(series)
    if series[0] != 0 or ((steps != 0) & (steps != 1)).any():
        raise ValueError("own series must be numbered 0, 1, 2, ... in the order of their rows")
    if (np.diff(t)[steps == 0] <= 0).any():
        raise ValueError("own data's t must increase within each series")
