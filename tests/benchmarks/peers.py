"""odeviz against torchdiffeq in one run: same field, weights, method, tolerance and thread count.

    python tests/benchmarks/peers.py [--quick] [--scale 3] [--out DIR]

The field is an MLP 2-64-64-2 (tanh, float32, one thread), solved by dopri5 from t = 0 to 1: forward at 1e-6, the
gradient of a solve at 1e-5, and the gradient of a continuous normalizing flow's log-likelihood, with the exact
divergence, at 1e-5. torchdiffeq gets the network as plain ``nn.Sequential`` and the trace by automatic
differentiation over the dimensions, as its users write it. Runs are interleaved A B A B and warm; times are medians.
Beside each time stands its error against float64 at 1e-10. Needs the extra ``bench``. Exits with 1 when a figure
that must hold does not.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torchdiffeq
from torch import Tensor, nn

from odeviz.engine import solve
from odeviz.fields import LogDensityField, MLPField

BATCHES = (64, 512, 2048)
OURS = "odeviz"
FORWARD, ADJOINT, BACKPROP = "torchdiffeq odeint", "torchdiffeq odeint_adjoint", "torchdiffeq backprop"
Run = Callable[[], tuple[list[Tensor], str]]


@dataclass(frozen=True)
class Goal:
    """How many times faster than a peer; ``least`` is what must hold."""

    task: str
    batch: int
    peer: str
    goal: float
    least: float = 0.0


GOALS = (
    Goal("forward", 64, FORWARD, 4.0, least=2.0),
    Goal("forward", 512, FORWARD, 3.0),
    Goal("forward", 2048, FORWARD, 3.0),
    Goal("gradient", 512, ADJOINT, 5.0, least=3.0),
    Goal("gradient", 2048, ADJOINT, 3.5),
    Goal("CNF gradient", 512, ADJOINT, 6.0, least=4.0),
    Goal("CNF gradient", 512, BACKPROP, 4.0),
)


@dataclass(frozen=True)
class Row:
    """One solver on one task: median milliseconds, relative error, evaluations forward and backward."""

    task: str
    batch: int
    solver: str
    milliseconds: float
    fastest: float
    speedup: float
    error: float
    nfe: str


class Sequential(nn.Module):
    """The field as a user of torchdiffeq writes it; counts its evaluations."""

    def __init__(self, field: MLPField) -> None:
        super().__init__()
        self.net = nn.Sequential()
        for layer in field.time_linears():
            linear = nn.Linear(layer.weight.shape[1], layer.weight.shape[0], dtype=layer.weight.dtype)
            linear.weight, linear.bias = (
                nn.Parameter(layer.weight.detach()),
                nn.Parameter(layer.bias.detach()),
            )
            self.net.extend([linear, nn.Tanh()])
        del self.net[-1]
        self.nfe = 0

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        self.nfe += 1
        return self.net(y)


class WithTrace(nn.Module):
    """(z, log p) with the trace by automatic differentiation over the dimensions."""

    def __init__(self, field: Sequential) -> None:
        super().__init__()
        self.field = field

    def forward(self, t: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            z = state[0] if state[0].requires_grad else state[0].detach().requires_grad_()
            value = self.field(t, z)
            trace = sum(
                torch.autograd.grad(value[:, d].sum(), z, create_graph=True)[0][:, d]
                for d in range(z.shape[1])
            )
        return value, -trace


def make_field(dtype: torch.dtype, scale: float) -> MLPField:
    """The field with its first weights times ``scale``, which sets how many steps it takes.

    Ratios depend on it. As initialised (1) a field takes three steps, and what is timed is mostly the start-up; 3
    makes about ten steps at 1e-6; trained fields take twenty and more.
    """
    torch.manual_seed(0)
    field = MLPField(2, (64, 64), time="none")
    with torch.no_grad():
        for layer in field.time_linears():
            layer.weight.mul_(scale)
    return field.to(dtype)


def gradients(module: nn.Module, loss: Tensor) -> list[Tensor]:
    module.zero_grad()
    loss.backward()
    return [p.grad for p in module.parameters()]


def negative_log_likelihood(z: Tensor, change: Tensor) -> Tensor:
    """Of a standard normal base, without its constant."""
    return (0.5 * z.square().sum(1) + change).mean()


def our_run(task: str, y0: Tensor, scale: float) -> Run:
    field = make_field(y0.dtype, scale)
    if task == "forward":

        def forward() -> tuple[list[Tensor], str]:
            with torch.no_grad():
                solution = solve(field, y0, (0.0, 1.0), rtol=1e-6, atol=1e-6)
            return [solution.y[-1]], str(solution.stats.nfe_forward)

        return forward
    traced = LogDensityField(field)
    state = torch.cat([y0, y0.new_zeros(len(y0), 1)], 1)

    def gradient() -> tuple[list[Tensor], str]:
        if task == "gradient":
            solution = solve(field, y0, (0.0, 1.0), rtol=1e-5, atol=1e-5)
            loss = solution.y[-1].square().sum(1).mean()
        else:
            solution = solve(traced, state, (1.0, 0.0), rtol=1e-5, atol=1e-5)
            loss = negative_log_likelihood(solution.y[-1, :, :2], solution.y[-1, :, 2])
        parts = gradients(field, loss)
        return parts, f"{solution.stats.nfe_forward} + {solution.stats.nfe_backward}"

    return gradient


def their_run(
    task: str, y0: Tensor, scale: float, odeint: Callable[..., object], tolerance: float | None = None
) -> Run:
    field = Sequential(make_field(y0.dtype, scale))
    traced, start = WithTrace(field), y0.new_zeros(len(y0))
    forwards, backwards = torch.tensor([0.0, 1.0]).to(y0), torch.tensor([1.0, 0.0]).to(y0)
    allowed = tolerance or (1e-6 if task == "forward" else 1e-5)
    options = {"rtol": allowed, "atol": allowed, "method": "dopri5"}

    def forward() -> tuple[list[Tensor], str]:
        field.nfe = 0
        with torch.no_grad():
            y = odeint(field, y0, forwards, **options)
        return [y[-1]], str(field.nfe)

    def gradient() -> tuple[list[Tensor], str]:
        field.nfe = 0
        if task == "gradient":
            loss = odeint(field, y0, forwards, **options)[-1].square().sum(1).mean()
        else:
            z, change = odeint(traced, (y0, start), backwards, **options)
            loss = negative_log_likelihood(z[-1], change[-1])
        nfe = field.nfe
        parts = gradients(field, loss)
        return parts, f"{nfe} + {field.nfe - nfe}"

    return forward if task == "forward" else gradient


def runs(task: str, y0: Tensor, scale: float) -> dict[str, Run]:
    """Ours first, then its peers."""
    adjoint, plain = torchdiffeq.odeint_adjoint, torchdiffeq.odeint
    theirs = {FORWARD: plain} if task == "forward" else {ADJOINT: adjoint, BACKPROP: plain}
    return {OURS: our_run(task, y0, scale)} | {
        name: their_run(task, y0, scale, odeint) for name, odeint in theirs.items()
    }


def relative_error(found: list[Tensor], exact: list[Tensor]) -> float:
    a, b = (torch.cat([part.double().flatten() for part in parts]) for parts in (found, exact))
    return float((a - b).norm() / b.norm())


def measure(task: str, batch: int, repeats: int, scale: float) -> list[Row]:
    """Rows of one task at one batch size."""
    torch.manual_seed(1)
    y0 = torch.randn(batch, 2)
    exact, _ = their_run(task, y0.double(), scale, torchdiffeq.odeint, tolerance=1e-10)()
    contenders = runs(task, y0, scale)
    for run in contenders.values():
        run(), run()
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    results = {}
    gc.collect()
    gc.disable()
    for _ in range(repeats):
        for name, run in contenders.items():
            started = time.perf_counter()
            results[name] = run()
            seconds[name].append(time.perf_counter() - started)
    gc.enable()
    median = {name: 1e3 * statistics.median(values) for name, values in seconds.items()}
    return [
        Row(
            task,
            batch,
            name,
            median[name],
            1e3 * min(seconds[name]),
            median[name] / median[OURS],
            relative_error(results[name][0], exact),
            results[name][1],
        )
        for name in contenders
    ]


def table(rows: list[Row]) -> str:
    """Markdown."""
    lines = [
        "| task | batch | solver | median ms | fastest ms | odeviz is faster by | relative error | NFE |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        speedup = "" if row.solver == OURS else f"{row.speedup:.1f}x"
        lines.append(
            f"| {row.task} | {row.batch} | {row.solver} | {row.milliseconds:.2f} | {row.fastest:.2f} "
            f"| {speedup} | {row.error:.1e} | {row.nfe} |"
        )
    return "\n".join(lines)


def judge(rows: list[Row]) -> tuple[str, bool]:
    """What became of each goal, and whether all that must hold does."""
    speedups = {(row.task, row.batch, row.solver): row.speedup for row in rows}
    lines, holds = [], True
    for goal in GOALS:
        speedup = speedups[goal.task, goal.batch, goal.peer]
        verdict = "met" if speedup >= goal.goal else "not met"
        least = f"; must be >= {goal.least:g}x" if goal.least else ""
        holds &= speedup >= goal.least
        lines.append(
            f"- {goal.task}, batch {goal.batch}, against {goal.peer}: {speedup:.1f}x, "
            f"goal >= {goal.goal:g}x {verdict}{least}"
        )
    return "\n".join(lines), holds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="a third of the repeats")
    parser.add_argument("--scale", type=float, default=3.0, help="factor on the field's first weights (3)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write peers.md and peers.json there")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows: list[Row] = []
    for task in ("forward", "gradient", "CNF gradient"):
        for batch in BATCHES:
            repeats = {64: 45, 512: 24, 2048: 12}[batch]
            print(f"{task}, batch {batch} ...", file=sys.stderr, flush=True)
            rows += measure(task, batch, repeats // 3 if arguments.quick else repeats, arguments.scale)
    verdict, holds = judge(rows)
    about = (
        f"torch {torch.__version__}, torchdiffeq {torchdiffeq.__version__}, Python {platform.python_version()}, "
        f"{platform.machine()}, one thread, first weights times {arguments.scale:g}"
    )
    report = f"{about}\n\n{table(rows)}\n\n{verdict}\n"
    print(report)
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "peers.md").write_text(report)
        contents = {
            "about": about,
            "rows": [asdict(row) for row in rows],
            "scale": arguments.scale,
            "holds": holds,
        }
        (arguments.out / "peers.json").write_text(json.dumps(contents, indent=1))
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
