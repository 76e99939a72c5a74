"""Training in the window: its speed, its ends, its past, and a run kept to compare with."""

from odeviz.app.actions import PACES
from odeviz.bridge import Phase


def test_the_speed_is_chosen_and_shown(rig):
    rig.window.actions_["pace.5"].trigger()
    assert rig.control.trainer._loop._pace == 5.0
    assert rig.window.pace_button.text() == "5 it/s"
    checked = [key for key in PACES if rig.window.actions_[f"pace.{key}"].isChecked()]
    assert checked == ["5"]


def test_why_a_run_ended_is_told_and_train_lets_it_go_on(rig):
    rig.show(training__iterations=100)
    rig.control.do("reset")
    session = rig.sessions[-1]
    session.rule = 3
    rig.control.do("train")
    rig.control.trainer.advance(9)
    rig.tick()
    assert rig.control.trainer.phase is Phase.FINISHED
    assert rig.bench.message == "Stopped at iteration 3."
    rig.control.do("train")
    rig.control.trainer.advance(2)
    assert rig.sessions[-1] is session
    assert session.iteration == 5
