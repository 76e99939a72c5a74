"""ODE numerics: methods, step control, dense output and gradients. torch only; knows no model, no task, no Qt."""

from odeviz.engine.controller import PIController
from odeviz.engine.kernel import AutogradKernel, Kernel, VectorField
from odeviz.engine.solution import Solution, Stats, Status, StepRecord
from odeviz.engine.solve import ADJOINTS, solve
from odeviz.engine.tableau import METHODS, ButcherTableau

__all__ = [
    "ADJOINTS",
    "METHODS",
    "AutogradKernel",
    "ButcherTableau",
    "Kernel",
    "PIController",
    "Solution",
    "Stats",
    "Status",
    "StepRecord",
    "VectorField",
    "solve",
]
