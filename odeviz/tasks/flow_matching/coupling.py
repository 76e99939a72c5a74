"""Which source point is joined with which point of the data. numpy, and SciPy where it is needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.floating[Any]]

#: Pairs that are assigned together: the time that takes grows with their cube.
LARGEST = 512


def coupled(source: Points, target: Points, coupling: str) -> Points:
    """``target [n, 2]`` in the order in which its points are joined with those of ``source [n, 2]``.

    Both are independent draws, so ``independent`` leaves the order as it is. ``optimal-transport`` takes the one with
    the least sum of squared distances: an exact assignment, in parts of at most 512 pairs.
    """
    if coupling == "independent":
        return target
    parts = range(0, len(source), LARGEST)
    return np.concatenate([_assigned(source[k : k + LARGEST], target[k : k + LARGEST]) for k in parts])


def _assigned(source: Points, target: Points) -> Points:
    # Imported here: it takes a quarter of a second, which the other coupling need not wait for.
    from scipy.optimize import linear_sum_assignment

    squares = np.square(source[:, None, :].astype(np.float64) - target[None, :, :]).sum(axis=2)
    joined: Points = target[linear_sum_assignment(squares)[1]]
    return joined
