"""Values over the plane as maps, or as curves where the plane has an axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from odeviz.analysis.diagnostics.subject import Ground
from odeviz.tasks.chart import Chart, Curve, Map, Maps, Picture, Role, frozen

_ROLES: tuple[Role, ...] = ("model", "class1", "class2", "class3", "class4")


@dataclass(frozen=True, slots=True)
class Layer:
    """Values ``[cells]`` on the ground."""

    title: str
    ground: Ground
    values: Tensor
    #: The flow's time whose states these are, if they are of one.
    at: float | None = None


def over_plane(
    title: str,
    layers: Sequence[Layer],
    *,
    scale: str,
    columns: int = 2,
    shared: bool = False,
    diverging: bool = False,
    note: str = "",
) -> Picture:
    """Maps of all layers; curves over the state where they lie on a line. ``scale`` says what the values are."""
    ground = layers[0].ground
    if ground.line:
        curves = [
            Curve(layer.title, frozen(layer.ground.axis), frozen(layer.ground.shaped(layer.values)), role)
            for layer, role in zip(layers, _ROLES, strict=False)
        ]
        return Chart(title, ground.extent.y_label, scale, tuple(curves), note=note)
    maps = [
        Map(layer.title, layer.ground.box, frozen(layer.ground.shaped(layer.values)), at=layer.at)
        for layer in layers
    ]
    return Maps(
        title,
        tuple(maps),
        columns=min(columns, len(maps)),
        shared=shared,
        diverging=diverging,
        scale=scale,
        axes=(ground.extent.x_label, ground.extent.y_label),
        equal=ground.extent.equal,
        note=f"{note.rstrip()} {slice_of(ground.extent.dims)}".strip(),
    )


def slice_of(dims: int) -> str:
    """What maps over the plane show of states of more dimensions; "" where the plane is all there is."""
    return "" if dims <= 2 else f"A slice of {dims} dimensions: the plane that is shown."
