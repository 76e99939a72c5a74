"""The solve service with studies that only wait: who goes first, who is cancelled, what arrives."""

import os
import sys
import threading
import time
import weakref
from dataclasses import dataclass
from typing import ClassVar

import pytest

from odeviz.bridge import SolveService
from odeviz.bridge.requests import BACKGROUND
from odeviz.tasks import Experiment
from odeviz.training.priority import THREAD
from odeviz.training.snapshot import Snapshot


@dataclass(frozen=True)
class Ask:
    """Answers its value after the study's gate opens, or None when cancelled first."""

    value: object
    kind: ClassVar[str] = "plain"
    urgency: ClassVar[int] = 1

    def answer(self, study, cancel):
        return study.solve(self.value, cancel)


class AskOther(Ask):
    kind = "other"
    urgency = 2


class AskBackground(Ask):
    kind = "background"
    urgency = BACKGROUND


class GatedStudy:
    def __init__(self, snapshot, gate, log):
        self.snapshot, self.gate, self.log = snapshot, gate, log

    def solve(self, value, cancel):
        self.log.append(value)
        if isinstance(value, Exception):
            raise value
        while not self.gate.is_set():
            if cancel.is_set():
                return None
            time.sleep(0.001)
        return value


@pytest.fixture
def snapshot():
    return Snapshot(Experiment(), 0, 0.0, {})


@pytest.fixture
def make_service(qtbot):
    services = []

    def make(synchronous=False, open_gate=False):
        gate, log, studies, answers = threading.Event(), [], [], []
        if open_gate:
            gate.set()

        def factory(snapshot):
            studies.append(GatedStudy(snapshot, gate, log))
            return studies[-1]

        service = SolveService(factory, synchronous=synchronous)
        service.gate, service.log, service.studies, service.answers = gate, log, studies, answers
        service.answered.connect(answers.append)
        services.append(service)
        return service

    yield make
    for service in services:
        assert service.shutdown()
        service.deleteLater()


def values(service):
    return [answer.result for answer in service.answers]


def test_an_answer_arrives_on_the_gui_thread(qtbot, make_service, snapshot):
    service = make_service(open_gate=True)
    threads = []
    service.answered.connect(lambda answer: threads.append(threading.current_thread()))
    generation = service.ask(snapshot, Ask("a"))
    qtbot.waitUntil(lambda: values(service) == ["a"], timeout=5000)
    assert threads == [threading.main_thread()]
    assert service.answers[0].generation == generation
    assert not service.busy


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads have no priorities of their own")
def test_the_solver_steps_back_behind_the_window(qtbot, make_service, snapshot):
    class AskNiceness(Ask):
        def answer(self, study, cancel):
            return os.nice(0)

    service = make_service()
    service.ask(snapshot, AskNiceness(None))
    qtbot.waitUntil(lambda: not service.busy, timeout=5000)
    assert values(service) == [min(os.nice(0) + THREAD, 19)]


def test_a_newer_request_of_a_kind_cancels_the_older(qtbot, make_service, snapshot):
    service = make_service()
    service.ask(snapshot, Ask("old"))
    qtbot.waitUntil(lambda: service.log == ["old"], timeout=5000)
    service.ask(snapshot, Ask("middle"))
    service.ask(snapshot, Ask("new"))
    service.gate.set()
    qtbot.waitUntil(lambda: not service.busy, timeout=5000)
    assert values(service) == ["new"]


def test_a_stale_answer_already_on_its_way_is_dropped(qtbot, make_service, snapshot):
    service = make_service(open_gate=True)
    service.ask(snapshot, Ask("old"))
    while service._loop._current is not None or service._loop._waiting:
        time.sleep(0.001)
    service.ask(snapshot, Ask("new"))
    qtbot.waitUntil(lambda: not service.busy, timeout=5000)
    assert values(service) == ["new"]


def test_patient_requests_let_the_solve_under_way_be_shown(qtbot, make_service, snapshot):
    service = make_service()
    service.ask(snapshot, Ask("first"), patient=True)
    qtbot.waitUntil(lambda: service.log == ["first"], timeout=5000)
    service.ask(snapshot, Ask("skipped"), patient=True)
    service.ask(snapshot, Ask("last"), patient=True)
    service.gate.set()
    qtbot.waitUntil(lambda: not service.busy, timeout=5000)
    assert values(service) == ["first", "last"]


