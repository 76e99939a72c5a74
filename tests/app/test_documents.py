import numpy as np
import pytest

from odeviz.storage.model_file import load_model, save_model
from odeviz.tasks import Experiment
from odeviz.training.snapshot import Snapshot


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
    assert trouble.details.startswith(f"{path}\n")
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


def test_a_table_that_carries_no_experiment_is_opened_as_data(rig, tmp_path):
    rig.show()
    path = tmp_path / "points.csv"
    path.write_text("x,y\n" + "".join(f"{k % 7},{k % 5}\n" for k in range(200)))
    rig.control.documents.open(path)
    rig.tick()
    assert rig.bench.experiment.data.name == "own"
    assert rig.bench.message.startswith("points.csv: 200 rows.")
