"""The tensors an experiment's model has, known without building it: a file is checked before torch is loaded."""

from __future__ import annotations

from itertools import pairwise

from odeviz.tasks.experiment import Experiment

#: State dimensions of the tasks' data, and classes of a classifier.
_PLANE, _CLASSES = 2, 2
#: What each layer has one number of for each output, by how time enters it.
_PER_OUTPUT = {
    "none": ("bias",),
    "concat": ("bias", "shift"),
    "concatsquash": ("bias", "shift", "gate_weight", "gate_bias"),
}


def expected_shapes(experiment: Experiment) -> dict[str, tuple[int, ...]]:
    """Name and shape of every entry of the model's ``state_dict``."""
    field, classifier = experiment.field, experiment.task == "classification"
    dim = _PLANE + (field.extra_dims if classifier else 0)
    shapes: dict[str, tuple[int, ...]] = {}
    for k, (inputs, outputs) in enumerate(pairwise((dim, *[field.width] * field.depth, dim))):
        shapes[f"field.layers.{k}.weight"] = (outputs, inputs)
        for name in _PER_OUTPUT[field.time]:
            shapes[f"field.layers.{k}.{name}"] = (outputs,)
    if classifier:
        shapes |= {"readout.weight": (_CLASSES, dim), "readout.bias": (_CLASSES,)}
    elif experiment.solver.learn_t1:
        shapes["log_t1"] = ()
    return shapes
