"""Stop rules: when a run ends before its iterations are done, and the sentence that says why. No torch."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from odeviz.tasks.experiment import TrainingConfig
from odeviz.tasks.numerals import thousands

#: A single batch's loss is noise: rules judge the mean over so many iterations.
WINDOW = 20


class StopRules:
    """Judges a run after every iteration by the settings ``training.seconds``, ``target_loss`` and ``patience``."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=WINDOW)
        self._best = math.inf
        #: Iterations since the lowest mean.
        self._waited = 0
        #: A person let the run go on although time was up or the loss was reached.
        self._overruled = False

    def progress(self, training: TrainingConfig, iteration: int, seconds: float) -> float:
        """How much of the run is done, from 0 to 1: what a learning-rate schedule follows."""
        share = iteration / training.iterations
        if training.seconds and not self._overruled:
            share = max(share, seconds / training.seconds)
        return min(share, 1.0)

    def see(self, loss: float) -> None:
        """Take note of an iteration's loss."""
        self._recent.append(loss)
        self._waited += 1
        if len(self._recent) < WINDOW:
            self._waited = 0
        elif self._mean < self._best:
            self._best, self._waited = self._mean, 0

    def verdict(self, training: TrainingConfig, iteration: int, seconds: float) -> str:
        """Why the run ends now, in one sentence; "" while it goes on."""
        at = f"Stopped at iteration {thousands(iteration)}: "
        if training.seconds and seconds >= training.seconds and not self._overruled:
            spent = (
                "" if seconds < 1.1 * training.seconds else f" It has taken {thousands(seconds)} s so far."
            )
            return f"{at}{training.seconds:g} s of training are over.{spent}"
        full = len(self._recent) == WINDOW and not self._overruled
        if training.stop_at_loss and full and self._mean <= training.target_loss:
            return f"{at}the loss, averaged over {WINDOW} iterations, has reached {training.target_loss:g}."
        if training.patience and self._waited >= training.patience:
            return (
                f"{at}the loss, averaged over {WINDOW} iterations, has found no new lowest value for "
                f"{thousands(training.patience)} iterations."
            )
        return ""

    def overrule(self) -> None:
        """The run shall go on: time and loss are judged no more, patience begins anew."""
        self._overruled, self._waited = True, 0

    def renew(self) -> None:
        """The settings have changed: judge by all of them; patience begins anew."""
        self._overruled, self._waited = False, 0

    @property
    def _mean(self) -> float:
        return math.fsum(self._recent) / len(self._recent)

    def state_dict(self) -> dict[str, Any]:
        return {
            "recent": list(self._recent),
            "best": self._best,
            "waited": self._waited,
            "overruled": self._overruled,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._recent = deque(state["recent"], maxlen=WINDOW)
        self._best, self._waited, self._overruled = state["best"], state["waited"], state["overruled"]
