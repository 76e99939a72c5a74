"""The trainer with sessions that cost nothing: what it obeys, what it reports, how it ends."""

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from odeviz.bridge import Phase, Trainer
from odeviz.bridge.trainer import HELD_PACE
from odeviz.tasks import Experiment, TrainingConfig
from odeviz.training.snapshot import Snapshot


class CountingSession:
    def __init__(self, experiment, snapshot=None, end=10**9, fail_at=None, bad_at=None):
        self.experiment = experiment
        self.iteration = snapshot.iteration if snapshot else 0
        self.end, self.fail_at, self.bad_at = end, fail_at, bad_at
        self.message = ""
        self.runtime = SimpleNamespace(device="cpu", reason="There is no other.")
        self.threads = set()

    @property
    def finished(self):
        return self.iteration >= self.end

    @property
    def ended(self):
        return "It is done." if self.finished else ""

    def go_on(self):
        pass

    def step(self):
        self.threads.add(threading.current_thread().name)
        if self.iteration == self.fail_at:
            raise RuntimeError("the matrix is singular")
        if self.iteration == self.bad_at:
            self.message = "The loss is not finite."
            return False
        self.iteration += 1
        time.sleep(0.0005)
        return not self.finished

    def snapshot(self):
        return Snapshot(self.experiment, self.iteration, 0.0, {})

    def apply(self, experiment):
        if not self.experiment.is_hot_change(experiment):
            raise ValueError("field.width needs a restart")
        self.experiment = experiment


@pytest.fixture
def make_trainer(qtbot):
    made = []

    def make(synchronous=False, **options):
        sessions = []

        def factory(experiment, snapshot, data):
            sessions.append(CountingSession(experiment, snapshot, **options))
            return sessions[-1]

        trainer = Trainer(factory, synchronous=synchronous)
        trainer.sessions = sessions
        made.append(trainer)
        return trainer

    yield make
    for trainer in made:
        assert trainer.shutdown()
        trainer.deleteLater()


def wait_for(qtbot, trainer, phase):
    qtbot.waitUntil(lambda: trainer.phase is phase, timeout=5000)


def test_training_runs_on_its_own_thread_until_paused(qtbot, make_trainer):
    trainer = make_trainer()
    trainer.start(Experiment())
    wait_for(qtbot, trainer, Phase.TRAINING)
    trainer.pause()
    wait_for(qtbot, trainer, Phase.PAUSED)
    assert trainer.sessions[0].threads == {"trainer"}
    reached = trainer.sessions[0].iteration
    assert trainer.take_snapshot().iteration == reached
    assert trainer.sessions[0].iteration == reached


def test_it_reports_the_end_with_the_last_snapshot(qtbot, make_trainer):
    trainer = make_trainer(end=7)
    trainer.start(Experiment())
    wait_for(qtbot, trainer, Phase.FINISHED)
    assert trainer.take_snapshot().iteration == 7


