"""Shapes of the modules that tasks build their models of, known without torch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from odeviz.tasks.task import Shapes

#: What each layer has one number of for each output, by how time enters it.
_PER_OUTPUT = {
    "none": ("bias",),
    "concat": ("bias", "shift"),
    "concatsquash": ("bias", "shift", "gate_weight", "gate_bias"),
}


def mlp_shapes(prefix: str, dim: int, hidden: Sequence[int], time: str) -> Shapes:
    """The entries of an :class:`odeviz.fields.MLPField`, on states of ``dim`` numbers, under ``prefix``."""
    return layer_shapes(prefix, (dim, *hidden, dim), time)


def layer_shapes(prefix: str, sizes: Sequence[int], time: str) -> Shapes:
    """The entries of layers from each of ``sizes`` numbers to the next, under ``prefix``."""
    shapes: Shapes = {}
    for k, (inputs, outputs) in enumerate(pairwise(sizes)):
        shapes[f"{prefix}.layers.{k}.weight"] = (outputs, inputs)
        for name in _PER_OUTPUT[time]:
            shapes[f"{prefix}.layers.{k}.{name}"] = (outputs,)
    return shapes


def planar_shapes(prefix: str, dim: int, units: int, gate_units: int = 16) -> Shapes:
    """The entries of an :class:`odeviz.fields.PlanarField` under ``prefix``."""
    return {
        f"{prefix}.weight": (units, dim),
        f"{prefix}.bias": (units,),
        f"{prefix}.out": (dim, units),
        f"{prefix}.clock_weight": (gate_units,),
        f"{prefix}.clock_bias": (gate_units,),
        f"{prefix}.gate_weight": (units, gate_units),
        f"{prefix}.gate_bias": (units,),
    }


def block_shapes(prefix: str, dim: int, hidden: Sequence[int], blocks: int) -> Shapes:
    """The entries of an :class:`odeviz.fields.BlockField`."""
    shapes: Shapes = {}
    for k in range(blocks):
        shapes |= mlp_shapes(f"{prefix}.blocks.{k}", dim, hidden, "none")
    return shapes


def linear_shapes(prefix: str, inputs: int, outputs: int) -> Shapes:
    """The entries of an ``nn.Linear``."""
    return {f"{prefix}.weight": (outputs, inputs), f"{prefix}.bias": (outputs,)}


def perceptron_shapes(prefix: str, inputs: int, hidden: Sequence[int], outputs: int) -> Shapes:
    """The entries of an :class:`odeviz.fields.perceptron.Perceptron`."""
    shapes: Shapes = {}
    for k, (a, b) in enumerate(pairwise((inputs, *hidden, outputs))):
        shapes |= linear_shapes(f"{prefix}.layers.{k}", a, b)
    return shapes
