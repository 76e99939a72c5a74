"""The flip with a flow of the line, which cannot, and with two that can."""

from __future__ import annotations

from typing import Any

from odeviz.tasks.experiment import Experiment
from odeviz.tasks.preset import Gate, Preset, registry


def _flip(
    name: str,
    title: str,
    sentence: str,
    look_for: str,
    settings: dict[str, Any],
    seconds: float,
    *gates: Gate,
) -> Preset:
    experiment = Experiment.of("flip", settings)
    return Preset(f"flip-{name}", title, sentence, look_for, experiment, seconds, gates, limit=30.0)


PRESETS = registry(
    _flip(
        "node",
        "A flip that cannot be",
        "A flow of the line is to carry x to -x, though its paths cannot pass each other.",
        "All paths are squeezed towards 0, and the MSE stays above its floor of 0.3401.",
        {},
        2,
        # The mean of x^2 over the 100 points is 0.34007; rounding at the score's tolerance is allowed for.
        Gate("mse", at_least=0.34, at_most=0.345),
        Gate("above_floor", at_least=-1e-5, at_most=5e-3),
    ),
    _flip(
        "anode",
        "One dimension more and it flips",
        "With one extra dimension the line is turned over through the plane.",
        "The paths swing around each other through a, half a turn, and the MSE goes to 0.",
        {"field.extra_dims": 1},
        2,
        Gate("mse", at_most=1e-3),
    ),
    _flip(
        "controlled",
        "The flip of a field that sees its input",
        "A data-controlled flow f(z, t, x) of the line: each input has a field of its own.",
        "In the plane of input and state every path goes straight up or down; none is in another's way.",
        {"options.controlled": True},
        6,
        Gate("mse", at_most=1e-3),
    ),
)
