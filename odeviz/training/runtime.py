"""Where a run computes: the device, with the reason for it, and the number of threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True, slots=True)
class Runtime:
    """A device, and one sentence that says why it was taken."""

    device: torch.device
    reason: str


def choose(device: str) -> Runtime:
    """The device for a setting ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises ``ValueError`` in one sentence when it is not there.
    """
    if device not in DEVICES:
        raise ValueError(f"device must be one of {', '.join(DEVICES)}, not {device!r}")
    if device == "auto":
        there = [name for name in ("cuda", "mps") if _available(name)]
        also = f"; {' and '.join(there)} can be chosen" if there else ""
        return Runtime(torch.device("cpu"), f"auto takes the CPU, the fastest for fields this small{also}.")
    if not _available(device):
        raise ValueError(f"device must be auto or cpu here: {_why_missing(device)}")
    return Runtime(torch.device(device), f"{device} was chosen.")


def _available(device: str) -> bool:
    if device == "cuda":
        return torch.cuda.is_available()
    return device == "cpu" or torch.backends.mps.is_available()


def _why_missing(device: str) -> str:
    if device == "cuda":
        if not torch.backends.cuda.is_built():  # type: ignore[no-untyped-call]
            return "this build of torch has no CUDA support"
        return "torch finds no CUDA device"
    if not torch.backends.mps.is_built():
        return "this build of torch has no MPS support, which is for Macs"
    return "torch finds no MPS device"


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch's operations on one thread meanwhile.

    For fields this small a second thread costs more than it gives; and one thread adds numbers in one order,
    so a run repeats bit for bit on any number of cores.
    """
    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
