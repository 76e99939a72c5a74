"""The flow view: what it draws of each layer."""

import dataclasses
import time

import numpy as np
import pytest
from on_plane import EXTENT, on_screen
from PySide6.QtGui import QColor

from odeviz.analysis.projection import Projection
from odeviz.analysis.results import FlowResult
from odeviz.panels import flow_paths
from odeviz.panels.flow_layers import at_time, finite_paths, frame_at
from odeviz.state import LAYERS
from odeviz.widgets import trail
from odeviz.widgets.primitives import bounds


def at(view, viewport_point):
    return view._box.mapSceneToView(view._plot.mapToScene(viewport_point))


def pixel(view, x, y):
    # Painted at the view's own scale, by the paint code itself.
    image = view._plot.grab().toImage()
    point = on_screen(view, x, y)
    return image.pixelColor(point.x(), point.y())


def shades(view, x, y, side=16):
    """The colours within a square of the picture, whose middle is a point of the plane."""
    point, image = on_screen(view, x, y), view._plot.grab().toImage()
    around = [(point.x() + i, point.y() + k) for i in range(side) for k in range(side)]
    return {image.pixelColor(*place).rgb() for place in around}


def test_what_was_not_reached_is_hatched_and_said(view, density, partial):
    view.set_density(partial)
    assert len(shades(view, -1.5, -1.5)) == 2, "slanting lines on the ground"
    assert pixel(view, 0.1, 0.1) != pixel(view, 1.9, 1.9), "the density is there where it is known"
    assert view.overlays.remark.isVisible()
    assert view.overlays.remark.text() == "Hatched: 50 % of the view was not reached. The solve stopped."
    view.set_layers({"background": False})
    assert not view.overlays.remark.isVisible()
    assert len(shades(view, -1.5, -1.5)) == 1
    view.set_layers({"background": True})
    view.set_density(density)
    assert not view.overlays.remark.isVisible()


def test_one_unit_is_as_long_up_as_along(view):
    origin, right, up = (on_screen(view, *p) for p in ((0, 0), (1, 0), (0, 1)))
    assert abs((right.x() - origin.x()) - (origin.y() - up.y())) <= 1


def test_the_whole_extent_is_seen(view):
    (x0, x1), (y0, y1) = view._box.viewRange()
    assert x0 <= -1.99
    assert x1 >= 1.99
    assert y0 <= -1.99
    assert y1 >= 1.99


def test_particles_move_with_the_playhead(full):
    dots = full._layers["particles"].items[0]
    full.set_time(0.0)
    start = dots._points.copy()
    full.set_time(0.625)
    np.testing.assert_allclose(dots._points[:, 0], start[:, 0] + 0.625)


