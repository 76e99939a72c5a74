"""How the window feels, in figures held to goals; the exit status is 1 when one is missed.

Run from the repository root::

    python tests/benchmarks/responsiveness.py [--quick] [--json FILE]
    python tests/benchmarks/responsiveness.py --monkey 20000 --seed 1

Everything runs offscreen. Lateness is how much later than asked a 5 ms precise timer fires, each in its own scenario;
of it, "own" is the processor time that the window's thread took between two firings. Only an idle machine gives figures
to go by: the goals are of wall-clock time.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")

LATENESS = {"p99": 16.0, "max": 100.0}
FIRST_PAINT = """
import sys, time
import odeviz.app
startup = odeviz.app.load()
from PySide6.QtCore import qInstallMessageHandler
from odeviz.app.screenshot import say
qInstallMessageHandler(say)
app = startup.application()
desk = startup.Desk(app)
desk.painted.connect(lambda: print("painted", "torch" in sys.modules, time.process_time(), flush=True))
moved = lambda seconds: desk.controller.bench.playhead.t > 0 and (print("moving", flush=True), app.quit())
desk.painted.connect(lambda: desk.window.painted.connect(moved))
desk.window.show()
app.exec()
desk.clear()
qInstallMessageHandler(None)
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and what it shall be; a goal that is None is none."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool:
        if self.goal is None:
            return True
        return self.value >= self.goal if self.at_least else self.value < self.goal

    def line(self) -> str:
        sign = "" if self.goal is None else f"{'>=' if self.at_least else '<'} {self.goal:g}"
        return f"{self.name:42s} {self.value:9.2f} {self.unit:6s} {sign:9s} {'' if self.met else 'MISSED'}"


def first_paint(runs: int) -> Iterator[Figure]:
    """Seconds from a process's start to its first paint and a moving flow; the first run warms caches, of bytecode too.

    A program that is installed has its bytecode. A checkout where Python is told to write none has not, and would
    compile every module at each start.
    """
    seconds, moving, processor, torch_loaded = [], [], [], False
    with tempfile.TemporaryDirectory() as bytecode:
        there = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode}
        for _ in range(runs + 1):
            began = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, "-c", FIRST_PAINT], stdout=subprocess.PIPE, text=True, env=there
            )
            assert process.stdout is not None
            line = process.stdout.readline().split()
            seconds.append(time.perf_counter() - began)
            assert process.stdout.readline() == "moving\n"
            moving.append(time.perf_counter() - began)
            process.wait()
            torch_loaded |= line[:2] != ["painted", "False"]
            processor.append(float(line[2]))
    yield Figure("first window, warm", median(seconds[1:]), "s", 0.8)
    yield Figure("first moving picture, warm", median(moving[1:]), "s", 2.0)
    yield Figure("first window: processor time", median(processor[1:]), "s")
    yield Figure("first window: torch loaded", float(torch_loaded), "", 0.5)


def training(window, quick: bool) -> Iterator[Figure]:
    """Training alone and in the window, in turns."""
    from window.scenarios import LAST, QUICK_LAST, alone

    last = QUICK_LAST if quick else LAST
    apart, within = [alone(last)], []
    for _ in range(1 if quick else 3):
        within.append(window.train(last))
        apart.append(alone(last))
    kept = [each["per_s"] / ((apart[k] + apart[k + 1]) / 2) for k, each in enumerate(within)]
    of = {name: median(each[name] for each in within) for name in within[0]}
    yield Figure("training alone", median(apart), "it/s")
    yield Figure("training in the window", of["per_s"], "it/s")
    yield Figure("training rate kept", median(kept), "", 0.80, at_least=True)
    yield Figure("pictures while training", of["pictures_per_s"], "/s", 10.0, at_least=True)
    yield Figure("Train to the first iteration", of["first_s"], "s")
    yield Figure("memory of the process that trains", of["process_mib"], "MiB")


def feel(window, quick: bool, seconds: float) -> Iterator[Figure]:
    """All other scenarios."""
    from window.scenarios import PRESET, spread

    from odeviz.tasks.presets import PRESETS

    moves = 20 if quick else 60
    rate, between = window.play(seconds)
    yield Figure("frames of 2,000 particles", rate, "/s", 58.0, at_least=True)
    yield Figure("from one of them to the next, p95", between, "ms", 25.0)
    for name, slide in (
        ("slider to picture", partial(window.slide, moves, "dragging the slider")),
        ("slider to picture, training", partial(window.slide_while_training, moves)),
    ):
        for which, value, goal in zip(("median", "p95"), spread(slide()), (33.0, 80.0), strict=True):
            yield Figure(f"{name}, {which}", value, "ms", goal)
    window.open(PRESET)
    window.until(lambda: window.pictures.settled)
    yield Figure("density at a new time, median", spread(window.new_time(moves))[0], "ms", 100.0)
    window.export(4 if quick else 12)
    cards = ("moons-classifier", "pendulum-mlp", "8gaussians-density")
    yield Figure("gallery card to moving picture", max(window.cards(cards)), "s", 1.0)
    tasks = {PRESETS[name].experiment.task: name for name in reversed(PRESETS)}
    for name in tasks.values() if quick else PRESETS:
        yield Figure(f"pictures, {name}", window.train_preset(name, 1.0 if quick else seconds), "/s")


def table(lateness) -> tuple[list[str], bool]:
    """Lateness by scenario, and whether all goals are met."""
    lines = [f"{'lateness [ms]':42s} {'p99':>9s} {'max':>9s} {'own p99':>9s} {'own max':>9s}"]
    met = True
    for name, late in lateness.items():
        missed = [part for part, goal in LATENESS.items() if getattr(late, part) >= goal]
        met &= not missed
        values = "".join(f" {value:9.2f}" for value in dataclasses.astuple(late))
        lines.append(f"{name:42s}{values}  {'MISSED: ' + ', '.join(missed) if missed else ''}")
    lines.append(f"{'goal':42s} {'< 16':>9s} {'< 100':>9s}")
    return lines, met


def _told(figures: Iterator[Figure]) -> list[Figure]:
    """The figures, each printed as soon as it is known."""
    told = []
    for figure in figures:
        print(figure.line(), flush=True)
        told.append(figure)
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a preset of each task, and fewer repetitions")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a scenario (3)")
    parser.add_argument("--monkey", type=int, metavar="N", help="only so many random actions at the window")
    parser.add_argument("--seed", type=int, default=1, help="the monkey's seed (1)")
    options = parser.parse_args()
    if options.monkey is not None:
        monkey = Path(__file__).parents[1] / "app" / "monkey.py"
        arguments = ["--actions", str(options.monkey), "--seed", str(options.seed)]
        return subprocess.run([sys.executable, str(monkey), *arguments], check=False).returncode

    figures = _told(first_paint(1 if options.quick else 5))
    from window.scenarios import Window

    window = Window()
    figures += _told(training(window, options.quick))
    figures += _told(feel(window, options.quick, options.seconds))
    lateness = window.lateness
    window.close()
    lines, met = table(lateness)
    print("\n".join(["", *lines]))
    if options.json is not None:
        found = {figure.name: figure.value for figure in figures}
        found |= {f"lateness: {name}": dataclasses.asdict(late) for name, late in lateness.items()}
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return int(not met or any(not figure.met for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
