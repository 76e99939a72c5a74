"""Points from a CSV file: columns x, y and optionally a class index, with or without a header."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: More starting points than anybody draws; a larger file is a mistake.
MAX_POINTS = 1_000_000


class PointsFileError(ValueError):
    """A file of points cannot be used; ``str()`` is one sentence naming the file and the problem."""


def load_points(path: Path | str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Read ``points [B, 2]`` and ``labels [B]`` (-1 where the file has no third column).

    The first row is a header if none of its cells is a number. Raises :class:`PointsFileError`.
    """
    path = Path(path)
    points: list[tuple[float, float]] = []
    labels: list[int] = []
    width = 0
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            for row in reader:
                if not any(cell.strip() for cell in row):
                    continue
                if not width:
                    width = _width(row)
                    if not any(map(_is_number, row)):
                        continue
                x, y, label = _parse_row(row, width, reader.line_num)
                points.append((x, y))
                labels.append(label)
                if len(points) > MAX_POINTS:
                    raise ValueError(f"it has more than {MAX_POINTS:,} points")
    except OSError as error:
        raise PointsFileError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise PointsFileError(f"cannot use {path}: it is not a text file") from error
    except (csv.Error, ValueError) as error:
        raise PointsFileError(f"cannot use {path}: {error}") from error
    if not points:
        raise PointsFileError(f"cannot use {path}: it holds no points (expected rows of x,y)")
    return np.array(points, dtype=np.float32), np.array(labels, dtype=np.int64)


def _width(row: Sequence[str]) -> int:
    if len(row) not in (2, 3):
        raise ValueError(f"it has {_columns(len(row))}, but points need x,y or x,y,label")
    return len(row)


def _columns(count: int) -> str:
    return f"{count} column{'s' if count != 1 else ''}"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _parse_row(row: Sequence[str], width: int, line: int) -> tuple[float, float, int]:
    if len(row) != width:
        raise ValueError(f"line {line} has {_columns(len(row))}, the first line has {width}")
    numbers = []
    for name, cell in zip(("x", "y", "label"), row, strict=False):
        if not _is_number(cell):
            raise ValueError(f"line {line}, column {name}: {_shorten(cell)} is not a number")
        value = float(cell)
        if not math.isfinite(value) or abs(value) > float(np.finfo(np.float32).max):
            raise ValueError(f"line {line}, column {name}: {_shorten(cell)} is not a finite number")
        numbers.append(value)
    label = numbers[2] if width == 3 else -1.0
    if label != int(label) or not -1 <= label < 1000:
        raise ValueError(
            f"line {line}, column label: {_shorten(row[2])} is not a class index (0, 1, ... or -1)"
        )
    return numbers[0], numbers[1], int(label)


def _shorten(cell: str) -> str:
    cell = cell.strip()
    return repr(cell if len(cell) <= 30 else cell[:27] + "...")
