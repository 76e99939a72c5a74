"""The flow view's layers, in the order they are drawn: menu, palette, legend and undo are made from this registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from odeviz.analysis.diagnostics import common_views
from odeviz.analysis.projection import Projection
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.registry import task_of


@dataclass(frozen=True, slots=True)
class Stage:
    """What decides which layers there are: the experiment, its state's dimensions and how they are seen."""

    experiment: Experiment = field(default_factory=Experiment)
    dim: int = 2
    #: The plane's horizontal axis is time.
    over_time: bool = False
    projection: Projection = field(default_factory=Projection)
    #: A solver setting is pinned to compare with.
    comparing: bool = False


def _always(stage: Stage) -> bool:
    return True


def _flat(stage: Stage) -> bool:
    return not stage.projection.in_space


def _behind(stage: Stage) -> bool:
    return bool(task_of(stage.experiment).behind(stage.experiment)) and _flat(stage)


def _runs_back(stage: Stage) -> bool:
    return task_of(stage.experiment).runs_back(stage.experiment) and _flat(stage)


def _solved(stage: Stage) -> bool:
    return bool(common_views(stage.experiment))


def _compares(stage: Stage) -> bool:
    return stage.comparing


def _rests(stage: Stage) -> bool:
    return _solved(stage) and not stage.over_time


@dataclass(frozen=True, slots=True)
class FlowLayer:
    """One layer: what it is called and shows, whether it is on at first, and for which stages it is offered."""

    title: str
    #: A sentence with the symbol.
    about: str
    icon: str
    shown: bool = False
    shortcut: str = ""
    offered: Callable[[Stage], bool] = _always


LAYERS: Mapping[str, FlowLayer] = MappingProxyType(
    {
        "background": FlowLayer(
            "Background",
            "The density p(z, t), or for a classifier the class probabilities of states at t.",
            "drop-half", True, "Alt+1", _behind,
        ),
        "contours": FlowLayer(
            "Contours",
            "Lines of equal density, one nat apart from the peak down; of a classifier, of probability 0.1, 0.25, "
            "0.75 and 0.9.",
            "target", False, "Alt+Shift+1", _behind,
        ),
        "boundary": FlowLayer(
            "Boundary",
            "The decision boundary at t: the readout's straight line at t₁, carried back by the flow.",
            "line-segments", False, "Alt+Shift+2", _runs_back,
        ),
        "arrows": FlowLayer(
            "Field",
            "The vector field f(z, t, θ) at the playhead's time. Longer arrows are faster.",
            "arrow-up-right", True, "Alt+2", _flat,
        ),
        "streamlines": FlowLayer(
            "Streamlines",
            "Curves along the vector field f(z, t, θ), its time held fast at the playhead's.",
            "wind", False, "Alt+Shift+3", _flat,
        ),
        "tracers": FlowLayer(
            "Tracers",
            "2,000 points that drift along the vector field at the playhead's time without end.",
            "sparkle", False, "Alt+Shift+4", _flat,
        ),
        "nullclines": FlowLayer(
            "Nullclines",
            "Where one component of f(z, t, θ) is zero at the playhead's time; both are where two lines cross.",
            "intersect", False, "Alt+Shift+5", _flat,
        ),
        "trajectories": FlowLayer(
            "Paths", "Solutions of dz/dt = f(z, t, θ) from t = 0 to the playhead.", "waves", True, "Alt+3",
        ),
        "pinned": FlowLayer(
            "Pinned",
            "The trajectories of the pinned solver setting as dotted lines; where they end farthest from the present "
            "ones the two are joined.",
            "scales", True, "Alt+Shift+8", _compares,
        ),
        "base": FlowLayer(
            "Starts",
            "Where the trajectories begin at t = 0: samples of the base distribution, or the inputs.",
            "circle-dashed", False, "Alt+Shift+6",
        ),
        "data": FlowLayer(
            "Data", "The points to be learnt, where the data set put them.", "dots-nine", True, "Alt+4",
        ),
        "particles": FlowLayer(
            "Particles", "The state z(t) of every trajectory at the playhead's time.", "circles-three", True,
            "Alt+5",
        ),
        "rest": FlowLayer(
            "Fixed points",
            "States at rest with the field held fast at the playhead's time: f(z, t, θ) = 0. Filled ones are stable, "
            "hollow ones unstable, crosses saddles; hover one for its eigenvalues.",
            "push-pin-simple", False, "Alt+Shift+7", _rests,
        ),
        "seeds": FlowLayer(
            "Seeds",
            "Trajectories you started: click adds one, drag moves it, arrow keys nudge it, Delete removes it.",
            "push-pin", True, "Alt+6",
        ),
    }
)  # fmt: skip

#: Which layers are shown at first.
SHOWN: Mapping[str, bool] = MappingProxyType({key: layer.shown for key, layer in LAYERS.items()})


def offered(stage: Stage) -> tuple[str, ...]:
    """The keys of the layers that have something to show on a stage, in the order they are drawn."""
    return tuple(key for key, layer in LAYERS.items() if layer.offered(stage))


#: What trajectories are coloured by: title and explanation of each way.
COLOURINGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "class": ("Class", "Each trajectory in the colour of its class; where there are none, all in one."),
        "time": ("Time", "From t = 0 to t₁."),
        "speed": ("Speed", "‖dz/dt‖ along each trajectory."),
        "nfe": ("NFE", "Evaluations of f that each trajectory takes when it is solved alone."),
    }
)


def colourings(stage: Stage) -> tuple[str, ...]:
    """The keys of :data:`COLOURINGS` that mean something: a model that solves no ODE has no NFE."""
    return tuple(key for key in COLOURINGS if key != "nfe" or _solved(stage))
