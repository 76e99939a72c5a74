import threading
import weakref

import pytest

from odeviz.bridge import JobRunner


@pytest.fixture
def jobs(qtbot):
    runner = JobRunner()
    yield runner
    assert runner.shutdown()
    runner.deleteLater()


def test_a_job_runs_on_a_worker_and_its_value_comes_back_to_the_gui_thread(qtbot, jobs):
    seen = []
    jobs.submit(
        threading.current_thread,
        lambda worker: seen.append((worker, threading.current_thread())),
        seen.append,
    )
    qtbot.waitUntil(lambda: bool(seen), timeout=5000)
    worker, receiver = seen[0]
    assert worker.name == "files"
    assert receiver is threading.main_thread()


def test_a_job_that_is_done_is_let_go(qtbot, jobs):
    class Work:
        def __call__(self):
            return "done"

    work = Work()
    held = weakref.ref(work)
    with qtbot.waitSignal(jobs.busy_changed, check_params_cb=lambda busy: not busy):
        jobs.submit(work, print, print)
        del work
    qtbot.waitUntil(lambda: held() is None, timeout=5000)


def test_a_failing_job_brings_a_sentence_and_details(qtbot, jobs):
    def fail():
        raise ValueError("the file is empty")

    seen = []
    jobs.submit(fail, seen.append, seen.append)
    qtbot.waitUntil(lambda: bool(seen), timeout=5000)
    assert seen[0].sentence == "The file is empty."
    assert "in fail" in seen[0].details


def test_shutdown_lets_the_job_under_way_finish(qtbot, jobs):
    started, done = threading.Event(), []

    def save():
        started.set()
        done.append("saved")

    jobs.submit(save, lambda value: done.append("delivered"), done.append)
    assert started.wait(5)
    assert jobs.shutdown()
    assert done == ["saved"]
