"""A person's own data from a CSV file: points to learn from or to start at, time series, or the times of events.

A first row without a number is a header. Columns are parted by tabs, semicolons, commas or white space: the first of
these that the first line has. Beside semicolons a comma may be the decimal point. What is left out (rows with missing
values, columns that are not used) is told in :attr:`OwnData.note`, never done in silence.
"""

from __future__ import annotations

import csv
import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from odeviz.tasks.numerals import thousands
from odeviz.tasks.own_data import outliers_told

#: More rows than anything here can learn from; a larger file is a mistake, and would fill the memory.
MAX_ROWS = 1_000_000
MAX_CHANNELS = 64
#: Names of a column that tells the series a row belongs to.
_SERIES = ("series", "id", "group")
_TIMES = ("t", "time")
#: Names of a column that tells the class of a point.
_LABELS = ("label", "class")
#: What stands for a missing value, and how many names of a column are told.
_EMPTY, _TOLD = ("", "na", "n/a", "null", "none"), 6
#: What parts the columns: the first of these that the first line has; without any it is white space.
_SEPARATORS = ("\t", ";", ",")


class DataFileError(ValueError):
    """A file of data cannot be used; ``str()`` is one sentence naming the file and the problem."""


@dataclass(frozen=True, slots=True)
class OwnData:
    """Arrays as ``odeviz.tasks.own_data`` describes them, and what was left out of them in one sentence."""

    arrays: Mapping[str, NDArray[Any]]
    note: str = ""
    #: The file that has them, if one does.
    path: Path | None = None


