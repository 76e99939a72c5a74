"""The window's end of the process that trains (:mod:`odeviz.training.process`)."""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from odeviz.bridge.mailbox import Mailbox
from odeviz.training.child import how_it_ended, start
from odeviz.training.loop import Command, Phase, Report, SessionFactory
from odeviz.training.process import GREETING, Letter, Parcel, Unpacker
from odeviz.training.snapshot import Snapshot

#: An environment variable: ``thread`` trains in the window's own process.
CHOICE = "ODEVIZ_TRAIN_IN"
#: Seconds from the closing of its pipe until it is killed.
_GRACE = 0.5


def is_wanted() -> bool:
    """Whether the environment leaves training to a process."""
    return os.environ.get(CHOICE) != "thread"


@dataclass(frozen=True, slots=True)
class Loss:
    """The process has ended, and nobody told it to."""

    process: TrainingProcess
    #: How it ended, as a clause.
    how: str


class TrainingProcess:
    """A training loop in a process of its own: commands in; reports, and snapshots in ``mailbox``, out.

    ``report`` and ``lost`` are called from a thread.
    """

    def __init__(
        self,
        session_factory: SessionFactory,
        mailbox: Mailbox[Snapshot],
        report: Callable[[Report], None],
        lost: Callable[[Loss], None],
    ) -> None:
        self._session_factory = session_factory
        self._mailbox, self._report, self._lost = mailbox, report, lost
        self._commands: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._greeted = False
        self._unheard: list[Command] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = False
        # One writes and one reads: neither the window nor the process waits for the other.
        self._writer = threading.Thread(target=self._write, name="trainer-commands", daemon=True)
        self._reader = threading.Thread(target=self._read, name="trainer-letters", daemon=True)
        self._writer.start()

    @property
    def unheard(self) -> list[Command] | None:
        """What it has been told in vain, if it never came up; None if it has."""
        return None if self._greeted else self._unheard

    @property
    def pid(self) -> int | None:
        """Its number, once it has been started."""
        return None if self._process is None else self._process.pid

    def post(self, command: Command) -> None:
        """Send a command. Returns at once."""
        if not self._greeted:
            self._unheard.append(command)
        self._commands.put(command)

    def shutdown(self, timeout: float) -> bool:
        """End the process, by force if need be; True if it and its threads have ended within ``timeout`` seconds."""
        until = time.monotonic() + timeout
        self._closing = True
        self._commands.put(None)
        self._writer.join(min(_GRACE, timeout))
        process = self._process
        if process is not None:
            try:
                process.wait(max(0.0, min(_GRACE, until - time.monotonic())))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(max(0.1, until - time.monotonic()))
        ended = True
        for thread in (self._writer, self._reader):
            if thread.ident is not None:
                thread.join(max(0.1, until - time.monotonic()))
                ended &= not thread.is_alive()
        return ended

    def _write(self) -> None:
        """Start the process and write to it, until told to end."""
        try:
            self._process = process = start("odeviz.training.process")
        except OSError as error:
            self._tell_lost(str(error))
            return
        self._reader.start()
        assert process.stdin is not None
        try:
            with process.stdin as pipe:
                pickle.dump(self._session_factory, pipe)
                while (command := self._commands.get()) is not None:
                    pickle.dump(command, pipe, pickle.HIGHEST_PROTOCOL)
                    pipe.flush()
        except OSError:
            # The process has ended: the reader knows, too.
            pass

    def _read(self) -> None:
        process, unpacker = self._process, Unpacker()
        assert process is not None
        assert process.stdout is not None
        try:
            with process.stdout as pipe:
                self._greeted = pipe.read(len(GREETING)) == GREETING
                if self._greeted:
                    # It hears them all: nobody needs them any more, with the models that they carry.
                    self._unheard = []
                while self._greeted:
                    self._receive(pickle.load(pipe), unpacker)
        except (EOFError, OSError, pickle.UnpicklingError):
            pass
        self._tell_lost(how_it_ended(process, _GRACE))

    def _receive(self, letter: Letter, unpacker: Unpacker) -> None:
        if isinstance(letter, Parcel):
            self._mailbox.put(unpacker.unpack(letter))
            return
        if letter.phase is Phase.IDLE:
            # What came before it is of a session that is gone.
            self._mailbox.take()
            unpacker.forget()
        self._report(letter)

    def _tell_lost(self, how: str) -> None:
        if not self._closing:
            self._lost(Loss(self, how))
