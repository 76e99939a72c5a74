"""What a person does with the window, one scenario at a time, measured."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from PySide6.QtCore import QEventLoop, QTimer, qInstallMessageHandler

from .meter import Lateness, StallMeter

PRESET = "moons-density"
#: Training gets slower as the flow gets sharper, so with and without the window the same iterations are timed.
FIRST, LAST, QUICK_LAST, LENGTH = 50, 450, 150, 100_000
TRAJECTORIES = 1000


class Window:
    """A real window on the preset, offscreen and with nothing remembered."""

    def __init__(self) -> None:
        from odeviz.app.screenshot import say, wait
        from odeviz.app.startup import Desk, ToOpen, application

        qInstallMessageHandler(say)
        self.app, self._wait = application(), wait
        self.desk = Desk(self.app)
        self.control = self.desk.controller
        self.bench, self.pictures = self.control.bench, self.control.pictures
        # Nobody is there to be asked whether a trained model may go.
        self.control.dialogs.keep_changes = _discard
        self.desk.window.resize(1440, 900)
        self.desk.window.reset_layout()
        #: Lateness by scenario.
        self.lateness: dict[str, Lateness] = {}
        #: The picture of the flow that was painted last, and how many there were.
        self._flow: object = None
        self._pictures = 0
        self.desk.window.painted.connect(self._note_picture)
        self.desk.open(ToOpen(preset=PRESET))
        self.until(lambda: {"flow", "background", "field"} <= self.pictures.results.keys())
        self.until(lambda: self.pictures.settled)
        # Nobody opens the next thing before a look at the first: meanwhile plots are made in good time.
        self.rest(2.0)

    def until(self, ready: Callable[[], bool], seconds: float = 120.0) -> None:
        assert self._wait(ready, seconds), "the window did not become ready in time"

    def rest(self, seconds: float) -> None:
        """Let the window run."""
        self._wait(lambda: False, seconds)

    @contextmanager
    def measured(self, scenario: str) -> Iterator[None]:
        meter = StallMeter()
        try:
            yield
        finally:
            self.lateness[scenario] = meter.stop()
            meter.deleteLater()

    def open(self, name: str) -> None:
        """A preset's model, until its first picture has been painted and moves."""
        before = self.bench.snapshot
        self.control.documents.open_preset(name)
        self.until(lambda: self.bench.snapshot is not None and self.bench.snapshot is not before)
        self.until(lambda: "flow" in self.pictures.results)

    def close(self) -> None:
        assert self.desk.clear(10.0), "a thread did not end"
        self.app.processEvents()
        qInstallMessageHandler(None)

    def _note_picture(self, seconds: float) -> None:
        flow = self.pictures.results.get("flow")
        if flow is not None and flow is not self._flow:
            self._flow = flow
            self._pictures += 1

    # Training.

    def start_training(self, length: int = LENGTH) -> float:
        """Train from scratch; seconds from the click to the first iteration that the window knows of."""
        bench = self.bench
        bench.set_experiment(bench.experiment.with_setting("training.iterations", length))
        before, began = bench.latest, time.perf_counter()
        self.control.run.restart()
        self.until(lambda: bench.latest is not before and bench.latest.iteration >= 1)
        return time.perf_counter() - began

    def stop_training(self) -> None:
        from odeviz.bridge import Phase

        self.control.trainer.pause()
        self.until(lambda: self.control.trainer.phase is not Phase.TRAINING)

    def train(self, last: int = LAST) -> dict[str, float]:
        """Train with the flow moving, over the same iterations as alone."""
        control, bench = self.control, self.bench
        first = self.start_training()
        control.playback.play(True)
        self.until(lambda: bench.latest.iteration >= FIRST)
        began, iteration = time.perf_counter(), bench.latest.iteration
        self._pictures = 0
        with self.measured(f"training {PRESET}"):
            self.until(lambda: bench.latest.iteration >= last, 300.0)
        seconds = time.perf_counter() - began
        made, pictures = (bench.latest.iteration - iteration) / seconds, self._pictures / seconds
        self.stop_training()
        return {
            "per_s": made,
            "pictures_per_s": pictures,
            "first_s": first,
            "process_mib": self._process_mib(),
        }

    def train_preset(self, name: str, seconds: float) -> float:
        """Train any preset for some seconds; pictures a second."""
        self.open(name)
        # What is left of loading has a scenario of its own.
        self.until(lambda: self.pictures.settled)
        self.start_training()
        self.control.playback.play(True)
        self._pictures = 0
        with self.measured(f"training {name}"):
            self.rest(seconds)
        self.stop_training()
        return self._pictures / seconds

    def _process_mib(self) -> float:
        pid = self.control.trainer.pid
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            return float("nan")
        # What is not shared with the window's process.
        private = [line for line in text.splitlines() if line.startswith("Private_")]
        return sum(int(line.split()[1]) for line in private) / 1024

    # Time and particles.

    def play(self, seconds: float) -> tuple[float, float]:
        """Time that plays, then drifting particles: frames a second of these, and the p95 between two in ms."""
        self.control.playback.rewind()
        self.control.playback.play(True)
        with self.measured("playing"):
            self.rest(seconds)
        self.control.playback.play(False)
        self.bench.show_layer("tracers", True)
        self.rest(0.5)
        self.until(lambda: self.pictures.settled)
        frames: list[float] = []
        note = partial(_moment, frames)
        self.desk.window.painted.connect(note)
        with self.measured("particles"):
            self.rest(seconds)
        self.desk.window.painted.disconnect(note)
        self.bench.show_layer("tracers", False)
        between = 1000 * np.diff(frames)
        return len(between) / (frames[-1] - frames[0]), float(np.percentile(between, 95))

    def new_time(self, moves: int) -> list[float]:
        """From a new playhead time to a first picture of its density: milliseconds."""
        took, rng = [], np.random.default_rng(0)
        self.bench.show_layer("background", True)
        for _ in range(moves):
            t = float(rng.uniform(0.05, 0.95)) * self.bench.playhead.t1
            step = 0.02 * self.bench.playhead.t1
            began = time.perf_counter()
            self.control.playback.scrub(t)
            self._soon(lambda t=t, step=step: self._density_of(t, step))
            took.append(1000 * (time.perf_counter() - began))
            self.rest(0.05)
        return took

    def _density_of(self, t: float, step: float) -> bool:
        frame = self.pictures.background.frame
        return frame is not None and abs(frame.t - t) < step

    def _soon(self, ready: Callable[[], bool]) -> None:
        """Until it is so and painted, without the delay of a timer.

        The loop waits as the program's own does: ``processEvents`` with a time spins, and takes the interpreter away
        from the solver.
        """
        loop, timer = QEventLoop(), QTimer()
        painted = partial(_leave, loop, ready)
        self.desk.window.painted.connect(painted)
        # What was on show already is not painted again.
        timer.timeout.connect(lambda: loop.quit() if ready() and self.pictures.settled else None)
        timer.start(10)
        QTimer.singleShot(60_000, loop, loop.quit)
        loop.exec()
        timer.stop()
        self.desk.window.painted.disconnect(painted)
        assert ready(), "the picture did not come"

    # The solver's slider.

    def slide(self, moves: int, scenario: str) -> list[float]:
        """From a move of the tolerance slider to its picture: milliseconds."""
        pictures, bar, bench = self.pictures, self.desk.window.solver_bar, self.bench
        # At the end of the flow, where every trajectory is drawn whole.
        self.control.playback.scrub(bench.playhead.t1)
        pictures.asking.trajectories = TRAJECTORIES
        rng, took = np.random.default_rng(0), []
        bar.drag_started.emit()
        with self.measured(scenario):
            for _ in range(moves):
                began = time.perf_counter()
                bar.slider.number_changed.emit(float(10 ** rng.uniform(-6, -2)))
                self._soon(lambda: self._flow_is_of(bench.choice))
                took.append(1000 * (time.perf_counter() - began))
                self.rest(0.02)
        bar.drag_finished.emit()
        return took

    def _flow_is_of(self, choice: object) -> bool:
        flow = self.pictures.results.get("flow")
        return flow is not None and flow.choice == choice and flow.paths.shape[1] == TRAJECTORIES

    def slide_while_training(self, moves: int) -> list[float]:
        self.start_training()
        took = self.slide(moves, "dragging the slider in training")
        self.stop_training()
        return took

    # Files.

    def cards(self, names: tuple[str, ...]) -> list[float]:
        """From a gallery card to a moving picture: seconds."""
        took = []
        with self.measured("loading"):
            for name in names:
                began = time.perf_counter()
                self.open(name)
                self.until(lambda: self.bench.playhead.t > 0.0)
                took.append(time.perf_counter() - began)
                self.rest(0.5)
        return took

    def export(self, frames: int) -> None:
        """A film of the flow over time, of so many frames, while the flow plays."""
        control = self.control
        control.playback.play(True)
        control.do("export_figure")
        dialog = control.exports._dialog
        dialog.choose("film-flow", "gif")
        dialog.fps.setValue(10)
        dialog.seconds.setValue(frames / 10)
        with tempfile.TemporaryDirectory() as folder, self.measured("exporting an animation"):
            path = Path(folder) / "film.gif"
            control.dialogs.file_to_save = partial(_answer, path)
            dialog.go.click()
            self.until(path.exists, 300.0)
            self.until(lambda: control.exports.films.job is None)
        control.playback.play(False)


def _discard(sentence: str) -> str:
    return "discard"


def _answer(path: Path, *question: object) -> Path:
    return path


def _moment(frames: list[float], seconds: float) -> None:
    frames.append(time.perf_counter())


def _leave(loop: QEventLoop, ready: Callable[[], bool], seconds: float) -> None:
    if ready():
        loop.quit()


def alone(last: int = LAST) -> float:
    """Training iterations a second with no window, on one thread, from iteration FIRST to ``last``."""
    from odeviz.tasks.presets import preset
    from odeviz.training import Session

    session = Session(preset(PRESET).experiment.with_setting("training.iterations", LENGTH))
    began = 0.0
    while session.iteration < last:
        session.step()
        if session.iteration == FIRST:
            began = time.perf_counter()
    return (last - FIRST) / (time.perf_counter() - began)


def spread(values: list[float]) -> tuple[float, float]:
    """Median and 95th percentile."""
    return median(values), float(np.percentile(values, 95))
