"""Rooted trees and what a Runge-Kutta method makes of them: Hairer, Norsett, Wanner, Solving ODEs I, II.2.

A tree is the sorted tuple of its root's subtrees, so that equal trees are equal tuples; the empty tuple is a leaf.
"""

from fractions import Fraction
from functools import cache


@cache
def trees(order):
    """All rooted trees with ``order`` nodes."""
    return tuple(sorted(set(_forests(order - 1, order - 1))))


@cache
def _forests(nodes, largest):
    """All multisets of trees with ``nodes`` nodes together and none of more than ``largest``."""
    if nodes == 0:
        return ((),)
    return tuple(
        tuple(sorted((tree, *rest)))
        for size in range(1, min(nodes, largest) + 1)
        for tree in trees(size)
        for rest in _forests(nodes - size, size)
    )


@cache
def size(tree):
    """The number of nodes."""
    return 1 + sum(size(child) for child in tree)


@cache
def density(tree):
    """gamma(tree): the product of the sizes of the subtrees of all nodes."""
    result = size(tree)
    for child in tree:
        result *= density(child)
    return result


def stage_weights(a, order):
    """Phi_i(tree) for each tree up to ``order``: a list with one entry a row of ``a``.

    Rows may be shorter than ``a`` is high: what is left out is zero.
    """
    weights = {}
    for tree in (tree for p in range(1, order + 1) for tree in trees(p)):
        values = [Fraction(1)] * len(a)
        for child in tree:
            inner = weights[child]
            values = [value * dot(row, inner) for value, row in zip(values, a, strict=True)]
        weights[tree] = values
    return weights


def dot(x, y):
    """Sum of products, as exact as its terms; the longer one's tail does not count."""
    return sum((p * q for p, q in zip(x, y, strict=False) if p != 0), Fraction(0))


def defects(b, a, order):
    """``sum_i b_i Phi_i - 1 / gamma`` for every tree of one order."""
    weights = stage_weights(a, order)
    return [dot(b, weights[tree]) - Fraction(1, density(tree)) for tree in trees(order)]


def dense_defects(dense, a, order):
    """Coefficients of ``sum_i b_i(theta) Phi_i - theta^order / gamma`` for every tree of one order.

    ``dense[i]`` holds the coefficients of b_i(theta), from theta^1 on.
    """
    weights = stage_weights(a, order)
    degree = len(dense[0])
    wanted = [Fraction(m == order) for m in range(1, max(degree, order) + 1)]
    columns = [*zip(*dense, strict=True), *[()] * (len(wanted) - degree)]
    return [
        dot(column, weights[tree]) - power / density(tree)
        for tree in trees(order)
        for column, power in zip(columns, wanted, strict=True)
    ]
