"""What the window shows, as one observable object, and the commands that change it and can be undone."""

from odeviz.state.commands import Change
from odeviz.state.nouns import Playhead, Seeds, TrainingStatus
from odeviz.state.workbench import LAYERS, Workbench

__all__ = ["LAYERS", "Change", "Playhead", "Seeds", "TrainingStatus", "Workbench"]
