"""The model file: one ``.odeviz`` file is one snapshot.

Format (version 3)
------------------
A safetensors file. Its tensors are the model's ``state_dict`` under its own names, the history's columns under
``history/<column>`` and a person's own data under ``data/<name>`` (no parameter's name contains a slash). Version 1
knew neither such data nor settings of a task's own; version 3 is that of a session file with more tensors, under
``session/``, which belong to no model. The header's metadata holds four texts (and a session file one
more, see :mod:`odeviz.storage.session_file`):

=================== ===================================================================================
``format``          ``odeviz``
``format_version``  a whole number, raised when an older odeviz could no longer read the file
``odeviz_version``  the version that wrote the file
``snapshot``        JSON: ``experiment`` (a flat object from dotted setting path to value, e.g.
                    ``"data.noise": 0.1``), ``iteration``, ``seconds``, ``metrics`` (name to number, null
                    for a number that is not finite), ``message``
=================== ===================================================================================

Reading trusts nothing: nothing is unpickled, sizes are checked before memory is taken, and whatever is wrong
is a :class:`ModelFileError`. A setting that the file lacks takes its default; one that this version does not
know is an error, because ignoring it would show another model than the one that was saved.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, BinaryIO

import msgspec
import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

import odeviz
from odeviz.storage.atomic import atomic_write
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.numerals import thousands
from odeviz.tasks.registry import TASKS, expected_shapes, task_of
from odeviz.training.snapshot import History, Snapshot

SUFFIX = ".odeviz"
FORMAT = "odeviz"
FORMAT_VERSION = 3
#: Far above what the largest experiment needs (8 layers of 1,024 units in float64 take 64 MB).
MAX_BYTES = 2**30
MAX_HEADER_BYTES = 2**22
#: A learnt end time from 0.0001 to 10,000, far beyond what training reaches.
MAX_LOG_T1 = 9.3

_HISTORY = "history/"
_DATA = "data/"
_SESSION = "session/"
COLUMNS = tuple(column.name for column in dataclasses.fields(History))
#: First bytes of files that are picked by mistake.
_STRANGERS = {
    b"\x89PNG": "it is a PNG image",
    b"PK\x03\x04": "it is a zip archive, perhaps a PyTorch checkpoint, and odeviz never unpickles",
    b"\x80\x02": "it is a pickle, and odeviz never unpickles",
    b"\x80\x04": "it is a pickle, and odeviz never unpickles",
    b"\x80\x05": "it is a pickle, and odeviz never unpickles",
    b"\x93NUM": "it is a NumPy array",
    b"%PDF": "it is a PDF",
}


class ModelFileError(ValueError):
    """A model file cannot be used; ``str()`` is one sentence naming the file and the problem."""


class DefectError(ValueError):
    """What is wrong with a file, as the second half of a sentence."""


#: Whole numbers beyond this are nobody's setting, and are not exact in JSON.
_Whole = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]


class _Description(msgspec.Struct, forbid_unknown_fields=True):
    """The ``snapshot`` text: all of a snapshot that is not an array."""

    experiment: dict[str, bool | _Whole | float | str]
    iteration: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    metrics: dict[str, float | None] = {}
    message: str = ""


class _Tensor(msgspec.Struct):
    """One tensor's entry in a safetensors header: where its bytes lie after the header."""

    data_offsets: tuple[int, int]


def save_model(
    path: Path | str,
    snapshot: Snapshot,
    texts: Mapping[str, str] = MappingProxyType({}),
    more: Mapping[str, NDArray[Any]] = MappingProxyType({}),
) -> None:
    """Write a snapshot, ``texts`` beside its description and ``more`` of a session, to one file, whole or not at all.

    Raises :class:`ModelFileError` for a snapshot that could not be loaded again (weights that are not
    finite), :class:`odeviz.storage.WriteError` when the disk refuses.
    """
    try:
        _check_finite(snapshot.weights)
        check_history(snapshot.history)
    except DefectError as defect:
        raise ModelFileError(f"cannot save {path}: {defect}") from None
    description = _Description(
        experiment=snapshot.experiment.values(),
        iteration=int(snapshot.iteration),
        seconds=float(snapshot.seconds),
        metrics={name: float(value) for name, value in snapshot.metrics.items()},
        message=snapshot.message,
    )
    metadata = dict(texts) | {
        "format": FORMAT,
        # A file of the model alone is one that the version before reads, too.
        "format_version": str(FORMAT_VERSION if more else FORMAT_VERSION - 1),
        "odeviz_version": odeviz.__version__,
        "snapshot": msgspec.json.encode(description).decode(),
    }
    tensors = dict(snapshot.weights) | {_HISTORY + name: getattr(snapshot.history, name) for name in COLUMNS}
    tensors |= {_DATA + name: array for name, array in snapshot.data.items()}
    tensors |= {_SESSION + name: array for name, array in more.items()}
    # asarray keeps the shape [] of a scalar parameter, which ascontiguousarray alone would make [1].
    tensors = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    with atomic_write(path) as temporary:
        temporary.write_bytes(safetensors.numpy.save(tensors, metadata))


