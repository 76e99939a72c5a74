"""Systems learnt from their trajectories: as a whole, or as far as their equations are not known. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from odeviz.tasks.datasets import Labels, Points
from odeviz.tasks.dynamics.systems import SYSTEMS
from odeviz.tasks.settings import setting
from odeviz.tasks.shapes import mlp_shapes, perceptron_shapes
from odeviz.tasks.task import Figure, Shapes, Task, View

if TYPE_CHECKING:
    from odeviz.tasks.experiment import Experiment

MODELS = ("mlp", "known", "universal", "hamiltonian", "second-order")
#: Points of a preset's card.
_SKETCHED = 1000
#: Held-out trajectories of a quick look while training, and those of the final figures.
GLANCED, HELD_OUT = 4, 16
#: Times at which a turn of a trajectory is drawn.
_PER_TURN = 75


@dataclass(frozen=True, slots=True)
class DynamicsOptions:
    """What is known of the system, and how its trajectories are cut into windows."""

    model: str = setting(
        "mlp",
        "Model",
        "What is learnt. mlp: the whole field. known: the parameters of the true equations. universal: a net for "
        "the term that is missing from them. hamiltonian: an energy, whose flow keeps it. second-order: the "
        "acceleration.",
        choices=MODELS,
    )
    trajectories: int = setting(
        16, "Trajectories", "Number of training trajectories; they share the points.", lo=1, hi=256, log=True
    )
    window: int = setting(
        10, "Window", "Points of a window: the first is where the model starts, the others are what it must meet.",
        lo=2, hi=10_000, log=True, hot=True, when={"options.grow": (False,)},
    )  # fmt: skip
    loss: str = setting(
        "L1", "Distance", "Mean absolute (L1) or mean squared (L2) distance between model and data.",
        choices=("L1", "L2"), hot=True,
    )  # fmt: skip
    grow: bool = setting(
        False,
        "Growing horizon",
        "Fit whole trajectories from their starts, first their first 15 %, then 30 %, 60 % and all: a fit of all at "
        "once often fails.",
        hot=True,
    )


def shapes(experiment: Experiment) -> Shapes:
    """Shapes of an :class:`odeviz.models.Dynamics` with the experiment's field."""
    system, model = SYSTEMS[experiment.data.name], experiment.options.model
    hidden = (experiment.field.width,) * experiment.field.depth
    if model == "known":
        return {"field.logs": (len(system.parameters),)}
    if model == "mlp":
        return mlp_shapes("field.net" if system.scale else "field", system.dim, hidden, "none")
    outputs = {"universal": len(system.channels), "hamiltonian": 1, "second-order": system.dim // 2}
    return perceptron_shapes("field.net", system.dim, hidden, outputs[model])


def per_trajectory(experiment: Experiment) -> int:
    """Points of each training trajectory."""
    return int(experiment.data.samples // experiment.options.trajectories)


def check(experiment: Experiment) -> None:
    """``ValueError`` unless the model goes with the system, and a window with its trajectory."""
    system, options = SYSTEMS[experiment.data.name], experiment.options
    for model, has in (("hamiltonian", "hamiltonian"), ("second-order", "second_order")):
        able = [name for name, other in SYSTEMS.items() if getattr(other, has)]
        if options.model == model and system.name not in able:
            raise ValueError(
                f"options.model {model} needs data.name {' or '.join(able)}, not {system.name!r}"
            )
    if options.model == "hamiltonian" and experiment.field.activation == "relu":
        raise ValueError("field.activation must be smooth with options.model hamiltonian, not 'relu'")
    points = per_trajectory(experiment)
    least = 2 if options.grow else options.window
    if points < least:
        raise ValueError(
            f"data.samples {experiment.data.samples} over {options.trajectories} options.trajectories gives "
            f"{points} points each, and options.window needs {least}"
        )


def frames(experiment: Experiment) -> int:
    """As many as show each turn of the system smoothly."""
    turns = experiment.solver.t1 / SYSTEMS[experiment.data.name].period
    return min(max(math.ceil(_PER_TURN * turns), 300), 1000) + 1


def unused(experiment: Experiment) -> tuple[str, ...]:
    """Known equations have no net."""
    return ("field.width", "field.depth", "field.activation") if experiment.options.model == "known" else ()


def sketch(experiment: Experiment) -> tuple[Points, Labels]:
    """A trajectory of the system in its plane."""
    system, times = SYSTEMS[experiment.data.name], np.linspace(0.0, experiment.solver.t1, _SKETCHED)
    points = system.path(system.start, times)[:, system.plane]
    return points, np.full(len(points), -1, dtype=np.int64)


def has_parameters(experiment: Experiment) -> bool:
    """Whether the parameters of the true equations are learnt."""
    return bool(experiment.options.model == "known")


def has_missing_term(experiment: Experiment) -> bool:
    """Whether a net learns the term that is missing from known equations."""
    return bool(experiment.options.model == "universal")


def conserves(experiment: Experiment) -> bool:
    """Whether the system has a conserved quantity."""
    return SYSTEMS[experiment.data.name].conserved is not None


TASK = Task(
    name="dynamics",
    title="Dynamics",
    sentence="A system's equations, or what is missing from them, are learnt from its trajectories.",
    options=DynamicsOptions,
    data=tuple(SYSTEMS),
    figures=(
        #: The mean distance over windows of trajectories without noise, from starts that training never sees.
        Figure("window_loss", "window loss"),
        #: RMS distance over those trajectories from t = 0 to t1, in units of the RMS spread of the true states.
        Figure("long_error", "long-horizon error", percent=True),
        #: RMS of the learnt field minus the true one at the states of those trajectories, in units of the true RMS.
        Figure("field_error", "field error", percent=True),
        #: Largest relative error among the parameters of known equations.
        Figure("parameter_error", "parameter error"),
        #: Largest change of the true conserved quantity along the learnt flow over ten periods: median of those starts.
        Figure("drift", "drift of the conserved quantity"),
    ),
    loss=Figure("loss", "window loss"),
    measured_on=f"windows of {GLANCED} held-out trajectories",
    final_on=f"windows of {HELD_OUT} held-out trajectories",
    shapes=shapes,
    unused=("field.time", "field.extra_dims", "solver.learn_t1"),
    defaults={
        "data.samples": 2000,
        "data.noise": 0.0,
        # Equations are mostly polynomials: an activation that grows goes on outside the data where tanh saturates.
        "field.activation": "silu",
        "field.time": "none",
        "solver.t1": 10.0,
        "training.batch": 128,
        "training.lr": 1e-2,
        "training.iterations": 1500,
    },
    crowd=20,
    frames=frames,
    check=check,
    unused_by=unused,
    sketch=sketch,
    views=(
        View(
            "phase",
            "Phase plane",
            "True and learnt field with trajectories from the same starts. Between the data the learnt one is a guess.",
        ),
        View(
            "series",
            "Time series",
            "Every component in time, true and learnt, from a start that training never saw or from the selected "
            "seed, and how far they are apart. Small errors become shifts in phase.",
            follows=("selection",),
        ),
        View(
            "difference",
            "Where the fields differ",
            "Speed of the true field, of the learnt one, and of their difference over the plane, with the data.",
        ),
        View(
            "conserved",
            "Conserved quantity",
            "How far the learnt flow drifts from the quantity that the true system keeps, over ten periods.",
            conserves,
        ),
        View(
            "parameters",
            "Parameters",
            "The learnt parameters of the known equations beside the true ones.",
            has_parameters,
        ),
        View(
            "missing",
            "Missing term",
            "What the net adds to the known equations, beside the term that was left out of them.",
            has_missing_term,
        ),
    ),
)
