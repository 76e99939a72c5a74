"""Presets: experiments that work, each with a sentence and what to look for. No torch."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from odeviz.tasks.datasets import DATASETS
from odeviz.tasks.experiment import DataConfig, Experiment, FieldConfig, SolverConfig, TrainingConfig


@dataclass(frozen=True, slots=True)
class Preset:
    """An experiment with its card in the gallery."""

    name: str
    title: str
    #: What it is, in one sentence.
    sentence: str
    #: What a viewer should watch, in one sentence.
    look_for: str
    experiment: Experiment
    #: About how long training takes on one core of a laptop.
    seconds: float


def _classifier(
    data: str,
    title: str,
    sentence: str,
    look_for: str,
    *,
    iterations: int,
    seconds: float,
    extra_dims: int = 0,
    lr: float = 5e-3,
) -> Preset:
    experiment = Experiment(
        task="classification",
        data=DataConfig(name=data, samples=1024, noise=DATASETS[data].default_noise),
        field=FieldConfig(width=64, depth=2, activation="tanh", time="concat", extra_dims=extra_dims),
        solver=SolverConfig(method="dopri5", rtol=1e-3, atol=1e-3),
        training=TrainingConfig(lr=lr, schedule="cosine", iterations=iterations, batch=256),
    )
    return Preset(f"{data}-classifier", title, sentence, look_for, experiment, seconds)


def _density(
    data: str,
    title: str,
    sentence: str,
    look_for: str,
    *,
    iterations: int = 2000,
    seconds: float,
) -> Preset:
    experiment = Experiment(
        task="density",
        data=DataConfig(name=data, noise=DATASETS[data].default_noise),
        field=FieldConfig(width=48, depth=2, activation="tanh", time="concatsquash"),
        solver=SolverConfig(method="dopri5", rtol=1e-3, atol=1e-3, learn_t1=True),
        training=TrainingConfig(lr=1e-2, schedule="cosine", iterations=iterations, batch=256),
    )
    return Preset(f"{data}-density", title, sentence, look_for, experiment, seconds)


def _registry(*presets: Preset) -> dict[str, Preset]:
    return {preset.name: preset for preset in presets}


PRESETS: dict[str, Preset] = _registry(
    _classifier(
        "moons",
        "Untangle two moons",
        "A neural ODE carries two interleaving half circles to where one line parts them.",
        "The NFE grows as training goes on: a sharper flow needs more steps.",
        iterations=1000,
        seconds=10,
    ),
    _classifier(
        "circles",
        "Circle inside a circle",
        "Trajectories of a flow cannot cross, so the inner circle has to squeeze out between outer points.",
        "A thin bridge of the inner class stays inside the outer one, whatever the accuracy says.",
        iterations=1000,
        seconds=10,
    ),
    _classifier(
        "spirals",
        "Unroll two spirals",
        "Two spirals of one and a half turns are unrolled until a line parts them.",
        "The NFE climbs several times over while the spirals open.",
        iterations=2000,
        seconds=35,
        lr=1e-2,
    ),
    _classifier(
        "annuli",
        "One dimension more",
        "A disc inside a ring: with one extra dimension the flow lifts the disc out of the plane.",
        "Set the extra dimensions to 0 and the boundary tears instead of closing.",
        iterations=1000,
        seconds=6,
        extra_dims=1,
    ),
    _density(
        "moons",
        "A normal becomes two moons",
        "A continuous normalizing flow carries the standard normal to the density of two moons.",
        "The density splits in two near the end of the flow, joined by a faint filament.",
        seconds=25,
    ),
    _density(
        "8gaussians",
        "A normal becomes eight",
        "One bell is pulled apart into eight.",
        "Faint bridges join the modes: a flow cannot cut the plane.",
        seconds=35,
    ),
    _density(
        "pinwheel",
        "Pinwheel",
        "Five curved arms grow out of the standard normal.",
        "The field turns and stretches at once; watch the arms bend outwards.",
        seconds=30,
    ),
    _density(
        "checkerboard",
        "Checkerboard",
        "Eight uniform squares with hard edges: a smooth flow can only come close.",
        "The edges stay soft, and the likelihood keeps its distance from ln 32.",
        iterations=2500,
        seconds=45,
    ),
    _density(
        "2spirals",
        "Roll up two spirals",
        "The standard normal is wound into two thin arms.",
        "The arms need large rotations: compare the number of steps with the moons.",
        iterations=2500,
        seconds=45,
    ),
    _density(
        "rings",
        "Four rings",
        "Four thin concentric rings, the hardest of the toy densities here.",
        "Each ring stays open by a hair: a flow keeps the plane's topology.",
        iterations=2500,
        seconds=45,
    ),
)


def preset(name: str) -> Preset:
    """The preset of that name; raises ``ValueError`` that lists the names and the closest one."""
    if name in PRESETS:
        return PRESETS[name]
    close = difflib.get_close_matches(name, PRESETS, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    raise ValueError(f"there is no preset {name!r}{hint}; the presets are {', '.join(PRESETS)}")
