"""Screenshot mode: the window offscreen, trained and drawn, as a PNG."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from odeviz.tasks.registry import task_of

if TYPE_CHECKING:
    from odeviz.app.startup import Desk, ToOpen

#: Seconds a picture may take to be computed, and training to end.
PICTURE, TRAINING = 120.0, 3600.0


def take(
    path: str,
    what: ToOpen,
    iterations: int | None,
    theme: str | None,
    size: tuple[int, int],
    scale: float,
) -> int:
    """See :func:`odeviz.app.screenshot`. Prints one sentence and returns 1 if there is nothing to show."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtCore import qInstallMessageHandler

    from odeviz.app.startup import Desk, application

    qInstallMessageHandler(say)
    app = application()
    desk = Desk(app, settings=None, theme=theme)
    try:
        desk.window.resize(*size)
        desk.window.reset_layout()
        desk.open(what)
        problem = _prepare(desk, iterations)
        if not problem:
            from odeviz.widgets.grab import grab_png

            # What was drawn last may have asked for another layout.
            app.processEvents()
            grab_png(desk.window, path, scale)
    finally:
        # Nobody waits for a window to close: a long import may come to its end.
        ended = desk.clear(PICTURE)
        app.processEvents()
        qInstallMessageHandler(None)
    if problem or not ended:
        sys.stderr.write(f"{problem or 'A thread did not end in time.'}\n")
        return 1
    return 0


def _prepare(desk: Desk, iterations: int | None) -> str:
    """Train if asked, go to a telling time, wait until all is drawn; returns what is in the way, or ""."""
    control, bench = desk.controller, desk.controller.bench
    failures: list[str] = []
    control.documents.failed.connect(failures.append)
    desk.hooks.caught.connect(lambda trouble: failures.append(trouble.sentence))
    control.pictures.troubled.connect(lambda trouble: failures.append(trouble.sentence))
    ready = wait(lambda: bool(failures) or bench.snapshot is not None, PICTURE)
    if iterations is not None and ready and not failures:
        bench.set_experiment(bench.experiment.with_setting("training.iterations", iterations))
        ready = _train(desk)
    if failures or not ready or bench.snapshot is None:
        return failures[0] if failures else "The model did not become ready in time."
    experiment = bench.snapshot.experiment
    share = 0.8 if task_of(experiment).behind(experiment) == "density" else 0.7
    control.playback.scrub(share * bench.playhead.t1)
    if not wait(lambda: bool(failures) or control.pictures.settled, PICTURE):
        return "The pictures did not become ready in time."
    return failures[0] if failures else ""


def _train(desk: Desk) -> bool:
    """Train from scratch to the end, or to where it stops; False if it takes too long."""
    from odeviz.bridge import Phase

    control, bench = desk.controller, desk.controller.bench
    before = bench.snapshot

    def reached() -> bool:
        snapshot = bench.snapshot
        if snapshot is None or snapshot is before:
            return False
        return bool(bench.training.message) or snapshot.iteration >= bench.experiment.training.iterations

    control.run.restart()
    ended = wait(lambda: control.trainer.phase in (Phase.FINISHED, Phase.TROUBLE), TRAINING)
    return ended and wait(reached, 5.0)


def say(kind: object, context: object, message: str) -> None:
    """Qt's messages, without what the offscreen platform says about every window."""
    if "propagateSizeHints" not in message:
        sys.stderr.write(f"{message}\n")


def wait(ready: Callable[[], bool], seconds: float) -> bool:
    """Run the event loop until ``ready()`` or the time is over; the last ``ready()``.

    What is ready can be so no more when the loop has ended: then it is waited for again.
    """
    from PySide6.QtCore import QEventLoop, QTimer

    loop, timer = QEventLoop(), QTimer()
    until = time.monotonic() + seconds
    timer.timeout.connect(lambda: loop.quit() if ready() or time.monotonic() > until else None)
    timer.start(10)
    while not (there := ready()) and time.monotonic() <= until:
        loop.exec()
    timer.stop()
    return there
