"""``odeviz export``: how figures look, what they tell of themselves, films and filmstrips."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image

from odeviz.cli import main
from odeviz.storage import read_origin, save_model
from odeviz.tasks import Experiment
from odeviz.training import Session

SMALL = {"field.width": 4, "field.depth": 1, "data.samples": 32}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """An untrained model of a density and of a classifier."""
    folder = tmp_path_factory.mktemp("models")
    paths = {}
    for task in ("density", "classification"):
        paths[task] = str(folder / f"{task}.odeviz")
        save_model(paths[task], Session(Experiment.of(task, SMALL)).snapshot())
    return paths


@pytest.fixture(autouse=True)
def coarse_maps(monkeypatch):
    monkeypatch.setattr("odeviz.commands.panels._CELLS", 12)
    monkeypatch.setattr("odeviz.analysis.filming._CELLS", 12)


def test_style_width_and_resolution_are_chosen(models, tmp_path):
    out = tmp_path / "flow.png"
    how = ["--style", "dark", "--width", "120mm", "--dpi", "50"]
    assert main(["export", models["density"], "--panel", "flow", "--out", str(out), *how]) == 0
    with Image.open(out) as image:
        assert abs(image.width - 50 * 120 / 25.4) <= 1
        assert sum(image.convert("RGB").getpixel((0, 0))) < 100


def test_layers_and_colours_are_chosen_and_what_a_model_has_not_is_named(capsys, models, tmp_path):
    out = tmp_path / "flow.svg"
    how = ["--layers", "background,contours,nullclines,boundary,trajectories", "--color", "nfe"]
    assert main(["export", models["classification"], "--panel", "flow", "--out", str(out), *how]) == 0
    svg = out.read_text(encoding="utf-8")
    assert "boundary, carried back" in svg
    assert "NFE" in svg
    assert main(["export", models["density"], "--panel", "flow", "--out", str(out), *how]) == 2
    assert "density task has no boundary to show; it has background" in capsys.readouterr().err
    assert main(["export", models["density"], "--panel", "loss", "--out", str(out), *how]) == 2
    assert "--layers goes with --panel flow" in capsys.readouterr().err
    assert main(["export", models["density"], "--panel", "flow", "--out", str(out), "--layers", "dust"]) == 2
    assert "must be some of background" in capsys.readouterr().err


def test_info_tells_of_what_a_figure_is(capsys, models, tmp_path):
    out = tmp_path / "steps.svg"
    assert main(["export", models["density"], "--panel", "steps", "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["info", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["settings"]["field.width"] == 4
    assert told["shows"] == "steps of density"
    assert main(["info", str(out)]) == 0
    assert "field.width" in capsys.readouterr().out


def test_a_view_that_follows_the_playhead_is_drawn_at_a_time(capsys, models, tmp_path):
    out = tmp_path / "marginals.csv"
    how = ["--panel", "marginals", "--out", str(out), "--time"]
    assert main(["export", models["density"], *how, "0"]) == 0
    rows = [
        row for row in csv.DictReader(out.read_text(encoding="utf-8").splitlines()) if row["curve"] == "model"
    ]
    x, y = (np.array([float(row[axis]) for row in rows]) for axis in "xy")
    assert np.allclose(y, np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi), atol=0.01), "the base"
    assert main(["export", models["density"], *how, "9"]) != 0
    assert "from 0 to" in capsys.readouterr().err


def test_data_tells_it_too(models, tmp_path):
    for name, more in (("a.npz", []), ("a.csv", ["--comment"])):
        out = tmp_path / name
        assert main(["export", models["density"], "--panel", "steps", "--out", str(out), *more]) == 0
        assert read_origin(out).experiment.field.width == 4
    assert (tmp_path / "a.csv").read_text().splitlines()[1] == "step,t,h,error,accepted"
    assert np.load(tmp_path / "a.npz")["t"].ndim == 1


def test_a_flow_is_filmed_over_its_time(models, tmp_path):
    out = tmp_path / "flow.gif"
    how = ["--animate", "time", "--seconds", "0.5", "--fps", "8", "--width", "40mm", "--dpi", "60"]
    assert main(["export", models["density"], "--panel", "density", "--out", str(out), *how]) == 0
    with Image.open(out) as image:
        assert image.n_frames == 4
    assert read_origin(out).title == "density of density"


def test_a_strip_shows_shares_of_the_time(models, tmp_path):
    out = tmp_path / "strip.csv"
    assert main(["export", models["classification"], "--filmstrip", "0,50%,1", "--out", str(out)]) == 0
    frame, _, t, *_ = np.loadtxt(out, delimiter=",", skiprows=1, unpack=True)
    assert [float(t[frame == k][0]) for k in range(3)] == [0.0, 0.5, 1.0]
    svg = tmp_path / "strip.svg"
    assert main(["export", models["classification"], "--filmstrip", "0,50%,1", "--out", str(svg)]) == 0
    assert "50\u00a0%" in svg.read_text()


def test_a_training_is_filmed_at_its_checkpoints(tmp_path):
    out = tmp_path / "t.gif"
    settings = ["--set", "field.width=4", "--set", "field.depth=1", "--set", "training.batch=16"]
    assert main(["train", "moons-classifier", "--iterations", "5", *settings, "--animate", str(out)]) == 0
    with Image.open(out) as image:
        assert image.n_frames > 1
    assert read_origin(out).iteration == 5


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--out", "x.png"], "--panel is required, or --animate or --filmstrip"),
        (
            ["--animate", "time", "--panel", "loss", "--out", "x.gif"],
            "shows flow, density, decision, not loss",
        ),
        (["--animate", "time", "--panel", "decision", "--out", "x.gif"], "has no decision; --panel density"),
        (["--animate", "time", "--out", "x.png"], "must end in .gif, .mp4, not 'x.png'"),
        (
            ["--animate", "time", "--fps", "99", "--out", "x.gif"],
            "--fps must be a whole number from 1 to 60, not 99",
        ),
        (["--animate", "time", "--time", "1", "--out", "x.gif"], "--time means nothing to a film"),
        (["--filmstrip", "0,2", "--out", "x.png"], "shares from 0 to 1"),
        (["--filmstrip", "0,1", "--fps", "9", "--out", "x.png"], "--fps goes with --animate only"),
    ],
    ids=lambda value: " ".join(value)[:50] if isinstance(value, list) else "",
)
def test_films_that_cannot_be_are_one_sentence(capsys, models, monkeypatch, tmp_path, argv, sentence):
    monkeypatch.chdir(tmp_path)
    assert main(["export", models["density"], *argv]) == 2
    told = capsys.readouterr().err
    assert sentence in told
    assert told.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
