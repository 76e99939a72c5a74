"""What the views are drawn from: the model in float64, states to begin at, and where these truly end."""

from __future__ import annotations

import copy
import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.analysis import grid
from odeviz.analysis.filming import TRAJECTORIES as CROWD
from odeviz.analysis.results import Extent
from odeviz.analysis.states import as_starts
from odeviz.engine import METHODS, ButcherTableau, Solution, Status, solve
from odeviz.models import FlowModel, SolverOptions
from odeviz.tasks.chart import frozen
from odeviz.tasks.numerals import figure
from odeviz.tasks.plane import Plane, TimePlane
from odeviz.tasks.registry import task_of
from odeviz.tasks.scene import Cancelled, Scene

#: Trajectories that a view looks at unless it needs other numbers, and the seed of their starts.
TRAJECTORIES, SEED = 64, 0
#: The yardstick: a method of order 8 at a tolerance near what float64 resolves; looser ones where a field has kinks or
#: is stiff, so that it takes too many steps.
EXACT = tuple(SolverOptions("dop853", tol, tol, max_steps=800) for tol in (1e-13, 1e-10, 1e-7))
#: A solve whose error does not show in a picture, and one that tells whether there is anything to show.
FINE = SolverOptions(method="dopri5", rtol=1e-7, atol=1e-7, max_steps=1000)
_TRIAL = SolverOptions(method="dopri5", rtol=1e-4, atol=1e-4, max_steps=1000)


class Subject:
    """A trained flow under examination. Solves look at the scene's cancel token and raise :class:`Cancelled`."""

    def __init__(self, scene: Scene) -> None:
        #: As it is, and a copy in float64 on the CPU.
        self.model: FlowModel = scene.model
        self.exact = copy.deepcopy(scene.model).cpu().double()
        self.plane = _in_float64(scene.learning.plane(self.model))
        x0, x1, y0, y1 = scene.learning.extent(self.model)
        self.extent = Extent(x0, x1, y0, y1, *self.plane.labels, self.plane.equal, self.model.state_dim)
        self._learning = scene.learning
        self._starts: dict[int, Tensor] = {}

    @property
    def t1(self) -> float:
        """The end time."""
        return self.model.t1

    @property
    def dim(self) -> int:
        """Dimensions of the state."""
        return self.model.state_dim

    def starts(self, n: int = TRAJECTORIES) -> Tensor:
        """States ``[n, dim]`` in float64 at t = 0, always the same ones."""
        if n not in self._starts:
            seeds, _ = self._learning.starts(self.model, n, SEED)
            self._starts[n] = as_starts(self.exact, self.plane, seeds)
        return self._starts[n]

    def crowd(self, count: int) -> Tensor:
        """The same of the first ``count`` of the flow view's trajectories, at most."""
        every = min(CROWD, task_of(self._learning.experiment).crowd)
        return self.starts(every)[:count]

    def own(self, states: Tensor) -> Tensor:
        """States in the model's own precision, on its device."""
        return states.to(next(self.model.parameters()))

    def ends(self, scene: Scene) -> Tensor:
        """Where the starts end, ``[TRAJECTORIES, dim]``, to about twelve digits; NaN where that cannot be solved."""
        ends: Tensor = scene.remember("ends", lambda: self._exact_ends(scene))
        return ends

    def _exact_ends(self, scene: Scene) -> Tensor:
        for options in EXACT:
            solution = self.solve(scene, self.exact, self.starts(), (0.0, self.t1), options)
            if solution.ok:
                break
        return solution.y1

    def solve(
        self,
        scene: Scene,
        model: FlowModel,
        states: Tensor,
        t: tuple[float, ...] | list[float],
        options: SolverOptions,
        steps: int | None = None,
    ) -> Solution:
        """Carry states of a model through the times; with ``steps``, by that many equal steps whatever the method."""
        scene.check()
        adaptive = METHODS[options.method].adaptive
        solution = solve(
            model.field,
            states,
            t,
            method=options.method,
            rtol=options.rtol,
            atol=options.atol,
            steps=steps if adaptive else steps or options.steps,
            max_steps=options.max_steps,
            cancel=scene.cancel,
        )
        if solution.status is Status.CANCELLED:
            raise Cancelled
        return solution


