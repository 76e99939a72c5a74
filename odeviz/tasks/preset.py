"""A preset: an experiment that works, with its card in the gallery and the figures it is held to. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from odeviz.tasks.experiment import Experiment
from odeviz.tasks.registry import task_of


@dataclass(frozen=True, slots=True)
class Gate:
    """What a figure of a trained preset must reach; the median over seeds where several are run."""

    #: A key of the task's metrics.
    figure: str
    at_least: float | None = None
    at_most: float | None = None
    #: Every seed must reach it, not only their median.
    every: bool = False

    def holds(self, value: float) -> bool:
        """Whether a value is within the gate; NaN is not."""
        above = self.at_least is None or value >= self.at_least
        below = self.at_most is None or value <= self.at_most
        return value == value and above and below

    def text(self, label: str) -> str:
        """The gate in a formula, such as ``accuracy ≥ 0.98``, with the figure called ``label``."""
        if self.at_most is None:
            return f"{label} ≥ {self.at_least:g}"
        low = f"{self.at_least:g} ≤ " if self.at_least is not None else ""
        return f"{low}{label} ≤ {self.at_most:g}"


@dataclass(frozen=True, slots=True)
class Preset:
    """An experiment with its card in the gallery."""

    name: str
    title: str
    #: What it is, in one sentence.
    sentence: str
    #: What a viewer should watch, in one sentence.
    look_for: str
    experiment: Experiment
    #: About how long training takes on one core of a laptop.
    seconds: float
    #: What a trained model must reach within ``limit`` seconds of training.
    gates: tuple[Gate, ...] = ()
    limit: float = 60.0
    #: Those the benchmark trains it with.
    seeds: tuple[int, ...] = (0, 1, 2)

    @property
    def expected(self) -> str:
        """The figures to expect, such as ``accuracy ≥ 0.98``."""
        labels = {figure.name: figure.label for figure in task_of(self.experiment).figures}
        return ", ".join(gate.text(labels.get(gate.figure, gate.figure)) for gate in self.gates)

    def reached(self, metrics: Mapping[str, float]) -> str:
        """What a trained model reached, each figure with its gate, such as ``accuracy 0.991 (gate ≥ 0.98)``."""
        labels = {figure.name: figure.label for figure in task_of(self.experiment).figures}
        told = []
        for gate in self.gates:
            label, value = labels.get(gate.figure, gate.figure), metrics.get(gate.figure, math.nan)
            limits = gate.text("").replace("  ", " … ").strip() if math.isfinite(value) else ""
            told.append(f"{label} {value:.3g} (gate {limits})" if limits else gate.text(label))
        return ", ".join(told)


def registry(*presets: Preset) -> dict[str, Preset]:
    """Presets by name."""
    return {preset.name: preset for preset in presets}
