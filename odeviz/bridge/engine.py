"""Loading the engine: torch takes seconds to import, so a worker thread does it, once."""

from __future__ import annotations

import threading

_lock = threading.Lock()


def load_engine(optimizer: bool = False) -> None:
    """Import torch and what solves with it; with ``optimizer`` also what trains with it.

    Call it from a worker thread before anything that needs torch. Two threads never import torch's
    mutually dependent modules at the same time: that could show one of them a half-made module.
    """
    with _lock:
        import odeviz.analysis.study
        from odeviz.training.runtime import one_thread

        one_thread()
        if optimizer:
            import odeviz.training.session

            odeviz.training.session.warm_up()
