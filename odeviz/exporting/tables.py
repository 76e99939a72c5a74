"""Tables: a result's numbers as CSV (tidy: one observation a row) or NPZ (every array as it stands).

CSV files have one header row. Only where it is asked for, a first line that begins with ``#`` tells the experiment:
many readers take no comments. Their columns:

=================== ============================================================================
result              columns
=================== ============================================================================
``History``         ``iteration, seconds, loss, nfe_forward, nfe_backward, metric``; ``metric`` is
                    the accuracy, or the held-out negative log-likelihood in nats
``FlowResult``      ``t, trajectory, label, x, y`` (and ``z`` in space), or in place of ``x, y`` what the axes are
                    called, such as ``height_m``; ``label`` is -1 where there is none; where labels have names,
                    they stand in ``class`` beside them, and where those are numbers, such as digits, in their
                    place. Where states jump, two rows have the time of the jump: before and after it
``StepTable``       ``step, t, h, error, accepted``; ``error`` is scaled, at most 1 when accepted
``DataResult``      ``x, y, label``, and ``class`` as above
``FieldResult``     ``t, x, y, velocity_x, velocity_y``
``DensityResult``   ``t, x, y, log_density_nats``
``DecisionResult``  ``t, x, y, probability_0, probability_1, ...``
``Film``            the columns of the frames' density or decision, or of their flow, after ``frame, iteration``
``Chart, Charts``   ``chart, curve, x, y``, and ``low, high`` of a curve with a band
``Maps``            ``map, x, y, value``, and ``count`` of a matrix that counts
``Table``           its own columns
all others          one row of their values; vectors as ``velocity_x, velocity_y``
=================== ============================================================================

``x`` and ``y`` are in the data set's own units, ``t`` in the flow's. Of a person's own series or events the ``t`` of a
``FlowResult`` is in their own time, of series since the beginning of a window, and ``model_t`` in the flow's (in NPZ
files ``t`` is the flow's, ``clock.start + clock.scale * t`` their own). Grid rows are at the cells' centres.
NaN is written ``nan``. Numbers carry as many digits as it takes to read the same number back.

NPZ files hold every field by its name, nested ones as ``steps.t``; texts are arrays of unicode, and
``numpy.load`` needs no ``allow_pickle``. The array ``odeviz`` tells the experiment.
"""

from __future__ import annotations

import csv
import dataclasses
import re
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from odeviz.analysis.film import Film
from odeviz.analysis.results import (
    DataResult,
    DecisionResult,
    DensityResult,
    Extent,
    FieldResult,
    FlowResult,
    StepTable,
)
from odeviz.storage.atomic import atomic_write
from odeviz.storage.origin import COMMENT, FIELD, Origin
from odeviz.tasks.chart import Chart, Charts, Maps, Table
from odeviz.tasks.classes import NUMBERED, Classes
from odeviz.tasks.numerals import AXES
from odeviz.training.snapshot import History

#: Columns of equal length by name.
Columns = Mapping[str, NDArray[Any]]


def save_table(result: Any, path: Path | str, *, origin: Origin | None = None, comment: bool = False) -> None:
    """Write a result of :mod:`odeviz.analysis.results` or a ``History`` to a ``.csv`` or ``.npz`` file.

    ``origin`` goes into NPZ files, and into CSV files with ``comment``.

    Raises ``ValueError`` for another suffix, :class:`odeviz.storage.WriteError` when the disk refuses.
    """
    check_table_suffix(path)
    if not dataclasses.is_dataclass(result) or isinstance(result, type):
        raise TypeError(f"result must be a result or a history, not {type(result).__name__}")
    with atomic_write(path) as temporary:
        suffix = temporary.suffix.lower()
        told = origin is not None and (comment or suffix != ".csv")
        WRITERS[suffix](result, temporary, origin.text() if origin is not None and told else "")


def check_table_suffix(path: Path | str) -> None:
    """Raise ``ValueError`` naming the suffixes a table may have if ``path`` has none of them."""
    if Path(path).suffix.lower() not in WRITERS:
        raise ValueError(f"cannot write {path}: the name of a table must end in {' or '.join(WRITERS)}")


def columns(result: Any) -> Columns:
    """The columns of a result's CSV file, each ``[rows]``."""
    arrange = _COLUMNS.get(type(result))
    if arrange is None:
        return _one_row(arrays(result))
    return arrange(result)


