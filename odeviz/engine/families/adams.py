"""Adams-Bashforth-Moulton steps of variable size and order.

A step of order k + 1 predicts with the polynomial of degree k - 1 through the field's last k values, evaluates,
corrects with the one of degree k through those and the new value, and evaluates again (PECE with local
extrapolation). Polynomials are in Newton's form on the times as they are, so that no step size is special.

Shampine and Gordon, Computer Solution of Ordinary Differential Equations: The Initial Value Problem (1975); Hairer,
Norsett, Wanner, Solving Ordinary Differential Equations I, III.5 and III.7.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from odeviz.engine.families.plain import PlainStepper
from odeviz.engine.kernel import VectorField
from odeviz.engine.method import Method
from odeviz.engine.norm import Tolerance

#: Most values a predictor is made of; the corrected step is of one order more.
MOST_VALUES = 11
#: Values of a predictor where step sizes are given and no error is estimated.
VALUES_OF_GIVEN_STEPS = 4
#: The first step goes to thirds of itself, for want of values before it.
THIRDS = (2 / 3, 1 / 3, 0.0)
#: After so many rejections in a row the values from before the step are no guide.
PATIENCE = 3
#: A higher order is taken even for steps a little shorter than this one's: its errors are smaller once it is settled.
RAISE = 0.95
#: Of two values closer to each other than this share of the step before, one is kept: differences would be rounding.
#: Where step sizes are given, nothing but this keeps the coming one from being much longer: its share counts as well.
CLOSE = 0.01
#: Fewest values from which a step of given size goes on; with fewer left it starts anew.
FEWEST_VALUES = 3
#: The errors of steps by one formula have one sign where a one-step method's scatter, and so add up: an estimate
#: counts so many times.
CAUTION = 4.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Adams(Method):
    """A predictor-corrector pair of Adams' methods."""

    @property
    def family(self) -> str:
        return "linear multistep"

    @property
    def stages(self) -> int:
        return 2

    @property
    def fsal(self) -> bool:
        return False


ADAMS = Adams(
    name="adams", title="Adams-Bashforth-Moulton 2-12", order=MOST_VALUES + 1, error_order=MOST_VALUES,
    dense_order=MOST_VALUES + 1,
    source="Adams (1883); Shampine and Gordon (1975), variable step and order, predict-evaluate-correct-evaluate",
    advice=(
        "Long solves of smooth fields at tight tolerances: two evaluations a step at any order up to 12. Short ones "
        "are over before the order has risen, and each jump starts anew. With given steps its order is 5."
    ),
)  # fmt: skip


def differences(nodes: Sequence[float]) -> list[list[float]]:
    """Row j: weights of the values at the first j + 1 nodes in their divided difference."""
    rows = [[1.0]]
    for j in range(1, len(nodes)):
        row = [weight / (node - nodes[j]) for weight, node in zip(rows[-1], nodes, strict=False)]
        rows.append([*row, 1.0 / math.prod(nodes[j] - other for other in nodes[:j])])
    return rows


def products(nodes: Sequence[float]) -> list[list[float]]:
    """Coefficients of 1, (s - s_0), (s - s_0)(s - s_1), ... in powers of s, lowest first."""
    rows = [[1.0]]
    for node in nodes:
        low, high = [*rows[-1], 0.0], [0.0, *rows[-1]]
        rows.append([b - node * a for a, b in zip(low, high, strict=True)])
    return rows


def integral(coefficients: Sequence[float]) -> float:
    """Integral over [0, 1] of a polynomial p(s)."""
    return sum(x / (m + 1) for m, x in enumerate(coefficients))


def integral_to_end(coefficients: Sequence[float]) -> float:
    """Integral over [0, 1] of (s - 1) p(s)."""
    return -sum(x / ((m + 1) * (m + 2)) for m, x in enumerate(coefficients))


