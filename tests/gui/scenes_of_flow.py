"""The flow view in each of its modes, made up of closed forms: a scene is a function of the tests' ``kit``."""

import dataclasses

import numpy as np

from odeviz.analysis.overlays import BorderResult, RestResult, SpaceResult, StreamResult
from odeviz.analysis.projection import Projection
from odeviz.analysis.results import Extent, FieldResult, FlowResult, ProbeResult, SolverChoice, StepTable
from odeviz.panels.flow_view import FlowView
from odeviz.panels.replay_mark import ReplayMark
from odeviz.state import LAYERS, Mark, Selection

SIZE = (480, 400)


def density(kit):
    view = kit.show(FlowView, size=SIZE)
    view.set_extent(kit.density.extent)
    view.set_field(kit.field)
    view.set_density(kit.density)
    view.set_data(kit.data)
    view.set_flow(kit.flow())
    view.set_seeds(np.array([[-0.5, 0.7]]), kit.flow(1))
    view.set_layers({"contours": True, "base": True})
    view.set_time(0.6)
    return view


def decision(kit):
    view = kit.show(FlowView, size=SIZE)
    view.set_extent(kit.decision.extent)
    view.set_decision(kit.decision)
    view.set_flow(kit.flow(labels=np.full(6, -1)))
    view.set_colouring("time", None, ("class", "time", "speed"))
    view.set_message("The solver stopped at t = 0.4.")
    view.set_time(1.0)
    return view


def boundary(kit):
    """Run back and bent, under the selected trajectories, while an earlier moment of the run is on show."""
    view = kit.show(FlowView, size=SIZE)
    view.set_extent(kit.decision.extent)
    view.set_decision(kit.decision)
    y = np.linspace(-2.0, 2.0, 41)
    curves = np.stack([np.stack([bend * np.sin(2 * y), y], axis=1) for bend in (0.8, 0.0)])
    view.set_border(BorderResult(np.array([0.0, 1.0]), curves))
    view.set_flow(_fan(40))
    view.set_selection(Selection((Mark("trajectory", 3), Mark("trajectory", 12)), Mark("trajectory", 30)))
    view.set_layers({"boundary": True, "contours": True, "arrows": False})
    view.set_time(0.5)
    mark = ReplayMark(kit.theme, view)
    mark.tell(120, 4000)
    return view


def streamlines(kit):
    """The field of a pendulum: foci between saddles."""
    view = kit.show(FlowView, size=SIZE)
    view.set_extent(kit.density.extent)
    view.set_stream(_pendulum())
    points = np.array([[0.0, 0.0], [-1.57, 0.0], [1.57, 0.0]])
    kinds = ("stable focus", "saddle", "unstable node")
    rest = RestResult(np.zeros(1), np.zeros(3, int), points, points, kinds, np.ones((3, 2), complex))
    view.set_rest(rest)
    off = dict.fromkeys(LAYERS, False)
    view.set_layers({**off, "streamlines": True, "nullclines": True, "rest": True})
    return view


def tracers(kit):
    view = kit.show(FlowView, size=SIZE)
    view.set_extent(kit.density.extent)
    view.set_field(kit.field)
    view.set_stream(_pendulum())
    view.set_layers({**dict.fromkeys(LAYERS, False), "tracers": True, "arrows": True})
    for _ in range(12):
        view.advance(0.02)
    return view


def pinned(kit):
    """Beside the pinned setting's paths, coloured by their cost; the card tells what is under the mouse."""
    view = kit.show(FlowView, size=SIZE)
    flow = _fan(60)
    view.set_extent(kit.density.extent)
    view.set_flow(flow)
    view.set_pinned(dataclasses.replace(flow, paths=flow.paths * 0.9))
    view.set_colouring("nfe", np.linspace(14, 86, 60), ("class", "time", "speed", "nfe"))
    view.set_time(1.0)
    card = view.overlays.readout
    card.set_point((0.25, -1.5), "trajectory 7, NFE 26")
    card.set_probe(ProbeResult(1.0, (0.25, -1.5), (-0.5, 1.25), 0.75, -2.31))
    card.show()
    view.overlays.place()
    return view


