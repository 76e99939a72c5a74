"""The model file: what comes back, and what a file that is not one is told."""

import json
import os
import re
import struct
import zipfile

import numpy as np
import pytest
import safetensors.numpy

from odeviz.storage import ModelFileError, WriteError, load_model, save_model
from odeviz.tasks import Experiment
from odeviz.tasks.registry import expected_shapes
from odeviz.training.snapshot import History, Snapshot

EXPERIMENT = Experiment().with_settings({"field.width": 8, "solver.rtol": 2e-4, "training.lr": 1e-3})


def snapshot(experiment=EXPERIMENT, rows=5, **changes):
    rng = np.random.default_rng(0)
    columns = [np.arange(rows)] + [rng.random(rows) for _ in range(4)] + [np.full(rows, np.nan)]
    weights = {
        name: rng.normal(size=shape).astype(experiment.dtype)
        for name, shape in expected_shapes(experiment).items()
    }
    values = {
        "iteration": 40,
        "seconds": 1.5,
        "weights": weights,
        "history": History(*columns),
        "metrics": {"loss": 0.25, "nll": float("nan")},
        "message": "stopped: σ",
    }
    return Snapshot(experiment=experiment, **(values | changes))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "m.odeviz"
    save_model(path, snapshot())
    return path


def rewrite(path, metadata=None, description=None, tensors=None, drop=()):
    """Save the file again with parts of its metadata, its JSON description or its tensors changed."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    old = json.loads(data[8 : 8 + length])["__metadata__"]
    if description is not None:
        metadata = {"snapshot": json.dumps(json.loads(old["snapshot"]) | description)}
    arrays = safetensors.numpy.load(data) | (tensors or {})
    arrays = {name: array for name, array in arrays.items() if name not in drop}
    path.write_bytes(safetensors.numpy.save(arrays, old | (metadata or {})))
    return path


def problem(path):
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert len(message) < 500 + len(str(path))
    return message


def first_weight(experiment=EXPERIMENT):
    return next(iter(expected_shapes(experiment)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_snapshot_comes_back_exactly(tmp_path, dtype):
    saved = snapshot(EXPERIMENT.with_setting("dtype", dtype))
    save_model(tmp_path / "m.odeviz", saved)
    loaded = load_model(tmp_path / "m.odeviz")
    assert loaded.experiment == saved.experiment
    assert (loaded.iteration, loaded.seconds, loaded.message) == (40, 1.5, "stopped: σ")
    assert loaded.metrics["loss"] == 0.25
    assert np.isnan(loaded.metrics["nll"])
    assert list(loaded.weights) == list(saved.weights) or set(loaded.weights) == set(saved.weights)
    for name, array in saved.weights.items():
        assert loaded.weights[name].dtype == dtype
        assert np.array_equal(loaded.weights[name], array)
    for name in ("iteration", "seconds", "loss", "nfe_forward", "nfe_backward", "metric"):
        assert np.array_equal(getattr(loaded.history, name), getattr(saved.history, name), equal_nan=True)


def test_an_untrained_snapshot_with_an_empty_history_comes_back(tmp_path):
    save_model(tmp_path / "m.odeviz", snapshot(history=History.empty(), iteration=0, metrics={}))
    assert len(load_model(tmp_path / "m.odeviz").history) == 0


def test_what_is_loaded_is_read_only(path):
    loaded = load_model(path)
    arrays = [*loaded.weights.values(), loaded.history.loss]
    assert not any(array.flags.writeable for array in arrays)


def test_weights_that_are_views_of_other_memory_are_saved_as_seen(tmp_path):
    saved = snapshot()
    turned = {name: np.asfortranarray(array) for name, array in saved.weights.items()}
    save_model(tmp_path / "m.odeviz", snapshot(weights=turned))
    loaded = load_model(tmp_path / "m.odeviz").weights
    assert all(np.array_equal(loaded[name], array) for name, array in saved.weights.items())


def test_a_file_can_be_read_by_safetensors_alone(path):
    tensors = safetensors.numpy.load_file(path)
    assert set(expected_shapes(EXPERIMENT)) == {name for name in tensors if not name.startswith("history/")}


def test_weights_that_are_not_finite_are_not_saved_and_the_old_file_stays(path):
    before = path.read_bytes()
    broken = {name: np.full_like(array, np.nan) for name, array in snapshot().weights.items()}
    with pytest.raises(ModelFileError, match=r"cannot save .*m\.odeviz: the weights are not finite"):
        save_model(path, snapshot(weights=broken))
    assert path.read_bytes() == before


def test_saving_into_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(WriteError, match="does not exist"):
        save_model(tmp_path / "none" / "m.odeviz", snapshot())


def test_a_missing_setting_takes_its_default(path):
    settings = {entry.path: entry.value for entry in EXPERIMENT.entries()}
    del settings["training.lr"]
    loaded = load_model(rewrite(path, description={"experiment": settings}))
    assert loaded.experiment == EXPERIMENT.with_setting("training.lr", Experiment().training.lr)


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("field.spin", 3, "a setting that odeviz .* does not know \\(field.spin\\)"),
        ("field.width", -3, "its experiment is not valid: field.width must be a whole number from 1"),
        ("field.width", 1e300, "its experiment is not valid: field.width must be a whole number"),
        ("field.width", "8", "its experiment is not valid: field.width must be a whole number"),
        ("data.name", "cats", "its experiment is not valid: data.name must be one of"),
        ("training.lr", 10**400, "its description is damaged"),
        ("training.lr", [1], "its description is damaged"),
        ("training.lr", None, "its description is damaged"),
    ],
)
def test_an_invalid_experiment_is_said_setting_by_setting(path, setting, value, words):
    settings = {entry.path: entry.value for entry in EXPERIMENT.entries()} | {setting: value}
    message = problem(rewrite(path, description={"experiment": settings}))
    assert re.search(words, message)


def test_a_whole_number_stands_for_a_real_one(path):
    settings = {entry.path: entry.value for entry in EXPERIMENT.entries()} | {"solver.t1": 2}
    t1 = load_model(rewrite(path, description={"experiment": settings})).experiment.solver.t1
    assert (t1, type(t1)) == (2.0, float)


def test_a_newer_format_names_its_writer(path):
    message = problem(rewrite(path, metadata={"format_version": "99", "odeviz_version": "7.0"}))
    assert "written by odeviz 7.0 in file format 99" in message


@pytest.mark.parametrize("version", ["", "two", "0", "-1"])
def test_a_format_version_that_cannot_be_is_said(path, version):
    assert "format version" in problem(rewrite(path, metadata={"format_version": version}))


@pytest.mark.parametrize(
    "description", [{"iteration": -1}, {"iteration": "x"}, {"seconds": -1.0}, {"extra": 1}, {"metrics": [1]}]
)
def test_a_damaged_description_is_said(path, description):
    assert "its description is damaged" in problem(rewrite(path, description=description))


@pytest.mark.parametrize("text", ["", "not json", "[" * 100_000, "\ud83d"])
def test_a_description_that_is_not_json_is_said(path, text):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"]["snapshot"] = text
    packed = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(packed)) + packed + data[8 + length :])
    assert "damaged" in problem(path)


def test_weights_that_do_not_fit_are_named_with_both_shapes(path):
    name = first_weight()
    message = problem(rewrite(path, tensors={name: np.zeros((5, 3), np.float32)}))
    assert f"{name} is float32 of shape [5, 3], not float32 of shape" in message
    message = problem(rewrite(path, tensors={name: np.zeros((5, 3), np.float64)}))
    assert "is float64" in message


def test_missing_and_additional_weights_are_named(path):
    name = first_weight()
    message = problem(rewrite(path, tensors={"stranger": np.zeros(3, np.float32)}))
    assert "the weights hold stranger" in message
    assert f"the weights lack {name}" in problem(rewrite(path, drop=(name,)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_named(path, value):
    name = first_weight()
    bad = np.full(expected_shapes(EXPERIMENT)[name], value, np.float32)
    assert f"not finite ({name} holds" in problem(rewrite(path, tensors={name: bad}))


def test_a_history_with_uneven_or_missing_columns_is_said(path):
    assert "history's loss" in problem(rewrite(path, tensors={"history/loss": np.zeros(3)}))
    assert "history lacks loss" in problem(rewrite(path, drop=("history/loss",)))


def test_other_peoples_files_are_recognised(tmp_path):
    path = tmp_path / "other"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", b"x")
    assert "zip archive" in problem(path)
    for data, words in [
        (b"", "it is empty"),
        (b"abc", "too short"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG image"),
        (b"\x80\x04\x95" + bytes(100), "pickle"),
        (b"x,y\n1,2\n3,4\n", "not an odeviz model"),
        (bytes(1000), "not an odeviz model"),
        (struct.pack("<Q", 2**63) + b"{" * 100, "not an odeviz model"),
        (struct.pack("<Q", 2**21) + b"{" * 100, "truncated"),
        (struct.pack("<Q", 4) + b"{{{{" + bytes(100), "header is damaged"),
        (safetensors.numpy.save({"a": np.zeros(3)}), "safetensors file without an odeviz description"),
    ]:
        path.write_bytes(data)
        assert words in problem(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    assert "no such file" in problem(tmp_path / "none.odeviz")
    assert "it is a folder" in problem(tmp_path)


def test_tensor_types_numpy_lacks_are_said(path):
    name = first_weight()
    data = rewrite(path, tensors={name: np.zeros((8, 2), np.float16)}).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    header[name]["dtype"] = "BF16"
    packed = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(packed)) + packed + data[8 + length :])
    assert "tensors cannot be read" in problem(path)


def test_an_end_time_without_measure_is_said(tmp_path):
    path = tmp_path / "m.odeviz"
    flow = Experiment().with_settings({"task": "density", "solver.learn_t1": True})
    save_model(path, snapshot(flow))
    assert load_model(path).weights["log_t1"].shape == ()
    assert "end time is out of range" in problem(rewrite(path, tensors={"log_t1": np.array(800, np.float32)}))


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in problem(tmp_path / "pipe")


def try_load(path, data):
    """None for a refusal, the snapshot otherwise; any other exception fails the test."""
    path.write_bytes(data)
    try:
        loaded = load_model(path)
    except ModelFileError:
        return None
    shapes = {name: array.shape for name, array in loaded.weights.items()}
    assert shapes == expected_shapes(loaded.experiment)
    assert all(np.isfinite(array).all() for array in loaded.weights.values())
    return loaded


def test_a_file_cut_anywhere_is_refused(path):
    data = path.read_bytes()
    cuts = {*range(0, 40), *range(0, len(data), 97), len(data) - 1}
    assert [cut for cut in sorted(cuts) if try_load(path, data[:cut]) is not None] == []


def test_flipped_bits_give_a_refusal_or_a_valid_snapshot(path):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    rng = np.random.default_rng(1)
    # Most flips go where structure is: the header and its length.
    places = [*range(8), *rng.integers(8, 8 + length, 250), *rng.integers(8 + length, len(data), 50)]
    outcomes = set()
    for place in places:
        broken = bytearray(data)
        broken[place] ^= 1 << int(rng.integers(8))
        outcomes.add(try_load(path, bytes(broken)) is None)
    assert outcomes == {True, False}


def test_damaged_stretches_give_a_refusal_or_a_valid_snapshot(path):
    data = path.read_bytes()
    rng = np.random.default_rng(2)
    outcomes = set()
    for _ in range(100):
        start, count = int(rng.integers(len(data))), int(rng.integers(1, 64))
        noise = rng.integers(0, 256, count, dtype=np.uint8).tobytes()
        broken = data[:start] + noise + data[start + int(rng.integers(0, 64)) :]
        outcomes.add(try_load(path, broken) is None)
    assert True in outcomes
