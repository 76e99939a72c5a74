"""What is wrong with figures that look as if they were right. No torch, no Qt."""

from __future__ import annotations

from collections.abc import Mapping

from odeviz.tasks.numerals import figure

#: How far from 1 a density's mass may be before that is said.
MASS_MARGIN = 0.01


def is_whole(mass: float) -> bool:
    """Whether that can be the mass of a density."""
    return abs(mass - 1.0) <= MASS_MARGIN


def doubts(metrics: Mapping[str, float]) -> list[str]:
    """A sentence for each figure of a model that the others cannot be trusted for."""
    mass = metrics.get("mass", 1.0)
    if is_whole(mass):
        return []
    return [
        f"the density's mass over the plane that is shown is {figure(mass)} instead of 1, so that its NLL "
        "tells little: "
        "outliers in the data, a coarse tolerance or a training that is too short"
    ]
