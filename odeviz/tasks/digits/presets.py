"""Digits: the three models of Table 1."""

from __future__ import annotations

from typing import Any

from odeviz.tasks.experiment import Experiment
from odeviz.tasks.preset import Gate, Preset, registry


def _digits(
    name: str,
    title: str,
    sentence: str,
    look_for: str,
    settings: dict[str, Any],
    *,
    seconds: float,
    gates: tuple[Gate, ...],
) -> Preset:
    return Preset(
        f"digits-{name}", title, sentence, look_for, Experiment.of("digits", settings), seconds, gates
    )


PRESETS = registry(
    _digits(
        "odenet",
        "Digits by an ODE-Net",
        "One field carries handwritten digits to where planes part them; its gradient is the paper's adjoint ODE.",
        "Ten bundles fan out of one cloud; move the tolerance to 1 and hardly a digit changes sides.",
        {"options.model": "ode-net", "solver.adjoint": "backsolve"},
        seconds=4,
        gates=(
            Gate("error", at_most=0.04),
            Gate("parameters", at_most=27562 // 3),
            Gate("tolerance_shift", at_most=0.01),
        ),
    ),
    _digits(
        "resnet",
        "Digits by a residual net",
        "Six residual blocks of their own weights: six Euler steps, each of another field.",
        "The paths are polylines that bend at every layer, and take four times as many parameters.",
        {"options.model": "residual-net"},
        seconds=2,
        gates=(Gate("error", at_most=0.06),),
    ),
    _digits(
        "rknet",
        "Digits by an RK-Net",
        "The ODE-Net again, its gradient taken through every operation of a Runge-Kutta solver.",
        "Table 1: the same error and parameters as the ODE-Net, but memory that grows with the evaluations.",
        {"options.model": "rk-net", "solver.method": "rk4", "solver.steps": 6},
        seconds=5,
        gates=(Gate("error", at_most=0.04), Gate("tolerance_shift", at_most=0.01)),
    ),
)
