"""The transpose of explicit Runge-Kutta steps: from dL/d(end of a step) to dL/d(its start).

Transposed, a method of order p is a method of order p for the adjoint ODE (Sanz-Serna, 2016), and outputs inside a
step are weights on its stages. Where a stage's Jacobian comes from is the caller's: from the tape of the steps taken
(``discrete.py``), or from a trajectory (``continuous.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from odeviz.engine.families.buffered import coefficients
from odeviz.engine.families.tableau import ButcherTableau
from odeviz.engine.interpolant import dense_weights
from odeviz.engine.kernel import Kernel
from odeviz.engine.stepper import TapedStep

#: ``pull(i, cotangent, out)`` writes J_i^T cotangent into ``out``, J_i the Jacobian at stage i of the step: below
#: ``core`` its own stages, at ``core`` the end derivative, above it the dense output's stages.
Pull = Callable[[int, Tensor, Tensor], None]


def outputs_of(step: TapedStep) -> tuple[list[int], list[float]]:
    """Rows of the outputs taken in a step, and where in it they are."""
    return [row for row, _ in step.outputs], [theta for _, theta in step.outputs]


class TransposedSteps:
    """Walks explicit Runge-Kutta steps from the last to the first."""

    def __init__(self, kernel: Kernel, method: ButcherTableau, like: Tensor) -> None:
        """``like`` is a flat state."""
        core = method.core
        self._kernel, self._method = kernel, method
        #: dL/dy where the walk has arrived, but for what the stage shared with the step before still adds.
        self.lam = torch.zeros_like(like)
        self._scratch = torch.empty_like(like)
        # Row i of W: dL/d(input of stage i) for 0 < i < core; row core: dL/dy1.
        self._W = like.new_zeros(core + 1, like.numel())
        self._columns = [self._W[i + 1 :].T for i in range(core)]
        self._coefficients = coefficients(method, like.dtype, like.device)
        self._stage_cotangents = [torch.empty_like(like), torch.empty_like(like)]
        #: dL/dk of the first stage of the step walked last, and how to pull it back.
        self._shared: Tensor | None = None
        self._pull_shared: Pull | None = None

    def step(
        self,
        h: float,
        pull: Pull,
        thetas: Sequence[float],
        grads: Tensor,
        continues: bool = True,
    ) -> None:
        """Walk one step of size ``h`` back.

        ``thetas`` are fractions of the step at which there are outputs, ``grads [len(thetas), batch, dim]`` is dL/dy
        there; ``continues`` tells whether the first stage of the step after is this one's end derivative.
        """
        lam, core, inner = self.lam, self._method.core, self._take_outputs(h, thetas, grads)
        if not continues:
            self.arrive()
        shared = self._shared
        if inner is not None:
            self._through_extra_stages(h, inner, pull)
            shared = inner[1][core] if shared is None else shared.add_(inner[1][core])
        if shared is not None:
            pull(core, shared, self._scratch)
            lam.add_(self._scratch)
        self._W[core].copy_(lam)
        dk = self._stage_cotangents[0]
        for i in range(core - 1, -1, -1):
            torch.addmv(lam, self._columns[i], self._coefficients.transposed[i], beta=0, alpha=h, out=dk)
            if inner is not None:
                dk.add_(inner[1][i])
            if i > 0:
                pull(i, dk, self._W[i])
        torch.sum(self._W[1:], 0, out=lam)
        if inner is not None:
            lam.add_(inner[0])
        self._shared, self._pull_shared = dk, pull
        self._stage_cotangents.reverse()

    def arrive(self) -> None:
        """Complete ``lam`` by the first stage of the step walked last."""
        if self._shared is not None and self._pull_shared is not None:
            self._pull_shared(0, self._shared, self._scratch)
            self.lam.add_(self._scratch)
        self._shared = None

    def _take_outputs(self, h: float, thetas: Sequence[float], grads: Tensor) -> tuple[Tensor, Tensor] | None:
        """Add gradients of outputs at the step's end to ``lam``; for outputs inside it return dL/dy and dL/dk."""
        pack = self._kernel.pack
        for theta, grad in zip(thetas, grads, strict=True):
            if theta == 1.0:
                self.lam.add_(pack(grad))
        inside = [i for i, theta in enumerate(thetas) if theta != 1.0]
        if not inside:
            return None
        rows = grads[inside]
        weights = dense_weights(self._method, [thetas[i] for i in inside]).to(rows)
        shares = h * torch.einsum("ns,nbd->sbd", weights, rows)
        return pack(rows.sum(0)), torch.stack([pack(share) for share in shares])

    def _through_extra_stages(self, h: float, inner: tuple[Tensor, Tensor], pull: Pull) -> None:
        """Carry dL/dk of the dense output's own stages on to the stages before them and to y."""
        dy, dk = inner
        first = self._method.core + 1
        for i in range(self._method.extra - 1, -1, -1):
            pull(first + i, dk[first + i], self._scratch)
            dy.add_(self._scratch)
            dk[: first + i].add_(torch.outer(self._coefficients.extra_a[i], self._scratch), alpha=h)
