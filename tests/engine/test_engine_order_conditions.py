"""Every Runge-Kutta method satisfies the conditions of its order: exactly, where it is given in fractions."""

from fractions import Fraction
from itertools import count

import pytest
from rooted_trees import defects, dense_defects, density, dot, size, stage_weights, trees

from odeviz.engine import METHODS, ButcherTableau

TABLEAUS = {name: method for name, method in METHODS.items() if isinstance(method, ButcherTableau)}
#: Diagonally implicit methods give their embedded weights as they are, and their end derivative is their last stage.
IMPLICIT = {name: method for name, method in METHODS.items() if hasattr(method, "embedded")}
RUNGE_KUTTA = TABLEAUS | IMPLICIT
PAIRS = {name: method for name, method in RUNGE_KUTTA.items() if method.adaptive}


def rows(method):
    """The step's stages, the derivative at its end and the stages that only dense output needs."""
    return method.a if method.name in IMPLICIT else [*method.a, method.b, *method.extra_a]


def nodes(method):
    return method.c if method.name in IMPLICIT else [*method.c, 1, *method.extra_c]


def embedded(method):
    """Weights of the methods that the step is compared with: one, or two for Hairer's DOP853."""
    if method.name in IMPLICIT:
        return [method.embedded]
    errors = [method.error] if method.error_low is None else [method.error, method.error_low]
    return [[b - e for b, e in zip((*method.b, 0), error, strict=True)] for error in errors]


def rounding(method):
    """What a condition may be off by: nothing for fractions."""
    weights = embedded(method) if method.adaptive else []
    numbers = [x for row in (*rows(method), *weights, *getattr(method, "dense", ())) for x in row]
    return 0 if all(isinstance(x, Fraction | int) for x in numbers) else 1e-12


def attained(b, a, tolerance):
    """The largest order all of whose conditions the weights satisfy."""
    return next(p for p in count() if largest(defects(b, a, p + 1)) > tolerance)


def largest(values):
    return max(abs(value) for value in values)


def each(methods):
    return pytest.mark.parametrize("method", methods.values(), ids=methods)


def test_there_are_as_many_trees_as_theory_says():
    assert [len(trees(p)) for p in range(1, 10)] == [1, 1, 2, 4, 9, 20, 48, 115, 286]
    assert all(size(tree) == p for p in range(1, 10) for tree in trees(p))


def test_the_density_is_that_of_the_book():
    """Hairer, Norsett, Wanner I, table II.2.2: trees of order four."""
    assert sorted(density(tree) for tree in trees(4)) == [4, 8, 12, 24]


def test_a_bushy_and_a_tall_tree_weigh_powers_of_the_nodes_and_of_the_matrix():
    method = METHODS["rk4"]
    weights = stage_weights(method.a, 4)
    leaf = ()
    assert weights[(leaf, leaf, leaf)] == [c**3 for c in method.c]
    only_the_last_stage_has_three_before_it = [0, 0, 0, Fraction(1, 4)]
    assert weights[(((leaf,),),)] == only_the_last_stage_has_three_before_it


def test_a_wrong_weight_violates_the_conditions():
    method = METHODS["rk4"]
    assert attained(method.b, method.a, 0) == 4
    moved = [method.b[0] + Fraction(1, 1000), method.b[1] - Fraction(1, 1000), *method.b[2:]]
    assert attained(moved, method.a, 0) == 1


def test_methods_published_in_fractions_are_given_in_fractions():
    assert {name for name, method in TABLEAUS.items() if rounding(method) == 0} >= {
        "euler", "midpoint", "heun", "rk4", "bosh3", "dopri5",
    }  # fmt: skip


@each(RUNGE_KUTTA)
def test_each_stage_is_taken_where_its_row_says(method):
    for row, node in zip(rows(method), nodes(method), strict=True):
        assert abs(sum(row) - node) <= rounding(method)


@each(RUNGE_KUTTA)
def test_a_step_has_the_order_stated_and_no_higher(method):
    assert attained(method.b, method.a, rounding(method)) == method.order


@each(RUNGE_KUTTA)
def test_a_step_misses_the_next_order_by_more_than_rounding(method):
    assert largest(defects(method.b, method.a, method.order + 1)) > 1e-7


@each(PAIRS)
def test_the_error_estimate_has_the_order_stated(method):
    """Of two estimates of orders p > q, error^2 / low falls as one of order 2 p - q (Hairer's DOP853)."""
    orders = [attained(weights, rows(method), rounding(method)) for weights in embedded(method)]
    assert method.error_order == (orders[0] if len(orders) == 1 else 2 * orders[0] - orders[1])


@each(PAIRS)
def test_the_error_estimate_sees_what_it_must(method):
    """An embedded method that misses its next order by next to nothing would accept every step."""
    for weights in embedded(method):
        p = attained(weights, rows(method), rounding(method))
        assert largest(defects(weights, rows(method), p + 1)) > 1e-6


@each(TABLEAUS)
def test_dense_output_has_the_order_stated_at_every_fraction_of_a_step(method):
    for p in range(1, method.dense_order + 1):
        assert largest(dense_defects(method.dense, rows(method), p)) <= 10 * rounding(method)
    assert largest(dense_defects(method.dense, rows(method), method.dense_order + 1)) > 1e-7


@each(TABLEAUS)
def test_dense_output_ends_in_the_step(method):
    ends = [*method.b, *[0] * (len(method.dense) - len(method.b))]
    for row, end in zip(method.dense, ends, strict=True):
        assert abs(sum(row) - end) <= 10 * rounding(method)


def test_dense_output_that_misses_one_coefficient_is_found():
    method = METHODS["dopri5"]
    first = (method.dense[0][0], method.dense[0][1] + Fraction(1, 10**9), *method.dense[0][2:])
    wrong = (first, *method.dense[1:])
    assert largest(dense_defects(wrong, rows(method), 1)) == dot([1], [Fraction(1, 10**9)])
