"""What a task's view is drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from odeviz.engine.integrate import CancelToken
from odeviz.models import SolverOptions


class Cancelled(Exception):  # noqa: N818 - no error
    """Raised inside a view that is no longer wanted."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A trained model with its task, and how its flow is to be solved."""

    model: Any
    learning: Any
    solver: SolverOptions
    cancel: CancelToken | None = None

    def check(self) -> None:
        """Raise :class:`Cancelled` when the view is no longer wanted."""
        if self.cancel is not None and self.cancel.is_set():
            raise Cancelled
