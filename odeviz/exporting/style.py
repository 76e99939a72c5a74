"""The style of every figure: paper or screen, sizes, fonts, lines, and the small marks all panels share.

matplotlib is imported inside the functions, and through its object interface: no pyplot, no global figure.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from odeviz.analysis.results import Extent, Floats
from odeviz.exporting.palette import DARK, LIGHT, Palette

#: Dots per inch of a PNG unless asked otherwise: what journals ask for.
DPI = 300

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

#: Millimetres of an inch, and of the columns of a paper that is set in two.
INCH = 25.4
COLUMNS = {"column": 85.0, "page": 170.0}
#: Names of axes are not turned if they have at most so many letters. As in the window.
UPRIGHT = 2
#: Width of one column, in inches.
COLUMN = COLUMNS["column"] / INCH
#: Widths that a figure may be given, in inches.
WIDTHS = (1.5, 20.0)


@dataclass(frozen=True, slots=True)
class Style:
    """What a figure is drawn for: its colours, and how much larger than on paper its letters are."""

    title: str
    colors: Palette
    fonts: float = 1.0


STYLES = {
    "publication": Style("Publication", LIGHT),
    "light": Style("Slides, light", LIGHT, fonts=1.35),
    "dark": Style("Slides, dark", DARK, fonts=1.35),
}


@dataclass(frozen=True, slots=True)
class Look:
    """How figures are drawn: a style by its name, and a width in inches (None: what each is made for)."""

    style: str = "publication"
    width: float | None = None

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise ValueError(f"style must be one of {', '.join(STYLES)}, not {self.style!r}")
        low, high = WIDTHS
        if self.width is not None and not low <= self.width <= high:
            allowed = f"from {low * INCH:.0f} to {high * INCH:.0f} mm"
            raise ValueError(f"width must be {allowed}, not {self.width * INCH:.4g} mm")


_now: ContextVar[Look] = ContextVar("look", default=Look())  # noqa: B039 - frozen


def look() -> Look:
    """How the figure under way is drawn."""
    return _now.get()


def ink() -> Palette:
    """The colours of the figure under way."""
    return STYLES[_now.get().style].colors


def letters(size: float) -> float:
    """A size of letters, in points on paper, as it is in the figure under way."""
    return size * STYLES[_now.get().style].fonts


def page(height: float, columns: float = 1.0) -> tuple[float, float]:
    """Width and height, in inches, of a figure made for so many columns and ``height`` column widths high.

    In another width than it is made for, its height follows at a lower rate.
    """
    made_for = columns * COLUMN
    width = _now.get().width or made_for
    return width, height * COLUMN * (width / made_for) ** 0.6 * letters(1.0) ** 0.7


_STYLE: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],  # shipped with matplotlib: the same metrics on every machine
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "axes.grid": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "lines.linewidth": 1.0,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.035,
    "figure.constrained_layout.w_pad": 0.035,
    "contour.negative_linestyle": "solid",
    # Text stays text and can be edited (no figure uses mathtext, which SVG viewers set badly);
    # the same input gives the same bytes.
    "svg.fonttype": "none",
    "svg.hashsalt": "odeviz",
    "pdf.fonttype": 42,
    "path.simplify": True,
}

#: Sizes of letters, in points on paper: none is below 7, which is what journals ask for.
_SIZES = {
    "font.size": 7.0,
    "axes.labelsize": 7.5,
    "axes.titlesize": 7.5,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
}


def _colours() -> dict[str, str]:
    colors = ink()
    text, lines, grounds = (
        ("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor", "axes.titlecolor"),
        ("axes.edgecolor", "xtick.color", "ytick.color"),
        ("figure.facecolor", "axes.facecolor", "savefig.facecolor"),
    )
    given = ((text, colors.text), (lines, colors.muted), (grounds, colors.ground))
    return {name: color for names, color in given for name in names}


# matplotlib's settings are global to the process, and figures may be exported from several threads.
_LOCK = threading.RLock()


@contextmanager
def drawing(wanted: Look | None = None) -> Iterator[None]:
    """matplotlib's settings while a figure is drawn or saved; the caller's own come back afterwards."""
    import matplotlib

    with _LOCK, matplotlib.rc_context():
        before = _now.set(wanted or Look())
        try:
            matplotlib.rcdefaults()
            sizes = {name: letters(size) for name, size in _SIZES.items()}
            matplotlib.rcParams.update(_STYLE | sizes | _colours())
            yield
        finally:
            _now.reset(before)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, with a canvas that needs no display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def plane(axes: Axes, extent: Extent) -> None:
    """Set axes up as a piece of the plane: equal scales unless it says otherwise, few ticks, its axes' names."""
    from matplotlib.ticker import MaxNLocator

    axes.set_aspect("equal" if extent.equal else "auto")
    axes.set_xlim(extent.x0, extent.x1)
    axes.set_ylim(extent.y0, extent.y1)
    axes.set_xlabel(extent.x_title, labelpad=1, style="italic")
    name_y(axes, extent.y_label, labelpad=0, style="italic")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))


