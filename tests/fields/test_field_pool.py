"""Workspaces: reused between solves, never shared at once, never copied with the module."""

from __future__ import annotations

import copy
import gc
import pickle
import threading

import torch

from odeviz.engine import solve
from odeviz.fields import LogDensityField, MLPField
from odeviz.fields.pool import WorkspacePool


class Buffer:
    def __init__(self, size: int) -> None:
        self.size = size

    def bytes(self) -> int:
        return self.size


def test_pool_lends_what_was_given_back_for_the_same_key() -> None:
    pool: WorkspacePool[Buffer] = WorkspacePool()
    first = pool.take("a", lambda: Buffer(1))
    assert pool.take("a", lambda: Buffer(1)) is not first
    pool.put("a", first)
    assert pool.take("b", lambda: Buffer(1)) is not first
    assert pool.take("a", lambda: Buffer(1)) is first
    assert len(pool) == 0


def test_pool_drops_the_oldest_when_there_are_too_many_or_too_large() -> None:
    pool: WorkspacePool[Buffer] = WorkspacePool(limit=2, max_bytes=100)
    for key in "abc":
        pool.put(key, Buffer(10))
    assert len(pool) == 2
    pool.put("d", Buffer(95))
    assert len(pool) == 1
    pool.put("e", Buffer(101))
    assert len(pool) == 0


def test_workspace_may_come_back_in_the_middle_of_taking_or_giving() -> None:
    pool: WorkspacePool[Buffer] = WorkspacePool(limit=2)

    class Interrupted(Buffer):
        """Where the garbage collector may run, a workspace that it found comes back."""

        def bytes(self) -> int:
            pool.put("found", Buffer(1))
            return super().bytes()

    def work() -> None:
        pool.put("a", Interrupted(1))
        pool.take("a", lambda: Buffer(1))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert len(pool) <= 2


def test_training_goes_on_after_a_solve_in_inference_mode() -> None:
    field, y0 = MLPField(2, (8, 8)), torch.randn(16, 2)
    with torch.inference_mode():
        before = solve(field, y0, (0.0, 1.0), steps=4).y1
    for adjoint in ("discrete", "backsolve", "backprop"):
        after = solve(field, y0, (0.0, 1.0), steps=4, adjoint=adjoint).y1
        torch.testing.assert_close(after.detach(), before.clone())
        after.sum().backward()


def test_solves_reuse_one_workspace() -> None:
    field, y0 = MLPField(2, (8, 8)), torch.randn(16, 2)
    for _ in range(3):
        solve(field, y0, (0.0, 1.0), steps=4).y[-1].sum().backward()
        gc.collect()
        assert len(field.workspaces) == 1


def test_kernels_alive_at_once_do_not_disturb_each_other() -> None:
    field, y = MLPField(2, (8, 8)), torch.randn(16, 2)
    alone = solve(field, y, (0.0, 1.0), steps=4).y[-1].square().sum()
    alone.backward()
    expected = [p.grad.clone() for p in field.parameters()]
    field.zero_grad()
    first = solve(field, y, (0.0, 1.0), steps=4).y[-1].square().sum()
    second = solve(field, 2 * y, (0.0, 1.0), steps=4).y[-1].square().sum()
    first.backward()
    for p, gradient in zip(field.parameters(), expected, strict=True):
        assert torch.equal(p.grad, gradient)
    second.backward()


def test_released_twice_is_lent_once() -> None:
    field, y = MLPField(2), torch.zeros(3, 2)
    kernel = field.kernel(y)
    kernel.release()
    kernel.release()
    assert len(field.workspaces) == 1


def test_copies_and_pickles_carry_no_workspace() -> None:
    field, y = LogDensityField(MLPField(2, (8, 8))), torch.randn(5, 3)
    field.kernel(y).release()
    assert len(field.field.workspaces) == 1
    for twin in (copy.deepcopy(field), pickle.loads(pickle.dumps(field))):
        assert len(twin.field.workspaces) == 0
        assert twin.field.workspaces is not field.field.workspaces
        assert torch.equal(twin(0.1, y), field(0.1, y))
    assert not any("workspace" in name for name in field.state_dict())


def test_threads_solving_at_once_agree_with_one() -> None:
    field, starts = MLPField(2, (16, 16)), [torch.randn(20, 2) for _ in range(4)]

    def run(y0: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return solve(field, y0, (0.0, 1.0), steps=10).y[-1]

    expected = [run(y0) for y0 in starts]
    results: list[list[torch.Tensor]] = [[] for _ in starts]
    threads = [
        threading.Thread(target=lambda i=i: results[i].extend(run(starts[i]) for _ in range(20)))
        for i in range(len(starts))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for wanted, found in zip(expected, results, strict=True):
        assert len(found) == 20
        assert all(torch.equal(wanted, y) for y in found)


def test_field_moves_between_precisions() -> None:
    field = MLPField(2, (8, 8))
    for dtype in (torch.float32, torch.float64, torch.float32):
        field.to(dtype)
        with torch.no_grad():
            assert solve(field, torch.zeros(3, 2, dtype=dtype), (0.0, 1.0), steps=2).y.dtype is dtype
