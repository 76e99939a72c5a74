"""Rates of Poisson processes, learnt from the times of events. No torch; see ``learning``.

Chen et al., *Neural ordinary differential equations* (2018), section 5.2: the integral of the rate in the likelihood is
one more state of the ODE.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from odeviz.tasks.datasets import Labels, Points
from odeviz.tasks.own_data import OWN
from odeviz.tasks.poisson.rates import HORIZON, RATES, draw
from odeviz.tasks.settings import setting
from odeviz.tasks.shapes import linear_shapes, mlp_shapes
from odeviz.tasks.task import Arrays, Figure, Shapes, Task, View

if TYPE_CHECKING:
    from odeviz.tasks.experiment import Experiment

#: Sequences on a preset's card.
_SKETCHED = 12
#: Held-out events of a quick look while training, and the most of the final figures, evenly chosen from all.
GLANCED, SCORED = 512, 20_000


@dataclass(frozen=True, slots=True)
class PoissonOptions:
    """Settings of a Poisson process."""

    latent: int = setting(
        2, "Latent dimensions", "Numbers in the state z(t), from which the rate is read.", lo=2, hi=16
    )
    link: str = setting(
        "softplus",
        "Rate",
        "How a linear readout of z becomes a positive rate.",
        choices=("softplus", "exp"),
    )
    growth: float = setting(
        0.6,
        "Growing horizon",
        "Share of the run in which the observed time grows from a fifth to the whole: a long path is found piece by "
        "piece. 0 learns from the whole at once.",
        lo=0.0,
        hi=1.0,
        hot=True,
    )


def shapes(experiment: Experiment) -> Shapes:
    """Shapes of an :class:`odeviz.models.PoissonODE`."""
    field, latent = experiment.field, experiment.options.latent
    network = mlp_shapes("field", latent, (field.width,) * field.depth, field.time)
    return {"z0": (latent,)} | network | linear_shapes("readout", latent, 1)


def least(experiment: Experiment) -> float | None:
    """The expected NLL per event of the true rate, where it is known: no rate does better on unseen events."""
    name = experiment.data.name
    return None if name == OWN else RATES[name].nll


def sketch(experiment: Experiment) -> tuple[Points, Labels]:
    """Some sequences, one above the other, each event a point."""
    name = experiment.data.name
    if name == OWN:
        return np.zeros((0, 2)), np.zeros(0, dtype=np.int64)
    t, series = draw(RATES[name], _SKETCHED, np.random.default_rng(0))
    return np.stack([t, (series + 0.5) * (HORIZON / _SKETCHED)], axis=1), series % 2


def _unused(experiment: Experiment) -> tuple[str, ...]:
    """A person's own events are all there are."""
    return ("data.samples",) if experiment.data.name == OWN else ()


def _learnable(experiment: Experiment, data: Arrays) -> None:
    if np.ptp(data["t"]) <= 0:
        raise ValueError("own times must not all be the same, for then no rate can be learnt from them")


def frames(experiment: Experiment) -> int:
    """As many as show the turns of a rate that comes and goes smoothly."""
    return 240


TASK = Task(
    # Their turns lie over one another: more would hide the data.
    crowd=40,
    frames=frames,
    name="poisson",
    title="Event times",
    sentence="The rate at which events come, learnt from the times at which they came.",
    options=PoissonOptions,
    data=(*RATES, OWN),
    figures=(
        Figure("nll", "NLL per event", "nats"),
        Figure("nll_se", "its standard error", "nats"),
        Figure("gap", "NLL - NLL of the true rate", "nats"),
        Figure("gap_se", "its standard error", "nats"),
        Figure("gap_in_se", "gap / SE"),
        Figure("rate_error", "error of the rate", percent=True),
        Figure("integral_error", "error of the integral at 1e-6"),
    ),
    loss=Figure("loss", "NLL per event", "nats"),
    shapes=shapes,
    scene_follows_model=True,
    unused_by=_unused,
    unused=("data.noise", "field.extra_dims", "solver.t1", "solver.learn_t1"),
    defaults={
        "data.samples": 128,
        "field.width": 32,
        "field.time": "none",
        "solver.rtol": 1e-4,
        "solver.atol": 1e-4,
        "training.batch": 1024,
        "training.lr": 3e-2,
        "training.iterations": 500,
    },
    bound=least,
    bound_name="true rate",
    bound_about="the NLL of the true rate, which no other goes below on unseen events",
    measured_on=f"some {GLANCED} held-out events",
    final_on=f"up to {SCORED:,} held-out events",
    own="times",
    learnable=_learnable,
    views=(
        View(
            "rate",
            "Rate",
            "The learnt rate of events against the true one, over the shares of training events in equal bins; marks "
            "below are the events of some sequences.",
        ),
        View(
            "integral",
            "Expected count",
            "The integral of the rate, carried as one more state of the ODE, against the mean number of events so far.",
        ),
    ),
    sketch=sketch,
)
