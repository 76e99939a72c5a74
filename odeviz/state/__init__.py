"""What the window shows, as one observable object, and the commands that change it and can be undone."""

from odeviz.state.commands import Change
from odeviz.state.layers import COLOURINGS, LAYERS, SHOWN, FlowLayer, Stage, colourings, offered
from odeviz.state.nouns import Mark, Playhead, Point, Range, Replay, Seeds, Selection, TrainingStatus
from odeviz.state.workbench import Workbench

__all__ = [
    "COLOURINGS", "LAYERS", "SHOWN", "Change", "FlowLayer", "Mark", "Playhead", "Point", "Range", "Replay", "Seeds",
    "Selection", "Stage", "TrainingStatus", "Workbench", "colourings", "offered",
]  # fmt: skip
