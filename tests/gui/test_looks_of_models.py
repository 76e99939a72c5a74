"""What the flow of shipped models looks like: each is compared with its picture (``picture_book``)."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import scenes_of_models
from picture_book import NUMBERED, SHARE, apart, check_stages, coarse, even_letters, known, pixels, still

from odeviz.state import Selection


@pytest.fixture
def kit(qapp, monkeypatch, theme, show):
    """What scenes are made of."""
    before = even_letters(qapp, monkeypatch)
    yield SimpleNamespace(theme=theme, show=show)
    qapp.setFont(before)


@pytest.mark.parametrize("name", scenes_of_models.SIGHTS)
def test_a_models_flow_looks_as_it_did_in_light_and_dark_and_at_two_pixels_a_pixel(name, kit, theme):
    check_stages(scenes_of_models.scene(name, kit), {name: lambda: None}, theme, share(name))


def share(name):
    return NUMBERED if scenes_of_models.SIGHTS[name].numbered else SHARE


def _stand_on_its_head(view, found):
    density = found["density"]
    view.set_density(dataclasses.replace(density, log_density=density.log_density[::-1]))


def _forget_the_selection(view, found):
    view.set_selection(Selection())


def _lag_behind(view, found):
    view.set_time(0.9 * float(found["flow"].t[-1]))


def _round_otherwise(view, found):
    """What another machine's last digits would make of it."""
    flow = found["flow"]
    noise = 1e-4 * np.sin(np.arange(flow.paths.size)).reshape(flow.paths.shape)
    view.set_flow(dataclasses.replace(flow, paths=flow.paths + noise))


@pytest.mark.parametrize(
    ("name", "change", "seen"),
    [
        ("model-density", _stand_on_its_head, True),
        ("model-selected", _forget_the_selection, True),
        ("model-selected", _lag_behind, True),
        ("model-density", _round_otherwise, False),
    ],
)
def test_a_fault_in_a_models_flow_is_found_out_but_not_a_last_digit(name, change, seen, kit):
    view = scenes_of_models.scene(name, kit)
    change(view, scenes_of_models.answers(name))
    still(view)
    told = apart(coarse(pixels(view, 1), 1), known(name)["light", 1], share(name))
    assert bool(told) == seen
