"""The continuous adjoint: a' = -a^T df/dy solved backwards in time (Chen et al., 2018, eqs 4 and 5).

``backsolve`` solves it together with the state, backwards from the last one, with step-size control: memory does not
grow with the number of steps. ``interpolating`` solves it along the dense output of the forward solve and on its
steps: the state cannot drift, and the cost is known beforehand.

Neither stops at output times. What an output adds to a inside a step is carried to the step's end by the transposed
method, whatever the number of outputs there. Parameters are a quadrature over the steps, so they burden neither the
Runge-Kutta state nor the error norm (the seminorm of Kidger, Chen, Lyons, 2021).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from odeviz.engine.adjoints.adjoint import Run, release_with
from odeviz.engine.adjoints.transposed import TransposedSteps, outputs_of
from odeviz.engine.controller import StepPolicy
from odeviz.engine.families.buffered import BufferedStepper, Keep, coefficients
from odeviz.engine.families.tableau import ButcherTableau
from odeviz.engine.integrate import Watch, integrate
from odeviz.engine.interpolant import at_fraction
from odeviz.engine.kernel import AutogradKernel, Kernel
from odeviz.engine.solution import Stats, Status
from odeviz.engine.stepper import TapedStep, within


@dataclass(frozen=True, slots=True)
class _Piece:
    """A step's trajectory y(t + theta h), flat, and where the field may be evaluated in it."""

    t: float
    h: float
    y: Tensor
    polynomial: Tensor
    window: tuple[float, float] | None


class _AlongTrajectory:
    """Jacobians of a method's stages on a known trajectory, and the parameters' share of what is pulled through."""

    def __init__(self, kernel: Kernel, method: ButcherTableau, first_slot: int, like: Tensor) -> None:
        self._kernel, self._first = kernel, first_slot
        self._c = coefficients(method, like.dtype, like.device).c
        self._value = torch.empty_like(like)
        self._visited: list[int] = []
        self.totals = tuple(torch.zeros_like(parameter) for parameter in kernel.parameters())
        self.nfe = 0
        kernel.reserve(first_slot + len(self._c))

    def pull(self, stage: int, cotangent: Tensor, out: Tensor, piece: _Piece) -> None:
        """See ``engine.adjoints.transposed.Pull``."""
        c, slot = self._c[stage], self._first + stage
        y = at_fraction(piece.y, piece.polynomial, c)
        self._kernel.evaluate(within(piece.t + c * piece.h, piece.window), y, self._value, slot)
        self._kernel.pull_back(slot, cotangent, out)
        self._visited.append(slot)
        self.nfe += 1

    def collect(self) -> None:
        """Add up the parameters' gradients of what was pulled through since; its slots are free again."""
        if self._visited:
            for total, part in zip(self.totals, self._kernel.gradients(self._visited), strict=True):
                total.add_(part)
            self._visited.clear()


class InterpolatingAdjoint:
    """The adjoint ODE along the dense output, on the forward solve's own steps; its error is not estimated."""

    def __init__(self, kernel: Kernel, method: ButcherTableau, run: Run, stats: Stats) -> None:
        self._kernel, self._method, self._run, self._stats = kernel, method, run, stats
        self._tape: list[tuple[_Piece, TapedStep]] = []
        release_with(self, kernel)
        # Other kernels have copies of the weights.
        self.evaluates = isinstance(kernel, AutogradKernel)

    def forward(self, y0: Tensor) -> Tensor:
        stepper = BufferedStepper(self._kernel, self._method, y0)

        def keep(step: TapedStep) -> None:
            piece = _Piece(step.t, step.h, stepper.state.clone(), stepper.polynomial(step.h), stepper.window)
            self._tape.append((piece, step))

        y, _ = self._run(stepper, Watch(on_accept=keep))
        kept = (x for piece, _ in self._tape for x in (piece.y, piece.polynomial))
        self._stats.bytes_kept += sum(x.numel() * x.element_size() for x in kept)
        return y

    def backward(self, grad: Tensor) -> tuple[Tensor, ...]:
        kernel = self._kernel
        packed = kernel.pack(grad[0])
        walk = TransposedSteps(kernel, self._method, packed)
        along = _AlongTrajectory(kernel, self._method, 0, packed)
        window = None
        for piece, step in reversed(self._tape):
            rows, thetas = outputs_of(step)
            pull = partial(along.pull, piece=piece)
            walk.step(step.h, pull, thetas, grad[rows], continues=piece.window == window)
            # The first stage is pulled back with the step before, unless the field jumps there.
            along.collect()
            window = piece.window
        walk.arrive()
        along.collect()
        self._stats.count_backward(self, along.nfe, along.nfe)
        return kernel.unpack(walk.lam.add_(packed)), *along.totals


