"""What a task's shipped models reached, as ``resources/build.py`` wrote it down when it trained them. No torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path


def recorded(package: Path, preset_of: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Figures by the keys of ``preset_of``, of those presets that ``shipped.json`` beside the file ``package`` has."""
    figures = _read(package.with_name("shipped.json"))
    return {key: figures[preset] for key, preset in preset_of.items() if preset in figures}


@cache
def _read(path: Path) -> dict[str, dict[str, float]]:
    figures: dict[str, dict[str, float]] = json.loads(path.read_text())
    return figures
