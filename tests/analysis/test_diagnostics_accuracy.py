"""Errors, orders, costs and gradients as the views tell them, against theory and float64 references."""

from __future__ import annotations

import math
from threading import Event
from typing import Any

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from studies import ROTATION, SADDLE, flow_study, trained_study
from torch import Tensor, nn

from odeviz.analysis import SolverChoice, Study
from odeviz.analysis.diagnostics import cost, ladders
from odeviz.analysis.diagnostics.gradients import adjoint_paths, gradient_of, true_gradient
from odeviz.analysis.diagnostics.ladders import Yardstick, finest_slope, settled_slope
from odeviz.analysis.diagnostics.layers import MEASURED, _framed, _note, layer_errors
from odeviz.analysis.diagnostics.subject import number, slope, subject_of
from odeviz.analysis.filming import TRAJECTORIES
from odeviz.bridge import FlowRequest
from odeviz.engine import METHODS, ButcherTableau, solve
from odeviz.fields import AutogradField
from odeviz.models import FlowModel, ResidualNet, SolverOptions
from odeviz.storage import load_model
from odeviz.storage.paths import pretrained
from odeviz.tasks.chart import Curve
from odeviz.tasks.experiment import SolverConfig
from odeviz.tasks.scene import Scene
from odeviz.tasks.viewpoint import Viewpoint

EXPLICIT = [name for name, method in METHODS.items() if isinstance(method, ButcherTableau)]


def scene_of(study: Study, **solver: Any) -> Scene:
    return Scene(study.model, study.task, SolverOptions(**solver), None, {})


class Pendulum(nn.Module):
    """A smooth field that is not linear."""

    def __init__(self) -> None:
        super().__init__()
        self.pull = nn.Parameter(torch.tensor(2.0))

    def forward(self, t: object, y: Tensor) -> Tensor:
        angle, speed = y.unbind(1)
        return torch.stack([speed, -self.pull * torch.sin(angle) - 0.1 * speed], 1)


class Swinging(FlowModel):
    t1 = 2.0

    def __init__(self) -> None:
        super().__init__(SolverOptions())
        self.field = AutogradField(Pendulum(), 2)


def swinging(**solver: Any) -> Scene:
    model = Swinging().eval().requires_grad_(False)
    return Scene(model, flow_study(ROTATION).task, SolverOptions(**solver), None, {})


@pytest.mark.parametrize("method", EXPLICIT)
def test_the_measured_order_is_the_methods(method: str) -> None:
    """Row 2 of the paper's table; over the whole range of its errors, for lack of digits at order 8."""
    yardstick = Yardstick.of(swinging(), 16)
    measured = finest_slope(yardstick.by_steps(method, 600), yardstick.size)
    assert measured == pytest.approx(METHODS[method].order, abs=0.2 if METHODS[method].order < 8 else 0.6)


@pytest.mark.parametrize("method", ["bosh3", "dopri5", "tsit5"])
def test_the_tolerance_is_in_control(method: str) -> None:
    yardstick = Yardstick.of(swinging())
    solves = yardstick.by_tolerance(method, 400)
    along = settled_slope([one.at for one in solves], [one.error for one in solves], yardstick.size)
    assert along == pytest.approx(1.0, abs=0.3)


def test_row_5_the_error_of_dopri5_falls_with_the_fifth_power_of_its_evaluations() -> None:
    path = pretrained("moons-density")
    assert path is not None
    scene = scene_of(Study(load_model(path)))
    with torch.no_grad():
        yardstick = Yardstick.of(scene)
        solves = yardstick.by_tolerance("dopri5", 1000)
    measured = settled_slope([one.nfe for one in solves], [one.error for one in solves], yardstick.size)
    assert measured == pytest.approx(-5.0, abs=0.5)


