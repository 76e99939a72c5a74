"""The comparison itself: rows of every task and batch size, the engine's overhead, and what became of the goals."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from comparison.jax_peer import BACKSOLVE, CHECKPOINTED, DIFFRAX, diffrax_contenders
from comparison.problem import (
    DENSITY,
    FORWARD,
    GRADIENT,
    PER_SAMPLE,
    TASKS,
    Absent,
    Case,
    Contender,
    Sequential,
    Task,
    exact,
    make_case,
    relative_error,
)
from comparison.timing import in_turns
from comparison.torch_peers import (
    ODEINT,
    ODEINT_ADJOINT,
    OURS,
    TORCHDIFFEQ_BACKPROP,
    TORCHODE,
    our_contenders,
    torchdiffeq_contenders,
    torchode_contenders,
)

MAKERS = (our_contenders, torchdiffeq_contenders, torchode_contenders, diffrax_contenders)
COMPILED = (DIFFRAX, CHECKPOINTED, BACKSOLVE)


@dataclass(frozen=True)
class Row:
    """One solver on one task. ``speedup`` is how many times longer it took than odeviz, warm.

    Times are milliseconds: ``cold`` of the first call, compilation included; ``median`` and ``fastest`` warm.
    ``speedup_processor`` is the same of processor time, and ``busy`` processor time in wall time.
    """

    task: str
    batch: int
    solver: str
    median: float
    fastest: float
    cold: float
    speedup: float | None
    speedup_processor: float | None
    error: float | None
    nfe: str
    busy: float


@dataclass(frozen=True)
class Goal:
    """How many times faster than the fastest of some peers; ``least`` is what must hold."""

    task: Task
    batch: int
    peers: tuple[str, ...]
    goal: float
    least: float = 0.0

    def title(self) -> str:
        peers = "compiled diffrax" if self.peers == COMPILED else " and ".join(self.peers)
        return f"{self.task.name}, batch {self.batch}, against {peers}"


GOALS = (
    Goal(FORWARD, 1, (ODEINT,), 4.0),
    Goal(FORWARD, 64, (ODEINT,), 4.0, least=2.0),
    Goal(FORWARD, 512, (ODEINT,), 3.0),
    Goal(FORWARD, 2048, (ODEINT,), 3.0),
    Goal(GRADIENT, 512, (ODEINT_ADJOINT,), 5.0, least=3.0),
    Goal(GRADIENT, 2048, (ODEINT_ADJOINT,), 3.5),
    Goal(DENSITY, 512, (ODEINT_ADJOINT,), 6.0, least=4.0),
    Goal(DENSITY, 512, (TORCHDIFFEQ_BACKPROP,), 4.0),
    Goal(DENSITY, 512, COMPILED, 2.0),
    *(Goal(PER_SAMPLE, batch, (TORCHODE,), 3.0) for batch in PER_SAMPLE.batches),
    *(Goal(task, batch, COMPILED, 1.0) for task in TASKS for batch in (512, 2048)),
)

#: Greatest ratio of a forward solve to as many bare evaluations of the field by its kernel.
OVERHEAD_GOAL = 1.15
OVERHEAD_BATCH = 512


@dataclass(frozen=True)
class Verdict:
    """A goal and what was measured, by wall time and by processor time; None where it was not."""

    title: str
    measured: float | None
    by_processor: float | None
    goal: str
    met: bool | None
    #: Whether what must hold does; true where nothing must or nothing was measured.
    holds: bool
    remark: str = ""


@dataclass(frozen=True)
class Overhead:
    """Milliseconds of a forward solve, and of as many bare evaluations by the kernel and by the ``nn.Module``."""

    batch: int
    nfe: int
    solve: float
    kernel: float
    module: float
    #: Solve in kernel, solve in kernel by processor time, and solve in module.
    ratios: tuple[float, float, float]


def contenders(case: Case) -> tuple[list[Contender], list[Absent]]:
    """Everybody who takes part, odeviz first, and who does not."""
    everybody = [each for make in MAKERS for each in make(case)]
    present = [each for each in everybody if isinstance(each, Contender)]
    return present, [each for each in everybody if isinstance(each, Absent)]


def compare(task: Task, batch: int, scale: float, seconds: float) -> tuple[list[Row], list[Absent]]:
    """Rows of one task at one batch size."""
    case = make_case(task, batch, scale)
    present, absent = contenders(case)
    timings = in_turns({each.name: each.call for each in present}, seconds)
    answer = exact(case)
    rows = []
    for each in present:
        timing, outcome = timings[each.name], each.read(timings[each.name].last)
        rows.append(
            Row(
                task.name,
                batch,
                each.name,
                1e3 * timing.median,
                1e3 * timing.fastest,
                1e3 * timing.cold,
                timing.ratio(timings[OURS]) if OURS in timings else None,
                timing.processor_ratio(timings[OURS]) if OURS in timings else None,
                None if answer is None else relative_error(outcome.parts, answer),
                outcome.nfe,
                timing.busy,
            )
        )
    return rows, absent


def compare_all(quick: bool, scale: float) -> tuple[list[Row], list[Absent]]:
    rows: list[Row] = []
    absent: dict[tuple[str, str], Absent] = {}
    for task in TASKS:
        for batch in task.quick if quick else task.batches:
            print(f"{task.name}, batch {batch} ...", file=sys.stderr, flush=True)
            more, missing = compare(task, batch, scale, 3.0 if quick else 6.0)
            rows += more
            absent.update({(each.name, each.reason): each for each in missing})
    return rows, list(absent.values())


def measure_overhead(scale: float, seconds: float) -> Overhead:
    """A forward solve against its own evaluations, bare: odeviz's kernel, and the network as an ``nn.Module``."""
    case = make_case(FORWARD, OVERHEAD_BATCH, scale)
    (ours,) = our_contenders(case)
    assert isinstance(ours, Contender)
    nfe = int(ours.read(ours.call()).nfe)
    kernel = case.field().kernel(case.y0)
    state = kernel.pack(case.y0)
    out, module = state.clone(), Sequential(case.field())

    def evaluate() -> None:
        for _ in range(nfe):
            kernel.evaluate(0.0, state, out, -1)

    def call_module() -> None:
        with torch.no_grad():
            for _ in range(nfe):
                module(0.0, case.y0)

    times = in_turns({"solve": ours.call, "kernel": evaluate, "module": call_module}, seconds)
    kernel.release()
    solve = times["solve"]
    return Overhead(
        OVERHEAD_BATCH,
        nfe,
        *(1e3 * times[name].median for name in ("solve", "kernel", "module")),
        (
            solve.ratio(times["kernel"]),
            solve.processor_ratio(times["kernel"]),
            solve.ratio(times["module"]),
        ),
    )