def arrays(result: Any, prefix: str = "") -> dict[str, NDArray[Any]]:
    """All of a result's values as arrays by name, nested ones as ``outer.inner``; none is an object array."""
    found: dict[str, NDArray[Any]] = {}
    for field in dataclasses.fields(result):
        value = getattr(result, field.name)
        if dataclasses.is_dataclass(value):
            found |= arrays(value, f"{prefix}{field.name}.")
        elif isinstance(value, tuple) and value and all(map(dataclasses.is_dataclass, value)):
            for k, inner in enumerate(value):
                found |= arrays(inner, f"{prefix}{field.name}.{k}.")
        elif isinstance(result, Table) and field.name == "rows":
            found |= {f"{prefix}{name}": column for name, column in _table(result).items()}
        elif value is not None:
            found[prefix + field.name] = np.asarray(value)
    return found


def _write_csv(result: Any, path: Path, about: str) -> None:
    table = columns(result)
    with path.open("w", newline="", encoding="utf-8") as file:
        if about:
            file.write(f"{COMMENT}{about}\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table)
        writer.writerows(zip(*map(_texts, table.values()), strict=True))


def _texts(column: NDArray[Any]) -> list[str]:
    """The shortest texts that read back as the same numbers; true and false as 1 and 0."""
    if column.dtype == np.bool_:
        column = column.astype(np.int64)
    texts: list[str] = column.astype(str).tolist()
    return texts


def _write_npz(result: Any, path: Path, about: str) -> None:
    told = {FIELD: np.array(about)} if about else {}
    # An open file, because numpy appends ".npz" to a path that ends in ".NPZ".
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays(result), **told)


def _spread(shape: tuple[int, ...], **axes: tuple[ArrayLike, int | None]) -> dict[str, NDArray[Any]]:
    """Columns that repeat each axis' values over a grid of ``shape``; axis None is one value for all."""
    spread = {}
    for name, (values, axis) in axes.items():
        view = np.asarray(values)
        if axis is not None:
            view = view.reshape([-1 if k == axis else 1 for k in range(len(shape))])
        spread[name] = np.broadcast_to(view, shape).ravel()
    return spread


def _one_row(values: Mapping[str, NDArray[Any]]) -> Columns:
    row: dict[str, NDArray[Any]] = {}
    for path, value in values.items():
        name = path.replace(".", "_")
        # What is not a number is a vector in the plane.
        parts = (
            {name: value} if value.ndim == 0 else {f"{name}_{axis}": value[k] for k, axis in enumerate("xy")}
        )
        row |= {part: np.atleast_1d(number) for part, number in parts.items()}
    return row


def _history(history: History) -> Columns:
    return arrays(history)


def _flow(flow: FlowResult) -> Columns:
    shape = flow.paths.shape[:2]
    labels = {name: (column, 1) for name, column in _labels(flow.labels, flow.classes).items()}
    # A person's own time is what they read their trajectories by; the model's stands beside it.
    times = {"t": (flow.clock.own(flow.t), 0), **({"model_t": (flow.t, 0)} if flow.clock else {})}
    known = _spread(shape, **times, trajectory=(np.arange(shape[1]), 1), **labels)
    plain = tuple("xyz"[: flow.paths.shape[2]])
    named = tuple(map(_column, flow.axes)) if flow.axes and flow.axes != AXES else plain
    if set(named) & known.keys() or len(set(named)) < len(plain):
        named = plain
    return known | {axis: flow.paths[..., k].ravel() for k, axis in enumerate(named)}


def _column(axis: str) -> str:
    """An axis as the name of a column: ``velocity in m/s`` is ``velocity_m_per_s``."""
    plain = unicodedata.normalize("NFKC", axis).replace(" in ", " ").replace("/", " per ")
    return re.sub(r"\W+", "_", plain).strip("_") or axis


def _steps(steps: StepTable) -> Columns:
    return {"step": np.arange(len(steps.t)), **arrays(steps)}


def _data(data: DataResult) -> Columns:
    return {"x": data.points[:, 0], "y": data.points[:, 1], **_labels(data.labels, data.classes)}


