"""Time series: spirals, a person's own windows, what is scored, and what the plane and the views show."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from small_latent import OWN, RNN, SMALL, waves

from odeviz.tasks.latent import TASK
from odeviz.tasks.latent.clock import Clock
from odeviz.tasks.latent.learning import parted, turns
from odeviz.tasks.latent.presets import PRESETS
from odeviz.tasks.latent.series import SPIRAL_SCALE, own_data, spiral, spiral_data, spirals
from odeviz.tasks.learning import build_model, solver_options, task_for
from odeviz.tasks.registry import expected_shapes
from odeviz.training import Session
from odeviz.training.runtime import one_thread


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def test_spirals_are_those_of_their_polar_equations():
    points = np.arange(1000)
    for label, middle, sense in ((1, 5.0, 1), (0, -5.0, -1)):
        x, y = (spiral(label, points) - [middle, 0]).T
        angle = np.unwrap(np.arctan2(y, x))
        assert np.sign(np.diff(angle)) == pytest.approx(sense)
        assert abs(angle[-1] - angle[0]) == pytest.approx(6 * np.pi)
        radius = np.hypot(x, y)
        turn = 6 * np.pi * points / 999
        assert radius == pytest.approx(
            0.3 * turn if label else 15 / (6 * np.pi + 1 - turn), rel=1e-9, abs=1e-12
        )


def test_spirals_are_seen_at_random_times_with_the_noise_asked_for():
    observed, clean, labels = spirals(400, [30, 100], 0.3, 0.02, np.random.default_rng(0), beyond=True)
    assert clean.shape == (400, 200, 2)
    assert labels.mean() == 0.5
    few, many = observed[30], observed[100]
    assert few.t.shape == (400, 30)
    assert (np.diff(few.t) > 0.019).all()
    at = np.rint(few.t / 0.02).astype(int)
    assert np.array_equal(few.y, np.take_along_axis(many.y, at[:, :, None], axis=1))
    noise = SPIRAL_SCALE * (many.y - clean[:, :100])
    # Standard error .3 / sqrt(160,000) of the standard deviation over sqrt 2, and of the mean.
    assert noise.std() == pytest.approx(0.3, abs=0.0025)
    assert noise.mean() == pytest.approx(0.0, abs=0.003)
    # Each time is as likely: 400 series of 30 in 100.
    counts = np.bincount(at.ravel(), minlength=100)
    assert np.abs(counts - 120).max() < 4.5 * math.sqrt(400 * 0.3 * 0.7)


def test_held_out_spirals_have_a_continuation_and_no_part_in_training():
    data = spiral_data(50, 20, (30, 50), 0.3, 4.0, np.random.default_rng(0), np.random.default_rng(1))
    assert set(data.scored.observed) == {30, 50}
    assert data.training.t.max() <= 99 * 0.02 + 1e-12
    assert data.scored.inside.t[0] == pytest.approx(0.02 * np.arange(100))
    assert data.scored.beyond.t[0] == pytest.approx(0.02 * np.arange(100, 200))
    # On the class's spiral: its distance from the middle is that of its angle.
    last = SPIRAL_SCALE * data.scored.beyond.y[:, -1]
    for label, point in zip(data.scored.labels, last, strict=True):
        assert np.abs(spiral(int(label), np.linspace(0, 999, 200_000)) - point).sum(1).min() < 1e-2


def test_own_series_are_cut_into_windows_that_follow_each_other():
    raw = waves(series=1, rows=200)
    data = own_data(raw, rows=20, most=1000, t1=4.0)
    scored = data.scored
    assert len(data.training) == 8
    assert len(scored.beyond) == 2
    assert data.training.t.max() <= 2.0
    assert scored.beyond.t.min() >= 2.0
    assert scored.beyond.t.max() <= 4.0 + 1e-9
    rows = scored.beyond.rows[-1]
    assert data.centre + data.scale * scored.beyond.y[-1, :rows] == pytest.approx(
        raw["y"][-rows:], nan_ok=True
    )
    gaps = np.diff(scored.beyond.t[-1, :rows]) / data.tempo
    kept = np.isfinite(raw["y"]).any(axis=1)
    assert gaps == pytest.approx(np.diff(raw["t"][kept][-rows:]))
    assert np.nanmean(raw["y"], axis=0) == pytest.approx(data.centre)
    assert not data.common_unit


def test_what_is_held_out_of_own_series_is_not_learnt_from():
    raw = waves(series=3, rows=100)
    before = own_data(raw, 10, 1000, 4.0)
    held_out = before.scored.beyond
    seen = {tuple(row) for row in before.training.y[np.isfinite(before.training.y).all(2)].tolist()}
    wanted = {tuple(row) for row in held_out.y[np.isfinite(held_out.y).all(2)].tolist()}
    assert wanted
    assert not seen & wanted


def test_a_short_series_is_halved():
    data = own_data(waves(series=1, rows=16), rows=50, most=1000, t1=4.0)
    assert len(data.training) == len(data.scored.beyond) == 1


def test_crowded_windows_are_thinned_and_few_are_taken():
    t = np.concatenate([np.arange(0, 100, 1.0), np.linspace(100, 101, 5000), np.arange(102, 200, 1.0)])
    raw = {"t": t, "y": np.sin(t)[:, None], "series": np.zeros(len(t), np.int64)}
    data = own_data(raw, rows=200, most=3, t1=4.0)
    assert len(data.training) == 3
    assert data.training.t.shape[1] <= 800


def test_series_of_single_rows_are_refused_in_one_sentence():
    raw = {"t": np.zeros(20), "y": np.ones((20, 1)), "series": np.arange(20)}
    with pytest.raises(ValueError, match=r"windows of at least 4 rows .* the longest has 1 rows"):
        own_data(raw, 10, 100, 4.0)


@pytest.mark.parametrize("model", ["latent-ode", "rnn"])
def test_own_series_with_gaps_are_learnt_and_scored(model):
    experiment = OWN.with_settings({"options.model": model, "training.iterations": 3})
    session = Session(experiment, data=waves())
    while session.step():
        pass
    assert not session.message
    figures = session.evaluate()
    assert set(figures) == {"rmse", "reconstruction"}
    assert all(math.isfinite(value) for value in figures.values())
    state = {name: tuple(tensor.shape) for name, tensor in session.model.state_dict().items()}
    assert state == expected_shapes(experiment, session.data)


def test_a_clock_of_few_times_is_exact_and_one_of_many_is_linear_between():
    few = np.array([[0.1, 0.4], [0.2, 0.4]])
    clock = Clock(few)
    assert clock.times == [0.0, 0.1, 0.2, 0.4]
    path = torch.tensor(clock.times, dtype=torch.float64)[:, None, None].expand(-1, 2, 1)
    assert np.array_equal(clock.places(few, path).of(path)[:, :, 0].numpy(), few)
    many = np.sort(np.random.default_rng(0).uniform(0, 2, (3, 300)), axis=1)
    clock = Clock(many)
    assert len(clock.times) == 257
    line = 3.0 * torch.tensor(clock.times, dtype=torch.float64)[:, None, None].expand(-1, 3, 1)
    assert clock.places(many, line).of(line)[:, :, 0].numpy() == pytest.approx(3.0 * many, abs=1e-12)
    assert clock.places(many[1:2], line).of(line[:, 1:2])[0, :, 0].numpy() == pytest.approx(3.0 * many[1])


def test_a_batch_is_fixed_by_its_chance_and_a_run_by_its_seed():
    task = task_for(SMALL)
    first, again = (task.batch(np.random.default_rng(3), 0.0) for _ in range(2))
    assert torch.equal(first.noise, again.noise)
    assert torch.equal(first.observed.y, again.observed.y)
    assert torch.equal(first.row, again.row)
    assert first.row.min() >= 1
    assert (first.row < first.observed.rows).all()
    losses = []
    for _ in range(2):
        session = Session(SMALL.with_setting("training.iterations", 2))
        while session.step():
            pass
        losses.append(session.metrics["loss"])
    assert losses[0] == losses[1]


def test_each_batch_sees_its_spirals_at_as_many_of_their_times_as_are_drawn():
    task, rng = task_for(SMALL), np.random.default_rng(0)
    batches = [task.batch(rng, 0.0) for _ in range(400)]
    counts = np.array([batch.observed.t.shape[1] for batch in batches])
    assert (counts.min(), counts.max()) == (20, 100)
    # Uniform in the logarithm: 4 standard errors of log(101 / 20) / sqrt(12 * 400).
    assert np.log(counts + 0.5).mean() == pytest.approx(math.log(20 * 101) / 2, abs=0.1)
    observed, places = batches[0].observed, batches[0].places
    assert (torch.diff(observed.t, dim=1) > 0).all()
    assert (observed.rows == counts[0]).all()
    path = torch.tensor(task._clock.times)[:, None, None].expand(-1, len(observed.t), 1)
    assert torch.allclose(places.of(path)[:, :, 0], observed.t, atol=1e-6)
    known = {tuple(pair) for pair in task._training.y.reshape(-1, 2).tolist()}
    assert {tuple(pair) for pair in observed.y.reshape(-1, 2).tolist()} <= known
    fixed = task_for(SMALL.with_settings({"options.fewest": 30, "options.most": 30}))
    assert {fixed.batch(rng, 0.0).observed.t.shape[1] for _ in range(20)} == {30}


def test_the_loss_is_the_paper_s_bound_where_continuity_is_left_out():
    experiment = SMALL.with_settings({"options.continuity": 0.0, "dtype": "float64"})
    task, model = task_for(experiment), build_model(experiment)
    batch = task.batch(np.random.default_rng(0), 0.0)
    belief = model.encode(batch.observed)
    said = task.decoded(
        model, belief.sample(batch.noise), batch.observed.t.numpy(), solver_options(experiment)
    )
    density = torch.distributions.Normal(SPIRAL_SCALE * said, 0.3).log_prob(SPIRAL_SCALE * batch.observed.y)
    bound = density.sum() - belief.kl().sum()
    assert task.loss(model, batch).item() == pytest.approx(-bound.item() / density.numel(), rel=1e-9)


@pytest.mark.parametrize(("inside", "name"), [(False, "rmse"), (True, "reconstruction")])
def test_rmse_is_the_root_of_the_mean_square_in_the_data_s_unit(monkeypatch, inside, name):
    task, model = task_for(SMALL), build_model(SMALL)
    scored = task.series.scored
    error = np.random.default_rng(0).normal(size=(400, 100, 2))

    def says(_model, observed, times, solver=None):
        within = times[0, 0] == 0.0
        windows = scored.inside if within else scored.beyond
        return torch.tensor(windows.y + (error if within == inside else 0.0))

    monkeypatch.setattr(task, "predicted", says)
    figures = task.errors(model, 30, model.solver)
    assert figures[name] == pytest.approx(SPIRAL_SCALE * math.sqrt((error**2).mean()), rel=1e-9)
    assert figures["rmse" if inside else "reconstruction"] == pytest.approx(0.0, abs=1e-9)


def test_the_baseline_is_scored_on_its_next_prediction_against_the_clean_curve(monkeypatch):
    task, model = task_for(RNN), build_model(RNN)
    scored = task.series.scored
    at = np.rint(scored.observed[30].t[:, 1:] / scored.inside.t[0, 1]).astype(int)
    clean = np.take_along_axis(scored.inside.y, at[:, :, None], axis=1)
    monkeypatch.setattr(model, "predict_next", lambda observed: torch.tensor(clean + 0.02))
    assert task.errors(model, 30, model.solver)["reconstruction"] == pytest.approx(0.1, rel=1e-9)


def test_a_failed_solve_gives_nan():
    task, model = task_for(SMALL), build_model(SMALL)
    with torch.no_grad():
        next(model.field.parameters()).fill_(math.nan)
    assert math.isnan(task.metrics(model, full=False)["rmse"])


def test_quick_figures_have_the_headline_alone_and_full_ones_all():
    for experiment in (SMALL, RNN):
        task, model = task_for(experiment), build_model(experiment)
        assert set(task.metrics(model, full=False)) == {"rmse"}
        names = {figure.name for figure in TASK.figures}
        assert set(task.metrics(model, full=True)) == names - ({"separable"} if experiment is RNN else set())


def test_classes_are_parted_by_the_least_squares_plane():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 100)
    states = rng.normal(size=(200, 3)) + np.outer(8 * labels - 4, [1, 0, 0])
    share, plane = parted(states, labels)
    assert share == 1.0
    assert plane[0] > 10 * np.abs(plane[1:3]).max()
    # Half of the points of a mixed lot, give or take 4 standard errors and the fit's own share.
    assert parted(rng.normal(size=(400, 3)), rng.integers(0, 2, 400))[0] == pytest.approx(0.5, abs=0.13)


def test_turns_are_those_of_spirals_and_an_untrained_model_does_not_pass_for_one_that_tells_the_sense():
    whole = np.stack([spiral(1, np.arange(100, 1000)), spiral(0, np.arange(100, 1000))])
    # A little more than the angle, as the radius changes too.
    assert turns(whole) == pytest.approx([2.7, -2.7], abs=0.15)
    gate = next(gate for gate in PRESETS["latent-spirals"].gates if gate.figure == "separable")
    for seed in range(3):
        experiment = PRESETS["latent-spirals"].experiment.with_setting("seed", seed)
        task, model = task_for(experiment), build_model(experiment)
        share = task.parted_in_their_sense(model, model.solver).mean()
        assert not gate.holds(share)
        # Their place parts them: that alone would be no test.
        assert gate.holds(parted(task.shown_states(model, 400)[0], task.series.scored.labels)[0])
