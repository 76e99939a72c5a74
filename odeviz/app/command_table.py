"""What each action of the registry does, and what the actions' rules look at."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QWidget

from odeviz.analysis.projection import PROJECTIONS
from odeviz.app.actions import PACES, RECENT
from odeviz.app.gallery import Gallery
from odeviz.app.palette import CommandPalette
from odeviz.app.situation import Situation
from odeviz.state import COLOURINGS, LAYERS, Workbench, colourings, offered
from odeviz.tasks.experiment import ADAPTIVE, PER_SAMPLE
from odeviz.tasks.presets import PRESETS
from odeviz.widgets.theme import MODES, TEXT_SIZES

if TYPE_CHECKING:
    from odeviz.app.controller import Controller


#: What is called for some keys of the registry.
Commands = dict[str, Callable[[], object]]


def commands_of(control: Controller) -> Commands:
    """What to call for every key of the registry."""
    return {**_of_files(control), **_of_flow(control), **_of_window(control), **_of_model(control)}


def _of_files(control: Controller) -> Commands:
    """The menus File and Edit."""
    documents, bench = control.documents, control.bench
    return {
        "open": documents.ask_open,
        **{f"recent.{place}": partial(documents.open_recent, place) for place in range(RECENT)},
        "forget_recent": documents.recent.clear,
        "save": documents.save,
        "save_as": documents.save_as,
        "save_session": documents.save_session_as,
        "restore": control.restoring.restore,
        "discard": control.autosave.discard,
        "import_data": control.own_data.ask,
        "draw_data": control.own_data.draw,
        "export_figure": control.exports.open,
        "export_view": control.exports.save_view,
        "export_data": partial(control.exports.open, "data"),
        "export_film": partial(control.exports.open, "film"),
        "copy_figure": control.exports.copy_figure,
        "cancel_export": control.exports.cancel_film,
        "quit": control.window.close,
        "undo": bench.undo_stack.undo,
        "redo": bench.undo_stack.redo,
        "copy_experiment": control.strings.copy,
        "paste_experiment": control.strings.paste,
        "copy_seeds": control.flow.copy_seeds,
        "remove_seed": control.flow.remove_selected,
        "clear_seeds": bench.clear_seeds,
        "palette": partial(control.dialogs.run, partial(_palette, control)),
    }


def _of_flow(control: Controller) -> Commands:
    """The playhead, the solver, and what the flow view shows."""
    bench, playback = control.bench, control.playback
    return {
        "play": playback.toggle,
        "rewind": playback.rewind,
        "loop": playback.toggle_loop,
        "tighter": partial(shift_tolerance, bench, 0.1),
        "looser": partial(shift_tolerance, bench, 10.0),
        "compare": bench.compare,
        "per_sample": partial(_part_steps, bench),
        **{f"layer.{key}": partial(_turn_layer, bench, key) for key in LAYERS},
        **{f"colour.{key}": partial(bench.colour_by, key) for key in COLOURINGS},
        **{f"projection.{kind}": partial(control.flow.project, kind) for kind in PROJECTIONS},
    }


def _of_window(control: Controller) -> Commands:
    """How the window looks, and its guidance."""
    return {
        **{f"theme.{mode}": partial(_wear, control, mode) for mode in MODES},
        **{f"text.{size:.0%}": partial(control.window.theme.set_scale, size) for size in TEXT_SIZES},
        "text.larger": partial(_scale, control, 1),
        "text.smaller": partial(_scale, control, -1),
        "calm": partial(_calm, control),
        "full_screen": control.window.toggle_full_screen,
        "log": control.telling.show_log,
        "dismiss": control.telling.dismiss,
        "reset_layout": control.window.reset_layout,
        "explain": control.guidance.explain_focused,
        "tour": control.guidance.tour.start,
        "shortcuts": control.dialogs.shortcuts,
        "about": control.dialogs.about,
    }


def _of_model(control: Controller) -> Commands:
    """Settings, training, and other models."""
    documents, bench, run = control.documents, control.bench, control.run
    return {
        "reset_settings": control.reset_settings,
        "train": run.toggle,
        "step": run.step_once,
        "reset": run.reset,
        "earlier": partial(bench.step_back, 1),
        "later": partial(bench.step_back, -1),
        "live": control.history.go_live,
        "keep_run": control.history.toggle_kept,
        **{f"pace.{key}": partial(run.set_pace, pace) for key, pace in PACES.items()},
        "gallery": partial(control.dialogs.run, partial(_gallery, control)),
        **{f"preset.{name}": partial(documents.open_preset, name) for name in PRESETS},
    }


def situation_of(control: Controller) -> Situation:
    """What is so now."""
    bench = control.bench
    return Situation(
        phase=control.trainer.phase,
        has_model=bench.snapshot is not None,
        can_undo=bench.undo_stack.canUndo(),
        can_redo=bench.undo_stack.canRedo(),
        undo_text=bench.undo_stack.undoText(),
        redo_text=bench.undo_stack.redoText(),
        recent=control.documents.recent.names,
        left_over=control.autosave.left_over is not None,
        has_seeds=bool(bench.seeds.points),
        seed_selected=bench.selection.seed is not None,
        playing=bench.playhead.playing,
        looping=bench.playhead.loop,
        theme=control.window.theme.mode,
        text_size=control.window.theme.scale,
        calm=control.window.theme.calm,
        full_screen=control.window.isFullScreen(),
        pace=control.run.pace,
        solves=control.run.solves,
        own_steps=bench.choice.own_steps,
        can_own_steps=_can_part(control),
        can_look_back=bench.latest is not None and len(bench.latest.moments) > 1,
        looking_back=bench.replay.iteration is not None,
        comparing=bench.pinned is not None,
        keeping=bench.kept is not None,
        exporting=control.exports.films.job is not None,
        layers=bench.layers,
        offered=offered(bench.stage),
        colouring=bench.colouring,
        colourings=colourings(bench.stage),
        projection=bench.projection.kind,
        dim=bench.stage.dim,
    )


def shift_tolerance(bench: Workbench, factor: float) -> None:
    """Ten times tighter or looser, within 1e-1 .. 1e-9; for fixed steps twice or half as many."""
    choice = bench.choice
    if choice.method in ADAPTIVE:
        rtol = min(max(choice.rtol * factor, 1e-9), 1e-1)
        bench.choose(dataclasses.replace(choice, rtol=rtol, atol=rtol))
    else:
        steps = min(max(round(choice.steps * (2.0 if factor < 1 else 0.5)), 1), 1000)
        bench.choose(dataclasses.replace(choice, steps=steps))


def _can_part(control: Controller) -> bool:
    """Whether steps per sample can be chosen: where states jump they are not a choice."""
    bench, run = control.bench, control.run
    able = bench.choice.method in PER_SAMPLE
    return bench.snapshot is not None and run.solves and not run.jumps and able


def _part_steps(bench: Workbench) -> None:
    bench.choose(dataclasses.replace(bench.choice, per_sample=not bench.choice.per_sample))


def _turn_layer(bench: Workbench, key: str) -> None:
    bench.show_layer(key, not bench.layers[key])


def _wear(control: Controller, mode: str) -> None:
    control.window.theme.set_mode(mode)
    # From the system's light to light nothing changes but the mark in the menu.
    control.update_actions()


def _scale(control: Controller, by: int) -> None:
    """Text of the next size."""
    theme = control.window.theme
    place = TEXT_SIZES.index(theme.scale) + by
    theme.set_scale(TEXT_SIZES[min(max(place, 0), len(TEXT_SIZES) - 1)])


def _calm(control: Controller) -> None:
    """Reduced motion on or off; what moves now stops with it."""
    theme = control.window.theme
    theme.set_calm(not theme.calm)
    if theme.calm:
        control.playback.play(False)


def _palette(control: Controller, parent: QWidget) -> QDialog:
    dialog = CommandPalette(control.window.actions_, control.window.theme, parent)
    dialog.chosen.connect(control.do)
    return dialog


def _gallery(control: Controller, parent: QWidget) -> QDialog:
    dialog = Gallery(control.window.theme, parent)
    dialog.chosen.connect(control.documents.open_preset)
    return dialog
