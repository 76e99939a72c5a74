"""``odeviz train``: when it ends, what it says on the way, and what it leaves behind."""

import io
import signal
import sys

import numpy as np
import pytest
from asked import SMALL, answer

from odeviz.cli import main
from odeviz.commands import train
from odeviz.storage import load_model


@pytest.fixture(autouse=True)
def coarse_maps(monkeypatch):
    monkeypatch.setattr("odeviz.commands.panels._CELLS", 20)


def test_a_run_bounded_by_time_ends_in_time_with_the_schedule_done(capsys, tmp_path):
    out = tmp_path / "m.odeviz"
    report = answer(
        capsys, "train", "moons-classifier", "--seconds", "0.3", *SMALL,
        "--set", "training.iterations=100000", "--out", str(out),
    )  # fmt: skip
    assert 0 < report["iterations"] < 100_000
    assert report["seconds"] < 1.0
    assert load_model(out).iteration == report["iterations"]


class FakeSession:
    """A run whose steps cost nothing."""

    ended = ""

    def __init__(self, experiment, snapshot=None, on_step=lambda session: None):
        from odeviz.training.snapshot import Snapshot

        self.experiment, self.iteration, self.message = experiment, 0, ""
        self.metrics = {"loss": 1.0, "nfe_forward": 4.0, "nfe_backward": 4.0}
        self.evaluated, self._on_step = False, on_step
        self._snapshot = Snapshot

    def step(self):
        if self.message or self.iteration >= self.experiment.training.iterations:
            return False
        self.iteration += 1
        self._on_step(self)
        return True

    def evaluate(self):
        self.evaluated = True
        return {"accuracy": 0.5}

    def snapshot(self):
        return self._snapshot(
            self.experiment,
            self.iteration,
            0.1,
            {"w": np.zeros(3)},
            metrics=self.metrics,
            message=self.message,
        )


@pytest.fixture
def fake(monkeypatch):
    """Trains by :class:`FakeSession`; a function that is called after every step can be set on it."""
    import odeviz.training

    made = []

    def install(on_step=lambda session: None):
        def make(experiment, data=None):
            made.append(FakeSession(experiment, on_step=on_step))
            return made[-1]

        # Not setattr, which would first load torch to remember what was there.
        monkeypatch.setitem(vars(odeviz.training), "Session", make)
        return made

    return install


def test_a_figure_that_is_not_known_is_null(capsys, fake):
    fake()
    assert answer(capsys, "train", "moons-density")["entropy"] is None


def test_seconds_are_a_stop_rule_whose_end_is_told(capsys, fake):
    made = fake(
        lambda session: setattr(session, "ended", "Stopped at iteration 1: 0.5 s of training are over.")
    )
    assert main(["train", "moons-classifier", "--seconds", "0.5"]) == 0
    assert made[0].experiment.training.seconds == 0.5
    made[0].ended = ""
    assert (
        main(["train", "moons-classifier", "--set", "training.patience=7", "--set", "training.seconds=none"])
        == 0
    )
    assert (made[1].experiment.training.patience, made[1].experiment.training.seconds) == (7, 0.0)


def test_ctrl_c_stops_evaluates_and_saves(capsys, fake, tmp_path):
    def interrupt(session):
        if session.iteration == 5:
            signal.raise_signal(signal.SIGINT)

    made = fake(interrupt)
    before = signal.getsignal(signal.SIGINT)
    out = tmp_path / "m.odeviz"
    report = answer(capsys, "train", "moons-classifier", "--out", str(out), code=130)
    assert report["iterations"] == 5
    assert made[0].evaluated
    assert out.is_file()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_ends_at_once(capsys, fake):
    def interrupt(session):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    made = fake(interrupt)
    assert main(["train", "moons-classifier"]) == 130
    assert not made[0].evaluated
    assert capsys.readouterr().out == ""


def test_training_that_failed_says_so_and_ends_with_one(capsys, fake):
    def fail(session):
        session.message = "the loss became nan"

    fake(fail)
    assert main(["train", "moons-classifier"]) == 1
    assert "odeviz: the loss became nan" in capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_rewritten_on_a_terminal_and_sparse_elsewhere(fake, monkeypatch, terminal):
    fake()
    clock = iter(np.arange(0.0, 1e5, 0.5))
    monkeypatch.setattr(train.time, "perf_counter", lambda: next(clock))
    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    assert main(["train", "moons-classifier", "--set", "training.iterations=100"]) == 0
    text = stream.getvalue()
    assert "iteration 100/100" in text
    assert "loss 1.0000" in text
    if terminal:
        assert text.count("\r") > 50
        assert text.count("\n") == 1
    else:
        assert "\r" not in text
        assert 2 <= text.count("\n") < 20


def test_a_folder_that_cannot_be_written_is_found_before_training(capsys, fake, tmp_path):
    made = fake()
    assert main(["train", "moons-classifier", "--out", str(tmp_path / "no" / "m.odeviz")]) == 2
    assert made == []
