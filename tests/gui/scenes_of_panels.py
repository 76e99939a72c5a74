"""Every panel but the flow view, made up of closed forms: a scene is a function of the tests' ``kit``."""

import dataclasses
from time import mktime

import numpy as np
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QGridLayout, QWidget
from test_view_panel import TABLE, VIEWS, chart, maps

from odeviz.analysis.overlays import AloneResult
from odeviz.analysis.results import SolverChoice, StepTable
from odeviz.panels.density_panel import DensityPanel
from odeviz.panels.experiment_form import ExperimentForm
from odeviz.panels.history_panels import LossPanel, NfePanel
from odeviz.panels.lit_dots import Crowd
from odeviz.panels.log_panel import LogPanel
from odeviz.panels.precision_panel import PrecisionPanel
from odeviz.panels.series_panel import SeriesPanel
from odeviz.panels.solver_bar import SolverBar
from odeviz.panels.steps_panel import StepsPanel
from odeviz.panels.time_bar import TimeBar
from odeviz.panels.view_panel import ViewPanel
from odeviz.state import Mark, Selection
from odeviz.state.log import Note
from odeviz.tasks import Experiment
from odeviz.tasks.chart import Chart, Charts, Curve, Map, Maps, frozen
from odeviz.tasks.own_time import OwnTime
from odeviz.tasks.presets import PRESETS
from odeviz.tasks.task import View
from odeviz.tasks.viewpoint import Control
from odeviz.training.snapshot import History

SIDE = (360, 300)


def density(kit):
    panel = kit.show(DensityPanel, size=(360, 340))
    panel.set_density(kit.partial)
    panel.set_data(kit.data)
    return panel


def decision(kit):
    panel = kit.show(DensityPanel, size=(360, 340))
    panel.set_decision(kit.decision)
    panel.set_crowd(
        Crowd({"trajectory": kit.flow()}, Selection((Mark("trajectory", 1),), Mark("trajectory", 4)))
    )
    panel.set_time(0.5)
    return panel


def loss(kit):
    panel = kit.show(LossPanel, size=SIDE)
    panel.set_kept(kit.history, "another run")
    panel.set_history(kit.history)
    return panel