def test_trails_end_at_the_playhead_and_are_whole_again_later(full, make_flow):
    layer, flow = full._layers["trajectories"], make_flow()
    full.set_time(0.6)
    full.set_time(1.0)
    assert len(layer._groups) == 2
    for group in layer._groups:
        mine = flow.paths[:, group.path[: len(group.path) // 4]]
        np.testing.assert_allclose(group.lines.reshape(4, -1, 4)[:, :, 2:], mine[1:])
        assert group.item._count == len(group.lines)
    full.set_time(0.375)
    for group in layer._groups:
        heads = group.lines[group.before[1] : group.item._count]
        np.testing.assert_allclose(heads[:, 2], flow.paths[0, group.path[: len(heads)], 0] + 0.375)


def test_what_a_paint_has_no_time_for_comes_with_the_next(qtbot, full, make_flow, monkeypatch):
    full.set_layers({key: key == "trajectories" for key in LAYERS})
    full.set_time(1.0)
    before = full._plot.grab().toImage()
    assert full.paths.whole
    monkeypatch.setattr(trail, "_BATCH", 1)
    monkeypatch.setattr(flow_paths, "PATIENCE", 0.0)
    flow = make_flow()
    other = dataclasses.replace(flow, paths=0.5 * flow.paths)
    full.set_flow(other)
    full.set_time(1.0)
    # Until the new picture is whole the one before stays.
    assert full._plot.grab().toImage() == before
    assert not full.paths.whole
    qtbot.waitUntil(lambda: full.paths.whole)
    in_parts = full._plot.grab().toImage()
    monkeypatch.undo()
    full.set_flow(flow)
    full.set_flow(other)
    full.set_time(1.0)
    assert full._plot.grab().toImage() == in_parts != before


def test_a_trail_looks_the_same_played_or_jumped_to(full):
    full.set_layers({key: key == "trajectories" for key in LAYERS})
    for t in np.linspace(0.0, 0.8, 9):
        full.set_time(float(t))
        played = full._plot.grab().toImage()
    full.set_time(0.0)
    full._plot.grab()
    full.set_time(0.8)
    full.restyle()
    assert full._plot.grab().toImage() == played


def test_arrows_follow_the_field_in_time(full):
    lines = full._layers["arrows"]._lines
    full.set_time(0.0)
    shaft = lines[0::3]
    assert (shaft[:, 3] > shaft[:, 1]).all()
    np.testing.assert_allclose(shaft[:, 0], shaft[:, 2])
    full.set_time(1.0)
    assert (shaft[:, 2] > shaft[:, 0]).all()


def test_what_is_drawn_of_arrows_and_thick_paths_lies_within_what_is_painted_over(full):
    """What an item draws outside its bounds stays in the window when it has gone."""
    arrows = full._layers["arrows"]
    for t in (0.0, 0.4, 1.0):
        full.set_time(t)
        drawn = bounds(np.ascontiguousarray(arrows._lines.reshape(-1, 2)))
        assert arrows.items[0].boundingRect().contains(drawn)
    full.paths.set_marked(0, ())
    full.set_time(1.0)
    full._plot.grab()
    path = bounds(np.ascontiguousarray(full.paths._hovered._lines.reshape(-1, 2)))
    seen = full._plot.mapFromScene(full.paths._hovered.mapRectToScene(full.paths._hovered.boundingRect()))
    thin = full._plot.mapFromScene(full.paths._hovered.mapRectToScene(path))
    assert seen.boundingRect().width() >= thin.boundingRect().width() + 2


@pytest.mark.parametrize(
    ("count", "frames", "steps"),
    [(flow_paths.SMOOTH, 81, False), (flow_paths.SMOOTH + 1, 81, True), (flow_paths.SMOOTH, 4, True)],
)
def test_trails_have_no_steps_unless_they_are_very_many_or_of_long_lines(
    view, make_flow, count, frames, steps
):
    """Along a slanting line without steps the pixels are of many shades."""
    times = np.linspace(0.0, 1.0, frames)
    paths = np.repeat((times[:, None] * [1.5, 0.5])[:, None], count, axis=1)
    labels = np.full(count, -1)
    view.set_layers({key: key == "trajectories" for key in LAYERS})
    view.set_flow(dataclasses.replace(make_flow(), t=times, paths=paths, labels=labels, speed=None))
    view.set_time(1.0)
    assert (len(shades(view, 0.6, 0.25)) == 2) == steps


def test_faster_arrows_are_longer(view, field):
    speeds = field.velocity.copy()
    speeds[:, :, :2] *= 0.25
    view.set_field(type(field)(field.t, field.x, field.y, speeds, 1))
    shaft = view._layers["arrows"]._lines[0::3].reshape(4, 4, 4)
    length = np.hypot(shaft[..., 2] - shaft[..., 0], shaft[..., 3] - shaft[..., 1])
    assert (length[:, :2] < 0.6 * length[:, 2:]).all()


def test_the_density_is_drawn_with_the_themes_map(view, density, theme):
    view.set_density(density)
    assert pixel(view, 0.05, 0.05).lightness() < 60
    assert pixel(view, 1.9, 1.9).lightness() > 230


def test_decision_regions_take_the_classes_colours(view, decision, theme):
    view.set_decision(decision)
    left, right = pixel(view, -1.5, 0.4), pixel(view, 1.5, 0.4)
    blue, orange = (QColor(shade) for shade in theme.colors.classes[:2])
    assert abs(right.hue() - blue.hue()) < 12
    assert abs(left.hue() - orange.hue()) < 12
    assert view.bar.chips["background"].text() == "Decision"


def test_the_line_between_sure_classes_is_no_staircase(view, decision):
    axis = (np.arange(40) + 0.5) / 10 - 2.0
    odds = 60 * (np.hypot(*np.meshgrid(axis, axis)) - 1.2)
    sure = np.stack([np.exp(-np.logaddexp(0, -odds)), np.exp(-np.logaddexp(0, odds))])
    view.set_decision(dataclasses.replace(decision, probability=sure.astype(np.float32)))
    ends = view._layers["background"]._line._lines.reshape(-1, 2)
    assert len(ends) > 100
    assert np.abs(np.hypot(*ends.T) - 1.2).max() < 0.01
    lines = view._layers["contours"]
    view.set_layers({"contours": True})
    outermost = np.hypot(*lines._lines._lines.reshape(-1, 2).T).max()
    assert outermost < 1.2 + 0.04 + 0.01, "where the probability is 0.9 the log-odds are 2.2"


def test_a_change_of_theme_repaints_the_ground(full, theme):
    full.set_density(None)
    full.set_layers(dict.fromkeys(LAYERS, False))
    assert pixel(full, 1.0, 1.0) == QColor(theme.colors.base)
    theme.set_mode("dark")
    assert pixel(full, 1.0, 1.0) == QColor(theme.colors.base)


def test_the_pinned_paths_are_joined_to_the_present_ones_where_they_are_farthest_apart(
    full, make_flow, theme
):
    other = make_flow()
    other.paths[-1, 3] += [0.0, 0.9]
    other.paths[-1, 4] += [0.0, 0.2]
    full.set_layers({key: key == "pinned" for key in LAYERS})
    full.set_pinned(other)
    full.set_time(1.0)
    layer = full._layers["pinned"]
    here, there = make_flow().paths[-1, 3], other.paths[-1, 3]
    assert np.allclose(layer.gap, [here, there])
    x, y = (here + there) / 2
    assert pixel(full, x, y) == QColor(theme.colors.accent)
    full.set_time(0.0)
    assert not len(layer.gap), "they begin together"
    full.set_pinned(None)
    full.set_time(1.0)
    assert not len(layer.gap)


def test_a_message_is_shown_and_taken_away(view):
    view.set_message("The solver stopped at t = 0.4.")
    assert view.overlays._notice.isVisible()
    assert view.overlays.message.text() == "The solver stopped at t = 0.4."
    view.set_message("")
    assert not view.overlays._notice.isVisible()


def test_a_flow_that_was_lost_is_drawn_up_to_where_it_stopped(view, make_flow):
    flow = make_flow()
    paths = flow.paths.copy()
    paths[3:, 2] = np.nan
    paths[2, 0] = 1e30
    lost = FlowResult(
        **{**{f: getattr(flow, f) for f in flow.__slots__}, "paths": paths, "status": "non_finite"}
    )
    view.set_flow(lost)
    view.set_time(1.0)
    np.testing.assert_allclose(view._layers["particles"].items[0]._points[2], paths[2, 2])
    view._plot.grab()


def test_no_flow_empties_the_view(full):
    full.set_flow(None)
    full.set_seeds(None, None)
    full.set_field(None)
    full.set_data(None)
    full.set_density(None)
    full.set_time(0.3)
    assert full._layers["trajectories"]._groups == []
    full._plot.grab()


def test_moving_the_playhead_over_1000_trajectories_takes_less_than_4_ms(view, make_flow, field):
    view.set_field(field)
    view.set_flow(make_flow(1000, 61))
    times = []
    for t in np.linspace(0.0, 1.0, 41):
        start = time.perf_counter()
        view.set_time(float(t))
        times.append(time.perf_counter() - start)
    assert sorted(times)[20] < 4e-3


@pytest.mark.parametrize(
    ("t", "frame", "share"), [(-1, 0, 0), (0, 0, 0), (0.3, 0, 0.6), (0.5, 1, 0), (1, 2, 0), (9, 2, 0)]
)
def test_the_frame_before_a_time(t, frame, share):
    assert frame_at(np.array([0.0, 0.5, 1.0]), t) == (frame, pytest.approx(share))


def test_values_between_frames_are_interpolated():
    assert at_time(np.array([0.0, 2.0]), np.array([[1.0], [5.0]]), 0.5).tolist() == [2.0]


def test_a_path_lost_at_once_is_put_out_of_sight():
    paths = np.full((3, 1, 2), np.nan)
    assert (finite_paths(paths, EXTENT) > 100).all()


def test_from_above_the_first_two_coordinates_are_seen_and_the_highest_is_nearest(deep, make_flow):
    np.testing.assert_allclose(deep.paths._paths, make_flow().paths, atol=1e-9)
    assert (np.diff(deep._layers["particles"]._dots._near) > 0).all()
    # Painter's order: what is drawn last lies highest.
    assert deep.paths._deep._lines[-1][[1, 3]].tolist() == pytest.approx([1.0, 1.0])
    assert not deep._plot.getAxis("bottom").isVisible()


def test_the_names_of_the_axes_stand_outside_the_frame(deep):
    deep.set_projection(deep.bar._space, Projection("space", (0, 1, 2), (200.0, 35.0)))
    half = deep._sight.half / np.sqrt(3)
    corners = deep._sight.flat(
        half * np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    )
    hull = np.hypot(*corners.T).max()
    for label in deep._frame._labels:
        assert 0.5 * hull < np.hypot(label.pos().x(), label.pos().y()) < 1.2 * hull


def test_a_few_selected_paths_are_thick_and_many_are_thin(full):
    widths = []
    for chosen in (2, flow_paths.MANY + 1, 2):
        full.paths.set_marked(None, range(chosen))
        widths.append(full.paths._chosen._pen.widthF())
    assert widths == [2.4, 1.0, 2.4]
