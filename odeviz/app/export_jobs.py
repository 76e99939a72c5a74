"""What an export's workers do: preview, write, encode, each from frozen results alone."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtGui import QGuiApplication, QImage

from odeviz.app.exports import Export, Shown
from odeviz.exporting.apart import Apart, Filming, Report
from odeviz.exporting.output import (
    FILMS,
    TABLES,
    Order,
    Preview,
    figure_bytes,
    preview,
    table_text,
    write,
)
from odeviz.exporting.video import check_video_suffix
from odeviz.widgets.grab import write_png


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Something to be drawn, written or copied."""

    goal: str
    export: Export
    order: Order
    now: Shown
    path: Path | None = None


def unfit(export: Export, path: Path) -> str:
    """Why a file of that name cannot be written; "" if it can."""
    suffix = path.suffix.lower()[1:]
    if suffix not in export.formats:
        return f"{path.name} must end in {', '.join(f'.{each}' for each in export.formats)}."
    if suffix in FILMS:
        try:
            check_video_suffix(path)
        except ValueError as error:
            return f"{error}."
    return ""


def draw_preview(job: Job, room: tuple[int, int], apart: Apart | None) -> Preview:
    """The picture of a file that is not written yet."""
    draw = preview if apart is None else apart.preview
    drawn: Preview = draw(job.export.material(job.now), job.order, *room)
    return drawn


def write_file(job: Job, apart: Apart | None, report: Report, cancel: threading.Event) -> bool:
    """Write the file; False if it was cancelled."""
    assert job.path is not None
    material = job.export.material(job.now)
    if apart is None or job.order.suffix in TABLES:
        return write(material, job.order, job.path, partial(report, "Drawing"), cancel)
    return apart.write(material, job.order, job.path)


def write_film(job: Job, apart: Apart, report: Report, cancel: threading.Event) -> bool:
    """Compute and draw a film in a process apart; False if it was cancelled."""
    assert job.path is not None
    assert job.export.ask is not None
    film = Filming(
        job.now.snapshot, job.export.ask(job.now, job.order), job.export.panel, job.export.origin(job.now)
    )
    return apart.film(film, job.order, job.path, report, cancel)


def encode(job: Job, apart: Apart | None) -> bytes | str:
    """A figure as a PNG's bytes, a table as text."""
    material = job.export.material(job.now)
    if job.order.suffix in TABLES:
        return table_text(material.table)
    return figure_bytes(material, job.order) if apart is None else apart.figure_bytes(material, job.order)


def save_image(picture: QImage, path: Path) -> None:
    """Write the view as it was seen; ``ValueError`` for a name that does not end in .png."""
    if path.suffix.lower() != ".png":
        raise ValueError(f"the view as seen is saved as .png, not {path.suffix or 'without a suffix'}")
    write_png(picture, path)


def to_clipboard(content: bytes | str) -> None:
    """Put a PNG's bytes or a text on the clipboard; on the GUI thread.

    The image keeps the file's texts, which tell the experiment. No QMimeData is made here: one made by Python that is
    still on the clipboard when the process ends crashes it.
    """
    clipboard = QGuiApplication.clipboard()
    if isinstance(content, str):
        clipboard.setText(content)
    else:
        clipboard.setImage(QImage.fromData(content, "PNG"))