def loss_of_density(kit):
    """Its metric shares the axis, and an earlier moment of the run is on show."""
    rows = np.arange(1, 401)
    nats = 1.6 + 1.4 * np.exp(-rows / 60)
    wave = 0.12 * np.sin(rows * 2.3)
    metric = np.where(rows % 20 == 0, nats, np.nan)
    panel = kit.show(LossPanel, size=SIDE)
    panel.set_history(
        History(rows, rows * 0.01, nats + wave, 14.0 + rows // 90, 20.0 + rows // 90, metric),
        Experiment.of("density"),
    )
    panel.set_ready(True)
    panel.set_moment(120)
    return panel


def nfe(kit):
    panel = kit.show(NfePanel, size=SIDE)
    panel.set_history(kit.history)
    return panel


def steps(kit):
    panel = kit.show(StepsPanel, size=SIDE)
    panel.set_steps(kit.steps, kit.flow())
    return panel


def steps_alone(kit):
    panel = kit.show(StepsPanel, size=SIDE)
    panel.set_steps(kit.steps, kit.flow())
    wide = StepTable(*(np.array(v) for v in ([0.0, 0.5], [0.5, 0.5], [0.3, 0.3], [True, True])))
    marks = (("seed", 0), ("trajectory", 4))
    panel.set_alone(AloneResult(SolverChoice(), marks, (kit.steps, wide)))
    panel.set_selection(Selection((Mark("seed", 0),), Mark("trajectory", 4)))
    panel.set_time(0.25)
    return panel


def series(kit):
    panel = kit.show(SeriesPanel, size=(360, 320))
    panel.set_names(("z₁", "z₂"))
    panel.set_seeds(kit.flow(2))
    panel.set_time(0.5)
    return panel


def series_lit(kit):
    """Selected trajectories beside the seeds, one of them under the mouse, over a person's own time."""
    clock = OwnTime(12.0, 2000.0)
    panel = kit.show(SeriesPanel, size=(360, 320))
    panel.set_names(("z₁", "z₂"))
    panel.set_seeds(kit.flow(2, clock=clock))
    panel.set_crowd(kit.flow(6, clock=clock))
    panel.set_selection(Selection((Mark("trajectory", 1), Mark("trajectory", 4)), Mark("trajectory", 2)))
    panel.set_time(0.5)
    return panel


def time(kit):
    bar = kit.show(TimeBar, size=(640, 48))
    bar.set_steps(kit.steps)
    bar.set_time(0.4)
    return bar


def time_narrow(kit):
    bar = kit.show(TimeBar, size=(300, 84))
    bar.set_clock(OwnTime(12.0, 2000.0))
    bar.set_steps(kit.steps)
    bar.set_time(1.0)
    bar.set_playing(True)
    return bar


def solver(kit):
    bar = kit.show(SolverBar, size=(700, 84))
    bar.set_cost(kit.flow())
    bar.set_pinned(SolverChoice("tsit5", 1e-6, 1e-6), kit.flow(nfe=62))
    return bar


def solver_own(kit):
    """Steps of its own for each trajectory, below the rounding of single precision."""
    bar = kit.show(SolverBar, size=(1100, 52))
    choice = SolverChoice("dopri5", 3e-8, 3e-8, per_sample=True)
    bar.set_choice(choice)
    bar.set_cost(kit.flow(choice=choice, nfe_each=np.arange(20, 26)))
    return bar


def solver_none(kit):
    bar = kit.show(SolverBar, size=(700, 84))
    bar.set_solves(False)
    return bar


def experiment(kit):
    panel = _form(kit, 320)
    panel.set_experiment(Experiment.of("density").with_setting("seed", 7), Experiment.of("density"))
    return panel


def experiment_wrong(kit):
    """A setting that cannot be so, one that waits for a restart, one that training has changed; at its least width."""
    panel = _form(kit, 264)
    preset = PRESETS["moons-classifier"]
    panel.set_base(preset)
    panel.set_preset("moons-classifier", changed=True)
    panel.set_experiment(preset.experiment.with_settings({"field.width": 7}), preset.experiment)
    panel.set_note("data.noise", "Learnt: 0.12")
    box = panel._rows["data.samples"].control.lineEdit()
    box.selectAll()
    QTest.keyClicks(box, "99999999")
    return panel


def view_chart(kit):
    return _view(kit, chart())


def view_charts(kit):
    """Over one time, with what they have in common said once, below a note."""
    charts = (chart(over_time=True), dataclasses.replace(chart(over_time=True), title="Waves again"))
    panel = _view(kit, Charts("Both", charts, note="Both are made of sines, with a band of ±0.1."))
    panel.set_time(1.2)
    return panel


def view_plane(kit):
    """Paths of the plane with the dots that ride on them, and a trajectory lit up from elsewhere."""
    turn = 2 * np.pi * np.linspace(0.0, 0.8, 41)
    rings = tuple(
        Curve(
            label, frozen(far * np.cos(turn)), frozen(far * np.sin(turn)), role, style, t=frozen(turn / 5.1)
        )
        for label, far, role, style in (("learnt", 0.9, "model", "line"), ("true", 1.3, "truth", "dashed"))
    )
    frame = (-2.0, 2.0, -2.0, 2.0)
    panel = _view(kit, Chart("Paths", "z₁", "z₂", rings, equal=True, at="playhead", frame=frame))
    panel.set_time(0.6)
    panel.set_crowd(
        Crowd({"trajectory": kit.flow()}, Selection((Mark("trajectory", 5),), Mark("trajectory", 0)))
    )
    return panel


def view_maps(kit):
    return _view(kit, maps())


def view_film(kit):
    """The picture at the playhead is framed."""
    axis = np.linspace(-2.0, 2.0, 30)
    x, y = np.meshgrid(axis, axis)
    film = tuple(
        Map(f"t = {t:g}", (-2.0, 2.0, -2.0, 2.0), frozen(np.exp(-((x - 2 * t + 1) ** 2) - y**2)), t=t)
        for t in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    panel = _view(kit, Maps("Film", film, columns=3, shared=True, scale="p"))
    panel.set_time(0.5)
    return panel


def view_signed(kit):
    """Values of both signs on one diverging scale, with the axes once."""
    axis = np.linspace(-2.0, 2.0, 30)
    x, y = np.meshgrid(axis, axis)
    extent = (-2.0, 2.0, -2.0, 2.0)
    pair = (Map("divergence", extent, frozen(x * y)), Map("curl", extent, frozen(np.sin(2 * x) + y)))
    return _view(kit, Maps("Signs", pair, 1, shared=True, diverging=True, scale="1/time", axes=("z₁", "z₂")))


def view_matrix(kit):
    counts = frozen(np.array([[2.0, 1.0, 97.0], [3.0, 88.0, 9.0], [97.0, 0.0, 3.0]]))
    one = Map("of 100 each", (-0.5, 2.5, -0.5, 2.5), counts, counts=counts)
    names = (("c", "b", "a"), ("a", "b", "c"))
    return _view(kit, Maps("Confusion", (one,), 1, axes=("taken for", "is"), matrix=names, scale="points"))


def view_table(kit):
    return _view(kit, TABLE)


def view_controls(kit):
    """Sliders of a view's own above its picture."""
    controls = (
        Control("z1", "z₁", "The first coordinate.", -3.0, 3.0, 0.4),
        Control("steps", "Steps", "How many.", 1, 9, 4, whole=True),
    )
    panel = kit.show(ViewPanel, size=(420, 420))
    panel.set_views(
        (View("own", "Latent plane", "What z₀ means.", controls=lambda _: controls),), (), Experiment()
    )
    panel.set_picture(chart())
    return panel


def precision(kit):
    """Error against NFE, half of it measured."""
    evaluations = frozen(np.array([14.0, 26.0, 50.0, 98.0, 190.0]))
    curves = tuple(
        Curve(name, evaluations, frozen(scale * evaluations**-order), role)
        for name, order, scale, role in (
            ("dopri5", 5.0, 3e3, "class0"), ("bosh3", 3.0, 30.0, "class1"), ("heun", 2.0, 10.0, "class2"),
        )
    )  # fmt: skip
    here = Curve("now", frozen(np.array([50.0])), frozen(np.array([1e-5])), "model", "points")
    panel = kit.show(PrecisionPanel, size=SIDE)
    panel.set_views((View("work-precision", "Error against NFE", "What accuracy costs."),))
    panel.set_picture(
        Chart("Precision", "NFE", "error", (*curves, here), x_log=True, y_log=True, progress=0.5)
    )
    return panel


def log(kit):
    panel = kit.show(LogPanel, size=(600, 200))
    for level in ("info", "warning", "error"):
        panel.add(
            Note(f"A message of the level {level}.", level, when=mktime((2026, 1, 2, 3, 4, 5, 0, 0, -1)))
        )
    return panel


def empty(kit):
    """What stands where there is nothing to show."""
    page = kit.show(Page, size=(640, 660))
    for place, kind in enumerate((LossPanel, StepsPanel, SeriesPanel, DensityPanel, ViewPanel, LogPanel)):
        panel = kind(kit.theme, page)
        page.layout().addWidget(panel, place // 2, place % 2)
        if kind is SeriesPanel:
            panel.set_names(("z₁",))
        if kind is DensityPanel:
            panel.set_there(False)
    page.grab()
    return page


class Page(QWidget):
    """Panels in two columns."""

    def __init__(self, theme):
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        for column in range(2):
            grid.setColumnStretch(column, 1)
            grid.setColumnMinimumWidth(column, 300)


SCENES = {
    "density": density, "decision": decision, "loss": loss, "loss-of-density": loss_of_density, "nfe": nfe,
    "steps": steps, "steps-alone": steps_alone, "series": series, "series-lit": series_lit, "time": time,
    "time-narrow": time_narrow, "solver": solver, "solver-own": solver_own, "solver-none": solver_none,
    "experiment": experiment, "experiment-wrong": experiment_wrong, "view-chart": view_chart,
    "view-charts": view_charts, "view-plane": view_plane, "view-maps": view_maps, "view-film": view_film,
    "view-signed": view_signed, "view-matrix": view_matrix, "view-table": view_table,
    "view-controls": view_controls, "precision": precision, "log": log, "empty": empty,
}  # fmt: skip


def _form(kit, width):
    """The form at a width that only a dock gives it: a window of its own would be as wide as its contents like."""
    panel = kit.show(ExperimentForm)
    panel.setFixedSize(width, 700)
    panel.set_presets(PRESETS)
    return panel


def _view(kit, picture):
    panel = kit.show(ViewPanel, size=(420, 420))
    panel.set_views(VIEWS)
    panel.set_picture(picture)
    return panel
