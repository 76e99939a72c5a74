"""The whole window, with the real engine, in processes of their own."""

import os
import subprocess
import sys

import pytest

SCREENSHOT = """
import sys, threading
from odeviz.app import screenshot
code = screenshot(sys.argv[1], preset="moons-classifier", iterations=3, theme="dark", size=(1024, 700), scale=2.0)
assert [t.name for t in threading.enumerate()] == ["MainThread"], threading.enumerate()
sys.exit(code)
"""
MONKEY = """
import faulthandler, random, sys
faulthandler.enable()
from PySide6.QtCore import QTimer
from odeviz.app.actions import ACTIONS
from odeviz.app.command_table import commands_of
from odeviz.app.startup import Desk, ToOpen, application

app = application()
app.setQuitOnLastWindowClosed(False)
desk = Desk(app)
troubles = []
desk.hooks.caught.connect(lambda trouble: troubles.append(trouble.details))
rng = random.Random(int(sys.argv[1]))
control = desk.controller

class Answers:
    def model_to_open(self, folder): return None
    def data_to_open(self, kinds): return None
    def file_to_save(self, title, suggestion, kinds): return None
    def keep_changes(self, what): return "discard"
    def trouble(self, trouble, title):
        # That there is nothing to paste is no trouble.
        if trouble.details: troubles.append(trouble.sentence)
    def shortcuts(self): pass
    def about(self): pass
    def run(self, make): make(desk.window).deleteLater()

answers = Answers()
for name in (name for name in vars(Answers) if not name.startswith("_")):
    setattr(control.dialogs, name, getattr(answers, name))
control._commands = commands_of(control)
keys = [spec.key for spec in ACTIONS if spec.key != "quit"]
left = 150

def act():
    global left
    left -= 1
    choice = rng.random()
    if choice < 0.7:
        action = desk.window.actions_[rng.choice(keys)]
        if action.isEnabled():
            action.trigger()
    elif choice < 0.85:
        desk.window.flow.seed_added.emit(rng.uniform(-2, 2), rng.uniform(-2, 2))
    else:
        entry = rng.choice(control.bench.experiment.entries())
        value = rng.choice(entry.about.choices) if entry.about.choices else rng.choice([entry.value, -1, 3])
        control.bench.edit(entry.path, value)
    if left == 0:
        app.quit()

timer = QTimer()
timer.timeout.connect(act)
desk.painted.connect(lambda: timer.start(20))
desk.open(ToOpen(preset="moons-classifier"))
app.exec()
timer.stop()
assert desk.clear(30.0), "a thread did not end"
app.processEvents()
print("troubles:", troubles)
"""


def run(script, *args):
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, args)],
        capture_output=True, text=True, timeout=110, env=environment, check=False,
    )  # fmt: skip


def test_a_screenshot_after_training_has_the_size_asked_for_and_leaves_no_thread(tmp_path):
    from PySide6.QtGui import QImage

    path = tmp_path / "window.png"
    done = run(SCREENSHOT, path)
    assert (done.returncode, done.stderr) == (0, "")
    picture = QImage(str(path))
    assert (picture.width(), picture.height()) == (2048, 1400)
    assert picture.pixelColor(4, 4).lightness() < 100


@pytest.mark.parametrize("seed", [1])
def test_a_monkey_over_all_actions_meets_no_exception_and_a_clean_end(seed):
    done = run(MONKEY, seed)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "troubles: []"
