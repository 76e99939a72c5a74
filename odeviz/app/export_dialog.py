"""The export dialog: which panel, in which format, at how many dots per inch."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from odeviz.app.exports import FIGURE_FORMATS, TABLE_FORMATS, Export
from odeviz.exporting.style import DPI


class ExportDialog(QDialog):
    """Chooses; the caller asks for the file and does the work."""

    #: The :class:`Export`, the format's suffix, and the dots per inch.
    wanted = Signal(object, str, int)

    def __init__(
        self, exports: Sequence[Export], data_first: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("export")
        self.setWindowTitle("Export data" if data_first else "Export figure")
        self._exports = list(exports)
        self.panel = QComboBox()
        for export in self._exports:
            self.panel.addItem(export.title, export.key)
        self.format = QComboBox()
        groups = [TABLE_FORMATS, FIGURE_FORMATS] if data_first else [FIGURE_FORMATS, TABLE_FORMATS]
        for group in groups:
            if self.format.count():
                self.format.insertSeparator(self.format.count())
            for suffix, title in group.items():
                self.format.addItem(title, suffix)
        self.dpi = QSpinBox()
        self.dpi.setRange(36, 1200)
        self.dpi.setSingleStep(50)
        self.dpi.setValue(DPI)
        self.dpi.setSuffix(" dpi")
        self.dpi.setToolTip("Dots per inch of a PNG, and of heat maps inside SVG and PDF.")
        self.note = QLabel()
        self.note.setProperty("role", "caption")
        self.note.setWordWrap(True)

        form = QFormLayout()
        form.addRow("Panel", self.panel)
        form.addRow("Format", self.format)
        form.addRow("Resolution", self.dpi)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        go = buttons.addButton("Export…", QDialogButtonBox.ButtonRole.AcceptRole)
        go.setDefault(True)
        buttons.accepted.connect(self._accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(12)
        layout.addLayout(form)
        layout.addWidget(self.note)
        layout.addWidget(buttons)
        self.setMinimumWidth(380)
        self.format.currentIndexChanged.connect(self._on_format)
        self._on_format()

    @Slot()
    def _on_format(self) -> None:
        figure = self.format.currentData() in FIGURE_FORMATS
        self.dpi.setEnabled(figure)
        self.note.setText(
            "Drawn anew for print, from the numbers the panel shows."
            if figure
            else "The numbers the panel shows, at full precision."
        )

    @Slot()
    def _accept(self) -> None:
        export = self._exports[self.panel.currentIndex()]
        suffix, dpi = self.format.currentData(), self.dpi.value()
        self.accept()
        self.wanted.emit(export, suffix, dpi)
