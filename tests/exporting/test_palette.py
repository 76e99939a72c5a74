"""The palette's promise: colours stay apart for every kind of colour vision, and legible on their ground."""

import itertools
import re
from dataclasses import fields

import numpy as np
import pytest
from matplotlib import colormaps

from odeviz.exporting.palette import DARK, LIGHT, Palette, channels, mix, palette
from odeviz.widgets import theme

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def linear(color: str) -> np.ndarray:
    c = np.array(channels(color))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Ottosson (2020)."""
    to_lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    to_lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return to_lab @ np.cbrt(to_lms @ np.clip(rgb, 0, 1))


def contrast(a: str, b: str) -> float:
    """WCAG 2 contrast ratio."""
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (a, b))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("vision", VISION)
def test_marks_stay_apart_for_every_vision(colors: Palette, vision: str) -> None:
    others = [colors.danger, colors.accent]
    for marks, least in (([*colors.classes[:5], *others], 0.12), ([*colors.classes, *others], 0.11)):
        for a, b in itertools.combinations(marks, 2):
            distance = np.linalg.norm(oklab(VISION[vision] @ linear(a)) - oklab(VISION[vision] @ linear(b)))
            assert distance >= least, f"{a} and {b}"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("vision", VISION)
def test_the_windows_accepted_and_rejected_ticks_stay_apart(dark: bool, vision: str) -> None:
    c = theme.colors(dark)
    for accepted in (c.accent, c.muted):
        pair = [oklab(VISION[vision] @ linear(each)) for each in (accepted, c.danger)]
        assert np.linalg.norm(pair[0] - pair[1]) >= 0.12


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast_with_the_ground(colors: Palette) -> None:
    assert contrast(colors.text, colors.ground) >= 12
    assert min(contrast(colors.muted, ground) for ground in (colors.ground, colors.raised)) >= 4.5
    assert contrast(colors.danger, colors.ground) >= 4.5
    assert contrast(colors.accent, colors.ground) >= 3.0
    assert min(contrast(color, colors.ground) for color in colors.classes) >= 1.9
    assert min(contrast(color, colors.ground) for color in colors.classes[:2]) >= 3.0


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_every_role_is_a_plain_color_or_a_known_map(colors: Palette) -> None:
    for role in fields(colors):
        value = getattr(colors, role.name)
        for name in value if isinstance(value, tuple) else (value,):
            assert name in colormaps if role.name.endswith("_map") else re.fullmatch(r"#[0-9A-F]{6}", name)


@pytest.mark.parametrize("name", [LIGHT.density_map, LIGHT.time_map, DARK.density_map, DARK.time_map])
def test_maps_grow_lighter_evenly(name: str) -> None:
    """Perceptual uniformity: every tenth of a map adds a similar share of lightness."""
    rgb = colormaps[name](np.linspace(0, 1, 11))[:, :3]
    light = [oklab(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4))[0] for c in rgb]
    steps = np.diff(light)
    assert steps.min() > 0
    assert steps.max() < 2.5 * steps.min()


def test_classes_beyond_the_last_start_again_and_no_class_is_the_path() -> None:
    assert LIGHT.of_class(len(LIGHT.classes)) == LIGHT.classes[0]
    assert LIGHT.of_class(-1) == LIGHT.path


def test_mix_goes_from_one_color_to_the_other() -> None:
    assert mix("#000000", "#FF8040", 0.0) == "#000000"
    assert mix("#000000", "#FF8040", 0.5) == "#804020"
    assert mix("#000000", "#FF8040", 1.0) == "#FF8040"


def test_palette_by_ground() -> None:
    assert palette(dark=True) is DARK
    assert palette() is LIGHT
