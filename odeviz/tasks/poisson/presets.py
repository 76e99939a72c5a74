"""Rates of events that are learnt."""

from __future__ import annotations

from odeviz.tasks.experiment import Experiment
from odeviz.tasks.preset import Gate, Preset, registry


def _rate(
    data: str, title: str, sentence: str, look_for: str, *, seconds: float, settings: dict[str, str | float]
) -> Preset:
    gates = (
        Gate("integral_error", at_most=1e-4),
        Gate("rate_error", at_most=0.06),
        Gate("gap", at_most=0.005),
        # The held-out events are no part of what was learnt: the truth is beaten by chance only.
        Gate("gap_in_se", at_least=-3.0),
    )
    experiment = Experiment.of("poisson", {"data.name": data} | settings)
    return Preset(f"{data}-poisson", title, sentence, look_for, experiment, seconds, gates)


PRESETS = registry(
    _rate(
        "sine",
        "When will it happen?",
        "A rate that swings is learnt from the times of events, and its integral is solved with it as one more state.",
        "In the latent plane the state goes round and round: the flow has found that the rate repeats.",
        seconds=15,
        # At three times as much some seeds find no swing at all.
        settings={"training.lr": 0.01},
    ),
    _rate(
        "bursts",
        "Two bursts",
        "Events come in a short burst and in a long one.",
        "The expected count climbs steeply twice, and the state moves fastest there.",
        seconds=15,
        settings={"field.time": "concat"},
    ),
)