def test_the_marker_is_the_present_setting() -> None:
    study = trained_study()
    chart = study.view("tolerance", SolverChoice("tsit5", 1e-4, 1e-4))
    now = chart.curves[-1]
    assert (now.label, now.x[0]) == ("now", 1e-4)
    seeds, labels = study.default_seeds(64)
    flow = study.flow(seeds, labels, SolverChoice("tsit5", 1e-4, 1e-4))
    assert now.y[0] == pytest.approx(flow.error, rel=1e-3)
    assert study.view("tolerance", SolverChoice("rk4", steps=8)).note.startswith(
        "rk4 with 8 steps has no tol"
    )


def test_the_curves_fill_in_the_method_on_show_first_and_end_as_those_measured_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ladders, "TOLERANCES", (1e-1, 1e-3, 1e-5))
    study, choice = trained_study(), SolverChoice("tsit5", 1e-4, 1e-4)
    first = study.view("tolerance", choice, viewpoint=Viewpoint(patience=0.0))
    assert first.progress == 0.0
    assert [len(curve.x) for curve in first.curves[:5]] == [0] * 5
    assert first.curves[-1].label == "now"
    pictures = [first]
    with monkeypatch.context() as step_by_step:
        step_by_step.setattr(Scene, "impatient", property(lambda scene: next(patient, True)))
        while pictures[-1].progress < 1.0:
            patient = iter([False])
            pictures.append(study.view("tolerance", choice))
    shares = [picture.progress for picture in pictures]
    assert shares == sorted(shares)
    begun = next(picture for picture in pictures if any(len(c.x) for c in picture.curves[:5]))
    assert {c.label.split()[0] for c in begun.curves[:5] if len(c.x)} == {"tsit5"}
    whole = trained_study().view("tolerance", choice)
    for here, there in zip(pictures[-1].curves, whole.curves, strict=True):
        assert here.label == there.label
        assert np.array_equal(here.x, there.x)
    beside = study.view("tolerance", choice, pinned=SolverChoice("dopri5", 1e-2, 1e-2)).curves
    assert ("pinned", 1e-2) in {(curve.label, float(curve.x[0])) for curve in beside if len(curve.x)}
    moved = study.view("tolerance", SolverChoice("tsit5", 1e-2, 1e-2), viewpoint=Viewpoint(patience=0.0))
    assert all(a is b for a, b in zip(moved.curves[:5], pictures[-1].curves[:5], strict=True))
    assert moved.curves[-1].y[0] > pictures[-1].curves[-1].y[0]


def test_slopes_are_least_squares_of_logarithms() -> None:
    x = np.array([1.0, 2.0, 4.0, 8.0])
    assert slope(x, 3.0 * x**-2.5) == pytest.approx(-2.5)
    assert math.isnan(slope([1.0], [2.0]))
    assert settled_slope([1.0, 10.0, 100.0], [1.0, 1e-3, 1e-6], size=1.0) == pytest.approx(-3.0)


# --- residual nets


def test_row_1_tied_blocks_are_eulers_steps() -> None:
    study = trained_study("classification")
    field = study.model.field
    net = ResidualNet(2, 2, (64, 64), blocks=8, tied=True)
    net.field.load_state_dict(field.state_dict())
    scene = scene_of(study)
    start = subject_of(scene).own(subject_of(scene).starts()[:5])
    with torch.no_grad():
        by_hand = start
        for k in range(8):
            by_hand = by_hand + field(k / 8, by_hand) / 8
        ends = net.flow(start, (0.0, 1.0)).y1
    np.testing.assert_allclose(ends.numpy(), by_hand.numpy(), atol=1e-6)
    paths = study.view("residual", SolverChoice()).charts[0]
    polyline = next(curve for curve in paths.curves if curve.label == "N = 8")
    corners = np.stack([polyline.x, polyline.y], axis=-1).reshape(5, 10, 2)
    np.testing.assert_allclose(corners[:, 8], by_hand.numpy(), atol=1e-6)
    assert np.isnan(corners[:, 9]).all()


