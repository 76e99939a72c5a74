"""A real window under a window manager: real mouse and keys, docks that move, files that drop, the close button.

Offscreen none of this happens. ``tests/real_window.sh`` runs these with a screen of their own; they are skipped
elsewhere.
"""

import subprocess
import sys

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QLineEdit, QTabBar
from real_hands import ON_A_SCREEN, click, drag, xdo

from odeviz.app.guide_card import GuideCard
from odeviz.state.log import Note
from odeviz.storage.model_file import save_model
from odeviz.tasks import Experiment
from odeviz.tasks.registry import expected_shapes
from odeviz.training.snapshot import Snapshot

pytestmark = ON_A_SCREEN

#: Another program's window, from which a file can be dragged.
SOURCE = """
import sys
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QDrag
from PySide6.QtWidgets import QApplication, QLabel
class Source(QLabel):
    def mouseMoveEvent(self, event):
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(sys.argv[1])])
        drag = QDrag(self)
        drag.setMimeData(data)
        print("dragging", flush=True)
        drag.exec(Qt.DropAction.CopyAction)
app = QApplication([])
source = Source("drag me", None, Qt.WindowType.WindowStaysOnTopHint | Qt.WindowType.X11BypassWindowManagerHint)
source.setGeometry(0, 0, 60, 40)
source.show()
print("shown", flush=True)
app.exec()
"""


def cards():
    """The guides that are open."""
    return [
        each for each in QApplication.topLevelWidgets() if isinstance(each, GuideCard) and each.isVisible()
    ]


def bare_model():
    experiment = Experiment().with_settings({"field.width": 3, "field.depth": 1})
    weights = {name: np.zeros(shape, np.float32) for name, shape in expected_shapes(experiment).items()}
    return Snapshot(experiment, 7, 1.0, weights)


def tab(window, title):
    """The bar that has a dock's tab, and the tab's middle."""
    for bar in window.findChildren(QTabBar):
        for k in range(bar.count()):
            if bar.isVisible() and bar.tabText(k) == title:
                return bar, bar.tabRect(k).center()
    tabs = [[b.tabText(k) for k in range(b.count())] for b in window.findChildren(QTabBar)]
    raise AssertionError(f"no tab {title} among {tabs}")


