"""diffrax, compiled by XLA for the CPU on one thread, in the same process.

XLA takes the number of its threads from the environment when it is first imported. ``DirectAdjoint`` is not here:
at these sizes it took ten times as long as the others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any

import torch

from comparison.problem import DENSITY, PER_SAMPLE, Absent, Case, Contender, Outcome
from comparison.torch_peers import import_peer

DIFFRAX = "diffrax"
CHECKPOINTED, BACKSOLVE = "diffrax RecursiveCheckpointAdjoint", "diffrax BacksolveAdjoint"
SOLVERS = {"dopri5": "Dopri5", "tsit5": "Tsit5"}


@cache
def load() -> SimpleNamespace | str:
    """jax and diffrax on one thread, or one sentence on why they are not there."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    # Eigen's flag alone leaves a pool of as many threads as there are cores; NPROC sets its size.
    os.environ["NPROC"] = "1"
    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()
    for name in ("jax", "diffrax"):
        module = import_peer(name)
        if isinstance(module, str):
            return module
    import diffrax
    import jax

    jax.config.update("jax_cpu_enable_async_dispatch", False)
    return SimpleNamespace(jax=jax, jnp=jax.numpy, diffrax=diffrax)


@contextmanager
def double_precision() -> Iterator[None]:
    """In here jax leaves float64 as it is, which it otherwise turns into float32."""
    loaded = load()
    if isinstance(loaded, str):
        yield
        return
    loaded.jax.config.update("jax_enable_x64", True)
    try:
        yield
    finally:
        loaded.jax.config.update("jax_enable_x64", False)


def _network(jnp: Any) -> Callable[..., Any]:
    """The field: states ``[batch, dim]`` or ``[dim]``, parameters as (weight, bias) of each layer."""

    def network(t: Any, y: Any, layers: Any) -> Any:
        *hidden, (weight, bias) = layers
        for W, b in hidden:
            y = jnp.tanh(y @ W.T + b)
        return y @ weight.T + bias

    return network


def _with_trace(jax: Any, network: Callable[..., Any]) -> Callable[..., Any]:
    """(z, log p) with the exact trace, as diffrax's own example of a flow writes it."""

    def one(t: Any, z: Any, layers: Any) -> Any:
        value, pull_back = jax.vjp(lambda x: network(t, x, layers), z)
        (jacobian,) = jax.vmap(pull_back)(jax.numpy.eye(z.shape[0], dtype=z.dtype))
        return value, -jax.numpy.trace(jacobian)

    def batched(t: Any, state: Any, layers: Any) -> Any:
        return jax.vmap(lambda z: one(t, z, layers))(state[0])

    return batched


def diffrax_contenders(case: Case) -> Sequence[Contender | Absent]:
    """Forward; ``RecursiveCheckpointAdjoint`` (its default) and ``BacksolveAdjoint`` for a gradient."""
    loaded = load()
    if isinstance(loaded, str):
        return [Absent(DIFFRAX, loaded)]
    jnp = loaded.jnp
    layers = [
        (jnp.asarray(layer.weight.detach().numpy()), jnp.asarray(layer.bias.detach().numpy()))
        for layer in case.field().time_linears()
    ]
    start = jnp.asarray(case.y0.numpy())
    if case.task is DENSITY:
        start = (start, jnp.zeros(len(case.y0), start.dtype))
    adjoint = loaded.diffrax.RecursiveCheckpointAdjoint()
    if not case.task.differentiates:
        forward = _forward(loaded, case, adjoint)
        return [_contender(loaded, DIFFRAX, forward, layers, start, case.tolerance)]
    ways = {CHECKPOINTED: adjoint, BACKSOLVE: loaded.diffrax.BacksolveAdjoint()}
    return [
        _contender(loaded, name, _gradient(loaded, case, way), layers, start, case.tolerance)
        for name, way in ways.items()
    ]


def _solve(loaded: SimpleNamespace, case: Case, adjoint: Any) -> Callable[..., Any]:
    """(layers, start, tolerance) to the end state and the number of steps."""
    diffrax, jax = loaded.diffrax, loaded.jax
    network = _network(loaded.jnp)
    density = case.task is DENSITY
    term = diffrax.ODETerm(_with_trace(jax, network) if density else network)
    t0, t1 = (1.0, 0.0) if density else (0.0, 1.0)

    def solve(layers: Any, start: Any, tolerance: Any) -> Any:
        solution = diffrax.diffeqsolve(
            term,
            getattr(diffrax, SOLVERS[case.method])(),
            t0,
            t1,
            None,
            start,
            args=layers,
            stepsize_controller=diffrax.PIDController(rtol=tolerance, atol=tolerance),
            adjoint=adjoint,
        )
        end = solution.ys[0][-1] if density else solution.ys[-1]
        return (end, solution.ys[1][-1]) if density else end, solution.stats["num_steps"]

    return solve


def _forward(loaded: SimpleNamespace, case: Case, adjoint: Any) -> Callable[..., Any]:
    solve = _solve(loaded, case, adjoint)
    if case.task is PER_SAMPLE:
        solve = loaded.jax.vmap(solve, in_axes=(None, 0, None))

    def forward(layers: Any, start: Any, tolerance: Any) -> Any:
        end, steps = solve(layers, start, tolerance)
        return [end], steps

    return forward


def _gradient(loaded: SimpleNamespace, case: Case, adjoint: Any) -> Callable[..., Any]:
    solve = _solve(loaded, case, adjoint)

    def loss(layers: Any, start: Any, tolerance: Any) -> Any:
        end, steps = solve(layers, start, tolerance)
        if case.task is DENSITY:
            return (0.5 * (end[0] ** 2).sum(1) + end[1]).mean(), steps
        return (end**2).sum(1).mean(), steps

    def gradient(layers: Any, start: Any, tolerance: Any) -> Any:
        parts, steps = loaded.jax.grad(loss, has_aux=True)(layers, start, tolerance)
        return loaded.jax.tree_util.tree_leaves(parts), steps

    return gradient


def _contender(
    loaded: SimpleNamespace, name: str, function: Callable[..., Any], *arguments: Any
) -> Contender:
    compiled = loaded.jax.jit(function)

    def call() -> Any:
        return loaded.jax.block_until_ready(compiled(*arguments))

    def read(found: Any) -> Outcome:
        parts, steps = found
        # Six new stages a step, one at the start and one for the first step's size; backwards it does not say.
        return Outcome([torch.tensor(part.__array__()) for part in parts], str(6 * int(steps.max()) + 2))

    return Contender(name, call, read)
