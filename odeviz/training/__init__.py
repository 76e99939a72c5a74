"""Training: the session, its snapshots and history. Names that need torch are loaded when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odeviz.training.checkpoints import Checkpoint
from odeviz.training.snapshot import History, Snapshot

if TYPE_CHECKING:
    from odeviz.training.session import Session
    from odeviz.training.weights import restore

__all__ = ["Checkpoint", "History", "Session", "Snapshot", "restore"]


def __getattr__(name: str) -> Any:
    if name == "Session":
        from odeviz.training.session import Session

        return Session
    if name == "restore":
        from odeviz.training.weights import restore

        return restore
    raise AttributeError(f"module 'odeviz.training' has no attribute {name!r}")
