"""What each panel can be exported as: a figure drawn by matplotlib from its results, or its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odeviz.storage.origin import Origin
from odeviz.tasks.registry import task_of
from odeviz.training.snapshot import Snapshot

FIGURE_FORMATS = {"png": "PNG picture", "svg": "SVG drawing", "pdf": "PDF document"}
TABLE_FORMATS = {"csv": "CSV table", "npz": "NumPy arrays (NPZ)"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the window shows at the moment of an export; frozen results, safe to hand to a worker."""

    snapshot: Snapshot
    results: Mapping[str, Any]
    t: float

    @property
    def behind(self) -> str:
        """What the plane shows behind the flow."""
        return task_of(self.snapshot.experiment).behind(self.snapshot.experiment)


@dataclass(frozen=True, slots=True)
class Export:
    """One panel's export: the figure's name with its results, and the result its table is made of."""

    key: str
    title: str
    figure: Callable[[Shown], tuple[str, dict[str, Any]]]
    table: Callable[[Shown], Any]
    #: Whether there is something to export.
    there: Callable[[Shown], bool]


def _flow(now: Shown) -> tuple[str, dict[str, Any]]:
    scene = now.results.get("scene")
    background = now.results.get("background")
    behind = {now.behind: background} if now.behind else {}
    return "flow", {
        "flow": now.results.get("flow"),
        "field": now.results.get("field"),
        **behind,
        "data": scene.data if scene is not None else None,
        "time": now.t,
        "extent": scene.extent if scene is not None else None,
    }


def _background(now: Shown) -> tuple[str, dict[str, Any]]:
    scene = now.results.get("scene")
    kind = now.behind
    return kind, {kind: now.results["background"], "data": scene.data if scene is not None else None}


def _loss(now: Shown) -> tuple[str, dict[str, Any]]:
    return "loss", {"history": now.snapshot.history, "experiment": now.snapshot.experiment}


def _nfe(now: Shown) -> tuple[str, dict[str, Any]]:
    return "nfe", {"history": now.snapshot.history}


def _steps(now: Shown) -> tuple[str, dict[str, Any]]:
    return "steps", {"flow": now.results["flow"]}


def _has(kind: str) -> Callable[[Shown], bool]:
    return lambda now: now.results.get(kind) is not None


def _has_history(now: Shown) -> bool:
    return len(now.snapshot.history) > 0


EXPORTS: tuple[Export, ...] = (
    Export("flow", "Flow", _flow, lambda now: now.results["flow"], _has("flow")),
    Export("density", "Density or decision", _background, lambda now: now.results["background"], _has("background")),
    Export("loss", "Loss", _loss, lambda now: now.snapshot.history, _has_history),
    Export("nfe", "NFE", _nfe, lambda now: now.snapshot.history, _has_history),
    Export("steps", "Steps", _steps, lambda now: now.results["flow"].steps, _has("flow")),
    Export("view", "View", lambda now: ("view", {"picture": now.results["view"]}),
           lambda now: now.results["view"], _has("view")),
    Export("precision", "Tolerance", lambda now: ("view", {"picture": now.results["precision"]}),
           lambda now: now.results["precision"], _has("precision")),
    Export("seeds", "Seeded trajectories", lambda now: ("flow", {**_flow(now)[1], "flow": now.results["seeds"]}),
           lambda now: now.results["seeds"], _has("seeds")),
    Export("field", "Vector field", lambda now: ("flow", {"field": now.results["field"], "time": now.t}),
           lambda now: now.results["field"], _has("field")),
)  # fmt: skip


def write(export: Export, now: Shown, path: Path, dpi: int) -> Path:
    """Draw or write one panel to ``path``; the suffix chooses. Runs in a worker: matplotlib is imported here.

    Raises ``ValueError`` or ``OSError`` in one sentence; no half-written file is left.
    """
    if path.suffix.lower().lstrip(".") in TABLE_FORMATS:
        from odeviz.exporting.tables import save_table

        save_table(export.table(now), path, origin=Origin.of(now.snapshot, export.title))
    else:
        from odeviz.exporting.figures import save_figure

        figure, results = export.figure(now)
        save_figure(figure, path, dpi=dpi, origin=Origin.of(now.snapshot, export.title), **results)
    return path