def load_model(path: Path | str) -> Snapshot:
    """Read a snapshot. Raises :class:`ModelFileError` and nothing else, whatever the file holds."""
    return load_with_texts(path)[0]


def load_with_texts(path: Path | str) -> tuple[Snapshot, Mapping[str, str], Mapping[str, NDArray[Any]]]:
    """Read a snapshot, all texts of the file's metadata, and what more a session has, which is not looked at here.

    Raises :class:`ModelFileError` and nothing else.
    """
    path = Path(path)
    with _explained(path):
        return _read(path)


def read_versions(path: Path | str) -> tuple[int, str]:
    """The file's format version, and the odeviz version that wrote it. Raises :class:`ModelFileError`."""
    path = Path(path)
    with _explained(path), _opened(path) as (file, size):
        metadata, _ = _parse_header(_read_header(file, size))
        return int(metadata["format_version"]), metadata.get("odeviz_version", "")


def read_metrics(path: Path | str) -> dict[str, float]:
    """The figures that a file's model reached, from its header alone. Raises :class:`ModelFileError`."""
    path = Path(path)
    with _explained(path), _opened(path) as (file, size):
        metadata, _ = _parse_header(_read_header(file, size))
        return _known(_describe(metadata)[0].metrics)


def _known(metrics: Mapping[str, float | None]) -> dict[str, float]:
    return {name: math.nan if value is None else value for name, value in metrics.items()}


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What goes wrong with the file becomes one sentence that names it."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ModelFileError(f"cannot open {path}: {reason}") from error
    except DefectError as defect:
        raise ModelFileError(f"cannot open {path}: {defect}") from None


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """The file and its size; only a regular file is opened, as a pipe could keep us waiting."""
    if path.is_dir():
        raise DefectError("it is a folder")
    if path.exists() and not path.is_file():
        raise DefectError("it is not a regular file")
    with path.open("rb") as file:
        yield file, os.fstat(file.fileno()).st_size


def _read(path: Path) -> tuple[Snapshot, Mapping[str, str], Mapping[str, NDArray[Any]]]:
    with _opened(path) as (file, size):
        header = _read_header(file, size)
        metadata, end = _parse_header(header)
        description = _describe(metadata)
        if 8 + len(header) + end > size:
            raise DefectError(
                f"it is truncated: {thousands(size)} of {thousands(8 + len(header) + end)} bytes are there"
            )
        file.seek(0)
        data = file.read(size)
    tensors = _tensors(data)
    more = {name: tensors.pop(name) for name in list(tensors) if name.startswith(_SESSION)}
    return (
        _assemble(description, tensors),
        metadata,
        {name.removeprefix(_SESSION): array for name, array in more.items()},
    )


def _read_header(file: BinaryIO, size: int) -> bytes:
    if size == 0:
        raise DefectError("it is empty")
    start = file.read(9)
    for magic, what in _STRANGERS.items():
        if start.startswith(magic):
            raise DefectError(f"{what}, not an odeviz model")
    if size < 9:
        raise DefectError("it is too short to be an odeviz model")
    length = int.from_bytes(start[:8], "little")
    if start[8:] != b"{" or not 2 <= length <= MAX_HEADER_BYTES:
        raise DefectError("it is not an odeviz model")
    if size > MAX_BYTES:
        raise DefectError(f"it is larger than any odeviz model ({thousands(size)} bytes)")
    if 8 + length > size:
        raise DefectError(
            f"it is truncated: {thousands(size)} of at least {thousands(8 + length)} bytes are there"
        )
    return start[8:] + file.read(length - 1)


def _parse_header(header: bytes) -> tuple[Mapping[str, str], int]:
    """The metadata, and where the last tensor ends, counted from the header's end."""
    try:
        entries = msgspec.json.decode(header, type=dict[str, msgspec.Raw])
        metadata = msgspec.json.decode(entries.pop("__metadata__", b"{}"), type=dict[str, str])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise DefectError("its header is damaged, or it is not an odeviz model") from None
    if metadata.get("format") != FORMAT:
        raise DefectError("it is a safetensors file without an odeviz description, not an odeviz model")
    try:
        version = int(metadata.get("format_version", ""))
    except ValueError:
        raise DefectError("its format version is not a whole number") from None
    if version > FORMAT_VERSION:
        raise DefectError(
            f"it was written by odeviz {metadata.get('odeviz_version', '?')[:20]} in file format {version}, "
            f"and odeviz {odeviz.__version__} reads up to format {FORMAT_VERSION}; a newer odeviz can open it"
        )
    if version < 1:
        raise DefectError(f"its format version {version} does not exist")
    try:
        ends = [msgspec.json.decode(entry, type=_Tensor).data_offsets[1] for entry in entries.values()]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise DefectError("the list of tensors in its header is damaged") from None
    return metadata, max(ends, default=0)


