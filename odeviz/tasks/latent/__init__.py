"""Irregular time series as trajectories of a latent ODE, with its recurrent baseline. No torch; see ``learning``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from odeviz.tasks.classes import Classes
from odeviz.tasks.latent.series import own_data
from odeviz.tasks.numerals import coordinates
from odeviz.tasks.own_data import OWN
from odeviz.tasks.settings import setting
from odeviz.tasks.shapes import linear_shapes, mlp_shapes
from odeviz.tasks.task import Arrays, Figure, Shapes, Task, View
from odeviz.tasks.viewpoint import Control

if TYPE_CHECKING:
    from odeviz.tasks.datasets import Labels, Points
    from odeviz.tasks.experiment import Experiment

SPIRALS = "two-way-spirals"
#: Channels of a spiral: its coordinates.
PLANE = 2
#: Held-out series of a quick look while training, and those of the final figures.
GLANCED, SCORED = 100, 400
#: Observations of a series at which the paper's Table 2 compares.
COUNTS = (30, 50, 100)

LATENT_ODE, RNN = "latent-ode", "rnn"
_ODE_ONLY = {"options.model": (LATENT_ODE,)}


@dataclass(frozen=True, slots=True)
class LatentOptions:
    """Settings of time series."""

    model: str = setting(
        LATENT_ODE,
        "Model",
        "latent-ode: a trajectory of a latent state, told from the observations by a recurrent net that runs "
        "backwards. rnn: a recurrent net that predicts the next observation, and beyond the last one reads its own "
        "predictions.",
        choices=(LATENT_ODE, RNN),
    )
    observations: int = setting(
        30,
        "Observations",
        "Of each spiral that is scored and shown, at random ones of 100 times.",
        lo=5,
        hi=100,
        when={"data.name": (SPIRALS,)},
    )
    fewest: int = setting(
        20,
        "Learns from at least",
        "The number of a spiral's observations is drawn anew for each batch, between this and the most: as likely in "
        "one octave as in the next. A model that always learns from the same number is worse when it is told more.",
        lo=5,
        hi=100,
        when={"data.name": (SPIRALS,)},
    )
    most: int = setting(
        100,
        "Learns from at most",
        "Observations of a spiral in a batch. As many as the fewest: always this number.",
        lo=5,
        hi=100,
        when={"data.name": (SPIRALS,)},
    )
    window: int = setting(
        50,
        "Rows in a window",
        "A person's own series are cut into windows of equal duration with about this many rows each.",
        lo=8,
        hi=1000,
        when={"data.name": (OWN,)},
    )
    sigma: float = setting(
        0.3,
        "Noise of the model",
        "Standard deviation of an observation about the decoded trajectory: of spirals in their own unit, of a "
        "person's own series in standard deviations of each channel.",
        symbol="σ",
        lo=1e-3,
        hi=10.0,
        log=True,
    )
    latent: int = setting(4, "Latent dimensions", "Of the state that flows.", lo=2, hi=64, when=_ODE_ONLY)
    encoder: int = setting(
        50, "Recurrent units", "Of the gated recurrent net that reads the observations.", lo=1, hi=512
    )
    decoder: int = setting(
        20,
        "Decoder's units",
        "Of the hidden layer between the state and the values.",
        lo=1,
        hi=512,
        when=_ODE_ONLY,
    )
    continuity: float = setting(
        0.2,
        "Continuity",
        "Standard deviation by which a trajectory may miss the state that is told from its later observations alone "
        "(multiple shooting; Iakovlev et al., 2023). 0 leaves that out: the objective of Chen et al., 2018.",
        lo=0.0,
        hi=1.0,
        when=_ODE_ONLY,
    )


def _gru_shapes(prefix: str, inputs: int, units: int) -> Shapes:
    """The entries of a one-layer ``nn.GRU``: three gates side by side."""
    return {
        f"{prefix}.weight_ih_l0": (3 * units, inputs),
        f"{prefix}.weight_hh_l0": (3 * units, units),
        f"{prefix}.bias_ih_l0": (3 * units,),
        f"{prefix}.bias_hh_l0": (3 * units,),
    }


def _shapes(experiment: Experiment, channels: int) -> Shapes:
    field, options = experiment.field, experiment.options
    reads = 2 * channels + 1
    if options.model == RNN:
        net = "field.module"
        return _gru_shapes(f"{net}.cell", reads, options.encoder) | linear_shapes(
            f"{net}.readout", options.encoder, channels
        )
    return (
        mlp_shapes("field", options.latent, (field.width,) * field.depth, field.time)
        | _gru_shapes("encoder", reads, options.encoder)
        | linear_shapes("head", options.encoder, 2 * options.latent)
        | linear_shapes("decoder.0", options.latent, options.decoder)
        | linear_shapes("decoder.2", options.decoder, channels)
    )


def shapes(experiment: Experiment) -> Shapes:
    """Shapes of an :class:`odeviz.models.LatentODE` or :class:`odeviz.models.SeriesRNN` of spirals."""
    return _shapes(experiment, PLANE)


def own_shapes(experiment: Experiment, data: Arrays) -> Shapes:
    """The same of a person's own series."""
    return _shapes(experiment, data["y"].shape[1])


