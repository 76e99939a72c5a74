"""Views over the plane and along paths against closed forms: linear fields, whose flows are matrix exponentials."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from studies import ROTATION, SADDLE, flow_study

from odeviz.analysis import SolverChoice, Study
from odeviz.analysis.diagnostics.equilibria import all_fixed_points, kind_of, zero_lines
from odeviz.analysis.diagnostics.flow_map import flow_map
from odeviz.analysis.diagnostics.sensitivity import nfe_each
from odeviz.analysis.diagnostics.spectrum import spectrum
from odeviz.analysis.diagnostics.subject import subject_of
from odeviz.analysis.diagnostics.transport import transport
from odeviz.engine import solve
from odeviz.models import SolverOptions
from odeviz.tasks.scene import Scene

TIGHT = SolverChoice("dopri5", 1e-6, 1e-6)


def scene_of(study: Study, **solver: Any) -> Scene:
    return Scene(study.model, study.task, SolverOptions(**solver), None, {})


@pytest.fixture(autouse=True)
def _without_gradients() -> Any:
    with torch.no_grad():
        yield


@pytest.mark.parametrize(
    ("A", "divergence", "curl"), [(ROTATION, 0.0, 4.0), (SADDLE, 0.4, -0.6)], ids=["rotation", "saddle"]
)
def test_divergence_is_the_trace_and_curl_twice_the_turning(
    A: np.ndarray, divergence: float, curl: float
) -> None:
    maps = flow_study(A).view("divergence-curl", TIGHT).maps
    assert len(maps) == 6
    for one in maps:
        wanted = divergence if one.title.startswith("div") else curl
        np.testing.assert_allclose(one.values, wanted, atol=1e-6)


@pytest.mark.parametrize("rate", [0.8, 1.5])
def test_the_lyapunov_exponent_of_a_saddle_is_its_rate(rate: float) -> None:
    picture = flow_study(np.diag([rate, -rate]), t1=2.0).view("ftle", TIGHT)
    for one in picture.maps:
        np.testing.assert_allclose(one.values, rate, rtol=1e-4)
    assert f"At most {rate:.3g} forwards and {rate:.3g} backwards" in picture.note


def test_the_flow_map_stretches_as_its_singular_values() -> None:
    way = flow_map(scene_of(flow_study(SADDLE, t1=1.5)))
    wanted = np.linalg.svd(expm(1.5 * SADDLE), compute_uv=False)
    np.testing.assert_allclose(way.stretch.numpy(), np.broadcast_to(wanted, way.stretch.shape), rtol=1e-4)
    assert way.whole


@pytest.mark.parametrize("tolerance", [1e-3, 1e-5])
def test_the_way_back_from_a_sink_loses_what_it_stretches(tolerance: float) -> None:
    """z' = -λz: the error is at most of the size of exp(λT) times the tolerance; much of it may cancel."""
    rate, t1 = 3.0, 2.0
    study = flow_study(-rate * np.eye(2), t1=t1)
    study.model.double()
    picture = study.view("reverse", SolverChoice("dopri5", tolerance, tolerance))
    there, expected = picture.maps
    np.testing.assert_allclose(expected.values, math.log10(tolerance) + rate * t1 / math.log(10), atol=1e-3)
    share = 10 ** (there.values - expected.values)
    assert share.max() < 10.0
    assert np.median(there.values) > math.log10(1e-3 * tolerance)
    assert "λ = 3, T = 2." in picture.note


def test_a_round_trip_by_a_fixed_method_needs_no_tolerance() -> None:
    picture = flow_study(ROTATION).view("reverse", SolverChoice("rk4", steps=40))
    assert len(picture.maps) == 1
    assert np.nanmax(picture.maps[0].values) < -4


def test_eigenvalues_and_norm_are_those_of_the_matrix() -> None:
    found = spectrum(scene_of(flow_study(SADDLE)))
    assert found is not None
    values = np.linalg.eigvals(SADDLE)
    np.testing.assert_allclose(found.real.numpy(), values.real.max(), rtol=1e-5)
    np.testing.assert_allclose(found.radius.numpy(), np.abs(values).max(), rtol=1e-5)
    np.testing.assert_allclose(found.norm.numpy(), np.linalg.norm(SADDLE, 2), rtol=1e-5)


KINDS = {
    "saddle": [[0.7, 0.4], [0.3, -0.5]],
    "stable node": [[-1.0, 0.2], [0.1, -0.4]],
    "unstable node": [[1.0, 0.2], [0.1, 0.4]],
    "stable focus": [[-0.3, -1.0], [1.0, -0.3]],
    "unstable focus": [[0.3, -1.0], [1.0, 0.3]],
    "centre": [[0.0, -2.0], [2.0, 0.0]],
}


