"""A window whose training and solving cost nothing: fake sessions and studies, no threads, answered dialogs."""

import copy
import gc
from types import SimpleNamespace

import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent

from odeviz.analysis.overlays import (
    AloneResult,
    BorderResult,
    EffortResult,
    RestResult,
    SpaceResult,
    StreamResult,
)
from odeviz.analysis.projection import Projection
from odeviz.analysis.results import (
    DataResult,
    DecisionResult,
    DensityResult,
    Extent,
    FieldResult,
    FlowResult,
    ProbeResult,
    StepTable,
    frozen,
)
from odeviz.app.controller import Controller
from odeviz.app.main_window import MainWindow
from odeviz.bridge import JobRunner, SolveService, Trainer
from odeviz.tasks import Experiment
from odeviz.tasks.chart import Chart, Curve
from odeviz.tasks.viewpoint import WHOLE
from odeviz.training.checkpoints import Checkpoint
from odeviz.training.snapshot import History, Snapshot
from odeviz.widgets.theme import Theme

EXTENT = Extent(-2.0, 2.0, -2.0, 2.0)


class FakeSession:
    """Counts; its loss is 1 / iteration."""

    def __init__(self, experiment, snapshot=None, data=()):
        self.experiment, self.data = experiment, data
        self.iteration = snapshot.iteration if snapshot is not None else 0
        self.message = ""
        #: The iteration at which a stop rule ends it.
        self.rule = None
        self.runtime = SimpleNamespace(device="cpu", reason="It is a fake.")

    @property
    def finished(self):
        return bool(self.ended)

    @property
    def ended(self):
        if self.iteration == self.rule:
            return f"Stopped at iteration {self.rule}."
        return "It is done." if self.iteration >= self.experiment.training.iterations else ""

    def go_on(self):
        self.rule = None

    def step(self):
        if self.message or self.finished:
            return False
        self.iteration += 1
        return True

    def apply(self, experiment):
        self.experiment = experiment
        self.message = ""

    def snapshot(self):
        rows = np.arange(1, self.iteration + 1)
        column = frozen(1.0 / rows)
        history = History(rows, column, column, column, column, column)
        return Snapshot(
            self.experiment,
            self.iteration,
            0.0,
            {},
            history,
            {"loss": 0.5, "accuracy": 0.9},
            data=dict(self.data),
            checkpoints=tuple(Checkpoint(k, 0.0, {}) for k in range(0, self.iteration + 1, 4)),
        )


class FakeStudy:
    """Answers at once: points move right by t."""

    t1 = 2.0
    extent = EXTENT
    dim = 2
    status, message = "success", ""

    def __init__(self, snapshot):
        self.snapshot = snapshot
        self.viewpoints = []
        self.seen = Projection()

    @property
    def space(self):
        if self.dim == 2 or not self.seen.in_space:
            return SpaceResult()
        return SpaceResult(3, False, ("x", "y", "z"), np.zeros(3), np.eye(3), np.eye(3))

    def through(self, projection):
        study = copy.copy(self)
        study.seen = projection
        return study

    def streams(self, extent, n, times, lines, cancel=None):
        return StreamResult(self.field(extent, n, times), np.zeros((times, 4, 5, 2)))

    def rest(self, times, cancel=None):
        return RestResult(
            np.zeros(1),
            np.zeros(1, int),
            np.zeros((1, 2)),
            np.zeros((1, 2)),
            ("saddle",),
            np.ones((1, 2), complex),
        )

    def border(self, cancel=None):
        return BorderResult(np.array([0.0, self.t1]), np.ones((2, 5, 2)))

    def effort(self, count, choice, cancel=None):
        return EffortResult(choice, 20.0 + np.arange(count))

    def alone(self, marks, seeds, count, choice, cancel=None):
        table = StepTable(*(frozen(np.array(v)) for v in ([0.0], [2.0], [0.5], [True])))
        return AloneResult(choice, tuple(marks), (table,) * len(marks))

    @property
    def experiment(self):
        return self.snapshot.experiment

    def data(self, n):
        return DataResult(frozen(np.zeros((n, 2))), frozen(np.zeros(n, dtype=np.int64)))

    def default_seeds(self, n, rng_seed=0):
        return np.zeros((n, 2)), np.zeros(n, dtype=np.int64)

    def flow(self, seeds, labels, choice, frames=61, with_error=True, cancel=None):
        t = np.linspace(0.0, self.t1, frames)
        paths = np.zeros((frames, *np.shape(seeds))) + seeds
        paths[..., 0] += t[:, None]
        table = StepTable(*(frozen(np.array(v)) for v in ([0.0, 1.0], [1.0, 1.0], [0.5, 0.5], [True, True])))
        error = 1e-5 if with_error else np.nan
        return FlowResult(
            t,
            paths,
            np.asarray(labels),
            table,
            choice,
            self.snapshot.iteration,
            14,
            error,
            1.0,
            self.status,
            self.message,
            nfe_each=np.full(len(seeds), 14) if choice.own_steps else None,
        )

    def field(self, extent, n=25, times=33, cancel=None):
        axis = np.linspace(-2.0, 2.0, n)
        return FieldResult(np.linspace(0.0, self.t1, times), axis, axis, np.ones((times, n, n, 2)), 0)

    def density(self, t, extent, n, choice, cancel=None):
        return DensityResult(t, extent, frozen(np.zeros((n, n))), 1.0, self.snapshot.iteration)

    def decision(self, t, extent, n, choice, cancel=None, finer=False):
        return DecisionResult(t, extent, frozen(np.full((2, n, n), 0.5)), self.snapshot.iteration)

    def view(self, key, choice, cancel=None, viewpoint=WHOLE, pinned=None):
        self.viewpoints.append(viewpoint)
        line = frozen(np.array([0.0, self.snapshot.iteration]))
        return Chart(key, "x", "y", (Curve(choice.method, line, line),))

    def probe(self, point, t, cancel=None):
        return ProbeResult(t, point, (1.0, 0.0), 1.0, 0.0)