def test_keys_go_where_the_mouse_was_and_come_back_from_a_dialog(real, qtbot):
    box = real.window.form.findChild(type(real.window.form._rows["field.width"].control), "field.width")
    click(box, QPoint(20, box.height() // 2))
    qtbot.waitUntil(box.hasFocus)
    xdo("key", "ctrl+a", "type", "7")
    qtbot.waitUntil(lambda: box.text() == "7")
    xdo("key", "Tab")
    qtbot.waitUntil(lambda: real.bench.experiment.field.width == 7)
    held = QApplication.focusWidget()
    xdo("key", "ctrl+z")
    qtbot.waitUntil(lambda: real.bench.experiment.field.width != 7)
    xdo("key", "ctrl+k")
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is not None)
    xdo("type", "dark")
    search = QApplication.activePopupWidget().findChild(QLineEdit)
    qtbot.waitUntil(lambda: search.text() == "dark")
    xdo("key", "Escape")
    qtbot.waitUntil(lambda: QApplication.focusWidget() is held)


def test_a_dock_is_pulled_out_by_its_tab_and_put_beside_another(real, qtbot):
    window, docks = real.window, real.window.docks
    bar, at = tab(window, "NFE")
    start = bar.mapToGlobal(at)
    drag(qtbot, start, window.flow.mapToGlobal(QPoint(200, 200)), docks["nfe"].isFloating)
    assert docks["nfe"] not in window.tabifiedDockWidgets(docks["loss"])
    mark = real.control.guidance.marks.marks["nfe"]
    qtbot.waitUntil(lambda: mark.isVisible() and mark.window() is docks["nfe"])
    click(mark)
    qtbot.waitUntil(lambda: cards() != [])
    assert cards()[0].text.startswith("NFE")
    xdo("key", "Escape")
    qtbot.waitUntil(lambda: cards() == [])
    handle = docks["nfe"].mapToGlobal(QPoint(60, 12))
    bar, at = tab(window, "Steps")
    drag(qtbot, handle, bar.mapToGlobal(at + QPoint(0, 60)), lambda: not docks["nfe"].isFloating())
    qtbot.waitUntil(lambda: docks["nfe"] in window.tabifiedDockWidgets(docks["density"]))
    real.control.do("reset_layout")
    qtbot.waitUntil(lambda: docks["nfe"] in window.tabifiedDockWidgets(docks["loss"]))


def test_a_dock_is_closed_by_the_button_of_its_title(real, qtbot):
    dock = real.window.docks["experiment"]
    click(dock, QPoint(dock.width() - 16, dock.widget().y() // 2))
    qtbot.waitUntil(dock.isHidden)


@pytest.mark.parametrize("name", ["points.csv", "some.odeviz"])
def test_a_file_of_another_program_drops_on_the_window_and_opens(real, qtbot, tmp_path, name):
    path = tmp_path / name
    if name == "points.csv":
        rows = [f"{0.1 * k:.1f},{0.01 * k * k:.2f},{k % 2}" for k in range(60)]
        path.write_text("\n".join(["x,y,label", *rows]))
    else:
        save_model(path, bare_model())
    source = subprocess.Popen([sys.executable, "-c", SOURCE, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert source.stdout.readline() == "shown\n"
        qtbot.wait(200)
        start, end = QPoint(20, 20), real.window.flow.mapToGlobal(real.window.flow.rect().center())
        with qtbot.waitSignal(real.window.file_dropped) as dropped:
            drag(qtbot, start, end, lambda: True)
        assert dropped.args == [path]
        if name == "points.csv":
            assert real.bench.experiment.data.name == "own"
            assert real.sessions[-1].data["points"].shape == (60, 2)
        else:
            assert real.bench.path == path
            assert real.bench.snapshot.iteration == 7
    finally:
        source.kill()
        source.communicate()


def test_the_window_managers_close_button_asks_before_work_is_lost(real, qtbot, tmp_path):
    real.bench.set_document(tmp_path / "some.odeviz", unsaved=True)
    real.dialogs.keep = "cancel"
    with qtbot.waitSignal(real.window.close_wanted):
        xdo("key", "alt+F4")
    assert real.window.isVisible()
    real.dialogs.keep = "discard"
    with qtbot.waitSignal(real.window.close_wanted):
        xdo("key", "alt+F4")
    qtbot.waitUntil(lambda: not real.window.isVisible())


def test_the_window_keeps_to_its_screen_fills_it_and_comes_back_as_it_was(real, qtbot):
    window = real.window
    window._take_room()
    window.move(0, 0)
    qtbot.waitUntil(lambda: window.frameGeometry().topLeft() == QPoint(0, 0))
    assert window.screen().availableGeometry().contains(window.frameGeometry())
    before = window.size()
    xdo("key", "F11")
    qtbot.waitUntil(lambda: window.size() == window.screen().size())
    assert window.actions_["full_screen"].isChecked()
    xdo("key", "F11")
    qtbot.waitUntil(lambda: window.size() == before)
    assert not window.actions_["full_screen"].isChecked()


def test_a_button_is_not_left_hovered_by_its_menu(real, qtbot):
    button = real.window.theme_button
    at = button.mapToGlobal(button.rect().center())
    entry = at + QPoint(20, 60)
    # A menu has an event loop of its own, in which this test would wait for itself.
    to_menu = ("mousemove", at.x(), at.y(), "click", 1, "sleep", 0.5, "mousemove", entry.x(), entry.y())
    hand = subprocess.Popen(["xdotool", *map(str, to_menu), "sleep", "0.2", "click", "1"])
    with qtbot.waitSignal(button.menu().triggered, timeout=10_000):
        pass
    assert hand.wait(timeout=10) == 0
    assert not button.underMouse()


def test_layers_are_switched_by_mouse_and_undone_by_keys_and_a_toast_is_unfolded(real, qtbot):
    window, bench = real.window, real.bench
    chip = window.flow.bar.chips["arrows"]
    before = bench.layers["arrows"]
    click(chip)
    qtbot.waitUntil(lambda: bench.layers["arrows"] is not before)
    for keys, shown in (("ctrl+z", before), ("ctrl+shift+z", not before)):
        xdo("key", keys)
        qtbot.waitUntil(lambda shown=shown: bench.layers["arrows"] is shown)
    click(window.toolbar.widgetForAction(window.actions_["undo"]))
    qtbot.waitUntil(lambda: bench.layers["arrows"] is before)
    real.control.log.tell(Note("It could not be saved.", "error", "Saving failed", "Traceback\nLine two"))
    toasts = real.control.telling.toasts
    (toast,) = toasts.shown
    click(toast.fold)
    qtbot.waitUntil(toast.details.isVisible)
    assert toast.details.toPlainText() == "Traceback\nLine two"
    assert window.rect().contains(toasts.geometry())
    click(toast.copy)
    qtbot.waitUntil(lambda: QApplication.clipboard().text().endswith("Traceback\nLine two"))
    xdo("key", "shift+Escape")
    qtbot.waitUntil(lambda: toasts.shown == [])
