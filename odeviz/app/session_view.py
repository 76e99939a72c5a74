"""What a window shows besides its model, taken down for a session file and put back from one."""

from __future__ import annotations

import dataclasses

from odeviz.app.main_window import MainWindow
from odeviz.app.panel_places import arrange, places_of
from odeviz.state import COLOURINGS, LAYERS, Playhead, Seeds, Workbench
from odeviz.state.editing import learns_from
from odeviz.storage.session_file import View


def view_of(bench: Workbench, window: MainWindow) -> View:
    """What is shown now."""
    head = bench.playhead
    return View(
        experiment=bench.experiment,
        choice=bench.choice,
        t=head.t,
        t1=head.t1,
        loop=head.loop,
        speed=head.speed,
        seeds=bench.seeds.points,
        layers=dict(bench.layers),
        colouring=bench.colouring,
        projection=bench.projection,
        range=bench.range,
        view=window.view.view,
        values={key: dict(values) for key, values in bench.values.items()},
        panels=places_of(window),
        pinned=bench.pinned,
        kept=bench.kept,
    )


def without_time(view: View) -> View:
    """The same at t = 0: playing on is no change that is worth a file."""
    return dataclasses.replace(view, t=0.0)


def show_view(bench: Workbench, window: MainWindow, view: View) -> None:
    """Show the model on show as it was seen then, standing still; there is nothing to undo.

    Layers, views and panels that this window does not have are left alone.
    """
    if learns_from(view.experiment, bench.data):
        # A file holds the data that its model has learnt from, and no others.
        bench.set_experiment(view.experiment)
    bench.set_choice(view.choice)
    bench.set_seeds(Seeds(view.seeds))
    bench.set_layers(dict(bench.layers) | {key: on for key, on in view.layers.items() if key in LAYERS})
    if view.colouring in COLOURINGS:
        bench.set_colouring(view.colouring)
    bench.set_projection(view.projection)
    bench.set_range(view.range)
    bench.set_playhead(Playhead(view.t, view.t1, playing=False, loop=view.loop, speed=view.speed))
    bench.set_pinned(view.pinned)
    if view.kept is not None:
        bench.keep(view.kept)
    window.view.choose(view.view)
    bench.set_values(view.values)
    arrange(window, view.panels)
