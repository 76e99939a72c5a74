"""The window. Importing this package loads neither Qt's widgets nor torch; :func:`run` opens the window."""

from __future__ import annotations

__all__ = ["run", "screenshot"]


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
    from odeviz.app.startup import ToOpen, run_window

    return run_window(ToOpen.of(file, preset, experiment), theme, size)


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
