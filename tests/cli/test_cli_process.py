"""The command as a process of its own: what it imports, how it ends."""

import os
import subprocess
import sys

import numpy as np
import pytest

from odeviz.storage import save_model
from odeviz.tasks.presets import PRESETS
from odeviz.tasks.registry import expected_shapes
from odeviz.training.snapshot import Snapshot

#: Runs the command line it is given and prints which of the heavy packages that imported.
REPORT = """
import sys
from odeviz.cli import main
code = main(sys.argv[1:])
heavy = ("torch", "PySide6", "matplotlib", "scipy", "pyqtgraph")
print("imported:", *(name for name in heavy if name in sys.modules))
sys.exit(code)
"""


def imported(*argv):
    done = subprocess.run(
        [sys.executable, "-c", REPORT, *argv], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.splitlines()[-1].removeprefix("imported:").split()


@pytest.fixture
def model(tmp_path):
    experiment = PRESETS["moons-classifier"].experiment
    weights = {name: np.zeros(shape, np.float32) for name, shape in expected_shapes(experiment).items()}
    path = tmp_path / "m.odeviz"
    save_model(path, Snapshot(experiment, 0, 0.0, weights))
    return str(path)


def test_listing_and_telling_import_nothing_heavy(model):
    assert imported("list") == []
    assert imported("info", model) == []


def test_solving_imports_torch_but_neither_qt_nor_matplotlib(model):
    assert imported("solve", model, "--seeds", "2") == ["torch"]


def test_a_reader_that_has_gone_is_no_error():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "odeviz", "list"],
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_mistake_ends_with_two_and_no_traceback():
    command = [sys.executable, "-m", "odeviz", "train", "nothing"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("odeviz: error: there is no preset 'nothing'")
    assert done.stderr.count("\n") == 1
