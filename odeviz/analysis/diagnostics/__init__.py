"""Views that every model has whose flow solves an ODE: declared here without torch, made by one module a family.

To add one: a :class:`odeviz.tasks.task.View` below, and its function in the ``VIEWS`` of its family's module.
"""

from __future__ import annotations

import functools
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from odeviz.tasks.chart import Chart
from odeviz.tasks.registry import task_of
from odeviz.tasks.settings import find
from odeviz.tasks.task import View

if TYPE_CHECKING:
    from odeviz.tasks.chart import Picture
    from odeviz.tasks.experiment import Experiment
    from odeviz.tasks.scene import Scene

#: The views of each family, by the name of its module.
_FAMILIES: MappingProxyType[str, tuple[View, ...]] = MappingProxyType(
    {
        "accuracy": (
            View(
                "work-precision",
                "Error against NFE",
                "What accuracy costs with each method: the lowest curve at an error is the cheapest way to it. "
                "A method of order p falls with slope −p.",
                heavy=True,
                live=True,
            ),
            View(
                "tolerance",
                "Error against tolerance",
                "The error at the end of the flow for each tolerance. A straight line of slope 1 means that the "
                "tolerance is in control; the marker is the solver's present setting.",
                heavy=True,
                live=True,
            ),
            View(
                "order",
                "Order of every method",
                "The error for equal steps of each size: on this model too, a method's slope is its order once the "
                "steps are small enough.",
                heavy=True,
            ),
        ),
        "cost": (
            View(
                "cost",
                "Time and backward NFE",
                "Time grows in proportion to the evaluations of the field; and what the backward pass costs in each "
                "gradient mode, measured.",
                heavy=True,
            ),
        ),
        "gradients": (
            View(
                "gradients",
                "Gradients compared",
                "Each way to the gradient against a tight float64 solve, what it keeps for the backward pass and what "
                "it costs. Look for errors of the tolerance's size, and for bytes that do not grow with the NFE.",
                heavy=True,
            ),
            View(
                "adjoint",
                "Adjoint along the flow",
                "How strongly a push at time t would change the loss |z(t₁)|²/2: the adjoint a(t), solved backwards "
                "from t₁. Where it grows towards t = 0, early errors are magnified.",
                heavy=True,
            ),
        ),
        "layers": (
            View(
                "residual",
                "Residual net over the flow",
                "A residual net of N equal blocks makes N steps of Euler's method: its polylines approach the "
                "continuous flow as 1/N.",
            ),
        ),
        "roundtrip": (
            View(
                "reverse",
                "There and back",
                "How far a state is from where it was after the solver has carried it to t₁ and back. What the flow "
                "contracts, the way back stretches: errors grow by that factor.",
                heavy=True,
            ),
        ),
        "spectrum": (
            View(
                "stiffness",
                "Jacobian along the flow",
                "Eigenvalues and norm of the field's Jacobian along trajectories: the norm bounds how fast neighbours "
                "part, and a spectral radius much above it times the step would be stiff.",
            ),
        ),
        "equilibria": (
            View(
                "nullclines",
                "Nullclines",
                "Where each component of the field vanishes, its time held fast; the fixed points lie where both do.",
            ),
            View(
                "fixed-points",
                "Fixed points",
                "States at rest, with the eigenvalues that tell whether neighbours approach, leave or circle. A field "
                "that depends on time is held fast at its start, middle and end.",
            ),
        ),
        "transport": (
            View(
                "straightness",
                "Straightness",
                "Length of each path over its chord: 1 for a straight one, which needs few steps.",
            ),
        ),
        "differential": (
            View(
                "divergence-curl",
                "Divergence and curl",
                "Where the flow expands or contracts, which is how it changes a density, and where it turns.",
            ),
        ),
        "sensitivity": (
            View(
                "nfe-map",
                "NFE over the plane",
                "Evaluations that a state needs when it is solved alone: bright places are what makes the whole batch "
                "take small steps.",
            ),
            View(
                "ftle",
                "Lyapunov exponents",
                "The rate at which neighbours part at most until t₁, and on the way back to t = 0: ridges are the "
                "borders between states with different fates.",
                heavy=True,
            ),
        ),
    }
)

#: Those of what accuracy costs, which the window shows in a panel of their own.
PRECISION = tuple(view.key for view in _FAMILIES["accuracy"])
#: All of them, in the order they are offered.
VIEWS: tuple[View, ...] = tuple(view for views in _FAMILIES.values() for view in views)
_MAKER = {view.key: family for family, views in _FAMILIES.items() for view in views}


@functools.lru_cache(maxsize=64)
def common_views(experiment: Experiment) -> tuple[View, ...]:
    """The views that any flow has, for an experiment whose model solves an ODE; none for others.

    A model solves an ODE where the solver's method has a meaning, which settles it for baselines without a flow.
    Of two views by one key, the task's own counts.
    """
    task = task_of(experiment)
    if task.jumps or not experiment.applies(find(experiment, "solver.method")):
        return ()
    own = {view.key for view in task.views_of(experiment)}
    return tuple(view for view in VIEWS if view.key not in own)


def views_of(experiment: Experiment) -> tuple[View, ...]:
    """The task's own views, then those that any flow has."""
    return task_of(experiment).views_of(experiment) + common_views(experiment)


def draw(key: str, scene: Scene) -> Picture:
    """One of :data:`VIEWS`; of a flow that does not arrive, a chart that says so. Imports torch."""
    from odeviz.analysis.diagnostics.subject import hindrance

    message = hindrance(scene)
    if message:
        title = next(view.title for view in VIEWS if view.key == key)
        return Chart(title, "", "", (), note=message)
    family = import_module(f"{__name__}.{_MAKER[key]}")
    picture: Picture = family.VIEWS[key](scene)
    return picture