def test_snapshots_come_at_most_twenty_times_a_second(make_trainer, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("odeviz.training.loop.time", SimpleNamespace(monotonic=lambda: now[0]))
    trainer = make_trainer(synchronous=True)
    trainer.start(Experiment())
    trainer.take_snapshot()
    taken = []
    for _ in range(128):
        # 128 iterations in a second.
        now[0] += 1 / 128
        trainer.advance(1)
        snapshot = trainer.take_snapshot()
        if snapshot is not None:
            taken.append(snapshot.iteration)
    assert 16 <= len(taken) <= 20
    assert min(np.diff(taken)) >= 128 / 20
    trainer.pause()
    assert trainer.take_snapshot().iteration == 128


def test_a_single_step_leaves_it_paused(make_trainer):
    trainer = make_trainer(synchronous=True)
    trainer.start(Experiment(), paused=True)
    trainer.step()
    trainer.step()
    assert trainer.phase is Phase.PAUSED
    assert trainer.take_snapshot().iteration == 2


def test_it_goes_on_from_a_snapshot(make_trainer):
    trainer = make_trainer(synchronous=True)
    trainer.start(Experiment(), Snapshot(Experiment(), 40, 1.0, {}), paused=True)
    trainer.resume()
    trainer.advance(3)
    trainer.pause()
    assert trainer.take_snapshot().iteration == 43


def test_an_exception_arrives_as_trouble_and_the_last_snapshot_stays(qtbot, make_trainer):
    trainer = make_trainer(fail_at=5)
    with qtbot.waitSignal(trainer.troubled, timeout=5000) as caught:
        trainer.start(Experiment())
    trouble = caught.args[0]
    assert trouble.sentence == "Training stopped: RuntimeError: the matrix is singular."
    assert "in step" in trouble.details
    assert trainer.phase is Phase.TROUBLE
    assert threading.current_thread() is threading.main_thread()


def test_a_session_that_stops_by_itself_says_why(make_trainer):
    trainer = make_trainer(synchronous=True, bad_at=3)
    troubles = []
    trainer.troubled.connect(troubles.append)
    trainer.start(Experiment())
    trainer.advance(10)
    assert [t.sentence for t in troubles] == ["The loss is not finite."]
    assert trainer.phase is Phase.TROUBLE
    assert trainer.take_snapshot().iteration == 3


def test_hot_settings_reach_the_running_session(make_trainer):
    trainer = make_trainer(synchronous=True)
    trainer.start(Experiment(), paused=True)
    running = []
    trainer.running_changed.connect(running.append)
    hot = Experiment().with_setting("training.lr", 1e-3)
    trainer.apply(hot)
    assert trainer.sessions[0].experiment == hot
    assert running == [hot]


def test_a_cold_setting_is_refused_with_a_sentence(make_trainer):
    trainer = make_trainer(synchronous=True)
    trainer.start(Experiment(), paused=True)
    troubles = []
    trainer.troubled.connect(troubles.append)
    trainer.apply(Experiment().with_setting("field.width", 8))
    assert troubles[0].sentence == "The settings could not be applied: field.width needs a restart."


def test_a_session_that_cannot_be_made_leaves_the_one_before(make_trainer):
    trainer = make_trainer(synchronous=True)
    trainer.start(Experiment(), paused=True)
    trainer._loop._make_session = lambda experiment, snapshot, data: 1 / 0
    trainer.start(Experiment())
    assert trainer.phase is Phase.TROUBLE
    trainer.step()
    assert trainer.phase is Phase.PAUSED


def test_a_new_session_tells_its_device_and_why(make_trainer):
    trainer = make_trainer(synchronous=True)
    devices = []
    trainer.device_changed.connect(devices.append)
    trainer.start(Experiment(), paused=True)
    assert [(device.name, device.reason) for device in devices] == [("cpu", "There is no other.")]


def test_after_dropping_the_session_no_snapshot_of_it_arrives(qtbot, make_trainer):
    trainer = make_trainer()
    trainer.start(Experiment())
    wait_for(qtbot, trainer, Phase.TRAINING)
    trainer.drop()
    assert trainer.take_snapshot() is None
    wait_for(qtbot, trainer, Phase.IDLE)
    assert trainer.take_snapshot() is None


def test_after_dropping_a_session_only_the_next_one_is_heard(qtbot, make_trainer):
    trainer = make_trainer()
    trainer.start(Experiment(seed=1))
    wait_for(qtbot, trainer, Phase.TRAINING)
    running, phases = [], []
    trainer.running_changed.connect(running.append)
    trainer.phase_changed.connect(phases.append)
    trainer.apply(Experiment(seed=1, training=TrainingConfig(lr=0.5)))
    trainer.drop()
    trainer.start(Experiment(seed=2))
    wait_for(qtbot, trainer, Phase.TRAINING)
    assert {experiment.seed for experiment in running} == {2}
    assert phases == [Phase.IDLE, Phase.STARTING, Phase.TRAINING]


def test_shutdown_ends_the_thread_while_training(qtbot, make_trainer):
    trainer = make_trainer()
    trainer.start(Experiment())
    wait_for(qtbot, trainer, Phase.TRAINING)
    began = time.monotonic()
    assert trainer.shutdown(2.0)
    assert time.monotonic() - began < 1.0
    assert "trainer" not in {thread.name for thread in threading.enumerate()}


def test_the_pace_says_when_the_next_step_is_due(make_trainer):
    trainer = make_trainer(synchronous=True)
    trainer.start(Experiment())
    trainer.set_pace(4.0)
    trainer.advance(1)
    loop, now = trainer._loop, time.monotonic()
    assert 0.0 < loop.rest(now) <= 0.25
    assert loop.rest(now + 0.25) == 0.0
    # However far ahead steps were made by hand, the rest is one step's.
    trainer.advance(9)
    assert loop.rest(time.monotonic()) == pytest.approx(0.25, abs=0.01)
    trainer.set_pace(None)
    assert loop.rest(now) == 0.0


def test_held_it_hardly_trains_and_let_go_it_has_its_pace_again(make_trainer):
    trainer = make_trainer(synchronous=True)
    trainer.hold(True)
    trainer.start(Experiment())
    loop = trainer._loop
    assert loop._pace == HELD_PACE
    trainer.set_pace(1.0)
    assert loop._pace == 1.0
    trainer.set_pace(100.0)
    assert loop._pace == HELD_PACE
    trainer.hold(False)
    assert loop._pace == 100.0
    trainer.hold(True)
    trainer.hold(True)
    trainer.set_pace(None)
    assert loop._pace == HELD_PACE
    trainer.hold(False)
    assert loop._pace is None


def test_a_command_cuts_the_rest_short(qtbot, make_trainer):
    trainer = make_trainer()
    trainer.set_pace(0.01)
    trainer.start(Experiment())
    qtbot.waitUntil(lambda: [s.iteration for s in trainer.sessions] == [1], timeout=5000)
    trainer.pause()
    wait_for(qtbot, trainer, Phase.PAUSED)
    assert trainer.sessions[0].iteration == 1


def test_the_end_comes_with_its_reason(qtbot, make_trainer):
    trainer = make_trainer(synchronous=True, end=2)
    with qtbot.waitSignal(trainer.ended) as ended:
        trainer.start(Experiment())
        trainer.advance(3)
    assert ended.args == ["It is done."]
