"""The window. Importing this package loads neither Qt's widgets nor torch; :func:`run` opens the window."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

__all__ = ["load", "prepare", "run", "screenshot"]

#: What the window needs that knows no Qt.
PLAIN = (
    "odeviz.tasks.presets",
    "odeviz.training.loop",
    "odeviz.analysis.diagnostics",
    "odeviz.analysis.overlays",
    "odeviz.exporting.overlays",
    "odeviz.storage.paths",
)


def prepare() -> None:
    """Import what the window needs that knows no Qt; it takes less time before Qt is imported than after.

    Once PySide6 is there, it reads the source of every module that is imported, to see whether that uses it.
    """
    with _uncollected():
        for name in PLAIN:
            import_module(name)


def load() -> ModuleType:
    """:mod:`odeviz.app.startup`, imported in the least time."""
    prepare()
    with _uncollected():
        import_module("PySide6.QtCore")
        import_module("odeviz.app.sources").leave_unread()
        return import_module("odeviz.app.startup")


@contextmanager
def _uncollected() -> Iterator[None]:
    """What is imported stays: looking through it for garbage would take a tenth of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


def run(
    file: str | None = None,
    preset: str | None = None,
    experiment: str | None = None,
    theme: str | None = None,
    size: tuple[int, int] | None = None,
) -> int:
    """Open the window and stay until it is closed; returns the exit code.

    It opens on a model file, a preset or an experiment's line (``odeviz:...``). ``theme`` (light or dark) and
    ``size`` in pixels are as they were when the window was last closed, unless they are given.
    A display must be there: the command line checks that before it calls this.
    """
    startup = load()
    return int(startup.run_window(startup.ToOpen.of(file, preset, experiment), theme, size))


def screenshot(
    path: str,
    preset: str | None = None,
    file: str | None = None,
    iterations: int | None = None,
    theme: str | None = None,
    size: tuple[int, int] = (1440, 900),
    scale: float = 1.0,
    experiment: str | None = None,
) -> int:
    """Open the window offscreen, train if ``iterations`` are given, draw, save a PNG, and leave.

    ``iterations=None`` shows the preset's shipped model, or fresh weights of an experiment's line. ``theme`` is
    light, dark or None (the system's); ``size`` is in pixels before ``scale``. Returns the exit code.
    """
    from odeviz.app.screenshot import take
    from odeviz.app.startup import ToOpen

    return take(path, ToOpen.of(file, preset, experiment), iterations, theme, size, scale)
