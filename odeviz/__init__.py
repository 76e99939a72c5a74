"""odeviz: a desktop workbench for neural ordinary differential equations.

The engine's public names are re-exported lazily, so that ``import odeviz`` costs nothing
and the window can open before torch is loaded.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "solve": "odeviz.engine",
    "odeint": "odeviz.engine",
    "odeint_adjoint": "odeviz.engine",
    "odeint_event": "odeviz.engine",
    "odeint_dense": "odeviz.engine",
    "SolveError": "odeviz.engine",
    "Solution": "odeviz.engine",
    "Stats": "odeviz.engine",
    "Status": "odeviz.engine",
    "StepRecord": "odeviz.engine",
    "PIDController": "odeviz.engine",
    "Event": "odeviz.engine",
    "EventRecord": "odeviz.engine",
    "METHODS": "odeviz.engine",
    "MLPField": "odeviz.fields",
    "AutogradField": "odeviz.fields",
    "ODENet": "odeviz.models",
    "CNF": "odeviz.models",
    "SolverOptions": "odeviz.models",
    "Experiment": "odeviz.tasks",
    "Session": "odeviz.training",
}
__all__ = [*sorted(_PUBLIC), "__version__"]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'odeviz' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
