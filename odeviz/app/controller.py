"""The controller joins state, bridge and panels: what a person does goes in by one door."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, Slot

from odeviz.app.autosave import Autosave, LeftOver
from odeviz.app.command_table import commands_of, situation_of
from odeviz.app.dialogs import Dialogs
from odeviz.app.documents import Documents
from odeviz.app.experiment_strings import ExperimentStrings
from odeviz.app.export_control import ExportControl
from odeviz.app.flow_control import FlowControl
from odeviz.app.guidance import Guidance
from odeviz.app.leaving import Leaving
from odeviz.app.main_window import LOADING, MainWindow
from odeviz.app.own_data import SUFFIXES, OwnDataControl, refusal
from odeviz.app.pictures import Pictures
from odeviz.app.playback import Playback
from odeviz.app.redraw import RedrawLoop
from odeviz.app.restoring import Restoring
from odeviz.app.run_control import RunControl
from odeviz.app.run_history import RunHistory
from odeviz.app.session_view import show_view
from odeviz.app.telling import Telling
from odeviz.bridge import JobRunner, Phase, SolveService, Trainer, Trouble
from odeviz.bridge.opening import recall
from odeviz.state import Workbench
from odeviz.state.editing import is_there
from odeviz.state.log import Log
from odeviz.storage.own_data import OwnData
from odeviz.storage.session_file import View
from odeviz.tasks.doubts import doubts
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.experiment_string import called, nearest_preset
from odeviz.tasks.numerals import thousands
from odeviz.tasks.own_data import OWN
from odeviz.training.snapshot import Snapshot

#: Painting holds the interpreter lock, and training in a thread pays for it: this many times as long as a paint lies
#: between it and the next while training; and the solver rests this many times as long as it worked.
TRAINING_GAP, REST = 6.0, 3.0
#: The same gap while the solver works, in a thread of its own, or a process trains; and while nobody waits, or the
#: solver's slider is held.
SHARED_GAP, FREE_GAP = 1.0, 0.25


class Controller(QObject):
    """One window's controller. :meth:`shutdown` cancels and joins all its threads."""

    def __init__(
        self,
        window: MainWindow,
        *,
        trainer: Trainer | None = None,
        service: SolveService | None = None,
        jobs: JobRunner | None = None,
        dialogs: Dialogs | None = None,
        settings: QSettings | None = None,
        autosave: Path | None = None,
        exporter: SolveService | None = None,
        drawer: JobRunner | None = None,
    ) -> None:
        super().__init__(window)
        self.window = window
        self.trainer = trainer or Trainer(process=True, parent=self)
        self.service = service or SolveService(recall=recall, parent=self)
        self.jobs = jobs or JobRunner(parent=self)
        self.log = Log(self)
        self.dialogs = dialogs or Dialogs(window, self.log)
        self.bench = Workbench(self)
        self.telling = Telling(self.bench, self.log, window, self)
        self.redraw = RedrawLoop(self)
        self.run = RunControl(self.bench, self.trainer, window, self)
        self.history = RunHistory(self.bench, window, self)
        self.playback = Playback(self.bench, window.time_bar, self)
        self.pictures = Pictures(self.bench, self.service, window, self.redraw, self)
        self.run.later = self.pictures.showing.later
        self.flow = FlowControl(self.bench, self.pictures, window, self)
        self.documents = Documents(self.bench, self.pictures, window, self.jobs, self.dialogs, settings, self)
        self.exports = ExportControl(
            self.bench, self.pictures, window, self.documents, self.dialogs, settings,
            service=exporter, drawer=drawer, parent=self,
        )  # fmt: skip
        self.strings = ExperimentStrings(self.bench, self.dialogs, self)
        self.own_data = OwnDataControl(self.bench, window, self.jobs, self.dialogs, self)
        self.leaving = Leaving(self.bench, self.trainer, self.documents, self.dialogs, self)
        self.run.may_start = self.leaving.start_again
        kept = self.documents.kept_in_session
        self.autosave = Autosave(self.bench, window, self.jobs, autosave, kept, self)
        self.restoring = Restoring(self.autosave, self.leaving, window, self)
        self.guidance = Guidance(self.bench, window, self.dialogs, self.telling.toasts, settings, self)
        #: The window is closing; the solver's slider is held.
        self._closing = self._solver_held = False
        self._commands = commands_of(self)
        self._join_state()
        self._join_panels()
        self._join_bridge()
        window.solver_bar.set_choice(self.bench.choice)
        self.run.show_experiment()
        self.update_actions()

    def shutdown(self, timeout: float = 2.0) -> bool:
        """Cancel and join all threads; True if all have ended within the bound."""
        self._closing = self.leaving.closing = True
        # It clears itself when it is destroyed, when nobody is left to be told.
        self.bench.undo_stack.blockSignals(True)
        self.redraw.stop()
        until = time.monotonic() + timeout
        workers = (self.service, self.trainer, self.exports, self.jobs)
        self.autosave.stop()
        ended = [worker.shutdown(max(0.1, until - time.monotonic())) for worker in workers]
        self.autosave.close()
        return all(ended)

    # Joining.

    def _join_state(self) -> None:
        bench = self.bench
        bench.playhead_changed.connect(self._keep_going)
        bench.training_changed.connect(self._keep_going)
        bench.layers_changed.connect(self._keep_going)
        bench.stage_changed.connect(self._keep_going)
        bench.message_changed.connect(self.window.status.set_message)
        bench.document_changed.connect(self._on_document)
        bench.rejected.connect(self.window.form.set_error)
        bench.experiment_changed.connect(self._on_experiment)
        bench.running_changed.connect(self._on_experiment)
        # The text changes without the index where a step is merged with the one before.
        bench.undo_stack.indexChanged.connect(self.update_actions)
        bench.undo_stack.undoTextChanged.connect(self.update_actions)
        self.documents.recent.changed.connect(self.update_actions)
        self.autosave.offered.connect(self.update_actions)
        self.restoring.restored.connect(self._show_restored)
        for signal in (
            bench.snapshot_changed, bench.replay_changed, bench.kept_changed, bench.playhead_changed,
            bench.training_changed, bench.layers_changed, bench.seeds_changed, bench.selection_changed,
            bench.stage_changed, bench.colouring_changed, self.window.theme.changed,
            self.window.state_changed, self.exports.films.changed,
        ):  # fmt: skip
            signal.connect(self.update_actions)

    def _join_panels(self) -> None:
        window, bench, pictures = self.window, self.bench, self.pictures
        window.actions_.triggered.connect(self.do)
        window.close_wanted.connect(self._on_close_wanted)
        window.file_dropped.connect(self._on_dropped)
        window.line_dropped.connect(self.strings.open)
        window.painted.connect(self.redraw.painted)
        self.redraw.floor.lasted.connect(window.paint_apart)
        window.form.edited.connect(self._on_edited)
        window.form.reset_requested.connect(self.reset_settings)
        window.form.preset_chosen.connect(self.documents.open_preset)
        window.solver_bar.choice_changed.connect(bench.choose)
        for panel in (window.view, window.precision, window.series, window.steps):
            panel.time_picked.connect(self.playback.scrub)
        window.solver_bar.compare_toggled.connect(bench.compare)
        window.solver_bar.drag_started.connect(self._begin_solver_drag)
        window.solver_bar.drag_finished.connect(self._end_solver_drag)
        for dock in window.docks.values():
            # A panel that comes to the front missed what was drawn meanwhile.
            dock.visibilityChanged.connect(self._keep_going)
        self._on_experiment()
        self._on_document(None, False)
        pictures.troubled.connect(self._on_solver_trouble)

    def _join_bridge(self) -> None:
        self.run.crashed.connect(self._on_crash)
        self.run.pace_changed.connect(self.update_actions)
        self.service.busy_changed.connect(self._on_solver_busy)
        self.pictures.shown.connect(self._on_shown)
        self.documents.opened.connect(self.show_model)
        self.documents.untrained.connect(self._on_untrained)
        self.strings.ready.connect(self._on_untrained)
        self.own_data.ready.connect(self._on_own_data)
        self.documents.table_found.connect(self.own_data.read)
        self.redraw.tick.connect(self._on_tick)

    @Slot(float)
    def _on_tick(self, seconds: float) -> None:
        if "flow" in self.pictures.results:
            # What is not there yet is waited for.
            self.playback.advance(seconds)
        self.window.flow.advance(seconds)
        self.history.draw(self.pictures.showing.later)
        self.pictures.show()
        # What is drawn is painted before anything else is asked for.
        self.pictures.showing.turns.give("refresh", self._refresh)

    def _refresh(self) -> None:
        self.run.take_snapshot()
        self.pictures.refresh()

    @Slot()
    def _begin_solver_drag(self) -> None:
        # The picture under the hand comes before the training.
        self._hold_solver(True)
        self.flow.begin_drag()

    @Slot()
    def _end_solver_drag(self) -> None:
        self._hold_solver(False)
        self.flow.end_drag()

    def _hold_solver(self, held: bool) -> None:
        self._solver_held = held
        self.trainer.hold(held)
        self._share_lock()

    @Slot()
    def _keep_going(self) -> None:
        training = self.trainer.phase in (Phase.TRAINING, Phase.STARTING)
        self._share_lock()
        self.pictures.rest = 0.0 if self.trainer.apart else REST
        moving = training or self.bench.playhead.playing or self.window.flow.drifting
        self.redraw.set_going(moving and not self._closing)
        if not self._closing:
            self.redraw.wake()

    def _share_lock(self) -> None:
        """Leave as much time between two paints as those need who wait for the interpreter."""
        training = self.trainer.phase in (Phase.TRAINING, Phase.STARTING)
        if training and not self.trainer.apart:
            self.redraw.gap = TRAINING_GAP
        else:
            shared = (training or self.service.busy) and not self._solver_held
            self.redraw.gap = SHARED_GAP if shared else FREE_GAP

    # The model on show.

    @Slot(object, object, object)
    def show_model(self, snapshot: Snapshot, path: Path | None, view: View | None = None) -> None:
        """Show a trained model, moving, or as a session's view has it; a person may first save the one on show."""
        self.leaving.leave(partial(self._show_model, snapshot, path, view))

    def _show_model(self, snapshot: Snapshot, path: Path | None, view: View | None) -> None:
        first = self.bench.snapshot is None
        self._leave_model()
        self.documents.showing(snapshot, path, view)
        self.bench.show_model(snapshot, path)
        if view is not None:
            show_view(self.bench, self.window, view)
        else:
            self.playback.begin(calm=self.window.theme.calm)
        doubted = " ".join(f"{doubt[:1].upper()}{doubt[1:]}." for doubt in doubts(snapshot.metrics))
        self.bench.say(doubted, lasting=True)
        if first:
            self.window.flow.set_message(LOADING)

    @Slot(object)
    def _show_restored(self, left: LeftOver) -> None:
        self._show_model(left.snapshot, None, left.view)
        self.bench.set_document(None, unsaved=True)

    @Slot(str, object)
    def _on_untrained(self, title: str, experiment: Experiment) -> None:
        self.leaving.leave(partial(self._show_untrained, title, experiment))

    def _show_untrained(self, title: str, experiment: Experiment) -> None:
        """An experiment without a model: fresh weights, ready to be trained."""
        self._leave_model()
        self.bench.show_experiment(experiment)
        self.trainer.start(experiment, paused=True)
        self.bench.say(f"{title} is not trained yet: press Train.", lasting=True)

    @Slot(object, object, str)
    def _on_own_data(self, experiment: Experiment, own: OwnData, origin: str) -> None:
        self.leaving.leave(partial(self._show_own_data, experiment, own, origin))

    def _show_own_data(self, experiment: Experiment, own: OwnData, origin: str) -> None:
        """Fresh weights beside a person's own data, ready to be trained."""
        self._leave_model()
        self.bench.show_experiment(experiment, own.arrays)
        self.leaving.were_read(self.bench.data, own.path)
        self.trainer.start(experiment, data=self.bench.data, paused=True)
        self.telling.toasts.withdraw(refusal(origin))
        rows = len(next(iter(own.arrays.values())))
        note = f"{own.note} " if own.note else ""
        self.bench.say(
            f"{origin}: {thousands(rows)} rows. {note}Press Train to learn from them.", lasting=True
        )

    @Slot(object)
    def _on_dropped(self, path: Path) -> None:
        if path.suffix.lower() in SUFFIXES:
            self.own_data.read(path)
        else:
            self.documents.open(path)

    @Slot(str, object)
    def _on_edited(self, path: str, value: object) -> None:
        if (path, value) == ("data.name", OWN) and not is_there(self.bench.experiment, self.bench.data):
            # There is nothing yet that this task learns from: ask for it, and leave the form as it is.
            self.own_data.ask()
        else:
            self.bench.edit(path, value)
        if path == "data.name":
            # A choice that was not taken is not left standing.
            self.run.show_experiment()

    @Slot()
    def reset_settings(self) -> None:
        """All settings as the preset has them that the experiment is nearest to."""
        near = nearest_preset(self.bench.experiment)
        if near is not None and near.experiment == self.bench.experiment:
            self.bench.say(f"No setting differs from {near.title}.")
        elif near is not None:
            self.bench.revert(near.experiment, f"reset to {near.title}")

    def _leave_model(self) -> None:
        self.trainer.drop()
        self.pictures.forget()
        self.window.form.forget_errors()

    @Slot()
    def _on_experiment(self) -> None:
        self.pictures.showing.turns.give("preset", self._show_preset, lasting=True)
        self._on_document(self.bench.path, self.bench.unsaved)

    def _show_preset(self) -> None:
        near = nearest_preset(self.bench.experiment)
        changed = near is not None and near.experiment != self.bench.experiment
        if self.bench.experiment.data.name == OWN:
            self.window.form.set_preset(None, instead="Your own data")
        else:
            self.window.form.set_preset(near.name if near is not None else None, changed)
        self.window.form.set_base(near)

    @Slot(object, bool)
    def _on_document(self, path: Path | None, unsaved: bool) -> None:
        name = path.name if path is not None else called(self.bench.running or self.bench.experiment)
        self.window.set_document(name, unsaved)

    # What is reported.

    @Slot(bool)
    def _on_solver_busy(self, busy: bool) -> None:
        self._share_lock()
        # While training something is solved all the time: blinking would say nothing.
        training = self.trainer.phase is Phase.TRAINING
        self.window.solver_bar.set_busy(busy and not training and self.service.is_open("flow"))

    @Slot(object)
    def _on_solver_trouble(self, trouble: Trouble) -> None:
        self.window.flow.set_message(trouble.sentence)
        if trouble.unexpected and self.bench.message != trouble.sentence:
            self.dialogs.trouble(trouble, "A picture could not be computed")
        self.bench.say(trouble.sentence, lasting=True)

    @Slot(object)
    def _on_crash(self, trouble: Trouble) -> None:
        self.dialogs.trouble(trouble, "Training stopped")

    @Slot()
    def _on_shown(self) -> None:
        self.window.flow.set_message(self.bench.training.message)
        if self.trainer.phase is Phase.IDLE:
            # The first click on Train shall not wait for the optimiser's import.
            self.trainer.warm_up()

    @Slot()
    def _on_close_wanted(self) -> None:
        self.window.may_close = self.exports.may_close() and self.leaving.may_leave(self.window.close)

    # Actions.

    @Slot()
    def update_actions(self) -> None:
        """Tell the actions what is so now."""
        self.window.actions_.update(situation_of(self))

    @Slot(str)
    def do(self, key: str) -> None:
        """Do what an action of the registry says."""
        self._commands[key]()
