"""Session files: what is written is read back, and nothing in a file is trusted."""

import dataclasses
import json

import numpy as np
import pytest

from odeviz.analysis.projection import Projection
from odeviz.analysis.results import SolverChoice
from odeviz.storage import (
    ModelFileError,
    SessionFileError,
    load_model,
    load_session,
    save_model,
    save_session,
)
from odeviz.storage.session_file import Place, View
from odeviz.storage.session_run import pack_checkpoints
from odeviz.tasks import Experiment
from odeviz.tasks.registry import expected_shapes
from odeviz.training.checkpoints import Checkpoint
from odeviz.training.snapshot import History, Snapshot

EXPERIMENT = Experiment().with_settings({"field.width": 3, "field.depth": 1})
VIEW = View(
    EXPERIMENT.with_setting("seed", 9), SolverChoice("rk4", 1e-6, 1e-7, 33, True), 0.5, 2.0, False, 2.0,
    ((0.1, -0.25), (1 / 3, 2.0)), {"arrows": False, "data": True}, "speed", Projection("axes", (1, 0), (10.0, 20.0)),
    (-1.0, 1.0, -2.0, 0.5), "accuracy", {"plane": {"z1": 0.5}},
    (Place("loss", "right", 0, True, True, False, 300, 200),),
)  # fmt: skip


@pytest.fixture(scope="module")
def snapshot():
    weights = {name: np.zeros(shape, np.float32) for name, shape in expected_shapes(EXPERIMENT).items()}
    return Snapshot(EXPERIMENT, 12, 1.0, weights)


def test_a_session_is_read_back_whole(tmp_path, snapshot):
    path = tmp_path / "s.odeviz-session"
    save_session(path, snapshot, VIEW)
    read, view = load_session(path)
    assert view == VIEW
    assert (read.experiment, read.iteration) == (EXPERIMENT, 12)


def ran(snapshot, *iterations):
    """The same with the models of its run at these iterations."""
    past = tuple(
        Checkpoint(k, 0.1 * k, {name: np.full_like(array, k) for name, array in snapshot.weights.items()})
        for k in iterations
    )
    return dataclasses.replace(snapshot, checkpoints=past)


def test_a_session_keeps_its_run_a_pinned_setting_and_the_run_it_is_compared_with(tmp_path, snapshot):
    path, rows = tmp_path / "s.odeviz-session", np.arange(1, 4)
    column = np.linspace(1.0, 0.5, 3)
    kept = dataclasses.replace(
        snapshot, iteration=3, history=History(rows, column, column, column, column, np.full(3, np.nan))
    )
    save_session(
        path, ran(snapshot, 0, 4, 8), dataclasses.replace(VIEW, pinned=SolverChoice("rk4"), kept=kept)
    )
    read, view = load_session(path)
    assert read.moments == (0, 4, 8, 12)
    assert view.pinned == SolverChoice("rk4")
    assert (view.kept.experiment, view.kept.iteration) == (EXPERIMENT, 3)
    np.testing.assert_array_equal(view.kept.history.loss, column)
    then = read.nearest(5)
    assert (then.iteration, then.seconds) == (4, pytest.approx(0.4))
    assert all((array == 4).all() for array in then.weights.values())
    assert load_model(path).checkpoints == (), "the model that it holds"


def _earlier(tensors, name, change):
    return {**tensors, name: change(tensors[name])}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: _earlier(t, "at/iteration", lambda a: a[::-1].copy()), "not in order"),
        (lambda t: _earlier(t, "at/iteration", lambda a: a + 9), "lie between iteration 0 and 12"),
        (lambda t: _earlier(t, "at/iteration", lambda a: 0 * a), "not in order"),
        (lambda t: _earlier(t, "at/seconds", lambda a: -1.0 - a), "are no seconds"),
        (lambda t: {k: a for k, a in t.items() if not k.startswith("at/")}, "does not tell when"),
        (lambda t: {k: np.repeat(a, 60, axis=0) for k, a in t.items()}, "or are more than 64"),
        (lambda t: {k: a if k.startswith("at/") else a[:1] for k, a in t.items()}, "do not belong together"),
        (lambda t: {k: a if k.startswith("at/") else a * np.nan for k, a in t.items()}, "not finite"),
        (lambda t: {k: a if k.startswith("at/") else a[..., None] for k, a in t.items()}, "do not fit"),
    ],
)
def test_a_run_that_cannot_be_is_told_in_a_sentence(tmp_path, snapshot, change, words):
    path = tmp_path / "s.odeviz-session"
    save_session(path, snapshot, VIEW)
    tensors = change(pack_checkpoints(ran(snapshot, 0, 4).checkpoints))
    save_model(path, snapshot, {"session": json.dumps(text_of(path))}, tensors)
    with pytest.raises(SessionFileError, match=words):
        load_session(path)


