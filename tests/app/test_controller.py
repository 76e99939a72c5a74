"""What a person's actions do, and what the window shows of it."""

import pytest
from fake_window import FakeSession, FakeStudy

from odeviz.analysis.results import Extent
from odeviz.app.actions import ACTIONS
from odeviz.bridge import Phase, Trouble
from odeviz.tasks import Experiment
from odeviz.tasks.presets import PRESETS

#: What the offscreen platform says about every top-level window.
shows_a_window = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def test_every_action_of_the_registry_does_something(rig):
    assert {spec.key for spec in ACTIONS} == set(rig.control._commands)


def test_a_shown_model_moves(rig):
    rig.show(task="density", solver__method="rk4")
    before = rig.bench.playhead.t
    rig.tick(0.05)
    assert rig.bench.playhead.t > before
    assert {"scene", "flow", "cost", "field", "background"} <= rig.control.pictures.results.keys()


def test_the_playhead_waits_for_what_it_plays(rig, monkeypatch):
    monkeypatch.setattr(rig.control.service, "ask", lambda *asked, **how: 0)
    rig.control.show_model(FakeSession(Experiment()).snapshot(), None)
    rig.tick(0.5)
    assert rig.bench.playhead.playing
    assert rig.bench.playhead.t == 0.0


def test_the_flows_end_time_is_the_playheads(rig):
    rig.show()
    assert rig.bench.playhead.t1 == 2.0


def test_train_starts_from_scratch_when_the_shown_model_is_finished(rig):
    rig.show(training__iterations=10)
    rig.control.do("train")
    rig.control.trainer.advance(3)
    rig.control.do("train")
    rig.tick()
    assert rig.control.trainer.phase is Phase.PAUSED
    assert rig.bench.snapshot.iteration == 3
    assert rig.bench.unsaved


def test_train_goes_on_after_a_pause(rig):
    rig.show(training__iterations=10)
    for _ in range(3):
        rig.control.do("train")
        rig.control.trainer.advance(2)
    rig.control.trainer.pause()
    rig.tick()
    assert len(rig.sessions) == 1
    assert rig.bench.snapshot.iteration == 4


def test_training_to_the_end_is_reported(rig):
    rig.show(training__iterations=5)
    rig.control.do("train")
    rig.control.trainer.advance(6)
    rig.tick()
    assert rig.control.trainer.phase is Phase.FINISHED
    assert rig.window.status.fields["iteration"].text() == "5 / 5"


def test_a_cold_change_makes_train_start_again(rig):
    rig.show()
    rig.control.do("reset")
    rig.bench.edit("field.width", 8)
    rig.control.do("train")
    assert [session.experiment.field.width for session in rig.sessions] == [64, 8]


def test_a_hot_change_reaches_the_running_session_at_once_and_leaves_cold_ones_waiting(rig):
    rig.show()
    rig.control.do("reset")
    rig.bench.edit("field.width", 8)
    rig.bench.edit("training.lr", 0.02)
    running = rig.sessions[0].experiment
    assert (running.training.lr, running.field.width) == (0.02, 64)
    assert rig.bench.running == running


def test_undo_of_a_hot_change_reaches_the_session_too(rig):
    rig.show()
    rig.control.do("reset")
    rig.bench.edit("training.lr", 0.02)
    rig.control.do("undo")
    assert rig.sessions[0].experiment.training.lr == 5e-3


def test_step_makes_one_iteration_of_a_new_run(rig):
    rig.show()
    rig.control.do("step")
    rig.control.do("step")
    rig.tick()
    assert rig.bench.snapshot.iteration == 2
    assert rig.control.trainer.phase is Phase.PAUSED


def test_numerical_trouble_is_told_in_the_view_and_keeps_the_model(rig):
    rig.show()
    rig.control.do("reset")
    rig.sessions[0].message = "Training stopped at iteration 1: the loss became nan."
    rig.control.do("train")
    rig.control.trainer.advance(1)
    rig.tick()
    assert rig.control.trainer.phase is Phase.TROUBLE
    assert rig.window.flow.overlays.message.text() == "Training stopped at iteration 1: the loss became nan."
    assert rig.bench.snapshot is not None
    assert rig.dialogs.troubles == []


def test_an_exception_in_training_opens_a_dialog_with_details(rig):
    rig.show()
    rig.control.do("reset")
    rig.sessions[0].step = lambda: 1 / 0
    rig.control.do("train")
    rig.control.trainer.advance(1)
    (title, trouble), *_ = rig.dialogs.troubles
    assert title == "Training stopped"
    assert "ZeroDivisionError" in trouble.details


def test_a_solve_that_fails_is_told_in_the_view(rig):
    rig.show()
    rig.control.service._loop._make_study = lambda snapshot: failing(rig, snapshot)
    rig.control.do("reset")
    rig.settle()
    assert rig.window.flow.overlays.message.text() == "The step became too small at t = 0.5."


