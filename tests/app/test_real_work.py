"""A person's work in a real window: what a crash left, a figure, the clipboard, a film that is given up."""

import re
import subprocess
import sys

import pytest
from fake_window import Rig
from PIL import Image
from PySide6.QtWidgets import QApplication
from real_hands import ON_A_SCREEN, click, xdo
from test_autosave import VIEW, snapshot  # noqa: F401 (a fixture)

from odeviz.app.export_dialog import ExportDialog
from odeviz.storage import read_origin
from odeviz.storage.session_file import SUFFIX, save_session

pytestmark = ON_A_SCREEN

#: Another program, which tells what it finds on the clipboard.
PASTE = """
from PySide6.QtGui import QGuiApplication
app = QGuiApplication([])
found = app.clipboard()
image = found.image()
print(f"{image.width()} x {image.height()}" if not image.isNull() else found.text())
"""


@pytest.fixture
def rig(qtbot, tmp_path):
    """Figures and films are drawn in a process of their own, as in the program."""
    rig = Rig(autosave=tmp_path / "autosave", apart=True)
    yield rig
    rig.close()
    qtbot.wait(0)


def asked(qtbot):
    """The export dialog, once it has the keyboard."""
    qtbot.waitUntil(lambda: isinstance(QApplication.activeWindow(), ExportDialog))
    return QApplication.activeWindow()


def pasted(qtbot):
    """What another program finds on the clipboard; this one answers meanwhile."""
    other = subprocess.Popen([sys.executable, "-c", PASTE], stdout=subprocess.PIPE, text=True)
    qtbot.waitUntil(lambda: other.poll() is not None, timeout=60_000)
    return other.communicate()[0].strip()


@pytest.mark.parametrize(("answer", "kept"), [(0, 1), (1, 0)])
def test_what_a_crash_left_is_restored_or_discarded_by_a_click(
    real,
    qtbot,
    tmp_path,
    snapshot,  # noqa: F811
    answer,
    kept,
):
    folder = tmp_path / "autosave"
    folder.mkdir()
    save_session(folder / f"1-ab{SUFFIX}", snapshot, VIEW)
    before = real.bench.snapshot.iteration
    real.control.autosave.start()
    notice = real.window.notice
    qtbot.waitUntil(notice.isVisible)
    click(notice.buttons[answer])
    qtbot.waitUntil(notice.isHidden)
    assert real.bench.snapshot.iteration == (431 if answer == 0 else before)
    assert real.bench.seeds.points == (VIEW.seeds if answer == 0 else ())
    assert len(list(folder.glob(f"*{SUFFIX}"))) == kept
    assert QApplication.focusWidget() is real.window.flow, "and no button that Return would press"


def test_a_figure_is_exported_by_mouse_as_large_as_was_said(real, qtbot, tmp_path):
    real.dialogs.to_save = tmp_path / "flow.png"
    click(real.window.toolbar.widgetForAction(real.window.actions_["export_figure"]))
    dialog = asked(qtbot)
    qtbot.waitUntil(lambda: "pixels" in dialog.note.text(), timeout=60_000)
    told = re.search(r"([\d,]+) × ([\d,]+) pixels", dialog.note.text())
    click(dialog.go)
    qtbot.waitUntil(lambda: real.bench.message == "Exported flow.png.", timeout=60_000)
    with Image.open(tmp_path / "flow.png") as image:
        assert image.size == tuple(int(number.replace(",", "")) for number in told.groups())
    assert read_origin(tmp_path / "flow.png").experiment == real.bench.snapshot.experiment


def test_other_programs_find_figure_and_experiment_on_the_clipboard(real, qtbot):
    xdo("key", "ctrl+shift+p")
    qtbot.waitUntil(lambda: real.bench.message.endswith("is on the clipboard."), timeout=60_000)
    width, height = map(int, pasted(qtbot).split(" x "))
    assert min(width, height) > 500
    real.control.do("copy_experiment")
    assert pasted(qtbot) == "odeviz:moons-classifier"


def test_a_film_is_given_up_in_the_status_bar_and_leaves_no_file(
    real,
    qtbot,
    tmp_path,
    snapshot,  # noqa: F811
):
    real.control.show_model(snapshot, None)
    real.settle()
    real.dialogs.to_save = tmp_path / "film.gif"
    real.bench.say("Of before.")
    xdo("key", "ctrl+k")
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is not None)
    xdo("type", "export film")
    xdo("key", "Return")
    dialog = asked(qtbot)
    dialog.seconds.setValue(20.0)
    click(dialog.go)
    status = real.window.status
    # Until its frames are counted it has just begun.
    qtbot.waitUntil(lambda: " of " in status._doing.text(), timeout=60_000)
    assert real.bench.message == ""
    click(status.cancel)
    qtbot.waitUntil(status.going.isHidden, timeout=60_000)
    assert real.bench.message == "The export was cancelled; nothing was written."
    assert not list(tmp_path.glob("film*"))
