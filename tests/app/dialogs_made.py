"""Every dialog, made up: each is a function of a theme."""

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from odeviz.app.actions import Actions
from odeviz.app.draw_dialog import DrawDialog
from odeviz.app.export_dialog import ExportDialog
from odeviz.app.exports import TRAINING, Export
from odeviz.app.gallery import Gallery
from odeviz.app.guide_card import GuideCard
from odeviz.app.palette import CommandPalette
from odeviz.app.shortcut_sheet import ShortcutSheet
from odeviz.app.situation import Situation
from odeviz.exporting.output import Order, Preview
from odeviz.panels.changes import ChangesList, SettingChange
from odeviz.panels.guides import GUIDES


def gallery(theme):
    return Gallery(theme)


def palette(theme):
    actions = Actions(theme)
    actions.update(Situation(has_model=True, can_undo=True, undo_text="tolerance 0.01"))
    made = CommandPalette(actions, theme)
    actions.setParent(made)
    QTest.keyClicks(made.line, "tol")
    return made


def sheet(theme):
    return ShortcutSheet()


def export(theme):
    made = ExportDialog(_EXPORTS, Order(), "flow")
    y, x = np.mgrid[0:240, 0:300]
    ring = np.hypot(x - 150, y - 120)
    pixels = np.stack([(ring * 2) % 256, x * 0.8, y], axis=2).astype(np.uint8)
    made.set_preview(Preview(np.ascontiguousarray(pixels), (3.0, 2.4)))
    return made


def export_film(theme):
    """A film that is being written."""
    made = ExportDialog(_EXPORTS, Order(), f"{TRAINING}-flow")
    made.resize(820, 420)
    made.set_preview(Preview(text="t,x,y\n0,0.5,1\n0.1,0.52,0.99\n"))
    made.set_progress("Drawing picture", 30, 90)
    return made


def draw(theme):
    made = DrawDialog(theme)
    made.resize(480, 560)
    made.show()
    for brush, row in ((0, 120), (1, 220)):
        made.canvas.take(brush)
        for x in range(120, 320, 20):
            QTest.mouseClick(made.canvas, Qt.MouseButton.LeftButton, pos=QPoint(x, row))
    return made


def draw_nothing(theme):
    made = DrawDialog(theme)
    made.resize(480, 560)
    QTest.mouseClick(made._learn, Qt.MouseButton.LeftButton)
    return made


def changes(theme):
    made = ChangesList(theme, None)
    made.show_changes(
        "Two moons",
        (
            SettingChange("field.width", "Width", "64", "7"),
            SettingChange("training.patience", "Patience", "none", "300 iterations"),
            SettingChange("solver.rtol", "Tolerance", "0.0001", "1e-06"),
        ),
    )
    return made


def guide(theme):
    return GuideCard(theme, GUIDES["flow"], [("Two moons", "Watch the arms part.")])


DIALOGS = {
    "gallery": gallery, "palette": palette, "sheet": sheet, "export": export,
    "export-film": export_film, "draw": draw, "draw-nothing": draw_nothing, "changes": changes, "guide": guide,
}  # fmt: skip


def _nothing(now):
    raise AssertionError("nothing is asked for")


_EXPORTS = (
    Export("flow", "Flow", "Panels", _nothing, _nothing),
    Export("samples", "Samples", "Views", _nothing, _nothing),
    Export("filmstrip-density", "Density", "Filmstrips", _nothing, _nothing),
    Export(f"{TRAINING}-flow", "Training of the flow", "Films", _nothing, _nothing),
)
