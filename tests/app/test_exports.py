"""Exporting in the window: what is offered, the preview, files, the clipboard, cancelling."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from fake_window import FakeSession
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from odeviz.analysis.diagnostics import views_of
from odeviz.app.exports import exports_of
from odeviz.exporting.figures import FIGURES
from odeviz.exporting.output import FILM, FILMS, Order, Preview, figure_bytes
from odeviz.exporting.tables import columns
from odeviz.state import Mark
from odeviz.storage import read_origin
from odeviz.tasks import Experiment
from odeviz.tasks.registry import TASKS


@pytest.fixture
def shown(rig):
    """A window with a trained density and the export dialog open."""
    rig.show(task="density", training__iterations=5)
    rig.control.do("export_figure")
    return rig


def dialog_of(rig):
    return rig.dialogs.opened[-1]


def settle(dialog, qtbot):
    """Wait until the preview has been asked for, and so drawn."""
    qtbot.waitUntil(lambda: not dialog._timer.isActive(), timeout=5000)


def pick(box, text, qtbot):
    """Go down a box with the keyboard to a row that begins so."""
    while not box.currentText().startswith(text):
        before = box.currentIndex()
        qtbot.keyClick(box, Qt.Key.Key_Down)
        assert box.currentIndex() > before, f"{text} is not offered"


def keys(dialog):
    return [dialog.panel.itemData(row) for row in range(dialog.panel.count()) if dialog.panel.itemData(row)]


def test_a_dialog_that_was_closed_keeps_no_run(shown, qtbot):
    dialog = dialog_of(shown)
    pick(dialog.panel, "Samples", qtbot)
    settle(dialog, qtbot)
    dialog.reject()
    shown.dialogs.opened.remove(dialog)
    dialog.deleteLater()
    del dialog
    shown.show(task="classification")
    assert shown.held() == {"classification"}


def test_all_that_is_shown_is_offered_and_what_is_not_there_is_not(shown):
    offered = keys(dialog_of(shown))
    assert {"flow", "density", "loss", "nfe", "steps", "field", "samples", "order", "film-flow"} <= set(
        offered
    )
    assert "filmstrip-density" in offered
    assert "seeds" not in offered
    assert {"film-training-density", "film-training-flow"} <= set(offered), "the run kept checkpoints"


def test_what_can_be_exported_by_now_is_offered_while_the_dialog_is_open(shown, qtbot):
    dialog = dialog_of(shown)
    pick(dialog.panel, "NFE", qtbot)
    shown.bench.add_seed((0.5, 0.25))
    shown.settle()
    qtbot.waitUntil(lambda: "seeds" in keys(dialog))
    assert dialog.export.key == "nfe"
    pick(dialog.panel, "Seeded", qtbot)
    settle(dialog, qtbot)
    assert dialog.preview.currentWidget() is dialog.preview.picture


def test_a_film_has_the_layers_that_the_window_shows(shown):
    shown.bench.show_layer("arrows", False)
    shown.bench.show_layer("data", True)
    now = shown.control.exports.source.shown()
    film = next(export for export in exports_of(now) if export.key == "film-flow")
    layers = film.ask(now, Order()).layers
    assert "data" in layers
    assert "arrows" not in layers


def test_every_panel_and_view_of_every_task_is_a_picture_and_a_table(rig):
    """Over the registry: each has a figure that can be drawn from its results, and columns."""
    for task in TASKS:
        experiment = Experiment.of(task)
        session = FakeSession(experiment)
        session.iteration = 5
        rig.control.show_model(session.snapshot(), None)
        rig.settle()
        now = rig.control.exports.source.shown()
        exports = exports_of(now)
        assert {view.key for view in views_of(experiment)} <= {export.key for export in exports}
        assert {"flow", "loss", "nfe", "steps", "field", "film-flow"} <= {export.key for export in exports}
        for export in exports:
            check(export, now, rig.studies[-1])


def check(export, now, study):
    """That an export has all its figure needs, and a table."""
    if export.ask is not None:
        request = (export.ask_little or export.ask)(now, Order(shares=(0.5,)))
        now = now.answered(request.answer(study, None))
    material = export.material(now)
    if export.is_film:
        assert (material.figure, dict(export.formats)) == (FILM, FILMS)
    else:
        figure = FIGURES[material.figure]
        given = {name for name, value in material.results.items() if value is not None}
        assert set(figure.needs) <= given <= set(figure.takes)
        assert {"png", "svg", "pdf", "csv", "npz"} == set(export.formats)
    assert len(columns(material.table)) >= 1
    assert material.origin.experiment == now.snapshot.experiment


def test_a_flow_figure_has_the_windows_layers_colours_and_part_of_the_plane(rig):
    rig.show()
    for key in ("layer.streamlines", "layer.tracers", "layer.rest", "layer.data", "colour.speed"):
        rig.control.do(key)
    rig.bench.look_at((0.0, 1.0, -1.0, 0.5))
    rig.settle()
    now = rig.control.exports.source.shown()
    flow = next(export for export in exports_of(now) if export.key == "flow")
    results = flow.material(now).results
    assert {"streamlines", "rest", "arrows"} <= set(results["layers"])
    assert "data" not in results["layers"]
    assert results["stream"] is not None
    shown = rig.window.flow._layers["tracers"]._trail
    np.testing.assert_array_equal(results["tracers"].trail, shown)
    assert results["tracers"].trail is not shown, "they drift on while it is drawn"
    assert results["rest"] is not None
    assert results["color"] == "speed"
    assert (results["extent"].x1, results["extent"].y0) == (1.0, -1.0)


def test_what_is_over_time_and_the_kept_run_are_exported_too(rig):
    rig.show(task="density", training__iterations=5)
    rig.settle()
    assert "series" not in [export.key for export in exports_of(rig.control.exports.source.shown())]
    rig.window.flow.seed_added.emit(0.5, -0.5)
    rig.bench.select(Mark("trajectory", 3))
    rig.bench.keep(rig.bench.snapshot)
    rig.settle()
    now = rig.control.exports.source.shown()
    found = {export.key: export.material(now) for export in exports_of(now) if export.ask is None}
    picture = found["series"].results["picture"]
    assert [chart.y_label for chart in picture.charts] == ["z₁", "z₂"]
    assert [curve.label for curve in picture.charts[0].curves] == ["seed 1", "trajectory 4"]
    assert len(columns(found["series"].table)["x"]) > 100
    for key in ("loss", "nfe"):
        assert found[key].results["kept"] is rig.bench.kept.history
        assert figure_bytes(found[key], Order()).startswith(b"\x89PNG")


def test_the_preview_follows_what_is_chosen(shown, qtbot):
    dialog = dialog_of(shown)
    settle(dialog, qtbot)
    assert not dialog.preview.picture.image.isNull()
    assert "85 × " in dialog.note.text()
    white = dialog.preview.picture.image.pixelColor(1, 1).lightness()
    pick(dialog.style_box, "Slides, dark", qtbot)
    pick(dialog.width_choice, "Full", qtbot)
    settle(dialog, qtbot)
    assert dialog.preview.picture.image.pixelColor(1, 1).lightness() < 60 < white
    assert "170 × " in dialog.note.text()
    pick(dialog.format, "CSV", qtbot)
    settle(dialog, qtbot)
    assert dialog.preview.text.toPlainText().splitlines()[2].split() == ["t", "trajectory", "label", "x", "y"]
    assert not dialog.style_box.isVisibleTo(dialog)
    assert dialog.comment.isVisibleTo(dialog)


def test_a_preview_that_is_not_wanted_any_more_is_dropped(shown, qtbot):
    dialog, control = dialog_of(shown), shown.control.exports
    settle(dialog, qtbot)
    stale = control._wanted
    dialog.choose("loss")
    settle(dialog, qtbot)
    before = dialog.note.text()
    control._drawn(stale, Preview(np.zeros((4, 4, 3), np.uint8), (9.0, 9.0)))
    assert dialog.note.text() == before


def test_a_figure_is_written_with_its_experiment(shown, qtbot, tmp_path):
    dialog = dialog_of(shown)
    shown.dialogs.to_save = tmp_path / "flow.png"
    pick(dialog.width_choice, "One", qtbot)
    dialog.dpi.setValue(50)
    qtbot.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    with Image.open(tmp_path / "flow.png") as image:
        assert abs(image.width - 50 * 85 / 25.4) <= 1
    assert read_origin(tmp_path / "flow.png").experiment == shown.bench.snapshot.experiment
    assert shown.dialogs.suggestion.name == "moons-density-flow.png"
    assert shown.bench.message == "Exported flow.png."
    assert dialog.result() == dialog.DialogCode.Accepted


def test_the_next_export_begins_as_the_last_one_of_its_kind_ended(shown, qtbot, tmp_path):
    dialog = dialog_of(shown)
    shown.dialogs.to_save = tmp_path / "loss.svg"
    dialog.choose("loss", "svg")
    qtbot.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    shown.control.do("export_figure")
    dialog = dialog_of(shown)
    assert (dialog.export.key, dialog.format.currentData()) == ("loss", "svg")
    dialog.reject()
    shown.control.do("export_data")
    dialog = dialog_of(shown)
    assert (dialog.export.key, dialog.format.currentData()) == ("flow", "csv")
    dialog.reject()
    # Its format is remembered for all panels; a figure is copied as one whatever was written last.
    shown.control.exports.open("figure", "nfe")
    dialog = dialog_of(shown)
    assert (dialog.export.key, dialog.format.currentData()) == ("nfe", "svg")
    dialog.choose("nfe", "csv")
    shown.dialogs.to_save = tmp_path / "nfe.csv"
    qtbot.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    shown.control.do("copy_figure")
    assert not QGuiApplication.clipboard().image().isNull()


def test_a_view_that_is_not_on_show_is_asked_for(shown, qtbot, tmp_path):
    dialog = dialog_of(shown)
    dialog.choose("order", "csv")
    shown.dialogs.to_save = tmp_path / "order.csv"
    qtbot.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    assert (tmp_path / "order.csv").read_text().startswith("chart,curve,x,y")


def test_a_film_is_written_and_tells_how_far_it_is(shown, qtbot, tmp_path):
    dialog, told = dialog_of(shown), []
    shown.control.exports.films.reported.connect(lambda *words: told.append(words))
    dialog.choose("film-density", "gif")
    dialog.seconds.setValue(0.5)
    dialog.fps.setValue(6)
    dialog.dpi.setValue(40)
    shown.dialogs.to_save = tmp_path / "film.gif"
    qtbot.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    assert told[0] == ("Computing", 1, 3)
    assert told[-1] == ("Drawing", 3, 3)
    assert dialog.result() == dialog.DialogCode.Accepted, "people go on meanwhile"
    assert shown.window.status.going.isHidden()
    assert read_origin(tmp_path / "film.gif").title == "Density over time"


def test_a_film_is_cancelled_in_the_status_bar_and_leaves_no_file(shown, qtbot, tmp_path):
    dialog, control, status = dialog_of(shown), shown.control.exports, shown.window.status
    dialog.choose("film-flow", "gif")
    dialog.seconds.setValue(0.5)
    dialog.dpi.setValue(40)
    shown.dialogs.to_save = tmp_path / "film.gif"
    seen = []

    def cancel(doing, done, of):
        if doing == "Drawing" and not seen:
            seen.append(status._doing.text())
            assert not status.going.isHidden()
            assert shown.window.actions_["cancel_export"].isVisible()
            qtbot.mouseClick(status.cancel, Qt.MouseButton.LeftButton)

    control.films.reported.connect(cancel)
    qtbot.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    assert seen[0].startswith("film.gif: drawing 1 of ")
    assert list(tmp_path.iterdir()) == []
    assert shown.bench.message == "The export was cancelled; nothing was written."
    assert status.going.isHidden()
    assert not shown.window.actions_["cancel_export"].isVisible()


def test_a_window_does_not_close_over_a_film_without_a_question(rig, tmp_path):
    rig.show()
    films = rig.control.exports.films
    films.job = SimpleNamespace(path=tmp_path / "film.gif")
    assert not rig.window.close()
    films.job = None
    assert rig.dialogs.asked == [
        "film.gif is being written. If the window closes now, there will be no film."
    ]
    assert rig.window.close()


def test_one_film_is_written_at_a_time(shown, qtbot, tmp_path):
    dialog, films, told = dialog_of(shown), shown.control.exports.films, []
    shown.control.exports.failed.connect(told.append)
    dialog.choose("film-flow", "gif")
    films.job = "another"
    qtbot.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    films.job = None
    assert told == ["A film is being written: wait for it, or cancel it in the status bar."]
    assert dialog.result() == 0


@pytest.mark.parametrize(
    ("name", "sentence"), [("a.doc", "a.doc must end in .png"), ("no/such/a.png", "does not exist")]
)
def test_a_file_that_cannot_be_is_told(shown, qtbot, tmp_path, name, sentence):
    dialog, told = dialog_of(shown), []
    shown.control.exports.failed.connect(told.append)
    shown.dialogs.to_save = tmp_path / name
    qtbot.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    assert sentence in told[0]
    # Said beside the buttons: what would be written is still seen.
    assert sentence in dialog.note.text()
    assert sentence not in dialog.preview.message.text()
    assert list(tmp_path.iterdir()) == []
    assert dialog.go.isEnabled()


def test_the_figure_of_the_panel_in_hand_is_copied_with_its_experiment(rig, qtbot, tmp_path):
    rig.show(training__iterations=5)
    rig.window.activateWindow()
    rig.control.do("copy_figure")
    QGuiApplication.clipboard().image().save(str(tmp_path / "a.png"))
    assert read_origin(tmp_path / "a.png").title == "Flow"
    assert rig.bench.message == "The figure of Flow is on the clipboard."


def test_a_table_is_copied_as_spreadsheets_paste_it(shown, qtbot):
    dialog = dialog_of(shown)
    dialog.choose("steps", "csv")
    qtbot.mouseClick(dialog.copy, Qt.MouseButton.LeftButton)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0] == "step\tt\th\terror\taccepted"
    assert len(lines) == 3


def test_times_of_a_strip_that_are_none_are_told_at_the_field(shown, qtbot):
    dialog = dialog_of(shown)
    dialog.choose("filmstrip-flow", "png")
    dialog.times.clear()
    qtbot.keyClicks(dialog.times, "5, x")
    assert not dialog.go.isEnabled()
    assert "numbers from 0 to 100" in dialog.note.text()
    dialog.times.clear()
    qtbot.keyClicks(dialog.times, "0, 50, 100 %")
    assert dialog.order().shares == (0.0, 0.5, 1.0)
    assert dialog.go.isEnabled()


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_a_click_with_the_right_button_offers_a_panels_figure(rig, qtbot):
    rig.show(training__iterations=5)
    panel = rig.window.loss
    panel.customContextMenuRequested.emit(panel.rect().center())
    menu = next(
        child
        for child in rig.window.children()
        if child.metaObject().className() == "QMenu" and child.isVisible()
    )
    assert [action.text() for action in menu.actions()] == ["Copy Figure", "Export Figure…", "Export Data…"]
    menu.actions()[2].trigger()
    menu.close()
    assert dialog_of(rig).export.key == "loss"
    assert dialog_of(rig).order().suffix == "csv"


def test_the_view_is_exported_as_seen(rig, tmp_path):
    rig.show()
    rig.dialogs.to_save = tmp_path / "view.png"
    rig.control.do("export_view")
    assert (tmp_path / "view.png").read_bytes().startswith(b"\x89PNG")


def test_an_exports_results_are_those_shown_when_it_was_asked(rig):
    rig.show(training__iterations=5)
    now = rig.control.exports.source.shown()
    rig.control.pictures.forget()
    assert now.results["flow"] is not None
