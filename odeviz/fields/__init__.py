"""Vector fields f(t, y; θ) on states ``[batch, dim]``."""

from odeviz.fields.activations import ACTIVATIONS
from odeviz.fields.autograd_field import AutogradField
from odeviz.fields.blocks import BlockField
from odeviz.fields.controlled import ControlledField
from odeviz.fields.log_density import LogDensityField
from odeviz.fields.mlp import TIMES, MLPField
from odeviz.fields.planar import PlanarField
from odeviz.fields.rate import RateField
from odeviz.fields.regularized import RegularizedField
from odeviz.fields.rescaled import Rescaled

__all__ = [
    "ACTIVATIONS",
    "TIMES",
    "AutogradField",
    "BlockField",
    "ControlledField",
    "LogDensityField",
    "MLPField",
    "PlanarField",
    "RateField",
    "RegularizedField",
    "Rescaled",
]
