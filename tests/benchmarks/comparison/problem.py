"""What every contender solves: one field, one start, four tasks, and their answers in float64.

The field is an MLP 2-64-64-2 (tanh). The tasks are a forward solve, the gradient of a solve, the gradient of a
continuous normalizing flow's log-likelihood with the exact divergence, and a solve whose samples have each their
own steps. All take t from 0 to 1 (the flow from 1 to 0) by an adaptive method at rtol = atol.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from odeviz.fields import MLPField

WIDTHS = (64, 64)


@dataclass(frozen=True)
class Task:
    """Something to solve, at these batch sizes; ``quick`` ones are those a quick run measures."""

    name: str
    tolerance: float
    batches: tuple[int, ...]
    quick: tuple[int, ...]

    @property
    def differentiates(self) -> bool:
        return self in (GRADIENT, DENSITY)


FORWARD = Task("forward", 1e-6, (1, 64, 512, 2048), (64, 512))
GRADIENT = Task("gradient", 1e-5, (64, 512, 2048), (512,))
DENSITY = Task("CNF gradient", 1e-5, (64, 512, 2048), (512,))
PER_SAMPLE = Task("per-sample steps", 1e-6, (64, 512, 2048), (512,))
TASKS = (FORWARD, GRADIENT, DENSITY, PER_SAMPLE)


@dataclass(frozen=True)
class Case:
    """One task for one start ``y0 [batch, dim]``; ``scale`` multiplies the field's first weights."""

    task: Task
    y0: Tensor
    scale: float
    tolerance: float
    method: str = "dopri5"
    widths: tuple[int, ...] = WIDTHS

    def field(self) -> MLPField:
        return make_field(self.y0.dtype, self.scale, self.y0.shape[1], self.widths)


@dataclass(frozen=True)
class Outcome:
    """The numbers a contender found, and its evaluations of the field as text."""

    parts: list[Tensor]
    nfe: str


@dataclass(frozen=True)
class Contender:
    """Who solves a case: ``call`` is timed, ``read`` turns what it returned into an :class:`Outcome`."""

    name: str
    call: Callable[[], Any]
    read: Callable[[Any], Outcome]


@dataclass(frozen=True)
class Absent:
    """Who is not there, and why, in one sentence."""

    name: str
    reason: str


def make_field(dtype: torch.dtype, scale: float, dim: int = 2, widths: tuple[int, ...] = WIDTHS) -> MLPField:
    """The field with its first weights times ``scale``, which sets how many steps it takes.

    Ratios depend on it. As initialised (1) a field takes three steps, and what is timed is mostly the start-up; 3
    makes about ten steps at 1e-6; trained fields take twenty and more.
    """
    torch.manual_seed(0)
    field = MLPField(dim, widths, time="none")
    with torch.no_grad():
        for layer in field.time_linears():
            layer.weight.mul_(scale)
    return field.to(dtype)


def make_case(task: Task, batch: int, scale: float, dtype: torch.dtype = torch.float32) -> Case:
    torch.manual_seed(1)
    return Case(task, torch.randn(batch, 2).to(dtype), scale, task.tolerance)


class Sequential(nn.Module):
    """The field as a user of another library writes it; counts its evaluations."""

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


def squared_length(y: Tensor) -> Tensor:
    """The loss of the gradient task."""
    return y.square().sum(1).mean()


def negative_log_likelihood(z: Tensor, change: Tensor) -> Tensor:
    """Of a standard normal base, without its constant: the loss of the density task."""
    return (0.5 * z.square().sum(1) + change).mean()


def gradients(module: nn.Module, loss: Tensor) -> list[Tensor]:
    module.zero_grad()
    loss.backward()
    return [p.grad for p in module.parameters()]


@lru_cache(maxsize=16)
def _exact(task: Task, batch: int, scale: float, tolerance: float) -> tuple[Tensor, ...] | None:
    from comparison.torch_peers import torchdiffeq_contenders  # which needs what is above

    start = make_case(task, batch, scale, torch.float64)
    plain = FORWARD if task is PER_SAMPLE else task
    contenders = torchdiffeq_contenders(Case(plain, start.y0, scale, tolerance))
    if not isinstance(contenders[-1], Contender):
        return None
    found = contenders[-1]
    return tuple(part.detach() for part in found.read(found.call()).parts)


def exact(case: Case, tolerance: float = 1e-10) -> tuple[Tensor, ...] | None:
    """What a case's answer is: torchdiffeq in float64, differentiated by backpropagation; None without it."""
    return _exact(case.task, len(case.y0), case.scale, tolerance)


def relative_error(found: list[Tensor], answer: tuple[Tensor, ...]) -> float:
    """Over all numbers of an answer together."""
    a, b = (torch.cat([part.double().flatten() for part in parts]) for parts in (found, answer))
    return float((a - b).norm() / b.norm())
