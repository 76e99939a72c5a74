"""The book of pictures: what every view looks like, in light and dark and at one and two device pixels per pixel.

A widget is compared with ``looks/NAME.webp``: light beside dark, at one pixel a pixel above those at two, a quarter
as large, so that letters are grey and a line's edges do not matter. After a change that is meant, draw them anew, look
at them, and commit them; with a folder instead of 1 they are written there as large as they are, to be looked at::

    ODEVIZ_RENEW_LOOKS=1 python -m pytest -n 0 tests/gui/test_looks_of_*.py tests/app/test_looks_of_*.py
"""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QCursor, QFont, QFontInfo, QImage
from PySide6.QtWidgets import QApplication, QWidget

from odeviz.panels import flow_paths
from odeviz.widgets import trail
from odeviz.widgets.grab import grab

LOOKS = Path(__file__).with_name("gui") / "looks"
#: 1, or a folder, to draw the pictures anew.
RENEW = os.environ.get("ODEVIZ_RENEW_LOOKS", "")
#: Pixels that become one.
COARSE = 4
#: How far two pictures may be apart, of 255: on average, and the share of places that may be so by more than ``FAR``.
MEAN, SHARE, FAR = 0.5, 0.0003, 32
#: That share where numbers are written whose last digits are another machine's own.
NUMBERED = 0.003
MODES, SCALES = ("light", "dark"), (1, 2)


def even_letters(app, monkeypatch):
    """Letters that no system's settings move by a fraction of a pixel, and trails that are drawn in one go.

    Returns the font to go back to; tests without the pictures' own are skipped.
    """
    before = app.font()
    if QFontInfo(before).family() != "DejaVu Sans":
        pytest.skip("the pictures have letters of DejaVu Sans")
    font = QFont(before)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    app.setFont(font)
    for module in (trail, flow_paths):
        monkeypatch.setattr(module, "PATIENCE", 60.0)
    monkeypatch.setattr(trail, "_MANY", 10**9)
    return before


def pixels(widget, scale):
    """A widget at so many device pixels per pixel: ``[y, x, 3]``."""
    image = grab(widget, scale).toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    # The rows go with the image.
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def coarse(full, scale):
    """The same, each ``COARSE`` pixels a side one."""
    side = COARSE * scale
    high, wide = (length // side for length in full.shape[:2])
    blocks = full[: high * side, : wide * side].reshape(high, side, wide, side, 3)
    return blocks.mean(axis=(1, 3))


def still(widget):
    """Settle a widget, without a caret that blinks, and without the mouse wherever an earlier test has left it."""
    QCursor.setPos(9999, 9999)
    QApplication.processEvents()
    if QApplication.focusWidget() is not None:
        QApplication.focusWidget().clearFocus()
        QApplication.processEvents()
    for each in widget.findChildren(QWidget):
        each.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
    # Axes ask for the room of their ticks as they are drawn, and with that room may have others.
    for _ in range(2):
        widget.grab()
        QApplication.processEvents()


def apart(seen, known, share=SHARE):
    """What is wrong with a picture ``seen`` beside the ``known`` one, or ""."""
    if seen.shape != known.shape:
        return f"it is {seen.shape[1]} x {seen.shape[0]}, not {known.shape[1]} x {known.shape[0]}"
    far = np.abs(seen - known).max(axis=2)
    if far.mean() <= MEAN and (far > FAR).mean() <= share:
        return ""
    y, x = np.unravel_index(int(far.argmax()), far.shape)
    return (
        f"apart by {far.mean():.2f} on average, by more than {FAR} at {(far > FAR).mean():.2%} of places, "
        f"most at {COARSE * x}, {COARSE * y}"
    )


def known(name):
    """The pictures that are kept of a scene, by mode and scale."""
    whole = np.asarray(Image.open(LOOKS / f"{name}.webp").convert("RGB"), dtype=np.float64)
    rows = np.vsplit(whole, len(SCALES))
    return {
        (mode, scale): part
        for scale, row in zip(SCALES, rows, strict=True)
        for mode, part in zip(MODES, np.hsplit(row, len(MODES)), strict=True)
    }


def check(name, widget, theme):
    """Compare a widget with its pictures, in all themes and at all scales."""
    check_stages(widget, {name: lambda: None}, theme)


def check_stages(widget, stages, theme, share=SHARE):
    """The same of a widget on several occasions: their names, and what brings them about one after the other."""
    seen = {}
    for mode in MODES:
        theme.set_mode(mode)
        for name, prepare in stages.items():
            prepare()
            still(widget)
            for scale in SCALES:
                full = pixels(widget, scale)
                seen[name, mode, scale] = coarse(full, scale)
                if RENEW and Path(RENEW).is_dir():
                    Image.fromarray(full).save(Path(RENEW) / f"{name}-{mode}-{scale}.png")
    for name in stages:
        if RENEW:
            whole = np.vstack([np.hstack([seen[name, mode, scale] for mode in MODES]) for scale in SCALES])
            Image.fromarray(whole.round().astype(np.uint8)).save(
                LOOKS / f"{name}.webp", lossless=True, quality=100, method=6
            )
        for (mode, scale), picture in known(name).items():
            told = apart(seen[name, mode, scale], picture, share)
            assert not told, f"{name}, {mode}, {scale} pixels a pixel: {told}"
