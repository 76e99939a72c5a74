"""The fake window as a fixture, offscreen and on a real screen."""

import pytest
from fake_window import FakeDialogs, Rig
from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QApplication


@pytest.fixture
def rig(qtbot):
    rig = Rig()
    yield rig
    rig.close()
    qtbot.wait(0)


@pytest.fixture
def dialogs_open(monkeypatch):
    def run(self, make):
        dialog = make(QApplication.activeWindow())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    monkeypatch.setattr(FakeDialogs, "run", run)


@pytest.fixture
def real(dialogs_open, rig, qtbot):
    rig.show()
    rig.window.setGeometry(QRect(60, 60, 1200, 800))
    rig.window.show()
    qtbot.waitExposed(rig.window)
    qtbot.waitUntil(rig.window.isActiveWindow)
    # The window manager moves it into its frame.
    qtbot.wait(100)
    return rig
