"""Vector fields put to use: classifiers (ODE-Net, residual net), continuous and planar normalizing flows, flows
between data sets, and rates of events."""

from odeviz.models.classifier import Classifier
from odeviz.models.cnf import CNF
from odeviz.models.density_model import DensityModel
from odeviz.models.flow_map import FlowMap
from odeviz.models.flow_model import FlowModel
from odeviz.models.latent_ode import LatentODE
from odeviz.models.odenet import ODENet, RKNet
from odeviz.models.options import SolverOptions
from odeviz.models.planar_nf import PlanarNF
from odeviz.models.poisson_ode import PoissonODE
from odeviz.models.resnet import ResidualNet
from odeviz.models.series_rnn import SeriesRNN
from odeviz.models.transport import MixtureCNF, Transport

__all__ = [
    "CNF",
    "Classifier",
    "DensityModel",
    "FlowMap",
    "FlowModel",
    "LatentODE",
    "MixtureCNF",
    "ODENet",
    "PlanarNF",
    "PoissonODE",
    "RKNet",
    "ResidualNet",
    "SeriesRNN",
    "SolverOptions",
    "Transport",
]
