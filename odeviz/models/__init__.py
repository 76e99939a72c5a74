"""Vector fields put to use: the ODE-Net classifier and the continuous normalizing flow."""

from odeviz.models.cnf import CNF
from odeviz.models.flow_model import FlowModel
from odeviz.models.odenet import ODENet
from odeviz.models.options import SolverOptions

__all__ = ["CNF", "FlowModel", "ODENet", "SolverOptions"]
