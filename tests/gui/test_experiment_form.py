import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QKeySequence, QShortcut, QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel, QToolButton

from odeviz.panels.experiment_form import ExperimentForm
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.presets import PRESETS
from odeviz.tasks.registry import TASKS


@pytest.fixture
def form(show):
    form = show(ExperimentForm, size=(320, 900))
    form.set_experiment(Experiment(), None)
    form.set_presets(PRESETS)
    return form


def control(form, path):
    return form._rows[path].control


def type_in(qtbot, form, path, text, enter=True):
    box = control(form, path)
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, text)
    if enter:
        qtbot.keyClick(box, Qt.Key.Key_Return)


def test_every_setting_of_an_experiment_has_a_row(form):
    assert set(form._rows) == {entry.path for entry in Experiment().entries()}


def test_every_control_explains_itself(form):
    for entry in Experiment().entries():
        assert entry.about.help in control(form, entry.path).toolTip()
        assert control(form, entry.path).accessibleName() == entry.about.label


def test_showing_an_experiment_emits_nothing(qtbot, form):
    with qtbot.assertNotEmitted(form.edited), qtbot.assertNotEmitted(form.preset_chosen):
        for preset in PRESETS.values():
            form.set_experiment(preset.experiment, None)
            form.set_preset(preset.name)


def test_settings_that_do_not_apply_are_hidden(form):
    form.set_experiment(Experiment(), None)
    assert form._rows["solver.rtol"].isVisibleTo(form)
    assert not form._rows["solver.steps"].isVisibleTo(form)
    form.set_experiment(Experiment().with_setting("solver.method", "rk4"), None)
    assert not form._rows["solver.rtol"].isVisibleTo(form)
    assert form._rows["solver.steps"].isVisibleTo(form)


def test_only_data_sets_of_the_task_are_offered(form):
    form.set_experiment(Experiment(), None)
    box = control(form, "data.name")
    assert [box.itemData(i) for i in range(box.count())] == ["moons", "circles", "spirals", "annuli", "own"]


def test_only_ways_to_a_gradient_that_the_method_has_are_offered(form):
    form.set_experiment(Experiment().with_setting("solver.method", "adams"), None)
    box = control(form, "solver.adjoint")
    assert [box.itemData(i) for i in range(box.count())] == ["discrete", "backprop"]


