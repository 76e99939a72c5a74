"""The flow view of shipped models, solved and drawn as the window does it."""

from dataclasses import dataclass, field
from functools import cache
from threading import Event

import numpy as np

from odeviz.analysis.projection import Projection
from odeviz.analysis.study import Study
from odeviz.bridge.requests import (
    BorderRequest,
    DecisionRequest,
    DensityRequest,
    FieldRequest,
    FlowRequest,
    ProbeRequest,
    RestRequest,
    SceneRequest,
    SeedsRequest,
    StreamRequest,
)
from odeviz.panels.flow_view import FlowView
from odeviz.state import COLOURINGS, SHOWN, Mark, Selection
from odeviz.state.layers import Stage, offered
from odeviz.state.workbench import viewing_choice
from odeviz.storage import load_model
from odeviz.storage.paths import pretrained
from odeviz.tasks.registry import task_of

#: As large as the flow is in a window of 1024 x 700.
SIZE = (480, 420)
#: Trajectories, data and cells a side: enough to be recognised.
_CROWD, _POINTS, _CELLS = 150, 400, 64


@dataclass(frozen=True)
class Sight:
    """What is looked at: a preset's model at a share of the flow's time, with these layers beside those at first."""

    preset: str
    share: float
    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    colouring: str = "class"
    projection: Projection = field(default_factory=Projection)
    seeds: tuple[tuple[float, ...], ...] = ()
    #: Trajectories that are selected, the one under the mouse, and a seed that is selected.
    selected: tuple[int, ...] = ()
    hovered: int | None = None
    chosen: int | None = None
    probe: tuple[float, float] | None = None

    @property
    def numbered(self):
        """Whether numbers are written whose last digits are another machine's own."""
        return self.probe is not None or self.colouring == "speed"


SIGHTS = {
    "model-density": Sight("moons-density", 0.62, on=("contours", "base"), seeds=((-1.0, 1.5), (2.4, -1.2)), chosen=0),
    "model-selected": Sight("moons-density", 1.0, off=("data",), selected=(3, 21, 40), hovered=77, probe=(1.9, 0.35)),
    "model-decision": Sight("spirals-classifier", 0.55, on=("boundary",), off=("data",)),
    "model-space": Sight("annuli-classifier", 0.8, projection=Projection.of("space"), selected=(5, 9)),
    "model-dynamics": Sight(
        "fitzhugh-nagumo-mlp", 0.3, on=("nullclines", "rest", "streamlines"), off=("arrows", "data"),
        seeds=((1.0, 1.0),), chosen=0,
    ),
    "model-latent": Sight("latent-spirals", 0.7),
    "model-time": Sight("8gaussians-moons-cfm", 0.85, on=("base",), colouring="time"),
    "model-speed": Sight("lotka-volterra-universal", 0.5, on=("rest",), colouring="speed"),
}  # fmt: skip


def scene(name, kit):
    """The flow view of one of :data:`SIGHTS`."""
    sight = SIGHTS[name]
    found, t = answers(name), sight.share * _study(sight.preset).t1
    view = kit.show(FlowView, size=SIZE)
    view.set_offered(_there(sight, found["scene"].space))
    view.set_projection(found["scene"].space, sight.projection)
    view.set_extent(found["scene"].extent)
    view.set_data(found["scene"].data)
    view.set_layers({**dict.fromkeys(sight.on, True), **dict.fromkeys(sight.off, False)})
    for kind in ("density", "decision", "field", "stream", "border", "rest", "flow"):
        if kind in found:
            getattr(view, f"set_{kind}")(found[kind])
    if sight.seeds:
        view.set_seeds(np.array(sight.seeds), found["seeds"])
    marks = [Mark("trajectory", index) for index in sight.selected]
    marks += [] if sight.chosen is None else [Mark("seed", sight.chosen)]
    over = None if sight.hovered is None else Mark("trajectory", sight.hovered)
    view.set_selection(Selection(tuple(marks), over))
    view.set_colouring(sight.colouring, None, tuple(COLOURINGS))
    view.set_time(t)
    if sight.probe is not None:
        card = view.overlays.readout
        card.set_point(sight.probe, f"trajectory {sight.hovered}")
        card.set_probe(found["probe"])
        card.show()
        view.overlays.place()
    return view


@cache
def _study(preset):
    return Study(load_model(pretrained(preset)))


def _there(sight, space):
    """The layers that are offered."""
    return offered(Stage(_study(sight.preset).experiment, space.dim, space.over_time, sight.projection))


@cache
def answers(name):
    """What the solver answers, by kind."""
    sight = SIGHTS[name]
    study, seen = _study(sight.preset), {"projection": sight.projection}
    t, choice = sight.share * study.t1, viewing_choice(study.experiment)
    behind = task_of(study.experiment).behind(study.experiment)
    found = {"scene": SceneRequest(_POINTS, sight.projection).answer(study, Event())}
    shown = {key for key, on in SHOWN.items() if on} | set(sight.on) - set(sight.off)
    there = shown & set(_there(sight, found["scene"].space))
    extent = found["scene"].extent
    asked = {"flow": FlowRequest(choice, _CROWD, 61, **seen)}
    if "background" in there:
        request = {"density": DensityRequest, "decision": DecisionRequest}[behind]
        asked[behind] = request(t, extent, _CELLS, choice)
    if "arrows" in there:
        asked["field"] = FieldRequest(extent, 25, 9, **seen)
    if there & {"streamlines", "nullclines"}:
        asked["stream"] = StreamRequest(extent, 49, 3, True, sight.projection)
    if "boundary" in there:
        asked["border"] = BorderRequest()
    if "rest" in there:
        asked["rest"] = RestRequest(sight.projection, quick=True)
    if sight.seeds:
        asked["seeds"] = SeedsRequest(sight.seeds, choice, **seen)
    if sight.probe is not None:
        asked["probe"] = ProbeRequest(sight.probe, t, sight.projection)
    return found | {kind: request.answer(study, Event()) for kind, request in asked.items()}
