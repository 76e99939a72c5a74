"""Films drawn in a process of their own: what draws them there keeps no window waiting here.

``python -m odeviz.exporting.apart`` reads what to draw from its standard input, tells on its standard output how far
it is, and gives up, leaving no file, when its input is closed: by a cancel, or because who began it is gone.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

from odeviz.exporting.output import Material, Order, write
from odeviz.exporting.video import Cancel, Progress


def write_apart(
    material: Material,
    order: Order,
    path: Path,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> bool:
    """As :func:`odeviz.exporting.output.write`, in another process; False if it was cancelled."""
    process = subprocess.Popen(
        [sys.executable, "-m", "odeviz.exporting.apart"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        wanted = True
        try:
            pickle.dump((material, order, str(path.absolute())), process.stdin)
            process.stdin.flush()
        except BrokenPipeError:
            pass  # it has said why on its output
        told: dict[str, object] = {}
        for line in process.stdout:
            told = json.loads(line)
            if "done" in told and progress is not None:
                progress(int(str(told["done"])), int(str(told["of"])))
            if wanted and cancel is not None and cancel.is_set():
                wanted = False
                process.stdin.close()
    if "error" in told:
        raise ValueError(str(told["error"]))
    if "whole" not in told:
        raise RuntimeError(f"the process that draws ended with code {process.returncode}")
    return bool(told["whole"])


def main() -> int:
    """Draw what the standard input says."""
    source = sys.stdin.buffer
    # Only what the program itself sends down a pipe is unpickled, never a file.
    material, order, path = pickle.load(source)
    cancel = threading.Event()
    threading.Thread(target=_watch, args=(source.fileno(), cancel), daemon=True).start()
    try:
        whole = write(material, order, Path(path), lambda done, of: _tell(done=done, of=of), cancel)
    except (ValueError, OSError) as error:
        _tell(error=str(error))
        return 1
    _tell(whole=whole)
    return 0


def _watch(source: int, cancel: threading.Event) -> None:
    """Cancel when the input ends. Past the buffer, whose lock would be missed when the process ends."""
    while os.read(source, 1024):
        pass
    cancel.set()


def _tell(**what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    sys.exit(main())
