"""Fitting a density that is given up to its scale: KL(q‖p) of a planar CNF or a planar flow. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from odeviz.tasks.datasets import Labels, Points
from odeviz.tasks.density import film_controls
from odeviz.tasks.settings import setting
from odeviz.tasks.shapes import planar_shapes
from odeviz.tasks.task import Figure, Shapes, Task, View
from odeviz.tasks.variational.potentials import POTENTIALS

if TYPE_CHECKING:
    from odeviz.tasks.experiment import Experiment

PLANE = 2
#: Samples of a quick look while training, and those of the final figures.
GLANCED, SCORED = 512, 20_000
#: Points on a preset's card.
_SKETCHED = 500

_FIELD = ("width", "depth", "activation", "time", "extra_dims")
_SOLVER = ("method", "rtol", "atol", "steps", "adjoint", "t1", "learn_t1")


@dataclass(frozen=True, slots=True)
class VariationalOptions:
    """Settings of a fit to a given density."""

    model: str = setting(
        "planar-cnf",
        "Model",
        "planar-cnf: units act all the time, each behind a gate of its own (Chen et al., 2018, section 5). "
        "planar-nf: a normalizing flow of planar layers, one after the other (Rezende and Mohamed, 2015).",
        choices=("planar-cnf", "planar-nf"),
    )
    units: int = setting(
        8,
        "Units",
        "Hidden units M of the continuous flow, or layers K of the other.",
        symbol="M",
        lo=1,
        hi=256,
        log=True,
    )
    anneal: float = setting(
        0.3,
        "Annealing",
        "Share of the run in which the potential is turned up from a hundredth to its height (Rezende and Mohamed, "
        "2015): a flow that meets the full potential at once may settle in a part of it.",
        lo=0.0,
        hi=1.0,
        hot=True,
    )


def shapes(experiment: Experiment) -> Shapes:
    """Shapes of a planar :class:`odeviz.models.CNF` or of an :class:`odeviz.models.PlanarNF`."""
    units = experiment.options.units
    if experiment.options.model == "planar-nf":
        return {"field.weight": (units, PLANE), "field.bias": (units,), "field.out": (units, PLANE)}
    return planar_shapes("field", PLANE, units) | ({"log_t1": ()} if experiment.solver.learn_t1 else {})


def unused_by(experiment: Experiment) -> tuple[str, ...]:
    """Layers are not solved for."""
    return tuple(f"solver.{name}" for name in _SOLVER) if experiment.options.model == "planar-nf" else ()


def sketch(experiment: Experiment) -> tuple[Points, Labels]:
    """Points of the density that is fitted."""
    points = POTENTIALS[experiment.data.name].sample(_SKETCHED, np.random.default_rng(0))
    return points, np.full(len(points), -1, dtype=np.int64)


TASK = Task(
    name="variational",
    title="Given densities",
    sentence="A normal distribution flows into a density that is known up to its scale.",
    options=VariationalOptions,
    data=tuple(POTENTIALS),
    figures=(
        Figure("kl", "KL(q‖p)", "nats"),
        Figure("kl_se", "its standard error", "nats"),
        Figure("kl_in_se", "KL / SE"),
        Figure("outside", "share of q outside the square", percent=True),
        Figure("mass", "mass"),
        Figure("nfe", "NFE at 1e-5"),
    ),
    loss=Figure("loss", "KL(q‖p)", "nats"),
    shapes=shapes,
    background="density",
    unused=("data.samples", "data.noise", *(f"field.{name}" for name in _FIELD)),
    unused_by=unused_by,
    defaults={
        "solver.learn_t1": True,
        "training.lr": 3e-2,
        "training.iterations": 2000,
    },
    bound=lambda experiment: 0.0,
    bound_name="lowest",
    bound_about="that of the given density itself",
    measured_on=f"{GLANCED} samples of the flow",
    final_on=f"{SCORED:,} samples of the flow",
    views=(
        View(
            "comparison",
            "Given and learnt",
            "The density that is given, and the one learnt, in the same colours.",
        ),
        View(
            "grid",
            "Continuous against planar flow",
            "Trained continuous flows of M = 2, 8, 32 units above, planar flows of K = M layers below "
            "(Chen et al., 2018, figure 4): the same number of units goes further when all act at once.",
        ),
        View(
            "units",
            "Units",
            "One arrow for each hidden unit: it pushes along the arrow on the side of its dashed line that the arrow "
            "leaves to, and back on the other. Beside it, when each unit acts.",
        ),
        View(
            "filmstrip",
            "Density over time",
            "The density at chosen times of the flow. Click a picture to go there.",
            controls=film_controls,
        ),
    ),
    sketch=sketch,
)
