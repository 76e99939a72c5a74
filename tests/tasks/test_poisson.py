"""Event times: draws against their rate, figures of constant rates in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from odeviz.analysis import SolverChoice, Study
from odeviz.tasks import Experiment
from odeviz.tasks.chart import Chart
from odeviz.tasks.learning import build_model, task_for
from odeviz.tasks.poisson.learning import _standard_error, integral_error
from odeviz.tasks.poisson.rates import HORIZON, RATES, draw, quadrature
from odeviz.tasks.registry import task_of
from odeviz.training import Session
from odeviz.training.runtime import one_thread

SMALL = {"field.width": 8, "training.batch": 64}
SINE = Experiment.of("poisson", SMALL)
OWN = SINE.with_setting("data.name", "own")


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def rng(seed=0):
    return np.random.default_rng(seed)


def constant(model, rate):
    """The model with one rate at all times."""
    with torch.no_grad():
        model.readout.weight.zero_()
        model.readout.bias.fill_(math.log(math.expm1(rate / model.mean)))
    return model


def own_events(sequences=3, scale=1.0, start=0.0):
    t, series = draw(RATES["sine"], sequences, rng(5))
    return {"t": start + scale * t, "series": series}


# The known rates.


def test_expected_count_of_the_sine_is_its_integral():
    assert RATES["sine"].count == pytest.approx(
        50.0 + 4.5 * (1.0 - math.cos(5 * math.pi)) / (math.pi / 2), rel=1e-12
    )


@pytest.mark.parametrize("name", RATES)
def test_events_come_at_their_rate(name):
    sequences, bins = 2000, 40
    t, series = draw(RATES[name], sequences, rng(1))
    assert (np.diff(t)[np.diff(series) == 0] > 0).all()
    counts, edges = np.histogram(t, bins=bins, range=(0.0, HORIZON))
    nodes, weights = quadrature()
    expected = np.histogram(nodes, bins=edges, weights=weights * RATES[name].at(nodes))[0] * sequences
    assert np.abs((counts - expected) / np.sqrt(expected)).max() < 4.5
    # A Poisson count's variance is its mean.
    each = np.bincount(series, minlength=sequences)
    assert each.var() / each.mean() == pytest.approx(1.0, abs=4 * math.sqrt(2 / sequences))
    assert RATES[name].at(np.linspace(0, HORIZON, 2001)).max() <= RATES[name].most


@pytest.mark.parametrize("name", RATES)
def test_expected_nll_of_the_truth_is_that_of_its_events(name):
    rate, sequences = RATES[name], 4000
    t, series = draw(rate, sequences, rng(2))
    total = rate.count * np.ones(sequences) - np.bincount(series, np.log(rate.at(t)), sequences)
    # The mean over sequences of (NLL - nll * events) is zero, whatever their number of events.
    off = total - rate.nll * np.bincount(series, minlength=sequences)
    assert off.mean() == pytest.approx(0.0, abs=4 * off.std() / math.sqrt(sequences))


# The loss and the figures.


def test_loss_of_a_constant_rate_is_closed():
    task = task_for(SINE)
    model = constant(build_model(SINE), 4.0)
    events = len(task.observed.t)
    expected = -math.log(4.0) + 128 / events * 4.0 * HORIZON
    assert task.loss(model, task.batch(rng(), 1.0)).item() == pytest.approx(expected, rel=1e-5)


def test_figures_of_a_constant_rate_are_closed():
    figures = task_for(SINE).metrics(constant(build_model(SINE), 4.0), full=True)
    assert set(figures) == {figure.name for figure in task_of(SINE).figures}
    truth = RATES["sine"]
    nodes, weights = quadrature()
    rate = truth.at(nodes)
    divergence = float(weights @ (rate * np.log(rate / 4.0) - rate + 4.0)) / truth.count
    assert figures["gap"] == pytest.approx(divergence, abs=4 * figures["gap_se"])
    assert 0.0 < figures["gap_se"] < 0.02
    expected = 4.0 * HORIZON / truth.count - math.log(4.0)
    assert figures["nll"] == pytest.approx(expected, abs=4 * figures["nll_se"])
    assert figures["rate_error"] == pytest.approx(float(weights @ np.abs(rate - 4.0)) / truth.count, rel=1e-5)
    assert figures["integral_error"] < 1e-6


def test_standard_error_is_the_scatter_of_sums_over_events():
    g = np.sin
    means, told = [], []
    for k in range(400):
        t, _ = draw(RATES["bursts"], 4, rng(k))
        deviations = g(t) - np.mean(g(t))
        told.append(_standard_error(deviations))
        means.append(np.mean(g(t)))
    assert np.mean(told) == pytest.approx(np.std(means), rel=4 / math.sqrt(800))


def test_integral_of_a_curved_flow_is_that_of_quadrature():
    model = build_model(SINE.with_settings({"field.time": "concat", "field.width": 32}))
    with torch.no_grad():
        model.readout.weight.mul_(4.0)
        assert integral_error(model) < 1e-5
        path = model.path
        model.path = lambda *given: (path(*given)[0], 1.001 * path(*given)[1])
        assert integral_error(model) == pytest.approx(1e-3, rel=0.02)


def test_quick_figures_have_the_headline_alone():
    task = task_for(SINE)
    model = build_model(SINE)
    quick, full = task.metrics(model, full=False), task.metrics(model, full=True)
    assert set(quick) == {"nll"}
    assert quick["nll"] == pytest.approx(full["nll"], abs=0.1)
    with torch.no_grad():
        model.z0.fill_(math.nan)
    assert math.isnan(task.metrics(model, full=False)["nll"])


def test_the_horizon_grows_with_the_run():
    task = task_for(SINE)
    first, later, whole = (task.batch(rng(), progress) for progress in (0.0, 0.3, 0.6))
    assert (first.times[0], first.times[-1]) == (0.0, pytest.approx(2.0))
    assert later.times[-1] == pytest.approx(6.0)
    assert whole.times[-1] == HORIZON
    assert first.per_event == pytest.approx(128 / (task.observed.t <= 2.0).sum())
    assert whole.per_event == pytest.approx(128 / len(task.observed.t))
    at_once = task_for(SINE.with_setting("options.growth", 0.0)).batch(rng(), 0.0)
    assert at_once.times[-1] == HORIZON


# A person's own events.


def test_own_events_part_into_two_and_are_told_in_their_own_unit():
    plain, scaled = (
        task_for(OWN, data=own_events(scale=scale, start=start))
        for scale, start in ((1.0, 0.0), (60.0, 900.0))
    )
    events = len(own_events()["t"])
    assert len(plain.observed.t) + len(plain.held_out.t) == events
    assert not set(plain.observed.t) & set(plain.held_out.t)
    assert plain.observed.exposure == pytest.approx(0.8 * 3)
    assert plain.held_out.exposure == pytest.approx(0.2 * 3)
    nll = []
    for task, scale in ((plain, 1.0), (scaled, 60.0)):
        model = build_model(OWN, task.data)
        assert model.mean == pytest.approx(events / 3 / HORIZON)
        figures = task.metrics(model, full=True)
        assert set(figures) == {"nll", "nll_se", "integral_error"}
        nll.append(figures["nll"] - math.log(scale))
    assert nll[0] == pytest.approx(nll[1], abs=1e-5)
    assert scaled.unit.time(np.array([0.0, HORIZON])) == pytest.approx(
        [own_events(scale=60.0, start=900.0)["t"].min(), own_events(scale=60.0, start=900.0)["t"].max()]
    )


def test_the_loss_of_own_events_is_in_their_own_unit_of_time_as_the_figure_is():
    losses = []
    for scale in (1.0, 60.0):
        task = task_for(OWN, data=own_events(scale=scale))
        model = build_model(OWN, task.data)
        losses.append(task.loss(model, task.batch(np.random.default_rng(0), 1.0)).item())
    assert losses[1] - losses[0] == pytest.approx(math.log(60.0), abs=1e-4)
    note = Study(Session(OWN, data=own_events()).snapshot()).view("rate", SolverChoice()).note
    assert f"{len(task.observed.t)} events to learn from, {len(task.held_out.t)} others held out" in note


def test_own_events_at_equal_times_in_several_series_are_learnt_from():
    data = {"t": np.tile(np.arange(20.0), 3), "series": np.repeat(np.arange(3), 20)}
    session = Session(OWN.with_setting("training.iterations", 2), data=data)
    while session.step():
        pass
    assert session.iteration == 2
    assert not session.message


def test_own_events_at_one_time_are_refused():
    data = {"t": np.full(20, 3.0), "series": np.arange(20)}
    with pytest.raises(ValueError, match="own times must not all be the same"):
        task_for(OWN, data=data)


# In a session, in the plane and in views.


def test_a_run_repeats():
    losses = []
    for _ in range(2):
        session = Session(SINE.with_setting("training.iterations", 3))
        while session.step():
            pass
        losses.append(session.snapshot().history.loss.tolist())
    assert losses[0] == losses[1]
    assert len(losses[0]) == 3


def test_the_plane_shows_the_path_and_the_events_on_it():
    model, task = build_model(SINE), task_for(SINE)
    x0, x1, y0, y1 = task.extent(model)
    rate, count, z = task.rate(model, np.linspace(0, HORIZON, 50))
    assert ((z[:, 0] > x0) & (z[:, 0] < x1) & (z[:, 1] > y0) & (z[:, 1] < y1)).all()
    assert (np.diff(count) > 0).all()
    assert rate.min() > 0
    shown, labels = task.shown(model, 30)
    assert shown.shape == (30, 2)
    assert (labels == -1).all()
    nearest = np.linalg.norm(
        shown[:, None] - task.rate(model, np.linspace(0, HORIZON, 2000))[2][None], axis=2
    ).min(1)
    assert nearest.max() < 0.01
    starts, _ = task.starts(model, 20, 0)
    assert starts[0] == pytest.approx(model.z0.detach().numpy())
    assert len(np.unique(starts, axis=0)) == 20


@pytest.mark.parametrize("data", [{}, own_events(scale=60.0)], ids=["known", "own"])
def test_views_are_charts_of_finite_frozen_numbers(data):
    experiment = OWN if data else SINE
    task, model = task_for(experiment, data=data), build_model(experiment, data)
    study = Study(Session(experiment, data=data).snapshot())
    for view in task_of(experiment).views:
        chart = study.view(view.key, SolverChoice())
        assert isinstance(chart, Chart)
        assert chart.note.endswith(".")
        assert chart.over_time == (not data)
        for curve in chart.curves:
            assert np.isfinite(curve.x).all()
            assert np.isfinite(curve.y).all()
            assert not curve.y.flags.writeable
    bars, learnt = study.view("rate", SolverChoice()).curves[:2]
    # Both integrate to the events of a sequence.
    width = bars.x[1] - bars.x[0]
    assert bars.y.sum() * width == pytest.approx(len(task.observed.t) / task.observed.exposure)
    count = task.rate(model, np.array([HORIZON]))[1][0]
    assert np.trapezoid(learnt.y, learnt.x) == pytest.approx(count, rel=1e-3)


def test_a_failed_solve_shows_nothing():
    model = build_model(SINE)
    with torch.no_grad():
        model.z0.fill_(math.nan)
    study = Study.of(model, SINE)
    for view in task_of(SINE).views:
        assert study.view(view.key, SolverChoice()).curves == ()
    assert np.isfinite(list(task_for(SINE).extent(model))).all()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"options.latent": 1}, "options.latent must be a whole number from 2 to 16, not 1"),
        ({"options.link": "relu"}, "options.link must be one of softplus, exp, not 'relu'"),
        ({"options.growth": 1.5}, "options.growth must be a number from 0 to 1, not 1.5"),
    ],
)
def test_wrong_settings_are_named(settings, words):
    with pytest.raises(ValueError, match=words):
        Experiment.of("poisson", settings)
