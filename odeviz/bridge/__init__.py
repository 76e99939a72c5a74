"""Where threads meet Qt: the trainer (a process or a thread), the solver thread, and a thread for files.

Nothing here imports torch before a worker thread asks for it (see :mod:`odeviz.training.engine`).
"""

from odeviz.bridge.frames import FrameCache, Wanted
from odeviz.bridge.jobs import JobRunner
from odeviz.bridge.mailbox import Mailbox
from odeviz.bridge.requests import (
    AloneRequest,
    BorderRequest,
    CostRequest,
    DecisionRequest,
    DensityRequest,
    EffortRequest,
    FieldRequest,
    FilmRequest,
    FlowRequest,
    PinnedRequest,
    PrecisionRequest,
    ProbeRequest,
    Request,
    RestRequest,
    Scene,
    SceneRequest,
    SeedsRequest,
    StreamRequest,
    TrainingFilmRequest,
    ViewRequest,
)
from odeviz.bridge.solve_service import Answer, SolveService
from odeviz.bridge.trainer import Trainer
from odeviz.training.loop import Device, Phase
from odeviz.training.trouble import Trouble

__all__ = [
    "AloneRequest",
    "Answer",
    "BorderRequest",
    "CostRequest",
    "DecisionRequest",
    "DensityRequest",
    "Device",
    "EffortRequest",
    "FieldRequest",
    "FilmRequest",
    "FlowRequest",
    "FrameCache",
    "JobRunner",
    "Mailbox",
    "Phase",
    "PinnedRequest",
    "PrecisionRequest",
    "ProbeRequest",
    "Request",
    "RestRequest",
    "Scene",
    "SceneRequest",
    "SeedsRequest",
    "SolveService",
    "StreamRequest",
    "Trainer",
    "TrainingFilmRequest",
    "Trouble",
    "ViewRequest",
    "Wanted",
]
