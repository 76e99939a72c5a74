"""Python processes beside this one: how they are started, and what they take over when they begin.

They are started as ``python -c``, and not by multiprocessing, which would import the program's main module a second
time. A process keeps its whole speed beside a window that paints: nothing is shared, not even the interpreter lock.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

from odeviz.training.priority import step_back_whole

#: The process finds its modules where this one does.
_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from {module} import main; main()"


def why_not() -> str:
    """Why there can be no process here, as a clause; empty if there can."""
    if getattr(sys, "frozen", False) or not Path(sys.executable or "").stem.lower().startswith("py"):
        return f"{sys.executable or 'the program'!r} is no Python interpreter"
    return ""


def start(module: str) -> subprocess.Popen[bytes]:
    """A process that calls ``main()`` of a module, with pipes to its stdin and from its stdout. Raises ``OSError``."""
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM.format(module=module), *sys.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # A program without a console has nowhere to complain.
        stderr=None if sys.stderr is not None else subprocess.DEVNULL,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0)
        | getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
    )


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """In the process that was started: the pipes in and out, which nobody else reads or prints to from now on.

    The process steps back behind the window, before it starts threads.
    """
    step_back_whole()
    # Ctrl+C in a terminal reaches all its processes: the window decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipes = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return pipes


def how_it_ended(process: subprocess.Popen[bytes], grace: float) -> str:
    """How a process ended that has closed its pipe, as a clause; after ``grace`` seconds it is killed."""
    try:
        code = process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        return "it said nothing more"
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {-code}, {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
