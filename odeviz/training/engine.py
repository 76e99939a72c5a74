"""Loading the engine: torch takes seconds to import, so a worker does it, once."""

from __future__ import annotations

import threading
from importlib import import_module

_lock = threading.Lock()


def load_engine(*modules: str, optimizer: bool = False) -> None:
    """Import torch and ``modules`` that need it; with ``optimizer`` also what trains with it.

    Every worker thread calls it before anything that needs torch. Two threads never import torch's mutually
    dependent modules at the same time: that could show one of them a half-made module.
    """
    with _lock:
        import torch

        # Threads of OpenMP are counted per calling thread, so each worker says it for itself.
        torch.set_num_threads(1)
        for module in modules:
            import_module(module)
        if optimizer:
            import odeviz.training.session  # noqa: F401

            # The first optimiser makes torch import its compiler, which takes longer than torch itself.
            torch.optim.Adam([torch.zeros(1, requires_grad=True)])
