"""What a task's view is drawn from."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from odeviz.engine.integrate import CancelToken
from odeviz.models import SolverOptions
from odeviz.tasks.viewpoint import WHOLE, Viewpoint


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
    viewpoint: Viewpoint = WHOLE
    #: The value of every control of the view.
    values: Mapping[str, float] = field(default_factory=dict)
    #: Another way to solve it, to compare with.
    pinned: SolverOptions | None = None
    #: When it was asked for, on the clock ``time.monotonic``.
    began: float = field(default_factory=time.monotonic)

    @property
    def t(self) -> float:
        """The time that is looked at, within the flow."""
        t1: float = self.model.t1
        return t1 if self.viewpoint.t is None else min(max(self.viewpoint.t, 0.0), t1)

    @property
    def at_end(self) -> bool:
        """Whether that is the end of the flow."""
        t1: float = self.model.t1
        return self.t == t1

    @property
    def glance(self) -> bool:
        """Whether a first look is wanted, as the picture is under a hand."""
        return self.viewpoint.patience == 0.0

    @property
    def impatient(self) -> bool:
        """Whether a view of many parts should show those it has."""
        return time.monotonic() - self.began >= self.viewpoint.patience

    def remember(self, name: str, find_out: Callable[[], Any]) -> Any:
        """What is known under a name, found out at the first call; :class:`Cancelled` leaves nothing behind."""
        if name not in self.memory:
            self.memory[name] = find_out()
        return self.memory[name]

    def check(self) -> None:
        """Raise :class:`Cancelled` when the view is no longer wanted."""
        if self.cancel is not None and self.cancel.is_set():
            raise Cancelled
