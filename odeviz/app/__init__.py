"""The window. Importing this package loads neither Qt's widgets nor torch; :func:`run` opens the window."""

from __future__ import annotations

__all__ = ["run", "screenshot"]


def run(file: str | None = None, preset: str | None = None) -> int:
    """Open the window on a model file or a preset and stay until it is closed; returns the exit code.

    A display must be there: the command line checks that before it calls this.
    """
    from odeviz.app.startup import run_window

    return run_window(file, preset)


def screenshot(
    path: str,
    preset: str | None = None,
    file: str | None = None,
    iterations: int | None = None,
    theme: str | None = None,
    size: tuple[int, int] = (1440, 900),
    scale: float = 1.0,
) -> int:
    """Open the window offscreen, train if ``iterations`` are given, draw, save a PNG, and leave.

    ``iterations=None`` shows the preset's shipped model. ``theme`` is light, dark or None (the system's);
    ``size`` is in pixels before ``scale``. Returns the exit code.
    """
    from odeviz.app.screenshot import take

    return take(path, preset, file, iterations, theme, size, scale)
