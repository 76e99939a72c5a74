"""Flows between two distributions, learnt by regression on straight paths. No torch; see ``learning``.

Lipman et al., *Flow matching for generative modeling* (2023); Tong et al., *Improving and generalizing flow-based
generative models with minibatch optimal transport* (2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from odeviz.tasks.datasets import Labels, Points, offered
from odeviz.tasks.flow_matching.distributions import BASES, NORMAL, distribution, source
from odeviz.tasks.own_data import OWN
from odeviz.tasks.settings import setting
from odeviz.tasks.shapes import mlp_shapes
from odeviz.tasks.task import Figure, Shapes, Task, View

if TYPE_CHECKING:
    from odeviz.tasks.experiment import Experiment

PLANE = 2
#: Held-out paths of a quick look while training, and those of the final figures.
GLANCED, SCORED = 256, 8192
#: Numbers of Euler's steps whose samples are judged.
FEW_STEPS = (1, 2, 4, 8)
_SKETCHED = 500


@dataclass(frozen=True, slots=True)
class FlowMatchingOptions:
    """Settings of flow matching."""

    source: str = setting(
        "8gaussians",
        "Source",
        "Where the flow starts: the standard normal, or one of the sets with its default noise.",
        choices=(NORMAL, *offered("density")),
    )
    coupling: str = setting(
        "optimal-transport",
        "Coupling",
        "Which source point is joined with which point of the data. independent: any with any (I-CFM). "
        "optimal-transport: in each batch, or each 512 points of it, so that the sum of squared distances is least "
        "(OT-CFM).",
        choices=("independent", "optimal-transport"),
        hot=True,
    )
    sigma: float = setting(
        0.0,
        "Path noise",
        "Standard deviation of the noise about the straight paths on which the field is learnt.",
        symbol="σ",
        equation="x(t) = (1 − t) x₀ + t x₁ + σ ε",
        lo=0.0,
        hi=1.0,
        hot=True,
    )


def shapes(experiment: Experiment) -> Shapes:
    """Shapes of an :class:`odeviz.models.Transport` or :class:`odeviz.models.MixtureCNF`."""
    field = experiment.field
    return mlp_shapes("field", PLANE, (field.width,) * field.depth, field.time)


def has_density(experiment: Experiment) -> bool:
    """Whether the density along the flow is known: where that of the source is, in closed form."""
    return experiment.options.source in BASES


def sketch(experiment: Experiment) -> tuple[Points, Labels]:
    """Source and data as two classes of points."""
    rng = np.random.default_rng(0)
    first = source(experiment.options.source).sample(_SKETCHED // 2, rng)
    if experiment.data.name == OWN:
        return first, np.zeros(len(first), dtype=np.int64)
    second = distribution(experiment.data.name, experiment.data.noise).sample(_SKETCHED // 2, rng)
    labels = np.repeat(np.arange(2), [len(first), len(second)])
    return np.concatenate([first, second]), labels


def _unused(experiment: Experiment) -> tuple[str, ...]:
    """A person's own points get no noise."""
    return ("data.noise",) if experiment.data.name == OWN else ()


TASK = Task(
    name="flow-matching",
    title="Flow matching",
    sentence="One distribution flows into another, learnt without solving an ODE.",
    options=FlowMatchingOptions,
    data=(*offered("density"), OWN),
    figures=(
        Figure("chord_ratio", "path / chord"),
        Figure("chord_ratio_se", "its standard error"),
        Figure("nfe", "NFE at 1e-5"),
        Figure("matching_loss", "held-out loss"),
        Figure("cost", "transport cost"),
        Figure("energy", "energy distance"),
        Figure("energy_se", "its standard error"),
        *(Figure(f"energy_{k}", f"energy distance, Euler-{k}") for k in FEW_STEPS),
        Figure("nll", "NLL", "nats"),
        Figure("nll_se", "its standard error", "nats"),
        Figure("gap", "NLL - H", "nats"),
        Figure("gap_in_se", "(NLL - H) / SE"),
    ),
    loss=Figure("loss", "squared error of the velocity"),
    measured_on=f"{GLANCED} held-out paths, each its length over the distance from end to end",
    final_on=f"{SCORED:,} such paths",
    shapes=shapes,
    background="density",
    has_background=has_density,
    unused_by=_unused,
    unused=("data.samples", "field.extra_dims", "solver.t1", "solver.learn_t1", "solver.adjoint"),
    defaults={
        "data.name": "moons",
        "training.iterations": 2000,
        "training.lr": 1e-2,
        "solver.rtol": 1e-4,
        "solver.atol": 1e-4,
    },
    own="points",
    views=(
        View(
            "coupling",
            "Pairs",
            "The pairs of one batch: what the field regresses on. Crossing lines are averaged, which bends the flow.",
        ),
        View(
            "straightness",
            "Straightness",
            "Length of each sample's path over its chord: 1 is straight, and straight paths need few steps.",
        ),
        View(
            "few-steps",
            "Few steps",
            "Energy distance between pushed samples and the data, against the number of Euler's steps: the straighter "
            "the flow, the sooner it falls to that of the exact flow.",
        ),
        View(
            "samples",
            "Samples",
            "Source samples at the playhead's time, over fresh points of the data carried back to it.",
            follows=("time",),
        ),
    ),
    sketch=sketch,
)
