"""The row above the flow view: layers, colours, projections, and words that give way."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from odeviz.analysis.projection import Projection
from odeviz.panels.flow_bar import WORDS_FIRST, FlowBar
from odeviz.state import COLOURINGS, LAYERS
from odeviz.tasks.classes import Classes


def test_every_layer_can_be_switched_and_says_so(qtbot, full):
    for key, layer in LAYERS.items():
        chip, shown = full.bar.chips[key], layer.shown
        assert chip.accessibleName() == ("Density" if key == "background" else layer.title)
        with qtbot.waitSignal(full.layer_toggled) as toggled:
            qtbot.mouseClick(chip, Qt.MouseButton.LeftButton)
        assert toggled.args == [key, not shown]
        assert all(item.isVisible() is not shown for item in full._layers[key].items)


def test_a_layer_that_is_not_offered_is_neither_in_the_legend_nor_drawn(full):
    full.set_offered(["trajectories", "seeds"])
    assert [key for key, chip in full.bar.chips.items() if not chip.isHidden()] == ["trajectories", "seeds"]
    assert not full._layers["arrows"].items[0].isVisible()
    full.set_offered(list(LAYERS))
    assert full._layers["arrows"].items[0].isVisible()


def test_showing_layers_emits_nothing(qtbot, full):
    with qtbot.assertNotEmitted(full.layer_toggled):
        full.set_layers({"arrows": False, "data": True})
    assert not full.bar.chips["arrows"].isChecked()


def test_paths_are_coloured_by_class_time_speed_and_cost(full, make_flow):
    everything = tuple(COLOURINGS)
    speed = np.linspace(1.0, 3.0, 30).reshape(5, 6)
    full.set_flow(make_flow(speed=speed, classes=Classes(names=("inner", "outer"))))
    assert [name for name, _ in full.overlays.key._scale.names] == ["inner", "outer"]
    assert full.paths.told(0).endswith(("inner", "outer"))
    full.set_colouring("time", None, everything)
    assert [len(group.lines) for group in full.paths._groups] == [6] * 4
    assert full.overlays.key._scale.limits == (0.0, 1.0)
    full.set_colouring("speed", None, everything)
    assert full.overlays.key._scale.title == "‖dz/dt‖"
    assert sum(len(group.lines) for group in full.paths._groups) == 24
    full.set_colouring("nfe", np.array([20.0, 20.0, 50.0, 50.0, 50.0, 20.0]), everything)
    assert full.overlays.key._scale.ends == ("20", "50")
    assert len(full.paths._groups) == 2


def test_paths_without_classes_are_not_said_to_be_coloured_by_them(full, make_flow):
    button = full.bar.colouring
    assert button.text() == "Class"
    full.set_flow(make_flow(labels=np.full(6, -1)))
    assert button.text() == button.menu().actions()[0].text() == "One colour"
    assert "no classes" in button.toolTip()
    full.set_flow(make_flow())
    assert button.text() == button.menu().actions()[0].text() == "Class"


def test_words_give_way_in_a_narrow_view(view, qtbot):
    chip = view.bar.chips["trajectories"]
    wide = chip.width()
    view.resize(320, 400)
    qtbot.waitUntil(lambda: chip.width() < wide)


def test_the_most_used_layers_keep_their_words_longest_and_none_is_cut_off(view, qtbot):
    bar = view.bar
    order = sorted(
        (key for key in LAYERS if key != "pinned"),
        key=lambda key: WORDS_FIRST.index(key) if key in WORDS_FIRST else len(WORDS_FIRST),
    )
    counts = []
    for wide in (1500, 900, 700, 620, 560, 500, 440):
        view.resize(wide, 400)
        qtbot.waitUntil(lambda wide=wide: bar.width() <= wide)
        bar.layout().activate()
        seen = [key for key in LAYERS if bar.chips[key].isVisible()]
        wordy = [key for key in seen if bar.chips[key].width() > bar.chips[key].minimumSizeHint().width()]
        assert sorted(wordy) == sorted(order[: len(wordy)]), "the first of them, shown or not"
        assert all(bar.chips[key].width() >= bar.chips[key].full_width() for key in wordy)
        assert bar.help.geometry().right() <= bar.width()
        if len(seen) == len(bar.names()):
            counts.append(len(wordy))
        else:
            # Beside the menu that names all, each that has room has its word.
            assert wordy == seen != []
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == len(order)
    assert any(0 < count < len(order) for count in counts)


@pytest.mark.qt_log_ignore("does not support", extend=True)
def test_a_shorter_word_for_the_background_leaves_room_for_all_words(show):
    bar = show(FlowBar, size=(1000, 34))
    bar.set_layers({key: layer.shown for key, layer in LAYERS.items()})
    width = bar.width()

    def words():
        return sum(chip.sizeHint().width() > chip.minimumSizeHint().width() for chip in bar.chips.values())

    many = words()
    while words() == many:
        width -= 4
        bar.resize(width, 34)
    bar.name_background("Density", bar.chips["background"]._swatch)
    assert words() == many


@pytest.mark.parametrize("size", [(900, 34), (640, 34), (480, 34)])
@pytest.mark.qt_log_ignore("does not support", extend=True)
def test_nothing_moves_when_layers_are_switched_or_a_setting_is_pinned(qtbot, show, size):
    bar = show(FlowBar, size=size)
    bar.set_offered([key for key in LAYERS if key != "pinned"])

    def places():
        bar.layout().activate()
        return {
            key: chip.geometry() for key, chip in bar.chips.items() if chip.isVisible() and key != "pinned"
        }

    before = places()
    for key in before:
        on = bar.chips[key].isChecked()
        qtbot.mouseClick(bar.chips[key], Qt.MouseButton.LeftButton)
        assert places() == before
        assert bar.chips[key].isChecked() is not on
        assert bar.childAt(before[key].center()) is bar.chips[key]
    bar.set_offered(list(LAYERS))
    order = list(LAYERS)
    moved = [key for key, place in places().items() if place.left() != before[key].left()]
    assert all(order.index(key) > order.index("pinned") for key in moved)


@pytest.mark.qt_log_ignore("does not support", extend=True)
def test_where_no_layer_has_room_a_menu_names_them_all_and_switches_them(view, qtbot):
    view.resize(300, 400)
    qtbot.waitUntil(lambda: view.bar.chips["data"].isHidden())
    menu = view.bar.layers.menu()
    menu.popup(view.bar.layers.mapToGlobal(QPoint(0, 0)))
    assert [action.text().split("\t")[0] for action in menu.actions()] == view.bar.names()
    (streams,) = [action for action in menu.actions() if action.text() == "Streamlines\tAlt+Shift+3"]
    assert not streams.isChecked()
    with qtbot.waitSignal(view.layer_toggled) as toggled:
        qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(streams).center())
    assert toggled.args == ["streamlines", True]


def test_the_legend_says_what_can_be_projected_and_how(deep, qtbot):
    button = deep.bar.projection
    assert not button.isHidden()
    assert button.text() == "x, y, z"
    chosen = []
    deep.projection_chosen.connect(chosen.append)
    actions = {action.text(): action for action in button.menu().actions()}
    actions["Axes"].trigger()
    third = next(action.menu() for text, action in actions.items() if text.startswith("Axis 3"))
    third.actions()[0].trigger()
    assert chosen == [Projection("axes", (0, 1)), Projection("space", (2, 1, 0), (-90.0, 90.0))]
