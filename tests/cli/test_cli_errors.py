"""Whatever a user can get wrong: one sentence on stderr, exit code 2, nothing on stdout, no file written."""

import pytest

from odeviz.cli import main
from odeviz.storage import save_model
from odeviz.tasks.presets import PRESETS
from odeviz.tasks.registry import expected_shapes
from odeviz.training.snapshot import Snapshot


@pytest.fixture
def model(tmp_path):
    """A file of an untrained classifier whose weights are all zero."""
    import numpy as np

    experiment = PRESETS["moons-classifier"].experiment
    weights = {name: np.zeros(shape, np.float32) for name, shape in expected_shapes(experiment).items()}
    path = tmp_path / "m.odeviz"
    save_model(path, Snapshot(experiment, 0, 0.0, weights))
    return str(path)


def complaint(capsys, *argv):
    assert main(list(argv)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("odeviz: error: ")
    assert err.count("\n") == 1
    return err


TRAIN = ("train", "moons-density")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["trian", "moons-density"], "there is no file 'trian'; did you mean 'train'?"),
        (["none.odeviz"], "there is no file 'none.odeviz'"),
        (["--preset", "moon-density"], "did you mean 'moons-density'?"),
        (["moons-density", "--preset", "moons-density"], "FILE and --preset cannot both be given"),
        (["--scale", "2"], "--scale goes with --screenshot only"),
        (["odeviz:moons-density?seed=x"], "seed must be a whole number"),
        (["train", "odeviz:moon-density"], "did you mean 'moons-density'?"),
        (["--frobnicate"], "unrecognized arguments: --frobnicate"),
        (["--screenshot", "x.jpg"], "x.jpg: the name of a screenshot must end in .png"),
        (["--screenshot", "x.png", "--size", "big"], "must be a width and a height from 200 to 8000"),
        (["--screenshot", "x.png", "--scale", "99"], "must be a number from 0.5 to 4, not '99'"),
        (["--screenshot", "x.png", "--iterations", "0"], "must be a whole number of at least 1, not '0'"),
        (["--screenshot", "no/such/folder/x.png"], "the folder"),
        (["train"], "the following arguments are required: PRESET"),
        (["train", "moons"], "there is no preset 'moons'; did you mean 'moons-"),
        (["train", "moonz"], "there is no preset 'moonz'; did you mean 'moons-"),
        (["info", "moonz"], "there is no file 'moonz'; did you mean 'moons-"),
        (["info", "qqq"], "no file 'qqq', and no preset of that name"),
        ([*TRAIN, "--set", "field.width=-3"], "field.width must be a whole number from 1 to 1024, not -3"),
        ([*TRAIN, "--set", "field.width=wide"], "field.width must be a whole number"),
        ([*TRAIN, "--set", "field.width=" + "9" * 400], "field.width must be a whole number"),
        ([*TRAIN, "--set", "field.widht=3"], "did you mean 'field.width'?"),
        ([*TRAIN, "--set", "noise"], "--set takes NAME=VALUE such as data.noise=0.1, not 'noise'"),
        ([*TRAIN, "--set", "data.name=annuli"], "data.name must be one of moons, circles, 8gaussians"),
        ([*TRAIN, "--iterations", "0"], "training.iterations must be a whole number from 1"),
        ([*TRAIN, "--seconds", "soon"], "must be a number from 0.01"),
        ([*TRAIN, "--seconds", "nan"], "must be a number from 0.01"),
        ([*TRAIN, "--iterations", "5", "--seconds", "5"], "not allowed with argument"),
        ([*TRAIN, "--seed", "-1"], "seed must be a whole number from 0"),
        ([*TRAIN, "--device", "tpu"], "device must be one of auto, cpu, cuda, mps"),
        ([*TRAIN, "--out", "model.txt"], "the name of a model must end in .odeviz"),
        ([*TRAIN, "--out", "no/such/folder/m.odeviz"], "the folder"),
        (["info"], "the following arguments are required: FILE"),
        (["info", "none.odeviz"], "there is no file 'none.odeviz'"),
        (["info", "moons-densty"], "did you mean 'moons-density'?"),
        (["list", "all"], "unrecognized arguments: all"),
        (["export", "MODEL", "--out", "x.png"], "--panel is required, or --animate or --filmstrip"),
        (["export", "MODEL", "--panel", "flwo", "--out", "x.png"], "has no flwo; did you mean 'flow'?"),
        (["export", "MODEL", "--panel", "three", "--out", "x.png"], "its views boundary"),
        (["export", "MODEL", "--panel", "flow", "--out", "x.gif"], "a figure ends in .png, .svg, .pdf"),
        (["export", "MODEL", "--panel", "flow", "--out", "x.png", "--dpi", "1"], "--dpi must be a number"),
        (["export", "MODEL", "--panel", "flow", "--out", "x.png", "--dpi", "nan"], "--dpi must be a number"),
        (
            ["export", "MODEL", "--panel", "flow", "--out", "x.csv", "--dpi", "90"],
            "--dpi means nothing to .csv",
        ),
        (
            ["export", "MODEL", "--panel", "loss", "--out", "x.png", "--time", "1"],
            "--time means nothing to the loss",
        ),
        (["export", "MODEL", "--panel", "loss", "--out", "x.png"], "has no history"),
        (
            ["export", "8gaussians-moons-cfm", "--panel", "nfe", "--out", "x.png"],
            "nothing is solved in its training",
        ),
        (["export", "MODEL", "--panel", "flow", "--out", "x.png", "--width", "wide"], "a width such as 85mm"),
        (
            ["export", "MODEL", "--panel", "flow", "--out", "x.png", "--width", "3mm"],
            "from 38 to 508 mm, not 3 mm",
        ),
        (["export", "MODEL", "--panel", "flow", "--out", "x.png", "--style", "red"], "invalid choice: 'red'"),
        (
            ["export", "MODEL", "--panel", "flow", "--out", "x.npz", "--comment"],
            "carry the experiment anyway",
        ),
        (["info", "x.png"], "there is no file 'x.png'"),
        (["export", "MODEL", "--panel", "density", "--out", "x.png"], "has no density; --panel decision"),
        (["solve", "MODEL", "--rtol", "5"], "solver.rtol must be a number from 1e-12 to 1, not 5"),
        (["solve", "MODEL", "--rtol", "tight"], "solver.rtol must be a number"),
        (["solve", "MODEL", "--method", "rk5"], "solver.method must be one of"),
        (["solve", "MODEL", "--steps", "9"], "--steps means nothing to dopri5"),
        (["solve", "MODEL", "--per-sample", "--method", "rk4"], "--per-sample means nothing to rk4, but to"),
        (["solve", "MODEL", "--method", "rk4", "--rtol", "1e-3"], "--rtol and --atol mean nothing to rk4"),
        (["solve", "MODEL", "--seeds", "0"], "must be a whole number of at least 1"),
        (["solve", "MODEL", "--out", "paths.txt"], "must end in .csv or .npz"),
        (["solve", "MODEL", "--points", "none.csv"], "cannot read none.csv"),
        (["solve", "MODEL", "--seeds", "9", "--points", "none.csv"], "not allowed with argument"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)
