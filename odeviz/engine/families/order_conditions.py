"""Butcher's order conditions, one for each rooted tree: whether the coefficients of a method are of the order it says.

A method with stages k_i = f(t + c_i h, y + h sum_j a_ij k_j) and the weights w(theta) is of order p at every fraction
theta of the step if, for every rooted tree of r <= p nodes, sum_i w_i(theta) Phi_i(tree) = theta^r / gamma(tree)
(Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, II.2 and, for dense output, II.6).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TypeAlias

#: A rooted tree by its root's branches.
Tree: TypeAlias = "tuple[Tree, ...]"

#: Conditions are looked at up to this order: 17 trees; order 8 would have 200.
HIGHEST = 5
#: Of the sum of the terms' magnitudes: what rounding the coefficients to 16 digits may leave.
ROUNDING = 1e-11


@lru_cache(maxsize=16)
def trees(nodes: int) -> tuple[Tree, ...]:
    """All rooted trees of so many nodes."""
    return tuple(_forests(nodes - 1, nodes - 1))


def _forests(nodes: int, largest: int, below: int | None = None) -> Iterator[tuple[Tree, ...]]:
    """Multisets of trees with so many nodes in all, none larger than ``largest`` or, of that size, after ``below``."""
    if nodes == 0:
        yield ()
    for size in range(min(nodes, largest), 0, -1):
        kinds = trees(size)
        last = len(kinds) if size < largest or below is None else below + 1
        for kind in range(last):
            for rest in _forests(nodes - size, size, kind):
                yield (kinds[kind], *rest)


@lru_cache(maxsize=64)
def density(tree: Tree) -> tuple[int, int]:
    """The number of nodes, and gamma."""
    nodes, gamma = 1, 1
    for branch in tree:
        n, g = density(branch)
        nodes, gamma = nodes + n, gamma * g
    return nodes, nodes * gamma


class Stages:
    """The stages of a method, by their rows of ``a``, each as long as there are stages it takes."""

    def __init__(self, a: Sequence[Sequence[float]]) -> None:
        self._a = a
        self._known: dict[Tree, list[float]] = {(): [1.0] * len(a)}

    def elementary(self, tree: Tree) -> list[float]:
        """Phi(tree) of every stage."""
        if tree not in self._known:
            value = [1.0] * len(self._a)
            for branch in tree:
                inner = self.elementary(branch)
                value = [
                    x * sum(w * v for w, v in zip(row, inner, strict=False))
                    for x, row in zip(value, self._a, strict=True)
                ]
            self._known[tree] = value
        return self._known[tree]

    def order(self, weights: Sequence[Sequence[float]], most: int = HIGHEST) -> int:
        """The order, up to ``most``, of the weights ``[stage][m]`` of theta^(m + 1)."""
        for order in range(1, most + 1):
            if not all(self._meets(tree, weights) for tree in trees(order)):
                return order - 1
        return most

    def end_order(self, weights: Sequence[float], most: int = HIGHEST) -> int:
        """The order, up to ``most``, of weights at the end of the step."""
        for order in range(1, most + 1):
            for tree in trees(order):
                terms = [w * v for w, v in zip(weights, self.elementary(tree), strict=False)]
                if abs(sum(terms) - 1 / density(tree)[1]) > ROUNDING * (1 + sum(map(abs, terms))):
                    return order - 1
        return most

    def _meets(self, tree: Tree, weights: Sequence[Sequence[float]]) -> bool:
        nodes, gamma = density(tree)
        phi = self.elementary(tree)
        for power in range(1, max(max(map(len, weights)), nodes) + 1):
            terms = [row[power - 1] * v for row, v in zip(weights, phi, strict=True) if power <= len(row)]
            wanted = 1 / gamma if power == nodes else 0.0
            if abs(sum(terms) - wanted) > ROUNDING * (1 + sum(map(abs, terms))):
                return False
        return True


def check_order(name: str, what: str, declared: int, found: int) -> None:
    """``ValueError`` when what is declared is more than what was found."""
    if found < min(declared, HIGHEST):
        raise ValueError(
            f"tableau {name!r}: {what} is said to be of order {declared}, but its order is {found}"
        )
