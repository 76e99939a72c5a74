"""What computes steps back behind what paints: on a busy machine a picture is late before a hand is.

A window needs a processor seldom and at once, a solver needs it for long and does not mind when. Without a word the
system shares alike, and a window waits for its turn: while training, twice as long as its own work takes.
"""

from __future__ import annotations

import os
import sys

#: How far a process that trains steps back (the Unix niceness), and a thread that solves for pictures: behind the
#: training, whose rate people watch. With a processor to itself nothing gets slower by it.
PROCESS, THREAD = 6, 10


def step_back() -> None:
    """Lower the calling thread's priority, and that of threads it starts from now on.

    Only Linux knows priorities of threads within a process; elsewhere nothing happens.
    """
    if sys.platform.startswith("linux"):
        os.nice(THREAD)


def step_back_whole() -> None:
    """Lower the calling process's priority; called before it starts threads. Windows does it from outside."""
    if hasattr(os, "nice"):
        os.nice(PROCESS)