def load_own(path: Path | str, kind: str) -> OwnData:
    """Read data of a kind: ``points``, ``series`` or ``times``. Raises :class:`DataFileError`.

    ======== ==================================================================================================
    points   columns x, y and perhaps a label; of more columns, those with the names x and y
    series   columns t, y1, y2, ...; an empty cell or NaN is a gap. A column called series, id or group parts
             several series; without one a new series begins where t starts again
    times    one column t, or a column series, id or group beside it
    ======== ==================================================================================================
    """
    path = Path(path)
    try:
        table = _read(path)
        own = {"points": _points, "series": _series, "times": _times}[kind](table)
        return dataclasses.replace(own, path=path)
    except OSError as error:
        raise DataFileError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise DataFileError(f"cannot use {path}: it is not a text file") from error
    except (csv.Error, ValueError) as error:
        raise DataFileError(f"cannot use {path}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Table:
    names: tuple[str, ...]  # lower case; () without a header
    values: NDArray[np.float64]  # [rows, columns], NaN for an empty cell
    lines: NDArray[np.int64]  # [rows], where each row stands in the file
    notes: tuple[str, ...] = ()  # how it was read, where that is a choice

    def column(self, names: Sequence[str]) -> int | None:
        """The first column of one of these names."""
        return next((self.names.index(name) for name in names if name in self.names), None)


def _read(path: Path) -> _Table:
    rows: list[list[float]] = []
    told: dict[int, list[str]] = {}  # the cells of columns that may hold names
    lines: list[int] = []
    names: tuple[str, ...] = ()
    width, commas = 0, False
    with path.open(newline="", encoding="utf-8-sig") as file:
        separator = _separator(file)
        for line, row in _rows(file, separator):
            cells = [_with_point(cell) for cell in row] if separator == ";" else row
            commas |= cells != row
            if not width:
                width = len(row)
                if not any(map(_is_number, cells)):
                    names = tuple(cell.strip().lower() for cell in row)
                    told = {k: [] for k, name in enumerate(names) if name in (*_SERIES, *_LABELS)}
                    continue
            if len(row) != width:
                raise ValueError(f"line {line} has {_columns(len(row))}, the first line has {width}")
            for k, column in told.items():
                column.append(cells[k].strip())
            rows.append([0.0 if k in told else _number(cell, line, k, names) for k, cell in enumerate(cells)])
            lines.append(line)
            if len(rows) > MAX_ROWS:
                raise ValueError(f"it has more than {thousands(MAX_ROWS)} rows")
    if not rows:
        raise ValueError("it holds no numbers")
    notes = ["commas taken as decimal points"] if commas else []
    values = np.array(rows, dtype=np.float64)
    for k, column in told.items():
        values[:, k], note = _categories(column, names[k])
        notes += [note] * bool(note)
    return _Table(names, values, np.array(lines), tuple(notes))


def _categories(cells: Sequence[str], name: str) -> tuple[list[float], str]:
    """Numbers as they stand, or else names counted from 0 in the order in which they appear; and what was done."""
    empty = [cell.lower() in _EMPTY for cell in cells]
    if all(missing or _is_number(cell) for cell, missing in zip(cells, empty, strict=True)):
        return [math.nan if gap else _finite(cell) for cell, gap in zip(cells, empty, strict=True)], ""
    order: dict[str, int] = {}
    codes = [
        math.nan if gap else float(order.setdefault(cell, len(order)))
        for cell, gap in zip(cells, empty, strict=True)
    ]
    some = [f"{cell[:20]} = {code}" for cell, code in list(order.items())[:_TOLD]]
    more = f" and {thousands(len(order) - _TOLD)} more" if len(order) > _TOLD else ""
    return codes, f"each {name} is numbered in order of appearance: {', '.join(some)}{more}"


def _separator(file: TextIO) -> str:
    """What parts the columns of the first line that is not empty; "" for white space. Rewinds the file."""
    first = next((line for line in file if line.strip()), "")
    file.seek(0)
    return next((mark for mark in _SEPARATORS if mark in first), "")


def _rows(file: TextIO, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with their line numbers; empty lines are passed over."""
    if not separator:
        yield from ((k, line.split()) for k, line in enumerate(file, start=1) if line.strip())
        return
    reader = csv.reader(file, strict=True, delimiter=separator)
    for row in reader:
        if any(cell.strip() for cell in row):
            yield reader.line_num, row


def _with_point(cell: str) -> str:
    """A cell whose decimal point is a comma, with a point."""
    return cell.replace(",", ".") if cell.count(",") == 1 and not _is_number(cell) else cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _number(cell: str, line: int, column: int, names: Sequence[str]) -> float:
    """The cell's number; NaN for an empty one. Infinities count as missing too."""
    cell = cell.strip()
    if cell.lower() in _EMPTY:
        return math.nan
    if not _is_number(cell):
        name = names[column] if names else str(column + 1)
        shown = cell if len(cell) <= 30 else cell[:27] + "..."
        raise ValueError(f"line {line}, column {name[:30]}: {shown!r} is not a number")
    return _finite(cell)


def _finite(cell: str) -> float:
    value = float(cell)
    return value if math.isfinite(value) else math.nan


def _columns(count: int) -> str:
    return f"{count} column{'s' if count != 1 else ''}"


def _complete(table: _Table, columns: Sequence[int]) -> tuple[NDArray[np.bool_], list[str]]:
    """Which rows have a value in all of these columns, and a sentence about the others."""
    whole = np.all(np.isfinite(table.values[:, list(columns)]), axis=1)
    missing = int((~whole).sum())
    if not missing:
        return whole, []
    rows = len(whole)
    return whole, [
        f"{thousands(missing)} of {thousands(rows)} rows skipped, as a value is missing or not finite in them"
    ]


def _points(table: _Table) -> OwnData:
    notes = []
    width = table.values.shape[1]
    x, y, label = 0, 1, (2 if width == 3 else None)
    named = [table.column((name,)) for name in ("x", "y")]
    if None not in named and width > 2:
        x, y = (int(k) for k in named if k is not None)
        label = table.column(_LABELS)
        used = 2 + (label is not None)
        if used < width:
            notes.append(f"columns x and y of {width} are used")
    elif width not in (2, 3):
        raise ValueError(
            f"it has {_columns(width)}, but points need x,y or x,y,label (or columns named x and y)"
        )
    whole, skipped = _complete(table, [x, y])
    points = table.values[whole][:, [x, y]]
    if not len(points):
        raise ValueError("it holds no row with both coordinates")
    if np.abs(points).max(initial=0.0) > float(np.finfo(np.float32).max):
        raise ValueError("it holds numbers beyond the range of float32")
    labels = np.full(len(points), -1, dtype=np.int64)
    if label is not None:
        given = table.values[whole][:, label]
        if not ((given >= -1) & (given < 1000) & (given == np.floor(given))).all():
            raise ValueError("its labels must be class indices (0, 1, ... or -1)")
        labels = given.astype(np.int64)
    outliers = outliers_told(points)
    notes = [*table.notes, *notes, *skipped, *([outliers] if outliers else [])]
    return OwnData({"points": points.astype(np.float32), "labels": labels}, _sentence(notes))


def _series(table: _Table) -> OwnData:
    time = table.column(_TIMES) or 0
    group = table.column(_SERIES)
    channels = [k for k in range(table.values.shape[1]) if k not in (time, group)]
    if not channels:
        raise ValueError("it has no column besides t, but a series needs t,y1,y2,...")
    if len(channels) > MAX_CHANNELS:
        raise ValueError(f"it has {len(channels)} channels, and at most {MAX_CHANNELS} can be learnt")
    whole, skipped = _complete(table, [time] if group is None else [time, group])
    kept = whole & np.isfinite(table.values[:, channels]).any(1)
    empty = int((whole & ~kept).sum())
    notes = [
        *table.notes,
        *skipped,
        *([f"{thousands(empty)} row{'s' * (empty > 1)} without any value skipped"] if empty else []),
    ]
    numbers, more = _numbered(table, kept, time, group)
    y = table.values[kept][:, channels]
    gaps = int(np.isnan(y).sum())
    if gaps:
        notes.append(f"{thousands(gaps)} value{'s' * (gaps > 1)} missing or not finite, taken as gaps")
    outliers = outliers_told(y, "rows")
    notes += [outliers] if outliers else []
    return OwnData({"t": table.values[kept, time], "y": y, "series": numbers}, _sentence(notes + more))


def _times(table: _Table) -> OwnData:
    width = table.values.shape[1]
    time, group = table.column(_TIMES), table.column(_SERIES)
    if time is None:
        time = next(k for k in range(width) if k != group) if width > (group is not None) else 0
    if width > 1 + (group is not None):
        raise ValueError(f"it has {_columns(width)}, but the times of events need t or series,t")
    whole, skipped = _complete(table, [time] if group is None else [time, group])
    numbers, more = _numbered(table, whole, time, group)
    return OwnData(
        {"t": table.values[whole, time], "series": numbers}, _sentence([*table.notes, *skipped, *more])
    )


def _numbered(
    table: _Table, kept: NDArray[np.bool_], time: int, group: int | None
) -> tuple[NDArray[np.int64], list[str]]:
    """The number of each kept row's series, from 0; ``ValueError`` naming the line where t does not increase."""
    t, lines = table.values[kept, time], table.lines[kept]
    if not len(t):
        raise ValueError("it holds no row with a time")
    back = np.diff(t) < 0
    if group is None:
        starts = np.concatenate([[False], back])
        notes = [f"{int(starts.sum()) + 1} series, as t starts again"] if starts.any() else []
    else:
        ids = table.values[kept, group]
        starts = np.concatenate([[False], np.diff(ids) != 0])
        if len(np.unique(ids)) != int(starts.sum()) + 1:
            raise ValueError(f"the rows of each {table.names[group]} must follow one another")
        notes = []
    same = ~starts[1:] & (np.diff(t) <= 0)
    if same.any():
        raise ValueError(f"line {lines[1:][same][0]}: t must increase within a series")
    numbers = np.cumsum(starts).astype(np.int64)
    if group is None and starts.any() and int(np.bincount(numbers).min()) < 2:
        line = lines[np.flatnonzero(np.bincount(numbers) < 2)[0]]
        raise ValueError(f"t goes back and forth (near line {line}): sort the rows, or add a column series")
    return numbers, notes


def _sentence(notes: Sequence[str]) -> str:
    text = "; ".join(notes)
    return text[:1].upper() + text[1:] + "." if text else ""
