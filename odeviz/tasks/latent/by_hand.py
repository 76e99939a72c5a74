"""A latent state set by hand: where it lies among the encoded series, where it flows, and what it decodes to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from odeviz.tasks.chart import Chart, Charts, Curve, Role, frozen
from odeviz.tasks.latent import SPIRALS
from odeviz.tasks.latent.learning import principal
from odeviz.tasks.latent.series import Floats
from odeviz.tasks.numerals import indexed
from odeviz.tasks.scene import Scene

#: Times of a path; the quantiles of the held-out series that the decoded curve's frame shows, and room around them.
_TIMES, _SHOWN, _ROOM = 161, (0.005, 0.995), 0.25
_CLASSES: tuple[Role, ...] = ("class0", "class1", "class2", "class3", "class4")


@dataclass(frozen=True, slots=True)
class Encoded:
    """The held-out series' states ``[n, dim]``, their principal directions in columns, and the spread along each."""

    states: Floats
    middle: Floats
    directions: Floats
    spread: Floats

    @classmethod
    def of(cls, scene: Scene) -> Encoded:
        """Remembered, so that a slider costs one trajectory."""

        def found() -> Encoded:
            states = scene.model.state_of(scene.learning.held_out()).cpu().double().numpy()
            middle, directions = principal(states)
            return cls(states, middle, directions, ((states - middle) @ directions).std(axis=0))

        encoded: Encoded = scene.remember("encoded", found)
        return encoded


def by_hand(scene: Scene) -> Charts:
    """z0 from the sliders, in standard deviations along principal directions; its path, and the decoded curve."""
    learning, model, encoded = scene.learning, scene.model, Encoded.of(scene)
    z0, whence = _begun(scene, encoded)
    shifts = np.zeros(model.state_dim)
    shifts[: len(scene.values)] = [scene.values[f"z{k + 1}"] for k in range(len(scene.values))]
    z0 = z0 + encoded.directions @ (shifts * encoded.spread)
    t = np.linspace(0.0, model.t1, _TIMES)
    states = model.flow(learning.tensor(z0[None]), t.tolist(), scene.solver, cancel=scene.cancel).y
    scene.check()
    decoded = learning.in_data(model.decode(states)[:, 0].cpu().double().numpy())
    moved = ", ".join(f"{s:+.2g} σ along {indexed('z', k + 1)}" for k, s in enumerate(shifts) if s).replace(
        "-", "−"
    )
    note = f"{whence}{', ' + moved if moved else ''}. The dots ride with the playhead."
    return Charts(
        "A latent state by hand",
        (_latent_plane(scene, encoded, states, t), _decoded(scene, decoded, t)),
        columns=2,
        note=note,
    )


def _begun(scene: Scene, encoded: Encoded) -> tuple[Floats, str]:
    """The state that the sliders move, and how it is called."""
    start = scene.viewpoint.start
    if start is None:
        return encoded.middle, "From the mean of the encoded series"
    if len(start) == scene.model.state_dim:
        return np.array(start), "From the selected seed"
    plane = scene.learning.plane(scene.model)
    point = torch.tensor([start]).to(next(scene.model.parameters()))
    return plane.states(point)[0].cpu().double().numpy(), "From the selected seed"


def _latent_plane(scene: Scene, encoded: Encoded, states: torch.Tensor, t: Floats) -> Chart:
    plane, labels = scene.learning.plane(scene.model), scene.learning.series.scored.labels
    points = (encoded.states - encoded.middle) @ encoded.directions[:, :2]
    curves = [
        Curve(
            scene.learning.classes.told(label) if label >= 0 else "series",
            frozen(points[labels == label, 0]), frozen(points[labels == label, 1]),
            _CLASSES[label] if label >= 0 else "muted", "points", faint=True,
        )
        for label in np.unique(labels).tolist()
    ]  # fmt: skip
    path = plane.points(states, torch.as_tensor(t).to(states))[:, 0].cpu().double().numpy()
    curves.append(Curve("z(t)", frozen(path[:, 0]), frozen(path[:, 1]), "model", t=frozen(t)))
    curves.append(Curve("z₀", frozen(path[:1, 0]), frozen(path[:1, 1]), "truth", "points"))
    x, y = plane.labels
    frame = _holding(_plane_frame(scene, encoded), path)
    return Chart("Latent plane", x, y, tuple(curves), equal=True, frame=frame)


