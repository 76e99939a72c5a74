"""What dialogs and the window look like: each is compared with its picture (``picture_book``)."""

import pytest
from dialogs_made import DIALOGS
from picture_book import check, check_stages, even_letters

from odeviz.state.log import Note
from odeviz.widgets.theme import Theme


@pytest.fixture(autouse=True)
def _letters(qapp, monkeypatch):
    before = even_letters(qapp, monkeypatch)
    # The window is made undressed: what an earlier test has left on would leave its panels other sizes.
    qapp.setStyleSheet("")
    yield
    qapp.setFont(before)
    qapp.setStyleSheet("")


@pytest.fixture
def theme(_letters, qapp):
    theme = Theme("light")
    theme.apply(qapp)
    yield theme
    theme.deleteLater()


@pytest.mark.parametrize("name", DIALOGS)
@pytest.mark.qt_log_ignore("does not support", extend=True)
def test_a_dialog_looks_as_it_did(name, theme, nothing_left):
    dialog = DIALOGS[name](theme)
    dialog.show()
    check(f"dialog-{name}", dialog, theme)
    dialog.close()
    dialog.deleteLater()


def test_the_window_looks_as_it_did_with_its_messages_and_its_tour(rig, qapp):
    window, theme, toasts = rig.window, rig.theme, rig.control.telling.toasts
    theme.apply(qapp)
    theme.set_calm(True)
    window.resize(1024, 700)
    window.show()
    window.reset_layout()
    rig.show(task="density")

    def settle():
        """What the flow view has shown since it became another size is solved for."""
        for _ in range(2):
            qapp.processEvents()
            rig.settle()

    def plain():
        toasts.clear()
        rig.control.guidance.tour.stop()
        window.notice.tell("")
        settle()

    def told():
        window.notice.tell(
            "odeviz ended unexpectedly. Restore “Two moons” at iteration 1,200, saved at 12:30?"
        )
        for level, title, details in (("warning", "", ""), ("error", "Saving failed", "Traceback")):
            rig.control.log.tell(Note(f"A message of the level {level}.", level, title, details))
        for toast in toasts.shown:
            toast._timer.stop()
        rig.control.guidance.tour.start()
        for _ in range(2):
            rig.control.guidance.tour.forward()
        settle()

    check_stages(window, {"window": plain, "window-told": told}, theme)
    toasts.clear()
