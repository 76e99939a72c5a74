import dataclasses
import itertools

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage, QPainter, QPicture
from told import shown_keys

from odeviz.analysis.overlays import AloneResult
from odeviz.analysis.results import SolverChoice, StepTable
from odeviz.panels.density_panel import DensityPanel
from odeviz.panels.flow_view import FlowView
from odeviz.panels.history_panels import LossPanel, NfePanel
from odeviz.panels.line_shapes import runs, segments, stairs, thinned
from odeviz.panels.solver_bar import SolverBar
from odeviz.panels.steps_panel import StepsPanel
from odeviz.panels.time_bar import TimeBar
from odeviz.state import Mark, Selection
from odeviz.tasks import Experiment
from odeviz.tasks.numerals import figure, short
from odeviz.tasks.registry import task_of
from odeviz.training.snapshot import History, Score
from odeviz.widgets.legend import Key, Legend
from odeviz.widgets.plot import Plot, grown
from odeviz.widgets.value_axis import ValueAxis

PANELS = (FlowView, TimeBar, SolverBar, LossPanel, NfePanel, StepsPanel, DensityPanel)


@pytest.mark.parametrize("kind", PANELS)
def test_a_panel_names_itself_and_saves_its_picture(kind, show, tmp_path):
    panel = show(kind, size=(420, 320))
    assert panel.key
    assert panel.title == panel.accessibleName()
    panel.grab_png(tmp_path / "panel.png", scale=2.0)
    picture = QImage(str(tmp_path / "panel.png"))
    assert (picture.width(), picture.height()) == (2 * panel.width(), 2 * panel.height())


def test_a_picture_that_cannot_be_written_is_an_error_that_names_the_file(show, tmp_path):
    panel = show(NfePanel)
    with pytest.raises(OSError, match=r"no_folder.panel\.png"):
        panel.grab_png(tmp_path / "no_folder" / "panel.png")


@pytest.mark.parametrize("kind", [LossPanel, NfePanel, StepsPanel])
def test_an_empty_panel_says_what_to_do(kind, show):
    panel = show(kind)
    plot = panel.sizes if kind is StepsPanel else panel.plot
    assert plot._message.isVisible()
    assert len(plot._message.text()) > 20


def test_the_loss_of_a_classifier_is_logarithmic_and_reads_its_accuracy(show, history):
    panel = show(LossPanel)
    panel.set_history(history)
    assert panel._is_log
    np.testing.assert_allclose(panel._raw._lines[:, 3], np.log10(history.loss[1:]))
    assert shown_keys(panel)[-1] == ("accuracy", "98.0\u00a0%")
    assert not panel.plot._message.isVisible()


def test_the_loss_of_a_density_is_linear_with_its_nll_and_the_entropy(show, history):
    panel = show(LossPanel)
    panel.set_history(dataclasses.replace(history, loss=3 - history.loss), Experiment.of("density"))
    assert not panel._is_log
    assert dict(shown_keys(panel))["H"] == "2.394"
    assert panel._bound.value() == 2.3939
    assert panel.plot.viewRange()[1][0] <= 2.3939 <= panel.plot.viewRange()[1][1]


def test_the_legend_of_the_loss_says_what_its_numbers_are_taken_over(show, history):
    panel, experiment = show(LossPanel), Experiment.of("density")
    figure = task_of(experiment).headline
    panel.set_history(history, experiment, Score(figure, 2.5, final=False))
    assert [name for name, _ in shown_keys(panel)] == ["mean loss", "NLL", "H"]
    later = History(*(getattr(history, name)[:-1] for name in History.__slots__))
    panel.read(later, Score(figure, 2.4, final=True))
    assert ("final NLL", "2.400") in shown_keys(panel)
    assert len(panel._raw._lines) == len(history) - 1
    told = panel.legend.toolTip()
    assert "last 5 % of the iterations made" in told
    assert "final NLL 2.400: on up to 8,000 held-out points" in told
    panel.set_moment(int(history.iteration[5]))
    assert shown_keys(panel)[0] == ("at iteration", "6")
    assert "final NLL" not in dict(shown_keys(panel))


def test_a_kept_run_names_its_figure_where_no_curve_shows_it(show, history):
    panel = show(LossPanel)
    accuracy = task_of(Experiment()).headline
    panel.set_kept(history, "width 64", Score(accuracy, 0.9, final=True))
    panel.set_history(history)
    assert shown_keys(panel)[-1] == ("kept (width 64): final accuracy", "90.0\u00a0%")


def test_a_loss_that_is_not_finite_leaves_a_gap(show, history):
    loss = history.loss.copy()
    loss[10] = np.nan
    panel = show(LossPanel)
    panel.set_history(dataclasses.replace(history, loss=loss))
    assert len(panel._raw._lines) == len(history.loss) - 3
    assert np.isfinite(panel._raw._lines).all()


