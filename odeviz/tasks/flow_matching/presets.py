"""Flows between two distributions that work."""

from __future__ import annotations

from odeviz.tasks.datasets import DATASETS
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.preset import Gate, Preset, registry

#: As Tong et al. (2024) find it: hardly longer than the chord.
_STRAIGHT = Gate("chord_ratio", at_most=1.05)
_ARRIVES = Gate("energy", at_most=0.01)


def _matching(
    name: str,
    source: str,
    data: str,
    coupling: str,
    title: str,
    sentence: str,
    look_for: str,
    *,
    seconds: float,
    gates: tuple[Gate, ...],
    iterations: int = 2000,
) -> Preset:
    experiment = Experiment.of(
        "flow-matching",
        {
            "data.name": data,
            "data.noise": DATASETS[data].default_noise,
            "options.source": source,
            "options.coupling": coupling,
            "training.iterations": iterations,
        },
    )
    # No honest density lies below the entropy of the data by more than chance.
    honest = (Gate("gap_in_se", at_least=-3.0),)
    return Preset(name, title, sentence, look_for, experiment, seconds, (*gates, *honest))


PRESETS = registry(
    _matching(
        "8gaussians-moons-cfm",
        "8gaussians",
        "moons",
        "independent",
        "Moons from random pairs",
        "Eight Gaussians become moons: a field is fitted to straight lines between random pairs, without an ODE.",
        "The lines cross, the fitted paths cannot: they bend, and few Euler steps miss the moons.",
        seconds=3,
        gates=(_ARRIVES,),
    ),
    _matching(
        "8gaussians-moons-otcfm",
        "8gaussians",
        "moons",
        "optimal-transport",
        "Moons along straight lines",
        "With the pairs of least squared distance in each batch, lines hardly cross: the flow is nearly straight.",
        "Set the steps to a few with Euler: the samples still arrive.",
        seconds=20,
        gates=(_STRAIGHT, Gate("nfe", at_most=60), Gate("energy_1", at_most=0.02), _ARRIVES),
    ),
    _matching(
        "normal-checkerboard-otcfm",
        "normal",
        "checkerboard",
        "optimal-transport",
        "A normal becomes a checkerboard",
        "Optimal-transport flow matching from the standard normal to eight squares.",
        "Compare the edges, and the time that training took, with those of the checkerboard learnt by likelihood.",
        seconds=30,
        gates=(_STRAIGHT, _ARRIVES),
    ),
)
