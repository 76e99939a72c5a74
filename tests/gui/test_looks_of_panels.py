"""What every panel looks like, in each of its modes: each is compared with its picture (``picture_book``)."""

from types import SimpleNamespace

import pytest
import scenes_of_flow
import scenes_of_panels
from picture_book import SCALES, apart, check, coarse, even_letters, known, pixels, still

from odeviz.widgets.primitives import pen

SCENES = {**scenes_of_flow.SCENES, **scenes_of_panels.SCENES}


@pytest.fixture(autouse=True)
def _letters(qapp, monkeypatch):
    before = even_letters(qapp, monkeypatch)
    yield
    qapp.setFont(before)


@pytest.fixture
def kit(_letters, theme, show, make_flow, field, density, decision, partial, data, history, steps):
    """What scenes are made of."""
    return SimpleNamespace(
        theme=theme, show=show, flow=make_flow, field=field, density=density, decision=decision,
        partial=partial, data=data, history=history, steps=steps,
    )  # fmt: skip


@pytest.mark.parametrize("name", SCENES)
def test_a_panel_looks_as_it_did_in_light_and_dark_and_at_two_pixels_a_pixel(name, kit, theme):
    check(name, SCENES[name](kit), theme)


def _lose_the_legend(panel):
    panel.legend.set_keys([])


def _lose_the_mean(panel):
    panel._curves["mean"][0].setVisible(False)


def _take_another_colour(panel):
    panel._curves["forward"][0].set_pen(pen(panel.theme.colors.success, 1.5))


def _lose_a_layer(view):
    view.set_layers({"trajectories": False})


def _lose_the_scale(panel):
    panel.bar.set_scale("", (), ())


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("loss", _lose_the_legend), ("loss", _lose_the_mean), ("nfe", _take_another_colour),
        ("flow-boundary", _lose_a_layer), ("density", _lose_the_scale),
    ],
)  # fmt: skip
def test_a_panel_that_has_lost_something_is_found_out(name, spoil, kit):
    panel, pictures = SCENES[name](kit), known(name)
    still(panel)
    assert not apart(coarse(pixels(panel, 1), 1), pictures["light", 1])
    spoil(panel)
    still(panel)
    for scale in SCALES:
        assert apart(coarse(pixels(panel, scale), scale), pictures["light", scale])
