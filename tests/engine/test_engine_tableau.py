"""Every tableau satisfies its order conditions: exactly, where it is given in fractions."""

import dataclasses
from fractions import Fraction

import pytest

from odeviz.engine import METHODS
from odeviz.engine.interpolant import dense_weights
from odeviz.engine.tableau import DOPRI5

# Rooted trees up to order 5 as nested tuples (a tree is the tuple of its root's subtrees).
LEAF = ()
TREES = {
    1: [LEAF],
    2: [(LEAF,)],
    3: [(LEAF, LEAF), ((LEAF,),)],
    4: [(LEAF, LEAF, LEAF), (LEAF, (LEAF,)), ((LEAF, LEAF),), (((LEAF,),),)],
    5: [
        (LEAF, LEAF, LEAF, LEAF),
        (LEAF, LEAF, (LEAF,)),
        ((LEAF,), (LEAF,)),
        (LEAF, (LEAF, LEAF)),
        (LEAF, ((LEAF,),)),
        ((LEAF, LEAF, LEAF),),
        ((LEAF, (LEAF,)),),
        (((LEAF, LEAF),),),
        ((((LEAF,),),),),
    ],
}


def size(tree):
    return 1 + sum(size(child) for child in tree)


def density(tree):
    result = size(tree)
    for child in tree:
        result *= density(child)
    return result


def stage_values(tree, a):
    """The elementary weight of each stage (Hairer, Norsett, Wanner, II.2)."""
    values = [Fraction(1)] * len(a)
    for child in tree:
        inner = stage_values(child, a)
        values = [
            value * sum((x * y for x, y in zip(row, inner, strict=False)), 0)
            for value, row in zip(values, a, strict=True)
        ]
    return values


def residual(weights, a, tree):
    return sum(w * v for w, v in zip(weights, stage_values(tree, a), strict=True)) - Fraction(
        1, density(tree)
    )


def conditions(method, weights, order, with_end):
    a = [*method.a, method.b] if with_end else list(method.a)
    return [residual(weights, a, tree) for p in range(1, order + 1) for tree in TREES[p]]


def bound(method):
    exact = all(isinstance(x, Fraction) for x in method.b)
    return 0 if exact else 1e-12


def test_there_are_as_many_trees_as_theory_says():
    assert [len(TREES[p]) for p in TREES] == [1, 1, 2, 4, 9]


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_method_satisfies_the_conditions_of_its_order(method):
    assert max(abs(r) for r in conditions(method, method.b, method.order, with_end=False)) <= bound(method)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_method_is_not_of_a_higher_order_than_it_claims(method):
    if method.order < 5:
        higher = conditions(method, method.b, method.order + 1, with_end=False)
        assert max(abs(r) for r in higher) > 1e-3


@pytest.mark.parametrize(
    "method",
    [m for m in METHODS.values() if m.adaptive],
    ids=[m.name for m in METHODS.values() if m.adaptive],
)
def test_the_embedded_method_has_its_order_and_no_more(method):
    embedded = [b - e for b, e in zip((*method.b, 0), method.error, strict=True)]
    right = conditions(method, embedded, method.error_order, with_end=True)
    assert max(abs(r) for r in right) <= max(bound(method), 0)
    too_high = conditions(method, embedded, method.error_order + 1, with_end=True)
    assert max(abs(r) for r in too_high) > 1e-5


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_dense_output_begins_at_nothing_and_ends_in_the_step(method):
    assert dense_weights(method, [0.0])[0] == [0.0] * (method.core + 1)
    assert dense_weights(method, [1.0])[0] == pytest.approx([*map(float, method.b), 0.0], abs=1e-12)


def test_dopri5_is_given_in_exact_fractions():
    assert all(isinstance(x, Fraction) for x in (*DOPRI5.b, *DOPRI5.c, *DOPRI5.error))


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
