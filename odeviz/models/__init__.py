"""Vector fields put to use: the ODE-Net classifier, and densities by continuous and by planar normalizing flows."""

from odeviz.models.cnf import CNF
from odeviz.models.density_model import DensityModel
from odeviz.models.flow_model import FlowModel
from odeviz.models.odenet import ODENet
from odeviz.models.options import SolverOptions
from odeviz.models.planar_nf import PlanarNF

__all__ = ["CNF", "DensityModel", "FlowModel", "ODENet", "PlanarNF", "SolverOptions"]
