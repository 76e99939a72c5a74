"""The experiment in the files it is drawn into."""

from __future__ import annotations

import numpy as np
import pytest

from odeviz.analysis.results import DataResult
from odeviz.exporting.figures import save_figure
from odeviz.exporting.tables import save_table
from odeviz.storage.origin import Origin, OriginError, read_origin
from odeviz.tasks import Experiment
from odeviz.training.snapshot import History

DATA = DataResult(np.array([[0.0, 0.5], [1.0, -0.5]]), np.array([0, 1]))
COLUMN = np.array([1.0, 0.5])
HISTORY = History(np.array([1, 2]), COLUMN, COLUMN, COLUMN, COLUMN, COLUMN)
EXPERIMENT = Experiment.of("density").with_settings({"seed": 7, "solver.rtol": 1.25e-5})
ORIGIN = Origin(EXPERIMENT, 42, "Flow (of \\ ηs)")


def written(path):
    if path.suffix in (".csv", ".npz"):
        save_table(DATA, path, origin=ORIGIN, comment=True)
    else:
        save_figure("nfe", path, dpi=50, origin=ORIGIN, history=HISTORY)
    return path


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".csv", ".npz"])
def test_a_file_tells_the_experiment_it_was_drawn_from(tmp_path, suffix):
    origin = read_origin(written(tmp_path / f"a{suffix}"))
    assert origin == ORIGIN
    assert origin.experiment.solver.rtol == 1.25e-5


def test_a_csv_file_has_no_comment_unless_it_is_wanted(tmp_path):
    save_table(DATA, tmp_path / "a.csv", origin=ORIGIN)
    assert (tmp_path / "a.csv").read_text().startswith("x,y,label")
    with pytest.raises(OriginError, match="carries no experiment"):
        read_origin(tmp_path / "a.csv")


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".csv", ".npz", ".gif", ".mp4"])
def test_what_is_not_such_a_file_is_one_sentence(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    for content in (
        b"",
        b"not a picture",
        b"PK\x03\x04\x00",
        b"\x89PNG\r\n\x1a\n" + 40 * b"\xff",
        b"\xa9cmt1234data",
    ):
        path.write_bytes(content)
        with pytest.raises(OriginError, match=r"a\.\w+ carries no experiment"):
            read_origin(path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{}", "is damaged"),
        ('{"odeviz":"1","experiment":{"seed":1e999}}', "is damaged"),
        ('{"odeviz":"1","experiment":' + 3000 * '{"a":', "is damaged"),
        ('{"odeviz":"1","experiment":{"task":"chess"}}', "does not know its task \\(chess\\)"),
        ('{"odeviz":"9","experiment":{"solver.magic":1}}', "has a setting that odeviz .* does not know"),
        ('{"odeviz":"1","experiment":{"seed":-5}}', "experiment is not valid: seed"),
    ],
)
def test_what_a_file_tells_is_not_believed_unseen(tmp_path, text, sentence):
    path = tmp_path / "a.csv"
    path.write_text(f"# odeviz {text}\nx\n1\n")
    with pytest.raises(OriginError, match=sentence):
        read_origin(path)


def test_other_files_and_folders_are_refused(tmp_path):
    with pytest.raises(OriginError, match=r"ends in \.png"):
        read_origin(tmp_path / "a.txt")
    (tmp_path / "b.png").mkdir()
    with pytest.raises(OriginError, match="not a file"):
        read_origin(tmp_path / "b.png")
