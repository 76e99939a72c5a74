"""Experiments copied from the window and pasted into it."""

import numpy as np
from PySide6.QtGui import QGuiApplication

from odeviz.analysis.results import DataResult
from odeviz.exporting.tables import save_table
from odeviz.storage.origin import Origin
from odeviz.tasks import Experiment
from odeviz.tasks.presets import PRESETS


def test_a_copied_experiment_pasted_elsewhere_gives_the_same_experiment_ready_to_be_trained(rig):
    rig.show()
    rig.bench.edit("seed", 7)
    edited = rig.bench.experiment
    rig.control.do("copy_experiment")
    line = QGuiApplication.clipboard().text()
    assert line.startswith("odeviz:")
    assert "seed=7" in line

    rig.show(task="density")
    rig.control.do("paste_experiment")
    rig.tick()
    assert rig.bench.experiment == edited
    assert rig.sessions[-1].experiment == edited
    assert rig.bench.snapshot.iteration == 0
    assert "press Train" in rig.bench.message


def test_a_bad_line_is_told_and_changes_nothing(rig):
    rig.show()
    before = rig.bench.snapshot
    for text in ("", "dear all", "odeviz:moons-density?seed=x", "odeviz:moons-density?data.name=own"):
        QGuiApplication.clipboard().setText(text)
        rig.control.do("paste_experiment")
    assert [title.rpartition(" ")[0] for title, _ in rig.dialogs.troubles] == ["The experiment cannot be"] * 4
    assert "Seed must be a whole number" in rig.dialogs.troubles[2][1].sentence
    assert rig.bench.snapshot is before


def test_own_data_cannot_be_copied_and_what_can_is_said(rig):
    rig.bench.set_experiment(Experiment.of("density", {"data.name": "own"}))
    QGuiApplication.clipboard().setText("before")
    rig.control.do("copy_experiment")
    assert QGuiApplication.clipboard().text() == "before"
    assert "your own data" in rig.dialogs.troubles[0][1].sentence


def test_a_pasted_preset_is_called_by_its_title(rig):
    QGuiApplication.clipboard().setText("odeviz:moons-density")
    rig.control.do("paste_experiment")
    assert rig.bench.message.startswith(PRESETS["moons-density"].title)


def test_an_exported_figure_opens_the_experiment_it_shows(rig, tmp_path):
    experiment = PRESETS["moons-density"].experiment.with_setting("seed", 8)
    own = Experiment.of("density", {"data.name": "own"})
    table = DataResult(np.zeros((2, 2)), np.zeros(2, dtype=np.int64))
    for name, shown in (("figure", experiment), ("own", own)):
        save_table(table, tmp_path / f"{name}.npz", origin=Origin(shown, 42))
    rig.window.file_dropped.emit(tmp_path / "figure.npz")
    rig.tick()
    assert rig.bench.experiment == experiment
    assert rig.bench.snapshot.iteration == 0
    rig.window.file_dropped.emit(tmp_path / "own.npz")
    assert rig.dialogs.troubles[0][0] == "own.npz could not be opened"
    assert "own data" in rig.dialogs.troubles[0][1].sentence
    assert rig.bench.experiment == experiment
