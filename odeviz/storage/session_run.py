"""What a session file holds of training besides its end: moments to go back to, and a run kept to compare with.

As tensors of the session's file: ``session/at/iteration [n]`` and ``session/at/seconds [n]`` say which moments they
are, ``session/weights/<name> [n, ...]`` what had been learnt by then; ``session/kept/<column> [rows]`` are the kept
run's history. A session has room for what a run keeps, and no more: see :mod:`odeviz.training.checkpoints`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odeviz.storage.model_file import COLUMNS, DefectError, check_end_time, check_history, check_weights
from odeviz.tasks.numerals import thousands
from odeviz.training.checkpoints import MOST, MOST_BYTES, Checkpoint
from odeviz.training.snapshot import History, Snapshot

_AT, _WEIGHTS, _KEPT = "at/", "weights/", "kept/"

Arrays = Mapping[str, NDArray[Any]]


def pack_checkpoints(checkpoints: Sequence[Checkpoint]) -> dict[str, NDArray[Any]]:
    """Checkpoints as tensors; none for none."""
    if not checkpoints:
        return {}
    tensors: dict[str, NDArray[Any]] = {
        _AT + "iteration": np.array([each.iteration for each in checkpoints], dtype=np.int64),
        _AT + "seconds": np.array([each.seconds for each in checkpoints]),
    }
    for name in checkpoints[0].weights:
        tensors[_WEIGHTS + name] = np.stack([each.weights[name] for each in checkpoints])
    return tensors


def pack_history(history: History) -> dict[str, NDArray[Any]]:
    """A kept run's history as tensors."""
    return {_KEPT + name: getattr(history, name) for name in COLUMNS}


def unpack_checkpoints(tensors: Arrays, snapshot: Snapshot) -> tuple[Checkpoint, ...]:
    """The checkpoints of the run that ended in ``snapshot``; ``ValueError`` with half a sentence about the file."""
    iterations, seconds = tensors.get(_AT + "iteration"), tensors.get(_AT + "seconds")
    weights = {name.removeprefix(_WEIGHTS): a for name, a in tensors.items() if name.startswith(_WEIGHTS)}
    if iterations is None and seconds is None and not weights:
        return ()
    if iterations is None or seconds is None:
        raise DefectError("it does not tell when the earlier models of its run were")
    count = len(iterations) if iterations.ndim == 1 else 0
    fits = all(array.ndim and len(array) == count for array in weights.values())
    if not 1 <= count <= MOST or seconds.shape != (count,) or not fits:
        raise DefectError(f"the earlier models of its run do not belong together, or are more than {MOST}")
    if sum(array.nbytes for array in weights.values()) > MOST_BYTES:
        raise DefectError(f"the earlier models of its run take more than {MOST_BYTES >> 20} MiB")
    moments = iterations.tolist()
    if iterations.dtype != np.int64 or moments[0] < 0 or moments[-1] > snapshot.iteration:
        raise DefectError(
            f"the earlier models of its run must lie between iteration 0 and {thousands(snapshot.iteration)}"
        )
    if not (np.diff(iterations) > 0).all():
        raise DefectError("the earlier models of its run are not in order")
    if seconds.dtype != np.float64 or not (np.isfinite(seconds) & (seconds >= 0.0)).all():
        raise DefectError("the times of the earlier models of its run are no seconds")
    found = []
    for k, (iteration, spent) in enumerate(zip(moments, seconds.tolist(), strict=True)):
        own = {name: array[k] for name, array in weights.items()}
        try:
            check_weights(snapshot.experiment, own, snapshot.data)
            check_end_time(own)
        except DefectError as defect:
            raise DefectError(f"at iteration {thousands(iteration)} of its run {defect}") from None
        found.append(Checkpoint(iteration, spent, own))
    return tuple(found)


def unpack_history(tensors: Arrays) -> History:
    """A kept run's history; ``ValueError`` with half a sentence about the file."""
    columns = {name: tensors.get(_KEPT + name) for name in COLUMNS}
    missing = [name for name, column in columns.items() if column is None]
    if missing:
        raise DefectError(f"the history of the run kept beside it lacks {', '.join(missing)}")
    history = History(**columns)  # type: ignore[arg-type]
    check_history(history, "the history of the run kept beside it: ")
    return history
