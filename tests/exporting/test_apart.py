"""Drawing in a process of its own: the same pictures as here, and nothing left when it ends."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import numpy as np
import pytest

from odeviz.analysis.results import SolverChoice
from odeviz.bridge.requests import FilmRequest
from odeviz.exporting.apart import Apart, ApartError, Filming
from odeviz.exporting.output import Material, Order, figure_bytes, preview
from odeviz.exporting.style import Look
from odeviz.storage.origin import Origin, read_origin
from odeviz.tasks import Experiment
from odeviz.tasks.registry import expected_shapes
from odeviz.training.snapshot import History, Snapshot

EXPERIMENT = Experiment().with_settings({"field.width": 3, "field.depth": 1})
ORIGIN = Origin(EXPERIMENT, 12, "Loss")


def material():
    rows, column = np.arange(1, 40), np.linspace(1.0, 0.1, 39)
    history = History(rows, column, column, column, column, column)
    return Material("loss", {"history": history, "experiment": EXPERIMENT, "kept": None}, history, ORIGIN)


@pytest.fixture(scope="module")
def apart():
    apart = Apart()
    yield apart
    apart.close()
    assert apart._process is None


def test_figures_previews_and_files_are_those_drawn_here(apart, tmp_path):
    order = Order(dpi=50)
    assert apart.figure_bytes(material(), order) == figure_bytes(material(), order)
    np.testing.assert_array_equal(
        apart.preview(material(), order, 200, 150).pixels, preview(material(), order, 200, 150).pixels
    )
    assert apart.write(material(), order, tmp_path / "a.svg")
    assert read_origin(tmp_path / "a.svg") == ORIGIN


def test_what_cannot_be_drawn_is_told_and_the_process_goes_on(apart, tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        apart.write(material(), Order(), tmp_path / "nowhere" / "a.png")
    before = apart._process.pid
    with pytest.raises(ApartError, match="Error: ") as caught:
        apart.figure_bytes(dataclasses.replace(material(), results={"history": 3}), Order())
    assert "Traceback" in str(caught.value.__cause__)
    assert apart._process.pid == before


def test_a_film_is_computed_and_written_by_a_new_process_where_one_has_ended_or_not_at_all(apart, tmp_path):
    if apart._process is not None:
        apart._process.kill()
    weights = {name: np.full(shape, 0.1, np.float32) for name, shape in expected_shapes(EXPERIMENT).items()}
    snapshot, order = Snapshot(EXPERIMENT, 12, 1.0, weights), Order("gif", Look(width=1.6), dpi=40)
    told, cancel = [], threading.Event()

    def film(count):
        shares = tuple(np.linspace(0.0, 1.0, count).tolist())
        return Filming(snapshot, FilmRequest("flow", shares, SolverChoice()), "flow", ORIGIN)

    def write(count, path, report):
        return apart.film(film(count), order, Path(path), report, cancel)

    assert write(2, tmp_path / "a.gif", lambda *how: told.append(how))
    assert told == [("Computing", 1, 2), ("Computing", 2, 2), ("Drawing", 1, 2), ("Drawing", 2, 2)]
    assert read_origin(tmp_path / "a.gif") == ORIGIN
    assert not write(200, tmp_path / "b.gif", lambda *_: cancel.set())
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]


def test_nothing_is_drawn_once_it_is_closed():
    apart = Apart()
    apart.close()
    with pytest.raises(ApartError, match="nothing is drawn any more"):
        apart.figure_bytes(material(), Order())