def _labels(labels: NDArray[Any], classes: Classes) -> dict[str, NDArray[Any]]:
    if not classes.names:
        return {"label": labels}
    if all(map(str.isdecimal, classes.names)):
        numbers = np.array(
            [int(classes.name(label)) if label >= 0 else -1 for label in labels.tolist()], np.int64
        )
        return {"label" if classes.title == NUMBERED.title else classes.title: numbers}
    named = [classes.name(label) if label >= 0 else "" for label in labels.tolist()]
    return {"label": labels, "class": np.array(named)}


def _field(field: FieldResult) -> Columns:
    velocity = field.velocity
    return _spread(velocity.shape[:3], t=(field.t, 0), x=(field.x, 2), y=(field.y, 1)) | {
        "velocity_x": velocity[..., 0].ravel(),
        "velocity_y": velocity[..., 1].ravel(),
    }


def _density(density: DensityResult) -> Columns:
    shape = density.log_density.shape
    return _grid(density.t, density.extent, shape) | {"log_density_nats": density.log_density.ravel()}


def _decision(decision: DecisionResult) -> Columns:
    classes = {f"probability_{k}": plane.ravel() for k, plane in enumerate(decision.probability)}
    return _grid(decision.t, decision.extent, decision.probability.shape[1:]) | classes


def _film(film: Film) -> Columns:
    parts = []
    for k, frame in enumerate(film.frames):
        shown = frame.background if frame.background is not None else frame.flow
        own = columns(shown) if shown is not None else {}
        rows = len(next(iter(own.values()), ()))
        parts.append({"frame": np.full(rows, k), "iteration": np.full(rows, frame.iteration), **own})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _grid(t: float, extent: Extent, shape: tuple[int, ...]) -> dict[str, NDArray[Any]]:
    """``t, x, y`` of the cells' centres of a grid ``[ny, nx]`` over an extent, row 0 lowest."""
    ny, nx = shape
    x = extent.x0 + (np.arange(nx) + 0.5) * (extent.x1 - extent.x0) / nx
    y = extent.y0 + (np.arange(ny) + 0.5) * (extent.y1 - extent.y0) / ny
    return _spread((ny, nx), t=(t, None), x=(x, 1), y=(y, 0))


def _charts(charts: Charts) -> Columns:
    curves = [(chart.title or chart.y_label, curve) for chart in charts.charts for curve in chart.curves]
    sizes = [len(curve.x) for _, curve in curves]
    banded = any(curve.low is not None for _, curve in curves)
    nothing = [np.full(n, np.nan) for n in sizes]
    parts: dict[str, list[NDArray[Any]]] = {
        "chart": [np.repeat(title, n) for (title, _), n in zip(curves, sizes, strict=True)],
        "curve": [np.repeat(curve.label, n) for (_, curve), n in zip(curves, sizes, strict=True)],
        "x": [curve.x for _, curve in curves],
        "y": [curve.y for _, curve in curves],
    }
    for edge in ("low", "high") if banded else ():
        given = [getattr(curve, edge) for _, curve in curves]
        parts[edge] = [none if one is None else one for one, none in zip(given, nothing, strict=True)]
    return {name: np.concatenate(part) if part else np.empty(0) for name, part in parts.items()}


def _maps(maps: Maps) -> Columns:
    grids = [(one, _grid(0.0, Extent(*one.extent), one.values.shape)) for one in maps.maps]
    table = {
        "map": np.concatenate([np.repeat(one.title, one.values.size) for one, _ in grids]),
        "x": np.concatenate([grid["x"] for _, grid in grids]),
        "y": np.concatenate([grid["y"] for _, grid in grids]),
        "value": np.concatenate([one.values.ravel() for one, _ in grids]),
    }
    counts = [one.counts.ravel() for one in maps.maps if one.counts is not None]
    return table | ({"count": np.concatenate(counts)} if len(counts) == len(grids) and grids else {})


def _table(table: Table) -> Columns:
    return {name: np.array([row[k] for row in table.rows]) for k, name in enumerate(table.columns)}


_COLUMNS: dict[type, Callable[[Any], Columns]] = {
    History: _history,
    FlowResult: _flow,
    StepTable: _steps,
    DataResult: _data,
    FieldResult: _field,
    DensityResult: _density,
    DecisionResult: _decision,
    Film: _film,
    Chart: lambda chart: _charts(Charts(chart.title, (chart,))),
    Charts: _charts,
    Maps: _maps,
    Table: _table,
}

#: How a table is written, by suffix.
WRITERS: dict[str, Callable[[Any, Path, str], None]] = {".csv": _write_csv, ".npz": _write_npz}
