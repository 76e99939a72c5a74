import re
from collections import Counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QLabel

from odeviz.app.actions import ACTIONS, MENUS, Actions
from odeviz.app.palette import CommandPalette, score
from odeviz.app.search_words import SEARCH_WORDS
from odeviz.app.shortcut_sheet import ShortcutSheet
from odeviz.app.situation import Situation
from odeviz.bridge import Phase
from odeviz.state import LAYERS
from odeviz.tasks.presets import PRESETS
from odeviz.widgets.menu import plain, with_keys
from odeviz.widgets.theme import Theme

SPECS = {spec.key: spec for spec in ACTIONS}


@pytest.fixture
def actions(qtbot):
    theme = Theme("light")
    actions = Actions(theme)
    yield actions
    actions.deleteLater()
    theme.deleteLater()


def test_keys_and_shortcuts_are_unique():
    assert max(Counter(spec.key for spec in ACTIONS).values()) == 1
    assert max(Counter(spec.shortcut for spec in ACTIONS if spec.shortcut).values()) == 1


@pytest.mark.parametrize("spec", ACTIONS, ids=lambda spec: spec.key)
def test_every_action_has_a_menu_and_a_tooltip_that_is_a_sentence(spec):
    assert spec.menu in MENUS
    assert spec.title
    assert spec.tooltip.rstrip(")").endswith(".") or "(" in spec.tooltip


def test_every_action_has_an_icon_of_the_set(qapp):
    import qtawesome

    for spec in ACTIONS:
        assert qtawesome.charmap(f"ph.{spec.icon}"), spec.key


@pytest.mark.parametrize(
    ("words", "key"),
    [
        *((word, "export_film") for word in ("gif", "film", "video", "movie", "animation")),
        ("screenshot", "export_view"),
    ],
)
def test_people_find_an_action_by_what_they_call_it(words, key):
    rated = {spec.key: score(words, spec) for spec in ACTIONS}
    assert min((rate, name) for name, rate in rated.items() if rate is not None)[1] == key


def test_search_words_are_of_actions_there_are():
    assert set(SEARCH_WORDS) <= {part for key in SPECS for part in (key, key.partition(".")[0])}


def test_every_preset_and_every_layer_has_its_action():
    assert {f"preset.{name}" for name in PRESETS} <= SPECS.keys()
    assert {f"layer.{key}" for key in LAYERS} <= SPECS.keys()


def test_nothing_can_be_saved_or_exported_without_a_model(actions):
    actions.update(Situation(has_model=False))
    for key in ("export_figure", "export_view", "export_data", "play"):
        assert not actions[key].isEnabled()
    actions.update(Situation(has_model=True))
    assert actions["save"].isEnabled()


def test_train_is_called_pause_while_training(actions):
    actions.update(Situation(phase=Phase.TRAINING))
    assert actions["train"].text() == "Pause"
    assert not actions["step"].isEnabled()
    actions.update(Situation(phase=Phase.PAUSED))
    assert actions["train"].text() == "Train"


def test_a_switch_shows_the_state_and_not_the_click(actions):
    actions.update(Situation(has_model=True, playing=False))
    seen = []
    actions.triggered.connect(seen.append)
    actions["play"].trigger()
    assert seen == ["play"]
    assert not actions["play"].isChecked()
    actions.update(Situation(has_model=True, playing=True))
    assert actions["play"].isChecked()


def test_a_tooltip_names_the_shortcut(actions):
    assert isinstance(actions["save"], QAction)
    assert "Ctrl+S" in actions["save"].toolTip()


def test_the_palette_finds_by_the_start_of_words_first():
    assert score("exp fig", SPECS["export_figure"]) == 0
    assert score("xport", SPECS["export_figure"]) == 1
    assert score("svg", SPECS["export_figure"]) == 3
    assert score("banana", SPECS["export_figure"]) is None


def test_the_palette_finds_words_run_together_and_slips_of_the_finger():
    assert score("expfig", SPECS["export_figure"]) == 4
    assert score("figexp", SPECS["export_figure"]) is None
    assert score("exprot figure", SPECS["export_figure"]) == 5


