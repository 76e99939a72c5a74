"""ODE-Net: a classifier whose hidden layers are the flow of a vector field (Chen et al., 2018)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from torch import Tensor

from odeviz.engine import Solution
from odeviz.engine.integrate import CancelToken
from odeviz.fields import ControlledField, MLPField
from odeviz.models.classifier import Classifier
from odeviz.models.options import SolverOptions, checked_widths


class ODENet(Classifier):
    """Lift the input, carry it along a flow from t = 0 to ``t1``, read class scores off linearly.

    ::

        model = ODENet(dim=2, classes=2)
        optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
        for x, label in batches:
            loss = torch.nn.functional.cross_entropy(model(x), label)
            optimizer.zero_grad(); loss.backward(); optimizer.step()

    ``extra_dims`` zeros are appended to the input (Dupont et al., *Augmented Neural ODEs*, 2019), so that
    trajectories can pass each other. ``controlled`` lets the field see the input, f(t, h, x) (Massaroli et al.,
    *Dissecting Neural ODEs*, 2020): the state is then ``[h, x]``. With ``inputs`` a linear map takes that many numbers
    to ``dim`` first. ``solver`` may be replaced at any time; ``last_solution`` tells what the latest solve cost and
    whether it succeeded: rows of a failed solve are NaN, and nothing is raised.

    Wrong values raise ``ValueError`` naming the argument.
    """

    def __init__(
        self,
        dim: int = 2,
        classes: int = 2,
        hidden: Sequence[int] = (64, 64),
        *,
        activation: str = "tanh",
        time: str = "concat",
        extra_dims: int = 0,
        controlled: bool = False,
        inputs: int | None = None,
        t1: float = 1.0,
        solver: SolverOptions | None = None,
    ) -> None:
        solver, hidden = solver or SolverOptions(rtol=1e-3, atol=1e-3), checked_widths(hidden)
        super().__init__(dim, classes, extra_dims=extra_dims, t1=t1, solver=solver)
        self.controlled = controlled
        wide = dim + extra_dims
        if controlled:
            self.field = ControlledField(wide, dim, hidden, activation=activation, time=time)
        else:
            self.field = MLPField(wide, hidden, activation=activation, time=time)
        self._read_off(inputs)


class RKNet(ODENet):
    """An ODE-Net whose gradient is taken through every operation of its Runge-Kutta solver.

    The RK-Net of Chen et al. (2018), Table 1: the same function, and memory that grows with the number of evaluations.
    """

    def flow(
        self,
        z0: Tensor,
        t: Sequence[float],
        solver: SolverOptions | None = None,
        *,
        cancel: CancelToken | None = None,
        dense: bool = False,
    ) -> Solution:
        through = dataclasses.replace(solver or self.solver, adjoint="backprop")
        return super().flow(z0, t, through, cancel=cancel, dense=dense)
