"""Exporting in the window: previews, figures, tables and films, computed and drawn off the GUI thread."""

from __future__ import annotations

import dataclasses
import threading
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, QPoint, QSettings, QTimer, Signal, Slot
from PySide6.QtWidgets import QDialog, QMenu, QWidget

from odeviz.app.dialogs import Dialogs
from odeviz.app.documents import Documents
from odeviz.app.export_dialog import ExportDialog
from odeviz.app.export_jobs import Job, draw_preview, encode, save_image, to_clipboard, unfit, write_file
from odeviz.app.export_memory import ExportMemory
from odeviz.app.export_source import ExportSource
from odeviz.app.exports import Export, Shown, exports_of
from odeviz.app.film_export import FilmExport
from odeviz.app.main_window import MainWindow
from odeviz.app.pictures import Pictures
from odeviz.bridge import Answer, JobRunner, Request, SolveService, Trouble
from odeviz.exporting.apart import Apart
from odeviz.exporting.output import Order, Preview
from odeviz.state import Workbench
from odeviz.training.child import why_not
from odeviz.widgets.grab import grab

#: Answers that are kept for when they are asked for again: another format of the same film.
_KEPT = 6
#: Milliseconds between two looks at what there is to export.
WATCH = 500
_MENU = {"copy": "Copy Figure", "figure": "Export Figure…", "data": "Export Data…"}