def test_the_palette_finds_an_action_by_what_it_is_called_now(actions):
    actions.update(Situation(can_undo=True, undo_text="tolerance 0.01", recent=("/data/my&model.odeviz",)))
    palette = CommandPalette(actions, actions._theme)
    for typed, told in (("tolerance 0.01", "Undo tolerance 0.01"), ("mymodel", "my&model.odeviz  (/data)")):
        palette.line.setText(typed.replace("mymodel", "my&mod"))
        assert palette.rows.rows[0].title == told
    palette.deleteLater()


@pytest.mark.qt_log_ignore("does not support", extend=True)
def test_in_the_palette_keys_and_the_mouse_choose(qtbot, actions):
    actions.update(Situation(has_model=True))
    chosen = []
    for how in ("typed", "by arrows", "by the mouse"):
        palette = CommandPalette(actions, actions._theme)
        palette.chosen.connect(chosen.append)
        palette.show()
        qtbot.keyClicks(palette.line, "export data" if how == "typed" else "export")
        assert palette.rows.rows[0].title.startswith("Export")
        second = palette.list.visualRect(palette.rows.index(1, 0)).center()
        if how == "by arrows":
            qtbot.keyClick(palette.line, Qt.Key.Key_Down)
            assert palette.list.currentIndex().row() == 1
        if how == "by the mouse":
            qtbot.mouseClick(palette.list.viewport(), Qt.MouseButton.LeftButton, pos=second)
        else:
            qtbot.keyClick(palette.line, Qt.Key.Key_Return)
        assert not palette.isVisible()
        palette.deleteLater()
    assert chosen[0] == "export_data"
    assert chosen[1] == chosen[2] != chosen[0]


def test_the_palette_offers_only_what_can_be_done_now(actions):
    actions.update(Situation(has_model=False))
    palette = CommandPalette(actions, actions._theme)
    palette.line.setText("export")
    titles = [row.title for row in palette.rows.rows]
    assert titles
    assert not any(title.startswith("Export") for title in titles)
    palette.deleteLater()


def test_the_palette_says_when_nothing_fits_and_return_does_nothing(qtbot, actions):
    palette = CommandPalette(actions, actions._theme)
    chosen = []
    palette.chosen.connect(chosen.append)
    qtbot.keyClicks(palette.line, "qqq zzz")
    assert palette.rows.rows[0].title == "Nothing that can be done now fits “qqq zzz”"
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert chosen == []
    palette.deleteLater()


def test_the_sheet_has_every_shortcut_and_is_made_from_the_registry(qtbot):
    sheet = ShortcutSheet()
    told = [label.text() for label in sheet.findChildren(QLabel)]
    for spec in ACTIONS:
        if spec.shortcut:
            assert spec.title.rstrip("…") in told, spec.key
            assert QKeySequence(spec.shortcut).toString(QKeySequence.SequenceFormat.NativeText) in told
    assert {"Flow view", "Drag a seed"} <= set(told)
    sheet.deleteLater()


def test_every_entry_of_every_menu_has_a_letter_of_its_own(rig):
    def look_at(menu):
        menu.aboutToShow.emit()
        entries = [action for action in menu.actions() if not action.isSeparator()]
        marks = [re.findall(r"&([^&])", action.text().replace("&&", ""))[-1:] for action in entries]
        letters = [mark[0].lower() for mark in marks if mark]
        assert len(letters) == len(set(letters)) == len(entries), menu.title()
        return [action.menu() for action in entries if action.menu() is not None]

    bar = rig.window.menuBar()
    titles = [action.text() for action in bar.actions()]
    assert len({title[title.index("&") + 1].lower() for title in titles}) == len(MENUS)
    below = [menu for action in bar.actions() for menu in look_at(action.menu())]
    assert len(below) > 15
    for menu in below:
        look_at(menu)


def test_letters_are_found_even_where_the_first_are_taken_and_stay_as_they_are():
    texts = ["ab", "a", "b c", "Save & load", ""]
    marked = with_keys(texts)
    assert [plain(text) for text in marked] == texts
    assert marked == with_keys(texts) == ["a&b", "&a", "b &c", "&Save && load", ""]
