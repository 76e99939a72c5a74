"""What the views of every task look like, of shipped models: each is compared with its picture (``picture_book``)."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import scenes_of_tasks
from picture_book import NUMBERED, SCALES, apart, check_stages, coarse, even_letters, known, pixels, still


@pytest.fixture
def kit(qapp, monkeypatch, theme, show):
    """What scenes are made of."""
    before = even_letters(qapp, monkeypatch)
    yield SimpleNamespace(theme=theme, show=show)
    qapp.setFont(before)


@pytest.mark.parametrize("preset", scenes_of_tasks.PRESETS)
def test_a_tasks_views_look_as_they_did_in_light_and_dark_and_at_two_pixels_a_pixel(preset, kit, theme):
    check_stages(*scenes_of_tasks.stages(preset, kit), theme, NUMBERED)


def _recoloured(picture):
    curves = tuple(
        dataclasses.replace(curve, role="second") if curve.role == "model" else curve
        for curve in picture.curves
    )
    return dataclasses.replace(picture, curves=curves)


def _dropped(picture):
    return dataclasses.replace(picture, curves=picture.curves[:-1])


def _upside_down(picture):
    flipped = [dataclasses.replace(one, values=one.values[::-1]) for one in picture.maps]
    return dataclasses.replace(picture, maps=tuple(flipped))


def _other_way(picture):
    curves = tuple(dataclasses.replace(curve, y=curve.y[::-1]) for curve in picture.curves)
    return dataclasses.replace(picture, curves=curves)


def _of_rounding(picture):
    """What another machine's last digits would make of it."""
    curves = tuple(
        dataclasses.replace(curve, y=curve.y * (1 + 1e-4 * np.sin(np.arange(len(curve.y)))))
        for curve in picture.curves
    )
    return dataclasses.replace(picture, curves=curves)


@pytest.mark.parametrize(
    ("preset", "key", "change", "seen"),
    [
        ("sine-poisson", "rate", _recoloured, True),
        ("sine-poisson", "rate", _dropped, True),
        ("flip-anode", "map", _other_way, True),
        ("lotka-volterra-universal", "missing", _upside_down, True),
        ("sine-poisson", "rate", _of_rounding, False),
    ],
)
def test_another_colour_a_curve_less_and_a_flipped_axis_are_found_out_but_not_a_last_digit(
    preset, key, change, seen, kit
):
    panel, bring = scenes_of_tasks.stages(preset, kit)
    name = f"{preset}-{key}"
    bring[name]()
    panel.set_picture(change(panel.picture))
    still(panel)
    for scale in SCALES:
        told = apart(coarse(pixels(panel, scale), scale), known(name)["light", scale], NUMBERED)
        assert bool(told) == seen
