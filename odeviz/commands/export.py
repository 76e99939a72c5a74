"""``odeviz export``: a panel of a model as a figure, a film or a filmstrip, or as its data."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odeviz.commands.arguments import (
    UserError,
    figure_width,
    find_model,
    model_argument,
    real,
    solver_options,
)
from odeviz.commands.films import check_film, film_of, film_options, moments_of, write_film
from odeviz.commands.layers import LAYERS, SHOWN, layer_names
from odeviz.commands.output import FAILED, OK
from odeviz.commands.panels import PANELS, check_panel, results_of
from odeviz.exporting import video
from odeviz.exporting.films import PANELS as FILMED
from odeviz.exporting.paths import COLOURS
from odeviz.exporting.style import DPI, STYLES, Look

if TYPE_CHECKING:
    from odeviz.training.snapshot import Snapshot


def options(parser: argparse.ArgumentParser) -> None:
    model_argument(parser)
    parser.add_argument(
        "--panel",
        metavar="PANEL",
        help=f"what to draw: {', '.join(PANELS)}, or one of the views that odeviz info names (films: flow)",
    )
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="FILE",
        help="figure: .png, .svg, .pdf; data: .csv, .npz; film: .gif, .mp4",
    )
    film_options(parser)
    look_options(parser)
    parser.add_argument(
        "--comment", action="store_true", help="begin a CSV file with a line that tells the experiment"
    )
    parser.add_argument(
        "--time",
        type=real(-1e9, 1e9),
        metavar="T",
        help="moment of the flow (default: its end; for decision its start); of a person's own series or events "
        "in their own time",
    )
    layer_options(parser)
    solver_options(parser)


def layer_options(parser: argparse.ArgumentParser) -> None:
    """Declare what a flow figure shows."""
    parser.add_argument(
        "--layers",
        type=layer_names,
        metavar="A,B,...",
        help=f"what a flow figure shows: {', '.join(LAYERS)} (default: {', '.join(SHOWN)})",
    )
    parser.add_argument(
        "--color", choices=COLOURS, help=f"what its trajectories are coloured by: {', '.join(COLOURS)}"
    )


def look_options(parser: argparse.ArgumentParser) -> None:
    """Declare how figures are drawn."""
    parser.add_argument(
        "--style", choices=tuple(STYLES), help="publication (default), or for slides: light, dark"
    )
    parser.add_argument(
        "--width",
        type=figure_width,
        metavar="W",
        help="width of the figure: 85mm, 3.4in, column (85 mm) or page (170 mm) (default: what the panel needs)",
    )
    parser.add_argument(
        "--dpi", type=float, metavar="N", help=f"dots per inch of a picture ({DPI}, of a film {video.DPI})"
    )


def run(given: argparse.Namespace) -> int:
    from odeviz.storage import Origin, load_model

    panel = _panel(given)
    tabular = False if given.animate else _check_out(given)
    snapshot = load_model(find_model(given.file))
    check_panel(snapshot, panel)
    look, dpi = Look(given.style or "publication", given.width), given.dpi
    origin = Origin.of(snapshot, f"{panel} of {Path(given.file).stem}")
    if given.animate:
        fps, seconds = given.fps or video.FPS, given.seconds or video.SECONDS
        film = film_of(snapshot, given, panel, moments_of(fps, seconds))
        write_film(film, panel, given.out, look, dpi or video.DPI, fps, origin)
        return OK
    results, figure, data = _drawn(snapshot, given, panel)
    if tabular:
        from odeviz.exporting.tables import save_table

        save_table(results[data], given.out, origin=origin, comment=given.comment)
    else:
        from odeviz.exporting.figures import save_figure

        save_figure(figure, given.out, dpi=dpi or DPI, look=look, origin=origin, **results)
    flow = results.get("flow")
    if flow is None or flow.status == "success":
        return OK
    print(f"odeviz: {flow.message}", file=sys.stderr)
    return FAILED


def _panel(given: argparse.Namespace) -> str:
    """The panel that is asked for; refuses options that do not go together."""
    film = given.animate or given.filmstrip
    for name in ("layers", "color"):
        if getattr(given, name) is not None and (film or given.panel != "flow"):
            raise UserError(f"--{name} goes with --panel flow and a figure")
    if given.panel is None and not film:
        raise UserError("--panel is required, or --animate or --filmstrip (see odeviz export --help)")
    panel = given.panel or "flow"
    if film and panel not in FILMED:
        asked = "--animate" if given.animate else "--filmstrip"
        raise UserError(f"{asked} shows {', '.join(FILMED)}, not {panel}")
    if film and given.time is not None:
        raise UserError("--time means nothing to a film, which shows them all")
    for name in ("fps", "seconds"):
        if getattr(given, name) is not None and not given.animate:
            raise UserError(f"--{name} goes with --animate only")
    if given.animate:
        check_film(given.out)
        _check_dpi(given.dpi)
        low, high = video.FPS_RANGE
        if given.fps is not None and given.fps > high:
            raise UserError(f"--fps must be a whole number from {low} to {high}, not {given.fps}")
    return panel


def _drawn(snapshot: Snapshot, given: argparse.Namespace, panel: str) -> tuple[dict[str, Any], str, str]:
    """What the figure is drawn from, its key, and which of it is the data."""
    if given.filmstrip:
        film = film_of(snapshot, given, panel, given.filmstrip)
        return {"film": film, "panel": panel}, "filmstrip", "film"
    figure = panel if panel in PANELS else "view"
    return results_of(snapshot, given), figure, PANELS.get(panel, "picture")


def _check_dpi(dpi: float | None) -> None:
    from odeviz.exporting.figures import check_dpi

    if dpi is not None:
        try:
            check_dpi(dpi)
        except ValueError as error:
            raise UserError(f"--{error}") from None


def _check_out(given: argparse.Namespace) -> bool:
    """Whether data is asked for, not a figure; refuses a name or resolution that cannot be before any work."""
    from odeviz.exporting.figures import SUFFIXES
    from odeviz.exporting.tables import WRITERS
    from odeviz.storage import check_writable

    suffix = given.out.suffix.lower()
    if suffix not in SUFFIXES and suffix not in WRITERS:
        raise UserError(
            f"cannot write {given.out}: a figure ends in {', '.join(SUFFIXES)}, data in {', '.join(WRITERS)}"
        )
    _check_dpi(given.dpi)
    for name in ("dpi", "style", "width"):
        if suffix in WRITERS and getattr(given, name) is not None:
            raise UserError(f"--{name} means nothing to {suffix} data")
    if given.comment and suffix != ".csv":
        raise UserError(f"--comment means nothing to {suffix} files, which carry the experiment anyway")
    check_writable(given.out)
    return suffix in WRITERS
