"""``odeviz export``: a panel of a model as a figure (PNG, SVG, PDF) or as its data (CSV, NPZ)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from odeviz.commands.arguments import (
    UserError,
    figure_width,
    find_model,
    model_argument,
    real,
    solver_options,
)
from odeviz.commands.output import FAILED, OK
from odeviz.commands.panels import PANELS, VIEWS, results_of
from odeviz.exporting.style import DPI, STYLES, Look


def options(parser: argparse.ArgumentParser) -> None:
    model_argument(parser)
    parser.add_argument(
        "--panel",
        required=True,
        choices=(*PANELS, *VIEWS),
        metavar="PANEL",
        help=f"what to draw: {', '.join(PANELS)}, or one of the views that odeviz info names",
    )
    parser.add_argument(
        "--out", required=True, type=Path, metavar="FILE", help="figure: .png, .svg, .pdf; data: .csv, .npz"
    )
    look_options(parser)
    parser.add_argument(
        "--comment", action="store_true", help="begin a CSV file with a line that tells the experiment"
    )
    parser.add_argument(
        "--time",
        type=real(0.0, 1e9),
        metavar="T",
        help="moment of the flow (default: its end; for decision its start)",
    )
    solver_options(parser)


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
    parser.add_argument("--dpi", type=float, metavar="N", help=f"dots per inch of a picture ({DPI})")


def run(given: argparse.Namespace) -> int:
    from odeviz.storage import Origin, load_model

    tabular = _check_out(given)
    snapshot = load_model(find_model(given.file))
    results = results_of(snapshot, given)
    origin = Origin.of(snapshot, f"{given.panel} of {Path(given.file).stem}")
    if tabular:
        from odeviz.exporting.tables import save_table

        data = results[PANELS.get(given.panel, "picture")]
        save_table(data, given.out, origin=origin, comment=given.comment)
    else:
        from odeviz.exporting.figures import save_figure

        save_figure(
            given.panel if given.panel in PANELS else "view",
            given.out,
            dpi=DPI if given.dpi is None else given.dpi,
            look=Look(given.style or "publication", given.width),
            origin=origin,
            **results,
        )
    flow = results.get("flow")
    if flow is None or flow.status == "success":
        return OK
    print(f"odeviz: {flow.message}", file=sys.stderr)
    return FAILED


def _check_out(given: argparse.Namespace) -> bool:
    """Whether data is asked for, not a figure; refuses a name or resolution that cannot be before any work."""
    from odeviz.exporting.figures import SUFFIXES, check_dpi
    from odeviz.exporting.tables import WRITERS
    from odeviz.storage import check_writable

    suffix = given.out.suffix.lower()
    if suffix not in SUFFIXES and suffix not in WRITERS:
        raise UserError(
            f"cannot write {given.out}: a figure ends in {', '.join(SUFFIXES)}, data in {', '.join(WRITERS)}"
        )
    if given.dpi is not None:
        try:
            check_dpi(given.dpi)
        except ValueError as error:
            raise UserError(f"--{error}") from None
    for name in ("dpi", "style", "width"):
        if suffix in WRITERS and getattr(given, name) is not None:
            raise UserError(f"--{name} means nothing to {suffix} data")
    if given.comment and suffix != ".csv":
        raise UserError(f"--comment means nothing to {suffix} files, which carry the experiment anyway")
    check_writable(given.out)
    return suffix in WRITERS
