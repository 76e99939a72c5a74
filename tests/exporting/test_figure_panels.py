"""What is on the figures: the layers, points and words that the results ask for."""

import dataclasses

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex
from matplotlib.contour import ContourSet
from matplotlib.image import AxesImage
from matplotlib.quiver import Quiver
from sample_results import (
    RESULTS,
    SQUARE,
    gaussian,
    half_plane,
    history,
    rotation_field,
    spiral_flow,
    steps,
    texts,
    two_points,
)

from odeviz.analysis.overlays import BorderResult, EffortResult, RestResult, StreamResult, TracerResult
from odeviz.analysis.results import (
    DecisionResult,
    DensityResult,
    FieldResult,
    FlowResult,
    StepTable,
)
from odeviz.analysis.streamlines import streamlines
from odeviz.exporting.figures import draw_figure
from odeviz.exporting.palette import LIGHT
from odeviz.exporting.plane import LAYERS
from odeviz.exporting.style import running_median
from odeviz.tasks import Experiment
from odeviz.tasks.classes import Classes
from odeviz.training.snapshot import History


def test_missing_layers_are_not_drawn() -> None:
    axes = draw_figure("flow", data=two_points()).axes[0]
    assert not axes.images
    assert not [c for c in axes.collections if isinstance(c, LineCollection | Quiver)]
    full = draw_figure("flow", **RESULTS["flow"]).axes[0]
    assert len(full.images) == 1
    assert len([c for c in full.collections if isinstance(c, Quiver)]) == 1


@pytest.mark.parametrize("panel", ["density", "flow"])
def test_what_was_not_reached_is_hatched(panel: str) -> None:
    density = gaussian(8)
    lost = density.log_density.copy()
    lost[:2] = np.nan
    figure = draw_figure(panel, density=dataclasses.replace(density, log_density=lost))
    (patch,) = [p for p in figure.axes[0].patches if p.get_hatch()]
    assert patch.get_bbox().bounds == (-4.0, -4.0, 8.0, 2.0)


def test_trajectories_of_a_class_have_its_color_and_their_own_points() -> None:
    flow = spiral_flow()
    lines = [c for c in draw_figure("flow", flow=flow).axes[0].collections if isinstance(c, LineCollection)]
    assert len(lines) == 2
    for label, collection in enumerate(lines):
        from matplotlib.colors import to_hex

        assert to_hex(collection.get_colors()[0]).upper() == LIGHT.of_class(label)
        np.testing.assert_allclose(collection.get_segments()[0], flow.paths[:, label])


def test_classes_are_named_in_a_legend_and_many_have_marks_of_their_own() -> None:
    flow = spiral_flow()
    two = draw_figure("flow", flow=dataclasses.replace(flow, classes=Classes(names=("in", "out"))))
    assert [text.get_text() for text in two.legends[0].get_texts()] == ["in", "out"]
    many = dataclasses.replace(flow, labels=np.arange(12) % 10, classes=Classes("digit"))
    figure = draw_figure("flow", flow=many)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [f"digit {k}" for k in range(10)]
    heads = [c for c in figure.axes[0].collections if isinstance(c, PathCollection)]
    assert len({c.get_paths()[0].vertices.tobytes() for c in heads}) == 10
    assert sum(len(c.get_offsets()) for c in heads) == 12


def test_points_stand_where_the_trajectories_are_at_the_time() -> None:
    flow = spiral_flow()
    axes = draw_figure("flow", flow=flow, time=0.5).axes[0]
    heads = max((c for c in axes.collections if isinstance(c, PathCollection)), key=lambda c: c.get_zorder())
    np.testing.assert_allclose(heads.get_offsets(), flow.paths[10])


