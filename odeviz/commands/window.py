"""Opening the window from the command line: what must be there before Qt is asked, and the remedy if it is not.

Qt ends the process when it finds no display or misses a library of the system, so both are looked for first.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from odeviz.commands.arguments import UserError

#: Debian's and Ubuntu's packages of the libraries Qt may miss; elsewhere the library's name has to do.
PACKAGES = {
    "libEGL.so": "libegl1",
    "libGL.so": "libgl1",
    "libOpenGL.so": "libopengl0",
    "libdbus-1.so": "libdbus-1-3",
    "libfontconfig.so": "libfontconfig1",
    "libfreetype.so": "libfreetype6",
    "libglib-2.0.so": "libglib2.0-0",
    "libgthread-2.0.so": "libglib2.0-0",
    "libwayland-client.so": "libwayland-client0",
    "libxcb-cursor.so": "libxcb-cursor0",
    "libxcb-icccm.so": "libxcb-icccm4",
    "libxcb-image.so": "libxcb-image0",
    "libxcb-keysyms.so": "libxcb-keysyms1",
    "libxcb-randr.so": "libxcb-randr0",
    "libxcb-render-util.so": "libxcb-render-util0",
    "libxcb-shape.so": "libxcb-shape0",
    "libxcb-xkb.so": "libxcb-xkb1",
    "libxkbcommon-x11.so": "libxkbcommon-x11-0",
    "libxkbcommon.so": "libxkbcommon0",
}

_NO_DISPLAY = "or use what needs none: odeviz train, solve, export or --screenshot"
_NO_QT = "or use what needs no Qt: odeviz train, solve or export"


def open_window(*, file: Path | None, preset: str | None, **more: Any) -> int:
    """Open the window and return its exit code once it is closed. Raises ``UserError`` if none can open.

    ``more`` are the other arguments of :func:`odeviz.app.run`.
    """
    platform = os.environ.get("QT_QPA_PLATFORM", "") if sys.platform == "linux" else "native"
    wayland = not platform.startswith("xcb") and _wayland_answers(os.environ)
    x11 = platform.startswith("xcb") or (not platform and not wayland)
    if x11:
        _require_display(os.environ)
    from odeviz import app

    app.prepare()
    _require_qt()
    if x11:
        _require_x11_plugin()
    name = None if file is None else str(file)
    return app.run(file=name, preset=preset, **more)


def take_screenshot(path: Path, **options: Any) -> int:
    """Draw the window into a PNG without a display. Raises ``UserError`` or ``WriteError`` if that cannot be."""
    from odeviz.storage import check_writable, load_model

    if path.suffix.lower() != ".png":
        raise UserError(f"cannot write {path}: the name of a screenshot must end in .png")
    check_writable(path)
    if options["file"] is not None:
        load_model(options["file"])
        options["file"] = str(options["file"])
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    _require_qt()
    return int(import_module("odeviz.app").screenshot(str(path), **options))


def _wayland_answers(environment: Mapping[str, str]) -> bool:
    name = environment.get("WAYLAND_DISPLAY", "")
    return bool(name) and (Path(environment.get("XDG_RUNTIME_DIR", "/")) / name).is_socket()


def _require_display(environment: Mapping[str, str]) -> None:
    name = environment.get("DISPLAY", "")
    if not name:
        raise UserError(
            f"there is no display to open a window on: set DISPLAY or WAYLAND_DISPLAY, {_NO_DISPLAY}"
        )
    if _x_server_answers(name) is False:
        raise UserError(
            f"the display {name!r} (DISPLAY) does not answer: start its server or set another, {_NO_DISPLAY}"
        )


def _x_server_answers(name: str) -> bool | None:
    """Whether a connection to an X display can be made; None if there is no libxcb to ask."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return None
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(name.encode(), None)
    answers = not xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return answers


def _require_qt() -> None:
    try:
        import_module("PySide6.QtWidgets")
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError):
            raise UserError("PySide6 is not installed: pip install PySide6-Essentials") from None
        raise UserError(missing_library(str(error))) from None


def _require_x11_plugin() -> None:
    """Load the plugin that Qt will load: the loader names what is missing, where Qt would abort."""
    from PySide6.QtCore import QLibraryInfo

    plugins = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath))
    plugin = plugins / "platforms" / "libqxcb.so"
    if not plugin.is_file():
        return
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        raise UserError(missing_library(str(error))) from None


def missing_library(loader_message: str) -> str:
    """A sentence with the remedy for what the dynamic loader said, e.g. ``libEGL.so.1: cannot open ...``."""
    library = Path(loader_message.split(":")[0].strip()).name
    package = next((deb for stem, deb in PACKAGES.items() if library.startswith(stem)), None)
    if package is None:
        return f"Qt cannot be loaded ({' '.join(loader_message.split())}): install what it misses, {_NO_QT}"
    return f"Qt needs the system library {library}: apt install {package} (or its like), {_NO_QT}"
