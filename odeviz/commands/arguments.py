"""What several commands read from the command line, and the error that tells a user what is wrong with it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from odeviz.tasks.closest import did_you_mean

if TYPE_CHECKING:
    from odeviz.analysis.results import SolverChoice
    from odeviz.tasks.experiment import Experiment
    from odeviz.tasks.presets import Preset


class UserError(Exception):
    """What was asked cannot be done; ``str()`` is one sentence that says why and what can."""


class Parser(argparse.ArgumentParser):
    """Raises :class:`UserError` where argparse would print its usage and leave."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} (see {self.prog} --help)")


def whole(least: int) -> Callable[[str], int]:
    """An option's type: a whole number of at least ``least``."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"must be a whole number of at least {least}, not {text!r}")
        return number

    return parse


def real(least: float, most: float) -> Callable[[str], float]:
    """An option's type: a number from ``least`` to ``most``."""

    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"must be a number from {least:g} to {most:g}, not {text!r}")
        return number

    return parse


def size(text: str) -> tuple[int, int]:
    """An option's type: a width and a height in pixels, ``1440x900``."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() and 200 <= int(part) <= 8000 for part in parts):
        raise argparse.ArgumentTypeError(
            f"must be a width and a height from 200 to 8000 such as 1440x900, not {text!r}"
        )
    return int(parts[0]), int(parts[1])


def figure_width(text: str) -> float:
    """An option's type: a figure's width in inches, from ``85mm``, ``3.4in`` or the name of a column's width."""
    from odeviz.exporting.style import COLUMNS, INCH, Look

    name = text.strip().lower()
    unit = 1.0 if name.endswith("in") else 1.0 / INCH
    try:
        width = (
            unit * COLUMNS[name]
            if name in COLUMNS
            else unit * float(name.removesuffix("in").removesuffix("mm"))
        )
    except ValueError:
        names = ", ".join(COLUMNS)
        raise argparse.ArgumentTypeError(
            f"must be a width such as 85mm, 3.4in, {names}, not {text!r}"
        ) from None
    try:
        Look(width=width)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return width


def find_preset(name: str) -> Preset:
    """The preset of that name, or :class:`UserError` with the names there are."""
    from odeviz.tasks.presets import preset

    try:
        return preset(name)
    except ValueError as error:
        raise UserError(str(error)) from None


def find_experiment(text: str) -> tuple[str, Experiment]:
    """The experiment of a preset or of a line ``odeviz:...``, after the name of the preset that it is or is near."""
    from odeviz.tasks.experiment_string import is_experiment_string, nearest_preset, read_experiment_string

    if not is_experiment_string(text):
        chosen = find_preset(text)
        return chosen.name, chosen.experiment
    try:
        experiment = read_experiment_string(text)
    except ValueError as error:
        raise UserError(str(error)) from None
    near = nearest_preset(experiment)
    return near.name if near is not None else "", experiment


def with_texts(experiment: Experiment, texts: Mapping[str, str]) -> Experiment:
    """The experiment with settings replaced, or :class:`UserError` naming the one that cannot be."""
    try:
        return experiment.with_texts(texts)
    except ValueError as error:
        raise UserError(str(error)) from None


def model_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the FILE that :func:`find_model` looks for."""
    parser.add_argument("file", metavar="FILE", help="a model file, or a preset's name for its shipped model")


def find_model(name: str) -> Path:
    """The file of that name, or the shipped model of the preset of that name."""
    from odeviz.storage.paths import pretrained
    from odeviz.tasks.presets import PRESETS

    if Path(name).is_file():
        return Path(name)
    shipped = pretrained(name)
    if shipped is not None:
        return shipped
    if name in PRESETS:
        raise UserError(f"no trained model of {name} is shipped: odeviz train {name} --out {name}.odeviz")
    sentence = no_such_file(name, PRESETS)
    if sentence.endswith("?") or Path(name).suffix or Path(name).exists():
        raise UserError(sentence)
    raise UserError(f"{sentence}, and no preset of that name (odeviz list names them)")


def no_such_file(name: str, alternatives: Iterable[str]) -> str:
    """A sentence about a word that is no file, with those of ``alternatives`` that were perhaps meant."""
    if Path(name).exists():
        return f"{name} is not a file"
    hint = did_you_mean(name, alternatives)
    return f"there is no file {name!r}" + f"; {hint}" * bool(hint)


def solver_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options that :func:`solver_choice` reads."""
    parser.add_argument("--method", metavar="M", help="Runge-Kutta method (default: the model's own)")
    parser.add_argument("--rtol", metavar="TOL", help="relative tolerance of an adaptive method")
    parser.add_argument("--atol", metavar="TOL", help="absolute tolerance (default: the relative one)")
    parser.add_argument("--steps", metavar="N", help="equal steps of a fixed-step method")
    parser.add_argument(
        "--per-sample", action="store_true", default=None, help="each trajectory takes steps of its own"
    )


def solves(experiment: Experiment) -> bool:
    """Whether the model is a flow that a solver carries, not layers one after the other."""
    return any(e.path == "solver.method" and experiment.applies(e) for e in experiment.entries())


def check_solver(experiment: Experiment, given: argparse.Namespace) -> None:
    """:class:`UserError` if the options choose a solver for a model that has none."""
    options = ("method", "rtol", "atol", "steps", "per_sample")
    named = [name.replace("_", "-") for name in options if getattr(given, name) is not None]
    if named and not solves(experiment):
        raise UserError(
            f"--{named[0]} means nothing to this model: it is made of layers, and nothing is solved"
        )


def solver_choice(experiment: Experiment, given: argparse.Namespace) -> SolverChoice:
    """The model's own solver with what the options change; a tolerance alone asks for an adaptive method."""
    from odeviz.analysis.results import SolverChoice
    from odeviz.tasks.experiment import ADAPTIVE, FIXED, PER_SAMPLE
    from odeviz.tasks.registry import task_of

    tolerances = given.rtol is not None or given.atol is not None
    method = given.method or experiment.solver.method
    if given.method is None and tolerances and method in FIXED:
        method = "dopri5"
    check_solver(experiment, given)
    texts = {
        "solver.method": method,
        "solver.rtol": given.rtol,
        "solver.atol": given.rtol if given.atol is None else given.atol,
        "solver.steps": given.steps,
    }
    solver = with_texts(experiment, {path: text for path, text in texts.items() if text is not None}).solver
    if method in FIXED and tolerances:
        raise UserError(f"--rtol and --atol mean nothing to {method}, which takes --steps")
    if method in ADAPTIVE and given.steps is not None:
        raise UserError(f"--steps means nothing to {method}, but to --method {', '.join(FIXED)}")
    if given.per_sample and method not in PER_SAMPLE:
        raise UserError(f"--per-sample means nothing to {method}, but to --method {', '.join(PER_SAMPLE)}")
    if given.per_sample and task_of(experiment).jumps:
        raise UserError(
            "--per-sample means nothing to this model, whose trajectories have steps of their own anyway"
        )
    return SolverChoice(solver.method, solver.rtol, solver.atol, solver.steps, bool(given.per_sample))