class AugmentedKernel:
    """(y, a) as one flat state of twice the size, with y' = f and a' = -a^T df/dy."""

    def __init__(self, kernel: Kernel) -> None:
        self.inner = kernel
        self.size = 2 * kernel.size
        kernel.reserve(1)

    def parameters(self) -> tuple[Tensor, ...]:
        return self.inner.parameters()

    def pack(self, y: Tensor) -> Tensor:
        return y.clone()

    def unpack(self, s: Tensor) -> Tensor:
        return s

    def reserve(self, slots: int) -> None:
        self.inner.reserve(slots + 1)

    def evaluate(self, t: float, s: Tensor, out: Tensor, slot: int) -> None:
        # The inner kernel must keep every evaluation for its product with a: slot 0 is for those nobody asks for.
        n = self.inner.size
        self.inner.evaluate(t, s[:n], out[:n], slot + 1)
        self.inner.pull_back(slot + 1, s[n:], out[n:])
        out[n:].neg_()

    def pull_back(self, slot: int, cotangent: Tensor, out: Tensor) -> None:
        raise TypeError(
            "the adjoint ODE is not differentiated again: use adjoint='backprop' for second derivatives"
        )

    def gradients(self, slots: Sequence[int], weights: Sequence[float] | None = None) -> tuple[Tensor, ...]:
        return self.inner.gradients([slot + 1 for slot in slots], weights)

    def bytes_per_slot(self) -> int:
        return self.inner.bytes_per_slot()

    def release(self) -> None:
        self.inner.release()


class _AdjointStepper(BufferedStepper):
    """Steps of (y, a) in which a may be added to at the end of a step."""

    def __init__(self, kernel: AugmentedKernel, method: ButcherTableau, start: Tensor) -> None:
        super().__init__(kernel, method, start, Keep.LATEST_STEP)
        self._half = kernel.inner.size
        self._impulse: Tensor | None = None

    def add(self, impulse: Tensor) -> None:
        """Add to a once the attempted step is accepted."""
        self._impulse = impulse.clone() if self._impulse is None else self._impulse.add_(impulse)

    def accept(self) -> None:
        super().accept()
        if self._impulse is not None:
            self._y[self._half :].add_(self._impulse)
            torch.abs(self._y, out=self._size)
            self._impulse, self._have_start = None, False


