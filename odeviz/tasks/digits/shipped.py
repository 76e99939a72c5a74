"""What the shipped models reached, as ``resources/build.py`` wrote it down when it trained them. No torch."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

#: Preset of each of Table 1's models.
PRESET_OF = {"ode-net": "digits-odenet", "residual-net": "digits-resnet", "rk-net": "digits-rknet"}


@lru_cache(maxsize=1)
def shipped() -> dict[str, dict[str, float]]:
    """Figures of the shipped models by ``options.model``, in the order of Table 1; of those that have been trained."""
    recorded = json.loads(Path(__file__).with_name("shipped.json").read_text())
    return {model: recorded[preset] for model, preset in PRESET_OF.items() if preset in recorded}
