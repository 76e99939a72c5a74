"""A tableau is checked when it is built."""

import dataclasses
from fractions import Fraction

import pytest

from odeviz.engine.families.esdirk import ESDIRK4
from odeviz.engine.families.tableau import BOSH3, DOPRI5, MIDPOINT, RK4


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


@pytest.mark.parametrize(
    ("tableau", "change", "named"),
    [
        (RK4, {"order": 5}, "b is said to be of order 5, but its order is 4"),
        (DOPRI5, {"error_order": 5}, "b minus error is said to be of order 5, but its order is 4"),
        (BOSH3, {"dense_order": 4}, "dense is said to be of order 4, but its order is 3"),
        (ESDIRK4, {"order": 5}, "the step is said to be of order 5, but its order is 4"),
        (MIDPOINT, {"order": 3}, "order 3, but its order is 2"),
        # Rows and weights sum to what they must.
        (RK4, {"a": ((), (Fraction(1, 2),), (Fraction(1, 4), Fraction(1, 4)), RK4.a[3])}, "its order is 2"),
    ],
)
def test_a_tableau_of_less_than_its_order_cannot_be_built(tableau, change, named):
    with pytest.raises(ValueError, match=f"{tableau.name}.*{named}"):
        dataclasses.replace(tableau, **change)
