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
    variant: str = "",
    iterations: int = 2000,
    seconds: float,
    margin: float,
    nfe: float | None = None,
    **options: float | str,
) -> Preset:
    """A preset that must come within ``margin`` nats of the entropy and, where given, spend at most ``nfe``."""
    width = {"field.width": options.pop("width")} if "width" in options else {}
    experiment = Experiment.of(
        "density",
        {
            "data.name": data,
            "data.noise": DATASETS[data].default_noise,
            "training.iterations": iterations,
            **width,
            **{f"options.{name}": value for name, value in options.items()},
        },
    )
    gates = (
        # Below the entropy by more than chance, a density is no density.
        Gate("gap", at_most=margin),
        Gate("gap_in_se", at_least=-3.0),
        Gate("mass", at_least=0.99, at_most=1.01),
        *(() if nfe is None else (Gate("nfe", at_most=nfe),)),
    )
    name = f"{data}-density-{variant}" if variant else f"{data}-density"
    return Preset(name, title, sentence, look_for, experiment, seconds, gates)


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
    _density(
        "circles",
        "Two circles",
        "The standard normal is opened into a ring around a ring.",
        "A flow cannot punch holes: faint seams run across both rings.",
        seconds=30,
        margin=0.3,
    ),
    _density(
        "swissroll",
        "Swiss roll",
        "One long arm is rolled up out of the standard normal.",
        "The arm's two ends are thin in the middle of the bell at first: scrub through the film.",
        seconds=30,
        margin=0.05,
    ),
    _density(
        "moons",
        "Two moons, cheap to solve",
        "The two moons with RNODE's penalties on kinetic energy and Jacobian (Finlay et al., 2020).",
        "Compare the NFE with the plain moons at the same tolerance: less than half, for the same likelihood.",
        variant="rnode",
        iterations=1500,
        seconds=25,
        margin=0.05,
        nfe=90,
        kinetic=0.01,
        jacobian=0.01,
    ),
    _density(
        "moons",
        "Two moons with a shaken end",
        "The two moons with an end time that is drawn anew for every batch (STEER, Ghosh et al., 2020).",
        "The field has come to rest before the end: scrub over the last fifth of the flow.",
        variant="steer",
        seconds=25,
        margin=0.05,
        nfe=97,
        steer=0.25,
    ),
    _density(
        "moons",
        "Two moons through noise",
        "The two moons with Hutchinson's estimate of the trace from one random sign a dimension (FFJORD).",
        "Open the view of trace estimates: each is far off, and their mean is right.",
        variant="hutchinson",
        iterations=1500,
        seconds=25,
        margin=0.05,
        trace="hutchinson-rademacher",
    ),
    _density(
        "moons",
        "Two moons by units that come and go",
        "The two moons with a planar flow: a sum of hidden units, each behind a gate of time (Chen et al., 2018).",
        "The trace of the sum is the sum of the units' traces: its cost grows with the units, not with their square.",
        variant="planar",
        seconds=25,
        margin=0.1,
        field="planar",
        width=64,
    ),
)
