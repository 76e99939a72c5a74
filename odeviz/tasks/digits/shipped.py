"""What the shipped models of Table 1 reached. No torch."""

from __future__ import annotations

from pathlib import Path

from odeviz.tasks.shipped import recorded

#: Preset of each of Table 1's models.
PRESET_OF = {"ode-net": "digits-odenet", "residual-net": "digits-resnet", "rk-net": "digits-rknet"}


def shipped() -> dict[str, dict[str, float]]:
    """Figures of the shipped models by ``options.model``, in the order of Table 1; of those that have been trained."""
    return recorded(Path(__file__), PRESET_OF)
