"""The record of a run stays bounded and evenly spaced."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from odeviz.tasks import Experiment
from odeviz.training.recorder import Recorder
from odeviz.training.snapshot import History, Snapshot


def row(iteration):
    return (iteration, iteration / 10, 1 / iteration, 20.0, 18.0, 0.5 if iteration % 8 == 0 else float("nan"))


def recorded(n, capacity=50):
    recorder = Recorder(capacity)
    for iteration in range(1, n + 1):
        recorder.add(row(iteration))
    return recorder


def test_short_run_is_kept_whole():
    history = recorded(40).history()
    assert history.iteration.tolist() == list(range(1, 41))
    assert history.loss.tolist() == [1 / i for i in range(1, 41)]


@pytest.mark.parametrize("n", [30, 51, 200, 1000])
def test_run_that_is_taken_up_again_stays_evenly_spaced(n):
    recorder = Recorder(50, recorded(n).history())
    for iteration in range(n + 1, 2 * n + 1):
        recorder.add(row(iteration))
    assert recorder.history().iteration.tolist() == recorded(2 * n).history().iteration.tolist()


def test_one_row_late_in_a_run_says_nothing_of_the_distance():
    one = Recorder(50)
    one.add(row(64))
    assert Recorder(50, one.history()).stride == 1


@pytest.mark.parametrize("n", [51, 200, 1000, 12_345])
def test_long_run_is_thinned_evenly(n):
    recorder = recorded(n)
    history = recorder.history()
    assert 25 <= len(history) <= 50
    assert set(np.diff(history.iteration)) == {recorder.stride}
    assert history.iteration[-1] > n - recorder.stride
    assert history.seconds == pytest.approx(history.iteration / 10)


def test_thinning_keeps_rows_with_a_metric_on_powers_of_two():
    history = recorded(390).history()
    assert np.isfinite(history.metric).all()


def test_columns_are_read_only_and_empty_at_first():
    assert len(Recorder().history()) == 0
    history = recorded(3).history()
    for name in History.__slots__:
        with pytest.raises(ValueError, match="read-only"):
            getattr(history, name)[0] = 1


def test_a_record_taken_up_from_its_history_goes_on_alike():
    through = recorded(300)
    again = Recorder(50, history=recorded(170).history())
    for iteration in range(171, 301):
        again.add(row(iteration))
    assert again.history().iteration.tolist() == through.history().iteration.tolist()


def test_the_mean_loss_is_that_of_the_last_iterations_whatever_rows_are_kept():
    nothing = np.full(5, np.nan)
    rows, loss = np.array([2, 4, 6, 8, 400]), np.array([1.0, 2.0, np.nan, 6.0, 9.0])
    history = History(rows, nothing, loss, nothing, nothing, nothing)
    np.testing.assert_allclose(history.mean_loss(), [1.0, 1.5, 1.5, 4.0, 9.0])
    # 2, 4 and 6 are the last five iterations at 6; at 400 those after 380 are the last 5 %.
    later = History(np.arange(1, 401), *(np.arange(1.0, 401.0),) * 5)
    assert later.mean_loss()[-1] == np.arange(381, 401).mean()
    assert later.until(100).mean_loss()[-1] == later.mean_loss()[99] == 98.0


def test_a_snapshot_tells_the_mean_loss_that_its_curve_ends_at_and_names_a_final_figure():
    rows = np.arange(1, 101)
    metric = np.where(rows % 32 == 0, 2.5, np.nan)
    loss = 3.0 - rows / 100
    history = History(rows, rows / 10, loss, rows * 1.0, rows * 1.0, metric)
    snapshot = Snapshot(Experiment.of("density"), 100, 1.0, {}, history, {"nll": 2.5})
    assert snapshot.mean_loss == history.mean_loss()[-1] == pytest.approx(2.02)
    assert (snapshot.score.name, snapshot.score.text) == ("NLL", "2.500")
    final = dataclasses.replace(snapshot, metrics={"nll": 2.4})
    assert (final.score.name, final.score.text) == ("final NLL", "2.400")
    assert dataclasses.replace(snapshot, metrics={}).score is None