@pytest.mark.parametrize("kind", KINDS)
def test_fixed_points_are_found_and_told_apart(kind: str) -> None:
    A, place = np.array(KINDS[kind]), np.array([0.6, -1.1])
    b = -A @ place
    study = flow_study(A, (float(b[0]), float(b[1])))
    known = all_fixed_points(scene_of(study))
    assert list(known) == [0.0], "an autonomous field is looked at once"
    (one,) = known[0.0]
    np.testing.assert_allclose(one.point, place, atol=1e-5)
    wanted = np.linalg.eigvals(A)
    np.testing.assert_allclose(np.sort_complex(one.eigenvalues), np.sort_complex(wanted), atol=1e-5)
    assert one.kind == kind
    assert study.view("fixed-points", TIGHT).rows[0][2] == kind


def test_a_zero_eigenvalue_is_degenerate() -> None:
    assert kind_of(np.array([0.0 + 0j, -1.0 + 0j])) == "degenerate"
    assert kind_of(np.array([0.5 + 0j, 1e-12 + 1j, 1e-12 - 1j])) == "degenerate"


def test_nullclines_are_where_a_component_vanishes() -> None:
    A, place = np.array(KINDS["saddle"]), np.array([0.6, -1.1])
    b = -A @ place
    chart = flow_study(A, (float(b[0]), float(b[1]))).view("nullclines", TIGHT)
    for k in range(2):
        curve = chart.curves[k]
        inside = np.isfinite(curve.x)
        assert inside.sum() > 50
        values = A[k] @ np.stack([curve.x[inside], curve.y[inside]]) + b[k]
        np.testing.assert_allclose(values, 0.0, atol=1e-5)
    point = chart.curves[2]
    np.testing.assert_allclose([point.x[0], point.y[0]], place, atol=1e-5)


def test_zero_lines_of_a_circle_have_its_length() -> None:
    axis = np.linspace(-1.5, 1.5, 201)
    gx, gy = np.meshgrid(axis, axis)
    x, y = zero_lines(axis, axis, gx**2 + gy**2 - 1.0)
    points = np.stack([x, y], axis=-1).reshape(-1, 3, 2)[:, :2]
    np.testing.assert_allclose(np.linalg.norm(points, axis=-1), 1.0, atol=1e-4)
    assert np.linalg.norm(points[:, 1] - points[:, 0], axis=-1).sum() == pytest.approx(2 * math.pi, rel=1e-3)


def test_a_turn_is_longer_than_its_chord_by_the_arc() -> None:
    turn = 2.0 * 1.2
    found = transport(scene_of(flow_study(ROTATION, t1=1.2)))
    assert found is not None
    ratio = turn / (2.0 * math.sin(turn / 2.0))
    np.testing.assert_allclose((found.length / found.chord).numpy(), ratio, rtol=1e-5)
    np.testing.assert_allclose((1.2 * found.energy / found.chord**2).numpy(), ratio**2, rtol=1e-5)
    assert f"Mean {ratio:.3f} ± 0.000" in flow_study(ROTATION, t1=1.2).view("straightness", TIGHT).note


def test_a_straight_path_costs_its_chord() -> None:
    found = transport(scene_of(flow_study(np.zeros((2, 2)), (1.0, -2.0), t1=1.5)))
    assert found is not None
    np.testing.assert_allclose(found.length.numpy(), 1.5 * math.sqrt(5.0), rtol=1e-6)
    np.testing.assert_allclose((1.5 * found.energy / found.chord**2).numpy(), 1.0, rtol=1e-6)


def test_nfe_of_each_is_that_of_a_solve_of_its_own() -> None:
    scene = scene_of(flow_study(SADDLE, t1=3.0), rtol=1e-4, atol=1e-4)
    subject = subject_of(scene)
    states = torch.tensor([[0.01, 0.0], [1.0, -2.0], [3.0, 3.0]], dtype=torch.float64)
    nfe, arrived = nfe_each(scene, states)
    assert bool(arrived.all())
    alone = [
        solve(subject.model.field, subject.own(state[None]), (0.0, 3.0), rtol=1e-4, atol=1e-4)
        for state in states
    ]
    assert nfe.tolist() == [solution.stats.nfe_forward for solution in alone]
    assert len(set(nfe.tolist())) > 1
