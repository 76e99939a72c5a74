"""The task's own views in the window: asked for while they can be seen, and exported."""

from __future__ import annotations

import dataclasses

import pytest

from odeviz.app.exports import EXPORTS
from odeviz.bridge import Phase
from odeviz.state import TrainingStatus
from odeviz.tasks.registry import task_of
from odeviz.tasks.task import View

VIEWS = (View("one", "One", "The first."), View("two", "Two", "The second."))


@pytest.fixture
def viewing(rig, qtbot, monkeypatch):
    """A window whose task has two views, the panel in front."""
    monkeypatch.setattr(
        "odeviz.app.task_views.task_of",
        lambda experiment: dataclasses.replace(task_of(experiment), views=VIEWS),
    )
    rig.window.show()
    rig.show()
    rig.window.docks["view"].raise_()
    qtbot.waitUntil(lambda: rig.window.is_seen(rig.window.view), timeout=5000)
    rig.tick()
    return rig


def test_the_view_comes_when_its_panel_does(viewing):
    panel = viewing.window.view
    assert panel.view == "one"
    assert panel.picture.title == "one"


def test_choosing_another_asks_for_it(viewing, qtbot):
    panel = viewing.window.view
    panel._choice.setCurrentIndex(1)
    panel._choice.activated.emit(1)
    viewing.tick()
    assert panel.picture.title == "two"


def test_another_solver_draws_it_again(viewing):
    bench = viewing.bench
    bench.choose(dataclasses.replace(bench.choice, method="tsit5"))
    for _ in range(4):
        viewing.tick()
    assert viewing.window.view.picture.curves[0].label == "tsit5"


def test_its_numbers_are_exported(viewing, tmp_path):
    viewing.dialogs.to_save = tmp_path / "view.csv"
    export = next(export for export in EXPORTS if export.key == "view")
    viewing.control.documents.export_panel(export, "csv", 100)
    assert (tmp_path / "view.csv").read_text().splitlines()[0] == "chart,curve,x,y"


def test_what_any_flow_can_be_asked_is_offered_too(viewing):
    panel = viewing.window.view
    assert panel._choice.findData("order") > panel._choice.findData("two") + 1, "below a line"


def test_a_view_that_takes_long_waits_for_the_end_of_training(viewing, monkeypatch):
    views, panel = viewing.control.pictures.views, viewing.window.view
    index = panel._choice.findData("order")
    panel._choice.setCurrentIndex(index)
    panel._choice.activated.emit(index)
    viewing.tick()
    assert panel.picture.title == "order", "chosen, it is drawn at once"
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