def _unused_by(experiment: Experiment) -> tuple[str, ...]:
    own = ("data.noise",) if experiment.data.name == OWN else ()
    if experiment.options.model != RNN:
        return own
    return (*own, *(f"field.{name}" for name in ("width", "depth", "activation", "time")), *_SOLVER)


#: A recurrent net makes its own steps.
_SOLVER = tuple(f"solver.{name}" for name in ("method", "rtol", "atol", "steps", "adjoint"))


def _sketch(experiment: Experiment) -> tuple[Points, Labels]:
    """Noisy points of a few spirals of each class."""
    from odeviz.tasks.latent.series import SPIRAL_SCALE, spirals

    observed, _, labels = spirals(16, [30], experiment.data.noise, 1.0, np.random.default_rng(0), beyond=True)
    return SPIRAL_SCALE * observed[30].y.reshape(-1, PLANE), np.repeat(labels, 30)


def _learnable(experiment: Experiment, data: Arrays) -> None:
    """Whether there are windows to learn from, and others that follow them."""
    own_data(data, experiment.options.window, experiment.data.samples, experiment.solver.t1)


#: Sliders of a latent state at most, and how far they reach, in standard deviations of the encoded series.
_SLIDERS, _REACH = 6, 3.0


def _has_latent(experiment: Experiment) -> bool:
    return bool(experiment.options.model == LATENT_ODE)


def _latent_controls(experiment: Experiment) -> tuple[Control, ...]:
    """One for each principal direction of the encoded series, the widest first."""
    count = min(experiment.options.latent, _SLIDERS)
    names = coordinates(count)
    about = "Along a principal direction of the encoded series, in standard deviations."
    return tuple(Control(f"z{k + 1}", names[k], about, -_REACH, _REACH, 0.0, unit="σ") for k in range(count))


def _browse(experiment: Experiment) -> tuple[Control, ...]:
    return (
        Control(
            "first",
            "Series",
            "Which of the held-out series is shown; where there are several, the first of them.",
            1,
            40,
            1,
            whole=True,
        ),
    )


def _classes(experiment: Experiment, data: Arrays) -> Classes:
    return Classes(names=("clockwise", "counter-clockwise")) if experiment.data.name == SPIRALS else Classes()


TASK = Task(
    name="latent",
    title="Time series",
    sentence="A series seen at irregular times becomes a trajectory of a latent state, and goes on beyond them.",
    options=LatentOptions,
    data=(SPIRALS, OWN),
    figures=(
        Figure("rmse", "extrapolation RMSE"),
        Figure("reconstruction", "reconstruction RMSE"),
        Figure("rmse_30", "extrapolation RMSE from 30 observations"),
        Figure("rmse_50", "extrapolation RMSE from 50 observations"),
        Figure("rmse_100", "extrapolation RMSE from 100 observations"),
        #: On their class's side of a hyperplane, and decoded to a curve that turns in their class's sense.
        Figure("separable", "parted, and turning in their sense", percent=True),
    ),
    loss=Figure("loss", "loss per value", "nats"),
    measured_on=f"up to {GLANCED} held-out series",
    final_on=f"up to {SCORED} held-out series",
    shapes=shapes,
    own_shapes=own_shapes,
    scene_follows_model=True,
    unused=("field.extra_dims", "solver.learn_t1"),
    unused_by=_unused_by,
    defaults={
        "data.noise": 0.3,
        "data.samples": 1000,
        "field.width": 64,
        "field.activation": "elu",
        "field.time": "none",
        "solver.t1": 4.0,
        "training.lr": 1e-2,
        "training.batch": 250,
        "training.iterations": 4000,
    },
    own="series",
    learnable=_learnable,
    sketch=_sketch,
    classes=_classes,
    views=(
        View(
            "series",
            "Series over time",
            "Observations of held-out series, what the model makes of them and how it goes on beyond them. The band "
            "holds 90 % of what samples of z0 decode to; how much of what came later it really holds is said below.",
            controls=_browse,
        ),
        View(
            "paths",
            "Series in the plane",
            "The same in the plane of the first two channels: the clean curve, the observations, and the model's "
            "curve, which has seen nothing beyond the last point.",
            controls=_browse,
        ),
        View(
            "latent",
            "Latent states",
            "What held-out series are encoded as, with the straight line that parts clockwise from counter-clockwise, "
            "and how many of them also decode to a curve that turns in their sense.",
        ),
        View(
            "traversal",
            "Moving the latent state",
            "What states decode to that lie along a principal direction of the encoded series: watch their sense turn.",
        ),
        View(
            "by-hand",
            "A latent state by hand",
            "Set z₀ with the sliders, from the mean or from the selected seed: its path among the encoded series, and "
            "the curve it decodes to. Find where the spiral turns the other way.",
            _has_latent,
            follows=("selection",),
            controls=_latent_controls,
        ),
        View(
            "table",
            "Errors beyond the observations",
            "The paper's Table 2: RMSE at 100 times beyond the observed ones, from 30, 50 and 100 observations.",
        ),
    ),
)
