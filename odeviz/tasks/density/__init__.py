"""Densities of points in the plane, learnt by a continuous normalizing flow. No torch; see ``learning``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from odeviz.tasks.datasets import DATASETS, offered
from odeviz.tasks.own_data import OWN, check_spread
from odeviz.tasks.settings import setting
from odeviz.tasks.shapes import mlp_shapes, planar_shapes
from odeviz.tasks.task import Figure, Shapes, Task, View
from odeviz.tasks.viewpoint import Control

if TYPE_CHECKING:
    from odeviz.tasks.experiment import Experiment

PLANE = 2
#: Held-out points of a quick look while training, and those of the final figures.
GLANCED, SCORED = 512, 8000


@dataclass(frozen=True, slots=True)
class DensityOptions:
    """Settings of density estimation."""

    field: str = setting(
        "mlp",
        "Field",
        "mlp: a multilayer perceptron. planar: a sum of hidden units, each behind a gate that opens and closes, "
        "whose trace costs no more than the field (Chen et al., 2018, section 5); Width is the number of units.",
        choices=("mlp", "planar"),
    )
    trace: str = setting(
        "exact",
        "Trace",
        "How the divergence is found in training: exactly, or estimated from one product with noise that is drawn once "
        "for each batch (FFJORD): signs (Rademacher) or normal numbers (Gaussian). Figures are always exact.",
        choices=("exact", "hutchinson-rademacher", "hutchinson-gaussian"),
        hot=True,
    )
    kinetic: float = setting(
        0.0,
        "Kinetic energy",
        "Weight in the loss of the path integral of |f|² (RNODE): straight paths at constant speed take few steps.",
        equation="L + weight · ∫ |f(z, t)|² dt",
        lo=0.0,
        hi=10.0,
        hot=True,
    )
    jacobian: float = setting(
        0.0,
        "Jacobian norm",
        "Weight in the loss of the path integral of the squared Frobenius norm of df/dz (RNODE).",
        equation="L + weight · ∫ ‖∂f/∂z‖² dt",
        lo=0.0,
        hi=10.0,
        hot=True,
    )
    steer: float = setting(
        0.0,
        "STEER",
        "The end time of each batch is drawn uniformly from t₁ (1 - share) to t₁ (1 + share) "
        "(Ghosh et al., 2020), which makes fields less stiff.",
        lo=0.0,
        hi=0.9,
        hot=True,
    )


def shapes(experiment: Experiment) -> Shapes:
    """Shapes of an :class:`odeviz.models.CNF`."""
    field = experiment.field
    if experiment.options.field == "planar":
        network = planar_shapes("field", PLANE, field.width)
    else:
        network = mlp_shapes("field", PLANE, (field.width,) * field.depth, field.time)
    return network | ({"log_t1": ()} if experiment.solver.learn_t1 else {})


def entropy(experiment: Experiment) -> float | None:
    """The data's entropy in nats, which no honest model's NLL goes below, where it is known."""
    data = experiment.data
    return None if data.name == OWN else DATASETS[data.name].entropy_at(data.noise)


def unused_by(experiment: Experiment) -> tuple[str, ...]:
    """What a planar field and a person's own points do without."""
    planar = ("field.depth", "field.activation", "field.time") if experiment.options.field == "planar" else ()
    return (*planar, "data.noise") if experiment.data.name == OWN else planar


def film_controls(experiment: Experiment) -> tuple[Control, ...]:
    """Which times a filmstrip shows."""
    return (
        Control("pictures", "Pictures", "How many pictures the strip has.", 2, 12, 6, whole=True),
        Control("first", "First", "Time of the first picture, as a share of t₁.", 0, 100, 5, True, "%"),
        Control("last", "Last", "Time of the last picture, as a share of t₁.", 0, 100, 100, True, "%"),
    )


TASK = Task(
    name="density",
    title="Densities",
    sentence="A normal distribution flows into the density of the data.",
    options=DensityOptions,
    data=(*offered("density"), OWN),
    figures=(
        Figure("nll", "NLL", "nats"),
        Figure("nll_se", "its standard error", "nats"),
        Figure("entropy", "entropy of the data", "nats"),
        Figure("gap", "NLL - H", "nats"),
        Figure("gap_in_se", "(NLL - H) / SE"),
        Figure("mass", "mass"),
        Figure("nfe", "NFE at 1e-5"),
    ),
    loss=Figure("loss", "NLL", "nats"),
    shapes=shapes,
    background="density",
    unused=("data.samples", "field.extra_dims"),
    unused_by=unused_by,
    defaults={
        "field.width": 48,
        "field.time": "concatsquash",
        "solver.learn_t1": True,
        "training.lr": 1e-2,
        "training.iterations": 2000,
    },
    bound=entropy,
    measured_on=f"up to {GLANCED} held-out points",
    final_on=f"up to {SCORED:,} held-out points",
    own="points",
    learnable=lambda experiment, data: check_spread(data["points"]),
    views=(
        View(
            "filmstrip",
            "Density over time",
            "The density at chosen times, at first at those of Chen et al. (2018), figure 5: see when the modes part. "
            "Click a picture to go there.",
            controls=film_controls,
        ),
        View(
            "samples",
            "Samples",
            "Samples of the model at the playhead's time beside the data, carried back to it: those between the modes "
            "show where the flow could not tear.",
            follows=("time",),
        ),
        View(
            "marginals",
            "Marginals",
            "The model's density along each axis at the playhead's time over a histogram of the data, carried back to "
            "it: look for bridges between peaks.",
            follows=("time",),
        ),
        View(
            "noise",
            "Trace estimates",
            "Hutchinson's estimates of the trace along one path, and what they make of log p, against the exact "
            "values: without bias, but each estimate may be far off.",
        ),
    ),
)
