"""What lies over the plane, against closed forms."""

import numpy as np
import pytest
import torch
from studies import flow_study

from odeviz.analysis.projection import Projection
from odeviz.analysis.results import Extent, FieldResult, SolverChoice
from odeviz.analysis.streamlines import REACH, streamlines, velocity_at
from odeviz.analysis.study import Study
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.learning import build_model

ROTATION = np.array([[0.0, -2.0], [2.0, 0.0]])


def rotation_field(n=33):
    axis = np.linspace(-2.0, 2.0, n)
    x, y = np.meshgrid(axis, axis)
    velocity = np.stack([-y, x], axis=-1)
    return FieldResult(np.array([0.0, 1.0]), axis, axis, np.stack([velocity, 3 * velocity]), 0)


def test_a_linear_field_is_exact_between_its_nodes():
    field = rotation_field(5)
    places = np.array([[0.3, 3.2], [2.0, 2.0], [4.0, 4.0]])
    x, y = (places - 2.0).T
    np.testing.assert_allclose(velocity_at(field.velocity[0], places), np.stack([-y, x], axis=1))


def test_streamlines_of_a_rotation_are_circles_whatever_its_speed():
    field = rotation_field()
    lines = streamlines(field)
    radius = np.hypot(lines[..., 0], lines[..., 1])
    whole = (np.abs(lines).max(axis=(2, 3)) < 1.9) & (radius[:, :, 0] > 0.5)
    assert whole.sum() > 100
    np.testing.assert_allclose(np.ptp(radius[whole], axis=1), 0.0, atol=0.01)
    length = np.linalg.norm(np.diff(lines[whole], axis=1), axis=-1).sum(axis=1)
    np.testing.assert_allclose(length, 2 * REACH * 4.0, rtol=0.05)
    np.testing.assert_allclose(lines[0], lines[1], atol=0.01)


def test_states_at_rest_are_found_with_their_stability():
    rest = flow_study(ROTATION, b=(2.0, -2.0)).rest()
    np.testing.assert_allclose(rest.points, [[1.0, 1.0]], atol=1e-6)
    assert rest.kinds == ("centre",)
    np.testing.assert_allclose(np.sort(rest.eigenvalues[0].imag), [-2.0, 2.0], atol=1e-6)
    assert rest.at(0.7).tolist() == [0]


def test_the_speed_along_a_trajectory_is_that_of_its_state():
    study = flow_study(ROTATION)
    flow = study.flow(np.array([[1.5, 0.0]]), np.array([-1]), SolverChoice(), frames=401)
    np.testing.assert_allclose(flow.speed[1:-1, 0], 3.0, rtol=1e-3)


def test_the_cost_of_each_trajectory_is_what_it_takes_alone():
    study, choice = flow_study(np.diag([-1.0, -8.0])), SolverChoice(rtol=1e-5, atol=1e-5)
    seeds, _ = study.default_seeds(3)
    alone = [study.flow(seed[None], np.array([-1]), choice, with_error=False).nfe for seed in seeds]
    np.testing.assert_allclose(study.effort(3, choice).nfe, alone, atol=8)


def test_the_steps_of_one_trajectory_alone_are_those_of_its_own_solve():
    study, choice = flow_study(np.diag([-1.0, -40.0])), SolverChoice(rtol=1e-5, atol=1e-5)
    seeds, _ = study.default_seeds(8)
    found = study.alone((("trajectory", 7), ("seed", 0), ("seed", 1)), ((1.0, 0.0),), 8, choice)
    assert found.marks == (("trajectory", 7), ("seed", 0)), "there is no second seed"
    own = study.flow(seeds[7:], np.array([-1]), choice, with_error=False).steps
    np.testing.assert_array_equal(found.steps[0].h, own.h)
    # Along the slow axis it needs not the small steps that the stiff one forces on all.
    assert len(found.steps[1].h) < len(study.flow(seeds, np.full(8, -1), choice).steps.h) / 2


def test_the_boundary_at_the_end_is_the_readouts_line_and_at_the_start_its_image():
    experiment = Experiment().with_settings({"task": "classification", "field.width": 4})
    model = build_model(experiment).double()
    study = Study.of(model, experiment)
    border = study.border()
    last = border.curve[-1][np.isfinite(border.curve[-1]).all(axis=1)]
    scores = model.readout(torch.as_tensor(last)).detach().numpy()
    np.testing.assert_allclose(scores[:, 0], scores[:, 1], atol=1e-6)
    first = border.curve[0][np.isfinite(border.curve[0]).all(axis=1)]
    scores = model.classify_from(torch.as_tensor(first), 0.0).detach().numpy()
    np.testing.assert_allclose(scores[:, 0], scores[:, 1], atol=1e-3)


@pytest.fixture(scope="module")
def lorenz():
    experiment = Experiment().with_settings({"task": "dynamics", "data.name": "lorenz", "field.width": 4})
    return Study.of(build_model(experiment), experiment)


def test_axes_show_the_coordinates_own_values(lorenz):
    seen = lorenz.through(Projection("axes", (2, 1)))
    states, labels = seen.default_seeds(7)
    flow = seen.flow(states, labels, SolverChoice(), frames=3)
    np.testing.assert_allclose(flow.paths[0], states[:, [2, 1]], rtol=1e-5, atol=1e-5)
    assert (seen.extent.x_label, seen.extent.y_label) == ("z", "y")
    place, lift = seen.space.place, seen.space.lift
    np.testing.assert_allclose(place(lift(np.array([[1.0, 2.0]]))), [[1.0, 2.0]], atol=1e-5)


def test_components_are_orthonormal_and_the_first_varies_most(lorenz):
    seen = lorenz.through(Projection.of("space-components"))
    basis = seen.space.basis
    np.testing.assert_allclose(basis.T @ basis, np.eye(3), atol=1e-5)
    spread = seen._shown.std(axis=0)
    assert spread[0] >= spread[1] >= spread[2]
    assert seen.data(50).points.shape == (50, 3)


@pytest.mark.parametrize("kind", ["space", "space-components"])
def test_the_states_fill_the_box_that_is_turned(lorenz, kind):
    seen = lorenz.through(Projection.of(kind))
    shown = seen.flow(*seen.default_seeds(60), SolverChoice()).paths.reshape(-1, 3)
    low, high = np.quantile(shown, [0.01, 0.99], axis=0)
    sides = seen.space.sides
    assert np.all(np.abs(low + high) < 0.4 * sides), "it is about them"
    assert np.all((0.6 * sides < high) & (high <= sides))
    e = seen.extent
    assert e.x1 == e.y1 == -e.x0 == pytest.approx(np.linalg.norm(sides)), (
        "its corners are seen from all sides"
    )
    # The coordinates of the middle: an axis' own values, and of components what they are beyond the states' mean.
    zero = np.zeros(3) if kind == "space" else lorenz.through(Projection.of("components")).space.origin
    np.testing.assert_allclose(seen.space.middle, (seen.space.origin - zero) @ seen.space.basis, atol=1e-4)


def test_a_camera_is_a_rotation_that_looks_where_it_is_told():
    camera = Projection.of("space").turned(400.0, 120.0).camera
    np.testing.assert_allclose(camera @ camera.T, np.eye(3), atol=1e-12)
    # From above: what is high is near.
    np.testing.assert_allclose(camera[2], [0.0, 0.0, 1.0], atol=1e-12)


def test_two_dimensions_are_seen_as_they_are():
    study = flow_study(ROTATION)
    assert study.through(Projection.of("components")) is study
    assert study.streams(Extent(-1, 1, -1, 1), 5, 3, lines=False).lines is None