def _describe(metadata: Mapping[str, str]) -> tuple[_Description, Experiment]:
    try:
        description = msgspec.json.decode(metadata.get("snapshot", ""), type=_Description)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise DefectError(f"its description is damaged ({_one_line(error)})") from None
    try:
        return description, experiment_of(description.experiment)
    except ValueError as error:
        raise DefectError(str(error)) from None


def experiment_of(values: Mapping[str, bool | int | float | str]) -> Experiment:
    """The experiment with these settings, by dotted path, which a file holds.

    Raises ``ValueError`` with the second half of a sentence about the file, such as "it has a setting that ...".
    """
    task = values.get("task", Experiment().task)
    if task not in TASKS:
        raise ValueError(f"odeviz {odeviz.__version__} does not know its task ({str(task)[:40]})")
    start = Experiment.of(str(task))
    known = {entry.path: entry for entry in start.entries()}
    unknown = sorted(set(values) - set(known))
    if unknown:
        names = ", ".join(name[:40] for name in unknown[:5]) + (", ..." if len(unknown) > 5 else "")
        raise ValueError(
            f"it has {'settings' if len(unknown) > 1 else 'a setting'} that odeviz {odeviz.__version__} "
            f"does not know ({names})"
        )
    read = {
        # JSON does not tell 1.0 from 1.
        path: float(value) if known[path].type is float and type(value) is int else value
        for path, value in values.items()
    }
    try:
        return start.with_settings(read)
    except ValueError as error:
        raise ValueError(f"its experiment is not valid: {_one_line(error)}") from None


def _tensors(data: bytes) -> dict[str, NDArray[Any]]:
    try:
        tensors = safetensors.numpy.load(data)
    except (safetensors.SafetensorError, KeyError, ValueError, OverflowError) as error:
        raise DefectError(f"its tensors cannot be read ({_one_line(error)})") from None
    for array in tensors.values():
        array.setflags(write=False)
    return tensors


def _assemble(described: tuple[_Description, Experiment], tensors: dict[str, NDArray[Any]]) -> Snapshot:
    description, experiment = described
    columns = {name: tensors.pop(_HISTORY + name, None) for name in COLUMNS}
    missing = [name for name, column in columns.items() if column is None]
    if missing:
        raise DefectError(f"its history lacks {', '.join(missing)}")
    history = History(**columns)  # type: ignore[arg-type]
    check_history(history)
    data = {name.removeprefix(_DATA): tensors.pop(name) for name in list(tensors) if name.startswith(_DATA)}
    try:
        task_of(experiment).check_data(experiment, data)
    except ValueError as error:
        raise DefectError(f"its data is not valid: {_one_line(error)}") from None
    check_weights(experiment, tensors, data)
    check_end_time(tensors)
    return Snapshot(
        experiment=experiment,
        iteration=description.iteration,
        seconds=description.seconds,
        weights=tensors,
        history=history,
        data=data,
        metrics=_known(description.metrics),
        message=description.message,
    )


def check_history(history: History, whose: str = "the history's ") -> None:
    """Columns of one length and their types; raises :class:`DefectError`."""
    rows = np.shape(history.iteration)
    for name in COLUMNS:
        column = getattr(history, name)
        wanted = np.int64 if name == "iteration" else np.float64
        if column.dtype != wanted or column.ndim != 1 or column.shape != rows:
            raise DefectError(
                f"{whose}{name} is {column.dtype} of shape {list(column.shape)}, "
                f"not {np.dtype(wanted)} of shape [rows] like the others"
            )


def check_weights(
    experiment: Experiment, weights: Mapping[str, NDArray[Any]], data: Mapping[str, NDArray[Any]]
) -> None:
    """Every tensor the experiment's model has, and no other, each of its shape and type, and finite."""
    expected = expected_shapes(experiment, data)
    _check_finite(weights)
    for name, shape in expected.items():
        if name not in weights:
            raise DefectError(f"the weights lack {name}, which the experiment's model has")
        array = weights[name]
        if array.shape != shape or array.dtype != experiment.dtype:
            raise DefectError(
                f"the weights do not fit the experiment: {name} is {array.dtype} of shape "
                f"{list(array.shape)}, not {experiment.dtype} of shape {list(shape)}"
            )
    strangers = sorted(set(weights) - set(expected))
    if strangers:
        raise DefectError(f"the weights hold {strangers[0][:40]}, which the experiment's model does not have")


def check_end_time(weights: Mapping[str, NDArray[Any]]) -> None:
    """A learnt end time is the one weight that can be finite and yet give no number, let alone a flow."""
    log_t1 = float(weights.get("log_t1", np.zeros(())))
    if abs(log_t1) > MAX_LOG_T1:
        raise DefectError(f"the learnt end time is out of range (its logarithm is {log_t1:g})")


def _check_finite(weights: Mapping[str, NDArray[Any]]) -> None:
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise DefectError(f"the weights are not finite ({name[:40]} holds NaN or infinity)")


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return text if len(text) <= 200 else text[:197] + "..."
