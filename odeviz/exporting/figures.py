"""Figures of every panel, drawn from results in a publication style, and saved as PNG, SVG or PDF.

::

    figure = draw_figure("flow", flow=flow, density=density)
    save_figure(figure, "flow.pdf", origin=Origin.of(snapshot, "flow"))
    save_figure("loss", "loss.svg", look=Look("dark"), history=snapshot.history)

matplotlib is imported when the first figure is drawn; neither pyplot nor Qt ever is.
"""

from __future__ import annotations

import difflib
import inspect
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import odeviz
from odeviz.exporting import curves, films, pictures, plane
from odeviz.exporting.style import DPI, Look, drawing
from odeviz.storage.atomic import atomic_write
from odeviz.storage.origin import Origin

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
DPI_RANGE = (36, 1200)


@dataclass(frozen=True, slots=True)
class FigurePanel:
    """One kind of figure: what it is called, and the function that draws it from results given by keyword."""

    key: str
    title: str
    draw: Callable[..., Figure]

    @property
    def takes(self) -> tuple[str, ...]:
        """Keywords the figure understands."""
        return tuple(inspect.signature(self.draw).parameters)

    @property
    def needs(self) -> tuple[str, ...]:
        """Keywords without which it cannot be drawn."""
        parameters = inspect.signature(self.draw).parameters.values()
        return tuple(p.name for p in parameters if p.default is p.empty)


FIGURES: dict[str, FigurePanel] = {
    panel.key: panel
    for panel in (
        FigurePanel("flow", "Flow", plane.flow_figure),
        FigurePanel("density", "Density", plane.density_figure),
        FigurePanel("decision", "Decision", plane.decision_figure),
        FigurePanel("loss", "Loss", curves.loss_figure),
        FigurePanel("nfe", "Function evaluations", curves.nfe_figure),
        FigurePanel("steps", "Solver steps", curves.steps_figure),
        FigurePanel("view", "View", pictures.view_figure),
        FigurePanel("filmstrip", "Filmstrip", films.filmstrip_figure),
    )
}


def draw_figure(key: str, look: Look | None = None, **results: Any) -> Figure:
    """Draw a figure of the registry from results given by keyword; ``None`` counts as not given.

    ``look`` is its style and width; without one it is made for print.

    Raises ``ValueError`` for an unknown figure (naming those there are), a keyword the figure does not take,
    or a result it cannot do without.
    """
    if key not in FIGURES:
        close = difflib.get_close_matches(key, FIGURES, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"there is no figure {key!r}; the figures are {', '.join(FIGURES)}{hint}")
    panel = FIGURES[key]
    given = {name: value for name, value in results.items() if value is not None}
    unknown = [name for name in given if name not in panel.takes]
    if unknown:
        raise ValueError(f"a {key} figure does not take {unknown[0]}; it takes {', '.join(panel.takes)}")
    missing = [name for name in panel.needs if name not in given]
    if missing:
        raise ValueError(f"a {key} figure needs {', '.join(missing)}")
    with drawing(look):
        return panel.draw(**given)


def save_figure(
    figure: Figure | str,
    path: Path | str,
    *,
    dpi: float = DPI,
    look: Look | None = None,
    origin: Origin | None = None,
    **results: Any,
) -> None:
    """Write a figure, or draw and write the one of that name from ``results``; the suffix chooses the format.

    ``dpi`` holds for PNG and for the heat maps inside SVG and PDF. ``look`` is its style and width.
    ``origin`` is written into the file and read back by :func:`odeviz.storage.read_origin`. The same input gives
    the same bytes.

    Raises ``ValueError`` for an unknown suffix or a dpi outside 36 to 1200, and
    :class:`odeviz.storage.WriteError` when the disk refuses; no half-written file is left.
    """
    suffix = check_figure_suffix(path)
    check_dpi(dpi)
    drawn = draw_figure(figure, look, **results) if isinstance(figure, str) else figure
    with drawing(look), atomic_write(path) as temporary:
        drawn.savefig(temporary, dpi=dpi, format=suffix[1:], metadata=_metadata(suffix, origin))


def encode_figure(
    figure: str,
    suffix: str,
    *,
    dpi: float = DPI,
    look: Look | None = None,
    origin: Origin | None = None,
    **results: Any,
) -> bytes:
    """The bytes of the file that :func:`save_figure` would write."""
    check_dpi(dpi)
    drawn, file = draw_figure(figure, look, **results), io.BytesIO()
    with drawing(look):
        drawn.savefig(file, dpi=dpi, format=suffix[1:], metadata=_metadata(suffix, origin))
    return file.getvalue()


def check_figure_suffix(path: Path | str) -> str:
    """The path's suffix in lower case; ``ValueError`` if no figure is written in that format."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"a figure's file must end in {', '.join(SUFFIXES)}, not {Path(path).name!r}")
    return suffix


def check_dpi(dpi: float) -> None:
    """``ValueError`` if dots per inch are out of range."""
    low, high = DPI_RANGE
    if not low <= dpi <= high:
        raise ValueError(f"dpi must be a number from {low} to {high}, not {dpi!r}")


def _metadata(suffix: str, origin: Origin | None) -> dict[str, Any]:
    """The format's own names for what is known; no date, so that equal figures are equal files."""
    maker = f"odeviz {odeviz.__version__}"
    title, text = ("", "") if origin is None else (origin.title, origin.text())
    names: dict[str, dict[str, Any]] = {
        ".png": {"Software": maker, "Title": title, "Description": text},
        ".svg": {"Creator": maker, "Date": None, "Title": title, "Description": text},
        ".pdf": {"Creator": maker, "Producer": None, "CreationDate": None, "Title": title, "Subject": text},
    }
    return {name: value for name, value in names[suffix].items() if value != ""}
