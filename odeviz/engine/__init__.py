"""ODE numerics: methods, step control, dense output, events and gradients. torch only; knows no model, no Qt."""

from odeviz.engine.controller import CONTROLLERS, PIDController
from odeviz.engine.events import Event, EventRecord
from odeviz.engine.families.tableau import ButcherTableau
from odeviz.engine.kernel import AutogradKernel, Kernel, VectorField
from odeviz.engine.method import Method
from odeviz.engine.methods import METHODS
from odeviz.engine.odeint.call import SolveError
from odeviz.engine.odeint.interface import odeint, odeint_adjoint, odeint_dense, odeint_event
from odeviz.engine.solution import PerSample, SampleSteps, Solution, Stats, Status, StepRecord
from odeviz.engine.solve import ADJOINTS, solve

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
    "PerSample",
    "SampleSteps",
    "Solution",
    "SolveError",
    "Stats",
    "Status",
    "StepRecord",
    "VectorField",
    "odeint",
    "odeint_adjoint",
    "odeint_dense",
    "odeint_event",
    "solve",
]
