import gc

import pytest

from odeviz.analysis.projection import Projection
from odeviz.analysis.results import SolverChoice
from odeviz.state import Mark, Playhead, Seeds, Selection, Workbench, offered
from odeviz.state.commands import Change
from odeviz.tasks import Experiment
from odeviz.training.snapshot import Snapshot


@pytest.fixture
def bench(qtbot):
    bench = Workbench()
    yield bench
    bench.deleteLater()


def heard(signal):
    seen = []
    signal.connect(lambda *args: seen.append(args[0] if len(args) == 1 else args))
    return seen


def test_a_setter_that_changes_nothing_is_silent(bench):
    seen = heard(bench.experiment_changed)
    bench.set_experiment(Experiment())
    assert seen == []


def test_an_edit_can_be_undone_and_redone(bench):
    bench.edit("training.lr", 0.01)
    bench.undo_stack.undo()
    assert bench.experiment.training.lr == 5e-3
    bench.undo_stack.redo()
    assert bench.experiment.training.lr == 0.01


def test_a_value_that_is_not_allowed_is_rejected_with_a_sentence_and_changes_nothing(bench):
    seen = heard(bench.rejected)
    bench.edit("field.width", -3)
    assert bench.experiment == Experiment()
    assert seen == [("field.width", "field.width must be a whole number from 1 to 1024, not -3")]


def test_a_valid_edit_clears_the_rejection(bench):
    bench.edit("field.width", -3)
    seen = heard(bench.rejected)
    bench.edit("field.width", 8)
    assert seen == [("field.width", "")]


def test_a_new_method_brings_a_way_to_a_gradient_that_it_has(bench):
    bench.edit("solver.adjoint", "backsolve")
    bench.edit("solver.method", "tsit5")
    assert bench.experiment.solver.adjoint == "backsolve"
    bench.edit("solver.method", "adams")
    assert (bench.experiment.solver.method, bench.experiment.solver.adjoint) == ("adams", "discrete")


def test_a_new_task_brings_a_data_set_that_it_offers(bench):
    bench.edit("data.name", "annuli")
    bench.edit("task", "density")
    assert (bench.experiment.task, bench.experiment.data.name) == ("density", "moons")
    bench.undo_stack.undo()
    assert (bench.experiment.task, bench.experiment.data.name) == ("classification", "annuli")


def test_a_slider_drag_is_one_undo_step(bench):
    bench.begin_drag()
    for exponent in (2, 3, 4, 5):
        bench.choose(SolverChoice(rtol=10.0**-exponent, atol=10.0**-exponent))
    bench.end_drag()
    assert bench.undo_stack.count() == 1
    bench.undo_stack.undo()
    assert bench.choice == SolverChoice()


def test_two_drags_are_two_undo_steps(bench):
    for x in (1.0, 2.0):
        bench.begin_drag()
        bench.choose(SolverChoice(rtol=x * 1e-2))
        bench.choose(SolverChoice(rtol=x * 1e-3))
        bench.end_drag()
    assert bench.undo_stack.count() == 2


def test_a_drag_leaves_no_change_behind(bench):
    kept = len(changes())
    bench.begin_drag()
    for k in range(1, 6):
        bench.choose(SolverChoice(rtol=1e-2 / k))
    bench.choose(SolverChoice())
    assert (bench.undo_stack.count(), bench.undo_stack.canRedo()) == (0, False)
    bench.choose(SolverChoice(rtol=1e-3))
    bench.end_drag()
    assert len(changes()) == kept + 1
    bench.undo_stack.clear()
    assert len(changes()) == kept


def changes():
    gc.collect()
    return [each for each in gc.get_objects() if type(each) is Change]


def test_edits_of_different_settings_stay_apart(bench):
    bench.edit("training.lr", 0.01)
    bench.edit("training.batch", 64)
    assert bench.undo_stack.count() == 2


def test_seeds_are_added_moved_and_removed_with_undo(bench):
    bench.add_seed((0.0, 0.0))
    bench.add_seed((1.0, 1.0))
    bench.begin_drag()
    for x in (1.1, 1.2, 1.3):
        bench.move_seed(1, (x, 1.0))
    bench.end_drag()
    bench.remove_seeds(0)
    assert bench.seeds == Seeds(((1.3, 1.0),))
    bench.undo_stack.undo()
    bench.undo_stack.undo()
    assert bench.seeds.points == ((0.0, 0.0), (1.0, 1.0))