def test_where_nothing_is_solved_the_panel_says_so(show, history):
    panel = show(NfePanel)
    panel.set_history(history)
    assert not panel.plot._message.isVisible()
    nothing = np.full(len(history), np.nan)
    panel.set_history(dataclasses.replace(history, nfe_forward=nothing, nfe_backward=nothing))
    assert panel.plot._message.isVisible()
    assert "Nothing is solved" in panel.plot._message.text()


def test_nfe_reads_forward_and_backward_and_starts_at_zero(show, history):
    panel = show(NfePanel)
    panel.set_history(history)
    assert shown_keys(panel) == [("forward", "16"), ("backward", "22")]
    assert panel.plot.viewRange()[1][0] == pytest.approx(0.0, abs=1e-9)


def test_going_back_to_no_history_is_the_empty_panel_again(show, history):
    panel = show(NfePanel)
    panel.set_history(history)
    panel.set_history(History.empty())
    assert panel.plot._message.isVisible()
    assert len(panel._curves["forward"][0]._lines) == 0


def test_ranges_move_in_steps():
    first = grown(None, 0.0, 1.0)
    assert grown(first, 0.0, 1.05) == first
    assert grown(first, 0.0, 2.0)[1] > 2.0
    assert grown(first, 0.0, 0.1) != first


def test_curves_are_thinned_without_losing_their_end():
    x = np.arange(1000.0)
    thin, same = thinned(x, x, most=100)
    assert len(thin) == 100
    assert thin[-1] == same[-1] == 999
    flat, _ = runs(x, np.zeros(1000))
    assert flat.tolist() == [0.0, 999.0]


def test_stairs_hold_each_value_until_the_next():
    x, y = stairs(np.array([0.0, 1.0, 2.0]), np.array([5.0, 6.0, 7.0]))
    assert segments(x, y).tolist() == [[0, 5, 1, 5], [1, 5, 1, 6], [1, 6, 2, 6], [2, 6, 2, 7]]


def test_steps_are_drawn_where_they_lie_and_rejected_ones_as_crosses(show, steps, make_flow):
    panel = show(StepsPanel)
    panel.set_steps(steps, make_flow())
    np.testing.assert_allclose(panel._stairs._lines[0], [0.0, -1.0, 0.1, -1.0])
    np.testing.assert_allclose(panel._crosses._points, [[0.6, np.log10(0.6)]])
    np.testing.assert_allclose(panel._failed._points, [[0.9, np.log10(2.5)]])
    assert shown_keys(panel)[:2] == [("accepted", "4"), ("rejected", "1")]


def test_the_steps_of_a_trajectory_alone_lie_over_those_of_all_and_can_be_pointed_at(
    show, steps, make_flow, qtbot
):
    panel = show(StepsPanel)
    panel.set_steps(steps, make_flow())
    wide = StepTable(*(np.array(v) for v in ([0.0, 0.5], [0.5, 0.5], [0.3, 0.3], [True, True])))
    marks = (("seed", 0), ("trajectory", 4))
    panel.set_alone(AloneResult(SolverChoice(), marks, (steps, wide)))
    panel.set_selection(Selection(hovered=Mark("trajectory", 4)))
    panel.set_time(0.25)
    panel.grab()
    assert panel._now[0].value() == 0.25
    assert ("5 alone", "2") in shown_keys(panel)
    np.testing.assert_allclose(panel._over._lines[0], [0.0, np.log10(0.5), 0.5, np.log10(0.5)])
    plot, viewport = panel.sizes, panel.sizes.viewport()

    def at(t, h):
        return plot.mapFromScene(plot.getViewBox().mapViewToScene(QPointF(t, np.log10(h))))

    with qtbot.waitSignal(panel.selected) as selected:
        qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=at(0.2, 0.5))
    assert selected.args == [(Mark("trajectory", 4),), False]
    with qtbot.assertNotEmitted(panel.selected), qtbot.waitSignal(panel.time_picked) as picked:
        qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=at(0.8, 0.2))
    assert picked.args == [pytest.approx(0.8, abs=0.01)]
    panel.set_alone(None)
    assert not panel._over._count
    assert shown_keys(panel)[0] == ("accepted", "4")


def test_without_an_error_estimate_only_the_sizes_are_drawn(show, steps):
    panel = show(StepsPanel)
    panel.set_steps(dataclasses.replace(steps, error=np.full(5, np.nan)))
    assert not panel.errors.isVisible()
    assert panel.sizes.isVisible()


def test_a_log_axis_has_ticks_within_a_decade_and_over_many(qapp):
    axis = ValueAxis("left")
    axis.set_log(True)
    ((_, few),) = axis.tickValues(-0.6, -0.1, 300)
    assert len(few) >= 3
    ((_, many),) = axis.tickValues(-12.0, 3.0, 300)
    assert 4 <= len(many) <= 9
    assert axis.tickStrings([-1.0, 0.0], 1.0, 1.0) == ["0.1", "1"]


def numbers(axis):
    """What stands along an axis, and where, as it is drawn."""
    picture = QPicture()
    painter = QPainter(picture)
    _, _, texts = axis.generateDrawSpecs(painter)
    painter.end()
    return {text: rect for rect, _, text in texts}