class FakeDialogs:
    """Answers what it was told to answer, and keeps what it was told."""

    def __init__(self):
        self.to_open = self.to_save = self.to_import = None
        self.keep = "cancel"
        self.asked = []
        self.troubles = []
        self.opened = []

    def model_to_open(self, folder):
        return self.to_open

    def data_to_open(self, kinds):
        return self.to_import

    def file_to_save(self, title, suggestion, kinds):
        self.suggestion = suggestion
        return self.to_save

    def keep_changes(self, what):
        return self.keep

    def give_up(self, sentence, keep, stop):
        self.asked.append(sentence)
        return False

    def trouble(self, trouble, title):
        self.troubles.append((title, trouble))

    def shortcuts(self):
        self.opened.append("shortcuts")

    def about(self):
        self.opened.append("about")

    def run(self, make):
        self.opened.append(make(None))


class Rig:
    """A window with its controller, stepped by hand; with ``apart`` figures are drawn in another process."""

    def __init__(self, settings=None, autosave=None, apart=False):
        self.sessions, self.studies = [], []
        self.theme = Theme("light")
        self.window = MainWindow(self.theme, settings)
        self.dialogs = FakeDialogs()
        self.control = Controller(
            self.window,
            trainer=Trainer(self._make(self.sessions, FakeSession), synchronous=True),
            service=SolveService(self._make(self.studies, FakeStudy), synchronous=True),
            jobs=JobRunner(synchronous=True),
            exporter=SolveService(self._make(self.studies, FakeStudy), synchronous=True),
            drawer=None if apart else JobRunner(synchronous=True),
            dialogs=self.dialogs,
            settings=settings,
            autosave=autosave,
        )
        self.bench = self.control.bench
        # What is brought into view is solved for at once.
        self.control.pictures.settling.calm = 0.0

    @staticmethod
    def _make(made, kind):
        def factory(*args):
            made.append(kind(*args))
            return made[-1]

        return factory

    def tick(self, seconds=0.02):
        """A tick, and the turns of the event loop after it."""
        self.control.redraw.tick.emit(seconds)
        turns = self.control.pictures.showing.turns
        while turns.due:
            turns.floor.leave()
            turns.take()

    def settle(self):
        """Tick, with the time standing still, until everything is drawn."""
        for _ in range(200):
            self.tick(0.0)
            if self.control.pictures.settled:
                return
        raise AssertionError("the pictures did not settle")

    def show(self, **settings):
        """Show a trained model of an experiment with these settings."""
        experiment = Experiment().with_settings(
            {key.replace("__", "."): value for key, value in settings.items()}
        )
        session = FakeSession(experiment)
        session.iteration = experiment.training.iterations
        self.control.show_model(session.snapshot(), None)
        self.settle()

    def held(self):
        """The tasks of the runs that anything but the fakes still holds."""
        self.sessions.clear()
        self.studies.clear()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()
        return {each.experiment.task for each in gc.get_objects() if type(each) is Snapshot}

    def close(self):
        assert self.control.shutdown()
        for dialog in self.dialogs.opened:
            if not isinstance(dialog, str):
                dialog.deleteLater()
        exports = self.control.exports
        for worker in (
            self.control.trainer, self.control.service, self.control.jobs, exports.service, exports.drawer
        ):  # fmt: skip
            worker.deleteLater()
        self.window.may_close = True
        self.window.deleteLater()
        self.theme.deleteLater()
