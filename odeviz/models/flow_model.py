"""What every model with a flow has: a field, an end time, a solver, and what its latest solve cost."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from odeviz.engine import Solution
from odeviz.engine.checks import check_instance
from odeviz.engine.integrate import CancelToken
from odeviz.models.options import SolverOptions, check_states, without_graph


class FlowModel(nn.Module):
    """A model whose states ``[batch, field.dim]`` follow ``field(t, z)`` from t = 0 to ``t1``.

    ``solver`` may be replaced at any time; ``last_solution`` tells what the latest solve cost and whether it
    succeeded: what a failed solve did not reach is NaN, and nothing is raised.
    """

    field: nn.Module

    def __init__(self, solver: SolverOptions) -> None:
        super().__init__()
        check_instance("solver", solver, SolverOptions)
        self.solver = solver
        self.last_solution: Solution | None = None

    @property
    def t1(self) -> float:
        """The end time of the flow, which starts at 0."""
        raise NotImplementedError

    @property
    def state_dim(self) -> int:
        """Number of dimensions of the state that flows."""
        dim: int = self.field.dim  # type: ignore[assignment]
        return dim

    def flow(
        self,
        z0: Tensor,
        t: Sequence[float],
        solver: SolverOptions | None = None,
        *,
        cancel: CancelToken | None = None,
        dense: bool = False,
    ) -> Solution:
        """Carry states ``z0 [batch, state_dim]`` from ``t[0]`` through the times ``t``, either way."""
        check_states("z0", z0, self.state_dim)
        solution = (solver or self.solver).solve(self.field, z0, t, cancel=cancel, dense=dense)
        self.last_solution = without_graph(solution)
        return solution

    def jumped(self, event: int, t: Tensor, y: Tensor) -> Tensor:
        """The states ``[n, dim]`` after the jumps of an event, by its number, at times ``t [n]`` from states ``y``.

        Only flows with events have any.
        """
        raise NotImplementedError
