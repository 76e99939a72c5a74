"""Drawing in a process of its own: what is drawn there keeps no window waiting here.

:class:`Apart` is this process's end, :func:`main` runs in the other. A message is a pickle whose arrays follow it as
they lie in memory, so that nobody holds the interpreter lock to copy them; each side reads only what the other has
written. The process ends when nothing has been asked for a while, or when its pipe is closed: it outlives nobody.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
import queue
import struct
import subprocess
import threading
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from odeviz.exporting.output import FILM, Material, Order, figure_bytes, preview, write
from odeviz.exporting.video import Cancel
from odeviz.storage.origin import Origin
from odeviz.training import child
from odeviz.training.engine import load_engine
from odeviz.training.snapshot import Snapshot

#: Seconds without a task after which the process ends, and from the closing of its pipe until it is killed.
IDLE, _GRACE = 120.0, 0.5
#: Said instead of a task: give up the one that is being done.
_CANCEL = "cancel"

Report = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Filming:
    """A film to be computed and written: the request that a study of ``snapshot`` answers with it, and its panel."""

    snapshot: Snapshot
    request: Any
    panel: str
    origin: Origin


class ApartError(RuntimeError):
    """The process that draws failed, in a way that nobody foresaw."""


class _TheirsError(Exception):
    """The other process's traceback."""


class Apart:
    """Draws in a process that is started when it is first needed. One call at a time; others wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def figure_bytes(self, material: Material, order: Order) -> bytes:
        """As :func:`odeviz.exporting.output.figure_bytes`."""
        content: bytes = self._call("figure", (material, order))
        return content

    def preview(self, material: Material, order: Order, width: int, height: int) -> Any:
        """As :func:`odeviz.exporting.output.preview`."""
        return self._call("preview", (material, order, width, height))

    def write(self, material: Material, order: Order, path: Path) -> bool:
        """As :func:`odeviz.exporting.output.write`."""
        return bool(self._call("write", (material, order, path.absolute())))

    def film(self, film: Filming, order: Order, path: Path, report: Report, cancel: Cancel) -> bool:
        """Compute a film and write it; ``report`` is told what is being done, how much of it, and of how much.

        False if it was cancelled; then there is no file. Raises ``ValueError`` in one sentence.
        """
        return bool(self._call("film", (film, order, path.absolute()), report, cancel))

    def close(self) -> None:
        """End the process, and what it is doing; nothing can be drawn any more."""
        self._closed = True
        process = self._process
        if process is None or process.stdin is None:
            return
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # Whoever waits for an answer is told now that there will be none.
        if self._lock.acquire(timeout=_GRACE):
            self._forget()
            self._lock.release()

    def _call(
        self, what: str, given: tuple[Any, ...], report: Report | None = None, cancel: Cancel | None = None
    ) -> Any:
        with self._lock:
            while not self._closed:
                process = self._process
                fresh = process is None or process.poll() is not None
                if process is None or fresh:
                    self._forget()
                    process = self._process = child.start("odeviz.exporting.apart")
                try:
                    return self._talk(process, (what, given), report, cancel)
                except (EOFError, OSError, pickle.UnpicklingError):
                    # One that was still there may have ended in the same moment, as it had nothing to do.
                    if fresh:
                        raise ApartError(f"the process that draws ended: {self._forget()}") from None
            raise ApartError("nothing is drawn any more")

    def _forget(self) -> str:
        """Let the process go; how it ended."""
        process, self._process = self._process, None
        if process is None:
            return ""
        how = child.how_it_ended(process, _GRACE)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        return how

    @staticmethod
    def _talk(
        process: subprocess.Popen[bytes], task: object, report: Report | None, cancel: Cancel | None
    ) -> Any:
        assert process.stdin is not None
        assert process.stdout is not None
        _send(process.stdin, task)
        wanted = True
        while True:
            kind, told = _receive(process.stdout)
            if kind == "done":
                return told
            if kind == "error":
                raise ValueError(told)
            if kind == "failed":
                raise ApartError(told[0]) from _TheirsError(told[1])
            if report is not None:
                report(*told)
            if wanted and cancel is not None and cancel.is_set():
                wanted = False
                _send(process.stdin, _CANCEL)


def _send(pipe: Any, message: object) -> None:
    arrays: list[pickle.PickleBuffer] = []
    body = pickle.dumps(message, 5, buffer_callback=arrays.append)
    parts = [memoryview(body), *(array.raw() for array in arrays)]
    sizes = [part.nbytes for part in parts]
    pipe.write(struct.pack(f"<{len(parts) + 1}Q", len(parts), *sizes))
    for part in parts:
        pipe.write(part)
    pipe.flush()


def _receive(pipe: Any) -> Any:
    (count,) = struct.unpack("<Q", _exactly(pipe, 8))
    sizes = struct.unpack(f"<{count}Q", _exactly(pipe, 8 * count))
    body, *arrays = (_exactly(pipe, size) for size in sizes)
    # Only what the program itself sends down a pipe is unpickled, never a file.
    return pickle.loads(body, buffers=arrays)


def _exactly(pipe: Any, size: int) -> bytes:
    content: bytes = pipe.read(size)
    if len(content) < size:
        raise EOFError
    return content


# In the other process.


def main() -> None:
    """Draw as told through stdin; never returns."""
    asked, told = child.take_pipes()
    with contextlib.suppress(AttributeError, OSError):
        # A film may take a minute: the window, and training, come first.
        os.nice(5)
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    cancel = threading.Event()
    threading.Thread(target=_listen, args=(asked, tasks, cancel), daemon=True).start()
    with contextlib.suppress(queue.Empty, OSError):
        while (task := tasks.get(timeout=IDLE)) is not None:
            _send(told, _outcome(*task, partial(_report, told), cancel))
    os._exit(0)


def _listen(asked: BinaryIO, tasks: queue.SimpleQueue[Any], cancel: threading.Event) -> None:
    """Hand on tasks; a cancel, or the pipe's end, is for the one that is being done."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            message = _receive(asked)
            if message == _CANCEL:
                cancel.set()
            else:
                cancel.clear()
                tasks.put(message)
    cancel.set()
    tasks.put(None)


def _outcome(what: str, given: tuple[Any, ...], report: Report, cancel: threading.Event) -> tuple[str, Any]:
    try:
        if what == "film":
            return "done", _film(*given, report, cancel)
        return "done", {"figure": figure_bytes, "preview": preview, "write": write}[what](*given)
    except (ValueError, OSError) as error:
        return "error", str(error)
    except Exception as error:
        return "failed", (f"{type(error).__name__}: {error}", traceback.format_exc())


def _film(film: Filming, order: Order, path: Path, report: Report, cancel: threading.Event) -> bool:
    load_engine()
    from odeviz.analysis.study import Study

    request = dataclasses.replace(film.request, report=partial(report, "Computing"))
    made = request.answer(Study(film.snapshot), cancel)
    if made is None:
        return False
    material = Material(FILM, {"film": made, "panel": film.panel}, made, film.origin)
    return write(material, order, path, partial(report, "Drawing"), cancel)


def _report(told: BinaryIO, doing: str, done: int, of: int) -> None:
    _send(told, ("report", (doing, done, of)))