def test_the_most_urgent_goes_first(qtbot, make_service, snapshot):
    service = make_service()
    service.ask(snapshot, Ask("running"))
    qtbot.waitUntil(lambda: service.log == ["running"], timeout=5000)
    service.ask(snapshot, AskBackground("background"))
    service.ask(snapshot, AskOther("other"))
    assert service.before(AskBackground.kind) == (Ask.kind, AskOther.kind)
    assert service.before(Ask.kind) == (), "it is being solved"
    assert service.before("nothing") is None
    service.gate.set()
    qtbot.waitUntil(lambda: not service.busy, timeout=5000)
    assert values(service) == ["running", "other", "background"]


def test_background_work_makes_room_and_is_taken_up_again(qtbot, make_service, snapshot):
    service = make_service()
    service.ask(snapshot, AskBackground("background"))
    qtbot.waitUntil(lambda: service.log == ["background"], timeout=5000)
    service.ask(snapshot, Ask("urgent"))
    qtbot.waitUntil(lambda: service.log == ["background", "urgent"], timeout=5000)
    service.gate.set()
    qtbot.waitUntil(lambda: not service.busy, timeout=5000)
    assert values(service) == ["urgent", "background"]


def test_other_kinds_are_not_cancelled(qtbot, make_service, snapshot):
    service = make_service()
    service.ask(snapshot, AskOther("slow"))
    qtbot.waitUntil(lambda: service.log == ["slow"], timeout=5000)
    service.ask(snapshot, Ask("quick"))
    service.gate.set()
    qtbot.waitUntil(lambda: not service.busy, timeout=5000)
    assert values(service) == ["slow", "quick"]


def test_a_study_is_made_once_a_snapshot(make_service, snapshot):
    service = make_service(synchronous=True, open_gate=True)
    service.ask(snapshot, Ask(1))
    service.ask(snapshot, AskOther(2))
    other = Snapshot(Experiment(), 1, 0.0, {})
    service.ask(other, Ask(3))
    assert [study.snapshot for study in service.studies] == [snapshot, other]


def test_a_model_that_nobody_asks_any_more_is_let_go(make_service, snapshot):
    service = make_service(synchronous=True, open_gate=True)
    service.ask(snapshot, Ask(1))
    study = weakref.ref(service.studies.pop())
    assert study() is not None
    service.forget()
    assert study() is None
    service.ask(snapshot, Ask(2))
    assert values(service) == [1, 2]


def test_an_exception_arrives_as_trouble_and_the_service_goes_on(make_service, snapshot):
    service = make_service(synchronous=True, open_gate=True)
    service.ask(snapshot, Ask(ZeroDivisionError("division by zero")))
    service.ask(snapshot, Ask("fine"))
    trouble = service.answers[0].trouble
    assert trouble.sentence == "The solver: ZeroDivisionError: division by zero."
    assert "Traceback" in trouble.details
    assert values(service) == [None, "fine"]


def test_a_withdrawn_request_is_not_answered(qtbot, make_service, snapshot):
    service = make_service()
    service.ask(snapshot, Ask("running"))
    qtbot.waitUntil(lambda: service.log == ["running"], timeout=5000)
    service.ask(snapshot, AskOther("waiting"))
    service.withdraw()
    assert not service.busy
    service.gate.set()
    service.ask(snapshot, Ask("after"))
    qtbot.waitUntil(lambda: not service.busy, timeout=5000)
    assert values(service) == ["after"]


def test_busy_is_signalled_once_for_a_burst(make_service, qtbot, snapshot):
    service = make_service(open_gate=True)
    seen = []
    service.busy_changed.connect(seen.append)
    service.ask(snapshot, Ask(1))
    service.ask(snapshot, AskOther(2))
    qtbot.waitUntil(lambda: len(service.answers) == 2, timeout=5000)
    assert seen == [True, False]


def test_shutdown_cancels_the_solve_under_way(qtbot, make_service, snapshot):
    service = make_service()
    service.ask(snapshot, Ask("endless"))
    qtbot.waitUntil(lambda: service.log == ["endless"], timeout=5000)
    began = time.monotonic()
    assert service.shutdown(2.0)
    assert time.monotonic() - began < 1.0
    assert "solver" not in {thread.name for thread in threading.enumerate()}