def space(kit):
    """Helices seen from the side."""
    view = kit.show(FlowView, size=SIZE)
    view.set_extent(kit.density.extent)
    t, turn = np.linspace(0.0, 1.0, 41), np.linspace(0.0, 2 * np.pi, 24, endpoint=False)
    angle = turn + 5.0 * t[:, None]
    high = np.broadcast_to(1.8 * t[:, None] - 0.9, angle.shape)
    paths = np.stack([np.cos(angle), np.sin(angle), high], axis=2)
    projection = Projection("space", (0, 1, 2), (35.0, 22.0))
    view.set_projection(SpaceResult(3, False, ("x", "y", "z"), np.zeros(3), np.eye(3), np.eye(3)), projection)
    view.set_flow(_flow(t, paths))
    view.set_offered([key for key in LAYERS if key not in ("background", "arrows", "streamlines")])
    view.set_time(0.9)
    return view


def components(kit):
    view = kit.show(FlowView, size=SIZE)
    view.set_extent(Extent(-3.0, 3.0, -3.0, 3.0, "PC₁", "PC₂", dims=6))
    view.set_projection(SpaceResult(6, False), Projection("components", (0, 1)))
    view.set_flow(_fan(60))
    view.set_colouring("speed", None, ("class", "time", "speed"))
    view.set_time(0.7)
    return view


def series(kit):
    """A state of one dimension, against time."""
    view = kit.show(FlowView, size=SIZE)
    view.set_extent(Extent(0.0, 1.0, -1.5, 1.5, "t", "z", equal=False, dims=1))
    t = np.linspace(0.0, 1.0, 41)
    starts = np.linspace(-1.0, 1.0, 20)
    values = np.tanh(3 * t[:, None] * starts) + starts * (1 - t[:, None])
    view.set_flow(_flow(t, np.stack([np.broadcast_to(t[:, None], values.shape), values], axis=2)))
    view.set_time(0.8)
    return view


def narrow(kit):
    """Where no layer has room for its name, a menu has them all."""
    view = kit.show(FlowView, size=(280, 300))
    view.set_extent(kit.density.extent)
    view.set_density(kit.density)
    view.set_flow(kit.flow())
    view.set_time(1.0)
    return view


SCENES = {
    "flow": density, "flow-decision": decision, "flow-boundary": boundary, "flow-streamlines": streamlines,
    "flow-tracers": tracers, "flow-pinned": pinned, "flow-space": space, "flow-components": components,
    "flow-series": series, "flow-narrow": narrow,
}  # fmt: skip


def _flow(t, paths):
    steps = StepTable(*(np.array(each) for each in ([0.0], [1.0], [0.5], [True])))
    labels = np.arange(paths.shape[1]) % 2
    return FlowResult(t, paths, labels, steps, SolverChoice(), 3, 26, 2e-5, 3.1)


def _fan(count):
    """Paths that leave the middle and turn."""
    t, turn = np.linspace(0.0, 1.0, 31), np.linspace(0.0, 2 * np.pi, count, endpoint=False)
    angle, far = turn + 1.5 * t[:, None], 0.4 + (1.2 + 0.3 * np.cos(3 * turn)) * t[:, None]
    return _flow(t, np.stack([far * np.cos(angle), far * np.sin(angle)], axis=2))


def _pendulum():
    axis = np.linspace(-2.0, 2.0, 25)
    x, y = np.meshgrid(axis, axis)
    velocity = np.stack([np.stack([y, -np.sin(2 * x) - 0.3 * y], axis=2)] * 2)
    field = FieldResult(np.array([0.0, 1.0]), axis, axis, velocity, 3)
    starts = np.stack(np.meshgrid(np.linspace(-1.8, 1.8, 7), np.linspace(-1.8, 1.8, 7)), axis=2).reshape(
        -1, 2
    )
    lines = [starts]
    for _ in range(24):
        x, y = lines[-1].T
        way = np.stack([y, -np.sin(2 * x) - 0.3 * y], axis=1)
        lines.append(lines[-1] + 0.03 * way / (0.2 + np.hypot(*way.T))[:, None])
    return StreamResult(field, np.stack([np.stack(lines, axis=1)] * 2))
