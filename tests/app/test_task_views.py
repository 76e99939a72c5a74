"""The task's own views in the window: asked for while they can be seen, and exported."""

from __future__ import annotations

import dataclasses

import pytest
from PySide6.QtCore import QPoint, Qt

from odeviz.app.waiting import reason
from odeviz.bridge import Answer, Phase, ViewRequest
from odeviz.state import TrainingStatus
from odeviz.tasks.chart import Chart
from odeviz.tasks.registry import task_of
from odeviz.tasks.task import View
from odeviz.tasks.viewpoint import Control

CONTROL = Control("size", "Size", "How large.", 0.0, 10.0, 5.0)
VIEWS = (
    View("one", "One", "The first."),
    View("two", "Two", "The second."),
    View("three", "Three", "Follows.", follows=("time", "selection"), controls=lambda experiment: (CONTROL,)),
)


@pytest.fixture
def viewing(rig, qtbot, monkeypatch):
    """A window whose task has two views, the panel in front."""
    monkeypatch.setattr(
        "odeviz.app.pictures.task_of",
        lambda experiment: dataclasses.replace(task_of(experiment), views=VIEWS),
    )
    rig.window.show()
    rig.show()
    rig.window.docks["view"].raise_()
    qtbot.waitUntil(lambda: rig.window.is_seen(rig.window.view), timeout=5000)
    rig.tick()
    return rig


def choose(rig, key):
    panel = rig.window.view
    index = panel._choice.findData(key)
    panel._choice.setCurrentIndex(index)
    panel._choice.activated.emit(index)
    rig.tick()


def asked(rig):
    """The viewpoints of the view on show, in the order they were asked for."""
    return rig.studies[-1].viewpoints


def test_the_view_comes_when_its_panel_does(viewing):
    panel = viewing.window.view
    assert panel.view == "one"
    assert panel.picture.title == "one"


def test_choosing_the_one_on_show_draws_it_again(viewing):
    choose(viewing, "one")
    assert viewing.window.view.picture.title == "one"


def test_choosing_another_asks_for_it(viewing, qtbot):
    panel = viewing.window.view
    panel._choice.setCurrentIndex(1)
    panel._choice.activated.emit(1)
    viewing.tick()
    assert panel.picture.title == "two"


def test_another_solver_draws_it_again(viewing):
    bench = viewing.bench
    bench.choose(dataclasses.replace(bench.choice, method="tsit5"))
    viewing.settle()
    assert viewing.window.view.picture.curves[0].label == "tsit5"


def test_its_numbers_are_exported(viewing, tmp_path):
    viewing.dialogs.to_save = tmp_path / "view.csv"
    viewing.control.exports.open("data", "one")
    viewing.dialogs.opened[-1].go.click()
    assert (tmp_path / "view.csv").read_text().splitlines()[0] == "chart,curve,x,y"


def test_what_any_flow_can_be_asked_is_offered_too(viewing):
    panel = viewing.window.view
    assert panel._choice.findData("gradients") > panel._choice.findData("three") + 1, "below a line"
    assert panel._choice.findData("order") < 0, "has a panel of its own"
    assert viewing.window.precision._choice.findData("order") >= 0


def test_a_view_that_takes_long_waits_for_the_end_of_training(viewing, monkeypatch):
    views, panel = viewing.control.pictures.views, viewing.window.view
    choose(viewing, "gradients")
    assert panel.picture.title == "gradients", "chosen, it is drawn at once"
    asked = []
    monkeypatch.setattr(viewing.control.pictures.service, "ask", lambda *request: asked.append(request))
    monkeypatch.setattr(viewing.bench, "training", TrainingStatus(phase=Phase.TRAINING))
    views._asked = None
    views.ask()
    assert not asked
    panel.choose("one")
    panel.set_picture(None)
    views.ask()
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("ahead", "seconds", "training", "told"),
    [
        ((), 0.4, True, "Drawing…"),
        ((), 5.2, False, "Drawing… 5 s"),
        ((), 5.2, True, "Drawing… 5 s\nIt takes longer while training goes on."),
        (("flow", "background"), 2.0, False, "Waits for the trajectories and the background…"),
        (("flow", "stream", "alone"), 2.0, False, "Waits for the trajectories and 2 others…"),
        (("stream",), 2.0, False, "Waits for 1 before it…"),
    ],
)
def test_a_picture_on_its_way_says_what_it_waits_for(ahead, seconds, training, told):
    assert reason(ahead, seconds, training) == told


def test_the_panel_says_so_until_its_picture_is_there(viewing, monkeypatch, qtbot):
    views, panel = viewing.control.pictures.views, viewing.window.view
    service = viewing.control.pictures.service
    with monkeypatch.context() as patch:
        patch.setattr(service, "ask", lambda *request: None)
        patch.setattr(service, "before", lambda kind: ("flow",))
        patch.setattr("odeviz.app.waiting._BRIEF", 0.0)
        choose(viewing, "two")
        qtbot.waitUntil(lambda: panel._message.text() == "Waits for the trajectories…", timeout=5000)
    views._asked = None
    views.ask()
    viewing.tick()
    assert panel.picture.title == "two"
    assert not views._waiting._timer.isActive()


