"""Bouncing balls that are learnt."""

from __future__ import annotations

from odeviz.tasks.experiment import Experiment
from odeviz.tasks.preset import Gate, Preset, registry

PRESETS = registry(
    Preset(
        "bouncing-ball",
        "Learn to bounce",
        "Gravity, restitution and the level of the floor are learnt from the heights of four balls, through the "
        "times of their impacts.",
        "Trajectories jump where the floor was learnt to be, from a falling velocity to a smaller rising one.",
        Experiment.of("bouncing-ball"),
        seconds=12,
        gates=(
            Gate("impact_error", at_most=0.01),
            Gate("gravity_error", at_most=0.05),
            Gate("restitution_error", at_most=0.005),
            Gate("level_error", at_most=0.02),
        ),
    ),
)