def test_undo_in_a_box_where_nothing_is_typed_is_the_windows(qtbot, form):
    undone = []
    undo = QShortcut(QKeySequence.StandardKey.Undo, form)
    undo.activated.connect(lambda: undone.append(True))
    type_in(qtbot, form, "field.width", "77", enter=False)
    qtbot.keyClick(control(form, "field.width"), Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not undone
    qtbot.keyClick(control(form, "field.width"), Qt.Key.Key_Return)
    qtbot.keyClick(control(form, "field.width"), Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert undone


def test_the_settings_stay_where_they_are_when_one_needs_a_restart(form):
    running, row = Experiment(), form._rows["field.width"]
    form.set_experiment(running, running)
    before = row.mapTo(form, row.rect().topLeft())
    form.set_experiment(running.with_setting("field.width", 32), running)
    form.layout().activate()
    assert form._banner.isVisible()
    assert row.mapTo(form, row.rect().topLeft()) == before


def test_a_number_is_emitted_when_it_is_entered_not_while_it_is_typed(qtbot, form):
    with qtbot.assertNotEmitted(form.edited):
        type_in(qtbot, form, "training.iterations", "25", enter=False)
    with qtbot.waitSignal(form.edited) as edited:
        qtbot.keyClick(control(form, "training.iterations"), Qt.Key.Key_Return)
    assert edited.args == ["training.iterations", 25]


def test_what_is_wrong_is_said_at_the_setting_while_it_is_typed(qtbot, form):
    with qtbot.assertNotEmitted(form.edited):
        type_in(qtbot, form, "data.noise", "2")
    row = form._rows["data.noise"]
    assert row._error.isVisibleTo(form)
    assert row._error.text() == "Noise must be a number from 0 to 1, not 2.0"
    type_in(qtbot, form, "data.noise", "0.2")
    assert not row._error.isVisibleTo(form)


def test_what_is_typed_replaces_the_number_that_tab_has_come_to(qtbot, form):
    box = control(form, "training.seconds")
    qtbot.keyClick(control(form, "training.iterations"), Qt.Key.Key_Tab)
    box.selectAll()
    # The form is shown again, with what was entered before.
    form.set_experiment(Experiment().with_setting("training.iterations", 30), None)
    qtbot.keyClicks(box, "3")
    assert box.text() == "3"


def test_words_in_a_number_are_refused_with_a_sentence(qtbot, form):
    with qtbot.assertNotEmitted(form.edited):
        type_in(qtbot, form, "field.width", "many")
    assert (
        form._rows["field.width"]._error.text() == "Width must be a whole number from 1 to 1024, not 'many'"
    )


def test_what_cannot_be_used_stands_beside_its_sentence_until_it_is_mended_or_another_model_comes(
    qtbot, form
):
    type_in(qtbot, form, "training.iterations", "99999999")
    row, box = form._rows["training.iterations"], control(form, "training.iterations")
    assert row._error.text() == "Iterations must be a whole number from 1 to 1,000,000, not 99999999"
    other = Experiment().with_setting("field.width", 32)
    form.set_experiment(other, other)
    assert box.text() == "99999999"
    qtbot.keyClick(box, Qt.Key.Key_Escape)
    assert (box.text(), row._error.text()) == (str(other.training.iterations), "")
    type_in(qtbot, form, "training.iterations", "some")
    form.forget_errors()
    form.set_experiment(other, other)
    assert (box.text(), row._error.text()) == (str(other.training.iterations), "")


def test_escape_takes_back_what_was_typed(qtbot, form):
    type_in(qtbot, form, "field.width", "-5", enter=False)
    assert form._rows["field.width"]._error.isVisibleTo(form)
    qtbot.keyClick(control(form, "field.width"), Qt.Key.Key_Escape)
    assert control(form, "field.width").text() == "64"
    assert not form._rows["field.width"]._error.isVisibleTo(form)


@pytest.mark.parametrize(
    ("path", "start", "key", "fine", "there"),
    [
        ("field.width", 64, Qt.Key.Key_Up, False, 128),
        ("field.width", 100, Qt.Key.Key_Down, False, 64),
        ("field.width", 100, Qt.Key.Key_Up, True, 101),
        ("training.lr", 5e-3, Qt.Key.Key_Down, False, 1e-3),
        ("training.lr", 5e-3, Qt.Key.Key_Down, True, 2e-3),
        ("solver.rtol", 1e-3, Qt.Key.Key_PageDown, False, 1e-6),
        ("training.iterations", 1000, Qt.Key.Key_Up, False, 2000),
        ("training.patience", 0, Qt.Key.Key_Up, False, 100),
        ("training.patience", 100, Qt.Key.Key_Down, False, 0),
        ("training.weight_decay", 1e-5, Qt.Key.Key_Up, False, 1e-4),
        ("data.noise", 0.1, Qt.Key.Key_Up, False, 0.11),
    ],
)
def test_a_setting_steps_in_its_natural_way(qtbot, form, path, start, key, fine, there):
    form.set_experiment(Experiment().with_setting(path, start), None)
    held = Qt.KeyboardModifier.ControlModifier if fine else Qt.KeyboardModifier.NoModifier
    with qtbot.waitSignal(form.edited) as edited:
        qtbot.keyClick(control(form, path), key, held)
    assert edited.args == [path, pytest.approx(there)]


def test_a_unit_and_the_name_of_zero_are_shown_and_may_be_typed(qtbot, form):
    assert control(form, "training.seconds").text() == "none"
    with qtbot.waitSignal(form.edited) as edited:
        type_in(qtbot, form, "training.seconds", "30 s")
    assert edited.args == ["training.seconds", 30.0]
    form.set_experiment(Experiment().with_setting("training.seconds", 30.0), None)
    assert control(form, "training.seconds").text() == "30 s"
    with qtbot.waitSignal(form.edited) as edited:
        type_in(qtbot, form, "training.seconds", "none")
    assert edited.args == ["training.seconds", 0]
    with qtbot.waitSignal(form.edited) as edited:
        type_in(qtbot, form, "training.seconds", "2 min")
    assert edited.args == ["training.seconds", 120.0]
    with qtbot.waitSignal(form.edited) as edited:
        type_in(qtbot, form, "training.iterations", "3e3 it")
    assert edited.args == ["training.iterations", 3000]
    with qtbot.assertNotEmitted(form.edited):
        type_in(qtbot, form, "training.seconds", "20 it")
    row = form._rows["training.seconds"]
    assert row._error.text() == "Time limit must be a number from 0 to 10,000,000 s, not '20 it'"


def test_a_changed_setting_has_a_dot_that_takes_it_back(qtbot, form):
    preset = PRESETS["moons-classifier"]
    form.set_base(preset)
    form.set_experiment(preset.experiment.with_setting("field.width", 7), None)
    shown = {path for path, row in form._rows.items() if row._dot.isVisibleTo(form)}
    assert shown == {"field.width"}
    dot = form._rows["field.width"]._dot
    assert f"Changed from {preset.experiment.field.width}" in dot.toolTip()
    with qtbot.waitSignal(form.edited) as edited:
        qtbot.mouseClick(dot, Qt.MouseButton.LeftButton)
    assert edited.args == ["field.width", preset.experiment.field.width]


@pytest.mark.qt_log_ignore("does not support", extend=True)
def test_the_list_of_changes_names_old_and_new_and_takes_them_back(qtbot, form):
    preset = PRESETS["moons-classifier"]
    form.set_base(preset)
    form.set_experiment(preset.experiment, None)
    assert not form._changes.isEnabled()
    form.set_experiment(preset.experiment.with_settings({"field.width": 7, "training.patience": 300}), None)
    assert form._changes.text() == "2"
    qtbot.mouseClick(form._changes, Qt.MouseButton.LeftButton)
    shown = form._changes._list
    told = [label.text() for label in shown._body.findChildren(QLabel)]
    width = str(preset.experiment.field.width)
    assert told == ["Width", width, "→", "7", "Patience", "none", "→", "300 iterations"]
    with qtbot.waitSignal(form.edited) as edited:
        qtbot.mouseClick(shown.findChild(QToolButton, "training.patience"), Qt.MouseButton.LeftButton)
    assert edited.args == ["training.patience", 0]
    with qtbot.waitSignal(form.reset_requested):
        qtbot.mouseClick(shown.all, Qt.MouseButton.LeftButton)
    assert not shown.isVisible()


def test_hot_and_cold_settings_are_told_apart(form):
    form.set_experiment(Experiment(), None)
    assert form._rows["training.lr"]._mark._name == "lightning"
    assert "needs a restart" in form._rows["field.width"]._mark.toolTip()
    form.set_experiment(Experiment(), Experiment())
    assert form._rows["training.lr"]._mark._name == "lightning-fill"


def test_steps_stop_at_the_ends(qtbot, form):
    form.set_experiment(Experiment().with_setting("field.depth", 8), None)
    with qtbot.assertNotEmitted(form.edited):
        qtbot.keyClick(control(form, "field.depth"), Qt.Key.Key_Up)


def wheel(widget):
    """Turn the wheel over a widget; whether that keeps it for itself."""
    place = QPointF(widget.rect().center())
    event = QWheelEvent(
        place, QPointF(widget.mapToGlobal(place)), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


@pytest.mark.parametrize("path", ["field.activation", "field.depth"])
def test_the_wheel_turns_only_what_has_the_keyboard(path, qtbot, form):
    with qtbot.assertNotEmitted(form.edited):
        assert not wheel(control(form, path)), "it scrolls the form"
    form.activateWindow()
    control(form, path).setFocus()
    qtbot.waitUntil(control(form, path).hasFocus)
    with qtbot.waitSignal(form.edited) as edited:
        assert wheel(control(form, path))
    assert edited.args[0] == path


def test_a_choice_and_a_check_are_emitted(qtbot, form):
    form.set_experiment(PRESETS["moons-density"].experiment, None)
    with qtbot.waitSignal(form.edited) as edited:
        qtbot.keyClick(control(form, "field.activation"), Qt.Key.Key_Down)
    assert edited.args == ["field.activation", "sigmoid"]
    was = control(form, "solver.learn_t1").isChecked()
    with qtbot.waitSignal(form.edited) as edited:
        control(form, "solver.learn_t1").click()
    assert edited.args == ["solver.learn_t1", not was]


def test_a_change_of_task_is_left_to_whoever_takes_it(qtbot, form):
    """Circles is no density; the data set may be moved along."""
    form.set_experiment(Experiment().with_setting("data.name", "circles"), None)
    with qtbot.waitSignal(form.edited) as edited:
        qtbot.keyClick(control(form, "task"), Qt.Key.Key_Up)
    names = list(TASKS)
    assert edited.args == ["task", names[names.index("classification") - 1]]


def test_a_cold_change_offers_a_restart_and_a_hot_one_does_not(qtbot, form):
    running = Experiment()
    form.set_experiment(running.with_setting("training.lr", 0.01), running)
    assert not form._banner.isVisibleTo(form)
    form.set_experiment(running.with_setting("field.width", 32).with_setting("seed", 1), running)
    assert form._banner.isVisibleTo(form)
    assert form._banner_text.text() == "2 changes need a restart"
    assert "The running value is 64" in form._rows["field.width"]._mark.toolTip()
    with qtbot.waitSignal(form.restart_requested):
        form._restart.click()


def test_a_run_of_another_task_offers_a_restart(form):
    form.set_experiment(Experiment.of("flip"), Experiment())
    assert form._banner.isVisibleTo(form)


def test_choosing_a_preset_emits_its_name(qtbot, form):
    form.set_preset("moons-classifier")
    with qtbot.waitSignal(form.preset_chosen) as chosen:
        qtbot.keyClick(form._presets, Qt.Key.Key_Down)
    assert chosen.args == [list(PRESETS)[list(PRESETS).index("moons-classifier") + 1]]


def test_presets_stand_under_their_tasks_and_keys_pass_over_the_headings(qtbot, form):
    box = form._presets
    headings = [box.itemText(k) for k in range(box.count()) if box.itemData(k) is None]
    assert headings == [task.title for task in TASKS.values()]
    last = [name for name, preset in PRESETS.items() if preset.experiment.task == "density"][-1]
    form.set_preset(last)
    with qtbot.waitSignal(form.preset_chosen) as chosen:
        qtbot.keyClick(box, Qt.Key.Key_Down)
    assert PRESETS[chosen.args[0]].experiment.task == "variational"


def test_a_refusal_from_elsewhere_is_shown_until_the_value_changes(form):
    form.set_error("field.width", "No.")
    assert form._rows["field.width"]._error.isVisibleTo(form)
    form.set_experiment(Experiment().with_setting("field.width", 32), None)
    assert not form._rows["field.width"]._error.isVisibleTo(form)


def test_sections_fold(qtbot, form):
    section = form._sections["training"]
    section.heading.click()
    assert not form._rows["training.lr"].isVisibleTo(form)
    section.heading.click()
    assert form._rows["training.lr"].isVisibleTo(form)


@pytest.mark.parametrize("hint", ["sizeHint", "minimumSizeHint"])
def test_all_of_it_fits_its_preferred_and_its_least_width(form, hint):
    form.resize(getattr(form, hint)().width(), 900)
    QApplication.processEvents()
    form.grab()
    for row in form._rows.values():
        if row.isVisibleTo(form):
            assert row.mapTo(form, row.rect().topRight()).x() <= form.width()
            assert row._name.width() >= row._name.minimumSizeHint().width()


def test_another_tasks_settings_come_section_by_section_and_the_first_come_back(form):
    put_off = {}
    width = control(form, "field.width")
    form.set_experiment(PRESETS["latent-spirals"].experiment, None, later=put_off.__setitem__)
    assert "options.latent" not in form._rows
    # The same task once more, before all of it is there: nothing is drawn twice.
    form.set_experiment(PRESETS["latent-spirals"].experiment, None, later=put_off.__setitem__)
    form.set_note("options.latent", "learnt: 1")
    for draw in put_off.values():
        draw()
    assert control(form, "options.latent").isVisible()
    assert form._rows["options.latent"]._note.text() == "learnt: 1"
    kept = form._rows["options.latent"]
    form.set_experiment(Experiment(), None)
    assert not kept.isVisible()
    assert control(form, "field.width") is width
    form.set_experiment(PRESETS["latent-spirals"].experiment, None)
    assert form._rows["options.latent"] is kept
    shown = [row.mapTo(form, row.pos()).y() for row in form._rows.values() if row.isVisible()]
    assert len(set(shown)) == len(shown)
