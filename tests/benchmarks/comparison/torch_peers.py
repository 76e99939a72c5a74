"""The contenders that run on torch: odeviz, torchdiffeq and torchode."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import torch
from torch import Tensor

from comparison.problem import (
    DENSITY,
    FORWARD,
    PER_SAMPLE,
    Absent,
    Case,
    Contender,
    Outcome,
    Sequential,
    WithTrace,
    gradients,
    negative_log_likelihood,
    squared_length,
)
from odeviz.engine import Solution, solve
from odeviz.fields import LogDensityField

OURS = "odeviz"
ODEINT, ODEINT_ADJOINT = "torchdiffeq odeint", "torchdiffeq odeint_adjoint"
TORCHDIFFEQ_BACKPROP = "torchdiffeq backprop"
TORCHODE = "torchode"

#: A found answer and what it took, before it is turned into text.
Found = tuple[list[Tensor], object]


def import_peer(name: str) -> ModuleType | str:
    """The module, or one sentence on why there is none."""
    try:
        return __import__(name)
    except Exception as trouble:  # a peer that does not fit the installed torch may raise anything
        return f"It could not be imported ({type(trouble).__name__}: {str(trouble).splitlines()[0]})."


def our_contenders(case: Case) -> Sequence[Contender | Absent]:
    """odeviz; its gradients by the discrete adjoint."""
    field = case.field()
    options = {"rtol": case.tolerance, "atol": case.tolerance, "method": case.method}
    if case.task is PER_SAMPLE:
        options["per_sample"] = True
    traced, y0 = LogDensityField(field), case.y0
    state = torch.cat([y0, y0.new_zeros(len(y0), 1)], 1)

    def forward() -> tuple[list[Tensor], Solution]:
        with torch.no_grad():
            solution = solve(field, y0, (0.0, 1.0), **options)
        return [solution.y[-1]], solution

    def gradient() -> tuple[list[Tensor], Solution]:
        if case.task is DENSITY:
            solution = solve(traced, state, (1.0, 0.0), **options)
            loss = negative_log_likelihood(solution.y[-1, :, :-1], solution.y[-1, :, -1])
        else:
            solution = solve(field, y0, (0.0, 1.0), **options)
            loss = squared_length(solution.y[-1])
        return gradients(field, loss), solution

    def read(found: tuple[list[Tensor], Solution]) -> Outcome:
        parts, solution = found
        if not solution.ok:
            raise RuntimeError(f"odeviz: {solution.message}")
        stats = solution.stats
        backward = f" + {stats.nfe_backward}" if case.task.differentiates else ""
        return Outcome(parts, f"{stats.nfe_forward}{backward}")

    return [Contender(OURS, gradient if case.task.differentiates else forward, read)]


def torchdiffeq_contenders(case: Case) -> Sequence[Contender | Absent]:
    """``odeint`` forward; ``odeint_adjoint`` and backpropagation through ``odeint`` for a gradient."""
    if case.task is PER_SAMPLE:
        return []
    torchdiffeq = import_peer("torchdiffeq")
    if isinstance(torchdiffeq, str):
        return [Absent("torchdiffeq", torchdiffeq)]
    field = Sequential(case.field())
    traced, y0 = WithTrace(field), case.y0
    start = y0.new_zeros(len(y0))
    forwards, backwards = torch.tensor([0.0, 1.0]).to(y0), torch.tensor([1.0, 0.0]).to(y0)
    options = {"rtol": case.tolerance, "atol": case.tolerance, "method": case.method}

    def forward() -> Found:
        field.nfe = 0
        with torch.no_grad():
            y = torchdiffeq.odeint(field, y0, forwards, **options)
        return [y[-1]], field.nfe

    def gradient(odeint) -> Found:
        field.nfe = 0
        if case.task is DENSITY:
            z, change = odeint(traced, (y0, start), backwards, **options)
            loss = negative_log_likelihood(z[-1], change[-1])
        else:
            loss = squared_length(odeint(field, y0, forwards, **options)[-1])
        nfe = field.nfe
        parts = gradients(field, loss)
        # Backpropagation evaluates nothing again, it takes one vector-Jacobian product for each evaluation.
        return parts, f"{nfe} + {field.nfe - nfe or nfe}"

    if case.task is FORWARD:
        return [Contender(ODEINT, forward, read_text)]
    return [
        Contender(ODEINT_ADJOINT, lambda: gradient(torchdiffeq.odeint_adjoint), read_text),
        Contender(TORCHDIFFEQ_BACKPROP, lambda: gradient(torchdiffeq.odeint), read_text),
    ]


def torchode_contenders(case: Case) -> Sequence[Contender | Absent]:
    """torchode, whose samples have their own steps in every task; gradients by backpropagation.

    It is given the integral controller, which is its default and torchdiffeq's only one.
    """
    torchode = import_peer("torchode")
    if isinstance(torchode, str):
        return [Absent(TORCHODE, torchode)]
    field = Sequential(case.field())
    traced, y0 = WithTrace(field), case.y0
    batch, density = len(y0), case.task is DENSITY

    def with_trace(t: Tensor, state: Tensor) -> Tensor:
        value, change = traced(t, (state[:, :-1], state[:, -1]))
        return torch.cat([value, change[:, None]], 1)

    start = torch.cat([y0, y0.new_zeros(batch, 1)], 1) if density else y0
    times = torch.tensor([1.0, 0.0] if density else [0.0, 1.0]).to(y0).expand(batch, 2).contiguous()
    term = torchode.ODETerm(with_trace if density else field)
    controller = torchode.IntegralController(atol=case.tolerance, rtol=case.tolerance, term=term)
    solver = torchode.AutoDiffAdjoint(torchode.Dopri5(term=term), controller)
    problem = torchode.InitialValueProblem(y0=start, t_eval=times)

    def forward() -> Found:
        field.nfe = 0
        with torch.no_grad():
            solution = solver.solve(problem)
        return [solution.ys[:, -1]], field.nfe

    def gradient() -> Found:
        field.nfe = 0
        y = solver.solve(problem).ys[:, -1]
        loss = negative_log_likelihood(y[:, :-1], y[:, -1]) if density else squared_length(y)
        return gradients(field, loss), f"{field.nfe} + {field.nfe}"

    return [Contender(TORCHODE, gradient if case.task.differentiates else forward, read_text)]


def read_text(found: Found) -> Outcome:
    parts, nfe = found
    return Outcome(list(parts), str(nfe))