def _holding(frame: tuple[float, float, float, float], path: Floats) -> tuple[float, float, float, float]:
    """The frame, larger where a path leaves it: what a slider moves is never out of sight."""
    path = path[np.isfinite(path).all(axis=1)]
    x0, x1, y0, y1 = frame
    room_x, room_y = 0.03 * (x1 - x0), 0.03 * (y1 - y0)
    if not len(path):
        return frame
    (a, b), (c, d) = path.min(axis=0).tolist(), path.max(axis=0).tolist()
    return (
        x0 if a >= x0 else a - room_x, x1 if c <= x1 else c + room_x,
        y0 if b >= y0 else b - room_y, y1 if d <= y1 else d + room_y,
    )  # fmt: skip


def _plane_frame(scene: Scene, encoded: Encoded) -> tuple[float, float, float, float]:
    """What shows the encoded series and the whole path from their mean: it stays while a slider moves."""

    def found() -> tuple[float, float, float, float]:
        learning, model = scene.learning, scene.model
        t = np.linspace(0.0, model.t1, _TIMES)
        states = model.flow(
            learning.tensor(encoded.middle[None]), t.tolist(), scene.solver, cancel=scene.cancel
        ).y
        scene.check()
        path = (
            learning.plane(model).points(states, torch.as_tensor(t).to(states))[:, 0].cpu().double().numpy()
        )
        path = path[np.isfinite(path).all(axis=1)]
        x0, x1, y0, y1 = learning.extent(model)
        (a, b), (c, d) = path.min(axis=0), path.max(axis=0)
        room = 0.03 * max(c - a, d - b)
        return (
            min(x0, float(a - room)), max(x1, float(c + room)), min(y0, float(b - room)), max(y1, float(d + room)),
        )  # fmt: skip

    frame: tuple[float, float, float, float] = scene.remember("frame of the latent plane", found)
    return frame


def _decoded(scene: Scene, values: Floats, t: Floats) -> Chart:
    x0, x1, y0, y1 = _frame(scene)
    if values.shape[1] < 2:
        learning = scene.learning
        own = learning.own_time(t, 0.0)
        curve = Curve("decoded", frozen(own), frozen(values[:, 0]), "model")
        flowing, frame = learning.experiment.data.name == SPIRALS, (0.0, float(own[-1]), y0, y1)
        return Chart("Decoded", "t", "y", (curve,), over_time=flowing, frame=frame)
    curves = (
        Curve("decoded", frozen(values[:, 0]), frozen(values[:, 1]), "model", t=frozen(t)),
        Curve("t = 0", frozen(values[:1, 0]), frozen(values[:1, 1]), "truth", "points"),
    )
    return Chart("Decoded", "y₁", "y₂", curves, equal=True, frame=(x0, x1, y0, y1))


def _frame(scene: Scene) -> tuple[float, float, float, float]:
    """What holds nearly all that was observed, in the data's units: it stays while a slider moves."""

    def found() -> tuple[float, float, float, float]:
        windows = scene.learning.series.scored.observed[scene.learning.rows_observed]
        values = scene.learning.in_data(windows.y).reshape(-1, windows.y.shape[-1])
        low, high = np.nanquantile(values, _SHOWN, axis=0)
        room = _ROOM * np.maximum(high - low, 1e-9)
        (x0, y0), (x1, y1) = (np.broadcast_to((low - room)[:2], 2), np.broadcast_to((high + room)[:2], 2))
        return float(x0), float(x1), float(y0), float(y1)

    frame: tuple[float, float, float, float] = scene.remember("frame of series", found)
    return frame
