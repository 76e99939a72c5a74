"""Fits that work."""

from __future__ import annotations

from odeviz.tasks.experiment import Experiment
from odeviz.tasks.preset import Gate, Preset, registry


def experiment_of(potential: str, kind: str, units: int) -> Experiment:
    """What a fit is trained by; layers take smaller steps of the weights than units do."""
    settings = {"data.name": potential, "options.model": kind, "options.units": units}
    return Experiment.of("variational", settings | ({"training.lr": 1e-2} if kind == "planar-nf" else {}))


def _fit(
    potential: str,
    title: str,
    sentence: str,
    look_for: str,
    *,
    seconds: float,
    kl: float,
    model: str = "planar-cnf",
    units: int = 32,
) -> Preset:
    experiment = experiment_of(potential, model, units)
    gates = (
        Gate("kl", at_most=kl),
        # A divergence below zero by more than chance is none.
        Gate("kl_in_se", at_least=-3.0),
        Gate("outside", at_most=0.01),
        Gate("mass", at_least=0.99, at_most=1.01),
    )
    name = f"{potential.lower()}-{model}" if units == 32 else f"{potential.lower()}-{model}-{units}"
    return Preset(name, title, sentence, look_for, experiment, seconds, gates)


PRESETS = registry(
    _fit(
        "U1",
        "Fit two sides of a ring",
        "32 gated units flow into a density that is given by its energy alone (Rezende and Mohamed, 2015).",
        "No data is seen: samples of the flow are scored by the energy, and KL(q‖p) is known absolutely.",
        seconds=15,
        kl=0.05,
    ),
    _fit(
        "U2",
        "Fit a wave",
        "32 gated units bend the standard normal along a sine that ends at the square's edges.",
        "The ends stay soft: a smooth flow has no edge, and pays for it in nats.",
        seconds=20,
        kl=0.1,
    ),
    _fit(
        "U3",
        "Fit a wave that splits",
        "32 gated units split the standard normal and join it again.",
        "Where the wave splits, a flow can only stretch: look for the bridge in the comparison.",
        seconds=20,
        kl=0.15,
    ),
    _fit(
        "U4",
        "Fit a wave that forks",
        "32 gated units fork the standard normal.",
        "Which branch is thin? KL(q‖p) forgives what q leaves out sooner than what it adds.",
        seconds=20,
        kl=0.2,
    ),
    _fit(
        "U1",
        "The same two sides by layers",
        "32 planar layers, one after the other, in place of 32 units that act all the time.",
        "Its times are layers: step through them, and compare KL with the continuous flow of as many units.",
        seconds=12,
        kl=0.3,
        model="planar-nf",
    ),
    _fit(
        "U1",
        "The same two sides by eight layers",
        "Eight planar layers: each can push along one direction only.",
        "Open the view of units: an arrow a layer. The sides stay angular where no layer was left to round them.",
        seconds=4,
        kl=0.6,
        model="planar-nf",
        units=8,
    ),
)
