"""The preview in the export dialog: a picture in its box, a table's first lines, or a sentence."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontDatabase, QImage, QPainter, QPen
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QSizePolicy, QStackedWidget, QWidget

from odeviz.app.exports import Export
from odeviz.exporting.output import Order, Preview
from odeviz.exporting.style import INCH
from odeviz.exporting.video import HOLD
from odeviz.tasks.numerals import thousands
from odeviz.widgets.guard import painted


class PreviewBox(QStackedWidget):
    """Shows one of the three; what it shows stays until something else is given."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture = _Picture()
        self.text = QPlainTextEdit(readOnly=True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setAccessibleName("First rows")
        self.message = QLabel("Drawing…")
        self.message.setProperty("role", "muted")
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        for page in (self.message, self.picture, self.text):
            self.addWidget(page)
        self.setMinimumSize(360, 300)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def room(self) -> tuple[int, int]:
        """How many device pixels a picture may have."""
        ratio = self.devicePixelRatioF()
        return max(64, int(self.width() * ratio) - 4), max(64, int(self.height() * ratio) - 4)

    def show_preview(self, preview: Preview) -> None:
        if preview.pixels is None:
            self.text.setPlainText(preview.text)
            self.setCurrentWidget(self.text)
            return
        height, width = preview.pixels.shape[:2]
        image = QImage(preview.pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
        image.setDevicePixelRatio(self.devicePixelRatioF())
        self.picture.set_image(image)
        self.setCurrentWidget(self.picture)

    def show_message(self, text: str) -> None:
        self.message.setText(text)
        self.setCurrentWidget(self.message)


def size_text(preview: Preview, export: Export, order: Order) -> str:
    """How large the file of a preview will be."""
    if preview.pixels is None:
        return "The numbers at full precision."
    wide, high = preview.inches
    size = f"{wide * INCH:.0f} × {high * INCH:.0f} mm"
    # A picture has whole pixels, and a video codec wants an even number of them.
    even = 2 if export.is_film else 1
    dots = " × ".join(thousands(int(side * order.dpi) // even * even) for side in (wide, high)) + " pixels"
    if export.is_film and not export.is_training:
        count = max(2, round(order.fps * order.seconds))
        length = count / order.fps + HOLD
        return f"{thousands(count)} frames of {dots}, {length:.1f} s with a rest at the end"
    if export.is_film:
        return f"A frame for each checkpoint of the run, {dots}"
    return f"{size}, {dots}" if order.suffix == "png" else size


class _Picture(QWidget):
    """An image in the middle, with a thin line round the page it stands for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image = QImage()
        self.setAccessibleName("Preview")

    def set_image(self, image: QImage) -> None:
        self.image = image
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(480, 400)

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        if self.image.isNull():
            return
        size = self.image.deviceIndependentSize()
        # A picture of another box is fitted into this one until the next is drawn.
        shrink = min(1.0, (self.width() - 2) / size.width(), (self.height() - 2) / size.height())
        wide, high = size.width() * shrink, size.height() * shrink
        page = QRectF((self.width() - wide) / 2, (self.height() - high) / 2, wide, high)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(page, self.image)
        painter.setPen(QPen(self.palette().mid().color(), 1))
        painter.drawRect(page.adjusted(-0.5, -0.5, 0.5, 0.5))