class ExportControl(QObject):
    """Joins the export dialog with a solver thread of its own and with processes that draw.

    The window's own solver thread stays free for its pictures, and its interpreter lock for what moves. A preview that
    is not wanted any more is dropped; an export that is cancelled leaves no file.
    """

    #: A file could not be written, or something not be computed: the sentence.
    failed = Signal(str)

    def __init__(
        self,
        bench: Workbench,
        pictures: Pictures,
        window: MainWindow,
        documents: Documents,
        dialogs: Dialogs,
        settings: QSettings | None = None,
        *,
        service: SolveService | None = None,
        drawer: JobRunner | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._bench, self._window = bench, window
        self.source = ExportSource(bench, pictures, window)
        self._documents, self._dialogs, self._memory = documents, dialogs, ExportMemory(settings)
        self.service = service or SolveService(parent=self)
        self.drawer = drawer or JobRunner(parent=self)
        there = drawer is None and not why_not()
        #: Who draws figures and previews; None draws them here.
        self.apart = Apart() if there else None
        #: The film that is being written.
        self.films = FilmExport(window.status, Apart() if there else None, self)
        self._dialog: ExportDialog | None = None
        #: What was asked for, and the panel that was in hand.
        self._asked = ("figure", "flow")
        self._now: Shown | None = None
        #: Waits for its answer; the latest preview wanted; the one that waits for the one being drawn.
        self._waiting: Job | None = None
        self._wanted: Job | None = None
        self._next: Job | None = None
        self._drawing = False
        self._cancel = threading.Event()
        self._answers: list[tuple[Request, Any]] = []
        #: While the dialog is open: panels get something to show, a training its first checkpoints.
        self._watch = QTimer(self)
        self._watch.setInterval(WATCH)
        self._watch.timeout.connect(self.look_again)
        self.service.answered.connect(self._on_answered)
        self.films.ended.connect(self._on_film_ended)
        self.films.failed.connect(self._on_film_failed)
        window.status.cancel_wanted.connect(self.cancel_film)
        for panel in self.source.panels:
            # In the flow view the right button turns space.
            if panel is not window.flow:
                panel.exports_wanted.connect(self._offer)

    def shutdown(self, timeout: float = 2.0) -> bool:
        """Cancel what is under way and join all threads; True if they have ended within the bound."""
        self._cancel.set()
        ended = [each.shutdown(timeout / 3) for each in (self.films, self.service, self.drawer)]
        if self.apart is not None:
            self.apart.close()
        return all(ended) or self.drawer.shutdown(0.1)

    # What a person asks for.

    def open(self, asked: str = "figure", key: str = "") -> None:
        """Ask what to export, and how, beginning as last time when the same was ``asked`` for (see the memory)."""
        self._now = self.source.shown()
        if self._now is not None:
            self._asked = asked, self.source.in_hand()
            key = key or self._memory.what(*self._asked)
            order = self._memory.order(asked)
            self._dialogs.run(partial(self._make_dialog, exports_of(self._now), order, key))

    def copy_figure(self, key: str = "") -> None:
        """Put the figure of a panel, or of the one that has the focus, on the clipboard."""
        now = self.source.shown()
        if now is None:
            return
        exports = [export for export in exports_of(now) if export.ask is None]
        key = key or self.source.in_hand()
        export = next((each for each in exports if each.key == key), exports[0] if exports else None)
        if export is None:
            self._bench.say("There is no figure to copy yet.")
        else:
            order = dataclasses.replace(self._memory.order("figure"), suffix="png")
            self._fetch(Job("copy", export, order, now))

    def save_view(self) -> None:
        """Save the flow view as it is seen."""
        suggestion = self._documents.folder() / f"{self._documents.suggestion()}-view.png"
        path = self._dialogs.file_to_save("Export the view as seen", suggestion, "PNG picture (*.png)")
        if path is not None:
            # Only the GUI thread can paint a widget; encoding and writing are the worker's.
            picture = grab(self._window.flow, 2.0).toImage()
            self._documents.remember(path)
            self.drawer.submit(
                partial(save_image, picture, path),
                lambda _: self._bench.say(f"Exported {path.name}."),
                lambda trouble: self._documents.fail(f"{path.name} could not be exported", trouble, path),
            )

    def _make_dialog(self, exports: list[Export], order: Order, key: str, parent: QWidget) -> QDialog:
        dialog = ExportDialog(exports, order, key, parent)
        dialog.changed.connect(self._on_changed)
        dialog.wanted.connect(self._on_wanted)
        dialog.copy_wanted.connect(self._on_copy)
        dialog.cancelled.connect(self._on_cancelled)
        dialog.finished.connect(self._on_closed)
        self._dialog = dialog
        self._watch.start()
        return dialog

    @Slot()
    def look_again(self) -> None:
        """Offer in the open dialog what can be exported now."""
        now = self.source.shown()
        if self._dialog is None or now is None:
            return
        exports = exports_of(now)
        if [each.key for each in exports] != [each.key for each in self._dialog.exports]:
            self._now = now
            self._dialog.set_exports(exports)

    @Slot(object, object)
    def _on_changed(self, export: Export, order: Order) -> None:
        assert self._now is not None
        self._wanted = Job("preview", export, order, self._now)
        self._fetch(self._wanted)

    @Slot(object, object)
    def _on_wanted(self, export: Export, order: Order) -> None:
        if export.is_film and self.films.job is not None:
            self._refuse("A film is being written: wait for it, or cancel it in the status bar.")
            return
        kinds = export.formats[order.suffix]
        suggestion = self._documents.folder() / f"{self._documents.suggestion()}-{export.key}.{order.suffix}"
        path = self._dialogs.file_to_save(f"Export {export.title}", suggestion, f"{kinds} (*.{order.suffix})")
        if path is None or self._dialog is None or self._now is None:
            return
        problem = unfit(export, path)
        if problem:
            self._refuse(problem)
            return
        self._documents.remember(path)
        self._memory.keep(*self._asked, export.key, order)
        job = Job("write", export, dataclasses.replace(order, suffix=path.suffix[1:]), self._now, path)
        if export.is_film:
            # It may take minutes, in which people go on.
            self._dialog.accept()
            self._bench.say("")
            self.films.begin(job)
        else:
            self._cancel = threading.Event()
            self._dialog.set_progress("Computing", 0, 0)
        if not export.is_film or self.films.apart is None:
            self._fetch(job)

    def _refuse(self, sentence: str) -> None:
        if self._dialog is not None:
            self._dialog.set_failure(sentence)
        self.failed.emit(sentence)

    def may_close(self) -> bool:
        """Whether the window may close: a film that is being written is given up only if a person says so."""
        job = self.films.job
        if job is None or job.path is None:
            return True
        sentence = f"{job.path.name} is being written. If the window closes now, there will be no film."
        return self._dialogs.give_up(sentence, "Go On Writing", "Close Without It")

    @Slot()
    def cancel_film(self) -> None:
        """Give up the film that is being written."""
        self.films.cancel()
        if self._waiting is not None and self._waiting is self.films.job:
            self.service.withdraw()
            self._waiting = None
            self.films.end(False)

    @Slot(object, object)
    def _on_copy(self, export: Export, order: Order) -> None:
        if self._now is not None:
            self._memory.keep(*self._asked, export.key, order)
            self._fetch(Job("copy", export, order, self._now))

    @Slot()
    def _on_cancelled(self) -> None:
        self._cancel.set()
        self.service.withdraw()
        if self._waiting is not None:
            self._waiting = None
            self._ended(False)

    @Slot()
    def _on_closed(self) -> None:
        self._dialog = self._wanted = self._next = None
        self._watch.stop()
        if self._waiting is not None and self._waiting.goal == "preview":
            self._waiting = None
            self.service.withdraw()
        self._let_go()

    def _let_go(self) -> None:
        """Without a dialog nothing is asked again: keep neither its model nor what was computed of it."""
        if self._dialog is None and self._waiting is None:
            self._now = None
            self._answers.clear()
            self.service.forget()

    # Asking the solver.

    def _fetch(self, job: Job) -> None:
        """Go on with a job once what it shows is there."""
        little = job.goal == "preview" and job.export.ask_little is not None
        ask = job.export.ask_little if little else job.export.ask
        if ask is None:
            self._go_on(job)
            return
        request = ask(job.now, job.order)
        known = next((answer for other, answer in self._answers if other == request), None)
        if known is not None:
            self._go_on(dataclasses.replace(job, now=job.now.answered(known)))
            return
        if job.goal == "write" and hasattr(request, "report"):
            request = dataclasses.replace(request, report=partial(self.films.reported.emit, "Computing"))
        elif self._dialog is not None:
            self._dialog.set_busy()
        self._waiting = job
        self.service.ask(job.now.snapshot, request)

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        job, self._waiting = self._waiting, None
        if job is None:
            return
        if answer.trouble is not None or answer.result is None:
            self._not_done(job, answer.trouble or Trouble("It could not be computed."))
            return
        self._answers = [(answer.request, answer.result), *self._answers[: _KEPT - 1]]
        self._go_on(dataclasses.replace(job, now=job.now.answered(answer.result)))
        self._let_go()

    # Drawing and writing.

    def _go_on(self, job: Job) -> None:
        if job.goal == "preview":
            self._draw(job)
        elif job.goal == "copy":
            work: Any = partial(encode, job, self.apart)
            self.drawer.submit(work, partial(self._copied, job), partial(self._not_done, job))
        else:
            cancel = self.films.cancelled if job.export.is_film else self._cancel
            work = partial(write_file, job, self.apart, self.films.reported.emit, cancel)
            self.drawer.submit(work, partial(self._written, job), partial(self._not_done, job))

    def _draw(self, job: Job) -> None:
        if self._dialog is None:
            return
        if self._drawing:
            self._next = job
            return
        self._drawing = True
        self._dialog.set_busy()
        room = self._dialog.preview.room()
        self.drawer.submit(
            partial(draw_preview, job, room, self.apart),
            partial(self._drawn, job),
            partial(self._not_done, job),
        )

    def _drawn(self, job: Job, drawn: Preview) -> None:
        self._drawing = False
        if self._dialog is not None and self._is_latest(job):
            self._dialog.set_preview(drawn)
        self._draw_next()

    def _draw_next(self) -> None:
        following, self._next = self._next, None
        if following is not None:
            self._draw(following)

    def _is_latest(self, job: Job) -> bool:
        wanted = self._wanted
        return wanted is not None and (wanted.export, wanted.order) == (job.export, job.order)

    def _written(self, job: Job, whole: bool) -> None:
        if job.export.is_film:
            self.films.end(whole)
            return
        self._tell_written(job, whole)
        self._ended(whole)

    def _tell_written(self, job: Job, whole: bool) -> None:
        assert job.path is not None
        self._bench.say(
            f"Exported {job.path.name}." if whole else "The export was cancelled; nothing was written."
        )

    @Slot(object, bool)
    def _on_film_ended(self, job: Job, whole: bool) -> None:
        self._tell_written(job, whole)

    @Slot(object, object)
    def _on_film_failed(self, job: Job, trouble: Trouble) -> None:
        assert job.path is not None
        self.failed.emit(trouble.sentence)
        self._documents.fail(f"{job.path.name} could not be exported", trouble, job.path)

    def _copied(self, job: Job, content: bytes | str) -> None:
        to_clipboard(content)
        what = "table" if isinstance(content, str) else "figure"
        self._bench.say(f"The {what} of {job.export.title} is on the clipboard.")

    def _not_done(self, job: Job, trouble: Trouble) -> None:
        if job.goal == "preview":
            self._drawing = False
            if self._dialog is not None and self._is_latest(job):
                self._dialog.set_trouble(trouble.sentence)
            self._draw_next()
            return
        if job.goal == "write" and job.export.is_film:
            self.films.fail(trouble)
            return
        name = job.path.name if job.path is not None else job.export.title
        doing = "exported" if job.goal == "write" else "copied"
        self.failed.emit(trouble.sentence)
        if job.goal == "write" and self._dialog is not None:
            self._dialog.set_failure(trouble.sentence)
        self._documents.fail(f"{name} could not be {doing}", trouble, job.path)

    def _ended(self, whole: bool) -> None:
        if self._dialog is not None:
            self._dialog.stop()
            if whole:
                self._dialog.accept()
            else:
                self._bench.say("The export was cancelled; nothing was written.")

    # The menu of a panel.

    @Slot(str, QPoint)
    def _offer(self, panel: str, at: QPoint) -> None:
        """A panel was clicked with the right button: offer what can be done with its figure."""
        now, key = self.source.shown(), self.source.key_of(panel)
        if now is None or key not in [export.key for export in exports_of(now)]:
            return
        menu = QMenu(self._window)
        for name, title in _MENU.items():
            menu.addAction(title).setData((name, key))
        menu.triggered.connect(self._on_offered)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(at)

    @Slot(object)
    def _on_offered(self, action: Any) -> None:
        name, key = action.data()
        if name == "copy":
            self.copy_figure(key)
        else:
            self.open(name, key)
