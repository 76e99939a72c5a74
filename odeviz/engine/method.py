"""What every method says about itself, whatever its family."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(frozen=True, eq=False, kw_only=True)
class Method(ABC):
    """A one-step or multistep method as data; ``engine.methods`` knows how its steps are made."""

    name: str
    title: str
    #: Order of the step.
    order: int
    #: Order of the result whose difference to the step's is the error estimate; 0 without an estimate.
    error_order: int
    #: Order of the polynomial that gives states inside a step.
    dense_order: int
    #: Who published it, and when.
    source: str
    #: When to use it, and when not.
    advice: str

    @property
    @abstractmethod
    def family(self) -> str:
        """What kind of method it is."""

    @property
    @abstractmethod
    def stages(self) -> int:
        """Evaluations of the vector field in a step that stands alone."""

    @property
    @abstractmethod
    def fsal(self) -> bool:
        """Whether the last stage of a step is the first of the next one, and so costs nothing there."""

    @property
    def adaptive(self) -> bool:
        """Whether the method estimates its own error, so that its step size can be controlled."""
        return self.error_order > 0

    @property
    def reversible(self) -> bool:
        """Whether a step can be undone from its end."""
        return False
