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
    seeds: tuple[int, ...] = (0, 1, 2),
    every: bool = False,
    **gates: float,
) -> Preset:
    """A preset whose figures must each be at most its gate, at every seed or in the median."""
    experiment = Experiment.of("dynamics", settings)
    bounds = tuple(Gate(figure, at_most=bound, every=every) for figure, bound in gates.items())
    return Preset(name, title, sentence, look_for, experiment, seconds, bounds, seeds=seeds)


#: Without noise an MLP would keep a pendulum's energy long enough.
_NOISY = {"data.name": "pendulum", "data.noise": 0.05}
_LOTKA_VOLTERRA = {"data.name": "lotka-volterra", "options.trajectories": 32, "data.samples": 4000}

PRESETS = registry(
    _preset(
        "cubic-spiral",
        "Cubic spiral",
        "The spiral y' = Aᵀy³ is learnt from one trajectory of 1,000 points, cut into windows of 10.",
        "Near the centre everything slows down: a small error in speed there becomes a shift in phase.",
        {"options.trajectories": 1, "data.samples": 1000, "solver.t1": 25.0},
        seconds=6,
        window_loss=0.001,
    ),
    _preset(
        "lotka-volterra-known",
        "Prey and predators: the parameters",
        "The four parameters of the Lotka-Volterra equations are found from four trajectories, along a horizon that "
        "grows from 1.5 to 10.",
        "The loss jumps where the horizon grows; fitted to all of it at once, two of three starts end far off.",
        {
            "data.name": "lotka-volterra",
            "data.samples": 400,
            "options.model": "known",
            "options.trajectories": 4,
            "options.grow": True,
            "solver.method": "tsit5",
            "solver.rtol": 1e-5,
            "solver.atol": 1e-5,
            "training.lr": 0.1,
            "training.iterations": 300,
        },
        seconds=15,
        seeds=(0, 1, 2, 3, 4),
        every=True,
        parameter_error=1e-3,
    ),
    _preset(
        "lotka-volterra-universal",
        "Prey and predators: the missing term",
        "Births and deaths are known; a net finds how the two species meet.",
        "The learnt interaction grows with the product of the two, as the one left out does.",
        {**_LOTKA_VOLTERRA, "options.model": "universal"},
        seconds=20,
        window_loss=0.005,
        field_error=0.05,
    ),
    _preset(
        "lotka-volterra-mlp",
        "Prey and predators: the whole field",
        "Nothing is known but the trajectories: a net learns both equations.",
        "Compare with the net that is told births and deaths: this one leaves the closed orbits sooner.",
        {**_LOTKA_VOLTERRA, "training.iterations": 2500},
        seconds=25,
        window_loss=0.005,
        field_error=0.05,
    ),
    _preset(
        "pendulum-hamiltonian",
        "A pendulum that keeps its energy",
        "A net learns the energy of a noisy pendulum; the flow of an energy keeps it.",
        "Orbits close: over ten periods the energy drifts ten times less than with a plain net.",
        {**_NOISY, "options.model": "hamiltonian"},
        seconds=20,
        window_loss=0.01,
        drift=0.03,
    ),
    _preset(
        "pendulum-mlp",
        "A pendulum that loses its energy",
        "A plain net learns the field of the same noisy pendulum.",
        "Orbits do not close: they wind inwards or outwards, though each window is met as well.",
        _NOISY,
        seconds=8,
        window_loss=0.01,
    ),
    _preset(
        "duffing-second-order",
        "A spring with two rests",
        "The acceleration of a damped Duffing oscillator is learnt as a function of position and velocity.",
        "Starts close to each other may come to rest in different wells; that the position's rate is the velocity "
        "is not learnt but built in.",
        {
            "data.name": "duffing",
            "data.samples": 4000,
            "options.model": "second-order",
            "options.trajectories": 64,
        },
        seconds=15,
        window_loss=0.005,
        long_error=0.15,
    ),
    _preset(
        "van-der-pol-mlp",
        "A limit cycle",
        "The Van der Pol oscillator: all trajectories end on one cycle.",
        "The learnt field has the cycle too, for it is where most of the data are.",
        {
            "data.name": "van-der-pol",
            "data.samples": 6400,
            "options.trajectories": 64,
            "training.iterations": 2500,
        },
        seconds=12,
        window_loss=0.01,
        long_error=0.15,
    ),
    _preset(
        "fitzhugh-nagumo-mlp",
        "A neuron that fires",
        "The FitzHugh-Nagumo model fires again and again: a slow recovery and a fast jump.",
        "The jumps are fast and rare, so their time is where the error is.",
        {
            "data.name": "fitzhugh-nagumo",
            "data.samples": 8000,
            "options.trajectories": 32,
            "options.window": 20,
            "solver.t1": 80.0,
        },
        seconds=12,
        window_loss=0.02,
        long_error=0.3,
    ),
    _preset(
        "lorenz-mlp",
        "The Lorenz attractor",
        "A chaotic system in three dimensions, seen from the side.",
        "The learnt attractor is right long after the learnt trajectory has left the true one.",
        {
            "data.name": "lorenz",
            "data.samples": 12_800,
            "options.window": 20,
            "solver.t1": 8.0,
        },
        seconds=15,
        window_loss=0.06,
        field_error=0.03,
    ),
)
