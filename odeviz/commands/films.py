"""Films on the command line: an animation or a filmstrip of a flow over its time, an animation of a training."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from odeviz.analysis.film import film_times
from odeviz.analysis.filming import film_of_time, film_of_training, with_shares
from odeviz.commands.arguments import UserError, real, solver_choice, whole
from odeviz.commands.output import CountLine
from odeviz.commands.panels import FOR_MAPS, check_background

if TYPE_CHECKING:
    from odeviz.analysis.film import Film
    from odeviz.exporting.style import Look
    from odeviz.storage import Origin
    from odeviz.training.snapshot import Snapshot


def film_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of films of a flow."""
    from odeviz.exporting.video import FPS, SECONDS, SECONDS_RANGE

    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--animate",
        choices=("time",),
        help="film of the flow, density or decision over its time: .gif, or .mp4 with odeviz[video]",
    )
    which.add_argument(
        "--filmstrip",
        type=shares,
        metavar="LIST",
        help="pictures side by side at these shares of the flow's time, such as 0,0.25,0.5,0.75,1",
    )
    parser.add_argument("--fps", type=whole(1), metavar="N", help=f"frames a second of a film ({FPS})")
    parser.add_argument(
        "--seconds", type=real(*SECONDS_RANGE), metavar="S", help=f"how long a film plays ({SECONDS:g})"
    )


def shares(text: str) -> tuple[float, ...]:
    """An option's type: shares of a flow's time, as numbers from 0 to 1 or with percent signs."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        values = [float(part.removesuffix("%")) / (100 if part.endswith("%") else 1) for part in parts]
    except ValueError:
        values = []
    if not 1 <= len(values) <= 24 or not all(0.0 <= value <= 1.0 for value in values):
        raise argparse.ArgumentTypeError(
            f"must be up to 24 shares from 0 to 1 (or percent) with commas between them, not {text!r}"
        )
    return tuple(values)


def film_of(snapshot: Snapshot, given: argparse.Namespace, panel: str, moments: Sequence[float]) -> Film:
    """The panel at shares of the flow's time; says on stderr how far it is."""
    from odeviz.analysis.study import Study

    check_background(snapshot, panel)
    choice = solver_choice(snapshot.experiment, given)
    asked = any((given.method, given.rtol, given.atol, given.steps))
    with CountLine("computing", sys.stderr) as line:
        film = film_of_time(
            Study(snapshot), panel, moments, choice, choice if asked else FOR_MAPS, report=line.show
        )
    assert film is not None, "nothing cancels here"
    return film if given.animate else with_shares(film, moments)


def write_film(film: Film, panel: str, out: Path, look: Look, dpi: float, fps: int, origin: Origin) -> None:
    """Draw the frames and write them; says on stderr how far it is."""
    from odeviz.exporting.films import Animation
    from odeviz.exporting.video import save_animation

    animation = Animation(film, panel, look, dpi)
    with CountLine("drawing", sys.stderr) as line:
        save_animation(animation, out, fps=fps, style=look.style, origin=origin, progress=line.show)


def write_training(snapshot: Snapshot, out: Path) -> None:
    """Write the film of a training at its checkpoints: what its task shows behind the flow, or the flow."""
    from odeviz.exporting.style import Look
    from odeviz.exporting.video import DPI, TRAINING_FPS
    from odeviz.storage import Origin
    from odeviz.tasks.registry import task_of

    with CountLine("computing", sys.stderr) as line:
        film = film_of_training(snapshot, FOR_MAPS, report=line.show)
    assert film is not None, "nothing cancels here"
    panel = task_of(snapshot.experiment).behind(snapshot.experiment) or "flow"
    write_film(film, panel, out, Look(), DPI, TRAINING_FPS, Origin.of(snapshot, f"training: {panel}"))


def check_film(out: Path) -> None:
    """:class:`UserError` unless a film can be written there."""
    from odeviz.exporting.video import check_video_suffix
    from odeviz.storage import check_writable

    try:
        check_video_suffix(out)
    except ValueError as error:
        raise UserError(str(error)) from None
    check_writable(out)


def moments_of(fps: int, seconds: float) -> list[float]:
    """Shares of the time at which a film's frames are."""
    return film_times(1.0, max(2, round(fps * seconds)))
