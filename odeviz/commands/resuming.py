"""Training that goes on from a saved model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from odeviz.commands.arguments import UserError, with_texts
from odeviz.tasks.numerals import thousands

if TYPE_CHECKING:
    from odeviz.tasks.experiment import Experiment
    from odeviz.training import Snapshot


def saved_run(text: str) -> Snapshot | None:
    """The model of a file of that name; None for a preset's name and an experiment's line."""
    from odeviz.storage.model_file import SUFFIX, load_model
    from odeviz.tasks.presets import PRESETS

    path = Path(text)
    if text in PRESETS or not (path.is_file() or path.suffix.lower() == SUFFIX):
        return None
    return load_model(path)


def going_on(snapshot: Snapshot, name: str, texts: Mapping[str, str]) -> Experiment:
    """The saved experiment with settings replaced; :class:`UserError` if it cannot go on with them, or is done."""
    texts = dict(texts)
    if "training.seconds" in texts:
        # Of what is still to come, not of the whole.
        texts["training.seconds"] = f"{snapshot.seconds + float(texts['training.seconds']):g}"
    experiment = with_texts(snapshot.experiment, texts)
    cold = snapshot.experiment.cold_changes(experiment)
    if cold:
        raise UserError(
            f"{', '.join(cold)} cannot change in a run that goes on: train from a preset or an experiment's line "
            "(odeviz info shows it) to begin anew"
        )
    training = experiment.training
    if snapshot.iteration >= training.iterations:
        raise UserError(
            f"{name} has made all its {thousands(training.iterations)} iterations: give a larger total to go "
            "on, such as "
            f"--iterations {2 * training.iterations}"
        )
    if training.seconds and snapshot.seconds >= training.seconds:
        raise UserError(
            f"{name} has trained its {training.seconds:g} s: say for how much longer, such as --seconds 30"
        )
    return experiment
