"""A tableau is checked when it is built."""

import dataclasses
from fractions import Fraction

import pytest

from odeviz.engine.families.tableau import DOPRI5


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"b": (*DOPRI5.b[:-1], Fraction(1))}, "b sums"),
        ({"c": (*DOPRI5.c[:-1], Fraction(1, 2))}, "row 5 of a"),
        ({"error": (*DOPRI5.error[:-1], Fraction(1))}, "error sums"),
        ({"dense": (*DOPRI5.dense[:-1], (Fraction(1),) * 4)}, "row 6 of dense"),
        ({"b": DOPRI5.b[:-1]}, "do not fit"),
    ],
)
def test_an_inconsistent_tableau_cannot_be_built(change, named):
    with pytest.raises(ValueError, match=f"dopri5.*{named}"):
        dataclasses.replace(DOPRI5, **change)
