"""``odeviz export``: how figures look, what they tell of themselves, films and filmstrips."""

from __future__ import annotations

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


def test_style_width_and_resolution_are_chosen(models, tmp_path):
    out = tmp_path / "flow.png"
    how = ["--style", "dark", "--width", "120mm", "--dpi", "50"]
    assert main(["export", models["density"], "--panel", "flow", "--out", str(out), *how]) == 0
    with Image.open(out) as image:
        assert abs(image.width - 50 * 120 / 25.4) <= 1
        assert sum(image.convert("RGB").getpixel((0, 0))) < 100


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


def test_data_tells_it_too(models, tmp_path):
    for name, more in (("a.npz", []), ("a.csv", ["--comment"])):
        out = tmp_path / name
        assert main(["export", models["density"], "--panel", "steps", "--out", str(out), *more]) == 0
        assert read_origin(out).experiment.field.width == 4
    assert (tmp_path / "a.csv").read_text().splitlines()[1] == "step,t,h,error,accepted"
    assert np.load(tmp_path / "a.npz")["t"].ndim == 1
