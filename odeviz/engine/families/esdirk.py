"""Implicit Runge-Kutta methods for stiff fields: diagonally implicit, with one diagonal entry and an explicit first
stage (ESDIRK), their stages solved for the whole batch at once by simplified Newton iterations.

Hairer, Wanner, Solving Ordinary Differential Equations II, IV.6 and IV.8; Kennedy, Carpenter, Additive Runge-Kutta
schemes for convection-diffusion-reaction equations, Appl. Numer. Math. 44 (2003).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction as F  # noqa: N817 - the table below is unreadable otherwise
from functools import partial

import torch
from torch import Tensor

from odeviz.engine.families.newton import Factors, Image, Newton, factors, jacobian, solved
from odeviz.engine.families.order_conditions import Stages, check_order
from odeviz.engine.families.plain import PlainStepper
from odeviz.engine.families.tableau import Number
from odeviz.engine.kernel import VectorField
from odeviz.engine.method import Method
from odeviz.engine.norm import Tolerance
from odeviz.engine.stepper import culprits, within


@dataclass(frozen=True, eq=False, kw_only=True)
class ESDIRKTableau(Method):
    """A stiffly accurate ESDIRK method: the last stage is the step, and its derivative the next step's first stage.

    A step from (t, y) of size h has the stages Y_i = y + h sum_{j <= i} a_ij k_j, k_i = f(t + c_i h, Y_i), of which
    the first is explicit and every other one a nonlinear system with the same matrix I - h gamma df/dy.

    Raises ``ValueError`` on construction when the coefficients are inconsistent: row i of ``a`` must have i + 1
    entries that sum to ``c[i]`` and end in ``gamma`` (the first one in 0), the last row is at 1, and ``embedded``
    must sum to 1 and both must be of the orders that are said, as far as order 5.
    """

    #: Lower triangular with its diagonal: row i has i + 1 entries.
    a: tuple[tuple[Number, ...], ...]
    c: tuple[Number, ...]
    #: Weights of the embedded method.
    embedded: tuple[Number, ...]

    def __post_init__(self) -> None:
        n = len(self.a)
        shapes = n > 1 and len(self.c) == len(self.embedded) == n and self.error_order > 0
        if not (shapes and all(len(row) == i + 1 for i, row in enumerate(self.a))):
            raise ValueError(f"tableau {self.name!r}: a, c, embedded and error_order do not fit each other")
        equal: list[tuple[str, Number, Number]] = [
            (f"row {i} of a sums to", sum(row), self.c[i]) for i, row in enumerate(self.a)
        ]
        equal += [(f"row {i} of a ends in", row[-1], self.gamma if i else 0) for i, row in enumerate(self.a)]
        equal += [("c ends in", self.c[-1], 1), ("embedded sums to", sum(self.embedded), 1)]
        for what, got, wanted in equal:
            if abs(float(got) - float(wanted)) > 1e-12:
                raise ValueError(f"tableau {self.name!r}: {what} {float(got)}, not {float(wanted)}")
        stages = Stages([[float(x) for x in row] for row in self.a])
        check_order(self.name, "the step", self.order, stages.end_order([float(x) for x in self.b]))
        check_order(self.name, "the cubic dense output", self.dense_order, 3)
        embedded = [float(x) for x in self.embedded]
        check_order(self.name, "embedded", self.error_order, stages.end_order(embedded))

    @property
    def gamma(self) -> Number:
        """The diagonal entry of the implicit stages."""
        return self.a[-1][-1]

    @property
    def b(self) -> tuple[Number, ...]:
        """Weights of the step: the last row of ``a``."""
        return self.a[-1]

    @property
    def family(self) -> str:
        return "implicit Runge-Kutta (ESDIRK)"

    @property
    def stages(self) -> int:
        """Stages of a step; each implicit one takes an evaluation for every Newton iteration."""
        return len(self.a)

    @property
    def fsal(self) -> bool:
        return True


ESDIRK4 = ESDIRKTableau(
    name="esdirk4", title="Kennedy-Carpenter ESDIRK 4(3)", order=4, error_order=3, dense_order=3,
    a=(
        (F(0),),
        (F(1, 4), F(1, 4)),
        (F(8611, 62500), F(-1743, 31250), F(1, 4)),
        (F(5012029, 34652500), F(-654441, 2922500), F(174375, 388108), F(1, 4)),
        (
            F(15267082809, 155376265600), F(-71443401, 120774400), F(730878875, 902184768),
            F(2285395, 8070912), F(1, 4),
        ),
        (F(82889, 524892), F(0), F(15625, 83664), F(69875, 102672), F(-2260, 8211), F(1, 4)),
    ),
    c=(F(0), F(1, 2), F(83, 250), F(31, 50), F(17, 20), F(1)),
    embedded=(
        F(4586570599, 29645900160), F(0), F(178811875, 945068544), F(814220225, 1159782912),
        F(-3700637, 11593932), F(61727, 225920),
    ),
    source="Kennedy and Carpenter (2003), the implicit part of ARK4(3)6L[2]SA; cubic Hermite dense output",
    advice="For stiff fields, where explicit methods creep: L-stable, but a step costs several times an explicit one.",
)  # fmt: skip


class ESDIRKStepper(PlainStepper):
    """Steps of an :class:`ESDIRKTableau` by ordinary tensor operations on ``[batch, dim]`` states.

    **Stages** of all samples are solved together by simplified Newton iterations (:class:`Newton`) with the Jacobian
    at the step's start, which serves every stage and every retry of the step, and one LU factorisation for each size
    that is tried. The first step, and given steps, which know of no tolerance, are solved to a few rounding errors,
    with a new Jacobian in each iteration if need be. A step whose iterations fail has an infinite error, so that
    step-size control tries a smaller one; given steps end the solve.

    **Jacobians** are described at :func:`jacobian`: samples must not depend on each other, and the field must be
    differentiable by torch or offer its own. ``nfe`` counts every evaluation of the field and those of its Jacobian.

    **Error**: the difference to the embedded method, as it is. Multiplied by (I - h gamma df/dy)^-1 (Hairer, Wanner
    IV.8.20) it would allow larger steps where the field is stiff; that is for estimates which stiffness makes grow
    without bound, and this one is bounded. On the textbook's stiff problems the larger steps reach an accuracy with
    more work than a looser tolerance does, and miss the tolerance by a factor of ten.

    **Derivatives** follow from the implicit function theorem, not from the iterations: each stage solved is followed
    by Newton corrections with the exact Jacobian there, of value zero but with the derivative of the stage. Two of
    them make first and second derivatives right (``backprop``), one the first (``discrete``); third ones are wrong.
    """

    def __init__(self, field: VectorField, method: ESDIRKTableau, y0: Tensor) -> None:
        super().__init__(field, y0)
        self.method = method
        self.fresh = True
        self._h = 0.0
        self._a = [[float(x) for x in row] for row in method.a]
        self._c = [float(x) for x in method.c]
        self._error = [float(b - e) for b, e in zip(method.b, method.embedded, strict=True)]
        self._guesses = [extrapolation(self._c[:i], self._c[i]) for i in range(method.stages)]
        self._K: list[Tensor] = []
        self._J: Tensor | None = None
        self._newton = Newton(None)
        self._tolerance: Tolerance | None = None
        #: What the attempted step was solved to.
        self._aim: Tolerance | None = None
        self._linked = True
        self._corrections = 2

    @property
    def unsolved(self) -> bool:
        """Whether the attempted step failed for its equations, and not for numbers that are not finite."""
        moved = self._newton.failed
        return moved is not None and bool(torch.isfinite(moved).all())

    def _jacobian(self, t: float, y: Tensor) -> Tensor:
        J, cost = jacobian(self._field, within(t, self.window), y)
        self.nfe += cost
        return J

    @property
    def _diagonal(self) -> float:
        """What a stage's derivative is multiplied by in the stage itself: h gamma."""
        return self._h * self._a[-1][-1]

    def attempt(self, t: float, h: float) -> None:
        self._t, self._h, self._aim = t, h, self._tolerance
        self._K, self._newton = [self.derivative(t)], Newton(self._aim)
        self._linked = not torch.is_grad_enabled()
        with torch.no_grad():
            if self._J is None:
                self._J = self._jacobian(t, self._y)
            lu = factors(self._J, self._diagonal)
            for i in range(1, self.method.stages):
                base, guess = self._base(i), self._combined(self._guesses[i]) * self._diagonal
                z = self._newton.solve(self._image(i), base, guess, lu, partial(self._factors, i))
                if z is None:
                    return
                self._K.append(z / self._diagonal)
                self._y1 = base + z

    def _combined(self, weights: Sequence[float]) -> Tensor:
        total = torch.zeros_like(self._y)
        for weight, k in zip(weights, self._K, strict=False):
            if weight != 0:
                total = torch.add(total, k, alpha=weight)
        return total

    def _base(self, i: int) -> Tensor:
        """Stage i without its own derivative."""
        return self._y + self._h * self._combined(self._a[i][:i])

    def _image(self, i: int) -> Image:
        """From stage i to what its own derivative adds to it."""
        return lambda y: self._diagonal * self._f(self._t + self._c[i] * self._h, y)

    def _factors(self, i: int, y: Tensor) -> Factors:
        """Those of Newton's matrix at stage i."""
        return factors(self._jacobian(self._t + self._c[i] * self._h, y), self._diagonal)

    def _link(self) -> None:
        """Make the solved stages depend on the step's start and on the field's parameters."""
        if self._linked:
            return
        self._linked = True
        solutions, self._K = self._K[1:], self._K[:1]
        for i, k in enumerate(solutions, 1):
            base, image, z = self._base(i), self._image(i), k * self._diagonal
            with torch.no_grad():
                lu = self._factors(i, base + z)
            for _ in range(self._corrections):
                residual = image(base + z) - z
                z = z + solved(lu, residual - residual.detach())
            self._K.append(z / self._diagonal)
            self._y1 = base + z

    def error(self, h: float, tolerance: Tolerance) -> float:
        self._tolerance = tolerance
        if self._newton.failed is not None:
            return math.inf
        with torch.no_grad():
            return self._measure(h * self._combined(self._error), tolerance)

    def finite(self) -> bool:
        return self._newton.failed is None and super().finite()

    def culprits(self) -> Tensor:
        failed = self._newton.failed
        if failed is None:
            return culprits(self._y, self._y1, *self._K, error=self._scaled_error)
        return culprits(self._y, *self._K, failed, error=failed)

    def interpolate(self, h: float, thetas: Sequence[float]) -> Tensor:
        self._link()
        return super().interpolate(h, thetas)

    def polynomial(self, h: float) -> Tensor:
        """The cubic through both ends with their derivatives (Hairer, Norsett, Wanner II.6)."""
        self._link()
        change, first, last = self._y1 - self._y, h * self._K[0], h * self._K[-1]
        return torch.stack([first, 3 * change - 2 * first - last, first + last - 2 * change])

    def accept(self) -> None:
        self._link()
        self._y, self._slope, self._J, self.fresh = self._y1, self._K[-1], None, False

    def restart(self) -> None:
        self._slope, self._J, self.fresh = None, None, True

    def carry(self) -> tuple[Tensor, ...]:
        if self.fresh:
            return (self._y,)
        assert self._slope is not None
        return self._y, self._slope

    def memory(self) -> Tolerance | None:
        return self._aim

    def resume(self, carry: tuple[Tensor, ...], memory: Tolerance | None) -> None:
        self._y, self._slope = carry[0], carry[1] if len(carry) > 1 else None
        self._J, self._tolerance, self.fresh = None, memory, len(carry) == 1
        # Whoever takes a step up again differentiates it once.
        self._corrections = 1

    def finish(self) -> None:
        self._link()


def extrapolation(nodes: Sequence[float], at: float) -> list[float]:
    """Weights of the values at ``nodes`` in the polynomial's through the nearest three of them, or less, at ``at``."""
    near = sorted(nodes, key=lambda c: abs(c - at))[:3]
    return [
        math.prod((at - other) / (c - other) for other in near if other != c) if c in near else 0.0
        for c in nodes
    ]
