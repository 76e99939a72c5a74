"""Training in a process of its own: the same results, the same commands, and an end to it whatever happens."""

import logging
import os
import pickle
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
from counting_session import Counting, Hoarding

from odeviz.bridge import Phase, Trainer, training_process
from odeviz.tasks import Experiment
from odeviz.training import Checkpoint, Snapshot
from odeviz.training.loop import Report
from odeviz.training.process import Outbox, Packer, Unpacker

SMALL = Experiment().with_settings(
    {"field.width": 4, "field.depth": 1, "data.samples": 32, "training.batch": 16, "training.iterations": 4}
)


@pytest.fixture
def make_trainer(qtbot, monkeypatch, nothing_left):
    monkeypatch.delenv(training_process.CHOICE)
    trainers = []

    def make(*factory):
        trainers.append(Trainer(*factory, process=True))
        return trainers[-1]

    yield make
    for trainer in trainers:
        assert trainer.shutdown(10.0)
        trainer.deleteLater()


def reached(qtbot, trainer, iteration):
    """The first snapshot of at least so many iterations."""
    found = []

    def look():
        snapshot = trainer.take_snapshot()
        if snapshot is not None and snapshot.iteration >= iteration:
            found.append(snapshot)
        return bool(found)

    qtbot.waitUntil(look, timeout=90_000)
    return found[0]


def test_a_run_there_equals_one_here_bit_for_bit(qtbot, make_trainer):
    trainer = make_trainer()
    trainer.start(SMALL)
    theirs = reached(qtbot, trainer, 4)
    from odeviz.training import Session

    session = Session(SMALL)
    while session.step():
        pass
    ours = session.snapshot()
    assert theirs.experiment == ours.experiment
    np.testing.assert_array_equal(theirs.history.loss, ours.history.loss)
    for name, weights in ours.weights.items():
        np.testing.assert_array_equal(theirs.weights[name], weights)
        assert not theirs.weights[name].flags.writeable
    assert [kept.iteration for kept in theirs.checkpoints] == [0, 1, 2, 3, 4]
    qtbot.waitUntil(lambda: trainer.phase is Phase.FINISHED)


def test_killed_it_says_so_and_can_be_started_again(qtbot, make_trainer, caplog):
    trainer = make_trainer(Counting)
    trainer.start(Experiment())
    last = reached(qtbot, trainer, 3)
    pid = int(last.weights["pid"])
    assert pid == trainer.pid != os.getpid()
    with qtbot.waitSignal(trainer.troubled) as troubled, caplog.at_level(logging.CRITICAL):
        os.kill(pid, signal.SIGTERM)
    assert (
        "its process has ended (signal 15, SIGTERM). The last good model is kept" in troubled.args[0].sentence
    )
    assert trainer.phase is Phase.IDLE
    last = trainer.take_snapshot() or last
    trainer.start(Experiment(), last)
    again = reached(qtbot, trainer, last.iteration + 2)
    assert int(again.weights["pid"]) == trainer.pid != pid


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody tells what a process holds")
def test_what_a_session_held_goes_back_to_the_system(qtbot, make_trainer):
    trainer = make_trainer(Hoarding)
    trainer.start(Experiment())
    last = reached(qtbot, trainer, 1)
    arrived, held = weakref.ref(last.checkpoints[0].weights["w"]), resident(trainer.pid)
    del last
    trainer.drop()
    qtbot.waitUntil(lambda: resident(trainer.pid) < held - 90.0 and arrived() is None, timeout=30_000)


def resident(pid):
    """MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_it_ends_within_a_bound_in_the_middle_of_a_step(qtbot, make_trainer):
    trainer = make_trainer(Counting)
    trainer.start(Experiment(seed=1000))
    qtbot.waitUntil(lambda: trainer.phase is Phase.TRAINING, timeout=90_000)
    pid = trainer.pid
    began = time.monotonic()
    assert trainer.shutdown()
    assert time.monotonic() - began < 2.0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


ORPHAN = """
import sys, time
from PySide6.QtCore import QCoreApplication
from odeviz.bridge import Trainer
from odeviz.tasks import Experiment
app = QCoreApplication([])
trainer = Trainer(process=True)
trainer.apply(Experiment())
while trainer.pid is None:
    time.sleep(0.01)