@pytest.mark.parametrize(
    ("span", "first", "last"),
    [((0.0, 1.0), "0", "1.0"), ((0.0, 1.27), "0", "1.27"), ((0.0, 2.01), "0", "2.0")],
)
def test_a_time_axis_has_numbers_at_its_ends_where_they_fit(show, span, first, last):
    plot = show(Plot, "t", "h", size=(300, 200))
    plot.getAxis("bottom").set_ends(True)
    plot.setRange(xRange=span, yRange=(-1.0, 1.0))
    there = numbers(plot.getAxis("bottom"))
    assert (min(there, key=float), max(there, key=float)) == (first, last)
    edges = sorted((rect.left(), rect.right()) for rect in there.values())
    assert all(before[1] + 6 < after[0] for before, after in itertools.pairwise(edges))


@pytest.mark.parametrize(("name", "turn"), [("ω", 0), ("z₂", 0), ("rate", -90)])
def test_a_short_name_stands_upright_beside_its_axis_numbers(show, name, turn):
    plot = show(Plot, "t", name, size=(300, 200))
    plot.setRange(xRange=(0.0, 1.0), yRange=(-1000.0, 1000.0))
    plot.grab()
    axis = plot.getAxis("left")
    assert axis.label.rotation() == turn
    letters = axis.label.mapRectToParent(axis.label.boundingRect()).adjusted(4, 4, -4, -4)
    assert letters.left() >= -1
    assert letters.right() <= min(rect.left() for rect in numbers(axis).values()) + 1
    assert abs(letters.center().y() - axis.size().height() / 2) < 2


@pytest.mark.parametrize("kind", PANELS)
def test_every_panel_is_painted_in_both_themes(kind, show, theme, steps, make_flow, history, density):
    panel = show(kind, size=(420, 320))
    for name, argument in (("set_history", history), ("set_density", density), ("set_flow", make_flow())):
        if hasattr(panel, name):
            getattr(panel, name)(argument)
    if hasattr(panel, "set_steps"):
        panel.set_steps(steps)
    light = panel.grab().toImage()
    theme.set_mode("dark")
    dark = panel.grab().toImage()
    corner = (2, panel.height() - 2)
    assert light.pixelColor(*corner).lightness() > 200
    assert dark.pixelColor(*corner).lightness() < 60


def test_a_legend_does_not_move_with_its_digits(qtbot, theme):
    legend = Legend(theme, rows=3)
    qtbot.addWidget(legend)

    def keys(peak):
        return [Key("mass in view", "muted", "dot", "1.000"), Key("peak", "muted", "dot", peak)]

    legend.resize(600, 28)
    legend.show()
    legend.set_keys(keys("0.19"))
    while legend.height() == 28:
        legend.resize(legend.width() - 1, 28)
    # Just wide enough for one row: one more digit takes another.
    legend.resize(legend.width() + 1, 28)
    seen = []
    for peak in ("0.19", "0.197", "0.19", "0.197"):
        legend.set_keys(keys(peak))
        seen.append((legend.height(), legend._places()))
    assert seen[0] != seen[1]
    assert seen[1] == seen[2] == seen[3]


def test_another_runs_loss_has_axes_of_its_own(qtbot, theme):
    panel = LossPanel(theme)
    qtbot.addWidget(panel)

    def run(iterations):
        steps = np.arange(1, iterations + 1)
        plain = np.ones(iterations)
        return History(steps, plain, plain, plain, plain, plain)

    def end():
        return panel.plot.viewRange()[0][1]

    panel.set_history(run(400))
    wide = end()
    panel.set_history(run(401))
    assert end() == wide
    panel.set_history(run(150))
    assert end() < 200


def test_small_numbers_show_their_digits():
    assert [short(v) for v in (2.5, 0.0, 8.93e-5, 0.0101, 12345.0)] == [
        "2.500",
        "0.000",
        "8.93·10⁻⁵",
        "0.010",
        "1.23·10⁴",
    ]
    assert short(float("nan")) == "nan"
    assert [figure(v) for v in (-3.687e-5, 1e-6, 0.00256, 0.0, 2070.0, -123456.0, 3e7, np.nan)] == [
        "−3.69·10⁻⁵", "10⁻⁶", "0.00256", "0", "2,070", "−123,000", "3·10⁷", "nan",
    ]  # fmt: skip


def test_an_axis_name_stands_in_the_middle_and_is_cut_to_the_room_there_is(show):
    plot = show(Plot, "x", "y", size=(300, 200))
    plot.set_axis("bottom", "a name that is much longer")
    axis = plot.getAxis("bottom")
    for width in (300, 160):
        plot.resize(width, 200)
        plot.grab()
        label = axis.label
        middle = label.pos().x() + label.boundingRect().width() / 2
        assert middle == pytest.approx(axis.size().width() / 2, abs=1.5)
        assert label.boundingRect().width() < width
    assert axis.labelText.endswith("…")
