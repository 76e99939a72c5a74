"""Classification of points in the plane by an ODE-Net or a residual net. No torch; see ``learning``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from odeviz.tasks.classes import Classes
from odeviz.tasks.datasets import DATASETS, offered
from odeviz.tasks.own_data import OWN, check_classes, classes_of
from odeviz.tasks.settings import setting
from odeviz.tasks.shapes import block_shapes, layer_shapes, linear_shapes, mlp_shapes
from odeviz.tasks.task import Arrays, Figure, Shapes, Task, View

if TYPE_CHECKING:
    from odeviz.tasks.experiment import Experiment

#: State dimensions of the data, and classes.
PLANE, CLASSES = 2, 2
#: Held-out points of a quick look while training, and those of the final figures.
GLANCED, SCORED = 500, 2000
MODELS = ("ode-net", "residual-net")
_RESIDUAL = {"options.model": ("residual-net",)}


@dataclass(frozen=True, slots=True)
class ClassificationOptions:
    """What carries the points."""

    model: str = setting(
        "ode-net",
        "Model",
        "ode-net: the flow of one field. residual-net: blocks one after the other, which are Euler steps.",
        choices=MODELS,
    )
    controlled: bool = setting(
        False,
        "Data-controlled",
        "The field sees the input too: f(z, t, x). Each point then has a field of its own, and paths may cross.",
        when={"options.model": ("ode-net",)},
    )
    blocks: int = setting(6, "Blocks", "Residual blocks.", symbol="N", lo=1, hi=64, when=_RESIDUAL)
    tied: bool = setting(
        False,
        "Tied blocks",
        "All blocks share one field: N steps of Euler's method. Otherwise each has weights of its own.",
        when=_RESIDUAL,
    )


def shapes(experiment: Experiment) -> Shapes:
    """Shapes of an :class:`odeviz.models.ODENet` or :class:`odeviz.models.ResidualNet`."""
    field, options = experiment.field, experiment.options
    dim, hidden = PLANE + field.extra_dims, (field.width,) * field.depth
    if options.model == "residual-net" and not options.tied:
        network = block_shapes("field", dim, hidden, options.blocks)
    elif options.model == "ode-net" and options.controlled:
        network = layer_shapes("field", (dim + PLANE, *hidden, dim), field.time)
    else:
        network = mlp_shapes("field", dim, hidden, field.time)
    return network | linear_shapes("readout", dim, CLASSES)


def unused_by(experiment: Experiment) -> tuple[str, ...]:
    """Settings that a residual net and a person's own points have no use for."""
    options = experiment.options
    generated = ("data.samples", "data.noise") if experiment.data.name == OWN else ()
    if options.model != "residual-net":
        return generated
    solver = tuple(f"solver.{name}" for name in ("method", "rtol", "atol", "steps", "adjoint"))
    return (*generated, *solver) if options.tied else (*generated, "field.time", *solver)


def runs_back(experiment: Experiment) -> bool:
    """Whether the flow is one of the data's plane, which is run back exactly."""
    options = experiment.options
    return options.model == "ode-net" and not options.controlled and not experiment.field.extra_dims


def classes(experiment: Experiment, data: Arrays) -> Classes:
    """Those of the data set; a person's own have the numbers that stand beside the points."""
    if "labels" in data:
        return Classes(names=tuple(str(label) for label in classes_of(data["labels"]).tolist()))
    known = DATASETS.get(experiment.data.name)
    return Classes(names=known.classes if known is not None else ())


TASK = Task(
    name="classification",
    title="Classifiers",
    sentence="Points of two classes are carried to where one line parts them.",
    options=ClassificationOptions,
    data=(*offered("classification"), OWN),
    own="points",
    learnable=lambda experiment, data: check_classes(data["labels"], CLASSES),
    needs_labels=True,
    classes=classes,
    figures=(Figure("accuracy", "accuracy", percent=True),),
    measured_on=f"up to {GLANCED} held-out points",
    final_on=f"up to {SCORED:,} held-out points",
    loss=Figure("loss", "cross-entropy", "nats"),
    shapes=shapes,
    background="decision",
    runs_back=runs_back,
    unused=("solver.learn_t1",),
    unused_by=unused_by,
    defaults={"data.samples": 1024},
    views=(
        View(
            "boundary",
            "Boundary, run back",
            "The line that parts the classes at the end of the flow, carried back to its start. The flow of a plane "
            "bends it but neither cuts nor closes it: where the classes ask for a closed curve, it runs out and back "
            "in a seam thinner than any pixel.",
        ),
        View(
            "euler",
            "A residual net is Euler's method",
            "Polylines of residual blocks over the continuous flow, and how far they end from it as their number "
            "doubles: halved each time once they are many. The number of blocks drawn is the solver bar's number of "
            "steps, for methods of fixed steps.",
        ),
        View(
            "probability",
            "Probability",
            "What the model makes of states at the playhead's time, and how sure it is, with the data carried to it: "
            "at t₁ a straight front, further back the same front bent by the flow.",
            follows=("time",),
        ),
        View("confusion", "Confusion", "How many fresh points of each class are taken for which."),
    ),
)
