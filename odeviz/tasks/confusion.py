"""What is taken for what: the matrix that every classifier's view of its mistakes is. No torch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from odeviz.tasks.chart import Map, Maps, frozen
from odeviz.tasks.classes import Classes


def counted(is_: NDArray[np.integer[Any]], taken: NDArray[np.integer[Any]], classes: int) -> NDArray[Any]:
    """How many ``[classes, classes]`` of each class, in rows, are taken for each."""
    counts = np.zeros((classes, classes))
    np.add.at(counts, (is_, taken), 1.0)
    return counts


def confusion(counts: NDArray[Any], classes: Classes, of: str, note: str) -> Maps:
    """The matrix of ``counts [classes, classes]`` of things that are called ``of``, coloured by shares of its rows.

    Class 0 stands in the uppermost row, as matrices are written.
    """
    count = len(counts)
    extent = (-0.5, count - 0.5, -0.5, count - 0.5)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    one = Map(f"number of {of}", extent, frozen(shares[::-1]), counts=frozen(counts[::-1]))
    names = tuple(classes.name(k) for k in range(count))
    return Maps(
        "Confusion",
        (one,),
        columns=1,
        scale="share of row",
        axes=("taken for", "is"),
        matrix=(names[::-1], names),
        note=note,
    )
