"""Densities that work."""

from __future__ import annotations

from odeviz.tasks.datasets import DATASETS
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.preset import Gate, Preset, registry


def _density(
    data: str,
    title: str,
    sentence: str,
    look_for: str,
    *,
    iterations: int = 2000,
    seconds: float,
    margin: float,
) -> Preset:
    experiment = Experiment.of(
        "density",
        {
            "data.name": data,
            "data.noise": DATASETS[data].default_noise,
            "training.iterations": iterations,
        },
    )
    gates = (
        # Below the entropy by more than chance, a density is no density.
        Gate("gap", at_most=margin),
        Gate("gap_in_se", at_least=-3.0),
        Gate("mass", at_least=0.99, at_most=1.01),
    )
    return Preset(f"{data}-density", title, sentence, look_for, experiment, seconds, gates)


PRESETS = registry(
    _density(
        "moons",
        "A normal becomes two moons",
        "A continuous normalizing flow carries the standard normal to the density of two moons.",
        "The density splits in two near the end of the flow, joined by a faint filament.",
        seconds=25,
        margin=0.05,
    ),
    _density(
        "8gaussians",
        "A normal becomes eight",
        "One bell is pulled apart into eight.",
        "Faint bridges join the modes: a flow cannot cut the plane.",
        seconds=35,
        margin=0.05,
    ),
    _density(
        "pinwheel",
        "Pinwheel",
        "Five curved arms grow out of the standard normal.",
        "The field turns and stretches at once; watch the arms bend outwards.",
        seconds=30,
        margin=0.1,
    ),
    _density(
        "checkerboard",
        "Checkerboard",
        "Eight uniform squares with hard edges: a smooth flow can only come close.",
        "The edges stay soft, and the likelihood keeps its distance from ln 32.",
        iterations=2500,
        seconds=45,
        margin=0.4,
    ),
    _density(
        "2spirals",
        "Roll up two spirals",
        "The standard normal is wound into two thin arms.",
        "The arms need large rotations: compare the number of steps with the moons.",
        iterations=2500,
        seconds=45,
        margin=0.4,
    ),
    _density(
        "rings",
        "Four rings",
        "Four thin concentric rings, the hardest of the toy densities here.",
        "Each ring stays open by a hair: a flow keeps the plane's topology.",
        iterations=2500,
        seconds=45,
        margin=0.4,
    ),
)
