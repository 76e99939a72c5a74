"""The density panel: densities, regions, their scales, and the points over them."""

import dataclasses

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor
from told import shown_keys

from odeviz.analysis.results import DataResult
from odeviz.panels.density_panel import DensityPanel
from odeviz.panels.lit_dots import Crowd
from odeviz.state import Mark, Selection


def test_the_density_panel_reads_mass_and_scale(show, density, data):
    panel = show(DensityPanel)
    panel.set_data(data)
    panel.set_density(density)
    assert dict(shown_keys(panel))["mass in view"] == "0.954"
    assert panel.bar._labels[0] == (1.0, "−1.8")
    assert "hasty picture" in panel.legend.toolTip()
    # Less than 1 may lie outside the picture; more cannot be.
    fine = dataclasses.replace(density, log_density=density.log_density.repeat(2, 0).repeat(2, 1))
    panel.set_density(fine)
    assert "up to 1\u00a0% off" in panel.legend.toolTip()
    panel.set_density(dataclasses.replace(fine, mass=1.02))
    assert dict(shown_keys(panel))["mass above 1"] == "1.020"
    assert "Tighten the tolerance" in panel.legend.toolTip()


def test_a_density_that_ends_within_the_view_must_have_its_whole_mass_there(show, density):
    panel = show(DensityPanel)
    y, x = np.mgrid[-6:6:80j, -6:6:80j]
    ends = dataclasses.replace(density, log_density=-(x**2 + y**2) / 2 - 1.84, mass=0.95)
    panel.set_density(ends)
    assert dict(shown_keys(panel))["mass below 1"] == "0.950"
    panel.set_density(dataclasses.replace(ends, log_density=ends.log_density / 9))
    assert dict(shown_keys(panel))["mass in view"] == "0.950"
    # A hasty picture is too coarse to judge by.
    panel.set_density(dataclasses.replace(ends, log_density=ends.log_density[::4, ::4]))
    assert dict(shown_keys(panel))["mass in view"] == "0.950"


def test_the_density_panel_tells_how_much_was_not_reached(show, partial):
    panel = show(DensityPanel)
    panel.set_density(partial)
    assert [(key.name, key.value) for key in panel.legend._keys[1:]] == [
        ("mass in view", "0.477"),
        ("peak", "0.159"),
        ("not reached", "50\u00a0%"),
    ]


def test_the_density_lights_up_what_is_selected_elsewhere_and_rests_while_that_rests(
    show, density, make_flow
):
    panel = show(DensityPanel)
    panel.set_density(density)
    crowd = Crowd({"trajectory": make_flow(6)}, Selection((Mark("trajectory", 5),)))
    panel.set_crowd(crowd)
    panel.set_time(0.5)
    drawn = panel.lit.dots.data
    assert (drawn["x"].tolist(), drawn["y"].tolist()) == ([1.5], [1.0])
    panel.set_crowd(dataclasses.replace(crowd, flows=dict(crowd.flows)))
    assert panel.lit.dots.data is drawn
    panel.set_density(None)
    assert not len(panel.lit.dots.data)


def test_in_the_density_a_trajectory_is_pointed_at_where_it_is_then(show, density, make_flow, qtbot):
    panel = show(DensityPanel)
    panel.set_density(density)
    panel.set_crowd(Crowd({"trajectory": make_flow(6)}))
    panel.set_time(0.5)
    panel.grab()
    plot = panel.plot
    place = plot.mapFromScene(plot.getViewBox().mapViewToScene(QPointF(1.5, 1.0)))
    with qtbot.waitSignal(panel.marked, check_params_cb=lambda mark: mark == Mark("trajectory", 5)):
        qtbot.mouseMove(plot.viewport(), place)
    with qtbot.waitSignal(panel.selected) as selected:
        qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert selected.args == [(Mark("trajectory", 5),), False]
    panel.set_crowd(Crowd({"trajectory": make_flow(6)}, Selection(selected.args[0])))
    seen = panel.grab().toImage()
    at = plot.mapTo(panel, plot.mapFromScene(plot.getViewBox().mapViewToScene(QPointF(1.5, 1.0))))
    assert seen.pixelColor(at) == QColor(panel.theme.colors.selected)


def test_contours_lie_a_nat_apart(show, density):
    """For the standard normal the contour n nats below the peak is the circle of radius sqrt(2 n)."""
    panel = show(DensityPanel)
    panel.set_density(density)
    radius = np.hypot(*panel._contours.items[0]._lines[:, :2].T)
    top = density.log_density.max() + np.log(2 * np.pi)
    nearest = np.abs(radius[:, None] - np.sqrt(2 * (np.arange(1, 6) - top))).min(axis=1)
    assert nearest.max() < 0.02


def test_the_decision_panel_draws_the_even_line(show, decision):
    panel = show(DensityPanel)
    panel.set_decision(decision)
    np.testing.assert_allclose(panel._map.items[1]._lines[:, [0, 2]], 0.0, atol=1e-6)
    assert panel.bar._title == "p(class 0)"
    panel.set_decision(None)
    assert panel.plot._message.isVisible()


def test_over_regions_of_a_time_lie_the_points_of_that_time_and_over_a_density_the_data(
    show, decision, density, make_flow
):
    panel, flow = show(DensityPanel), make_flow()
    data = DataResult(np.array([[0.3, 0.4]]), np.array([0]))
    dots = panel._data.items[0]
    panel.set_data(data)
    panel.set_decision(dataclasses.replace(decision, t=0.0))
    np.testing.assert_array_equal(dots._points, data.points)
    panel.set_decision(dataclasses.replace(decision, t=float(flow.t[-1])))
    assert not len(dots._points), "where the data are then is not known yet"
    panel.set_crowd(Crowd({"trajectory": flow}))
    np.testing.assert_allclose(dots._points, flow.paths[-1])
    panel.set_decision(dataclasses.replace(decision, t=float(flow.t[0])))
    np.testing.assert_allclose(dots._points, flow.paths[0])
    panel.set_density(density)
    np.testing.assert_array_equal(dots._points, data.points)


def test_points_are_drawn_within_the_map_alone(show, density):
    panel = show(DensityPanel)
    data = DataResult(np.array([[0.3, 0.4], [50.0, 0.0], [np.nan, 0.0]]), np.array([0, 1, 0]))
    panel.set_data(data)
    panel.set_density(density)
    dots = panel._data.items[0]
    np.testing.assert_array_equal(dots._points, data.points[:1])
    wide = dataclasses.replace(density.extent, x1=60.0)
    panel.set_density(dataclasses.replace(density, extent=wide))
    np.testing.assert_array_equal(dots._points, data.points[:2])
