"""The ``odeviz`` command: the window, or one of the commands that need none.

Nothing is imported before a command has asked for it, neither Qt nor torch. Whatever a user can get wrong ends
as one sentence on stderr and exit code 2; any other exception is a bug and keeps its traceback.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import odeviz
from odeviz.commands.arguments import (
    Parser,
    UserError,
    find_experiment,
    find_preset,
    no_such_file,
    real,
    size,
    whole,
)
from odeviz.commands.output import INTERRUPTED, MISUSED, READER_GONE

#: Commands without a window: what each does, and its module in :mod:`odeviz.commands`.
COMMANDS = {
    "train": ("train a preset", "train"),
    "list": ("list the presets, or the methods", "presets"),
    "info": ("tell what a model file holds", "info"),
    "solve": ("solve a model's flow again, with another method or tolerance", "solve"),
    "export": ("draw a panel of a model, or write its data", "export"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv`` (default: the process's own) and return its exit code."""
    try:
        code = _dispatch(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return code
    except SystemExit as leaving:  # argparse, after --help and --version
        return int(leaving.code or 0)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return READER_GONE
    except Exception as error:
        if not _is_sentence(error):
            raise
        print(f"odeviz: error: {error}", file=sys.stderr)
        return MISUSED


def _is_sentence(error: Exception) -> bool:
    """Whether an exception is meant for the user as it stands."""
    if isinstance(error, UserError):
        return True
    from odeviz.storage import DataFileError, ModelFileError, OriginError, WriteError

    return isinstance(error, (DataFileError, ModelFileError, OriginError, WriteError))


def _silence_stdout() -> None:
    """Whoever read our output has gone; keep the interpreter's last flush from complaining."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _dispatch(argv: list[str]) -> int:
    if not argv or argv[0] not in COMMANDS:
        if argv and not argv[0].startswith("-"):
            # A mistyped command is told so, whatever follows it.
            _what_to_open(argv[0], None)
        return _window(_window_parser().parse_args(argv))
    help_text, module = COMMANDS[argv[0]]
    command = import_module(f"odeviz.commands.{module}")
    parser = Parser(prog=f"odeviz {argv[0]}", description=f"{help_text.capitalize()}.", allow_abbrev=False)
    command.options(parser)
    with warnings.catch_warnings():
        warnings.showwarning = _warn
        return int(command.run(parser.parse_args(argv[1:])))


def _warn(message: Warning | str, *_where: object, **_more: object) -> None:
    """A warning as one sentence, without the place in the source that it came from."""
    print(f"odeviz: warning: {message}", file=sys.stderr)


def _window_parser() -> Parser:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {help_text}" for name, (help_text, _) in COMMANDS.items())
    parser = Parser(
        prog="odeviz",
        usage="odeviz [FILE] [options]\n       odeviz COMMAND ...",
        description="A desktop workbench for neural ordinary differential equations.",
        epilog=f"commands without a window (odeviz COMMAND --help tells more):\n{commands}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="a model to open, a preset's name or an experiment (odeviz:...)",
    )
    parser.add_argument("--version", action="version", version=f"odeviz {odeviz.__version__}")
    parser.add_argument("--preset", metavar="NAME", help="open on this preset (odeviz list names them)")
    parser.add_argument("--theme", choices=("light", "dark"), help="colours (the system's)")
    parser.add_argument("--size", type=size, metavar="WxH", help="size of the window, such as 1440x900")
    shot = parser.add_argument_group("without a display")
    shot.add_argument("--screenshot", type=Path, metavar="PNG", help="draw the window into a PNG and leave")
    shot.add_argument("--iterations", type=whole(1), metavar="N", help="train this long before")
    shot.add_argument("--scale", type=real(0.5, 4.0), metavar="S", help="device pixels for each pixel (1)")
    return parser


def _window(given: argparse.Namespace) -> int:
    what = _what_to_open(given.file, given.preset)
    look = {name: getattr(given, name) for name in ("iterations", "scale", "theme", "size")}
    look = {name: value for name, value in look.items() if value is not None}
    for name in ("iterations", "scale"):
        if given.screenshot is None and name in look:
            raise UserError(f"--{name} goes with --screenshot only")

    from odeviz.commands.window import open_window, take_screenshot

    if given.screenshot is None:
        return open_window(**what, **look)
    return take_screenshot(given.screenshot, **what, **look)


def _what_to_open(file: str | None, preset: str | None) -> dict[str, Any]:
    """A file that is there, a preset's name or an experiment's line, by the names that the window knows them by.

    ``odeviz moons-density`` is ``odeviz --preset moons-density``.
    """
    if file is not None and preset is not None:
        raise UserError("FILE and --preset cannot both be given")
    if preset is not None:
        return {"file": None, "preset": find_preset(preset).name}
    if file is None or Path(file).is_file():
        return {"file": None if file is None else Path(file), "preset": None}

    from odeviz.tasks.experiment_string import is_experiment_string
    from odeviz.tasks.presets import PRESETS

    if file in PRESETS:
        return {"file": None, "preset": file}
    if is_experiment_string(file):
        find_experiment(file)
        return {"file": None, "preset": None, "experiment": file}
    raise UserError(no_such_file(file, [*COMMANDS, *PRESETS]))
