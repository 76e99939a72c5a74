"""An export from what it shows to its file, its preview or its bytes: figures, films and tables behind one door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odeviz.analysis.film import SHARES
from odeviz.exporting.films import Animation
from odeviz.exporting.style import DPI, Look
from odeviz.exporting.video import FPS, SECONDS, Cancel, Progress, save_animation
from odeviz.storage.origin import Origin
from odeviz.tasks.numerals import thousands

FIGURES = {"png": "PNG picture", "svg": "SVG drawing", "pdf": "PDF document"}
TABLES = {"csv": "CSV table", "npz": "NumPy arrays (NPZ)"}
FILMS = {"gif": "GIF animation", "mp4": "MP4 video"}
#: What a film is called among figures.
FILM = "film"
#: Rows of a table's preview.
_ROWS = 16
_MOST_COPIED = 100_000
#: Dots an inch at which the size of a film is found out.
_COARSE = 40.0


@dataclass(frozen=True, slots=True)
class Order:
    """How something is to be exported; ``shares`` are those of a filmstrip."""

    suffix: str = "png"
    look: Look = field(default_factory=Look)
    dpi: float = DPI
    fps: int = FPS
    seconds: float = SECONDS
    shares: tuple[float, ...] = SHARES
    comment: bool = False


@dataclass(frozen=True, slots=True)
class Material:
    """What is exported: a figure's key with its results (or a film with its panel), and what a table holds."""

    figure: str
    results: Mapping[str, Any]
    table: Any
    origin: Origin


def write(
    material: Material,
    order: Order,
    path: Path,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> bool:
    """Write the file; its suffix chooses the kind. False if it was cancelled; then there is no file.

    Raises ``ValueError`` or ``OSError`` in one sentence; no half-written file is left.
    """
    suffix = path.suffix.lower().lstrip(".")
    if material.figure == FILM:
        film, panel = material.results["film"], material.results["panel"]
        return save_animation(
            Animation(film, panel, order.look, order.dpi), path, fps=order.fps, style=order.look.style,
            origin=material.origin, progress=progress, cancel=cancel,
        )  # fmt: skip
    if suffix in TABLES:
        from odeviz.exporting.tables import save_table

        save_table(material.table, path, origin=material.origin, comment=order.comment)
    else:
        from odeviz.exporting.figures import save_figure

        how = {"dpi": order.dpi, "look": order.look, "origin": material.origin}
        save_figure(material.figure, path, **how, **material.results)
    return True


def figure_bytes(material: Material, order: Order) -> bytes:
    """A figure as a PNG file's bytes."""
    from odeviz.exporting.figures import encode_figure

    how = {"dpi": order.dpi, "look": order.look, "origin": material.origin}
    return encode_figure(material.figure, ".png", **how, **material.results)


@dataclass(frozen=True, slots=True)
class Preview:
    """A picture ``[height, width, 3]`` with the size it will have in inches, or a table's first lines."""

    pixels: NDArray[np.uint8] | None = None
    inches: tuple[float, float] = (0.0, 0.0)
    text: str = ""


def preview(material: Material, order: Order, width: int, height: int) -> Preview:
    """What a file will look like, in a box of so many pixels."""
    if order.suffix in TABLES:
        return Preview(text=first_rows(material.table))
    if material.figure == FILM:
        film, panel = material.results["film"], material.results["panel"]
        wide, high = Animation(film, panel, order.look, _COARSE).inches
        dpi = 0.98 * min(width / wide, height / high)
        return Preview(Animation(film, panel, order.look, dpi).pixels(0), (wide, high))
    from odeviz.exporting.figures import draw_figure
    from odeviz.exporting.style import drawing

    with drawing(order.look):
        figure: Any = draw_figure(material.figure, order.look, **material.results)
        wide, high = (float(side) for side in figure.get_size_inches())
        figure.set_dpi(min(width / wide, height / high))
        figure.canvas.draw()
        pixels = np.ascontiguousarray(np.asarray(figure.canvas.buffer_rgba())[..., :3])
    return Preview(pixels, (wide, high))


def first_rows(table: Any) -> str:
    """How many rows a table has, its columns, and its first rows, as text."""
    from odeviz.exporting.tables import columns

    found = columns(table)
    rows = len(next(iter(found.values()), ()))
    cells = [[name, *(_cell(value) for value in values[:_ROWS])] for name, values in found.items()]
    widths = [max(map(len, column)) for column in cells]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in zip(*cells, strict=True)
    ]
    more = ["…"] if rows > _ROWS else []
    return "\n".join([f"{thousands(rows)} rows, {len(found)} columns", "", *lines, *more])


def table_text(table: Any) -> str:
    """A table with tabs between its columns, as spreadsheets paste it.

    Raises ``ValueError`` for one of more rows than a clipboard should hold.
    """
    from odeviz.exporting.tables import columns

    found = columns(table)
    rows = len(next(iter(found.values()), ()))
    if rows > _MOST_COPIED:
        raise ValueError(
            f"the table has {thousands(rows)} rows, of which a clipboard should not hold more than "
            f"{thousands(_MOST_COPIED)}: export it to a file"
        )
    lines = zip(*(values.astype(str).tolist() for values in found.values()), strict=True)
    return "\n".join("\t".join(line) for line in ([*found], *lines))


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else str(value)
