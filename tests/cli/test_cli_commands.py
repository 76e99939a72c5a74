"""What the commands do, from a short training run to its figures and tables."""

import contextlib
import csv
import dataclasses
import io
import json

import numpy as np
import pytest
from asked import SMALL, answer

from odeviz.cli import main
from odeviz.engine import METHODS
from odeviz.storage import load_model, save_model
from odeviz.storage.paths import pretrained
from odeviz.tasks.presets import PRESETS
from odeviz.tasks.registry import TASKS


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A briefly trained model file of each task, and what training the density printed."""
    folder = tmp_path_factory.mktemp("models")
    paths = {}
    for task, preset in {"classification": "moons-classifier", "density": "moons-density"}.items():
        paths[task] = str(folder / f"{task}.odeviz")
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            assert main(["train", preset, "--iterations", "3", *SMALL, "--out", paths[task], "--json"]) == 0
    return paths | {"report": printed.getvalue()}


@pytest.fixture(autouse=True)
def coarse_maps(monkeypatch):
    monkeypatch.setattr("odeviz.commands.panels._CELLS", 20)


def test_list_prints_one_preset_a_line(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    places = [out.index(f"\n  {name} ") for name in PRESETS]
    assert places == sorted(places)
    for preset in PRESETS.values():
        assert preset.sentence in " ".join(out.split())
        assert f"Trains in about {preset.seconds:.0f} s; " in " ".join(out.split())
    reached = load_model(pretrained("moons-density")).metrics["gap"]
    assert f"NLL - H {reached:.3g} (gate ≤ 0.05)" in " ".join(out.split())


def test_list_json_tells_every_preset(capsys):
    listed = answer(capsys, "list")
    assert [preset["name"] for preset in listed] == list(PRESETS)
    assert {preset["task"] for preset in listed} == set(TASKS)
    assert all(preset["expected"] and preset["seconds"] > 0 for preset in listed)


def test_list_methods_tells_when_to_use_each_and_who_published_it(capsys):
    assert main(["list", "--methods"]) == 0
    cards = capsys.readouterr().out.split("\n\n")
    assert [card.split()[0] for card in cards] == list(METHODS)
    for card, method in zip(cards, METHODS.values(), strict=True):
        words = " ".join(card.split())
        assert f"order {method.order}, {method.stages} stage" in words
        assert " ".join(method.advice.split()) in words
        assert f"dense output of order {method.dense_order}" in words


def test_list_methods_json_tells_their_figures(capsys):
    listed = {method["name"]: method for method in answer(capsys, "list", "--methods")}
    assert list(listed) == list(METHODS)
    dopri5 = listed["dopri5"]
    assert (dopri5["order"], dopri5["stages"], dopri5["fsal"], dopri5["dense_order"]) == (5, 7, True, 4)
    assert "Dormand" in dopri5["source"]


def test_version_and_help_end_well(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("odeviz 0.")
    for argv in (["--help"], ["train", "--help"], ["solve", "--help"], ["export", "--help"]):
        assert main(argv) == 0
        assert "usage: odeviz" in capsys.readouterr().out


def test_training_a_classifier_reports_what_it_reached(capsys):
    report = answer(capsys, "train", "moons-classifier", "--iterations", "3", "--seed", "7", *SMALL)
    assert list(report) == [
        "preset", "seed", "iterations", "seconds", "loss", "accuracy", "nfe_forward", "nfe_backward", "parameters",
        "experiment",
    ]  # fmt: skip
    assert (report["preset"], report["seed"], report["iterations"]) == ("moons-classifier", 7, 3)
    assert 0 <= report["accuracy"] <= 1
    assert report["nfe_forward"] > 0
    # 2-8-8-2 with time as an input of every layer, and the readout.
    assert report["parameters"] == 8 * 4 + 8 * 10 + 2 * 10 + 6


def test_training_a_density_reports_its_likelihood(capsys, models):
    report = json.loads(models["report"])
    assert list(report) == [
        "preset", "seed", "iterations", "seconds", "loss", "nll", "nll_se", "entropy", "gap", "gap_in_se", "mass",
        "nfe", "nfe_forward", "nfe_backward", "parameters", "experiment",
    ]  # fmt: skip
    assert report["nll"] > report["entropy"] - 3 * report["nll_se"]
    assert abs(report["mass"] - 1) < 0.05


def test_the_same_seed_gives_the_same_loss_and_another_seed_another(capsys):
    first, again, other = (
        answer(capsys, "train", "circles-classifier", "--iterations", "2", "--seed", seed, *SMALL)["loss"]
        for seed in ("1", "1", "2")
    )
    assert first == again
    assert first != other


def test_the_reported_line_repeats_the_run(capsys):
    first = answer(capsys, "train", "circles-classifier", "--iterations", "2", "--seed", "1", *SMALL)
    assert first["experiment"].startswith("odeviz:circles-classifier?")
    again = answer(capsys, "train", first["experiment"])
    assert again | {"seconds": 0} == first | {"seconds": 0}


def test_settings_are_taken_over_and_saved(models):
    experiment = load_model(models["density"]).experiment
    assert experiment.field.width == 8
    assert experiment.training.iterations == 3
    assert experiment.data == PRESETS["moons-density"].experiment.data


def test_info_tells_what_a_file_holds(capsys, models):
    about = answer(capsys, "info", models["density"])
    assert about["iteration"] == 3
    assert about["format_version"] == 2
    assert about["experiment"].startswith("odeviz:moons-density?field.width=8&")
    assert about["settings"]["field.width"] == 8
    assert about["metrics"]["nll"] > 0
    assert main(["info", models["density"]]) == 0
    out = capsys.readouterr().out
    assert "moons" in out
    assert "field.extra_dims" not in out


def test_a_presets_name_stands_for_its_shipped_model(capsys, models, monkeypatch, tmp_path):
    monkeypatch.setattr("odeviz.storage.paths._PACKAGE", tmp_path)
    folder = tmp_path / "resources" / "models"
    folder.mkdir(parents=True)
    with open(models["density"], "rb") as file:  # noqa: PTH123
        (folder / "moons-density.odeviz").write_bytes(file.read())
    assert answer(capsys, "info", "moons-density")["iteration"] == 3


def test_solving_reports_the_cost_and_writes_the_trajectories(capsys, models, tmp_path):
    out = tmp_path / "paths.csv"
    loose = answer(capsys, "solve", models["density"], "--rtol", "1e-2", "--seeds", "9", "--out", str(out))
    assert (loose["status"], loose["method"], loose["trajectories"]) == ("success", "dopri5", 9)
    tight = answer(capsys, "solve", models["density"], "--rtol", "1e-6", "--seeds", "9")
    assert tight["nfe"] > loose["nfe"]
    assert tight["error"] < loose["error"]
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert {row["trajectory"] for row in rows} == {str(k) for k in range(9)}
    assert rows[0]["t"] == "0.0"


def test_solving_starts_at_the_points_given(capsys, models, tmp_path):
    points = tmp_path / "p.csv"
    points.write_text("x,y,label\n0.5,0.25,1\n7,,0\n-1,0,0\n")
    out = tmp_path / "paths.npz"
    assert main(["solve", models["classification"], "--points", str(points), "--out", str(out)]) == 0
    with np.load(out) as saved:
        assert saved["paths"][0].tolist() == [[0.5, 0.25], [-1, 0]]
        assert saved["labels"].tolist() == [1, 0]
    assert "p.csv: 1 of 3 rows skipped" in capsys.readouterr().err


def test_trajectories_take_steps_of_their_own_as_asked(capsys, models):
    cost = answer(capsys, "solve", models["density"], "--per-sample", "--seeds", "9")
    assert 1 < cost["nfe_least"] <= cost["nfe_mean"] <= cost["nfe_most"] <= cost["nfe"]
    assert "nfe_mean" not in answer(capsys, "solve", models["density"], "--seeds", "9")


def test_equal_steps_are_taken_as_asked(capsys, models):
    cost = answer(
        capsys, "solve", models["classification"], "--method", "rk4", "--steps", "7", "--seeds", "3"
    )
    assert (cost["accepted"], cost["rejected"]) == (7, 0)
    # One more than four a step: the slope at the end, for the states between the steps.
    assert cost["nfe"] == 29


@pytest.mark.parametrize(
    ("task", "panel"),
    [
        ("density", "flow"), ("density", "density"), ("density", "loss"), ("density", "nfe"), ("density", "steps"),
        ("classification", "flow"), ("classification", "decision"), ("classification", "loss"),
    ],
)  # fmt: skip
def test_every_panel_exports_as_a_figure(models, tmp_path, task, panel):
    out = tmp_path / "figure.png"
    assert main(["export", models[task], "--panel", panel, "--out", str(out), "--dpi", "40"]) == 0
    assert out.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("suffix", "magic"), [(".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_figures_are_also_written_as_vectors(models, tmp_path, suffix, magic):
    out = tmp_path / f"figure{suffix}"
    assert main(["export", models["density"], "--panel", "nfe", "--out", str(out)]) == 0
    assert out.read_bytes().startswith(magic)


@pytest.mark.parametrize(
    ("task", "panel", "column"),
    [
        ("density", "flow", "trajectory"),
        ("density", "density", "log_density_nats"),
        ("classification", "decision", "probability_1"),
        ("classification", "loss", "loss"),
        ("classification", "nfe", "nfe_forward"),
        ("classification", "steps", "accepted"),
    ],
)
def test_every_panel_exports_its_data(models, tmp_path, task, panel, column):
    out = tmp_path / "data.csv"
    assert main(["export", models[task], "--panel", panel, "--out", str(out)]) == 0
    with out.open() as file:
        assert column in next(csv.reader(file))


def test_a_moment_can_be_chosen_and_must_lie_in_the_flow(capsys, models, tmp_path):
    out = tmp_path / "d.csv"
    argv = ["export", models["density"], "--panel", "density", "--out", str(out), "--time"]
    assert main([*argv, "0"]) == 0
    t, x, y, log_density = np.loadtxt(out, delimiter=",", skiprows=1, unpack=True)
    assert not t.any()
    # At the start there is the base, the standard normal.
    assert np.allclose(log_density, -np.log(2 * np.pi) - (x**2 + y**2) / 2, atol=1e-4)
    assert main([*argv, "50"]) == 2
    assert "--time must be a number from 0 to" in capsys.readouterr().err


def test_a_view_of_any_flow_is_exported_and_told(capsys, models, tmp_path):
    figure, data = tmp_path / "a.svg", tmp_path / "a.csv"
    assert main(["export", models["density"], "--panel", "stiffness", "--out", str(figure)]) == 0
    assert capsys.readouterr().out.startswith("Norm up to ")
    assert figure.stat().st_size > 1000
    assert main(["export", models["classification"], "--panel", "nfe-map", "--out", str(data)]) == 0
    assert data.read_text().splitlines()[0] == "map,x,y,value"
    capsys.readouterr()
    assert main(["info", models["density"]]) == 0
    assert "views of any flow" in capsys.readouterr().out


def test_the_run_of_a_saved_model_goes_on(capsys, models, tmp_path):
    out, began = str(tmp_path / "on.odeviz"), load_model(models["classification"])
    report = answer(capsys, "train", models["classification"], "--iterations", "5", "--out", out)
    assert (report["preset"], report["iterations"]) == ("moons-classifier", 5)
    ended = load_model(out)
    assert ended.history.iteration.tolist() == [1, 2, 3, 4, 5]
    assert ended.history.loss[:3].tolist() == began.history.loss.tolist()
    assert ended.seconds > began.seconds
    for argv, sentence in (
        ([], "has made all its 3 iterations: give a larger total to go on, such as --iterations 6"),
        (["--iterations", "5", "--seed", "8"], "seed cannot change in a run that goes on"),
        (["--iterations", "5", "--data", "points.csv"], "--data means nothing to a run that goes on"),
    ):
        assert main(["train", models["classification"], *argv]) == 2
        assert sentence in capsys.readouterr().err


def test_info_doubts_a_density_whose_mass_is_not_one(capsys, models, tmp_path):
    path = tmp_path / "thin.odeviz"
    snapshot = load_model(models["density"])
    save_model(path, dataclasses.replace(snapshot, metrics={**snapshot.metrics, "mass": 0.985}))
    assert main(["info", str(path)]) == 0
    assert (
        "warning: the density's mass over the plane that is shown is 0.985 instead of 1"
        in capsys.readouterr().out
    )
    assert len(answer(capsys, "info", str(path))["doubts"]) == 1
