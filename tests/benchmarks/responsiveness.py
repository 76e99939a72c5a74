"""How the window feels, in figures: event-loop lateness while training, training kept, slider to picture, first paint.

Run from the repository root::

    python tests/benchmarks/responsiveness.py [--json FILE] [--rounds N] [--moves N]

Everything runs offscreen. Lateness is how much later than asked a 5 ms precise timer fires.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

PRESET = "moons-density"
#: Training gets slower as the flow gets sharper, so with and without the window the same iterations are timed.
FIRST, LAST, LENGTH = 50, 450, 100_000
GOALS = {
    "lateness_p99_ms": 16.0,
    "lateness_max_ms": 100.0,
    "training_kept": 0.70,
    "slider_median_ms": 50.0,
    "first_paint_s": 1.0,
}
FIRST_PAINT = """
import sys
from odeviz.app.startup import Desk, application
app = application()
desk = Desk(app)
desk.painted.connect(app.quit)
desk.painted.connect(lambda: print("painted", "torch" in sys.modules, flush=True))
desk.window.show()
app.exec()
desk.clear()
"""


class StallMeter:
    """A 5 ms precise timer that records how late it fires."""

    PERIOD = 0.005

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self.late: list[float] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._fired)
        self._timer.start(5)
        self._last = time.perf_counter()

    def _fired(self) -> None:
        now = time.perf_counter()
        self.late.append(max(0.0, now - self._last - self.PERIOD))
        self._last = now

    def stop(self) -> dict[str, float]:
        import numpy as np

        self._timer.stop()
        late = 1000 * np.array(self.late)
        return {
            "p50_ms": float(np.percentile(late, 50)),
            "p99_ms": float(np.percentile(late, 99)),
            "max_ms": float(late.max()),
        }


def first_paint(runs: int = 5) -> dict[str, float | bool]:
    """Seconds from the start of a process to its first paint; the first run warms the disk's cache."""
    seconds, torch_loaded = [], False
    for _ in range(runs + 1):
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-c", FIRST_PAINT], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds.append(time.perf_counter() - began)
        process.wait()
        torch_loaded |= line.split() != ["painted", "False"]
    return {"median_s": median(seconds[1:]), "torch_loaded": torch_loaded}


def alone() -> float:
    """Training iterations a second with no window, on one thread, from iteration FIRST to LAST."""
    from odeviz.tasks.presets import preset
    from odeviz.training import Session

    session = Session(preset(PRESET).experiment.with_setting("training.iterations", LENGTH))
    began = 0.0
    while session.iteration < LAST:
        session.step()
        if session.iteration == FIRST:
            began = time.perf_counter()
    return (LAST - FIRST) / (time.perf_counter() - began)


class Window:
    """A real window on the preset, offscreen and with nothing remembered."""

    def __init__(self) -> None:
        from odeviz.app.screenshot import wait
        from odeviz.app.startup import Desk, ToOpen, application

        self.app, self._wait = application(), wait
        self.desk = Desk(self.app)
        self.control = self.desk.controller
        self.desk.window.resize(1440, 900)
        self.desk.window.reset_layout()
        self.desk.open(ToOpen(preset=PRESET))
        self.until(lambda: {"flow", "background", "field"} <= self.control.pictures.results.keys(), 60)

    def until(self, ready, seconds: float) -> None:
        assert self._wait(ready, seconds), "the window did not become ready in time"

    def train(self) -> tuple[float, dict[str, float]]:
        """Train with the flow moving, over the same iterations: iterations a second, and lateness."""
        from odeviz.bridge import Phase

        control, bench = self.control, self.control.bench
        bench.set_experiment(bench.experiment.with_setting("training.iterations", LENGTH))
        control.run.restart()
        self.until(lambda: bench.snapshot.experiment == bench.experiment, 60)
        control.playback.play(True)
        self.until(lambda: bench.snapshot.iteration >= FIRST, 60)
        began, first = time.perf_counter(), bench.snapshot.iteration
        meter = StallMeter()
        self.until(lambda: bench.snapshot.iteration >= LAST, 120)
        made = (bench.snapshot.iteration - first) / (time.perf_counter() - began)
        lateness = meter.stop()
        control.trainer.pause()
        self.until(lambda: control.trainer.phase is Phase.PAUSED, 10)
        return made, lateness

    def slider(self, moves: int, trajectories: int) -> dict[str, float]:
        """From a move of the tolerance slider to its picture: milliseconds."""
        import numpy as np
        from PySide6.QtCore import QCoreApplication, QEventLoop

        pictures, window, bench = self.control.pictures, self.desk.window, self.control.bench
        # At the end of the flow, where every trajectory is drawn whole.
        self.control.playback.scrub(bench.playhead.t1)
        pictures.trajectories = trajectories
        self.until(lambda: pictures.settled, 120)
        rng, took, drawn = np.random.default_rng(0), [], []

        def painted() -> None:
            flow = pictures.results.get("flow")
            if flow is not None and flow.choice == bench.choice:
                drawn.append(time.perf_counter())

        window.painted.connect(painted)
        window.solver_bar.drag_started.emit()
        for _ in range(moves):
            rtol = float(10 ** rng.uniform(-6, -2))
            drawn.clear()
            began = time.perf_counter()
            window.solver_bar.slider.number_changed.emit(rtol)
            while not drawn:
                QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)
            took.append(1000 * (drawn[0] - began))
            assert pictures.results["flow"].paths.shape[1] == trajectories
            self._wait(lambda: False, 0.02)
        window.solver_bar.drag_finished.emit()
        window.painted.disconnect(painted)
        return {"median_ms": float(np.median(took)), "p95_ms": float(np.percentile(took, 95))}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument(
        "--rounds", type=int, default=3, help="times to train alone and in the window, in turns"
    )
    parser.add_argument("--moves", type=int, default=60, help="slider moves")
    options = parser.parse_args()

    paint = first_paint()
    apart, within, late = [alone()], [], []
    slider: dict[str, float] = {}
    for turn in range(options.rounds):
        window = Window()
        made, lateness = window.train()
        if turn == options.rounds - 1:
            slider = window.slider(options.moves, 1000)
        assert window.desk.clear(), "a thread did not end"
        apart.append(alone())
        within.append(made)
        late.append(lateness)
    kept = [made / ((apart[k] + apart[k + 1]) / 2) for k, made in enumerate(within)]
    figures = {
        **{f"lateness_{name}": median(each[name] for each in late) for name in ("p50_ms", "p99_ms")},
        "lateness_max_ms": max(each["max_ms"] for each in late),
        "training_alone_per_s": median(apart),
        "training_in_window_per_s": median(within),
        "training_kept": median(kept),
        "slider_median_ms": slider["median_ms"],
        "slider_p95_ms": slider["p95_ms"],
        "first_paint_s": paint["median_s"],
        "torch_loaded_at_first_paint": paint["torch_loaded"],
    }
    for name, value in figures.items():
        goal = GOALS.get(name)
        sign = "" if goal is None else f"   goal {'>=' if name == 'training_kept' else '<'} {goal:g}"
        print(f"{name:30s} {value if isinstance(value, bool) else format(value, '10.3f')}{sign}")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
