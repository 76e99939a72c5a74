"""A monkey at the window: seeded actions over the whole registry, and what they leave behind.

    python tests/app/monkey.py --actions 20000 --seed 1

Prints what happened; the exit status is 1 after any exception, warning or trouble nobody foresaw, when memory has grown
by more than a tenth, or when a thread, process, timer or widget is left.
"""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import gc
import logging
import os
import random
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QPoint, Qt, QTimer, qInstallMessageHandler
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication

#: Where it comes back to.
HOME = "moons-classifier"
#: Memory is compared in the same state, so many times; the first quarter warms up.
STOPS, WARM = 20, 0.25
GROWTH = 0.10
#: What a size may be set to: no single action may take the machine away.
NUMBERS = (-1, 0, 1, 3, 16, 0.01, 0.5, "nonsense")


class Answers:
    """Takes the place of the dialogs, and answers at random."""

    def __init__(self, parent=None, log=None):
        self.parent = parent
        self.rng, self.folder, self.told = random.Random(0), Path(), []

    def model_to_open(self, folder):
        files = sorted(self.folder.glob("*.odeviz*"))
        return self.rng.choice([None, self.folder / "missing.odeviz", self.folder / "broken.odeviz", *files])

    def data_to_open(self, kinds):
        return self.rng.choice([None, self.folder / "points.csv", self.folder / "broken.csv"])

    def file_to_save(self, title, suggestion, kinds):
        return self.rng.choice([None, self.folder / f"{self.rng.randrange(4)}{suggestion.suffix}"])

    def keep_changes(self, sentence):
        return self.rng.choice(["save", "discard", "discard", "cancel"])

    def trouble(self, trouble, title):
        if trouble.unexpected:
            self.told.append(f"{title}: {trouble.sentence}\n{trouble.details}")

    def shortcuts(self):
        pass

    def about(self):
        pass

    def run(self, make):
        dialog = make(self.parent)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
        QTest.keyClicks(dialog, self.rng.choice(["a", "tr", "moons", ""]))
        dialog.close()


