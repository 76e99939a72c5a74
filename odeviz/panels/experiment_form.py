"""The experiment form: every setting of a run, made from the experiment's own description."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from odeviz.panels.changes import ChangesButton, SettingChange
from odeviz.panels.form_row import EDGE, NARROW, WIDTH, FormRow, value_text
from odeviz.panels.panel import Later, Panel, at_once
from odeviz.tasks.differences import differences
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.presets import Preset
from odeviz.tasks.registry import task_of
from odeviz.tasks.settings import Entry
from odeviz.widgets.headed_combo import HeadedCombo
from odeviz.widgets.section import Section
from odeviz.widgets.theme import Theme

#: Titles of the sections, by the first word of a setting's path; settings without one follow "run".
SECTIONS = {
    "task": "Task", "data": "Data", "options": "This task",
    "field": "Vector field", "solver": "Solver", "training": "Training", "run": "Run",
}  # fmt: skip


#: From this width of the form on, its entries have their full width.
_ROOMY = 280
#: From this text size on names stand above their controls, which leave this much room beside them.
_LARGE, _BESIDE = 1.5, 68

#: What stands in the box of presets where there is none.
_CHOOSE = "Choose a preset"


class ExperimentForm(Panel):
    """Emits what a person changes; shows what it is told, and what waits for a restart."""

    key = "experiment"
    title = "Experiment"
    about = "Everything that makes a run: task, data, vector field, solver, training."

    edited = Signal(str, object)
    preset_chosen = Signal(str)
    restart_requested = Signal()
    #: All settings shall be the preset's again.
    reset_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._experiment = Experiment()
        self._running: Experiment | None = None
        self._live = False
        #: The task whose settings are on show.
        self._task = ""
        #: Sections that are still to be shown.
        self._due: set[str] = set()
        #: What training has made of settings.
        self._notes: dict[str, str] = {}
        #: Whose choices the lists offer, and the sections where they do not yet.
        self._offering: Experiment | None = None
        self._to_offer: set[str] = set()
        #: The preset that changes are counted from.
        self._base: Preset | None = None
        self._rows: dict[str, FormRow] = {}
        #: Rows of other tasks' settings, for when they come back.
        self._idle: list[FormRow] = []
        self._sections: dict[str, Section] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        row = QHBoxLayout()
        column.addLayout(row)
        self._fill_preset_row(row)
        column.addWidget(self._make_sections(), 1)
        # Below, so that the settings do not jump from under the mouse when it comes.
        column.addWidget(self._make_banner())

    def set_experiment(
        self,
        experiment: Experiment,
        running: Experiment | None,
        hot_enabled: bool = True,
        later: Later = at_once,
    ) -> None:
        """Show an experiment and where it differs from the running one; nothing is emitted.

        ``hot_enabled`` says whether a session is there to take over hot settings at once. Another task's settings may
        come ``later``, section by section.
        """
        self._experiment, self._running = experiment, running
        self._live = hot_enabled and running is not None
        if experiment.task == self._task and not self._due:
            later = at_once
        self._task, self._due = experiment.task, set(self._sections)
        # The same experiment beside another running one offers the same choices.
        if self._offering is not experiment:
            self._offering = experiment
            self._to_offer = set(self._sections)
        entries = experiment.entries()
        for key in self._sections:
            for entry in entries:
                if _section(entry.path) == key and not self._has_row(entry):
                    later(f"form, {entry.path}", partial(self._prepare_row, entry))
            later(f"form, {key}", partial(self._show_section, key))
        later("form", self._show_rest)

    def _show_section(self, key: str) -> None:
        """The settings of a section, and how they stand to those of the running experiment."""
        experiment, running = self._experiment, self._running
        entries = [entry for entry in experiment.entries() if _section(entry.path) == key]
        differs = set(experiment.changed(running)) if running is not None else set()
        values = running.values() if running is not None else {}
        self._match_rows(key, entries)
        there = False
        for entry in entries:
            row = self._rows[entry.path]
            applies = experiment.applies(entry)
            there = there or applies
            row.setVisible(applies)
            if key in self._to_offer and entry.about.choices:
                row.set_choices(self._offered(entry))
            if row.property("shown") != entry.value:
                row.setProperty("shown", entry.value)
                row.set_error("")
            if not row.wrong:
                # What was typed and cannot be used stands as long as the sentence that says so.
                row.set_value(entry.value)
            row.set_state(entry.path in differs, values.get(entry.path), self._live)
            row.set_note(self._notes.get(entry.path, ""))
        self._to_offer.discard(key)
        self._due.discard(key)
        self._sections[key].setVisible(there)

    def _show_rest(self) -> None:
        """What is said of all settings together."""
        running = self._running
        changed = self._experiment.changed(running) if running is not None else []
        cold = [path for path in changed if not self._is_hot(path)]
        self._banner.setVisible(bool(cold))
        self._show_changes()
        some = "1 change needs" if len(cold) == 1 else f"{len(cold)} changes need"
        self._banner_text.setText(f"{some} a restart")

    def set_presets(self, presets: Mapping[str, Preset] | Iterable[Preset]) -> None:
        """The presets to choose from, those of a task under its heading."""
        listed = presets.values() if isinstance(presets, Mapping) else presets
        self._presets.clear()
        heading = ""
        for each in listed:
            if task_of(each.experiment).title != heading:
                heading = task_of(each.experiment).title
                self._presets.add_heading(heading)
            self._presets.addItem(each.title, each.name)
            tip = f"{each.sentence}\nLook for: {each.look_for}"
            self._presets.setItemData(self._presets.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self._presets.setCurrentIndex(-1)

    def set_preset(self, name: str | None, changed: bool = False, instead: str = _CHOOSE) -> None:
        """Show which preset the experiment is, from which one it was ``changed``, or ``instead`` that it is none."""
        index = -1 if name is None else self._presets.findData(name)
        if index >= 0:
            self._presets.show_instead(self._presets.itemText(index), " (changed)")
        else:
            self._presets.show_instead(instead)
        self._presets.setCurrentIndex(-1 if changed else index)

    def set_base(self, preset: Preset | None) -> None:
        """The preset that changes are counted from, and go back to."""
        if preset is not self._base:
            self._base = preset
            self._show_changes()

    def set_note(self, path: str, text: str) -> None:
        """What training has made of a setting; "" for nothing."""
        self._notes[path] = text
        if path in self._rows:
            self._rows[path].set_note(text)

    def _show_changes(self) -> None:
        """Dots at the settings that differ from the preset's, and their list."""
        base, now = self._base, self._experiment
        found: dict[str, SettingChange] = {}
        if base is not None and base.experiment.task == now.task:
            after = {entry.path: entry for entry in now.entries()}
            for each in differences(base.experiment, now):
                entry = after[each.path]
                before, value = value_text(entry, each.before), value_text(entry, each.after)
                found[each.path] = SettingChange(each.path, each.label, before, value)
        for path, row in self._rows.items():
            row.set_changed(found[path].before if path in found else None)
        self._changes.set_changes(base.title if base is not None else "", tuple(found.values()))

    def _reset(self, path: str) -> None:
        """One setting as the preset has it."""
        if self._base is not None:
            values = self._base.experiment.values()
            self._chosen(path, values[path])

    def set_error(self, path: str, message: str) -> None:
        """A sentence at a setting, or "" when it is fine again."""
        if path in self._rows:
            self._rows[path].set_error(message)

    def forget_errors(self) -> None:
        """Another model comes: what was entered beside the one before, and cannot be used, goes with it."""
        for row in self._rows.values():
            row.set_error("")

    def sizeHint(self) -> QSize:
        return QSize(304, 640)

    def minimumSizeHint(self) -> QSize:
        wide = _ROOMY if self._stacked else self.theme.px(264)
        return QSize(wide, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def restyle(self) -> None:
        super().restyle()
        self._make_room()
        self.updateGeometry()

    @property
    def _stacked(self) -> bool:
        """Whether text is so large that names stand above their controls."""
        return self.theme.scale >= _LARGE

    def _control_width(self) -> int:
        if self._stacked:
            return max(self.width() - _BESIDE, NARROW)
        return self.theme.px(WIDTH if self.width() >= self.theme.px(_ROOMY) else NARROW)

    def _make_room(self) -> None:
        width = self._control_width()
        for row in (*self._rows.values(), *self._idle):
            row.set_room(width, self._stacked)

    def _fill_preset_row(self, row: QHBoxLayout) -> None:
        self._presets = HeadedCombo(self.theme, self)
        self._presets.show_instead(_CHOOSE)
        self._presets.setAccessibleName("Preset")
        self._presets.setToolTip("Start from an experiment that is known to work")
        self._presets.activated.connect(self._preset_activated)
        row.setContentsMargins(12, 8, 12, 8)
        row.addWidget(self._presets, 1)
        self._changes = ChangesButton(self.theme, self)
        self._changes.reset.connect(self._reset)
        self._changes.reset_all.connect(self.reset_requested)
        row.setSpacing(4)
        row.addWidget(self._changes)

    def _make_banner(self) -> QWidget:
        self._banner = QFrame(self)
        self._banner.setProperty("role", "notice")
        self._banner_text = QLabel(self._banner)
        self._banner_text.setWordWrap(True)
        self._restart = button = QPushButton("Restart", self._banner)
        button.setProperty("kind", "primary")
        button.setToolTip("Start training again from the first iteration with these settings")
        button.clicked.connect(self.restart_requested)
        row = QHBoxLayout(self._banner)
        row.setContentsMargins(12, 6, 6, 6)
        row.addWidget(self._banner_text, 1)
        row.addWidget(button)
        self._banner.hide()
        holder = QWidget(self)
        inside = QVBoxLayout(holder)
        inside.setContentsMargins(12, 0, 12, 8)
        inside.addWidget(self._banner)
        return holder

    def _make_sections(self) -> QScrollArea:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(12 - EDGE, 0, 8, 12)
        column.setSpacing(8)
        self._bodies: dict[str, QVBoxLayout] = {}
        for key, title in SECTIONS.items():
            section = Section(self.theme, title, parent=inside)
            section.set_edge(EDGE)
            body = QVBoxLayout(section.body)
            body.setContentsMargins(0, 0, 0, 4)
            body.setSpacing(6)
            self._sections[key], self._bodies[key] = section, body
            column.addWidget(section)
        column.addStretch(1)
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        return area

    def _match_rows(self, key: str, entries: list[Entry]) -> None:
        """One row for each setting of a section: another task brings others of its own."""
        wanted = {entry.path: entry.about for entry in entries}
        for path in [path for path in self._rows if _section(path) == key]:
            row = self._rows[path]
            if wanted.get(path) != row.about and not (path == "data.name" and path in wanted):
                row.hide()
                self._idle.append(self._rows.pop(path))
        missing = [entry for entry in entries if entry.path not in self._rows]
        for entry in missing:
            self._rows[entry.path] = self._take_idle(entry) or self._make_row(entry)
        for entry in entries if missing else ():
            # In the order of the settings, whatever was here before.
            self._bodies[key].addWidget(self._rows[entry.path])

    def _has_row(self, entry: Entry) -> bool:
        row = self._rows.get(entry.path)
        if row is not None and (row.about == entry.about or entry.path == "data.name"):
            return True
        return any(idle.path == entry.path and idle.about == entry.about for idle in self._idle)

    def _prepare_row(self, entry: Entry) -> None:
        """Make a row that will be needed soon: all of a section at once take long."""
        if not self._has_row(entry):
            row = self._make_row(entry)
            # Where it will stand, and styled: a change of parent would style it again.
            row.setParent(self._sections[_section(entry.path)].body)
            for widget in (row, *row.findChildren(QWidget)):
                widget.ensurePolished()
            self._idle.append(row)

    def _take_idle(self, entry: Entry) -> FormRow | None:
        for row in self._idle:
            if row.path == entry.path and row.about == entry.about:
                self._idle.remove(row)
                return row
        return None

    def _make_row(self, entry: Entry) -> FormRow:
        row = FormRow(self.theme, entry)
        row.chosen.connect(self._chosen)
        row.typed.connect(self._typed)
        row.reset.connect(self._reset)
        row.set_room(self._control_width(), self._stacked)
        return row

    def _offered(self, entry: Entry) -> list[str]:
        """The choices that are allowed beside the other settings' values. Task and method choose first."""
        if entry.path not in ("data.name", "solver.adjoint"):
            return list(entry.about.choices)
        return [choice for choice in entry.about.choices if not self._judge(entry.path, choice)]

    def _judge(self, path: str, value: Any) -> str:
        """What is wrong with a value, in one sentence; "" when nothing is."""
        try:
            self._experiment.with_setting(path, value)
        except ValueError as error:
            return str(error).replace(path, self._rows[path].about.label)
        return ""

    def _is_hot(self, path: str) -> bool:
        """Whether a running session takes the setting over; one of another task, which has no row here, it does not."""
        row = self._rows.get(path)
        return row is not None and row.hot

    def _typed(self, path: str, value: object) -> None:
        self._rows[path].set_error(self._judge(path, value))

    def _chosen(self, path: str, value: object) -> None:
        # Task and method may move what must fit them along; whoever takes the edit decides that.
        message = "" if path in ("task", "solver.method") else self._judge(path, value)
        self._rows[path].set_error(message)
        if not message:
            self.edited.emit(path, value)

    def _preset_activated(self, index: int) -> None:
        self.preset_chosen.emit(self._presets.itemData(index))


def _section(path: str) -> str:
    head, dot, _ = path.partition(".")
    return head if dot or head == "task" else "run"