def test_a_view_says_of_which_iteration_it_is_and_is_dim_while_it_has_to_do(viewing, monkeypatch):
    panel, bench = viewing.window.view, viewing.bench
    choose(viewing, "gradients")
    box, first = panel._choice, bench.snapshot
    assert (box.aside, box.is_old) == (f"iteration {first.iteration:,}", False)
    monkeypatch.setattr(bench, "training", TrainingStatus(phase=Phase.TRAINING))
    bench.set_snapshot(dataclasses.replace(first, iteration=first.iteration + 7))
    viewing.tick()
    assert (box.aside, box.is_old) == (f"iteration {first.iteration:,}", True)
    assert "drawn anew when training pauses" in box.toolTip()
    choose(viewing, "one")
    for _ in range(3):
        # A tick draws as much as it has time for.
        viewing.tick()
    assert (box.aside, box.is_old) == (f"iteration {first.iteration + 7:,}", False)
    assert box.toolTip() == "The first."


def test_it_follows_the_playhead_and_the_selected_seed(viewing):
    choose(viewing, "three")
    viewing.control.playback.scrub(1.5)
    viewing.tick(0.0)
    assert asked(viewing)[-1].t == 1.5
    viewing.bench.add_seed((0.25, -0.5))
    for _ in range(3):
        viewing.tick(0.0)
    assert asked(viewing)[-1].start == (0.25, -0.5)
    count = len(asked(viewing))
    viewing.tick(0.0)
    assert len(asked(viewing)) == count, "nothing has moved"
    choose(viewing, "one")
    viewing.control.playback.scrub(0.5)
    viewing.tick(0.0)
    assert asked(viewing)[-1].t is None, "it does not depend on the time"


def test_dragging_a_control_draws_first_looks_then_the_view_and_is_one_undo_step(viewing, qtbot):
    choose(viewing, "three")
    viewing.control.playback.scrub(2.0)
    viewing.tick(0.0)
    slider = viewing.window.view.controls.rows["size"].slider
    middle = QPoint(round(slider.place(5.0)), slider.height() // 2)
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(slider, middle + QPoint(20, 0))
    viewing.tick(0.0)
    (_, value), first = asked(viewing)[-1].values[0], asked(viewing)[-1]
    assert value > 5.0
    assert first.patience == 0.0
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=middle + QPoint(20, 0))
    viewing.tick(0.0)
    assert asked(viewing)[-1].patience > 0.0
    viewing.control.do("undo")
    assert slider.value == 5.0
    assert not viewing.bench.undo_stack.canUndo()


def test_a_picture_in_parts_is_asked_for_until_it_is_whole(viewing, monkeypatch):
    study, parts = viewing.studies[-1], iter([0.4, 0.8, 1.0])

    def view(key, choice, cancel=None, viewpoint=None, pinned=None):
        return Chart(key, "x", "y", (), progress=next(parts))

    monkeypatch.setattr(study, "view", view)
    # Ticks are made faster here than time passes.
    monkeypatch.setattr("odeviz.app.task_views.REST", 0.0)
    choose(viewing, "two")
    panel = viewing.window.view
    assert panel.picture.progress == 0.4
    assert panel._progress.share == 0.4
    assert not viewing.control.pictures.settled
    viewing.settle()
    assert panel.picture.progress == 1.0


def test_a_pinned_setting_is_solved_once_and_compared_until_it_is_let_go(viewing, monkeypatch):
    window, bench, first = viewing.window, viewing.bench, viewing.bench.choice
    solved = []
    flow = viewing.studies[-1].flow
    monkeypatch.setattr(
        viewing.studies[-1],
        "flow",
        lambda seeds, labels, choice, **more: (solved.append(choice), flow(seeds, labels, choice, **more))[1],
    )
    assert "Pinned" not in window.flow.bar.names()
    window.solver_bar.compare.click()
    viewing.settle()
    assert window.actions_["compare"].isChecked()
    assert "Pinned" in window.flow.bar.names()
    assert window.solver_bar.costs.text("nfe", "ratio") == "×1"
    pinned = len(solved)
    bench.choose(dataclasses.replace(first, method="tsit5"))
    viewing.settle()
    assert first not in solved[pinned:], "the pinned solve is known"
    assert window.solver_bar.costs.text("nfe", "pinned") == "14"
    assert window.flow._pinned.choice == first
    viewing.control.do("undo")
    viewing.control.do("undo")
    assert bench.pinned is None
    assert window.flow._pinned is None
    assert not window.solver_bar.compare.isChecked()


def test_no_model_is_asked_for_a_view_of_the_one_before(rig, qtbot):
    rig.window.show()
    rig.show(task="classification")
    rig.window.docks["view"].raise_()
    qtbot.waitUntil(lambda: rig.window.is_seen(rig.window.view), timeout=5000)
    choose(rig, "confusion")
    rig.settle()
    asked_for, ask = [], rig.control.service.ask

    def listening(snapshot, request, **how):
        if request.kind == "view":
            asked_for.append((snapshot.experiment.task, request.view))
        return ask(snapshot, request, **how)

    rig.control.service.ask = listening
    rig.show(task="density")
    assert set(asked_for) == {("density", "filmstrip")}


def test_a_question_of_another_view_is_not_answered_under_this_ones_name(rig):
    rig.show()
    view, board = rig.window.view, rig.control.pictures._boards[0]
    drawn = view.picture
    other = next(one.key for one in view.views if one.key != view.view)
    request = ViewRequest(other, rig.bench.choice)
    board.show(lambda name, draw: draw(), Answer(request, rig.bench.snapshot, 1, "of another view"))
    assert view.picture is drawn
