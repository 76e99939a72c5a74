"""Residual net: a classifier whose blocks are Euler steps (Chen et al., 2018, eqs 1 and 2)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from odeviz.engine import Solution
from odeviz.engine.integrate import CancelToken
from odeviz.fields import BlockField, MLPField
from odeviz.models.classifier import Classifier
from odeviz.models.layers import layered_flow
from odeviz.models.options import SolverOptions, without_graph


class ResidualNet(Classifier):
    """N residual blocks h + (t1/N) f_k(h) between a lift of the input and a linear readout.

    Its layers are times: block k is the step of Euler's method from k t1/N. With ``tied`` all blocks share one field,
    which may depend on time, and the net is N Euler steps of an ODE-Net's flow; else each has weights of its own.

    ``flow`` always makes the net's own steps, whatever solver it is given, and is linear between layers: a solution
    that was exact would be of another model.

    Wrong values raise ``ValueError`` naming the argument.
    """

    def __init__(
        self,
        dim: int = 2,
        classes: int = 2,
        hidden: Sequence[int] = (64, 64),
        *,
        blocks: int = 6,
        tied: bool = False,
        activation: str = "tanh",
        time: str = "concat",
        extra_dims: int = 0,
        inputs: int | None = None,
        t1: float = 1.0,
        solver: SolverOptions | None = None,
    ) -> None:
        solver = solver or SolverOptions(method="euler", steps=max(blocks, 1))
        super().__init__(dim, classes, extra_dims=extra_dims, t1=t1, solver=solver)
        if blocks < 1:
            raise ValueError(f"blocks must be at least 1, not {blocks}")
        self.blocks, self.tied = blocks, tied
        wide = dim + extra_dims
        if tied:
            self.field = MLPField(wide, tuple(hidden), activation=activation, time=time)
        else:
            self.field = BlockField(wide, blocks, hidden, activation=activation, t1=t1)
        self._read_off(inputs)

    def flow(
        self,
        z0: Tensor,
        t: Sequence[float],
        solver: SolverOptions | None = None,
        *,
        cancel: CancelToken | None = None,
        dense: bool = False,
    ) -> Solution:
        """Carry states ``z0 [batch, state_dim]`` through the layers between ``t[0]`` and ``t[-1]``: see ``layers``."""
        solution = layered_flow(self.field, z0, t, self.blocks, self.t1, cancel, dense)
        self.last_solution = without_graph(solution)
        return solution
