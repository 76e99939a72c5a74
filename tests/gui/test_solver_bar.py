import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel

from odeviz.analysis.results import SolverChoice
from odeviz.panels.solver_bar import METHOD_TITLES, SolverBar
from odeviz.tasks.experiment import ADAPTIVE, FIXED


@pytest.fixture
def bar(show):
    return show(SolverBar, size=(1100, 64))


def test_every_method_has_a_title_and_an_order():
    assert set(METHOD_TITLES) == set(ADAPTIVE + FIXED)


def test_showing_a_choice_emits_nothing(qtbot, bar):
    with qtbot.assertNotEmitted(bar.choice_changed):
        bar.set_choice(SolverChoice("tsit5", 1e-6, 1e-6, 20))
    assert bar.slider.number == pytest.approx(1e-6)
    assert bar.method.currentData() == "tsit5"


def test_the_slider_sets_both_tolerances(qtbot, bar):
    with qtbot.waitSignal(bar.choice_changed) as chosen:
        qtbot.keyClick(bar.slider, Qt.Key.Key_End)
    assert chosen.args == [SolverChoice("dopri5", 1e-9, 1e-9, 20)]


def test_a_tolerance_below_single_precision_is_marked(bar):
    shown = []
    for rtol in (1e-7, 1e-8):
        bar.set_choice(SolverChoice("dopri5", rtol, rtol, 20))
        label = next(each for each in bar.findChildren(QLabel) if each.text().startswith("10"))
        shown.append((label.grab().toImage(), "single precision" in label.toolTip()))
    assert [said for _, said in shown] == [False, True]
    warning = QColor(bar.theme.colors.warning).hue()
    hues = [
        {image.pixelColor(x, y).hue() for x in range(image.width()) for y in range(image.height())}
        for image, _ in shown
    ]
    assert [warning in each for each in hues] == [False, True]


def test_for_a_fixed_step_method_the_slider_sets_the_steps(qtbot, bar):
    bar.set_choice(SolverChoice("rk4", 1e-4, 1e-4, 20))
    assert bar.slider.number == 20
    with qtbot.waitSignal(bar.choice_changed) as chosen:
        qtbot.keyClick(bar.slider, Qt.Key.Key_End)
    assert chosen.args == [SolverChoice("rk4", 1e-4, 1e-4, 1000)]


def test_choosing_a_method_keeps_the_rest(qtbot, bar):
    with qtbot.waitSignal(bar.choice_changed) as chosen:
        qtbot.keyClick(bar.method, Qt.Key.Key_Down)
    assert chosen.args == [SolverChoice("tsit5", 1e-4, 1e-4, 20)]


def test_a_drag_is_framed_by_its_start_and_end(qtbot, bar):
    with qtbot.waitSignals([bar.drag_started, bar.choice_changed, bar.drag_finished], order="strict"):
        qtbot.mouseClick(bar.slider, Qt.MouseButton.LeftButton)


def test_the_cost_is_read_out(bar, make_flow):
    bar.set_cost(make_flow())
    texts = {key: bar.costs.text(key) for key in ("nfe", "steps", "error", "time")}
    assert texts == {"nfe": "26", "steps": "4 + 1", "error": "2.3·10⁻⁵", "time": "3.1 ms"}
    bar.set_cost(make_flow(error=float("nan")))
    assert bar.costs.text("error") == "–"
    bar.set_cost(None)
    assert {bar.costs.text(key) for key in texts} == {"–"}


def test_nothing_moves_while_the_numbers_change(bar, make_flow):
    bar.set_cost(make_flow(nfe=2, milliseconds=0.1))
    before = [label.geometry() for label in bar.costs.findChildren(QLabel)]
    bar.set_cost(make_flow(nfe=4321, milliseconds=1234.5, error=8.8e-12))
    assert [label.geometry() for label in bar.costs.findChildren(QLabel)] == before


def test_in_a_narrow_window_the_read_outs_go_below(bar, qtbot):
    assert bar.costs.y() < bar.slider.geometry().bottom()
    bar.resize(460, 110)
    qtbot.waitUntil(lambda: bar.costs.y() > bar.slider.geometry().bottom())
    assert bar.method.shown == "dopri5"
    bar.resize(760, 110)
    qtbot.waitUntil(lambda: bar.method.shown == "Dormand–Prince 5(4)")
    bar.resize(1100, 64)
    qtbot.waitUntil(lambda: bar.costs.y() < bar.slider.geometry().bottom())


def test_an_answer_does_not_move_a_slider_that_is_held(qtbot, bar):
    qtbot.mousePress(bar.slider, Qt.MouseButton.LeftButton)
    held = bar.slider.number
    bar.set_choice(SolverChoice("dopri5", 1e-2, 1e-2, 20))
    assert bar.slider.number == held
    qtbot.mouseRelease(bar.slider, Qt.MouseButton.LeftButton)


def test_where_nothing_is_solved_a_sentence_takes_the_place_of_the_controls(bar):
    for solves in (False, True):
        height = bar.height()
        bar.set_solves(solves)
        bar.set_choice(SolverChoice("euler", steps=8))
        assert bar.slider.isVisibleTo(bar) is bar.method.isVisibleTo(bar) is solves
        assert bar._no_solver.isVisibleTo(bar) is not solves
        assert bar.height() == height


