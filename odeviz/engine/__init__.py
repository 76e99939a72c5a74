"""ODE numerics: methods, step control, dense output, events and gradients. torch only; knows no model, no Qt."""

from odeviz.engine.controller import CONTROLLERS, PIDController
from odeviz.engine.events import Event, EventRecord
from odeviz.engine.kernel import AutogradKernel, Kernel, VectorField
from odeviz.engine.method import Method
from odeviz.engine.methods import METHODS
from odeviz.engine.solution import Solution, Stats, Status, StepRecord
from odeviz.engine.solve import ADJOINTS, solve
from odeviz.engine.tableau import ButcherTableau

__all__ = [
    "ADJOINTS",
    "CONTROLLERS",
    "METHODS",
    "AutogradKernel",
    "ButcherTableau",
    "Event",
    "EventRecord",
    "Kernel",
    "Method",
    "PIDController",
    "Solution",
    "Stats",
    "Status",
    "StepRecord",
    "VectorField",
    "solve",
]