def test_a_mistake_is_one_sentence(capsys, monkeypatch, tmp_path, model, argv, words):
    monkeypatch.chdir(tmp_path)
    assert words in complaint(capsys, *[model if word == "MODEL" else word for word in argv])
    assert [path.name for path in tmp_path.iterdir()] == ["m.odeviz"]


def test_a_damaged_file_is_one_sentence_in_every_command(capsys, tmp_path):
    path = tmp_path / "broken.odeviz"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    out = str(tmp_path / "x.png")
    for argv in (
        ["info", str(path)],
        ["solve", str(path)],
        ["export", str(path), "--panel", "flow", "--out", out],
        [str(path), "--screenshot", out],
    ):
        assert "broken.odeviz: it is a PNG image" in complaint(capsys, *argv)


def test_points_that_are_words_name_their_line(capsys, tmp_path, model):
    points = tmp_path / "p.csv"
    points.write_text("x,y\n1,2\nthree,4\n")
    assert "line 3, column x: 'three' is not a number" in complaint(
        capsys, "solve", model, "--points", str(points)
    )


def test_a_preset_without_a_shipped_model_says_how_to_make_one(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("odeviz.storage.paths._PACKAGE", tmp_path)
    assert "odeviz train rings-density --out rings-density.odeviz" in complaint(
        capsys, "info", "rings-density"
    )


def test_a_bug_keeps_its_traceback(monkeypatch):
    def broken(_given):
        raise ZeroDivisionError

    monkeypatch.setattr("odeviz.commands.presets.run", broken)
    with pytest.raises(ZeroDivisionError):
        main(["list"])


def test_a_baseline_has_none_of_a_flows_views(capsys, tmp_path):
    import numpy as np

    experiment = PRESETS["digits-resnet"].experiment
    weights = {name: np.zeros(shape, np.float32) for name, shape in expected_shapes(experiment).items()}
    path = tmp_path / "m.odeviz"
    save_model(path, Snapshot(experiment, 0, 0.0, weights))
    argv = ["export", str(path), "--panel", "stiffness", "--out", str(tmp_path / "x.png")]
    assert "has no stiffness; its panels are flow, loss, nfe, steps, its views table1" in complaint(
        capsys, *argv
    )