def judge(rows: Iterable[Row], overhead: Overhead) -> list[Verdict]:
    """What became of each goal: met by wall time and by processor time, failed by both."""
    found = {(row.task, row.batch, row.solver): row for row in rows if row.speedup is not None}
    verdicts = [_judge(goal, found) for goal in GOALS]
    ratio, by_processor, plain = overhead.ratios
    verdicts.append(
        Verdict(
            f"engine overhead, batch {overhead.batch}: forward solve / ({overhead.nfe} bare kernel evaluations)",
            ratio,
            by_processor,
            f"<= {OVERHEAD_GOAL:g}",
            max(ratio, by_processor) <= OVERHEAD_GOAL,
            True,
            f"against as many calls of the nn.Module {plain:.2f}",
        )
    )
    return verdicts


def _judge(goal: Goal, rows: dict[tuple[str, int, str], Row]) -> Verdict:
    least = f"; must be >= {goal.least:g}x" if goal.least else ""
    wanted = f">= {goal.goal:g}x{least}"
    keys = [(goal.task.name, goal.batch, peer) for peer in goal.peers]
    found = [rows[key] for key in keys if key in rows]
    if not found:
        return Verdict(goal.title(), None, None, wanted, None, True, "not measured in this run")
    row = min(found, key=lambda row: row.speedup_processor or 0.0)
    wall, processor = row.speedup or 0.0, row.speedup_processor or 0.0
    met, holds = min(wall, processor) >= goal.goal, max(wall, processor) >= goal.least
    return Verdict(goal.title(), wall, processor, wanted, met, holds, row.solver if len(found) > 1 else "")


def comparison_table(rows: Sequence[Row]) -> str:
    """Markdown."""
    lines = [
        "| task | batch | solver | warm median ms | fastest ms | first call ms | odeviz is faster by | "
        "relative error | NFE |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        speedup = "" if row.solver == OURS or row.speedup is None else f"{row.speedup:.1f}x"
        error = "" if row.error is None else f"{row.error:.1e}"
        lines.append(
            f"| {row.task} | {row.batch} | {row.solver} | {row.median:.2f} | {row.fastest:.2f} "
            f"| {row.cold:.0f} | {speedup} | {error} | {row.nfe} |"
        )
    return "\n".join(lines)


def goals_table(verdicts: Sequence[Verdict]) -> str:
    """Markdown."""
    lines = [
        "| goal | wanted | measured | by processor time | met | |",
        "| --- | ---: | ---: | ---: | --- | --- |",
    ]
    words = {True: "yes", False: "**no**", None: "–"}
    for verdict in verdicts:
        wall, processor = (
            "–" if figure is None else f"{figure:.2f}" for figure in (verdict.measured, verdict.by_processor)
        )
        lines.append(
            f"| {verdict.title} | {verdict.goal} | {wall} | {processor} | {words[verdict.met]} "
            f"| {verdict.remark} |"
        )
    return "\n".join(lines)
