"""Butcher tableaus: every Runge-Kutta method as data.

A tableau is written for the *step* of a method: its ``core`` stages, whose weighted sum is the step, and the
derivative at the end of the step, which is the first stage of the next one. Methods whose last stage is that
derivative (FSAL) and methods without that property are then the same thing: only ``core`` evaluations are new
in each step. Rows of ``error`` and ``dense`` therefore have ``core + 1`` entries, the last for the end derivative.

Sources are named at each method. Coefficients are exact fractions where their authors gave fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction as F  # noqa: N817 - the tables below are unreadable otherwise
from typing import TypeAlias

from odeviz.engine.families.order_conditions import Stages, check_order
from odeviz.engine.method import Method

Number: TypeAlias = F | float | int


@dataclass(frozen=True, eq=False, kw_only=True)
class ButcherTableau(Method):
    """An explicit Runge-Kutta method.

    A step from (t, y) of size h takes the stages k_i = f(t + c_i h, y + h sum_j a_ij k_j), i < core, then
    y1 = y + h sum_i b_i k_i, and the end derivative k_core = f(t + h, y1). A method whose dense output needs more
    takes ``extra`` stages after that, in steps whose inside is asked for.

    Raises ``ValueError`` on construction when the coefficients are inconsistent: rows of ``a`` must sum to ``c``,
    ``b`` to one, ``error`` to zero, the dense output must end in ``b``, and all must be of the orders that are said, as
    far as order 5 (of a pair scaled by ``error_low`` that of the error is a matter of both estimates).
    """

    #: Strictly lower triangular: row i has i entries.
    a: tuple[tuple[Number, ...], ...]
    b: tuple[Number, ...]
    c: tuple[Number, ...]
    #: b minus the embedded method's weights, ``core + 1`` entries; None for a method without error estimate.
    error: tuple[Number, ...] | None
    #: y(t + theta h) = y + h sum_i k_i sum_m dense[i][m] theta^(m+1), ``core + 1 + extra`` rows.
    dense: tuple[tuple[Number, ...], ...]
    #: A second estimate of lower order, ``core + 1`` entries, by which Hairer's 8(5,3) pair scales the first.
    error_low: tuple[Number, ...] | None = None
    #: Stages for the dense output alone: row i has core + 1 + i entries.
    extra_a: tuple[tuple[Number, ...], ...] = ()
    extra_c: tuple[Number, ...] = ()

    def __post_init__(self) -> None:
        core = len(self.b)
        shapes = (
            len(self.a) == core
            and len(self.c) == core
            and all(len(row) == i for i, row in enumerate(self.a))
            and len(self.dense) == core + 1 + self.extra
            and all(
                estimate is None or len(estimate) == core + 1 for estimate in (self.error, self.error_low)
            )
            and len(self.extra_a) == len(self.extra_c)
            and all(len(row) == core + 1 + i for i, row in enumerate(self.extra_a))
            and (self.error is None) == (self.error_order == 0)
        )
        if not shapes:
            raise ValueError(f"tableau {self.name!r}: a, b, c, error and dense do not fit each other")
        sums: list[tuple[str, Number, Number]] = [
            (f"row {i} of a", sum(row), self.c[i]) for i, row in enumerate(self.a)
        ]
        sums.append(("b", sum(self.b), 1))
        sums += [(f"row {i} of extra_a", sum(row), self.extra_c[i]) for i, row in enumerate(self.extra_a)]
        for what, estimate in (("error", self.error), ("error_low", self.error_low)):
            if estimate is not None:
                sums.append((what, sum(estimate), 0))
        ends = (*self.b, 0, *(0 for _ in self.extra_a))
        sums += [(f"row {i} of dense", sum(row), ends[i]) for i, row in enumerate(self.dense)]
        for what, got, wanted in sums:
            if abs(float(got) - float(wanted)) > 1e-12:
                raise ValueError(f"tableau {self.name!r}: {what} sums to {float(got)}, not {float(wanted)}")
        self._check_orders()

    def _check_orders(self) -> None:
        rows = [[float(x) for x in row] for row in (*self.a, self.b, *self.extra_a)]
        stages, end = Stages(rows), [*rows[self.core], 0.0]
        check_order(self.name, "b", self.order, stages.end_order(end))
        if self.error is not None and self.error_low is None:
            embedded = [w - float(e) for w, e in zip(end, self.error, strict=True)]
            check_order(self.name, "b minus error", self.error_order, stages.end_order(embedded))
        dense = [[float(x) for x in row] for row in self.dense]
        check_order(self.name, "dense", self.dense_order, stages.order(dense))

    @property
    def core(self) -> int:
        """Number of new evaluations in each step."""
        return len(self.b)

    @property
    def extra(self) -> int:
        """Number of evaluations that only the dense output needs."""
        return len(self.extra_a)

    @property
    def family(self) -> str:
        return "explicit Runge-Kutta"

    @property
    def fsal(self) -> bool:
        return self.error is not None and self.error[-1] != 0

    @property
    def stages(self) -> int:
        return self.core + self.fsal


def hermite(b: Sequence[Number]) -> tuple[tuple[Number, ...], ...]:
    """Dense output by the cubic through both ends and both end derivatives (Hairer, Norsett, Wanner II.6)."""
    rows = [[weight * 0, weight * 3, weight * -2] for weight in (*b, F(0))]
    rows[0] = [x + y for x, y in zip(rows[0], (1, -2, 1), strict=True)]
    rows[-1] = [x + y for x, y in zip(rows[-1], (0, -1, 1), strict=True)]
    return tuple(tuple(row) for row in rows)


EULER = ButcherTableau(
    name="euler", title="Euler", order=1, dense_order=1,
    a=((),), b=(F(1),), c=(F(0),), error=None, error_order=0, dense=hermite((F(1),)),
    source="Euler (1768)",
    advice="One evaluation a step: a residual network is this method with step 1; too inaccurate for anything else.",
)  # fmt: skip

MIDPOINT = ButcherTableau(
    name="midpoint", title="Midpoint", order=2, dense_order=2,
    a=((), (F(1, 2),)), b=(F(0), F(1)), c=(F(0), F(1, 2)), error=None, error_order=0,
    dense=hermite((F(0), F(1))),
    source="Runge (1895)",
    advice="The cheapest second-order method with fixed steps.",
)  # fmt: skip

HEUN = ButcherTableau(
    name="heun", title="Heun-Euler 2(1)", order=2, dense_order=2,
    a=((), (F(1),)), b=(F(1, 2), F(1, 2)), c=(F(0), F(1)),
    error=(F(-1, 2), F(1, 2), F(0)), error_order=1, dense=hermite((F(1, 2), F(1, 2))),
    source="Heun (1900), with Euler's method embedded",
    advice="For loose tolerances and rough fields; above two digits a higher order is cheaper.",
)  # fmt: skip

RALSTON = ButcherTableau(
    name="ralston", title="Ralston", order=2, dense_order=2,
    a=((), (F(2, 3),)), b=(F(1, 4), F(3, 4)), c=(F(0), F(2, 3)), error=None, error_order=0,
    dense=hermite((F(1, 4), F(3, 4))),
    source="Ralston, Runge-Kutta methods with minimum error bounds (1962)",
    advice="Two evaluations with the smallest bound on the error that order 2 allows; fixed steps.",
)  # fmt: skip

RK4 = ButcherTableau(
    name="rk4", title="Classical RK4", order=4, dense_order=3,
    a=((), (F(1, 2),), (F(0), F(1, 2)), (F(0), F(0), F(1))),
    b=(F(1, 6), F(1, 3), F(1, 3), F(1, 6)), c=(F(0), F(1, 2), F(1, 2), F(1)),
    error=None, error_order=0, dense=hermite((F(1, 6), F(1, 3), F(1, 3), F(1, 6))),
    source="Kutta (1901)",
    advice="Fixed steps of known cost: good for training on a budget, blind to its own error.",
)  # fmt: skip

BOSH3 = ButcherTableau(
    name="bosh3", title="Bogacki-Shampine 3(2)", order=3, dense_order=3,
    a=((), (F(1, 2),), (F(0), F(3, 4))),
    b=(F(2, 9), F(1, 3), F(4, 9)), c=(F(0), F(1, 2), F(3, 4)),
    error=(F(2, 9) - F(7, 24), F(1, 3) - F(1, 4), F(4, 9) - F(1, 3), F(-1, 8)), error_order=2,
    dense=hermite((F(2, 9), F(1, 3), F(4, 9))),
    source="Bogacki and Shampine (1989)",
    advice="For tolerances of 1e-2 to 1e-3.",
)  # fmt: skip

DOPRI5 = ButcherTableau(
    name="dopri5", title="Dormand-Prince 5(4)", order=5, dense_order=4,
    a=(
        (),
        (F(1, 5),),
        (F(3, 40), F(9, 40)),
        (F(44, 45), F(-56, 15), F(32, 9)),
        (F(19372, 6561), F(-25360, 2187), F(64448, 6561), F(-212, 729)),
        (F(9017, 3168), F(-355, 33), F(46732, 5247), F(49, 176), F(-5103, 18656)),
    ),
    b=(F(35, 384), F(0), F(500, 1113), F(125, 192), F(-2187, 6784), F(11, 84)),
    c=(F(0), F(1, 5), F(3, 10), F(4, 5), F(8, 9), F(1)),
    error=(F(71, 57600), F(0), F(-71, 16695), F(71, 1920), F(-17253, 339200), F(22, 525), F(-1, 40)),
    error_order=4,
    dense=(
        (F(1), F(-8048581381, 2820520608), F(8663915743, 2820520608), F(-12715105075, 11282082432)),
        (F(0), F(0), F(0), F(0)),
        (F(0), F(131558114200, 32700410799), F(-68118460800, 10900136933), F(87487479700, 32700410799)),
        (F(0), F(-1754552775, 470086768), F(14199869525, 1410260304), F(-10690763975, 1880347072)),
        (F(0), F(127303824393, 49829197408), F(-318862633887, 49829197408), F(701980252875, 199316789632)),
        (F(0), F(-282668133, 205662961), F(2019193451, 616988883), F(-1453857185, 822651844)),
        (F(0), F(40617522, 29380423), F(-110615467, 29380423), F(69997945, 29380423)),
    ),
    source="Dormand and Prince (1980); dense output of order 4 by Shampine (1986)",
    advice="The default: reliable from 1e-3 to 1e-7.",
)  # fmt: skip


def _tsit5_dense() -> tuple[tuple[float, ...], ...]:
    """Tsitouras gives each weight as a product of polynomials in theta; multiplied out here."""

    def times(p: list[float], q: list[float]) -> list[float]:
        out = [0.0] * (len(p) + len(q) - 1)
        for i, x in enumerate(p):
            for j, y in enumerate(q):
                out[i + j] += x * y
        return out

    def quadratic(scale: float, p: float, q: float) -> tuple[float, ...]:
        return tuple(scale * x for x in [0.0, q, p, 1.0])

    def roots(scale: float, p: float, q: float) -> tuple[float, ...]:
        return tuple(scale * x for x in [0.0, *times([-p, 1.0], [-q, 1.0])])

    first = times([-1.3299890189751412, 1.0], [0.7139816917074209, -1.4364028541716351, 1.0])
    return (
        tuple(-1.0530884977290216 * x for x in first),
        quadratic(0.1017, -2.1966568338249754, 1.2949852507374631),
        quadratic(2.490627285651252793, -2.38535645472061657, 1.57803468208092486),
        roots(-16.54810288924490272, 1.21712927295533244, 0.61620406037800089),
        roots(47.37952196281928122, 1.203071208372362603, 0.658047292653547382),
        roots(-34.87065786149660974, 1.2, 2.0 / 3.0),
        roots(2.5, 1.0, 0.6),
    )


TSIT5 = ButcherTableau(
    name="tsit5", title="Tsitouras 5(4)", order=5, dense_order=4,
    a=(
        (),
        (0.161,),
        (-0.008480655492356989, 0.335480655492357),
        (2.8971530571054935, -6.359448489975075, 4.3622954328695815),
        (5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525),
        (5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383),
    ),
    b=(
        0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774,
    ),
    c=(0.0, 0.161, 0.327, 0.9, 0.9800255409045097, 1.0),
    error=(
        -0.00178001105222577714, -0.0008164344596567469, 0.007880878010261995, -0.1447110071732629,
        0.5823571654525552, -0.45808210592918697, 1.0 / 66.0,
    ),
    error_order=4, dense=_tsit5_dense(),
    source="Tsitouras, Runge-Kutta pairs of order 5(4) (2011)",
    advice="As dopri5, with smaller error constants.",
)  # fmt: skip
