"""Training in a process of its own: :func:`main` runs there, and talks to the window through two pipes.

Commands come in through stdin, a :class:`Letter` at a time goes out through stdout, all of them pickled: each side
reads only what the other has written. The process ends when the window's end of the pipe is closed, whoever closed it:
no process outlives its window.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import os
import pickle
import threading
import traceback
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from odeviz.training.checkpoints import Checkpoint
from odeviz.training.child import take_pipes
from odeviz.training.loop import Phase, Report, SessionFactory, TrainingLoop
from odeviz.training.memory import tidy
from odeviz.training.snapshot import History, Snapshot

#: The first thing said: whoever started the process knows by it that it has come up.
GREETING = b"odeviz\n"


@dataclass(frozen=True, slots=True)
class Parcel:
    """A snapshot without what has been sent before: only new checkpoints, and data that has changed."""

    snapshot: Snapshot
    #: The iterations of its checkpoints, and those of them that were not in the parcel before.
    moments: tuple[int, ...]
    checkpoints: tuple[Checkpoint, ...]
    data: Mapping[str, NDArray[np.generic]] | None


Letter = Report | Parcel


class Packer:
    """Makes parcels: a run's checkpoints and data, which never change, are sent once."""

    def __init__(self) -> None:
        self._sent: dict[int, Checkpoint] = {}
        self._data: object = None

    def pack(self, snapshot: Snapshot) -> Parcel:
        kept = {checkpoint.iteration: checkpoint for checkpoint in snapshot.checkpoints}
        new = tuple(each for moment, each in kept.items() if self._sent.get(moment) is not each)
        data = dict(snapshot.data) if snapshot.data is not self._data else None
        self._sent, self._data = kept, snapshot.data
        return Parcel(dataclasses.replace(snapshot, checkpoints=(), data={}), tuple(kept), new, data)

    def forget(self) -> None:
        """The run is gone: what was sent of it will not be asked for again."""
        self._sent, self._data = {}, None


class Unpacker:
    """Makes the snapshots again that were packed, in the order in which they were."""

    def __init__(self) -> None:
        self._kept: dict[int, Checkpoint] = {}
        self._data: Mapping[str, NDArray[np.generic]] = {}

    def unpack(self, parcel: Parcel) -> Snapshot:
        # Pickling forgets that an array is read-only.
        kept = self._kept | {each.iteration: each for each in parcel.checkpoints}
        self._kept = {moment: kept[moment] for moment in parcel.moments}
        for checkpoint in parcel.checkpoints:
            _freeze(checkpoint.weights)
        if parcel.data is not None:
            self._data = parcel.data
            _freeze(self._data)
        snapshot = parcel.snapshot
        _freeze(snapshot.weights)
        _freeze({name: getattr(snapshot.history, name) for name in History.__slots__})
        return dataclasses.replace(snapshot, checkpoints=tuple(self._kept.values()), data=self._data)

    def forget(self) -> None:
        """The run is gone, and the packer has forgotten it."""
        self._kept, self._data = {}, {}


def _freeze(arrays: Mapping[str, NDArray[Any]]) -> None:
    for array in arrays.values():
        array.setflags(write=False)


class Outbox:
    """What waits to be sent: every report in its order, and of the snapshots the latest.

    Training never waits for a slow reader.
    """

    def __init__(self) -> None:
        self._waiting: deque[Report | Snapshot] = deque()
        self._changed = threading.Condition()

    def put(self, item: Report | Snapshot) -> None:
        with self._changed:
            if isinstance(item, Snapshot):
                self._forget_snapshot()
            self._waiting.append(item)
            self._changed.notify()

    def take(self) -> None:
        """Take back the snapshot that waits."""
        with self._changed:
            self._forget_snapshot()

    def get(self) -> Report | Snapshot:
        """The next to send; waits until there is one."""
        with self._changed:
            while not self._waiting:
                self._changed.wait()
            return self._waiting.popleft()

    def _forget_snapshot(self) -> None:
        self._waiting = deque(item for item in self._waiting if not isinstance(item, Snapshot))


class LoopApart(TrainingLoop):
    """The loop with a process to itself."""

    def warm_up(self) -> None:
        super().warm_up()
        if self._session is None:
            # What has been imported stays: looking through it for garbage would hold up a step.
            gc.freeze()

    def tidy(self) -> None:
        tidy()


def main() -> None:
    """Train as told through stdin; never returns."""
    commands, letters = take_pipes()
    letters.write(GREETING)
    letters.flush()
    session_factory: SessionFactory = pickle.load(commands)
    outbox = Outbox()
    loop = LoopApart(session_factory, outbox, outbox.put)
    threading.Thread(target=_listen, args=(commands, loop), daemon=True).start()
    threading.Thread(target=_send, args=(outbox, letters), daemon=True).start()
    loop.run()
    os._exit(0)


def _listen(commands: BinaryIO, loop: TrainingLoop) -> None:
    with _ending():
        while True:
            loop.post(pickle.load(commands))


def _send(outbox: Outbox, letters: BinaryIO) -> None:
    packer = Packer()
    with _ending():
        while True:
            item = outbox.get()
            if isinstance(item, Snapshot):
                _write(packer.pack(item), letters)
                continue
            if item.phase is Phase.IDLE:
                packer.forget()
            _write(item, letters)


@contextlib.contextmanager
def _ending() -> Iterator[None]:
    """What runs in it runs until the window has gone. Then there is nothing to save; a step may take long."""
    try:
        yield
    except (EOFError, OSError):
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _write(message: object, stream: BinaryIO) -> None:
    # Pickled before a byte is written: a message goes whole or not at all.
    stream.write(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))
    stream.flush()