class BacksolveAdjoint:
    """The adjoint ODE, solved backwards together with the state from the last one reached."""

    def __init__(
        self,
        kernel: Kernel,
        method: ButcherTableau,
        times: Sequence[float],
        run: Run,
        policy: Callable[[float, float], StepPolicy],
        watch: Watch,
        stats: Stats,
    ) -> None:
        """``policy(t_from, t_to)`` makes the backward solve's step policy; ``watch`` may end it and knows the jumps."""
        self._kernel, self._method, self._times = kernel, method, list(times)
        self._run, self._policy, self._watch, self._stats = run, policy, watch, stats
        #: Rows reached, the last first, and the last state.
        self._rows: list[int] = []
        self._end = torch.empty(0)
        release_with(self, kernel)
        # Other kernels have copies of the weights.
        self.evaluates = isinstance(kernel, AutogradKernel)

    def forward(self, y0: Tensor) -> Tensor:
        y, trace = self._run(BufferedStepper(self._kernel, self._method, y0), Watch())
        self._times += [t for t, _ in trace.crossings]
        reached = torch.isfinite(y).flatten(1).all(1).nonzero()[:, 0].tolist()
        forwards = self._times[1] > self._times[0]
        # Nothing depends on rows that were never reached.
        self._rows = sorted(reached, key=lambda row: self._times[row], reverse=forwards)
        self._end = y[self._rows[0]].clone() if self._rows else y[0].clone()
        self._stats.bytes_kept += self._end.numel() * self._end.element_size()
        return y

    def backward(self, grad: Tensor) -> tuple[Tensor, ...]:
        kernel, core = AugmentedKernel(self._kernel), self._method.core
        y, rows, t0 = self._kernel.pack(self._end), list(self._rows), self._times[0]
        a, t1 = torch.zeros_like(y), self._times[rows[0]] if rows else t0
        while rows and self._times[rows[0]] == t1 != t0:
            a.add_(self._kernel.pack(grad[rows.pop(0)]))
        stepper = _AdjointStepper(kernel, self._method, torch.cat([y, a]))
        along = _AlongTrajectory(self._kernel, self._method, core + 2 + self._method.extra, y)
        weights = [float(b) for b in self._method.b]

        def passed(step: TapedStep) -> None:
            parts = kernel.gradients(step.slots[:core], [-step.h * b for b in weights])
            for total, part in zip(along.totals, parts, strict=True):
                total.add_(part)
            inside: list[int] = []
            fractions: list[float] = []
            while rows and (theta := (self._times[rows[0]] - step.t) / step.h) <= 1.0 + 1e-12:
                left = 1.0 - theta
                if left <= 1e-12:
                    stepper.add(self._kernel.pack(grad[rows.pop(0)]))
                    continue
                inside.append(rows.pop(0))
                fractions.append(left)
            if inside:
                self._add_outputs(stepper, step, fractions, grad[inside], along)

        if t1 != t0:
            watch = replace(self._watch, on_accept=passed)
            trace = integrate(stepper, (t1, t0), self._policy(t1, t0), Stats(), watch)
            a = stepper.state[self._kernel.size :].clone()
            if trace.status is not Status.SUCCESS:
                for total in (a, *along.totals):
                    total.fill_(math.nan)
        for row in rows:
            a.add_(self._kernel.pack(grad[row]))
        spent = stepper.nfe + along.nfe
        self._stats.count_backward(self, spent, spent)
        return self._kernel.unpack(a), *along.totals

    def _add_outputs(
        self,
        stepper: _AdjointStepper,
        step: TapedStep,
        fractions: list[float],
        grads: Tensor,
        along: _AlongTrajectory,
    ) -> None:
        """Carry what outputs inside a backward step add to a to the step's end.

        ``fractions`` are those of the same step walked forwards, from its end to its start; ``grads [n, batch, dim]``
        is dL/dy there.
        """
        n = self._kernel.size
        polynomial = stepper.polynomial(step.h)[:, :n]
        # y(e + phi H) with H = -h and phi = 1 - theta, as a polynomial in phi.
        y_end = at_fraction(stepper.state[:n], polynomial, 1.0)
        piece = _Piece(step.t + step.h, -step.h, y_end, _reversed(polynomial), stepper.window)
        walk = TransposedSteps(self._kernel, self._method, y_end)
        walk.step(-step.h, partial(along.pull, piece=piece), fractions, grads)
        walk.arrive()
        along.collect()
        stepper.add(walk.lam)


def _reversed(polynomial: Tensor) -> Tensor:
    """Coefficients of q(phi) = p(1 - phi) - p(1), for p without constant term ``[degree, n]``."""
    degree = polynomial.shape[0]
    matrix = [[(-1) ** j * math.comb(m, j) for m in range(1, degree + 1)] for j in range(1, degree + 1)]
    return polynomial.new_tensor(matrix) @ polynomial
