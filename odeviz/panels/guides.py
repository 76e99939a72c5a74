"""What one sees in each panel: a short text, its equation and symbols, and what to look for. No Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Guide:
    """The answer to "what am I seeing?" for one panel."""

    title: str
    what: str
    #: In Unicode; "" where there is none.
    equation: str = ""
    #: Each symbol of the equation and what it stands for.
    symbols: tuple[tuple[str, str], ...] = ()
    look_for: str = ""


_Z, _T = ("z", "the state: a point of the plane"), ("t", "time, the depth of the network")
_F, _THETA = ("f", "the vector field: a small network"), ("θ", "its weights")

#: By the keys of the panels; a panel that shows one of several things has one for each.
GUIDES: Mapping[str, Guide] = MappingProxyType(
    {
        "experiment": Guide(
            "Experiment",
            "Everything that makes a run. The same settings and seed give the same run again. A flash marks a setting "
            "that applies at once, an arrow one that needs a restart; a dot shows that it differs from the preset.",
            "θ* = argmin L(θ),   θ ← θ − η ∇L(θ)",
            (("L", "the loss"), _THETA, ("η", "the learning rate")),
            "Change one setting, train again, and compare: Keep Run for Comparison leaves the old curves, dashed.",
        ),
        "flow": Guide(
            "Flow",
            "The plane, carried by the learnt vector field from t = 0 to the playhead. Switch layers by the buttons "
            "above the picture; click to start a trajectory of your own, drag it to see what becomes of it. Drag the "
            "picture to move it, turn the wheel to zoom, double-click to fit it; a drag with Shift selects in a box.",
            "dz/dt = f(z, t, θ),   z(t₁) = z(0) + ∫₀ᵗ¹ f(z, t, θ) dt",
            (_Z, _T, _F, _THETA),
            "Two trajectories are never in the same place at the same time: a flow bends and stretches the plane, but "
            "cannot tear it or lay one part on another.",
        ),
        "time": Guide(
            "Time",
            "The playhead that all views share. Each tick ends a step that the solver accepted; a red cross is one it "
            "tried, found too inaccurate and made again, shorter.",
            "0 = t₀ < t₀ + h₁ < t₀ + h₁ + h₂ < … < t₁",
            (("t₁", "where the flow ends"), ("hₙ", "the size of a step")),
            "Ticks crowd where the field is hard to follow. Tighten the tolerance and watch more of them appear there.",
        ),
        "solver": Guide(
            "Solver",
            "How precisely the flow is solved, and what that costs. The slider changes only how the model is looked "
            "at; how it is trained is set in the form. NFE counts the evaluations of f. Trajectories share "
            "their steps, unless the fork gives each its own; NFE is then the costliest one's. Maps share theirs.",
            "‖error of a step‖ ≤ atol + rtol · ‖z‖",
            (("rtol, atol", "the tolerance"), ("z", "the state"), ("p", "the order of the method")),
            "A ten times smaller tolerance costs about 10^(1/p) times as many steps: 1.6 times with order 5.",
        ),
        "density": Guide(
            "Density",
            "The probability density at the playhead's time: the base distribution at t = 0, what the model has made "
            "of it at t₁. The mass under it stays 1 all the way.",
            "d log p(z(t)) / dt = −tr(∂f/∂z)",
            (("p", "the density"), ("z", "a point that moves with the flow"), ("tr", "the trace: how f spreads")),
            "Where the flow draws together the density grows, where it spreads it thins. Look for thin bridges between "
            "parts that should be apart: a flow cannot cut them.",
        ),
        "decision": Guide(
            "Decision",
            "For every state at the playhead's time, the class that the model will tell once the flow has carried the "
            "state on to t₁. The points are where the flow has taken the data by then.",
            "p(class | z) = softmax(W z(t₁) + b)",
            (("W, b", "the readout: a straight border at t₁"), ("z(t₁)", "where the flow takes a state")),
            "At t₁ the border is straight, at t = 0 it winds between the classes: the flow has done the bending.",
        ),
        "view": Guide(
            "Views",
            "Charts, maps and tables of this model: what its task wants to see, and below the line what any flow can "
            "be asked. Choose one at the top.",
        ),
        "steps": Guide(
            "Steps",
            "Above, the size of each step along the flow; below, its estimated error relative to the tolerance. A step "
            "over the dashed line is rejected and made again.",
            "hₙ₊₁ = 0.9 · hₙ · eₙ^(−1/k)",
            (("h", "the step size"), ("e", "the scaled error: 1 is the tolerance"), ("k", "one more than the order "
             "of the error estimate; errors of earlier steps add a little")),
            "Steps shrink where the field bends fast; a fixed-step method has one size and no error to show. Select a "
            "trajectory in the flow: the steps that it would take alone appear here, mostly longer than those of all.",
        ),
        "loss": Guide(
            "Loss",
            "What training makes smaller: faint for the batch of every iteration, strong the mean of the last ones. "
            "Beside it the task's figure on held-out data and, where it is known, the bound that no honest model gets "
            "below.",
            "L(θ) = (1/N) Σᵢ ℓ(z(t₁; xᵢ, θ), yᵢ)",
            (("L", "the loss of a batch"), ("N", "the batch size"), ("xᵢ, yᵢ", "a data point and its target"), _THETA),
            "A loss far below the bound would be a solver's error, not a better model. Drag in the plot to replay the "
            "model as it was then.",
        ),
        "nfe": Guide(
            "NFE",
            "How often the vector field is evaluated in each iteration of training: on the way forward, and backward "
            "for the gradient.",
            "NFE = Σ over steps of the evaluations each step takes",
            (("NFE", "number of function evaluations: the depth that the solver chooses"),),
            "With an adaptive method it grows as the flow learns to bend. Kinetic energy or Jacobian norm in the form "
            "keep it low.",
        ),
        "precision": Guide(
            "Tolerance",
            "What accuracy costs on this model, measured by solving it again and again; the marker is the solver bar's "
            "present setting.",
            "error ≈ C · (step size)^p",
            (("p", "the order of the method"), ("C", "a constant of field and method")),
            "The lowest curve at an error is the cheapest way to it. At loose tolerances low orders win, at tight ones "
            "high orders do.",
        ),
        "series": Guide(
            "Over time",
            "The coordinates of your seeds' trajectories, and of selected ones, against time.",
            "hᵢ(t),   0 ≤ t ≤ t₁",
            (("hᵢ", "a coordinate of the state"), _T),
            "A steep stretch is where the solver takes small steps. Point at a curve and it lights up in the flow.",
        ),
        "log": Guide(
            "Log",
            "Everything the window has told since it was opened. Select a message to read its details; copy them into "
            "a report.",
        ),
    }
)  # fmt: skip
