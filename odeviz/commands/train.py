"""``odeviz train``: a preset, or an experiment on one line, is trained without a window."""

from __future__ import annotations

import argparse
import math
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from odeviz.commands.arguments import UserError, find_experiment, real, with_texts
from odeviz.commands.films import check_film
from odeviz.commands.output import (
    FAILED,
    INTERRUPTED,
    OK,
    experiment_line,
    parameter_count,
    print_json,
    print_table,
)
from odeviz.commands.resuming import going_on, saved_run
from odeviz.tasks.doubts import doubts

if TYPE_CHECKING:
    from odeviz.tasks.experiment import Experiment
    from odeviz.training import Session, Snapshot


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "preset",
        metavar="PRESET",
        help="what to train (odeviz list names them), an experiment's line, odeviz:..., or a saved model, whose run "
        "goes on with the optimiser begun anew",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--iterations", metavar="N", help="length of the run, with what a saved model has made"
    )
    length.add_argument(
        "--seconds", type=real(0.01, 1e7), metavar="S", help="end within this time, if not done before"
    )
    parser.add_argument("--seed", metavar="K", help="fixes the data, the first weights and the batches")
    parser.add_argument("--device", metavar="D", help="auto, cpu, cuda or mps (default: auto)")
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="replace a setting, for example --set data.noise=0.1 (may be given several times)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="CSV",
        help="learn from your own data instead of the preset's (see README)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="save the model (.odeviz)")
    parser.add_argument(
        "--animate", type=Path, metavar="FILE", help="write a film of the training (.gif, .mp4)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(given: argparse.Namespace) -> int:
    if given.out is not None:
        _check_out(given.out)
    if given.animate is not None:
        check_film(given.animate)
    name, session = _prepared(given)
    with _interruptible() as interrupted:
        _train(session, interrupted, sys.stderr)
        metrics = session.evaluate()
        snapshot = session.snapshot()
    report = _report(name, snapshot, metrics)
    if given.json:
        print_json(report)
    else:
        print_table({name: value for name, value in report.items() if value == value})
    for sentence in doubts(metrics):
        print(f"odeviz: warning: {sentence}", file=sys.stderr)
    # After the report, which a disk that has filled up meanwhile must not swallow.
    if given.out is not None:
        from odeviz.storage import save_model

        save_model(given.out, snapshot)
    if given.animate is not None:
        _animate(snapshot, given.animate)
    if snapshot.message:
        print(f"odeviz: {snapshot.message}", file=sys.stderr)
    elif session.ended and snapshot.iteration < snapshot.experiment.training.iterations:
        print(f"odeviz: {session.ended}", file=sys.stderr)
    return INTERRUPTED if interrupted else FAILED if snapshot.message else OK


def _prepared(given: argparse.Namespace) -> tuple[str, Session]:
    """The preset that a run is or is near, and the run: of its own, or that of a saved model."""
    from odeviz.tasks.experiment_string import nearest_preset

    texts = _assignments(given)
    saved = saved_run(given.preset)
    if saved is not None:
        if given.data is not None:
            raise UserError("--data means nothing to a run that goes on: it has its data")
        experiment = going_on(saved, given.preset, texts)
        near = nearest_preset(experiment)
        return near.name if near is not None else "", _start(experiment, {}, saved)
    name, experiment = find_experiment(given.preset)
    data: Mapping[str, Any] = {}
    if given.data is not None:
        texts, data = _own(experiment, texts, given.data)
    return name, _start(with_texts(experiment, texts), data)


def _animate(snapshot: Snapshot, out: Path) -> None:
    from odeviz.commands.films import write_training

    if len(snapshot.moments) < 2:
        print(f"odeviz: no film was written to {out}: the run kept no checkpoints", file=sys.stderr)
        return
    write_training(snapshot, out)


def _assignments(given: argparse.Namespace) -> dict[str, str]:
    """Settings to replace, as typed; what has an option of its own wins over ``--set``."""
    texts = {}
    for assignment in given.settings:
        name, equals, value = assignment.partition("=")
        if not equals or not name.strip():
            raise UserError(f"--set takes NAME=VALUE such as data.noise=0.1, not {assignment!r}")
        texts[name.strip()] = value.strip()
    own = {
        "training.iterations": given.iterations,
        "training.seconds": None if given.seconds is None else str(given.seconds),
        "seed": given.seed,
        "device": given.device,
    }
    return texts | {name: value for name, value in own.items() if value is not None}


def _check_out(path: Path) -> None:
    from odeviz.storage import check_writable
    from odeviz.storage.model_file import SUFFIX

    if path.suffix.lower() != SUFFIX:
        raise UserError(f"cannot write {path}: the name of a model must end in {SUFFIX}")
    check_writable(path)


def _own(
    experiment: Experiment, texts: dict[str, str], path: Path
) -> tuple[dict[str, str], Mapping[str, Any]]:
    """The assignments for learning from a person's own data, and the data; says what was left out of it."""
    from odeviz.storage import load_own
    from odeviz.tasks.own_data import OWN
    from odeviz.tasks.registry import TASKS

    task = TASKS[texts.get("task", experiment.task)]
    if not task.own:
        able = ", ".join(other.name for other in TASKS.values() if other.own)
        raise UserError(f"task {task.name} takes no --data; those that do are {able}")
    own = load_own(path, task.own)
    if own.note:
        print(f"odeviz: {path}: {own.note}", file=sys.stderr)
    return texts | {"data.name": OWN}, own.arrays


def _start(experiment: Experiment, data: Mapping[str, Any], saved: Snapshot | None = None) -> Session:
    from odeviz.training import Session

    try:
        return Session(experiment, data=data) if saved is None else Session(experiment, saved)
    except ValueError as error:
        raise UserError(str(error)) from None


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Collect the first Ctrl-C in the list that is yielded, so that no iteration is torn; the second one ends."""
    received: list[int] = []

    def note(number: int, _frame: object) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield received
    finally:
        signal.signal(signal.SIGINT, before)


def _train(session: Session, interrupted: Sequence[int], stream: TextIO) -> None:
    line = ProgressLine(stream)
    while not interrupted and session.step():
        line.show(session)
    line.end(session)


class ProgressLine:
    """One line about a run: rewritten in place on a terminal, a new line now and then anywhere else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._pause = 0.1 if self._terminal else 10.0
        self._width = 0
        self._started = self._shown = time.perf_counter()

    def show(self, session: Session) -> None:
        """Say where the run is, unless that was said a moment ago."""
        if time.perf_counter() - self._shown >= self._pause:
            self._write(session, end="")

    def end(self, session: Session) -> None:
        """Say where the run ended."""
        self._write(session, end="\n" if self._terminal else "")

    def _write(self, session: Session, end: str) -> None:
        seconds = session.experiment.training.seconds
        self._shown = time.perf_counter()
        elapsed = self._shown - self._started
        parts = [f"iteration {session.iteration}/{session.experiment.training.iterations}"]
        parts.append(f"{elapsed:.0f} s" if not seconds else f"{elapsed:.0f}/{seconds:g} s")
        values = session.metrics
        if "loss" in values:
            parts.append(f"loss {values['loss']:.4f}")
        if math.isfinite(values.get("nfe_forward", math.nan)):
            parts.append(f"NFE {values['nfe_forward']:.0f}+{values['nfe_backward']:.0f}")
        if elapsed > 0:
            parts.append(f"{session.iteration / elapsed:.0f} it/s")
        text = "  ".join(parts)
        # Spaces hide what a longer text left on the line.
        self._stream.write(f"\r{text:<{self._width}}{end}" if self._terminal else f"{text}\n")
        self._width = len(text)
        self._stream.flush()


def _report(preset: str, snapshot: Snapshot, metrics: dict[str, float]) -> dict[str, Any]:
    """What ``--json`` prints: the run, what it reached, and what that cost."""
    from odeviz.tasks.registry import task_of

    known = dict(snapshot.metrics) | metrics
    scores = [figure.name for figure in task_of(snapshot.experiment).figures]
    names = ("loss", *scores, "nfe_forward", "nfe_backward")
    return {
        "preset": preset,
        "seed": snapshot.experiment.seed,
        "iterations": snapshot.iteration,
        "seconds": snapshot.seconds,
        **{name: known.get(name, float("nan")) for name in names},
        "parameters": parameter_count(snapshot),
        **experiment_line(snapshot.experiment),
        **({"message": snapshot.message} if snapshot.message else {}),
    }