def test_row_1_the_error_falls_as_one_over_the_number_of_blocks() -> None:
    with torch.no_grad():
        errors = layer_errors(scene_of(trained_study()))
    assert slope(MEASURED[-3:], errors[-3:]) == pytest.approx(-1.0, abs=0.1)


def test_axes_follow_the_flow_where_nets_of_few_blocks_fly_away() -> None:
    x = np.linspace(0.0, 2.0, 9)
    flow, near = Curve("flow", x, 0.5 * x), Curve("N = 16", x, 0.5 * x + 0.1)
    away = Curve("N = 2", np.array([0.0, 1e14, np.nan]), np.array([0.0, -4e14, np.nan]))
    assert _framed(flow, [near]) == (None, [])
    frame, leaving = _framed(flow, [away, near])
    assert leaving == ["N = 2"]
    assert frame == pytest.approx((-0.12, 2.12, -0.06, 1.16))
    errors = [10.0**k for k in range(8)] + [1e9, 1e6]
    assert "Those of N = 2 leave the picture. It is not yet 1/N" in _note(errors, leaving)
    assert "From 128 to 512 blocks it falls as N to the power −1." in _note([1 / n for n in MEASURED], [])


# --- cost


def test_row_6_time_follows_the_evaluations_when_they_are_all_that_takes_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a clock that ticks once an evaluation, what the solves report is what was evaluated."""
    scene = swinging()
    calls = 0

    def counted(module: nn.Module, inputs: Any) -> None:
        nonlocal calls
        calls += 1

    scene.model.field.module.register_forward_pre_hook(counted)
    monkeypatch.setattr(cost, "_clock", lambda: float(calls))
    with torch.no_grad():
        line = cost.fitted(cost.timed_solves(scene))
    assert line.slope == pytest.approx(1000.0)
    assert line.at_zero == pytest.approx(0.0, abs=1e-6)
    assert line.r2 >= 0.95


def test_a_line_explains_what_it_explains() -> None:
    x = np.array([0.0, 1.0, 2.0, 3.0])
    line = cost.Line.through(x, np.array([1.0, 3.0, 5.0, 9.0]))
    # By hand: slope 2.6, at zero 0.6; residuals 0.4, -0.2, -0.8, 0.6 of a sum of squares 35.
    assert (line.slope, line.at_zero) == pytest.approx((2.6, 0.6))
    assert line.r2 == pytest.approx(1.0 - 1.2 / 35.0)


def test_backward_evaluations_are_counted_for_every_gradient() -> None:
    scene = scene_of(flow_study(SADDLE))
    subject = subject_of(scene)
    for mode in cost.MODES:
        pairs = cost.backward_nfe(scene, subject, mode)
        assert len(pairs) >= 3
        assert all(forward > 0 and backward > 0 for forward, backward in pairs)
    # One vector-Jacobian product an evaluation; the first two, for the step size, are of no effect on the result.
    discrete = cost.backward_nfe(scene, subject, "discrete")
    assert all(0 <= forward - backward <= 8 * 6 for forward, backward in discrete)


# --- gradients


@pytest.mark.parametrize("mode", cost.MODES)
def test_row_9_every_gradient_is_within_ten_tolerances(mode: str) -> None:
    tolerance = 1e-6
    scene = scene_of(trained_study())
    true = true_gradient(scene)
    options = SolverOptions(cost.MODES[mode], tolerance, tolerance, adjoint=mode)
    subject = subject_of(scene)
    found = gradient_of(scene, subject.exact, subject.starts(), options)
    assert true is not None
    assert found is not None
    assert max(found.errors(true)) <= 10 * tolerance


def test_the_table_of_gradients_says_what_the_solve_itself_is_off_by() -> None:
    study = flow_study(SADDLE, t1=1.5)
    note = study.view("gradients", SolverChoice("dopri5", 1e-2, 1e-2)).note
    start = subject_of(scene_of(study)).starts().numpy()
    end = start @ expm(1.5 * SADDLE).T
    saddle = torch.from_numpy(SADDLE)
    solved = solve(lambda t, z: z @ saddle.T, torch.from_numpy(start), (0.0, 1.5), rtol=1e-2, atol=1e-2)
    error = np.linalg.norm(solved.y1.numpy() - end) / np.linalg.norm(end)
    assert f"z(t₁) is off by {number(error / 1e-2)} × the tolerance" in note


def test_row_9_the_derivative_by_the_end_time_is_the_adjoint_times_the_field() -> None:
    """In closed form, with z(T) = e^(AT) z0: dL/dT = z(T)^T A z(T) for L = |z(T)|²/2."""
    scene = scene_of(flow_study(SADDLE, t1=1.5))
    true = true_gradient(scene)
    assert true is not None
    start = subject_of(scene).starts().numpy()
    flow = expm(1.5 * SADDLE)
    end = start @ flow.T
    assert true.t1 == pytest.approx(float((end * (end @ SADDLE.T)).sum(1).mean()), rel=1e-6)
    np.testing.assert_allclose(true.start.numpy(), end @ flow / len(start), rtol=1e-5, atol=1e-9)


def test_the_adjoint_solves_its_equation() -> None:
    """a(t) = e^(A^T (T - t)) z(T)."""
    scene = scene_of(flow_study(SADDLE, t1=1.5))
    found = adjoint_paths(scene)
    assert found is not None
    times, paths = found
    end = subject_of(scene).starts().numpy() @ expm(1.5 * SADDLE).T
    for k in (0, 20, 64):
        wanted = end @ expm((1.5 - times[k]) * SADDLE)
        np.testing.assert_allclose(paths[k, : len(end)].numpy(), wanted, rtol=1e-5, atol=1e-6)


def test_a_drawn_adjoint_is_that_of_the_flow_views_trajectory_of_its_number() -> None:
    study = flow_study(SADDLE, t1=1.5)
    picture = study.view("adjoint", SolverChoice(rtol=1e-6, atol=1e-6))
    shown = FlowRequest(SolverChoice(rtol=1e-6, atol=1e-6), count=TRAJECTORIES).answer(study, Event())
    curves = {curve.of: curve for curve in picture.curves if curve.of is not None}
    assert list(curves) == list(range(24))
    for k, curve in curves.items():
        # At the end the adjoint of |z|²/2 is z itself.
        assert curve.y[-1] == pytest.approx(np.linalg.norm(shown.paths[-1, k]), rel=1e-4)


def test_row_4_backsolve_keeps_the_same_whatever_the_work_and_backprop_more_with_it() -> None:
    study = trained_study(solver=SolverConfig(t1=5.0))
    kept: dict[str, list[float]] = {"backsolve": [], "backprop": []}
    work = []
    for tolerance in (1e-2, 1e-5):
        table = study.view("gradients", SolverChoice("dopri5", tolerance, tolerance))
        rows = {row[0]: row for row in table.rows}
        work.append(rows["backprop"][3])
        for mode, sizes in kept.items():
            sizes.append(rows[mode][2])
    assert work[1] > 2 * work[0]
    assert kept["backsolve"][1] == pytest.approx(kept["backsolve"][0], rel=0.05)
    assert kept["backprop"][1] / kept["backprop"][0] == pytest.approx(work[1] / work[0], rel=0.15)


def test_a_gradient_that_the_method_cannot_have_is_shown_with_one_that_can() -> None:
    table = trained_study().view("gradients", SolverChoice("esdirk4", 1e-3, 1e-3))
    methods = {row[0]: row[-1] for row in table.rows}
    assert methods["discrete"] == "esdirk4"
    assert methods["backsolve"] == "dopri5"
    assert methods["reversible"] == "asynchronous-leapfrog"
    assert all(math.isfinite(row[1]) for row in table.rows)