class Monkey:
    """Acts on a desk until it has had its number of actions; looks at the memory on the way."""

    def __init__(self, desk, actions: int, seed: int, pause: float) -> None:
        from odeviz.app.actions import ACTIONS

        self.desk, self.control, self.window = desk, desk.controller, desk.window
        self.bench = self.control.bench
        self.actions, self.done, self.pause = actions, 0, pause
        self.rng = random.Random(seed)
        #: The registry's keys by their group: one of fifty presets is as likely as one of two.
        self.keys: dict[str, list[str]] = {}
        for spec in ACTIONS:
            if spec.key != "quit":
                self.keys.setdefault(spec.key.partition(".")[0], []).append(spec.key)
        self.counts: Counter[str] = Counter()
        self.memory: list[tuple[int, float, float]] = []
        #: How an action is made, and how often of a hundred.
        self.ways = {
            self.trigger: 52, self.seed: 8, self.edit: 12, self.scrub: 6, self.drag: 5, self.hover: 5, self.click: 4,
            self.key: 3, self.panel: 3, self.resize: 2,
        }  # fmt: skip

    def act(self) -> None:
        way = self.rng.choices(list(self.ways), list(self.ways.values()))[0]
        self.counts[way.__name__] += 1
        self.done += 1
        way()

    def trigger(self) -> None:
        key = self.rng.choice(self.keys[self.rng.choice(list(self.keys))])
        action = self.window.actions_[key]
        if action.isEnabled():
            self.counts[f"action {key.partition('.')[0]}"] += 1
            action.trigger()

    def seed(self) -> None:
        self.window.flow.seed_added.emit(self.rng.uniform(-2, 2), self.rng.uniform(-2, 2))

    def edit(self) -> None:
        entry = self.rng.choice(self.bench.experiment.entries())
        values = entry.about.choices or (entry.value, *NUMBERS)
        self.control._on_edited(entry.path, self.rng.choice(values))

    def scrub(self) -> None:
        self.window.time_bar.time_changed.emit(self.rng.random() * self.bench.playhead.t1)

    def drag(self) -> None:
        bar = self.window.solver_bar
        bar.drag_started.emit()
        for _ in range(self.rng.randrange(1, 6)):
            bar.slider.number_changed.emit(10 ** self.rng.uniform(-6, -1))
            QCoreApplication.processEvents()
        bar.drag_finished.emit()

    def hover(self) -> None:
        flow = self.window.flow
        QTest.mouseMove(flow, QPoint(self.rng.randrange(flow.width()), self.rng.randrange(flow.height())))

    def click(self) -> None:
        """Press a button that is seen; those that close or undock a panel are among them."""
        buttons = [each for each in self.window.findChildren(QAbstractButton) if each.isVisible()]
        button = self.rng.choice([each for each in buttons if each.isEnabled()] or [None])
        if button is not None and getattr(button, "menu", lambda: None)() is None:
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def key(self) -> None:
        keys = (
            Qt.Key.Key_Tab,
            Qt.Key.Key_Delete,
            Qt.Key.Key_Left,
            Qt.Key.Key_Up,
            Qt.Key.Key_F,
            Qt.Key.Key_Space,
        )
        QTest.keyClick(QApplication.focusWidget() or self.window, self.rng.choice(keys))

    def panel(self) -> None:
        dock = self.rng.choice(list(self.window.docks.values()))
        self.rng.choice([dock.raise_, dock.show, dock.show, dock.hide])()

    def resize(self) -> None:
        self.window.resize(self.rng.randrange(1024, 1600), self.rng.randrange(700, 1000))

    # Memory.

    def home(self) -> None:
        """The same state each time: one model at rest, nothing else."""
        from odeviz.app.screenshot import wait
        from odeviz.bridge import Phase

        control, bench = self.control, self.bench
        control.dialogs.keep_changes = lambda sentence: "discard"
        # What was still to be opened or imported comes first.
        busy: list[bool] = [True]
        control.jobs.submit(int, lambda _: busy.clear(), lambda _: busy.clear())
        assert wait(lambda: not busy, 120), "the files are never done"
        shown = bench.snapshot
        control.documents.open_preset(HOME)
        # A run that still goes on has new snapshots, too.
        rests = lambda: control.trainer.phase is Phase.IDLE and bench.snapshot not in (None, shown)  # noqa: E731
        assert wait(rests, 120), "it opens nothing more"
        bench.clear_seeds()
        bench.undo_stack.clear()
        control.playback.scrub(bench.playhead.t1)
        self.window.resize(1280, 800)
        self.window.reset_layout()
        assert wait(lambda: control.pictures.settled, 120), "the pictures do not settle"
        del control.dialogs.keep_changes

    def look(self) -> None:
        self.home()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()
        trim()
        pid = self.control.trainer.pid
        self.memory.append((self.done, resident("self"), resident(pid) if pid else 0.0))

    def growth(self) -> float:
        """How much the memory has grown after the first quarter: the last three looks against the first three."""
        warm = [mib for done, mib, _ in self.memory if done >= WARM * self.actions]
        if len(warm) < 2:
            return 0.0
        few = max(1, min(3, len(warm) // 2))
        return sum(sorted(warm[-few:])) / sum(sorted(warm[:few])) - 1.0

    def play(self) -> None:
        """Act, and let the window breathe in between."""
        every = max(1, self.actions // STOPS)
        while self.done < self.actions:
            self.act()
            QCoreApplication.processEvents()
            if pause := round(1000 * self.pause * self.rng.choice((0, 0, 1, 3))):
                # Not processEvents with a time: that spins, and takes the interpreter away from those who compute.
                breath = QEventLoop()
                QTimer.singleShot(pause, breath, breath.quit)
                breath.exec()
            if self.done % every == 0 and self.actions >= 1000:
                self.look()
                done, here, there = self.memory[-1]
                print(f"{done:6d} actions  {here:7.1f} MiB  {there:7.1f} MiB training", flush=True)


def resident(pid: int | str) -> float:
    """MiB; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def trim() -> None:
    """Give back what malloc keeps, so that growth is ours."""
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def left_over(app) -> list[str]:
    """Widgets, timers, threads and processes that should be gone."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    app.processEvents()
    gc.collect()
    from shiboken6 import isValid

    found = [f"widget {widget!r}" for widget in app.topLevelWidgets()]
    found += [f"thread {thread.name}" for thread in threading.enumerate() if thread.name != "MainThread"]
    timers = [item for item in gc.get_objects() if issubclass(type(item), QTimer)]
    found += [f"timer {timer!r}" for timer in timers if isValid(timer) and timer.isActive()]
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    if children.exists():
        found += [f"process {pid}" for pid in children.read_text().split()]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--actions", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=0.02, help="seconds between two actions, about (0.02)")
    options = parser.parse_args()
    faulthandler.enable()
    warnings.simplefilter("error")
    complaints: list[str] = []
    qInstallMessageHandler(lambda kind, context, text: _note(text, complaints))

    class Listener(logging.Handler):
        def emit(self, record):
            complaints.append(record.getMessage())

    logging.getLogger("odeviz").addHandler(Listener(logging.WARNING))
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        code = at_the_window(Path(folder), options, complaints)
    qInstallMessageHandler(None)
    print(f"{options.actions} actions, seed {options.seed}: {time.monotonic() - began:.0f} s")
    return code


def _note(text: str, complaints: list[str]) -> None:
    """Keep what Qt says, but for what the offscreen platform cannot do."""
    if "This plugin does not support" not in text:
        complaints.append(f"Qt: {text}")


def at_the_window(folder: Path, options, complaints: list[str]) -> int:
    from odeviz.app import controller
    from odeviz.app.startup import Desk, ToOpen, application

    (folder / "broken.odeviz").write_bytes(b"no model")
    (folder / "broken.csv").write_text("x,y\n1,two\n")
    (folder / "points.csv").write_text("x,y\n" + "".join(f"{k % 7},{k % 5}\n" for k in range(200)))
    controller.Dialogs = Answers
    app = application()
    app.setQuitOnLastWindowClosed(False)
    desk = Desk(app, theme="light")
    monkey = Monkey(desk, options.actions, options.seed, options.pause)
    answers = desk.controller.dialogs
    answers.rng, answers.folder = monkey.rng, folder
    desk.hooks.caught.connect(lambda trouble: complaints.append(trouble.details))
    desk.open(ToOpen(preset=HOME))
    monkey.home()
    try:
        monkey.play()
    finally:
        ended = desk.clear(30.0)
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    complaints += answers.told
    rows = ", ".join(f"{name} {count}" for name, count in sorted(monkey.counts.items()))
    growth = monkey.growth()
    del desk, monkey, answers
    left = left_over(app) + ([] if ended else ["a worker did not end in time"])
    print(f"made: {rows}")
    print(f"memory after the warm-up: {growth:+.1%}")
    for line in (*complaints, *left):
        print(line)
    print(f"complaints: {len(complaints)}, left over: {len(left)}")
    return int(bool(complaints or left) or growth >= GROWTH)


if __name__ == "__main__":
    sys.exit(main())