@pytest.mark.parametrize("color", ["class", "time"])
def test_trajectories_go_as_far_as_they_have_come_at_the_time(color: str) -> None:
    flow = spiral_flow()
    middle, end = float(flow.t[len(flow.t) // 2]), float(flow.t[-1])
    for time, frames in ((end, len(flow.t)), (middle, len(flow.t) // 2 + 1), (0.0, 0)):
        axes = draw_figure("flow", flow=flow, time=time, color=color).axes[0]
        curves = [c for c in axes.collections if c.get_zorder() == 5]
        drawn = [path.vertices for each in curves for path in each.get_paths()]
        assert bool(drawn) == bool(frames)
        if drawn:
            reached = np.concatenate(drawn).max(axis=0)
            np.testing.assert_allclose(reached, flow.paths[:frames].reshape(-1, 2).max(axis=0))


def test_at_most_so_many_trajectories_but_every_point() -> None:
    axes = draw_figure("flow", flow=spiral_flow(count=40), trajectories=10).axes[0]
    drawn = sum(len(c.get_segments()) for c in axes.collections if isinstance(c, LineCollection))
    assert drawn == 10
    assert max(len(c.get_offsets()) for c in axes.collections if isinstance(c, PathCollection)) == 40


def test_trajectories_without_a_class_have_one_colour_as_in_the_window() -> None:
    figure = draw_figure("flow", flow=spiral_flow(labelled=False))
    assert len(figure.axes) == 1
    (curves,) = (c for c in figure.axes[0].collections if isinstance(c, LineCollection))
    assert {to_hex(color) for color in curves.get_colors()} == {LIGHT.path.lower()}


def test_trajectories_end_where_the_solver_stopped() -> None:
    flow = spiral_flow()
    paths = flow.paths.copy()
    paths[8:] = np.nan
    for color in ("class", "time"):
        stopped = FlowResult(
            flow.t, paths, flow.labels, flow.steps, flow.choice, 1, 8, np.nan, 1.0, "non_finite", "x"
        )
        figure = draw_figure("flow", flow=stopped, data=two_points(), color=color)
        figure.canvas.draw()
        for collection in figure.axes[0].collections:
            for path in collection.get_paths():
                assert np.isfinite(path.vertices).all()


def test_time_chooses_the_field() -> None:
    def arrows(time: float) -> Quiver:
        axes = draw_figure("flow", field=rotation_field(), time=time).axes[0]
        return next(c for c in axes.collections if isinstance(c, Quiver))

    np.testing.assert_allclose(arrows(0.0).U, -arrows(1.0).U)


def test_every_layer_is_drawn_when_it_is_named_and_only_then() -> None:
    field = rotation_field()
    rest = RestResult(
        np.zeros(1), np.zeros(2, int), np.array([[0.0, 0.0], [1.0, 1.0]]), np.zeros((2, 2)),
        ("stable focus", "saddle"), np.ones((2, 2), complex),
    )  # fmt: skip
    results = {
        "flow": spiral_flow(), "field": field, "density": gaussian(), "data": two_points(), "rest": rest,
        "stream": StreamResult(field, streamlines(field)), "seeds": spiral_flow(count=1),
        "boundary": BorderResult(np.array([0.0, 1.0]), np.ones((2, 5, 2))), "pinned": spiral_flow(),
        "tracers": TracerResult(np.linspace(-1.0, 1.0, 60).reshape(3, 10, 2)),
    }  # fmt: skip

    def drawn(*layers: str) -> int:
        axes = draw_figure("flow", **results, layers=layers).axes[0]
        return len(axes.collections) + len(axes.lines) + len(axes.images)

    for key in LAYERS:
        assert drawn(key) > drawn()
    seen = texts(draw_figure("flow", **results, layers=("nullclines", "rest")))
    for word in ("dz₁/dt = 0", "stable focus", "saddle"):
        assert word in seen


@pytest.mark.parametrize(("color", "title"), [("time", "t"), ("speed", "‖dz/dt‖"), ("nfe", "NFE")])
def test_trajectories_are_coloured_by_a_scale_that_stands_beside(color: str, title: str) -> None:
    flow = spiral_flow()
    flow = dataclasses.replace(flow, speed=np.ones(flow.paths.shape[:2]))
    effort = EffortResult(flow.choice, np.arange(20.0, 32.0))
    figure = draw_figure("flow", flow=flow, effort=effort, color=color)
    assert figure.axes[1].get_ylabel() == title
    assert len(draw_figure("flow", flow=flow, color="nfe").axes) == 1, "without the NFE it is by class"


def test_a_still_field_draws_no_arrows() -> None:
    field = rotation_field()
    still = FieldResult(field.t, field.x, field.y, np.zeros_like(field.velocity), 0)
    stream = StreamResult(still, streamlines(still))
    figure = draw_figure("flow", field=still, stream=stream, layers=("arrows", "streamlines", "nullclines"))
    figure.canvas.draw()
    (arrows,) = (item for item in figure.axes[0].collections if isinstance(item, Quiver))
    assert not arrows.U.any()
    assert not arrows.V.any()


def test_density_shows_nats_mass_and_impossible_places_as_lowest() -> None:
    density = gaussian()
    log_density = density.log_density.copy()
    log_density[0, 0] = -np.inf
    figure = draw_figure("density", density=DensityResult(0.7, SQUARE, log_density, density.mass, 10))
    seen = texts(figure)
    assert "nats" in seen
    assert f"mass in view {density.mass:.3f}" in seen
    assert "t = 0.70" in seen
    image = figure.axes[0].images[0]
    assert isinstance(image, AxesImage)
    assert image.get_array()[0, 0] == image.get_clim()[0]
    assert image.get_clim()[1] == log_density.max()


def test_row_zero_of_a_map_is_the_lowest() -> None:
    log_density = np.full((4, 4), -20.0)
    log_density[0] = 0.0
    figure = draw_figure("density", density=DensityResult(0.0, SQUARE, log_density, 1.0, 0))
    assert figure.axes[0].images[0].origin == "lower"


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_decision_paints_the_likeliest_class(classes: int) -> None:
    decision = half_plane(classes)
    figure = draw_figure("decision", decision=decision)
    image = np.asarray(figure.axes[0].images[0].get_array())
    best = decision.probability.argmax(axis=0)
    for label in range(classes):
        where = best == label
        if where.any():
            strongest = image[where][np.argmin(image[where].sum(axis=1))]
            expected = 1 - np.array([int(LIGHT.of_class(label)[i : i + 2], 16) / 255 for i in (1, 3, 5)])
            # Mixed with white: the tint's difference from white points along the class colour's.
            tint = 1 - strongest
            assert tint @ expected / np.linalg.norm(tint) / np.linalg.norm(expected) > 0.999
    assert len(figure.axes) == (2 if classes == 2 else 1)


def test_all_of_one_class_has_no_boundary() -> None:
    sure = np.stack([np.full((8, 8), 0.9), np.full((8, 8), 0.1)])
    mixed = np.stack([np.linspace(0.1, 0.9, 64).reshape(8, 8), np.linspace(0.9, 0.1, 64).reshape(8, 8)])
    drawn = []
    for probability in (sure, mixed):
        figure = draw_figure("decision", decision=DecisionResult(0.0, SQUARE, probability, 0))
        figure.canvas.draw()
        drawn.append(len(figure.findobj(ContourSet)))
    assert drawn[0] == 0 < drawn[1]


def test_density_loss_shows_the_entropy_where_it_is_known() -> None:
    with_entropy = texts(draw_figure("loss", history=history(), experiment=Experiment.of("density")))
    assert "H = 2.394" in with_entropy
    assert "nats" in with_entropy
    assert "H = " not in texts(
        draw_figure("loss", history=history(), experiment=Experiment.of("density", {"data.noise": 0.2}))
    )


def test_classification_loss_shows_accuracy_in_percent() -> None:
    seen = texts(draw_figure("loss", history=history()))
    assert "accuracy (%)" in seen
    assert "90.0\u00a0%" in seen


@pytest.mark.parametrize("task", ["classification", "density"])
def test_a_history_of_one_row_or_with_gaps_is_drawn(task: str) -> None:
    figures = [draw_figure("loss", history=history(1), experiment=Experiment.of(task))]
    whole = history(30)
    loss = whole.loss.copy()
    loss[20:] = np.nan
    gaps = History(whole.iteration, whole.seconds, loss, whole.nfe_forward, whole.nfe_backward, whole.metric)
    figures.append(draw_figure("loss", history=gaps, experiment=Experiment.of(task)))
    nothing = np.full(30, np.nan)
    lost = History(whole.iteration, whole.seconds, nothing, nothing, nothing, nothing)
    figures += [
        draw_figure("loss", history=lost, experiment=Experiment.of(task)),
        draw_figure("nfe", history=lost),
    ]
    for figure in figures:
        figure.canvas.draw()
        assert np.isfinite([axes.axis() for axes in figure.axes]).all()


def test_nfe_names_both_directions_beside_their_curves() -> None:
    seen = texts(draw_figure("nfe", history=history()))
    assert "forward" in seen
    assert "backward" in seen


def test_rejected_steps_are_red_crosses_at_their_start() -> None:
    axes = draw_figure("steps", steps=steps()).axes[0]
    crosses = next(line for line in axes.lines if line.get_marker() == "x")
    assert crosses.get_color() == LIGHT.danger
    np.testing.assert_array_equal(crosses.get_xydata(), [[0.25, 0.5]])


def test_steps_tell_what_the_solve_cost() -> None:
    seen = texts(draw_figure("steps", flow=spiral_flow()))
    assert "dopri5" in seen
    assert "26 NFE, 3 accepted, 1 rejected" in seen
    assert "scaled error" in seen


def test_steps_without_error_estimates_and_backwards_in_time() -> None:
    table = steps(rejected=False)
    fixed = StepTable(1 - table.t, -table.h, np.full(4, np.nan), table.accepted)
    figure = draw_figure("steps", steps=fixed)
    assert len(figure.axes) == 1
    assert figure.axes[0].get_ylim()[0] > 0
    low, high = figure.axes[0].get_xlim()
    assert low <= 0.0 < high


def test_a_solve_without_a_step_is_one_sentence() -> None:
    none = StepTable(np.empty(0), np.empty(0), np.empty(0), np.empty(0, dtype=bool))
    with pytest.raises(ValueError, match="took no step"):
        draw_figure("steps", steps=none)


def test_running_median_ignores_outliers_and_gaps() -> None:
    values = np.array([1.0, 1.0, 50.0, 1.0, np.nan, 1.0])
    np.testing.assert_array_equal(running_median(values, 5), np.ones(6))