def test_a_seed_that_does_not_exist_is_not_moved(bench):
    bench.move_seed(0, (1.0, 1.0))
    assert bench.seeds == Seeds()
    assert bench.undo_stack.count() == 0


def test_several_seeds_go_at_once_and_take_their_selection_along(bench):
    for x in (0.0, 1.0, 2.0):
        bench.add_seed((x, 0.0))
    assert bench.selection.seed == 2
    bench.select(Mark("seed", 0), Mark("trajectory", 7), Mark("seed", 1))
    bench.remove_seeds(*bench.selection.of("seed"))
    assert bench.seeds.points == ((2.0, 0.0),)
    assert bench.selection.marks == (Mark("trajectory", 7),)
    bench.undo_stack.undo()
    assert len(bench.seeds.points) == 3


def test_a_seed_that_is_undone_is_neither_selected_nor_under_the_mouse(bench):
    bench.add_seed((0.0, 0.0))
    bench.hover(Mark("seed", 0))
    bench.undo_stack.undo()
    assert bench.selection == Selection()


def test_what_is_selected_again_is_turned_over(bench):
    bench.select(Mark("trajectory", 1), Mark("trajectory", 2))
    bench.select(Mark("trajectory", 2), Mark("trajectory", 3), extend=True)
    assert bench.selection.of("trajectory") == (1, 3)


def test_another_projection_is_fitted_and_turning_is_one_step_while_it_lasts(bench):
    bench.set_range((0.0, 1.0, 0.0, 1.0))
    bench.project(Projection.of("space"))
    assert bench.range is None
    bench.set_range((0.0, 1.0, 0.0, 1.0))
    bench.begin_drag()
    for angle in (40.0, 50.0, 60.0):
        bench.project(bench.projection.turned(angle, 10.0))
    bench.end_drag()
    assert bench.range == (0.0, 1.0, 0.0, 1.0)
    bench.undo_stack.undo()
    assert bench.projection == Projection.of("space")
    bench.undo_stack.undo()
    assert bench.projection == Projection()


def test_layers_are_offered_where_they_have_something_to_show(bench):
    bench.show_model(Snapshot(Experiment(), 1, 1.0, {}))
    assert "background" in offered(bench.stage)
    bench.set_space(3, over_time=False)
    bench.project(Projection.of("space"))
    assert not {"background", "arrows"} & set(offered(bench.stage))
    assert {"trajectories", "seeds", "data"} <= set(offered(bench.stage))


@pytest.mark.parametrize("words", [("sphere", ()), ("axes", (0,)), ("axes", (1, 1)), ("space", (0, 1))])
def test_a_projection_that_is_none_is_refused(words):
    with pytest.raises(ValueError, match=r"^projection "):
        Projection(*words)


def test_hiding_a_layer_can_be_undone(bench):
    bench.show_layer("arrows", False)
    assert not bench.layers["arrows"]
    bench.undo_stack.undo()
    assert bench.layers["arrows"]


def test_opening_a_model_fills_everything_and_leaves_nothing_to_undo(bench):
    bench.edit("training.lr", 0.01)
    experiment = Experiment().with_settings({"task": "density", "solver.method": "rk4"})
    snapshot = Snapshot(experiment, 100, 1.0, {})
    bench.show_model(snapshot)
    assert bench.experiment == bench.running == experiment
    assert bench.snapshot is snapshot
    assert bench.choice.method == "dopri5"
    assert not bench.undo_stack.canUndo()


@pytest.mark.parametrize(
    ("head", "seconds", "t"),
    [
        (Playhead(t=0.0, t1=2.0), 2.0, 1.0),
        (Playhead(t=1.0, t1=2.0, speed=2.0), 0.5, 1.5),
        (Playhead(t=1.9, t1=2.0), 1.0, 2.0),
        (Playhead(t=2.0, t1=2.0), 0.1, 2.0),
        (Playhead(t=2.0, t1=2.0), 1.0, 0.0),
    ],
)
def test_the_playhead_advances_rests_at_the_end_and_starts_again(head, seconds, t):
    assert head.advanced(seconds).t == pytest.approx(t)


def test_without_loop_the_playhead_stops_at_the_end():
    head = Playhead(t=1.0, t1=1.0, playing=True, loop=False).advanced(0.02)
    assert (head.t, head.playing) == (1.0, False)


def test_a_new_end_time_keeps_the_fraction_played():
    assert Playhead(t=0.5, t1=1.0).with_end(3.0) == Playhead(t=1.5, t1=3.0)
