"""The export dialog: what, in which format, in what style and size, with a preview that follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from odeviz.app.export_preview import PreviewBox, size_text
from odeviz.app.exports import Export
from odeviz.exporting.output import FIGURES, FILMS, TABLES, Order, Preview
from odeviz.exporting.style import COLUMNS, INCH, STYLES, WIDTHS, Look
from odeviz.exporting.video import DPI as FILM_DPI
from odeviz.exporting.video import FPS_RANGE, SECONDS_RANGE
from odeviz.tasks.numerals import thousands
from odeviz.widgets.roomy_combo import RoomyCombo

#: Milliseconds without a change before the preview is drawn again.
DEBOUNCE = 120
#: Pixels that the fields take beside the preview, the more the larger the text is.
_NARROWEST, _WIDEST = 328, 460
_WIDTHS = {
    "As wide as it needs": None,
    "One column, 85 mm": "column",
    "Full width, 170 mm": "page",
    "Other": "",
}


class ExportDialog(QDialog):
    """Tells what is wanted; the caller draws previews, asks for the file and does the work."""

    #: An :class:`Export` and an :class:`Order`: as they are now, to be written, to be copied.
    changed = Signal(object, object)
    wanted = Signal(object, object)
    copy_wanted = Signal(object, object)
    #: An export under way is not wanted any more.
    cancelled = Signal()

    def __init__(
        self, exports: Sequence[Export], order: Order, key: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("export")
        self.setWindowTitle("Export")
        #: What there is to choose from.
        self.exports = list(exports)
        self._first, self._frames = order, 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DEBOUNCE)
        self._timer.timeout.connect(self._tell)
        self._make_fields(order)
        self._lay_out()
        self.panel.setCurrentIndex(max(0, self.panel.findData(key)))
        self._on_panel()
        if (place := self.format.findData(order.suffix)) >= 0:
            self.format.setCurrentIndex(place)
        self.panel.currentIndexChanged.connect(self._on_panel)
        self.format.currentIndexChanged.connect(self._on_format)
        for box in (self.style_box, self.width_choice):
            box.currentIndexChanged.connect(self._on_option)
        for spin in (self.width_box, self.dpi, self.seconds, self.fps):
            spin.valueChanged.connect(self._on_option)
        self.comment.toggled.connect(self._on_option)
        self.times.textChanged.connect(self._on_option)
        self._on_format()

    # What is asked for.

    @property
    def export(self) -> Export:
        """What is chosen."""
        key = self.panel.currentData()
        return next(export for export in self.exports if export.key == key)

    def order(self) -> Order | None:
        """How it is to be exported; None while a field is not valid."""
        shares = self._shares()
        if shares is None:
            return None
        name = _WIDTHS[self.width_choice.currentText()]
        millimetres = COLUMNS[name] if name else self.width_box.value() if name == "" else None
        width = None if millimetres is None else millimetres / INCH
        return Order(
            suffix=self.format.currentData(),
            look=Look(self.style_box.currentData(), width),
            dpi=float(self.dpi.value()),
            fps=self.fps.value(),
            seconds=self.seconds.value(),
            shares=shares,
            comment=self.comment.isChecked(),
        )

    def set_exports(self, exports: Sequence[Export]) -> None:
        """Offer these; what is chosen stays so if it is among them. A list that is open is not taken away."""
        if self.is_exporting or self.panel.view().isVisible():
            return
        key = self.panel.currentData()
        self.exports = list(exports)
        self.panel.blockSignals(True)
        self.panel.clear()
        self._list_exports()
        self.panel.setCurrentIndex(max(0, self.panel.findData(key)))
        self.panel.blockSignals(False)
        self._on_panel()

    def choose(self, key: str, suffix: str | None = None) -> None:
        """Turn to another panel, view or film."""
        self.panel.setCurrentIndex(self.panel.findData(key))
        if suffix is not None:
            self.format.setCurrentIndex(self.format.findData(suffix))

    def _shares(self) -> tuple[float, ...] | None:
        parts = [part.strip() for part in self.times.text().replace("%", " ").replace(";", ",").split(",")]
        try:
            values = tuple(float(part) / 100 for part in parts if part)
        except ValueError:
            return None
        return values if 1 <= len(values) <= 24 and all(0 <= value <= 1 for value in values) else None

    # What is shown.

    def set_preview(self, preview: Preview) -> None:
        """Show what the file will look like."""
        self.preview.show_preview(preview)
        self._say(size_text(preview, self.export, order) if (order := self.order()) else "")

    def set_trouble(self, sentence: str) -> None:
        """Why there is no preview."""
        self.preview.show_message(sentence)
        self._say("")

    def set_failure(self, sentence: str) -> None:
        """Why there is no file; the preview stays, and so does what is chosen."""
        self.stop()
        self._say(sentence, "error")

    def set_busy(self) -> None:
        """A preview is on its way."""
        self._say("Drawing…")

    def set_progress(self, doing: str, done: int, of: int) -> None:
        """An export is under way."""
        self._go_on(True)
        self.bar.setRange(0, of)
        self.bar.setValue(done)
        self.doing.setText(f"{doing} {thousands(done)} of {thousands(of)}" if of else f"{doing}…")

    def stop(self) -> None:
        """The export under way has ended without a file."""
        if self.is_exporting:
            self._go_on(False)
            self.go.setFocus()

    @property
    def is_exporting(self) -> bool:
        return self.foot.currentIndex() == 1

    def reject(self) -> None:
        """Escape and Cancel end an export under way first."""
        if self.is_exporting:
            self.cancelled.emit()
        else:
            super().reject()

    def done(self, result: int) -> None:
        self._timer.stop()
        super().done(result)

    # Inside.

    def _make_fields(self, order: Order) -> None:
        self.panel, self.format = RoomyCombo(), RoomyCombo()
        self.panel.setMaxVisibleItems(30)
        self._list_exports()
        self.style_box = RoomyCombo()
        for key, style in STYLES.items():
            self.style_box.addItem(style.title, key)
        self.style_box.setCurrentIndex(self.style_box.findData(order.look.style))
        self.style_box.setToolTip("Publication: white ground, letters of 7 points. Slides: larger letters.")
        self.width_choice = RoomyCombo()
        self.width_choice.addItems(list(_WIDTHS))
        low, high = WIDTHS
        self.width_box = QDoubleSpinBox(minimum=round(low * INCH), maximum=round(high * INCH), decimals=0)
        self.width_box.setSuffix(" mm")
        self.width_box.setValue(COLUMNS["column"])
        self._set_width(order.look.width)
        self.dpi = QSpinBox(minimum=36, maximum=1200, singleStep=50, suffix=" dpi")
        self.dpi.setValue(round(order.dpi))
        self.dpi.setToolTip("Dots per inch of pictures and films, and of heat maps inside SVG and PDF.")
        self.seconds = QDoubleSpinBox(decimals=1, suffix=" s")
        self.seconds.setRange(*SECONDS_RANGE)
        self.seconds.setValue(order.seconds)
        self.fps = QSpinBox(suffix=" a second")
        self.fps.setRange(*FPS_RANGE)
        self.fps.setValue(order.fps)
        self.times = QLineEdit(", ".join(f"{100 * share:g}" for share in order.shares) + " %")
        self.times.setToolTip("Shares of the flow's time, in percent, with commas between them.")
        self.comment = QCheckBox("First line tells the experiment")
        self.comment.setToolTip("A line that begins with #. Not all programs that read CSV can skip it.")
        self.comment.setChecked(order.comment)

    def _list_exports(self) -> None:
        group = ""
        for export in self.exports:
            if group and export.group != group:
                self.panel.insertSeparator(self.panel.count())
            group = export.group
            title = export.title if group in ("Panels", "Views") else f"{group[:-1]}: {export.title.lower()}"
            self.panel.addItem(title, export.key)

    def _lay_out(self) -> None:
        self.preview = PreviewBox()
        left = QWidget()
        self.ensurePolished()
        wide = max(_NARROWEST, min(_WIDEST, 46 * self.fontMetrics().averageCharWidth()))
        left.setFixedWidth(wide)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        self.form = QFormLayout()
        column.addLayout(self.form)
        column.addStretch(1)
        self.form.setLabelAlignment(Qt.AlignmentFlag.AlignVCenter)
        self.width_choice.setAccessibleName("Width")
        self.width_box.setAccessibleName("Width in millimetres")
        self._width = QWidget()
        width = QHBoxLayout(self._width)
        width.setContentsMargins(0, 0, 0, 0)
        width.addWidget(self.width_choice, 1)
        width.addWidget(self.width_box)
        self._fields = (
            self.panel, self.format, self.style_box, self.width_choice, self.width_box, self.dpi, self.seconds,
            self.fps, self.times, self.comment,
        )  # fmt: skip
        for label, field in (
            ("What", self.panel), ("Format", self.format), ("Style", self.style_box), ("Width", self._width),
            ("Resolution", self.dpi), ("Plays for", self.seconds), ("Frames", self.fps), ("Times", self.times),
            ("", self.comment),
        ):  # fmt: skip
            self.form.addRow(label, field)
            field.setAccessibleName(label or "First line tells the experiment")
            if (name := self.form.labelForField(field)) is not None:
                # A form centres a label on its field only while that is less than twice as high.
                name.setContentsMargins(0, 4, 0, 4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(12)
        top, foot = QHBoxLayout(), QHBoxLayout()
        layout.addLayout(top, 1)
        layout.addLayout(foot)
        top.setSpacing(20)
        top.addWidget(left)
        top.addWidget(self.preview, 1)
        self._fill_foot(foot)
        self.resize(552 + wide, 520)

    def _fill_foot(self, foot: QHBoxLayout) -> None:
        self.note = QLabel()
        self.note.setProperty("role", "caption")
        self.note.setWordWrap(True)
        self.bar, self.doing = QProgressBar(), QLabel()
        self.bar.setAccessibleName("Progress of the export")
        self.doing.setProperty("role", "caption")
        going = QWidget()
        row = QHBoxLayout(going)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.bar, 1)
        row.addWidget(self.doing)
        self.foot = QStackedWidget()
        self.foot.addWidget(self.note)
        self.foot.addWidget(going)
        self.foot.setMaximumHeight(32)
        self.copy = QPushButton("Copy")
        self.copy.setAutoDefault(False)
        self.copy.setToolTip("Put the figure, or the table, on the clipboard.")
        self.copy.clicked.connect(self._on_copy)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.go = buttons.addButton("Export…", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setDefault(True)
        self.go.setProperty("kind", "primary")
        buttons.button(QDialogButtonBox.StandardButton.Cancel).setAutoDefault(False)
        buttons.accepted.connect(self._on_go)
        buttons.rejected.connect(self.reject)
        foot.setSpacing(12)
        foot.addWidget(self.foot, 1)
        foot.addWidget(self.copy)
        foot.addWidget(buttons)

    def _set_width(self, inches: float | None) -> None:
        known = {None: 0, **{mm: k for k, mm in enumerate(COLUMNS.values(), 1)}}
        millimetres = None if inches is None else round(inches * INCH, 3)
        self.width_choice.setCurrentIndex(known.get(millimetres, len(_WIDTHS) - 1))
        if millimetres is not None:
            self.width_box.setValue(millimetres)

    @Slot()
    def _on_panel(self) -> None:
        export, before = self.export, self.format.currentData()
        formats: Mapping[str, str] = export.formats
        if [self.format.itemData(row) for row in range(self.format.count())] != list(formats):
            was_film = before in FILMS
            self.format.blockSignals(True)
            self.format.clear()
            for suffix, title in formats.items():
                self.format.addItem(title, suffix)
            self.format.setCurrentIndex(max(0, self.format.findData(before)))
            self.format.blockSignals(False)
            # A film at a figure's resolution would be huge.
            if before is not None and export.is_film != was_film:
                self.dpi.setValue(FILM_DPI if export.is_film else round(self._first.dpi))
            elif before is None and export.is_film:
                self.dpi.setValue(FILM_DPI)
        self._on_format()

    @Slot()
    def _on_format(self) -> None:
        suffix, export = self.format.currentData(), self.export
        drawn = suffix in FIGURES or suffix in FILMS
        over_time = export.is_film and not export.is_training
        for field, seen in (
            (self.style_box, drawn), (self._width, drawn), (self.dpi, drawn), (self.seconds, over_time),
            (self.fps, export.is_film), (self.times, export.is_strip), (self.comment, suffix == "csv"),
        ):  # fmt: skip
            self.form.setRowVisible(field, seen)
        self.copy.setVisible(not export.is_film)
        self.copy.setText("Copy Table" if suffix in TABLES else "Copy Figure")
        self._on_option()

    @Slot()
    def _on_option(self) -> None:
        self.width_box.setVisible(_WIDTHS[self.width_choice.currentText()] == "")
        valid = self._shares() is not None
        self.times.setProperty("invalid", not valid)
        self.times.style().unpolish(self.times)
        self.times.style().polish(self.times)
        self.go.setEnabled(valid)
        self.copy.setEnabled(valid)
        if valid:
            self._timer.start()
        else:
            self._timer.stop()
            self._say("Times are up to 24 numbers from 0 to 100, in percent, with commas between them.")

    @Slot()
    def _tell(self) -> None:
        order = self.order()
        if order is not None and not self.is_exporting:
            self.changed.emit(self.export, order)

    @Slot()
    def _on_go(self) -> None:
        if (order := self.order()) is not None:
            self.wanted.emit(self.export, order)

    @Slot()
    def _on_copy(self) -> None:
        if (order := self.order()) is not None:
            self.copy_wanted.emit(self.export, order)

    def _go_on(self, going: bool) -> None:
        self.foot.setCurrentIndex(int(going))
        for widget in (self.go, self.copy, *self._fields):
            widget.setEnabled(not going)

    def _say(self, text: str, role: str = "caption") -> None:
        self.note.setText(text)
        if self.note.property("role") != role:
            self.note.setProperty("role", role)
            self.note.style().polish(self.note)
