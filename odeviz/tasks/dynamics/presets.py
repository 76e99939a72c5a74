"""Systems that are learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from odeviz.tasks.experiment import Experiment
from odeviz.tasks.preset import Gate, Preset, registry


def _preset(
    name: str,
    title: str,
    sentence: str,
    look_for: str,
    settings: Mapping[str, Any],
    seconds: float,
    limit: float = 60.0,
    **gates: float,
) -> Preset:
    """A preset whose figures must each be at most its gate."""
    experiment = Experiment.of("dynamics", settings)
    bounds = tuple(Gate(figure, at_most=bound) for figure, bound in gates.items())
    return Preset(name, title, sentence, look_for, experiment, seconds, bounds, limit)


#: Observations of a swing and of a spring are noisy: without noise an MLP would keep their energy long enough.
_NOISY = {"data.noise": 0.05}

PRESETS = registry(
    _preset(
        "cubic-spiral",
        "Cubic spiral",
        "The spiral y' = Aᵀy³ is learnt from one trajectory of 1,000 points, cut into windows of 10.",
        "Near the origin everything slows down: an error in speed there becomes a shift in phase.",
        {"options.trajectories": 1, "data.samples": 1000, "solver.t1": 25.0},
        seconds=15,
        window_loss=0.005,
    ),
)
