"""The experiment: everything that makes a run, frozen and validated. The one source of truth.

This module imports neither torch nor Qt: the window's form is made from it before the engine is loaded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from odeviz.tasks.registry import TASKS
from odeviz.tasks.settings import Entry, check, entries, find, hint, one_of, parse, replace, setting, values

#: Methods with and without step-size control, by the engine's names. Those not explicit Runge-Kutta come last.
ADAPTIVE = ("heun", "bosh3", "dopri5", "tsit5", "dop853", "adams", "esdirk4", "asynchronous-leapfrog")
FIXED = ("euler", "midpoint", "ralston", "rk4")
#: Methods with step-size control that can give every sample steps of its own.
PER_SAMPLE = ("heun", "bosh3", "dopri5", "tsit5", "dop853")
#: Methods that some ways to a gradient are limited to.
_LIMITED = {
    "backsolve": (*PER_SAMPLE, *FIXED),
    "interpolating": (*PER_SAMPLE, *FIXED),
    "reversible": ("asynchronous-leapfrog",),
}


@dataclass(frozen=True, slots=True)
class DataConfig:
    """Which points are learnt."""

    name: str = setting(
        "moons", "Data", "What is learnt from: a distribution of points, or the system that made them."
    )
    samples: int = setting(
        1024,
        "Points",
        "Number of training points.",
        symbol="N",
        lo=16,
        hi=100_000,
        log=True,
        ladder="doubles",
    )
    noise: float = setting(
        0.1,
        "Noise",
        "Standard deviation of the noise added to every point, in the data set's own units.",
        symbol="σ",
        equation="x ← x + σ ε",
        lo=0.0,
        hi=1.0,
    )


@dataclass(frozen=True, slots=True)
class FieldConfig:
    """The vector field f(z, t, θ): a multilayer perceptron."""

    width: int = setting(
        64, "Width", "Units in each hidden layer.", lo=1, hi=1024, log=True, ladder="doubles"
    )
    depth: int = setting(2, "Hidden layers", "Number of hidden layers.", lo=1, hi=8)
    activation: str = setting(
        "tanh",
        "Activation",
        "Nonlinearity after each hidden layer. Smooth ones keep the solver's order.",
        choices=("tanh", "sigmoid", "softplus", "silu", "elu", "relu"),
    )
    time: str = setting(
        "concat",
        "Time",
        "How t enters each layer: not at all (an autonomous field), as one more input (concat), "
        "or as a gate and a shift (concatsquash, as in FFJORD).",
        choices=("none", "concat", "concatsquash"),
    )
    extra_dims: int = setting(
        0,
        "Extra dimensions",
        "Zeros appended to the state (augmented neural ODE), so that trajectories can pass each other.",
        symbol="p",
        equation="z(0) = (x, 0, …, 0)",
        lo=0,
        hi=16,
    )


#: What the two tolerances allow.
_ALLOWED = "‖error of a step‖ ≤ atol + rtol · ‖z‖"


@dataclass(frozen=True, slots=True)
class SolverConfig:
    """How dz/dt = f(z, t, θ) is solved."""

    method: str = setting("dopri5", "Method", "How a step is made.", choices=ADAPTIVE + FIXED, hot=True)
    rtol: float = setting(
        1e-3, "Relative tolerance", "Error allowed per step, relative to the state.",
        symbol="rtol", equation=_ALLOWED, lo=1e-12, hi=1.0, log=True, ladder="decades", hot=True,
        when={"solver.method": ADAPTIVE},
    )  # fmt: skip
    atol: float = setting(
        1e-3, "Absolute tolerance", "Error allowed per step where the state is near zero.",
        symbol="atol", equation=_ALLOWED, lo=1e-12, hi=1.0, log=True, ladder="decades", hot=True,
        when={"solver.method": ADAPTIVE},
    )  # fmt: skip
    steps: int = setting(
        10, "Steps", "Number of equal steps from t0 to t1.",
        symbol="n", equation="h = (t₁ − t₀) / n", lo=1, hi=10_000, log=True, ladder="125", hot=True,
        when={"solver.method": FIXED},
    )  # fmt: skip
    adjoint: str = setting(
        "discrete",
        "Gradient",
        "discrete: exact for the steps taken. backsolve: the paper's adjoint ODE, constant memory. interpolating: "
        "that ODE along the forward trajectory. reversible: exact in constant memory, with asynchronous-leapfrog. "
        "backprop: automatic differentiation through every operation.",
        equation="da/dt = −aᵀ ∂f/∂z,   a(t₁) = ∂L/∂z(t₁)",
        choices=("discrete", "backsolve", "interpolating", "reversible", "backprop"),
        hot=True,
    )
    t1: float = setting(
        1.0,
        "End time",
        "The flow runs from t = 0 to this time.",
        symbol="t₁",
        equation="z(t₁) = z(0) + ∫₀ᵗ¹ f(z, t, θ) dt",
        lo=0.01,
        hi=100.0,
    )
    learn_t1: bool = setting(False, "Learn t₁", "Train the end time together with the weights.")


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How θ is learnt."""

    lr: float = setting(
        5e-3, "Learning rate", "Adam's step size.",
        symbol="η", equation="θ ← θ − η m̂ / (√v̂ + ε)", lo=1e-6, hi=1.0, log=True, ladder="decades", hot=True,
    )  # fmt: skip
    schedule: str = setting(
        "cosine", "Schedule", "Learning rate over the run: constant, or a cosine that ends at zero.",
        equation="ηₖ = η (1 + cos(π k / K)) / 2", choices=("constant", "cosine"), hot=True,
    )  # fmt: skip
    batch: int = setting(
        256, "Batch size", "Points in each iteration.",
        lo=1, hi=16_384, log=True, ladder="doubles", hot=True,
    )  # fmt: skip
    weight_decay: float = setting(
        0.0, "Weight decay", "Pull of the weights towards zero (AdamW).",
        symbol="λ", equation="θ ← θ − η λ θ", lo=0.0, hi=1.0, ladder="decades", start=1e-5, zero="none", hot=True,
    )  # fmt: skip
    iterations: int = setting(
        1000, "Iterations", "Length of the run.",
        unit="iterations", lo=1, hi=1_000_000, log=True, ladder="125", hot=True,
    )  # fmt: skip
    seconds: float = setting(
        0.0, "Time limit",
        "Stop after so much training (90 s, 2 min, 1:30), pauses excluded. A cosine schedule ends with it.",
        unit="s", lo=0.0, hi=1e7, ladder="125", start=10.0, zero="none", hot=True,
    )  # fmt: skip
    patience: int = setting(
        0, "Patience",
        "Stop when the loss, averaged over 20 iterations, has found no new lowest value for so many iterations.",
        unit="iterations", lo=0, hi=1_000_000, ladder="125", start=100, zero="none", hot=True,
    )  # fmt: skip
    stop_at_loss: bool = setting(
        False, "Stop at a loss", "Stop when the loss, averaged over 20 iterations, is low enough.", hot=True
    )
    target_loss: float = setting(
        0.1, "Target loss", "The averaged loss at which the run stops.", lo=-1e6, hi=1e6, hot=True,
        when={"training.stop_at_loss": (True,)},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Experiment:
    """Everything that makes a run.

    Invalid values raise ``ValueError`` naming the setting and what is allowed.
    """

    task: str = setting("classification", "Task", "What is learnt.", choices=tuple(TASKS))
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    #: The task's own settings, of the class its :class:`odeviz.tasks.task.Task` names; None takes their defaults.
    options: Any = None
    field: FieldConfig = dataclasses.field(default_factory=FieldConfig)
    solver: SolverConfig = dataclasses.field(default_factory=SolverConfig)
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)
    seed: int = setting(0, "Seed", "Fixes the data, the first weights and the batches.", lo=0, hi=2**31 - 1)
    device: str = setting(
        "auto", "Device", "Where training runs. auto takes the CPU: for fields this small it is the fastest.",
        choices=("auto", "cpu", "cuda", "mps"),
    )  # fmt: skip
    dtype: str = setting(
        "float32", "Precision", "Floating-point type of states and weights.", choices=("float32", "float64")
    )

    def __post_init__(self) -> None:
        check(self)
        about = TASKS[self.task]
        if self.options is None:
            object.__setattr__(self, "options", about.options())
        elif type(self.options) is not about.options:
            wanted, got = about.options.__name__, type(self.options).__name__
            raise TypeError(f"options of task {self.task} must be {wanted}, not {got}")
        if self.data.name not in about.data:
            raise ValueError(
                f"data.name must be one of {', '.join(about.data)} for task {self.task}, "
                f"not {self.data.name!r}{hint(self.data.name, about.data)}"
            )
        able = _LIMITED.get(self.solver.adjoint, (self.solver.method,))
        if self.solver.method not in able:
            raise ValueError(
                f"solver.adjoint {self.solver.adjoint} needs solver.method {' or '.join(able)}, "
                f"not {self.solver.method}"
            )
        if self.device == "mps" and self.dtype == "float64":
            raise ValueError("dtype must be float32 on device mps, which has no float64")
        about.check(self)

    @classmethod
    def of(cls, task: str, values: Mapping[str, Any] = MappingProxyType({})) -> Experiment:
        """The task's default experiment, with settings replaced by dotted path."""
        about = TASKS[one_of("task", task, TASKS)]
        # Both at once: a task's defaults may fit together only with some of the values.
        bare = cls(task=task, data=DataConfig(name=about.data[0]))
        new: Experiment = replace(bare, {**about.defaults, **values})
        return new

    def with_setting(self, path: str, value: Any) -> Experiment:
        """A copy with one setting replaced, e.g. ``with_setting("solver.rtol", 1e-4)``."""
        return self.with_settings({path: value})

    def with_texts(self, assignments: Mapping[str, str]) -> Experiment:
        """A copy with settings replaced by typed texts, checked together, e.g. ``{"data.noise": "0.2"}``.

        Task and data set change together when both are given, so the order does not matter.
        """
        base = self
        if (task := assignments.get("task", self.task).strip()) != self.task and task in TASKS:
            base = Experiment.of(task)
        return self.with_settings({path: parse(find(base, path), text) for path, text in assignments.items()})

    def with_settings(self, values: Mapping[str, Any]) -> Experiment:
        """A copy with several settings replaced and checked at once, by dotted path.

        With another task, settings of its own begin at their defaults, and the common ones are kept.
        """
        task = values.get("task", self.task)
        if task == self.task or task not in TASKS:
            new: Experiment = replace(self, values)
            return new
        kept = {path: value for path, value in self.values().items() if not path.startswith("options.")}
        return Experiment.of(task, {**kept, **values})

    def entries(self) -> list[Entry]:
        """All settings, in the order of the form."""
        return [_among(entry, TASKS[self.task].data) for entry in entries(self)]

    def values(self) -> dict[str, Any]:
        """All settings' values by dotted path, in the order of the form."""
        return values(self)

    def applies(self, entry: Entry) -> bool:
        """Whether a setting has a meaning for this task and under the other settings' values."""
        task = TASKS[self.task]
        if entry.path in task.unused or entry.path in task.unused_by(self):
            return False
        if not entry.about.when:
            return True
        mine = self.values()
        return all(mine[path] in allowed for path, allowed in entry.about.when.items())

    def changed(self, other: Experiment) -> list[str]:
        """Dotted paths of the settings in which two experiments differ."""
        if other is self:
            return []
        mine, others = self.values(), other.values()
        missing = object()
        return [path for path in mine | others if mine.get(path, missing) != others.get(path, missing)]

    def cold_changes(self, other: Experiment) -> list[str]:
        """Dotted paths of the settings in which ``other`` differs that a running session cannot take over."""
        hot = {e.path for e in entries(self) if e.about.hot}
        return [path for path in self.changed(other) if path not in hot]

    def is_hot_change(self, other: Experiment) -> bool:
        """Whether a running session can take over ``other``'s settings without a restart."""
        return not self.cold_changes(other)


def _among(entry: Entry, data: tuple[str, ...]) -> Entry:
    """The setting ``data.name`` with the sets that its task is offered with; any other as it is."""
    if entry.path != "data.name":
        return entry
    return dataclasses.replace(entry, about=dataclasses.replace(entry.about, choices=data))
