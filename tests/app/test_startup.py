import gc
import os
import subprocess
import sys
from functools import partial

import pytest
from fake_window import FakeDialogs, FakeSession, FakeStudy

from odeviz.app import controller, startup
from odeviz.app.controller import Controller
from odeviz.bridge import JobRunner, SolveService, Trainer

RUN = """
import sys, threading
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from odeviz.app import run
app = QApplication(["odeviz"])
QTimer.singleShot(int(sys.argv[1]), app.closeAllWindows)
code = run(preset="moons-classifier")
assert [t.name for t in threading.enumerate()] == ["MainThread"], threading.enumerate()
sys.exit(code)
"""


@pytest.fixture
def make_desk(qapp, monkeypatch, nothing_left):
    dialogs = FakeDialogs()
    fakes = partial(
        Controller,
        trainer=Trainer(FakeSession, synchronous=True),
        service=SolveService(FakeStudy, synchronous=True),
        jobs=JobRunner(synchronous=True),
        dialogs=dialogs,
    )
    monkeypatch.setattr(controller, "Controller", fakes)
    desks = []

    def make():
        desk = startup.Desk(qapp, theme="light")
        desk.dialogs = dialogs
        desks.append(desk)
        return desk

    yield make
    for desk in desks:
        assert desk.clear()
    for worker in (fakes.keywords[name] for name in ("trainer", "service", "jobs")):
        worker.deleteLater()


pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def test_the_window_is_painted_before_a_model_is_opened(qtbot, make_desk):
    desk = make_desk()
    with qtbot.waitSignal(desk.painted, timeout=5000):
        desk.open()
        assert desk.controller.bench.snapshot is None
    qtbot.waitUntil(lambda: desk.controller.bench.snapshot is not None, timeout=5000)


def test_all_is_solved_for_that_was_seen_before_anybody_asked(qtbot, make_desk, monkeypatch):
    """A scene that lies as the view does already moves nothing: nothing more is said of what is seen."""
    desk = make_desk()
    monkeypatch.setattr(FakeStudy, "extent", desk.window.flow._extent)
    desk.window.resize(1200, 700)
    with qtbot.waitSignal(desk.painted, timeout=5000):
        desk.open()
    pictures = desk.controller.pictures
    qtbot.waitUntil(lambda: pictures.asking.extent is not None, timeout=5000)
    extent, (x0, x1, y0, y1) = pictures.asking.extent, desk.window.flow.seen_range
    assert x1 - x0 > 1.1 * (y1 - y0), "the flow has another shape than its scene"
    assert extent.x0 <= x0 < x1 <= extent.x1
    assert extent.y0 <= y0 < y1 <= extent.y1


def test_a_file_that_cannot_be_read_is_told_and_the_opening_preset_is_shown(qtbot, make_desk, tmp_path):
    path = tmp_path / "broken.odeviz"
    path.write_bytes(b"no model")
    desk = make_desk()
    desk.open(startup.ToOpen(path))
    qtbot.waitUntil(lambda: desk.controller.bench.snapshot is not None, timeout=5000)
    assert [title for title, _ in desk.dialogs.troubles] == ["broken.odeviz could not be opened"]
    assert desk.controller.bench.snapshot.experiment.task == "density"


def test_clearing_the_desk_puts_pythons_hooks_and_collector_back(qtbot, make_desk):
    before = sys.excepthook
    desk = make_desk()
    assert sys.excepthook is not before
    assert not gc.isenabled()
    desk.clear()
    assert sys.excepthook == before
    assert gc.isenabled()


@pytest.mark.parametrize("milliseconds", [300, 2500])
def test_closing_early_or_late_ends_with_exit_code_0_and_remembers_the_layout(tmp_path, milliseconds):
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(milliseconds)],
        capture_output=True, text=True, timeout=60, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "geometry" in (tmp_path / "odeviz" / "window.ini").read_text()
