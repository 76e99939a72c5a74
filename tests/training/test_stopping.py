"""Stop rules end a run with a sentence, and let it go on when a person wants it to."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from odeviz.tasks import Experiment
from odeviz.training import Session
from odeviz.training.stopping import WINDOW, StopRules


def training(**settings):
    return (
        Experiment().with_settings({f"training.{name}": value for name, value in settings.items()}).training
    )


def run(rules, training, losses, seconds=0.0):
    """The iteration after which the rules end a run, and why."""
    for iteration, loss in enumerate(losses, start=1):
        rules.see(loss)
        if verdict := rules.verdict(training, iteration, seconds):
            return iteration, verdict
    return None


def test_no_rule_no_end():
    assert run(StopRules(), training(), [1.0] * 500, seconds=1e6) is None


def test_patience_counts_from_the_lowest_mean():
    falling = [1.0 - k / 100 for k in range(50)]
    rules = StopRules()
    ended, why = run(rules, training(patience=30), falling + [1.0] * 100)
    assert ended == 50 + 30
    assert "has found no new lowest value for 30 iterations" in why
    rules.overrule()
    assert run(rules, training(patience=30), [1.0] * 29) is None


def test_one_lucky_batch_does_not_reach_the_target_loss():
    wanted = training(stop_at_loss=True, target_loss=0.2)
    assert run(StopRules(), wanted, [1.0] * 30 + [-3.0] + [1.0] * 30) is None
    ended, why = run(StopRules(), wanted, [1.0] * 30 + [0.2] * 40)
    assert ended == 30 + WINDOW
    assert "has reached 0.2" in why


def test_a_time_limit_is_the_end_of_the_schedule_too():
    rules, limited = StopRules(), training(seconds=8.0, iterations=1000)
    assert rules.progress(limited, 100, 2.0) == 0.25
    assert rules.progress(limited, 500, 2.0) == 0.5
    assert run(rules, limited, [1.0], seconds=8.0) == (1, "Stopped at iteration 1: 8 s of training are over.")
    rules.overrule()
    assert rules.progress(limited, 100, 9.0) == 0.1


@pytest.fixture
def small():
    return Experiment().with_settings(
        {"field.width": 4, "data.samples": 64, "training.batch": 16, "training.iterations": 400}
    )


def test_a_session_ends_by_its_rules_and_can_go_on(small):
    session = Session(small.with_settings({"training.stop_at_loss": True, "training.target_loss": 100.0}))
    made = sum(1 for _ in itertools.takewhile(bool, iter(session.step, None)))
    assert (made, session.finished) == (WINDOW, True)
    assert session.ended.startswith(f"Stopped at iteration {WINDOW}: the loss")
    assert session.message == ""
    session.go_on()
    assert session.step()
    assert not session.finished
    # The settings have the last word: changed, they are judged again.
    session.apply(session.experiment.with_setting("training.target_loss", 99.0))
    assert session.finished
    session.apply(session.experiment.with_setting("training.target_loss", -5.0))
    assert session.step()


def test_a_run_that_goes_on_after_its_time_says_so_at_once(small):
    session = Session(small)
    session.step()
    spent = dataclasses.replace(session.snapshot(), seconds=15.0)
    session = Session(small.with_setting("training.seconds", 3.0), spent)
    assert not session.step()
    assert session.ended == "Stopped at iteration 1: 3 s of training are over. It has taken 15 s so far."
    session.go_on()
    assert session.step()


def test_a_session_says_that_its_iterations_are_done(small):
    session = Session(small.with_setting("training.iterations", 2))
    while session.step():
        pass
    assert session.ended == "All 2 iterations are done."
