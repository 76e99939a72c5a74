"""A session that costs nothing, for a process: importing it loads no engine."""

import dataclasses
import os
import time
from types import SimpleNamespace

import numpy as np

from odeviz.training.checkpoints import Checkpoint
from odeviz.training.snapshot import Snapshot


class Counting:
    """It cannot be hurried: a step takes as many seconds as its experiment's seed says."""

    message = ""
    runtime = SimpleNamespace(device="cpu", reason="There is no other.")
    finished, ended = False, ""

    def __init__(self, experiment, snapshot=None, data=()):
        print("This must not come between the letters.")
        self.experiment = experiment
        self.iteration = snapshot.iteration if snapshot else 0

    def step(self):
        self.iteration += 1
        time.sleep(self.experiment.seed or 0.001)
        return True

    def apply(self, experiment):
        self.experiment = experiment

    def snapshot(self):
        return Snapshot(self.experiment, self.iteration, 0.0, {"pid": np.array(os.getpid())})


#: What of a session stays, by its place in memory, on top of all the rest.
STAYS = []


class Hoarding(Counting):
    """It holds 64 MiB in pieces that an allocator keeps, 32 MiB in a checkpoint, and itself."""

    def __init__(self, experiment, snapshot=None, data=()):
        super().__init__(experiment, snapshot, data)
        self.hoard = [bytearray(b"x") * 100_000 for _ in range(670)]
        self.me = self
        STAYS.append(bytearray(100_000))
        self.kept = Checkpoint(0, 0.0, {"w": np.ones(2**22)})

    def snapshot(self):
        return dataclasses.replace(super().snapshot(), checkpoints=(self.kept,))
