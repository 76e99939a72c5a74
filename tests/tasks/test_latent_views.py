"""Views of the latent ODE: series, planes, sliders, tables, and a person's own time."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from small_latent import OWN, RNN, SMALL, waves

from odeviz.analysis.results import SolverChoice
from odeviz.analysis.study import Study
from odeviz.models.series import Observations
from odeviz.storage import load_model
from odeviz.storage.paths import pretrained
from odeviz.tasks.chart import Chart, Charts, Table
from odeviz.tasks.latent import TASK, views
from odeviz.tasks.latent.learning import principal
from odeviz.tasks.latent.telling import coverage
from odeviz.tasks.latent.views import PAPER, PRESET_OF
from odeviz.tasks.learning import build_model, solver_options, task_for
from odeviz.tasks.scene import Scene
from odeviz.tasks.shipped import recorded
from odeviz.tasks.viewpoint import Viewpoint
from odeviz.training.runtime import one_thread


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def test_principal_directions_are_those_of_the_covariance():
    rng = np.random.default_rng(0)
    states = rng.normal(size=(200, 3)) @ np.diag([1.0, 5.0, 2.0]) + 7.0
    middle, directions = principal(states)
    values, vectors = np.linalg.eigh(np.cov(states.T))
    assert middle == pytest.approx(states.mean(0))
    assert np.abs(np.diag(directions.T @ vectors[:, ::-1])) == pytest.approx(1.0)
    assert np.abs(directions).argmax(0).tolist() == [1, 2, 0]
    assert (directions[[1, 2, 0], [0, 1, 2]] > 0).all()
    assert values[::-1] == pytest.approx(((states - middle) @ directions).var(axis=0, ddof=1))


@pytest.mark.parametrize("experiment", [SMALL, RNN], ids=["latent-ode", "rnn"])
def test_the_plane_holds_the_encoded_series(experiment):
    task, model = task_for(experiment), build_model(experiment)
    plane = task.plane(model)
    points, labels = task.shown(model, 50)
    assert points.shape == (50, 2)
    assert set(labels.tolist()) == {0, 1}
    states, _ = task.starts(model, 50, 0)
    assert states.shape == (50, model.state_dim)
    assert torch.allclose(plane.basis.T @ plane.basis, torch.eye(2), atol=1e-5)
    x0, x1, y0, y1 = task.extent(model)
    inside = (points[:, 0] > x0) & (points[:, 0] < x1) & (points[:, 1] > y0) & (points[:, 1] < y1)
    assert inside.mean() > 0.9


@pytest.mark.parametrize("experiment", [SMALL, RNN], ids=["latent-ode", "rnn"])
def test_every_view_is_drawn(experiment):
    from odeviz.tasks.latent.views import draw

    task, model = task_for(experiment), build_model(experiment)
    scene = Scene(model, task, solver_options(experiment))
    pictures = {view.key: draw(view.key, scene) for view in TASK.views_of(experiment)}
    assert isinstance(pictures["table"], Table)
    first = pictures["table"].rows[0]
    assert first[1:] == pytest.approx([task.errors(model, n, scene.solver)["rmse"] for n in (30, 50, 100)])
    assert len(pictures["table"].rows) == 1 + len(PAPER) + len(PRESET_OF)
    series = pictures["series"]
    assert isinstance(series, Chart)
    assert series.over_time == (experiment is SMALL)
    bands = [curve for curve in series.curves if curve.low is not None]
    assert bool(bands) == (experiment is SMALL)
    assert all((curve.low <= curve.high).all() for curve in bands)
    assert isinstance(pictures["latent"], Chart)
    assert isinstance(pictures["paths"], Charts)
    assert isinstance(pictures["traversal"], Charts)


def test_the_share_of_later_values_that_the_band_holds_is_counted(monkeypatch):
    task, model = task_for(SMALL), build_model(SMALL)
    scene, beyond = Scene(model, task, solver_options(SMALL)), task.series.scored.beyond

    def decoded(_model, states, times, solver=None):
        # Samples spread evenly about the clean curve of each series, but beside that of every fourth.
        n = 100
        apart = np.linspace(-1.0, 1.0, 40)[:, None, None, None] + 5.0 * (np.arange(n) % 4 == 0)[:, None, None]
        return torch.tensor((beyond.y[:n, ::4] + apart).reshape(-1, *beyond.y[:n, ::4].shape[1:]))

    monkeypatch.setattr(task, "decoded", decoded)
    assert coverage(scene) == (0.75, 100)


def test_a_latent_state_by_hand_is_moved_by_sliders_and_decoded():
    from odeviz.tasks.latent.views import draw

    task, model = task_for(SMALL), build_model(SMALL)
    scene = Scene(model, task, solver_options(SMALL))
    by_default, moved = (
        draw("by-hand", dataclasses.replace(scene, values={"z1": z1, "z2": 0.0})) for z1 in (0.0, 2.0)
    )
    (x0, y0), (x1, y1) = (
        (float(c.x[0]), float(c.y[0])) for c in (p.charts[0].curves[-1] for p in (by_default, moved))
    )
    spread = draw("latent", scene).curves
    first = np.concatenate([curve.x for curve in spread if curve.style == "points"])
    assert (x0, y0) == pytest.approx((first.mean(), 0.0), abs=1e-4)
    assert x1 - x0 == pytest.approx(2.0 * first.std(), rel=1e-3)
    assert y1 == pytest.approx(y0, abs=1e-4)
    assert by_default.charts[1].frame == moved.charts[1].frame
    seed = dataclasses.replace(scene, viewpoint=Viewpoint(start=(0.3, -0.2)))
    z0 = draw("by-hand", seed).charts[0].curves[-1]
    assert (z0.x[0], z0.y[0]) == pytest.approx((0.3, -0.2), abs=1e-4)
    values = model.decode(torch.as_tensor(task.plane(model).states(torch.tensor([[0.3, -0.2]]))))
    decoded = draw("by-hand", seed).charts[1].curves[0]
    assert (decoded.x[0], decoded.y[0]) == pytest.approx(task.in_data(values.detach().numpy())[0], abs=1e-4)


def test_the_series_that_are_shown_can_be_chosen():
    from odeviz.tasks.latent.views import draw

    scene = Scene(build_model(SMALL), task_for(SMALL), solver_options(SMALL))
    two = draw("paths", scene).charts
    chosen = draw("paths", dataclasses.replace(scene, values={"first": 2.0})).charts
    assert np.array_equal(chosen[0].curves[0].y, two[1].curves[0].y)
    assert np.allclose(chosen[0].curves[1].y, two[1].curves[1].y, atol=1e-5)
    over_time = draw("series", dataclasses.replace(scene, values={"first": 2.0}))
    assert np.array_equal(over_time.curves[0].y, chosen[0].curves[0].x)


@pytest.mark.parametrize("channels", [1, 3])
def test_views_of_own_series_are_drawn(channels):
    from odeviz.tasks.latent.views import draw

    raw = waves()
    raw["y"] = np.repeat(raw["y"][:, :1], channels, axis=1)
    for model_name in ("latent-ode", "rnn"):
        experiment = OWN.with_setting("options.model", model_name)
        task, model = task_for(experiment, data=raw), build_model(experiment, raw)
        scene = Scene(model, task, solver_options(experiment))
        for view in TASK.views_of(experiment):
            draw(view.key, scene)
        assert Observations.of(torch.zeros(1, 2), torch.zeros(1, 2, channels), torch.tensor([2])).seen.all()


def test_the_flow_of_own_series_is_told_in_their_own_time():
    raw = waves(series=1, rows=200)
    raw["t"] = 1000.0 + 7.0 * raw["t"]
    task = task_for(OWN, data=raw)
    # What is observed and what comes after it last equally long.
    begins = task.series.scored.begins
    later = task.series.scored.beyond
    last = begins[0] + task.own_clock.own(later.t[0, later.rows[0] - 1])
    assert np.abs(raw["t"] - last).min() < 1e-6
    assert not task_for(SMALL).own_clock


def test_own_series_are_shown_at_their_own_times_and_values():
    raw = waves(series=1, rows=200)
    raw["t"] = 1000.0 + 7.0 * raw["t"]
    experiment = OWN.with_setting("options.window", 20)
    scene = Scene(build_model(experiment, raw), task_for(experiment, data=raw), solver_options(experiment))
    seen = views.draw("series", scene).curves
    shown = {
        (t, y)
        for curve in seen
        if curve.label in ("observed", "known")
        for t, y in zip(curve.x, curve.y, strict=True)
    }
    given = sorted(raw["t"])
    for t, y in shown:
        at = int(np.abs(np.array(given) - t).argmin())
        assert t == pytest.approx(given[at], abs=1e-6)
        assert math.isnan(y) or np.nanmin(np.abs(raw["y"][at] - y)) < 1e-9
    assert not views.draw("series", scene).over_time
    rows = raw["t"][np.isfinite(raw["y"]).any(axis=1)]
    lasts = 2.0 / scene.learning.series.tempo
    assert lasts == pytest.approx(20 * np.diff(rows).mean(), rel=1e-6)
    assert views.draw("series", scene).note.startswith(f"Observed for {lasts:.4g} in the data's own time")


def test_the_record_is_that_of_the_shipped_models_and_the_latent_ode_goes_on_better():
    figures = recorded(Path(views.__file__), PRESET_OF)
    for name, preset in PRESET_OF.items():
        options = load_model(pretrained(preset)).experiment.options
        assert (options.fewest, options.most) == views.SHIPPED_FROM
        assert figures[name] == pytest.approx(dict(load_model(pretrained(preset)).metrics), nan_ok=True)
    assert figures["rnn"]["rmse_30"] / figures["latent-ode"]["rmse_30"] > 1.3
    # More observations help: with a model that learnt from 30 alone, 100 made it six times worse.
    for row in figures.values():
        assert row["rmse_100"] < row["rmse_30"]


def test_a_shipped_model_is_one_row_of_the_table():
    study = Study(load_model(pretrained("latent-spirals-rnn")))
    table = study.view("table", SolverChoice())
    assert [row[0] for row in table.rows].count("recurrent net, shipped") == 1
    assert table.rows[table.current][0] == "recurrent net, shipped"
    assert "this model" not in [row[0] for row in table.rows]