def name_y(axes: Axes, text: str, **how: Any) -> None:
    """Name the y axis; a name of one or two letters is not turned, as ω would be read as 3."""
    axes.set_ylabel(text, **how)
    if 0 < len(text) <= UPRIGHT:
        axes.yaxis.label.set(rotation=0, verticalalignment="center", horizontalalignment="right")


def notes(axes: Axes, left: str, right: str = "") -> Text:
    """Short notes above the two upper corners, outside the picture, where nothing can make them illegible.

    Returns the left one.
    """
    how = {"fontsize": letters(7), "color": ink().text, "pad": 3}
    axes.set_title(right, loc="right", **how)
    return axes.set_title(left, loc="left", **how)


def label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]], gap: float = 8.0) -> None:
    """Name curves to the right of the axes, at their last values, instead of in a legend.

    ``ends`` are (x, y, text, colour); labels stay at least ``gap`` points apart. Call it with the limits set.
    """
    if not ends:
        return
    axes.figure.draw_without_rendering()  # lays the axes out: only then does a value have a place
    scale = axes.transData.transform
    order = sorted(range(len(ends)), key=lambda i: float(scale((ends[i][0], ends[i][1]))[1]))
    points = [float(scale((ends[i][0], ends[i][1]))[1]) * 72 / axes.figure.dpi for i in order]
    spread = list(points)
    for k in range(1, len(spread)):
        spread[k] = max(spread[k], spread[k - 1] + gap)
    shift = (sum(points) - sum(spread)) / len(points)
    for k, i in enumerate(order):
        _, y, text, color = ends[i]
        axes.annotate(
            text,
            xy=(1.0, y),
            xycoords=axes.get_yaxis_transform(),
            xytext=(4, spread[k] + shift - points[k]),
            textcoords="offset points",
            color=color,
            va="center",
            fontsize=letters(7),
            annotation_clip=False,
        )


def running_median(values: Floats, width: int) -> Floats:
    """Median over ``width`` neighbouring values, NaNs left out; shorter windows at both ends."""
    import warnings

    half = width // 2
    padded = np.pad(np.asarray(values, dtype=np.float64), half, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a window of nothing but NaN is NaN
        return np.asarray(np.nanmedian(windows, axis=1))


def extent_of(*clouds: Floats) -> Extent:
    """The smallest square round all finite points ``[..., 2]``, with a margin of 5 %."""
    points = np.concatenate([np.asarray(cloud, dtype=np.float64).reshape(-1, 2) for cloud in clouds])
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return Extent(-1.0, 1.0, -1.0, 1.0)
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = (low + high) / 2, max(float((high - low).max()) / 2 * 1.05, 1e-6)
    return Extent(middle[0] - half, middle[0] + half, middle[1] - half, middle[1] + half)
