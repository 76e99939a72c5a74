"""Where a step's time goes: seconds and tensor operations of a solve by the part of the engine that spends them.

Parts are found by what they can do, which is what the engine's protocols say: a stepper attempts a step, measures
its error and accepts it; a policy attempts and judges; an adjoint goes forward and backward; a kernel evaluates,
pulls back and forms gradients. Their methods are wrapped while a solve runs, each part's time without that of the
parts it calls, and the wrapping's own time, measured on an empty function, is subtracted. Operations are counted by a
dispatch mode, apart from the time.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

import odeviz.engine
from comparison.problem import (
    DENSITY,
    FORWARD,
    GRADIENT,
    Case,
    Contender,
    Sequential,
    Task,
    make_case,
)
from comparison.torch_peers import import_peer, our_contenders
from odeviz.fields import LogDensityField

FIELD = "field evaluation"
REST = "rest: solve's checks, autograd, loss"
#: What a class can do, and for each of its methods the part it is.
PARTS: tuple[dict[str, str], ...] = (
    {
        "attempt": "stage combination",
        "error": "error norm",
        "accept": "acceptance of a step",
        "derivative": "stage combination",
    },
    {"begin": "first step", "attempt": "controller", "judge": "controller"},
    {"forward": "adjoint's forward", "backward": "tape walk"},
)
KERNEL = {
    "__init__": "kernel's set-up and layout",
    "pack": "kernel's set-up and layout",
    "unpack": "kernel's set-up and layout",
    "reserve": "kernel's set-up and layout",
    "release": "kernel's set-up and layout",
    "evaluate": FIELD,
    "pull_back": "vector-Jacobian products",
    "gradients": "weight gradients",
}
LOOP = "time loop"
TURNS = 12
#: Calls that are timed in one turn, plain and wrapped, and calls before them.
_CALLS, _WARMING = 5, 3


class Sections:
    """A clock that knows in which part it is; time spent in an inner part is not the outer one's."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        #: Calls of wrapped functions that each part makes.
        self.made: Counter[str] = Counter()
        self._stack = [REST]
        self._mark = time.perf_counter()

    def reset(self) -> None:
        """Begin anew, in the part that nothing is wrapped for."""
        for counter in (self.seconds, self.calls, self.made):
            counter.clear()
        self._mark = time.perf_counter()

    def stop(self) -> None:
        self.seconds[REST] += time.perf_counter() - self._mark

    def wrap(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        seconds, stack, clock = self.seconds, self._stack, time.perf_counter

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            outer = stack[-1]
            seconds[outer] += clock() - self._mark
            self.calls[part] += 1
            self.made[outer] += 1
            stack.append(part)
            self._mark = clock()
            try:
                return function(*args, **kwargs)
            finally:
                seconds[part] += clock() - self._mark
                stack.pop()
                self._mark = clock()

        return wrapped

    def without(self, inside: float, outside: float) -> dict[str, float]:
        """Seconds by part, less what the wrapping took inside each part and in the parts that call."""
        return {
            part: max(0.0, taken - inside * self.calls[part] - outside * self.made[part])
            for part, taken in self.seconds.items()
        }


def _wrapping_cost() -> tuple[float, float]:
    """Seconds a wrapped call adds inside its part, and in the part that calls it."""
    sections, count = Sections(), 20_000

    def empty() -> None:
        pass

    wrapped = sections.wrap("empty", empty)
    began = time.perf_counter()
    for _ in range(count):
        empty()
    plain = (time.perf_counter() - began) / count
    sections.reset()
    for _ in range(count):
        wrapped()
    sections.stop()
    # The call of the empty function itself is the part's own, the loop's share the caller's.
    return max(0.0, sections.seconds["empty"] / count - plain), sections.seconds[REST] / count


def _modules() -> Iterator[Any]:
    for module in pkgutil.walk_packages(odeviz.engine.__path__, "odeviz.engine."):
        yield importlib.import_module(module.name)


def _targets(kernel: type) -> Iterator[tuple[Any, str, str]]:
    """(owner, attribute, part) of everything to wrap."""
    for method, part in KERNEL.items():
        yield kernel, method, part
    for module in _modules():
        if callable(getattr(module, "integrate", None)):
            yield module, "integrate", LOOP
        for owner in vars(module).values():
            own = isinstance(owner, type) and owner.__module__ == module.__name__
            if not own or getattr(owner, "_is_protocol", False) or issubclass(owner, torch.autograd.Function):
                continue
            for parts in PARTS:
                if all(callable(getattr(owner, method, None)) for method in parts):
                    yield from (
                        (owner, method, part) for method, part in parts.items() if method in vars(owner)
                    )


@contextmanager
def _wrapped(kernel: type, wrap: Callable[[str, Any], Any]) -> Iterator[None]:
    replaced = []
    try:
        for owner, name, part in list(_targets(kernel)):
            replaced.append((owner, name, vars(owner)[name]))
            setattr(owner, name, wrap(part, vars(owner)[name]))
        yield
    finally:
        for owner, name, function in reversed(replaced):
            setattr(owner, name, function)


class Operations(TorchDispatchMode):
    """Counts tensor operations by where they happen: all of them, views, and reads of one number."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = 0
        self.counts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kind = "views" if getattr(function, "is_view", False) else "operations"
        if function is torch.ops.aten._local_scalar_dense.default:
            kind = "reads"
        self.counts[self.inside > 0][kind] += 1
        return function(*args, **(kwargs or {}))

    def field(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose operations are the field's."""

        @functools.wraps(function)
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.inside += 1
            try:
                return function(*args, **kwargs)
            finally:
                self.inside -= 1

        return counted


def _kernel_type(case: Case) -> type:
    field = case.field()
    if case.task is not DENSITY:
        kernel = field.kernel(case.y0)
    else:
        kernel = LogDensityField(field).kernel(torch.cat([case.y0, case.y0[:, :1]], 1))
    kernel.release()
    return type(kernel)


def _ours(case: Case) -> Contender:
    (ours,) = our_contenders(case)
    assert isinstance(ours, Contender)
    return ours


def parts_of(task: Task, batch: int, scale: float, turns: int) -> dict[str, Any]:
    """Milliseconds and calls of each part of one call, the medians of some turns, with and without wrapping."""
    case = make_case(task, batch, scale)
    ours, kernel = _ours(case), _kernel_type(case)
    inside, outside = _wrapping_cost()
    found = ours.call()
    seconds: dict[str, list[float]] = {}
    plain, sections = [], Sections()
    for _ in range(turns):
        for _ in range(_WARMING):
            ours.call()
        for _ in range(_CALLS):
            began = time.perf_counter()
            ours.call()
            plain.append(time.perf_counter() - began)
        sections = Sections()
        with _wrapped(kernel, sections.wrap):
            # The interpreter forgets what it has learnt of a class when its methods are replaced.
            for _ in range(_WARMING):
                ours.call()
            for _ in range(_CALLS):
                sections.reset()
                ours.call()
                sections.stop()
                for part, taken in sections.without(inside, outside).items():
                    seconds.setdefault(part, []).append(taken)
    calls = sections.calls
    stats = found[1].stats
    return {
        "task": task.name,
        "steps": len(stats.steps),
        "nfe": ours.read(found).nfe,
        "plain_ms": 1e3 * statistics.median(plain),
        "parts": {
            part: {"ms": 1e3 * statistics.median(taken), "calls": calls[part]}
            for part, taken in sorted(seconds.items(), key=lambda item: -statistics.median(item[1]))
        },
    }


def parts_table(found: dict[str, Any]) -> str:
    """Markdown."""
    total = sum(part["ms"] for part in found["parts"].values())
    steps = found["steps"]
    lines = [
        f"{found['task']}: {found['plain_ms']:.2f} ms ({total:.2f} by parts), {steps} steps, "
        f"{found['nfe']} evaluations",
        "",
        "| part | calls | ms | µs a step | µs a call | share |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, part in found["parts"].items():
        each = f"{1e3 * part['ms'] / part['calls']:.1f}" if part["calls"] else ""
        lines.append(
            f"| {name} | {part['calls'] or ''} | {part['ms']:.3f} | {1e3 * part['ms'] / steps:.1f} | {each} "
            f"| {part['ms'] / total:.1%} |"
        )
    return "\n".join(lines)


def _ours_counted(case: Case) -> tuple[Operations, int]:
    ours, counter = _ours(case), Operations()
    ours.call()

    def wrap(part: str, function: Any) -> Any:
        return counter.field(function) if part == FIELD else function

    with _wrapped(_kernel_type(case), wrap), counter:
        _, solution = ours.call()
    return counter, len(solution.stats.steps)


def _torchdiffeq_counted(case: Case) -> tuple[Operations, int]:
    import torchdiffeq

    counter = Operations()
    module = Sequential(case.field())
    times = torch.tensor([0.0, 1.0]).to(case.y0)
    options = {"rtol": case.tolerance, "atol": case.tolerance, "method": case.method}
    with torch.no_grad(), counter:
        torchdiffeq.odeint(counter.field(module), case.y0, times, **options)
    return counter, (module.nfe - 2) // 6


def operations(batch: int, scale: float) -> dict[str, dict[str, float]]:
    """Operations outside the field: for each step, and for a solve's start and end together.

    Both follow from two solves at tolerances that take different numbers of steps.
    """
    tight = make_case(FORWARD, batch, scale)
    loose = replace(tight, tolerance=1e-2)
    counters = {"odeviz": _ours_counted}
    if not isinstance(import_peer("torchdiffeq"), str):
        counters["torchdiffeq"] = _torchdiffeq_counted
    found = {}
    for name, count in counters.items():
        (many, steps), (few, fewer) = count(tight), count(loose)
        result: dict[str, float] = {}
        for kind in ("operations", "views", "reads"):
            a, b = many.counts[False][kind], few.counts[False][kind]
            result[f"{kind} a step"] = (a - b) / max(1, steps - fewer)
            result[f"{kind} at start and end"] = b - fewer * result[f"{kind} a step"]
        found[name] = result
    return found


def operations_table(found: dict[str, dict[str, float]]) -> str:
    """Markdown."""
    lines = [
        "Tensor operations outside the field, forward, dopri5; views make no data, reads of a number wait for it:",
        "",
        f"| | {' | '.join(found)} |",
        "| --- |" + " ---: |" * len(found),
    ]
    kinds = next(iter(found.values()))
    for kind in kinds:
        lines.append(f"| {kind} | {' | '.join(f'{counts[kind]:.1f}' for counts in found.values())} |")
    return "\n".join(lines)


def profile(batch: int, scale: float, quick: bool) -> tuple[str, dict[str, Any]]:
    """All tables as Markdown, and their numbers."""
    parts = [
        parts_of(task, batch, scale, TURNS // 3 if quick else TURNS) for task in (FORWARD, GRADIENT, DENSITY)
    ]
    counted = operations(batch, scale)
    text = "\n\n".join([f"Batch {batch}.", *map(parts_table, parts), operations_table(counted)])
    return text, {"batch": batch, "parts": parts, "operations": counted}
