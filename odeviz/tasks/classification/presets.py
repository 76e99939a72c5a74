"""Classifiers that work."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from odeviz.tasks.datasets import DATASETS
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.preset import Gate, Preset, registry


def _classifier(
    data: str,
    title: str,
    sentence: str,
    look_for: str,
    *,
    iterations: int,
    seconds: float,
    accuracy: float,
    limit: float,
    extra_dims: int = 0,
    lr: float = 5e-3,
    name: str = "classifier",
    more: Mapping[str, Any] = MappingProxyType({}),
) -> Preset:
    experiment = Experiment.of(
        "classification",
        {
            "data.name": data,
            "data.noise": DATASETS[data].default_noise,
            "field.extra_dims": extra_dims,
            "training.lr": lr,
            "training.iterations": iterations,
            **more,
        },
    )
    gates = (Gate("accuracy", at_least=accuracy),)
    return Preset(f"{data}-{name}", title, sentence, look_for, experiment, seconds, gates, limit)


PRESETS = registry(
    _classifier(
        "moons",
        "Untangle two moons",
        "A neural ODE carries two interleaving half circles to where one line parts them.",
        "The NFE grows as training goes on: a sharper flow needs more steps.",
        iterations=1000,
        seconds=8,
        accuracy=0.98,
        limit=30,
    ),
    _classifier(
        "circles",
        "Circle inside a circle",
        "Trajectories of a flow cannot cross, so the inner circle has to squeeze out between outer points.",
        "A thin bridge of the inner class stays inside the outer one, whatever the accuracy says.",
        iterations=1000,
        seconds=12,
        accuracy=0.97,
        limit=30,
    ),
    _classifier(
        "spirals",
        "Unroll two spirals",
        "Two spirals of one and a half turns are unrolled until a line parts them.",
        "The NFE climbs several times over while the spirals open.",
        iterations=2000,
        seconds=25,
        lr=1e-2,
        accuracy=0.97,
        limit=60,
    ),
    _classifier(
        "annuli",
        "One dimension more",
        "A disc inside a ring: with one extra dimension the flow lifts the disc out of the plane.",
        "Set the extra dimensions to 0 and the boundary tears instead of closing.",
        iterations=1000,
        seconds=8,
        extra_dims=1,
        accuracy=0.99,
        limit=30,
    ),
    _classifier(
        "annuli",
        "Disc in a ring, within the plane",
        "The disc inside the ring with a flow of the plane alone, which can neither cut nor glue.",
        "Nearly all points are right, but look at the view of the boundary: it never closes round the disc.",
        name="node",
        iterations=1000,
        seconds=12,
        lr=1e-2,
        accuracy=0.995,
        limit=60,
    ),
    _classifier(
        "annuli",
        "Disc in a ring, the input in view",
        "A data-controlled flow f(z, t, x) parts disc and ring in the plane, with no dimension more.",
        "Paths cross, and the boundary closes: each point has a field of its own.",
        name="controlled",
        more={"options.controlled": True},
        iterations=600,
        seconds=10,
        accuracy=0.99,
        limit=30,
    ),
    _classifier(
        "moons",
        "A residual net on the moons",
        "Eight residual blocks, each with weights of its own: eight Euler steps, each of another field.",
        "Every path is a polyline with a bend at each layer; the view of Euler's method shows the flow beneath.",
        name="resnet",
        more={"options.model": "residual-net", "options.blocks": 8},
        iterations=600,
        seconds=4,
        accuracy=0.98,
        limit=30,
    ),
)
