"""The tensors an experiment's model has, known without building it (and so without torch)."""

from __future__ import annotations

from odeviz.tasks.experiment import Experiment


def expected_shapes(experiment: Experiment) -> dict[str, tuple[int, ...]]:
    """Name and shape of every entry of the model's ``state_dict``."""
    return {}