def combined(weights: Sequence[float] | Sequence[Sequence[float]], values: Sequence[Tensor]) -> Tensor:
    """Sum of ``values`` times ``weights``; of each row of weights, if there are rows."""
    total: Tensor = torch.tensordot(values[0].new_tensor(weights), torch.stack(list(values)), dims=1)
    return total


@dataclass(slots=True)
class _Attempt:
    """A step of size h from t. Nodes are fractions of the step, newest first; the end's is not among them."""

    t: float
    h: float
    #: Values ``[batch, dim]`` the predictor is made of, and their nodes.
    values: list[Tensor]
    nodes: list[float]
    #: Newton's polynomials to the nodes, and differences of values at the nodes and then the end.
    products: list[list[float]]
    rows: list[list[float]]
    #: Value at the predicted end, and the difference of all ``values`` and that one.
    trial: Tensor
    difference: Tensor
    #: Value at the corrected end, once it was asked for.
    end: Tensor | None = None
    #: Scaled error and the tolerance it was measured with, once it was asked for.
    judged: tuple[float, Tolerance] | None = None


class AdamsStepper(PlainStepper):
    """Adams steps by ordinary tensor operations on ``[batch, dim]`` states.

    What goes from step to step are the state and the field's values at ``times``, newest first. A step that begins
    with the state alone makes two steps of a third of its size by Bogacki and Shampine's method of order three: their
    values stand in for those of earlier steps, and the step is of order 4.
    """

    def __init__(self, field: VectorField, method: Adams, y0: Tensor) -> None:
        super().__init__(field, y0)
        self.method = method
        self._times: tuple[float, ...] = ()
        self._values: list[Tensor] = []
        #: Number of values the predictor is made of.
        self._k = len(THIRDS)
        self._attempted: _Attempt | None = None
        self._rejections = 0
        #: Whether step sizes are given: the last step was accepted without its error having been asked for.
        self._given = False
        #: Whether a step is made again, to be differentiated: which values the next one needs is then known to it.
        self._replayed = False

    @property
    def error_order(self) -> int:
        """Order of the attempted step without its last value, whose difference is the error estimate."""
        return self._k

    @property
    def fresh(self) -> bool:
        return not self._values

    def carry(self) -> tuple[Tensor, ...]:
        return (self._y, *self._values)

    def memory(self) -> tuple[int, tuple[float, ...], bool]:
        return self._k, self._times, self._given

    def resume(self, carry: tuple[Tensor, ...], memory: tuple[int, tuple[float, ...], bool]) -> None:
        self._y, self._values, self._slope = carry[0], list(carry[1:]), None
        self._k, self._times, self._given = memory
        self._attempted, self._rejections, self._replayed = None, 0, True

    def restart(self) -> None:
        self._times, self._values, self._slope = (), [], None
        self._k = len(THIRDS)

    def derivative(self, t: float) -> Tensor:
        return self._values[0] if self._values else super().derivative(t)

    def attempt(self, t: float, h: float) -> None:
        if self._attempted is not None:
            self._rejections += 1
            if self._rejections >= PATIENCE:
                self.restart()
        if self._values and len(self._used(h)) < min(FEWEST_VALUES, self._k):
            self.restart()
        nodes, values = self._past(t, h)
        polynomials, rows = products(nodes), differences([*nodes, 1.0])
        shares = [h * integral(polynomial) for polynomial in polynomials]
        weights = [sum(shares[j] * rows[j][i] for j in range(i, len(nodes))) for i in range(len(nodes))]
        predicted = self._y + combined(weights, values)
        trial = self._f(t + h, predicted)
        difference = combined(rows[-1], [*values, trial])
        self._y1 = predicted + shares[-1] * difference
        self._attempted = _Attempt(t, h, values, nodes, polynomials, rows, trial, difference)

    def _past(self, t: float, h: float) -> tuple[list[float], list[Tensor]]:
        """Nodes and values for the predictor of a step of size h from t."""
        if self._values:
            used = self._used(h)
            return [0.0, *((self._times[i] - t) / h for i in used[1:])], [self._values[i] for i in used]
        first = self.derivative(t)
        y, second = self._third(t, h / 3, self._y, first)
        _, third = self._third(t + h / 3, h / 3, y, second)
        return list(THIRDS), [third, second, first]

    def _used(self, h: float) -> list[int]:
        """Which of the values the predictor of a step of size h is made of, newest first."""
        if not self._given:
            return list(range(self._k))
        used = [0]
        for i, time in enumerate(self._times):
            if abs(self._times[used[-1]] - time) >= CLOSE * abs(h):
                used.append(i)
        return used[: self._k]

    def _third(self, t: float, h: float, y: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        """State and derivative after a step of size h of order three."""
        middle = self._f(t + h / 2, y + h / 2 * slope)
        late = self._f(t + 3 * h / 4, y + 3 * h / 4 * middle)
        y = y + combined([2 * h / 9, h / 3, 4 * h / 9], [slope, middle, late])
        return y, self._f(t + h, y)

    def error(self, h: float, tolerance: Tolerance) -> float:
        attempted = self._made()
        share = CAUTION * h * integral_to_end(attempted.products[-2])
        error = self._measure(share * attempted.difference.detach(), tolerance)
        attempted.judged = error, tolerance
        return error

    def _made(self) -> _Attempt:
        assert self._attempted is not None, "no step has been attempted"
        return self._attempted

    def polynomial(self, h: float) -> Tensor:
        """The integral of the corrector's polynomial: of the step's order, and no evaluation."""
        attempted = self._made()
        weights = [[0.0] * len(attempted.rows) for _ in attempted.rows]
        for row, product in zip(attempted.rows, attempted.products, strict=True):
            for m, x in enumerate(product):
                for i, weight in enumerate(row):
                    weights[m][i] += h * x / (m + 1) * weight
        return combined(weights, [*attempted.values, attempted.trial])

    def finish(self) -> None:
        attempted = self._made()
        if attempted.end is None:
            attempted.end = self._f(attempted.t + attempted.h, self._y1)

    def accept(self) -> None:
        self.finish()
        attempted = self._made()
        assert attempted.end is not None
        following = self._following(attempted, attempted.end)
        times, values = self._times, self._values
        if not values:
            times = tuple(attempted.t + node * attempted.h for node in attempted.nodes)
            values = attempted.values
        elif len(times) > 1 and abs(attempted.h) < CLOSE * abs(times[0] - times[1]):
            times, values = times[1:], values[1:]
        self._times = (attempted.t + attempted.h, *times)[: following + 1]
        self._values = [attempted.end, *values][: following + 1]
        self._k = min(following, len(self._values))
        self._given = attempted.judged is None
        self._y, self._slope, self._attempted, self._rejections = self._y1, None, None, 0

    def _following(self, attempted: _Attempt, end: Tensor) -> int:
        """Number of values for the predictor of the step after the attempted one."""
        k = self._k
        if attempted.judged is None:
            return MOST_VALUES if self._replayed else VALUES_OF_GIVEN_STEPS
        error, tolerance = attempted.judged
        nodes, values = [1.0, *attempted.nodes], [end, *attempted.values]
        if self._values:
            nodes += [(time - attempted.t) / attempted.h for time in self._times[k:]]
            values += self._values[k:]

        def reach(k: int) -> float:
            """That of the step had its predictor been made of k values."""
            share = CAUTION * attempted.h * integral_to_end(products(nodes[1:k])[-1])
            with torch.no_grad():
                difference = combined(differences(nodes[: k + 1])[-1], values[: k + 1])
                return _reach(self._measure(share * difference, tolerance), k)

        here = _reach(error, k)
        if k > 1 and reach(k - 1) > here:
            return k - 1
        if k < min(MOST_VALUES, len(nodes) - 1) and reach(k + 1) > RAISE * here:
            return k + 1
        return k


def _reach(error: float, order: int) -> float:
    """How many times larger a step with that scaled error could have been."""
    return math.inf if error == 0 else error ** (-1 / (order + 1))