def test_a_pinned_setting_stands_below_the_present_one_with_the_ratio(qtbot, bar, make_flow):
    with qtbot.waitSignal(bar.compare_toggled):
        qtbot.mouseClick(bar.compare, Qt.MouseButton.LeftButton)
    pinned = make_flow(nfe=13, error=2.3e-3, choice=SolverChoice("bosh3", 1e-2, 1e-2))
    moved = make_flow()
    moved.paths[-1, 4] += [0.03, 0.04]
    bar.set_cost(moved)
    bar.set_pinned(pinned.choice, None)
    assert (bar.costs.text("nfe", "pinned"), bar.costs.text("nfe", "ratio")) == ("–", "–")
    bar.set_pinned(pinned.choice, pinned)
    assert bar.compare.isChecked()
    assert [bar.costs.text("nfe", row) for row in ("now", "pinned", "ratio")] == ["26", "13", "×2"]
    assert bar.costs.text("error", "ratio") == "×0.01"
    assert bar.costs.text("apart") == "0.05"
    assert "bosh3 0.01" in {label.text() for label in bar.costs.findChildren(QLabel) if label.isVisible()}
    bar.set_pinned(None, None)
    assert not bar.compare.isChecked()
    assert not bar.costs._cells["nfe", 2].isVisible()
    assert not bar.costs._cells["apart", 1].isVisible()


@pytest.mark.parametrize("width", [380, 474, 760, 1240])
def test_nothing_moves_around_the_numbers_when_a_setting_is_pinned(bar, make_flow, width):
    def stand():
        bar.layout().activate()
        parts = (bar.slider, bar.method, bar.own, bar.compare, bar.help, bar.costs)
        return bar.sizeHint().height(), [part.geometry() for part in parts]

    bar.resize(width, 150)
    bar.set_cost(make_flow())
    before = stand()
    long = SolverChoice("asynchronous-leapfrog", 1e-6, 1e-6, 20, per_sample=True)
    bar.set_pinned(long, make_flow(nfe=1234, error=8.8e-12))
    assert stand() == before
    seen = [cell for cell in bar.costs.findChildren(QLabel) if cell.isVisible()]
    assert all(bar.costs.rect().contains(cell.geometry()) for cell in seen)
    assert not any(a.geometry().intersects(b.geometry()) for a in seen for b in seen if a is not b)


def test_two_solves_are_compared_of_one_model_only(bar, make_flow):
    pinned = make_flow(nfe=13)
    bar.set_cost(make_flow())
    bar.set_pinned(pinned.choice, pinned)
    bar.set_cost(make_flow(nfe=30, iteration=4))
    assert (bar.costs.text("nfe"), bar.costs.text("nfe", "ratio")) == ("26", "×2")
    bar.set_pinned(pinned.choice, make_flow(nfe=10, iteration=4))
    assert (bar.costs.text("nfe"), bar.costs.text("nfe", "ratio")) == ("30", "×3")
    bar.set_cost(make_flow(nfe=40, iteration=5))
    bar.set_pinned(None, None)
    assert bar.costs.text("nfe") == "40"


def test_the_slider_keeps_its_length_in_little_room_and_beside_large_text(bar, qtbot):
    for width, scale in ((960, 1.0), (470, 1.0), (570, 2.0), (380, 1.0)):
        bar.theme.set_scale(scale)
        bar.resize(width, 200)
        bar.layout().activate()
        qtbot.waitUntil(lambda: bar.slider.width() >= bar.theme.px(110))
        seen = [cell for cell in bar.costs.findChildren(QLabel) if cell.isVisible()]
        right = max(cell.mapTo(bar, cell.rect().topRight()).x() for cell in seen)
        assert right < width, "no number is cut"
        assert {"NFE", "error"} <= {cell.text() for cell in seen}
    bar.theme.set_scale(1.0)


@pytest.mark.qt_log_ignore("does not support", extend=True)
def test_the_list_of_methods_is_as_wide_as_its_names(bar):
    bar.method.setMaximumWidth(60)
    bar.method.showPopup()
    view = bar.method.view()
    assert view.viewport().width() >= view.sizeHintForColumn(0)
    bar.method.hidePopup()


def test_steps_per_sample_are_a_switch_where_the_method_can_give_them(qtbot, bar, make_flow):
    with qtbot.waitSignal(bar.choice_changed) as chosen:
        qtbot.mouseClick(bar.own, Qt.MouseButton.LeftButton)
    assert chosen.args == [SolverChoice(per_sample=True)]
    assert bar.own.isChecked()
    with qtbot.waitSignal(bar.choice_changed) as chosen:
        qtbot.keyClick(bar.own, Qt.Key.Key_Space)
    assert chosen.args == [SolverChoice()]
    for method, reason in (("adams", "adams cannot"), ("rk4", "equal steps"), ("dopri5", "")):
        bar.set_choice(SolverChoice(method, per_sample=True))
        assert bar.own.isEnabled() is bar.own.isChecked() is not reason
        assert reason in bar.own.toolTip()
    bar.set_choice(SolverChoice())
    bar.set_solves(True, jumps=True)
    assert (bar.own.isEnabled(), bar.own.isChecked()) == (False, True)
    assert "jumps" in bar.own.toolTip()


def test_what_steps_per_sample_cost_is_told_of_the_costliest(bar, make_flow):
    bar.set_cost(make_flow(nfe_each=np.array([14, 20, 26, 26, 8, 14])))
    assert (bar.costs.text("nfe"), bar.costs.text("steps")) == ("≤ 26", "4 + 1")
    assert "takes 8 to 26 evaluations, 18.0 on average" in bar.costs.value("nfe").toolTip()
    assert "number 3, the costliest" in bar.costs.value("steps").toolTip()
    bar.set_cost(make_flow())
    assert bar.costs.text("nfe") == "26"
    assert "own" not in bar.costs.value("steps").toolTip()
