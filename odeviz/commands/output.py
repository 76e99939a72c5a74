"""How commands print what they found."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from odeviz.tasks.experiment import Experiment
    from odeviz.training.snapshot import Snapshot

#: Exit codes: done; ran, but what it computed failed (a sentence on stderr says why); a mistake in what was
#: asked; Ctrl-C; and the reader of a pipe has gone (the last two as shells know them: 128 + signal).
OK, FAILED, MISUSED, INTERRUPTED, READER_GONE = 0, 1, 2, 130, 141


def print_json(value: Any) -> None:
    """Print one JSON value on one line; numbers that are not finite become null, as JSON has no NaN."""
    print(json.dumps(_finite(value)))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(values: Mapping[str, Any]) -> None:
    """Print names and values in two columns, numbers to six digits."""
    width = max(map(len, values))
    for name, value in values.items():
        print(f"{name:<{width}}  {value:.6g}" if isinstance(value, float) else f"{name:<{width}}  {value}")


class CountLine:
    """How much of some work is done: one line that is rewritten, on a terminal only, and gone at the end."""

    def __init__(self, doing: str, stream: TextIO) -> None:
        self._doing = doing
        self._stream = stream if stream.isatty() else None
        self._width = 0

    def __enter__(self) -> CountLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.write(f"\r{'':{self._width}}\r")
            self._stream.flush()

    def show(self, done: int, of: int) -> None:
        """Say how many are done."""
        if self._stream is not None:
            text = f"{self._doing} {done}/{of}"
            self._width = max(self._width, len(text))
            self._stream.write(f"\r{text}")
            self._stream.flush()


def parameter_count(snapshot: Snapshot) -> int:
    """How many numbers training adjusts: every tensor of these models' ``state_dict`` is a parameter."""
    return sum(array.size for array in snapshot.weights.values())


def experiment_line(experiment: Experiment) -> dict[str, str]:
    """What repeats the run, if a line of text can hold it, by the name it is printed under."""
    from odeviz.tasks.experiment_string import experiment_string

    try:
        return {"experiment": experiment_string(experiment)}
    except ValueError:
        return {}
