"""The solver's setting in the window: its slider, its actions, steps per sample."""

import pytest
from PySide6.QtCore import Qt

from odeviz.analysis.results import SolverChoice
from odeviz.app.background import QUICK_GRID
from odeviz.bridge.trainer import HELD_PACE
from odeviz.state import Mark


def test_the_tolerance_slider_solves_again(rig):
    rig.show()
    choice = SolverChoice(rtol=1e-6, atol=1e-6)
    rig.window.solver_bar.choice_changed.emit(choice)
    rig.settle()
    assert rig.control.pictures.results["flow"].choice == choice
    assert rig.control.pictures.results["cost"].error == 1e-5


def test_a_slider_drag_is_one_undo_step_and_measures_the_error_at_its_end(rig):
    rig.show()
    bar = rig.window.solver_bar
    before = rig.bench.choice
    bar.drag_started.emit()
    rig.control.pictures.results.pop("cost")
    for exponent in (4, 5, 6):
        bar.choice_changed.emit(SolverChoice(rtol=10.0**-exponent, atol=10.0**-exponent))
        rig.tick()
    assert "cost" not in rig.control.pictures.results
    bar.drag_finished.emit()
    rig.settle()
    assert rig.control.pictures.results["cost"].choice.rtol == 1e-6
    rig.control.do("undo")
    assert rig.bench.choice == before


@pytest.mark.parametrize("training", [False, True])
def test_what_lies_behind_comes_along_coarsely_when_the_hand_rests_on_the_slider(qtbot, rig, training):
    rig.show()
    rig.settle()
    if training:
        rig.control.do("train")
        rig.control.trainer.advance(1)
        rig.tick()
    background, bar = rig.control.pictures.background, rig.window.solver_bar
    background.settling.calm = 0.02
    before = background.frame
    bar.drag_started.emit()
    with qtbot.waitSignal(background.settling.settled):
        bar.choice_changed.emit(SolverChoice(rtol=0.1, atol=0.1))
        rig.tick()
        assert background.frame is before, "the flow comes first"
    rig.tick()
    coarse = background.frame
    assert coarse is not before
    assert coarse.probability.shape[1:] == (QUICK_GRID, QUICK_GRID)
    bar.drag_finished.emit()
    rig.settle()
    assert background.frame is not coarse


def test_training_makes_room_while_the_slider_is_held(qtbot, rig):
    rig.show()
    rig.window.show()
    rig.control.do("train")
    loop, slider = rig.control.trainer._loop, rig.window.solver_bar.slider
    assert loop._pace is None
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=slider.rect().center())
    assert loop._pace == HELD_PACE
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=slider.rect().center())
    assert loop._pace is None


def test_comparing_goes_on_while_training_and_measures_errors_afterwards(rig, monkeypatch):
    # Ticks are made faster here than time passes.
    monkeypatch.setattr("odeviz.app.asking.COMPARE_PERIOD", 0.0)
    monkeypatch.setattr("odeviz.app.controller.REST", 0.0)
    rig.show()
    results, costs = rig.control.pictures.results, rig.window.solver_bar.costs
    rig.control.do("train")
    rig.control.do("compare")
    rig.control.do("looser")
    shown = []
    for _ in range(3):
        rig.control.trainer.advance(2)
        rig.control.trainer._loop._publish()
        for _ in range(6):
            rig.tick()
        assert results["pinned"].iteration == results["flow"].iteration
        shown.append((costs._flow.iteration, rig.window.flow._pinned.iteration))
    assert len(set(shown)) == 3
    assert all(now == pinned for now, pinned in shown)
    assert (costs.text("nfe", "ratio"), costs.text("error", "pinned")) == ("×1", "–")
    rig.control.do("train")
    rig.settle()
    assert costs.text("error", "pinned") == "10⁻⁵"


def test_tolerance_actions_move_by_decades_and_stop_at_the_ends(rig):
    rig.show()
    rig.control.do("tighter")
    assert rig.bench.choice.rtol == pytest.approx(1e-5)
    for _ in range(20):
        rig.control.do("looser")
    assert rig.bench.choice.rtol == 0.1


def test_with_a_fixed_step_method_the_tolerance_actions_double_and_halve_the_steps(rig):
    rig.show()
    rig.bench.choose(SolverChoice(method="rk4", steps=20))
    rig.control.do("tighter")
    assert rig.bench.choice.steps == 40


def test_maps_and_views_are_not_solved_again_where_only_trajectories_take_other_steps(rig, monkeypatch):
    rig.show(task="density")
    asked, ask = [], rig.control.service.ask
    monkeypatch.setattr(
        rig.control.service, "ask", lambda *given, **how: (asked.append(given[1].kind), ask(*given, **how))[1]
    )
    rig.control.do("per_sample")
    rig.settle()
    assert "flow" in asked
    assert not {"background", "view", "precision"} & set(asked)
    rig.control.do("tighter")
    rig.settle()
    assert "background" in asked


def test_steps_per_sample_are_chosen_with_the_mouse_solved_with_and_undone(qtbot, rig):
    rig.show()
    button, action = rig.window.solver_bar.own, rig.window.actions_["per_sample"]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    rig.settle()
    assert rig.control.pictures.results["flow"].choice.own_steps
    assert action.isChecked()
    assert "number 1, the costliest" in rig.window.time_bar.track.toolTip()
    rig.bench.select(Mark("trajectory", 6))
    rig.settle()
    assert "number 7, the one selected" in rig.window.time_bar.track.toolTip()
    assert rig.window.time_bar.track._accepted.tolist() == [0.0, 2.0]
    rig.bench.select()
    rig.settle()
    assert "number 1, the costliest" in rig.window.time_bar.track.toolTip()
    rig.control.do("undo")
    rig.settle()
    assert not rig.control.pictures.results["flow"].choice.own_steps
    assert (button.isChecked(), action.isChecked()) == (False, False)
    assert "costliest" not in rig.window.time_bar.track.toolTip()
    rig.bench.choose(SolverChoice("adams"))
    assert (button.isEnabled(), action.isEnabled()) == (False, False)
