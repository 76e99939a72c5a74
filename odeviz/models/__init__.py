"""Vector fields put to use: the ODE-Net classifier and the continuous normalizing flow."""

from odeviz.models.cnf import CNF
from odeviz.models.odenet import ODENet
from odeviz.models.options import SolverOptions

__all__ = ["CNF", "ODENet", "SolverOptions"]
