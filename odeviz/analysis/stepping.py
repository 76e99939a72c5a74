"""The steps of a solve as tables, and what each trajectory cost. Importing this module imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from odeviz.analysis.results import Ints, StepTable, frozen
from odeviz.engine import Solution, StepRecord


def steps_of(solution: Solution) -> StepTable:
    """The steps that all samples shared; where each had its own, those of the costliest, the first of several."""
    if solution.per_sample is None:
        return _table(solution.stats.steps)
    own = solution.per_sample.steps
    # NumPy's argmax, whose first of equals FlowResult.costliest names too.
    theirs = own.sample == int(_array(solution.per_sample.nfe).argmax())
    return StepTable(*(_array(part[theirs]) for part in (own.t, own.h, own.error, own.accepted)))


def nfe_each(solution: Solution) -> Ints | None:
    """Evaluations ``[batch]`` made for each sample; None where all share their steps."""
    return None if solution.per_sample is None else _array(solution.per_sample.nfe)


def _array(values: Tensor) -> NDArray[Any]:
    return frozen(values.detach().cpu().contiguous().numpy().copy())


def _table(steps: Sequence[StepRecord]) -> StepTable:
    return StepTable(
        frozen(np.array([step.t for step in steps], dtype=np.float64)),
        frozen(np.array([step.h for step in steps], dtype=np.float64)),
        frozen(np.array([step.error for step in steps], dtype=np.float64)),
        frozen(np.array([step.accepted for step in steps], dtype=np.bool_)),
    )
