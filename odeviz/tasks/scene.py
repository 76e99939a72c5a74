"""What a task's view is drawn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
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
    #: What views of the same model have found out before, by name.
    memory: dict[str, Any] = field(default_factory=dict)

    def remember(self, name: str, find_out: Callable[[], Any]) -> Any:
        """What is known under a name, found out at the first call; :class:`Cancelled` leaves nothing behind."""
        if name not in self.memory:
            self.memory[name] = find_out()
        return self.memory[name]

    def check(self) -> None:
        """Raise :class:`Cancelled` when the view is no longer wanted."""
        if self.cancel is not None and self.cancel.is_set():
            raise Cancelled
