"""The gallery: cards that open presets, found by words."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from odeviz.app.gallery import Gallery
from odeviz.exporting.cards import SIDE
from odeviz.storage.paths import card, pretrained
from odeviz.tasks.presets import PRESETS
from odeviz.widgets.theme import Theme


@pytest.fixture
def gallery(qtbot):
    theme = Theme("light")
    gallery = Gallery(theme)
    gallery.show()
    yield gallery
    gallery.deleteLater()
    theme.deleteLater()


def shown(gallery):
    return [
        each.name for section in gallery._sections for each, _ in section._cards if each.isVisibleTo(gallery)
    ]


def test_every_preset_has_a_card(gallery):
    assert sorted(shown(gallery)) == sorted(PRESETS)


def test_words_find_cards_and_return_opens_the_first(qtbot, gallery):
    qtbot.keyClicks(gallery._search, "two moons")
    found = shown(gallery)
    assert "moons-density" in found
    assert "rings-density" not in found
    with qtbot.waitSignal(gallery.chosen) as chosen:
        qtbot.keyClick(gallery._search, Qt.Key.Key_Return)
    assert chosen.args == [found[0]]


def test_words_that_no_preset_has_say_so(qtbot, gallery):
    qtbot.keyClicks(gallery._search, "zzz")
    assert shown(gallery) == []
    assert gallery._nothing.isVisibleTo(gallery)
    qtbot.keyClick(gallery._search, Qt.Key.Key_Return)
    assert gallery.isVisible()


def test_a_click_and_the_space_bar_choose_a_card(qtbot, gallery):
    first = gallery._sections[0]._cards[0][0]
    with qtbot.waitSignal(gallery.chosen) as chosen:
        qtbot.keyClick(first, Qt.Key.Key_Space)
    assert chosen.args == [first.name]
    assert not gallery.isVisible()
    gallery.show()
    second = gallery._sections[0]._cards[1][0]
    with qtbot.waitSignal(gallery.chosen) as chosen:
        qtbot.mouseClick(second, Qt.MouseButton.LeftButton)
    assert chosen.args == [second.name]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", [name for name in PRESETS if pretrained(name)])
def test_a_shipped_models_card_is_a_picture(name, dark):
    path = card(name, dark)
    assert path is not None, f"python resources/build.py --cards {name}"
    image = QImage(str(path)).convertToFormat(QImage.Format.Format_RGB32)
    assert (image.width(), image.height()) == (SIDE, SIDE)
    pixels = np.frombuffer(image.constBits(), np.uint32)
    assert len(np.unique(pixels)) > 20


def test_every_card_lies_on_the_ground_of_its_theme():
    for name in PRESETS:
        for dark in (False, True):
            image = QImage(str(card(name, dark))).convertToFormat(QImage.Format.Format_Grayscale8)
            rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
            assert (np.median(rows[:, [0, -1]]) < 110) == dark, name


def test_the_beginnings_of_words_count_before_what_is_within_them(qtbot, gallery):
    """Spirals are generated and separated: "rate" is within many words, and begins few."""
    qtbot.keyClicks(gallery._search, "rate")
    assert "sine-poisson" in shown(gallery)
    assert "latent-spirals" not in shown(gallery)
    gallery._search.clear()
    qtbot.keyClicks(gallery._search, "oons")
    assert "moons-density" in shown(gallery)