def test_a_kept_run_without_its_curves_is_told(tmp_path, snapshot):
    path = tmp_path / "s.odeviz-session"
    save_session(path, snapshot, dataclasses.replace(VIEW, kept=snapshot))
    save_model(path, snapshot, {"session": json.dumps(text_of(path))})
    with pytest.raises(SessionFileError, match="run kept beside it lacks iteration, seconds"):
        load_session(path)


def test_a_session_of_the_version_before_is_read(tmp_path, snapshot):
    path = tmp_path / "s.odeviz-session"
    save_session(path, snapshot, VIEW)
    old = {name: value for name, value in text_of(path).items() if name not in ("pinned", "kept")}
    del old["solver"]["per_sample"]
    save_model(path, snapshot, {"session": json.dumps(old | {"version": 1})})
    assert load_session(path)[1] == dataclasses.replace(VIEW, choice=SolverChoice("rk4", 1e-6, 1e-7, 33))


def test_a_session_is_a_model_too_and_a_model_has_no_view(tmp_path, snapshot):
    save_session(tmp_path / "s.odeviz-session", snapshot, VIEW)
    assert load_model(tmp_path / "s.odeviz-session").iteration == 12
    save_model(tmp_path / "m.odeviz", snapshot)
    assert load_session(tmp_path / "m.odeviz")[1] is None


def test_a_model_file_that_is_damaged_is_told_as_ever(tmp_path):
    (tmp_path / "s.odeviz-session").write_text("this is no model")
    with pytest.raises(ModelFileError, match="it is not an odeviz model"):
        load_session(tmp_path / "s.odeviz-session")


CHANGES = {
    "version": (99, "was written by odeviz .* in session format 99"),
    "experiment": ({"field.widht": 3}, "in its session, it has a setting that odeviz .* does not know"),
    "solver": (
        {"method": "magic", "rtol": 1e-3, "atol": 1e-3, "steps": 3},
        "not valid: solver.method must be one of",
    ),
    "playhead": ({"t": 0.0, "t1": -1.0, "loop": True, "speed": 1.0}, "damaged .*t1"),
    "seeds": ([[0.0, 1e39]], "a seed must hold finite numbers, not 0, 1e[+]39"),
    "layers": ({"arrows": "yes"}, "damaged .*layers"),
    "colouring": (7, "damaged .*colouring"),
    "projection": (
        {"kind": "axes", "axes": [0, 0], "turn": [0.0, 0.0]},
        "projection axes takes 2 different axes",
    ),
    "range": ([1.0, 0.0, 0.0, 1.0], "the range on show must be x0 < x1"),
    "values": ({"plane": {"z1": 1e39}}, "what is set of the view 'plane' must hold finite numbers"),
    "view": ("v" * 500, "damaged .*view"),
    "panels": (
        [dataclasses.asdict(place) for place in VIEW.panels] * 2,
        "the panel 'loss' stands in two places",
    ),
    "more": (1, "damaged .*more"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_value_is_checked_and_a_bad_one_is_told_in_a_sentence(tmp_path, snapshot, name):
    path = tmp_path / "s.odeviz-session"
    save_session(path, snapshot, VIEW)
    value, words = CHANGES[name]
    save_model(path, snapshot, {"session": json.dumps(text_of(path) | {name: value})})
    with pytest.raises(SessionFileError, match=words) as caught:
        load_session(path)
    assert str(caught.value).startswith(f"cannot open {path}: ")
    assert "\n" not in str(caught.value)


def test_seeds_of_unequal_length_and_texts_that_are_no_json_are_told(tmp_path, snapshot):
    path = tmp_path / "s.odeviz-session"
    save_session(path, snapshot, VIEW)
    uneven = json.dumps(text_of(path) | {"seeds": [[0.0, 1.0], [0.0, 1.0, 2.0]]})
    for text in (uneven, "", "{", "[" * 5000, "null"):
        save_model(path, snapshot, {"session": text})
        with pytest.raises(SessionFileError):
            load_session(path)


def text_of(path):
    from odeviz.storage.model_file import load_with_texts

    return json.loads(load_with_texts(path)[1]["session"])
