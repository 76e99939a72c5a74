"""A person's own data in the window: a file asked for, dropped or drawn becomes an experiment, or a sentence."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from odeviz.app.draw_dialog import DrawDialog
from odeviz.bridge import Phase
from odeviz.storage.own_data import OwnData
from odeviz.widgets.spray_canvas import HALF, WIPER
from odeviz.widgets.toasts import Message


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "points.csv"
    points = np.random.default_rng(0).normal(size=(40, 2))
    np.savetxt(path, points, delimiter=",", header="x,y", comments="")
    return path


def test_data_that_lie_in_a_file_are_left_without_a_question_until_something_was_learnt(rig, table):
    asked = []
    rig.dialogs.keep_changes = lambda what: asked.append(what) or "cancel"
    rig.show()
    rig.window.file_dropped.emit(table)
    rig.tick()
    rig.control.do("preset.moons-density")
    assert (asked, rig.bench.experiment.data.name) == ([], "moons")
    rig.window.file_dropped.emit(table)
    rig.control.do("step")
    rig.tick()
    rig.control.do("preset.moons-density")
    assert asked == ["What was learnt from your own data is not saved."]
    table.unlink()
    rig.control.do("preset.moons-density")
    assert asked[1:] == ["Your own data and what was learnt from them are not saved."]


def test_a_dropped_table_is_learnt_from(rig, table):
    rig.show()
    rig.window.file_dropped.emit(table)
    experiment = rig.bench.experiment
    assert (experiment.task, experiment.data.name) == ("density", "own")
    assert rig.sessions[-1].experiment == experiment
    assert rig.sessions[-1].data["points"].shape == (40, 2)
    assert "40 rows" in rig.bench.message
    assert rig.window.windowTitle() == "Your own data (densities)[*] — odeviz"
    rig.tick()
    assert rig.window.form._presets._instead == "Your own data"
    rig.window.status.set_phase(Phase.PAUSED)
    assert rig.window.status.fields["phase"].text() == "Not started"
    assert rig.bench.snapshot.data["points"].shape == (40, 2)


def test_what_was_said_against_a_file_goes_when_it_is_learnt_from_after_all(rig, table):
    rig.show()
    toasts = rig.control.telling.toasts
    for name in (table.name, "other.csv"):
        toasts.tell(Message("…", "error", f"{name} cannot be learnt from"))
    rig.window.file_dropped.emit(table)
    assert [toast.message.title for toast in toasts.shown] == ["other.csv cannot be learnt from"]


def test_train_takes_the_data_along(rig, table):
    rig.show()
    rig.dialogs.to_import = table
    rig.control.do("import_data")
    rig.control.run.restart()
    assert rig.sessions[-1].data["points"].shape == (40, 2)


def test_the_tasks_settings_stay_when_it_takes_the_data(rig, table):
    rig.show(task="density", field__width=20)
    rig.window.file_dropped.emit(table)
    assert rig.bench.experiment.field.width == 20


def test_choosing_own_without_data_asks_for_a_file(rig, table):
    rig.show(task="density")
    rig.window.form.edited.emit("data.name", "own")
    assert rig.bench.experiment.data.name == "moons"
    rig.dialogs.to_import = table
    rig.window.form.edited.emit("data.name", "own")
    assert rig.bench.experiment.data.name == "own"


def test_own_data_of_another_kind_are_asked_for_anew(rig, table):
    rig.show()
    rig.window.file_dropped.emit(table)
    rig.window.form.edited.emit("task", "latent")
    assert rig.bench.experiment.data.name == "two-way-spirals"
    rig.window.form.edited.emit("data.name", "own")
    assert rig.bench.experiment.data.name == "two-way-spirals"
    rig.dialogs.to_import = table.with_name("series.csv")
    rows = "".join(f"{k % 40},{k},{k // 40}\n" for k in range(120))
    rig.dialogs.to_import.write_text(f"t,y,series\n{rows}")
    rig.window.form.edited.emit("data.name", "own")
    assert (rig.bench.experiment.task, rig.bench.experiment.data.name) == ("latent", "own")
    assert set(rig.sessions[-1].data) == {"t", "y", "series"}


def test_points_without_labels_are_no_choice_for_a_classifier(rig, table):
    rig.show()
    rig.window.file_dropped.emit(table)
    rig.window.form.edited.emit("task", "classification")
    assert rig.bench.experiment.data.name == "moons"
    with_error = rig.window.form._rows["data.name"]
    rig.window.form.edited.emit("data.name", "own")
    assert rig.bench.experiment.data.name == "moons"
    assert with_error.property("shown") == "moons"
    assert "no labels" in with_error._error.text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x,y\n1,2\n", "at least 16 rows, not 1"),
        ("hello", "holds no numbers"),
        ("1,1\n" * 30, "all the same point"),
        ("".join(f"{k},{2 * k}\n" for k in range(30)), "must not lie on one line"),
    ],
)
def test_what_cannot_be_learnt_from_changes_nothing(rig, tmp_path, text, words):
    rig.show()
    before = rig.bench.experiment, rig.bench.snapshot
    path = tmp_path / "bad.csv"
    path.write_text(text)
    rig.window.file_dropped.emit(path)
    ((title, trouble),) = rig.dialogs.troubles
    assert title == "bad.csv cannot be learnt from"
    assert words in trouble.sentence
    assert trouble.details.startswith(str(path))
    assert rig.bench.message == ""
    assert (rig.bench.experiment, rig.bench.snapshot) == before


def test_unsaved_work_is_asked_for_first(rig, table):
    rig.show(field__width=40)
    rig.bench.set_document(None, unsaved=True)
    rig.dialogs.keep = "cancel"
    rig.window.file_dropped.emit(table)
    assert rig.bench.experiment.task == "classification"


@pytest.fixture
def dialog(rig, qtbot):
    dialog = DrawDialog(rig.theme)
    dialog.resize(480, 560)
    dialog.show()
    yield dialog
    dialog.deleteLater()


def stroke(qtbot, canvas, start, end, button=Qt.MouseButton.LeftButton):
    qtbot.mousePress(canvas, button, pos=start)
    for share in np.linspace(0, 1, 12):
        at = start + (end - start) * share

        event = QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(at),
            canvas.mapToGlobal(QPointF(at)),
            button,
            button,
            Qt.KeyboardModifier(0),
        )
        QApplication.sendEvent(canvas, event)
    qtbot.mouseRelease(canvas, button, pos=end)


def test_an_empty_drawing_is_refused_with_a_sentence(qtbot, dialog):
    with qtbot.assertNotEmitted(dialog.drawn):
        qtbot.mouseClick(dialog._learn, Qt.MouseButton.LeftButton)
    assert "Nothing is drawn yet" in dialog._told.text()
    assert dialog.isVisible()


def test_two_classes_are_drawn_with_the_keys_and_told_apart(rig, qtbot, dialog):
    rig.show(task="density")
    dialog.drawn.connect(rig.control.own_data._on_drawn)
    canvas = dialog.canvas
    for keys in ((Qt.Key.Key_Space,) * 3, (Qt.Key.Key_2, *[Qt.Key.Key_Right] * 5, Qt.Key.Key_Space)):
        for key in keys:
            qtbot.keyClick(canvas, key)
    assert (canvas.labels == 0).sum() == 36
    assert canvas.points[canvas.labels == 1, 0].mean() == pytest.approx(1.0, abs=0.2)
    assert dialog._brushes.button(1).isChecked()
    qtbot.keyClick(canvas, Qt.Key.Key_E)
    assert canvas.brush == WIPER
    qtbot.keyClick(canvas, Qt.Key.Key_Space)
    qtbot.mouseClick(dialog._learn, Qt.MouseButton.LeftButton)
    few = int((canvas.labels == 1).sum())
    assert f"{few} points of class 2 are too few" in dialog._told.text()
    qtbot.mouseClick(dialog._undo, Qt.MouseButton.LeftButton)
    assert "and 12 of class 2: to be told apart" in dialog._told.text()
    qtbot.mouseClick(dialog._learn, Qt.MouseButton.LeftButton)
    assert rig.bench.experiment.task == "classification"
    assert rig.bench.experiment.data.name == "own"
    assert set(rig.sessions[-1].data["labels"]) == {1, 2}


def test_a_table_with_labels_is_learnt_by_a_classifier_that_is_on_show(rig, tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "two.csv"
    np.savetxt(path, np.c_[rng.normal(size=(60, 2)), np.arange(60) % 2 + 3], delimiter=",")
    rig.show()
    rig.window.file_dropped.emit(path)
    assert (rig.bench.experiment.task, rig.bench.experiment.data.name) == ("classification", "own")
    # Without its labels it would be nothing to a classifier; and a density needs none.
    rig.bench.edit("task", "density")
    assert rig.bench.experiment.data.name == "own"


def test_spraying_wiping_and_undo(qtbot, dialog):
    canvas = dialog.canvas
    middle = QPoint(canvas.width() // 2, canvas.height() // 2)
    right = middle + QPoint(canvas.width() // 4, 0)
    stroke(qtbot, canvas, middle, right)
    drawn = canvas.points.copy()
    assert len(drawn) > 100
    # A quarter of the canvas is HALF / 2 long; the spray has a standard deviation of half the radius.
    assert abs(drawn[:, 1].mean()) < 0.1
    assert -0.6 < drawn[:, 0].min() < 0.0
    assert HALF / 2 < drawn[:, 0].max() < HALF / 2 + 0.6
    stroke(qtbot, canvas, middle, right, Qt.MouseButton.RightButton)
    assert len(canvas.points) < 0.1 * len(drawn)
    qtbot.mouseClick(dialog._undo, Qt.MouseButton.LeftButton)
    assert len(canvas.points) == len(drawn)
    qtbot.mouseClick(dialog._redo, Qt.MouseButton.LeftButton)
    assert len(canvas.points) < 0.1 * len(drawn)
    assert not dialog._redo.isEnabled()


def test_a_fast_stroke_has_no_gaps_and_the_brush_goes_with_the_mouse(qtbot, dialog):
    canvas = dialog.canvas
    start, end = (QPoint(round(share * canvas.width()), canvas.height() // 2) for share in (0.1, 0.9))
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    event = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(end), canvas.mapToGlobal(QPointF(end)), Qt.MouseButton.LeftButton,
        Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0),
    )  # fmt: skip
    QApplication.sendEvent(canvas, event)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=end)
    assert np.diff(np.sort(canvas.points[:, 0])).max() < canvas.radius
    canvas.clear()
    with_ring = canvas.grab().toImage()
    QApplication.sendEvent(canvas, QEvent(QEvent.Type.Leave))
    assert canvas.grab().toImage() != with_ring


def test_a_drawing_is_learnt_from(rig, qtbot, dialog):
    rig.show()
    dialog.drawn.connect(rig.control.own_data._on_drawn)
    stroke(qtbot, dialog.canvas, QPoint(60, 60), QPoint(300, 300))
    with qtbot.waitSignal(dialog.drawn) as drawn:
        qtbot.mouseClick(dialog._learn, Qt.MouseButton.LeftButton)
    assert isinstance(drawn.args[0], OwnData)
    assert rig.bench.experiment.data.name == "own"
    assert rig.sessions[-1].data["points"].dtype == np.float32


def test_a_drawing_is_not_lost_where_the_model_on_show_is_kept(rig, qtbot, tmp_path):
    rig.show()
    rig.bench.set_document(tmp_path / "some.odeviz", unsaved=True)
    rig.dialogs.keep = "cancel"
    rig.control.do("draw_data")
    first = rig.dialogs.opened[-1]
    first.resize(480, 560)
    first.show()
    stroke(qtbot, first.canvas, QPoint(60, 60), QPoint(300, 300))
    qtbot.mouseClick(first._learn, Qt.MouseButton.LeftButton)
    assert not first.isVisible()
    assert rig.bench.experiment.data.name != "own"
    rig.control.do("draw_data")
    again = rig.dialogs.opened[-1]
    np.testing.assert_array_equal(again.canvas.points, first.canvas.points)
    again._undo.click()
    assert len(again.canvas.points) == 0
    again._redo.click()
    again.reject()
    rig.dialogs.keep = "discard"
    rig.control.do("draw_data")
    third = rig.dialogs.opened[-1]
    third._learn.click()
    assert rig.bench.experiment.data.name == "own"
