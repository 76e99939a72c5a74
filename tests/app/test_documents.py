import numpy as np
import pytest

from odeviz.app.exports import EXPORTS, Shown
from odeviz.storage.model_file import load_model, save_model
from odeviz.tasks import Experiment
from odeviz.training.snapshot import Snapshot

BY_KEY = {export.key: export for export in EXPORTS}


@pytest.fixture
def model_file(tmp_path):
    """A model file of a tiny classifier, made without torch."""
    from odeviz.tasks.registry import expected_shapes

    experiment = Experiment().with_settings({"field.width": 3, "field.depth": 1})
    weights = {name: np.zeros(shape, np.float32) for name, shape in expected_shapes(experiment).items()}
    path = tmp_path / "tiny.odeviz"
    save_model(path, Snapshot(experiment, 12, 1.0, weights))
    return path


def test_opening_a_file_shows_its_model(rig, model_file):
    rig.dialogs.to_open = model_file
    rig.control.do("open")
    rig.tick()
    assert rig.bench.snapshot.iteration == 12
    assert rig.bench.experiment.field.width == 3
    assert rig.window.windowTitle() == "tiny.odeviz[*] — odeviz"
    assert rig.bench.playhead.playing


def test_a_bad_file_gets_a_sentence_and_changes_nothing(rig, tmp_path):
    rig.show()
    before = rig.bench.snapshot
    path = tmp_path / "notes.odeviz"
    path.write_text("not a model")
    rig.window.file_dropped.emit(path)
    ((title, trouble),) = rig.dialogs.troubles
    assert title == "notes.odeviz could not be opened"
    assert trouble.sentence
    assert "\n" not in trouble.sentence
    assert trouble.details == ""
    assert rig.bench.snapshot is before


def test_saving_as_and_saving_again(rig, model_file, tmp_path):
    rig.control.documents.open(model_file)
    rig.tick()
    rig.dialogs.to_save = tmp_path / "copy.odeviz"
    rig.control.do("save_as")
    assert load_model(tmp_path / "copy.odeviz").experiment == load_model(model_file).experiment
    assert rig.bench.path.name == "copy.odeviz"
    (tmp_path / "copy.odeviz").unlink()
    rig.control.do("save")
    assert (tmp_path / "copy.odeviz").exists()


def test_a_file_that_cannot_be_written_is_told(rig, model_file, tmp_path):
    rig.control.documents.open(model_file)
    rig.dialogs.to_save = tmp_path / "missing" / "copy.odeviz"
    rig.control.do("save_as")
    assert rig.dialogs.troubles[0][0] == "copy.odeviz could not be saved"
    assert rig.bench.path == model_file


def test_closing_with_save_saves_first(rig, model_file):
    rig.control.documents.open(model_file)
    rig.tick()
    rig.bench.set_document(model_file, unsaved=True)
    model_file.unlink()
    rig.dialogs.keep = "save"
    rig.window.close()
    assert model_file.exists()
    assert not rig.bench.unsaved


@pytest.mark.parametrize("key", [key for key in BY_KEY if key not in ("seeds", "view")])
def test_every_panels_numbers_can_be_exported(rig, tmp_path, key):
    rig.show(task="density", training__iterations=5)
    rig.dialogs.to_save = tmp_path / f"{key}.csv"
    rig.control.documents.export_panel(BY_KEY[key], "csv", 300)
    assert len((tmp_path / f"{key}.csv").read_text().splitlines()) >= 2


def test_a_figure_is_drawn_from_the_results(rig, tmp_path):
    rig.show(training__iterations=5)
    rig.dialogs.to_save = tmp_path / "flow.svg"
    rig.control.documents.export_panel(BY_KEY["flow"], "svg", 100)
    assert "<svg" in (tmp_path / "flow.svg").read_text()
    assert rig.dialogs.troubles == []


def test_the_view_is_exported_as_seen(rig, tmp_path):
    rig.show()
    rig.dialogs.to_save = tmp_path / "view.png"
    rig.control.do("export_view")
    assert (tmp_path / "view.png").read_bytes().startswith(b"\x89PNG")


def test_an_export_to_a_suffix_that_is_no_format_is_told(rig, tmp_path):
    rig.show(training__iterations=5)
    rig.dialogs.to_save = tmp_path / "flow.doc"
    rig.control.documents.export_panel(BY_KEY["flow"], "png", 100)
    assert rig.dialogs.troubles[0][0] == "flow.doc could not be exported"
    assert list(tmp_path.iterdir()) == []


def test_only_what_is_there_is_offered(rig):
    rig.show(training__iterations=5)
    rig.control.do("export_figure")
    dialog = rig.dialogs.opened[0]
    offered = [dialog.panel.itemData(row) for row in range(dialog.panel.count())]
    assert "seeds" not in offered
    assert {"flow", "density", "loss", "nfe", "steps"} <= set(offered)


def test_the_dialog_tells_panel_format_and_resolution(rig):
    rig.show(training__iterations=5)
    rig.control.do("export_data")
    dialog = rig.dialogs.opened[0]
    dialog.panel.setCurrentIndex(dialog.panel.findData("loss"))
    seen = []
    dialog.wanted.disconnect()
    dialog.wanted.connect(lambda *args: seen.append(args))
    dialog._accept()
    assert seen == [(BY_KEY["loss"], "csv", 300)]


def test_an_exports_results_are_those_shown_when_it_was_asked(rig):
    rig.show(training__iterations=5)
    now = rig.control.documents._shown()
    rig.control.pictures.forget()
    assert isinstance(now, Shown)
    assert now.results["flow"] is not None