def failing(rig, snapshot):
    study = type(rig.studies[0])(snapshot)
    study.status, study.message = "step_too_small", "The step became too small at t = 0.5."
    return study


def test_scrubbing_stops_playing(rig):
    rig.show()
    rig.window.time_bar.time_changed.emit(1.5)
    assert (rig.bench.playhead.t, rig.bench.playhead.playing) == (1.5, False)


def test_playing_from_the_end_starts_at_the_beginning(rig):
    rig.show()
    rig.control.playback.scrub(2.0)
    rig.control.do("play")
    assert (rig.bench.playhead.t, rig.bench.playhead.playing) == (0.0, True)


def test_a_preset_without_a_model_is_ready_to_be_trained(rig, monkeypatch):
    monkeypatch.setattr("odeviz.app.documents.pretrained", lambda name: None)
    rig.control.do("preset.spirals-classifier")
    rig.tick()
    assert rig.bench.experiment == PRESETS["spirals-classifier"].experiment
    assert rig.bench.snapshot.iteration == 0
    assert rig.control.trainer.phase is Phase.PAUSED


def test_a_rejected_value_leaves_the_experiment_alone(rig):
    before = rig.bench.experiment
    rig.window.form.edited.emit("field.width", -3)
    assert rig.bench.experiment is before


def test_shutting_down_silences_later_reports(rig):
    rig.show()
    rig.control.shutdown()
    rig.control.do("train")
    assert rig.control.trainer.phase is Phase.IDLE


def test_trouble_of_the_solver_is_told(rig):
    rig.show()
    rig.control.pictures.troubled.emit(Trouble("The solver: RuntimeError: out of memory", "Traceback", True))
    assert rig.bench.message == "The solver: RuntimeError: out of memory"
    assert rig.dialogs.troubles[0][0] == "A picture could not be computed"


def test_a_closed_window_leaves_nothing_behind(nothing_left, rig):
    rig.show(task="density")
    rig.control.do("step")
    rig.control.do("palette")


@shows_a_window
def test_a_panel_behind_a_tab_is_brought_up_to_date_when_it_comes_to_the_front(rig, qtbot, monkeypatch):
    told = []
    monkeypatch.setattr(rig.window.nfe, "set_history", told.append)
    monkeypatch.setattr(rig.window.steps, "set_steps", lambda steps, flow: told.append(steps))
    rig.window.show()
    qtbot.waitUntil(lambda: rig.window.is_seen(rig.window.loss), timeout=5000)
    rig.show()
    assert told == []
    rig.window.docks["nfe"].raise_()
    rig.window.docks["steps"].raise_()
    qtbot.waitUntil(lambda: rig.window.is_seen(rig.window.nfe), timeout=5000)
    rig.tick()
    assert rig.bench.snapshot.history in told
    assert rig.control.pictures.results["flow"].steps in told
    rig.window.docks["loss"].raise_()
    qtbot.waitUntil(lambda: not rig.window.is_seen(rig.window.nfe), timeout=5000)
    rig.show(task="density")
    assert rig.held() == {"density"}


def test_while_training_the_axes_stay_and_at_rest_they_fit(rig, monkeypatch):
    monkeypatch.setattr("odeviz.app.controller.REST", 0.0)
    rig.show(task="latent", data__name="two-way-spirals")
    flow, ranges, drawn = rig.window.flow, set(), set()
    rig.control.do("train")
    for k in range(30):
        rig.control.trainer.advance(1)
        rig.control.trainer._loop._publish()
        # What is shown grows and shrinks with the weights.
        half = 2.0 + 0.04 * (7 * k % 11)
        monkeypatch.setattr(FakeStudy, "extent", Extent(-half, half, -half, half))
        rig.tick()
        drawn.add(rig.control.pictures.results["flow"].iteration)
        ranges.add((flow._extent.x0, flow._extent.x1))
    assert len(drawn) > 5
    assert len(ranges) <= 2
    rig.control.do("train")
    monkeypatch.setattr(FakeStudy, "extent", Extent(-2.05, 2.05, -2.05, 2.05))
    rig.settle()
    assert flow._extent == Extent(-2.05, 2.05, -2.05, 2.05)


def test_while_training_the_newest_snapshot_is_drawn_again_and_again(rig, monkeypatch):
    monkeypatch.setattr("odeviz.app.controller.REST", 0.0)
    rig.show(task="density")
    rig.control.do("train")
    drawn = set()
    for _ in range(30):
        rig.control.trainer.advance(1)
        rig.control.trainer._loop._publish()
        rig.tick()
        drawn.add(rig.control.pictures.results["flow"].iteration)
        drawn.add(rig.control.pictures.results["background"].iteration)
    assert len(drawn) > 4
