"""Weights as arrays: out of a model, and from a snapshot back into one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from odeviz.models import FlowModel
from odeviz.tasks.learning import build_model
from odeviz.training.snapshot import Snapshot


def restore(
    snapshot: Snapshot, device: torch.device | str = "cpu", dtype: torch.dtype | None = None
) -> FlowModel:
    """The snapshot's model with its weights, on ``device``; ``dtype`` replaces the experiment's precision.

    Raises ``ValueError`` in one sentence when the weights are not those of the experiment's model.
    """
    model = build_model(snapshot.experiment, snapshot.data)
    load_weights(model, snapshot.weights)
    return model.to(device, dtype)


def load_weights(model: nn.Module, weights: Mapping[str, NDArray[np.generic]]) -> None:
    """Copy arrays into the model's state; raises ``ValueError`` naming the first that does not fit."""
    state = model.state_dict()
    missing = sorted(state.keys() - weights.keys())
    unknown = sorted(weights.keys() - state.keys())
    if missing or unknown:
        what = f"{missing[0]!r} is missing" if missing else f"{unknown[0]!r} is not among its weights"
        raise ValueError(f"the weights do not fit the experiment's model: {what}")
    for name, tensor in state.items():
        if tuple(weights[name].shape) != tuple(tensor.shape):
            raise ValueError(
                f"the weights do not fit the experiment's model: {name!r} must have shape "
                f"{list(tensor.shape)}, not {list(weights[name].shape)}"
            )
    model.load_state_dict({name: torch.from_numpy(np.array(weights[name])) for name in state})


def copy_weights(model: nn.Module) -> dict[str, NDArray[np.generic]]:
    """The model's state as new, read-only arrays."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, tensor in model.state_dict().items():
        array = np.array(tensor.detach().cpu().numpy())
        array.setflags(write=False)
        arrays[name] = array
    return arrays
