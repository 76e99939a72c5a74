"""What is so in the window now, as far as it decides what can be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from odeviz.state import COLOURINGS, LAYERS, SHOWN
from odeviz.training.loop import Phase


@dataclass(frozen=True, slots=True)
class Situation:
    """What the rules of the actions look at."""

    phase: Phase = Phase.IDLE
    has_model: bool = False
    can_undo: bool = False
    can_redo: bool = False
    #: What Undo and Redo would undo and make again.
    undo_text: str = ""
    redo_text: str = ""
    #: Files opened or saved lately, the last first.
    recent: tuple[str, ...] = ()
    #: A crash has left something behind that can be restored.
    left_over: bool = False
    has_seeds: bool = False
    seed_selected: bool = False
    playing: bool = False
    looping: bool = True
    theme: str = "system"
    #: Text as a share of the system's size, and whether nothing shall move by itself.
    text_size: float = 1.0
    calm: bool = False
    full_screen: bool = False
    #: The most iterations a second.
    pace: float | None = None
    #: The model on show has a solver.
    solves: bool = True
    can_look_back: bool = False
    looking_back: bool = False
    #: Each trajectory has steps of its own, and whether that can be chosen.
    own_steps: bool = False
    can_own_steps: bool = True
    #: A solver setting is pinned.
    comparing: bool = False
    #: A run is kept to compare others with.
    keeping: bool = False
    #: A film is being written.
    exporting: bool = False
    layers: Mapping[str, bool] = field(default_factory=lambda: SHOWN)
    #: The layers that have something to show.
    offered: tuple[str, ...] = tuple(LAYERS)
    #: What paths are coloured by, and what they can be.
    colouring: str = "class"
    colourings: tuple[str, ...] = tuple(COLOURINGS)
    #: The kind of projection, and dimensions of the state.
    projection: str = "plane"
    dim: int = 2
