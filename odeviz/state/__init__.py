"""What the window shows, as one observable object, and the commands that change it and can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odeviz.state.commands import Change
from odeviz.state.layers import COLOURINGS, LAYERS, SHOWN, FlowLayer, Stage, colourings, offered
from odeviz.state.nouns import Mark, Playhead, Point, Range, Replay, Seeds, Selection, TrainingStatus

if TYPE_CHECKING:
    from odeviz.state.workbench import Workbench

__all__ = [
    "COLOURINGS", "LAYERS", "SHOWN", "Change", "FlowLayer", "Mark", "Playhead", "Point", "Range", "Replay", "Seeds",
    "Selection", "Stage", "TrainingStatus", "Workbench", "colourings", "offered",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # The window is painted before there is one.
    if name == "Workbench":
        from odeviz.state.workbench import Workbench

        return Workbench
    raise AttributeError(f"module 'odeviz.state' has no attribute {name!r}")
