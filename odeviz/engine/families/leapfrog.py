"""Leapfrog steps, which can be undone: Stoermer-Verlet for separable fields, the asynchronous one for any field.

Both are symmetric: a step of size -h from the end of a step of size h leads back to its start, to rounding. Neither
damps anything, so that what they get wrong about energy stays as small as it was.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from odeviz.engine.families.plain import PlainStepper
from odeviz.engine.kernel import VectorField
from odeviz.engine.method import Method
from odeviz.engine.norm import Tolerance


@dataclass(frozen=True, eq=False, kw_only=True)
class Leapfrog(Method):
    """Kick, drift, kick: on states [q, p] with q' = f_q(t, p) and p' = f_p(t, q)."""

    @property
    def family(self) -> str:
        return "symplectic leapfrog"

    @property
    def stages(self) -> int:
        return 3

    @property
    def fsal(self) -> bool:
        return True

    @property
    def reversible(self) -> bool:
        return True


@dataclass(frozen=True, eq=False, kw_only=True)
class AsynchronousLeapfrog(Leapfrog):
    """The midpoint rule with a velocity of its own that takes the place of the derivative at the start.

    The velocity at the end of a step takes the place of the next one's first stage.
    """

    @property
    def family(self) -> str:
        return "reversible leapfrog"

    @property
    def stages(self) -> int:
        return 2


#: Of the error allowed, the share that is too much for a velocity that is off.
ASTRAY = 0.25

LEAPFROG = Leapfrog(
    name="leapfrog", title="Störmer-Verlet leapfrog", order=2, error_order=0, dense_order=2,
    source="Störmer (1907), Verlet (1967); Hairer, Lubich, Wanner, Geometric Numerical Integration, VI.3",
    advice=(
        "For q' = f(p), p' = f(q), the first half of the columns q, the second p: energy does not drift over any "
        "time. For separable fields only: its order is lost elsewhere."
    ),
)  # fmt: skip

ASYNCHRONOUS_LEAPFROG = AsynchronousLeapfrog(
    name="asynchronous-leapfrog", title="Asynchronous leapfrog", order=2, error_order=1, dense_order=2,
    source="Mutze, An asynchronous leapfrog method II (2013); Zhuang et al., MALI (2021)",
    advice=(
        "Long solves of any field with the gradient's memory constant (adjoint 'reversible'), at one evaluation a "
        "step and order 2. With given steps what its velocity is off by grows where solutions decay; under step "
        "control it is set anew, at the price of keeping the states where that was done."
    ),
)  # fmt: skip


class _PairStepper(PlainStepper):
    """Steps of the state ``[batch, dim]`` and a companion that a step from the state alone makes anew.

    After a restart the old companion stays in the carry, unused, so that the step before can be undone.
    """

    def __init__(self, field: VectorField, y0: Tensor) -> None:
        super().__init__(field, y0)
        self.fresh = True
        self._companion: Tensor | None = None
        self._companion1: Tensor | None = None

    def carry(self) -> tuple[Tensor, ...]:
        return (self._y,) if self._companion is None else (self._y, self._companion)

    def memory(self) -> bool:
        """Whether the step begins with the state alone."""
        return self.fresh

    def resume(self, carry: tuple[Tensor, ...], memory: bool) -> None:
        self._y, self._slope, self.fresh = carry[0], None, memory
        self._companion = carry[1] if len(carry) > 1 else None

    def finish(self) -> None:
        pass

    def accept(self) -> None:
        self._y, self._companion, self._slope, self.fresh = self._y1, self._companion1, None, False

    def restart(self) -> None:
        self._slope, self.fresh = None, True


class LeapfrogStepper(_PairStepper):
    """Kick-drift-kick steps on states ``[batch, 2n]``, n columns q and then n columns p.

    p_half = p + h/2 f_p(t, q);  q1 = q + h f_q(t + h/2, p_half);  p1 = p_half + h/2 f_p(t + h, q1).

    What the field returns for q where p is wanted, and the other way round, is not used. The state's companion is
    the last kick f_p ``[batch, n]``, which is the first of the next step. Raises ``ValueError`` when the number of
    columns is odd.
    """

    def __init__(self, field: VectorField, method: Leapfrog, y0: Tensor) -> None:
        if y0.shape[-1] % 2:
            raise ValueError(
                f"y0 must have an even number of columns for method {method.name!r}, positions and then as many "
                f"momenta, not {y0.shape[-1]}"
            )
        super().__init__(field, y0)
        self.method = method

    def _pull(self, t: float, q: Tensor, p: Tensor) -> Tensor:
        """f_p ``[batch, n]``."""
        return self._f(t, torch.cat([q, p], -1)).chunk(2, -1)[1]

    def _drift(self, t: float, q: Tensor, p: Tensor) -> Tensor:
        """f_q ``[batch, n]``."""
        return self._f(t, torch.cat([q, p], -1)).chunk(2, -1)[0]

    def attempt(self, t: float, h: float) -> None:
        q, p = self._y.chunk(2, -1)
        kick = (
            self.derivative(t).chunk(2, -1)[1] if self.fresh or self._companion is None else self._companion
        )
        p = p + 0.5 * h * kick
        q = q + h * self._drift(t + 0.5 * h, q, p)
        kick = self._companion1 = self._pull(t + h, q, p)
        self._y1 = torch.cat([q, p + 0.5 * h * kick], -1)
        self._t = t

    def error(self, h: float, tolerance: Tolerance) -> float:
        raise NotImplementedError("leapfrog steps do not estimate their error")

    def polynomial(self, h: float) -> Tensor:
        """The parabolas through both ends that begin in the field's direction."""
        with torch.set_grad_enabled(self._y1.requires_grad):
            first = h * self.derivative(self._t)
        return torch.stack([first, self._y1 - self._y - first])

    def undo(self, t: float, h: float, carry: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The state and the kick before the step of size ``h`` from ``t`` that ended in ``carry``."""
        (q, p), kick = carry[0].chunk(2, -1), carry[1]
        p = p - 0.5 * h * kick
        q = q - h * self._drift(t + 0.5 * h, q, p)
        kick = self._pull(t, q, p)
        return torch.cat([q, p - 0.5 * h * kick], -1), kick


class AsynchronousLeapfrogStepper(_PairStepper):
    """Steps of a state and a velocity, each ``[batch, dim]``; v = f(t0, y0) at the start and after a jump.

    y_half = y + h/2 v;  v_half = f(t + h/2, y_half);  v1 = 2 v_half - v;  y1 = y + h v_half.

    The error estimate is the difference to Euler's step along v, y + h v. What v is off f by changes its sign from
    step to step and grows where the solution decays; under step control v is set to f again before that shows.
    """

    def __init__(self, field: VectorField, method: AsynchronousLeapfrog, y0: Tensor) -> None:
        super().__init__(field, y0)
        self.method = method
        #: v and v_half - v of the attempted step.
        self._v = self._change = y0
        self._h = 0.0
        #: (v_half - v) / h of the step before; half of f's rate of change, but for what v is off by.
        self._rate: Tensor | None = None
        self._tolerance: Tolerance | None = None

    def attempt(self, t: float, h: float) -> None:
        v = self.derivative(t) if self.fresh or self._companion is None else self._companion
        v_half = self._f(t + 0.5 * h, self._y + 0.5 * h * v)
        self._y1, self._companion1 = self._y + h * v_half, 2 * v_half - v
        self._v, self._change, self._h, self._tolerance = v, v_half - v, h, None

    def error(self, h: float, tolerance: Tolerance) -> float:
        self._tolerance = tolerance
        return self._measure(h * self._change, tolerance)

    def accept(self) -> None:
        rate, before = self._change.detach() / self._h, self._rate
        astray = before is not None and self._astray(rate - before)
        super().accept()
        if astray:
            self.restart()
        else:
            self._rate = rate

    def _astray(self, difference: Tensor) -> bool:
        """Whether what v is off by is as large as matters, given the difference of two steps' rates."""
        if self._tolerance is None:
            return False
        return self._measure(0.5 * self._h**2 * difference, self._tolerance) > ASTRAY

    def restart(self) -> None:
        super().restart()
        self._rate = None

    def polynomial(self, h: float) -> Tensor:
        """The cubics through both ends and both velocities, which here are parabolas."""
        return torch.stack([h * self._v, h * self._change])

    def undo(self, t: float, h: float, carry: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The state and the velocity before the step of size ``h`` from ``t`` that ended in ``carry``."""
        y1, v1 = carry
        v_half = self._f(t + 0.5 * h, y1 - 0.5 * h * v1)
        return y1 - h * v_half, 2 * v_half - v1
