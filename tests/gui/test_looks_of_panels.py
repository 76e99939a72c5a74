"""What every panel looks like, in light and dark and at one and two device pixels per pixel.

Each is compared with ``looks/NAME.png``: light beside dark, a quarter as large, so that letters are grey and a font's
hinting does not matter. After a change that is meant, draw them anew, look at them, and commit them::

    ODEVIZ_RENEW_LOOKS=1 python -m pytest -n 0 tests/gui/test_looks_of_panels.py
"""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontInfo, QImage
from PySide6.QtWidgets import QApplication, QWidget
from test_view_panel import TABLE, VIEWS, chart, maps

from odeviz.analysis.results import SolverChoice
from odeviz.panels.density_panel import DensityPanel
from odeviz.panels.experiment_form import ExperimentForm
from odeviz.panels.flow_view import FlowView
from odeviz.panels.history_panels import LossPanel, NfePanel
from odeviz.panels.log_panel import LogPanel
from odeviz.panels.series_panel import SeriesPanel
from odeviz.panels.solver_bar import SolverBar
from odeviz.panels.steps_panel import StepsPanel
from odeviz.panels.time_bar import TimeBar
from odeviz.panels.view_panel import ViewPanel
from odeviz.state.log import Note
from odeviz.tasks import Experiment
from odeviz.tasks.presets import PRESETS
from odeviz.widgets.grab import grab

LOOKS = Path(__file__).with_name("looks")
#: Pixels that become one.
COARSE = 4
#: How far two pictures may be apart, of 255, by pixels a pixel: on average, and the share of places that may be apart
#: by more than ``FAR``. At two, letters and thin lines are drawn otherwise.
TOLERANCE, FAR = {1: (0.5, 0.0003), 2: (1.5, 0.004)}, 32


@pytest.fixture
def scene(show, make_flow, field, density, decision, partial, data, history, steps):
    """Draws a panel by its name."""

    def flow():
        view = show(FlowView, size=(480, 400))
        view.set_extent(density.extent)
        view.set_field(field)
        view.set_density(density)
        view.set_data(data)
        view.set_flow(make_flow())
        view.set_seeds(np.array([[-0.5, 0.7]]), make_flow(1))
        view.set_layers({"contours": True, "base": True})
        view.set_time(0.6)
        return view

    def flow_decision():
        view = show(FlowView, size=(480, 400))
        view.set_extent(decision.extent)
        view.set_decision(decision)
        view.set_flow(make_flow(labels=np.full(6, -1)))
        view.set_colouring("time", None, ("class", "time", "speed"))
        view.set_message("The solver stopped at t = 0.4.")
        view.set_time(1.0)
        return view

    def density_panel():
        panel = show(DensityPanel, size=(360, 340))
        panel.set_density(partial)
        panel.set_data(data)
        return panel

    def decision_panel():
        panel = show(DensityPanel, size=(360, 340))
        panel.set_decision(decision)
        return panel

    def loss():
        panel = show(LossPanel, size=(360, 300))
        panel.set_kept(history, "another run")
        panel.set_history(history)
        return panel

    def nfe():
        panel = show(NfePanel, size=(360, 300))
        panel.set_history(history)
        return panel

    def steps_panel():
        panel = show(StepsPanel, size=(360, 300))
        panel.set_steps(steps, make_flow())
        return panel

    def series():
        panel = show(SeriesPanel, size=(360, 320))
        panel.set_names(("z₁", "z₂"))
        panel.set_seeds(make_flow(2))
        panel.set_time(0.5)
        return panel

    def time():
        bar = show(TimeBar, size=(640, 48))
        bar.set_steps(steps)
        bar.set_time(0.4)
        return bar

    def solver():
        bar = show(SolverBar, size=(700, 150))
        bar.set_cost(make_flow())
        bar.set_pinned(SolverChoice("tsit5", 1e-6, 1e-6), make_flow(nfe=62))
        return bar

    def form():
        panel = show(ExperimentForm, size=(320, 700))
        panel.set_presets(PRESETS)
        panel.set_experiment(Experiment.of("density").with_setting("seed", 7), Experiment.of("density"))
        return panel

    def view(picture):
        panel = show(ViewPanel, size=(420, 420))
        panel.set_views(VIEWS)
        panel.set_picture(picture)
        return panel

    def log():
        panel = show(LogPanel, size=(600, 200))
        for level in ("info", "warning", "error"):
            panel.add(Note(f"A message of the level {level}.", level, when=0.0))
        return panel

    return {
        "flow": flow, "flow-decision": flow_decision, "density": density_panel, "decision": decision_panel,
        "loss": loss, "nfe": nfe, "steps": steps_panel, "series": series, "time": time, "solver": solver,
        "experiment": form, "view-chart": lambda: view(chart()), "view-maps": lambda: view(maps()),
        "view-table": lambda: view(TABLE), "log": log,
    }  # fmt: skip


def coarse(panel, scale):
    """A panel at so many device pixels per pixel, each ``COARSE`` pixels a side one: ``[y, x, 3]``."""
    image = grab(panel, scale).toImage().convertToFormat(QImage.Format.Format_RGB888)
    side = COARSE * scale
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    pixels = rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)
    high, wide = (length // side for length in pixels.shape[:2])
    blocks = pixels[: high * side, : wide * side].reshape(high, side, wide, side, 3)
    return blocks.mean(axis=(1, 3))


NAMES = (
    "flow", "flow-decision", "density", "decision", "loss", "nfe", "steps", "series", "time", "solver", "experiment",
    "view-chart", "view-maps", "view-table", "log",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_panel_looks_as_it_did_in_light_and_dark_and_at_two_pixels_a_pixel(name, scene, theme):
    if QFontInfo(QApplication.font()).family() != "DejaVu Sans":
        pytest.skip("the pictures have letters of DejaVu Sans")
    panel = scene[name]()
    QApplication.processEvents()
    if QApplication.focusWidget() is not None:
        # A caret would blink.
        QApplication.focusWidget().clearFocus()
    seen = []
    for mode in ("light", "dark"):
        theme.set_mode(mode)
        QApplication.processEvents()
        for each in panel.findChildren(QWidget):
            # Wherever an earlier test has left the mouse.
            each.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
        seen.append({scale: coarse(panel, scale) for scale in TOLERANCE})
    path = LOOKS / f"{name}.png"
    if os.environ.get("ODEVIZ_RENEW_LOOKS"):
        Image.fromarray(np.hstack([each[1] for each in seen]).round().astype(np.uint8)).save(
            path, optimize=True
        )
    known = np.asarray(Image.open(path), dtype=np.float64)
    for scale, (mean, share) in TOLERANCE.items():
        apart = np.abs(np.hstack([each[scale] for each in seen]) - known).max(axis=2)
        assert apart.mean() <= mean, f"{scale} pixels a pixel"
        assert (apart > FAR).mean() <= share, f"{scale} pixels a pixel"
