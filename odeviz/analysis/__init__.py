"""From a snapshot to arrays that can be drawn or saved. No Qt; torch is imported with :class:`Study` only.

::

    study = Study(snapshot)
    seeds, labels = study.default_seeds(1000)
    flow = study.flow(seeds, labels, SolverChoice("dopri5", rtol=1e-4, atol=1e-4))
    flow.paths, flow.nfe, flow.error
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odeviz.analysis.results import (
    DataResult,
    DecisionResult,
    DensityResult,
    Extent,
    FieldResult,
    FlowResult,
    ProbeResult,
    SolverChoice,
    StepTable,
)

if TYPE_CHECKING:
    from odeviz.analysis.study import Study

__all__ = [
    "DataResult",
    "DecisionResult",
    "DensityResult",
    "Extent",
    "FieldResult",
    "FlowResult",
    "ProbeResult",
    "SolverChoice",
    "StepTable",
    "Study",
]


def __getattr__(name: str) -> Any:
    if name == "Study":
        from odeviz.analysis.study import Study

        return Study
    raise AttributeError(f"module 'odeviz.analysis' has no attribute {name!r}")
