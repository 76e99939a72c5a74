"""Time series that work."""

from __future__ import annotations

from odeviz.tasks.experiment import Experiment
from odeviz.tasks.latent import RNN
from odeviz.tasks.preset import Gate, Preset, registry

PRESETS = registry(
    Preset(
        "latent-spirals",
        "Spirals seen at 30 moments",
        "A latent ODE tells a spiral from 30 noisy points at irregular times, and goes on where they end.",
        "Clockwise and counter-clockwise spirals flow in two separate bundles, which a line parts.",
        Experiment.of("latent"),
        seconds=180,
        gates=(Gate("rmse", at_most=0.2), Gate("separable", at_least=0.95)),
        limit=300,
    ),
    Preset(
        "latent-spirals-rnn",
        "The same spirals, by a recurrent net",
        "The baseline predicts each observation from those before it, and then reads its own predictions.",
        "Compare the error beyond the observations with the latent ODE's, in the table of the views.",
        Experiment.of("latent", {"options.model": RNN, "training.iterations": 3000}),
        seconds=90,
        gates=(Gate("rmse", at_most=0.4),),
        limit=180,
    ),
)
