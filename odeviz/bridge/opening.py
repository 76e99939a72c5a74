"""What the opening model's first picture needs, kept beside the model.

The engine takes a second or more to import. Nobody who starts odeviz need wait for it to see a flow move: until it is
there, the two questions of the first picture are answered by what ``resources/build.py --opening`` has solved.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odeviz.analysis.overlays import SpaceResult
from odeviz.analysis.results import DataResult, Extent, FlowResult, SolverChoice, StepTable, frozen
from odeviz.bridge.requests import FlowRequest, Request, Scene, SceneRequest
from odeviz.storage.paths import resource
from odeviz.tasks.classes import Classes
from odeviz.tasks.own_time import OwnTime
from odeviz.training.snapshot import Snapshot

_NAME = "opening.npz"
_STEPS = ("t", "h", "error", "accepted")
Arrays = dict[str, NDArray[Any]]


def recall(snapshot: Snapshot, request: Request) -> Any:
    """The kept answer to a request about the opening model; None if there is none, or the engine is there."""
    if "torch" in sys.modules or not isinstance(request, SceneRequest | FlowRequest):
        return None
    kept = _kept(resource(_NAME))
    if kept is None or kept[0] != _of(snapshot):
        return None
    return next((answer for asked, answer in kept[1] if asked == request), None)


def keep(snapshot: Snapshot, asked: FlowRequest, flow: FlowResult, scene: Scene, path: Path) -> None:
    """Write the answers to ``asked`` and to :class:`SceneRequest` for a model; not how long a machine took."""
    space = scene.space
    told = {
        "of": _of(snapshot),
        "asked": {"choice": asdict(asked.choice), "count": asked.count, "frames": asked.frames},
        "flow": {
            "iteration": flow.iteration,
            "nfe": flow.nfe,
            "status": flow.status,
            "message": flow.message,
        },
        "classes": asdict(flow.classes),
        "clock": asdict(flow.clock),
        "scene": {"extent": asdict(scene.extent), "t1": scene.t1, "classes": asdict(scene.data.classes)},
        "space": {"dim": space.dim, "over_time": space.over_time, "names": space.names},
    }
    arrays = {name: getattr(flow, name) for name in ("t", "paths", "labels", "speed")}
    arrays |= {f"steps.{name}": getattr(flow.steps, name) for name in _STEPS}
    arrays |= {f"data.{name}": getattr(scene.data, name) for name in ("points", "labels")}
    np.savez_compressed(path, told=np.array(json.dumps(told)), **arrays)


def read(path: Path) -> tuple[str, tuple[tuple[Request, Any], ...]]:
    """Whose answers a file holds, and each request with its answer."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: frozen(file[name]) for name in file.files}
    told = json.loads(str(arrays["told"]))
    request = FlowRequest(**told["asked"] | {"choice": SolverChoice(**told["asked"]["choice"])})
    return told["of"], (
        (SceneRequest(), _scene(told, arrays)),
        (request, _flow(told, arrays, request.choice)),
    )


def _scene(told: dict[str, Any], arrays: Arrays) -> Scene:
    about = told["scene"]
    data = DataResult(arrays["data.points"], arrays["data.labels"], _classes(about["classes"]))
    space = SpaceResult(**told["space"] | {"names": tuple(told["space"]["names"])})
    return Scene(Extent(**about["extent"]), about["t1"], data, space)


def _flow(told: dict[str, Any], arrays: Arrays, choice: SolverChoice) -> FlowResult:
    return FlowResult(
        **{name: arrays[name] for name in ("t", "paths", "labels", "speed")},
        steps=StepTable(*(arrays[f"steps.{name}"] for name in _STEPS)),
        choice=choice,
        error=math.nan,
        # Another machine's time says nothing here: it is told as soon as this one has solved.
        milliseconds=math.nan,
        classes=_classes(told["classes"]),
        clock=OwnTime(**told["clock"]),
        **told["flow"],
    )


def _classes(told: dict[str, Any]) -> Classes:
    return Classes(told["title"], tuple(told["names"]))


@functools.cache
def _kept(path: Path) -> tuple[str, tuple[tuple[Request, Any], ...]] | None:
    return read(path) if path.is_file() else None


def _of(snapshot: Snapshot) -> str:
    """Names a model: its experiment and its weights."""
    digest = hashlib.sha256(repr(sorted(snapshot.experiment.values().items())).encode())
    for name, array in sorted(snapshot.weights.items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
