"""The whole window, with the real engine, in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

from odeviz import app

SCREENSHOT = """
import sys, threading
from odeviz.app import screenshot
code = screenshot(sys.argv[1], preset="moons-classifier", iterations=3, theme="dark", size=(1024, 700), scale=2.0)
assert [t.name for t in threading.enumerate()] == ["MainThread"], threading.enumerate()
sys.exit(code)
"""


def run(*arguments):
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True, text=True, timeout=110, env=environment, check=False,
    )  # fmt: skip


def test_a_screenshot_after_training_has_the_size_asked_for_and_leaves_no_thread(tmp_path):
    from PySide6.QtGui import QImage

    path = tmp_path / "window.png"
    done = run("-c", SCREENSHOT, path)
    assert (done.returncode, done.stderr) == (0, "")
    picture = QImage(str(path))
    assert (picture.width(), picture.height()) == (2048, 1400)
    assert picture.pixelColor(4, 4).lightness() < 100


def test_a_monkey_over_all_actions_meets_nothing_unforeseen_and_leaves_nothing_behind():
    done = run(Path(__file__).with_name("monkey.py"), "--actions", 150, "--pause", 0.01)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "complaints: 0, left over: 0" in done.stdout


def test_what_is_ready_for_a_moment_only_is_waited_for_again(qapp, monkeypatch):
    # The module takes the place of the function by its name when it is imported.
    monkeypatch.setattr(app, "screenshot", app.screenshot)
    from odeviz.app.screenshot import wait

    answers = [False, True, False, True, True]
    assert wait(lambda: answers.pop(0), 20.0)
    assert not wait(lambda: False, 0.0)