def _in_float64(plane: Plane | TimePlane) -> Plane | TimePlane:
    """The same plane for states in float64 on the CPU."""
    named = {field.name: getattr(plane, field.name) for field in dataclasses.fields(plane)}
    tensors: dict[str, Any] = {
        name: value.cpu().double() for name, value in named.items() if isinstance(value, Tensor)
    }
    return dataclasses.replace(plane, **tensors)


def subject_of(scene: Scene) -> Subject:
    """The scene's model, prepared once."""
    subject: Subject = scene.remember("subject", lambda: Subject(scene))
    return subject


def hindrance(scene: Scene) -> str:
    """Why there is nothing to see of the scene's flow, in a sentence; "" if it arrives at its end."""
    if not math.isfinite(scene.model.t1):
        return "The flow has no end time: the model's weights are no longer finite."
    message: str = scene.remember("hindrance", lambda: _trial(scene))
    return message


def _trial(scene: Scene) -> str:
    subject = subject_of(scene)
    solution = subject.solve(scene, subject.exact, subject.starts(), (0.0, subject.t1), _TRIAL)
    return "" if solution.ok else f"The flow does not arrive at t₁. {solution.message}"


@dataclass(frozen=True, slots=True)
class Ground:
    """States on a grid over the plane at one time; over an axis of time, on a line of the one state."""

    extent: Extent
    n: int
    #: ``[n * n, dim]`` in float64, the lowest row first; ``[n, 1]`` on a line.
    states: Tensor
    line: bool

    @classmethod
    def of(cls, subject: Subject, n: int) -> Ground:
        extent = subject.extent
        if subject.plane.over_time:
            h = torch.as_tensor(_centres(extent.y0, extent.y1, 4 * n))[:, None]
            return cls(extent, 4 * n, h, line=True)
        cells = torch.as_tensor(grid.cell_centres(extent, n, n))
        return cls(extent, n, subject.plane.states(cells), line=False)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The rectangle as maps have it."""
        e = self.extent
        return (e.x0, e.x1, e.y0, e.y1)

    @property
    def axis(self) -> NDArray[np.float64]:
        """Values of the state on a line."""
        return self.states[:, 0].numpy()

    def shaped(self, values: Tensor) -> NDArray[np.float64]:
        """Values ``[n * n]`` as rows ``[n, n]``, or ``[n]`` on a line."""
        flat = array(values)
        return flat if self.line else flat.reshape(self.n, self.n)


def adaptive_choice(options: SolverOptions) -> SolverOptions:
    """The options if their method is an explicit Runge-Kutta method that controls its steps, else dopri5 with them."""
    method = METHODS[options.method]
    if method.adaptive and isinstance(method, ButcherTableau):
        return options
    return SolverOptions("dopri5", options.rtol, options.atol, options.steps, max_steps=options.max_steps)


def setting_text(options: SolverOptions) -> str:
    """The solver's setting in a few words."""
    if METHODS[options.method].adaptive:
        return f"{options.method} at rtol {options.rtol:.0e}".replace("e-0", "e-")
    return f"{options.method} with {options.steps} steps"


def array(values: Tensor) -> NDArray[Any]:
    """A tensor's values as a read-only array of their own."""
    return frozen(values.detach().cpu().double().numpy())


def typical(distance: Tensor) -> float:
    """Geometric mean of distances; those below float64's resolution count as that."""
    return float(distance.clamp_min(1e-17).log().mean().exp())


def slope(x: Any, y: Any) -> float:
    """Slope of log y against log x by least squares; NaN from fewer than two points."""
    x, y = np.log(np.asarray(x, dtype=np.float64)), np.log(np.asarray(y, dtype=np.float64))
    known = np.isfinite(x) & np.isfinite(y)
    if known.sum() < 2 or np.ptp(x[known]) == 0:
        return math.nan
    return float(np.polyfit(x[known], y[known], 1)[0])


def number(value: float) -> str:
    """A figure in a sentence: three digits."""
    return figure(value)


def _centres(low: float, high: float, n: int) -> NDArray[np.float64]:
    centres: NDArray[np.float64] = low + (high - low) * (np.arange(n) + 0.5) / n
    return centres
