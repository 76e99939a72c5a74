"""Where odeviz finds what it ships and keeps what it remembers."""

from __future__ import annotations

from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).resolve().parents[1]


def resource(*parts: str) -> Path:
    """A shipped file: ``odeviz/resources`` in an installed package, ``resources`` beside it in a checkout."""
    installed = _PACKAGE / "resources"
    root = installed if installed.is_dir() else _PACKAGE.parent / "resources"
    return root.joinpath(*parts)


def pretrained(name: str) -> Path | None:
    """The shipped trained model of a preset, ``resources/models/NAME.odeviz``; None if there is none."""
    if not name or Path(name).name != name:
        return None
    path = resource("models", f"{name}.odeviz")
    return path if path.is_file() else None


def card(name: str, dark: bool = False) -> Path | None:
    """The picture of a preset's shipped model for the gallery; None if there is none."""
    if pretrained(name) is None:
        return None
    path = resource("cards", f"{name}{'-dark' * dark}.png")
    return path if path.is_file() else None


def config_dir() -> Path:
    """The user's settings folder (may not exist yet)."""
    return platformdirs.user_config_path("odeviz", appauthor=False)


def state_dir() -> Path:
    """The user's folder for what the window remembers: layout, recent files (may not exist yet)."""
    return platformdirs.user_state_path("odeviz", appauthor=False)