print(trainer.pid, flush=True)
time.sleep(60)
"""


def test_it_does_not_outlive_a_window_that_was_killed():
    environment = {name: value for name, value in os.environ.items() if name != training_process.CHOICE}
    window = subprocess.Popen(
        [sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True, env=environment
    )
    with window:
        pid = int(window.stdout.readline())
        window.kill()
    until = time.monotonic() + 30.0
    while _runs(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not _runs(pid)


def _runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("executable", ["/nowhere/python", "false", "/opt/program"])
def test_where_no_process_can_be_started_it_trains_in_the_thread_and_the_log_says_why(
    qtbot, make_trainer, monkeypatch, caplog, tmp_path, executable
):
    if executable == "false":
        # An interpreter that does not find us.
        executable = tmp_path / "python"
        executable.write_text("#!/bin/sh\nexit 3\n")
        executable.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(executable))
    trainer = make_trainer(Counting)
    with caplog.at_level(logging.WARNING):
        trainer.set_pace(500.0)
        trainer.start(Experiment())
        assert int(reached(qtbot, trainer, 1).weights["pid"]) == os.getpid()
    (record,) = caplog.records
    assert record.getMessage().startswith("Training stays in the window's process: ")
    assert not trainer.apart
    assert trainer._loop._pace == 500.0


def snapshot_of(iteration, checkpoints=(), data=None):
    weights = {"w": np.full(3, float(iteration))}
    return Snapshot(Experiment(), iteration, 0.0, weights, checkpoints=checkpoints, data=data or {})


def test_what_never_changes_is_sent_once_and_arrives_read_only():
    kept = tuple(Checkpoint(moment, 0.0, {"w": np.full(1000, float(moment))}) for moment in range(4))
    data = {"x": np.zeros(1000)}
    packer, unpacker = Packer(), Unpacker()
    sizes, arrived = [], []
    for checkpoints in (kept[:3], kept[:4], kept[::2], ()):
        letter = pickle.dumps(packer.pack(snapshot_of(9, checkpoints, data)))
        sizes.append(len(letter))
        arrived.append(unpacker.unpack(pickle.loads(letter)))
    assert [[each.iteration for each in snapshot.checkpoints] for snapshot in arrived] == [
        [0, 1, 2], [0, 1, 2, 3], [0, 2], []
    ]  # fmt: skip
    assert arrived[1].checkpoints[0] is arrived[0].checkpoints[0]
    assert arrived[3].data is arrived[0].data
    assert sizes[0] > 4 * 8000 > 8000 * 2 > sizes[1] > 8000 > sizes[2]
    for arrays in (arrived[0].weights, arrived[0].data, arrived[1].checkpoints[3].weights):
        assert not any(array.flags.writeable for array in arrays.values())
    # Another run's checkpoints have the same iterations.
    other = Checkpoint(0, 0.0, {"w": np.ones(2)})
    packer.pack(snapshot_of(0, kept[:1]))
    assert packer.pack(snapshot_of(0, (other,))).checkpoints == (other,)


def test_a_slow_reader_gets_every_report_and_the_latest_snapshot():
    outbox = Outbox()
    outbox.put(Report(Phase.STARTING))
    outbox.put(snapshot_of(1))
    outbox.put(Report(Phase.TRAINING))
    for iteration in range(2, 6):
        outbox.put(snapshot_of(iteration))
    outbox.put(Report(Phase.FINISHED))
    sent = [outbox.get() for _ in range(4)]
    assert [each.phase for each in (sent[0], sent[1], sent[3])] == ["starting", "training", "finished"]
    assert sent[2].iteration == 5


def test_two_snapshots_with_the_same_arrays_can_be_compared():
    one = snapshot_of(3)
    assert (one, 1) == (one, 1)
    assert (one, 1) != (snapshot_of(3), 1)
