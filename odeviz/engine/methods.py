"""Every method by name, and who makes its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from odeviz.engine.families.adams import ADAMS, Adams, AdamsStepper
from odeviz.engine.families.dop853 import DOP853
from odeviz.engine.families.esdirk import ESDIRK4, ESDIRKStepper, ESDIRKTableau
from odeviz.engine.families.leapfrog import (
    ASYNCHRONOUS_LEAPFROG,
    LEAPFROG,
    AsynchronousLeapfrog,
    AsynchronousLeapfrogStepper,
    Leapfrog,
    LeapfrogStepper,
)
from odeviz.engine.families.runge_kutta import DifferentiableStepper
from odeviz.engine.families.tableau import (
    BOSH3,
    DOPRI5,
    EULER,
    HEUN,
    MIDPOINT,
    RALSTON,
    RK4,
    TSIT5,
    ButcherTableau,
)
from odeviz.engine.kernel import VectorField
from odeviz.engine.method import Method
from odeviz.engine.stepper import Stepper

#: Every method by name.
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        EULER,
        MIDPOINT,
        HEUN,
        RALSTON,
        RK4,
        BOSH3,
        DOPRI5,
        TSIT5,
        DOP853,
        ADAMS,
        LEAPFROG,
        ASYNCHRONOUS_LEAPFROG,
        ESDIRK4,
    )
}

#: What other programs call such methods, in lower case, for a word to those who ask for them by that name.
NAMES_ELSEWHERE: dict[str, str] = {
    **dict.fromkeys(("rk45", "ode45", "dormand_prince", "dopri54"), "dopri5"),
    **dict.fromkeys(("rk23", "ode23", "bogacki_shampine"), "bosh3"),
    **dict.fromkeys(("dop853", "dopri8", "ode78", "ode89"), "dop853"),
    **dict.fromkeys(("lsoda", "bdf", "radau", "ode15s", "ode23s", "vode", "cvode", "kvaerno5"), "esdirk4"),
    **dict.fromkeys(("explicit_adams", "implicit_adams", "fixed_adams", "ode113", "abm"), "adams"),
    **dict.fromkeys(("adaptive_heun", "heun2", "fehlberg2"), "heun"),
    **dict.fromkeys(("verlet", "symplectic", "stormer_verlet"), "leapfrog"),
    **dict.fromkeys(("alf", "reversible_heun"), "asynchronous-leapfrog"),
    "rk2": "midpoint",
    "heun3": "bosh3",
}

#: For each family, what makes a method's steps by ordinary tensor operations.
STEPPERS: dict[type[Method], Callable[[VectorField, Any, Tensor], Stepper]] = {
    ButcherTableau: DifferentiableStepper,
    Adams: AdamsStepper,
    Leapfrog: LeapfrogStepper,
    AsynchronousLeapfrog: AsynchronousLeapfrogStepper,
    ESDIRKTableau: ESDIRKStepper,
}


def differentiable_stepper(method: Method, field: VectorField, y0: Tensor) -> Stepper:
    """Steps of ``method`` on ``y0 [batch, dim]`` by ordinary tensor operations."""
    return STEPPERS[type(method)](field, method, y0)
