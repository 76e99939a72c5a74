"""The playhead: what the time bar does to it, and how it moves by itself."""

from __future__ import annotations

import dataclasses
from typing import Any

from PySide6.QtCore import QObject, Slot

from odeviz.panels.time_bar import TimeBar
from odeviz.state import Playhead, Workbench


class Playback(QObject):
    """Joins the workbench's playhead and the time bar."""

    def __init__(self, bench: Workbench, bar: TimeBar, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.bench, self.bar = bench, bar
        self._shown: Playhead | None = None
        bench.playhead_changed.connect(self._show)
        bar.time_changed.connect(self.scrub)
        bar.play_toggled.connect(self.play)
        bar.loop_toggled.connect(self.loop)
        bar.speed_changed.connect(self.set_speed)
        bar.rewound.connect(self.rewind)
        self._show(bench.playhead)

    def advance(self, seconds: float) -> None:
        """Called on every tick: move on if playing."""
        if self.bench.playhead.playing:
            self.bench.set_playhead(self.bench.playhead.advanced(seconds))

    @Slot(float)
    def scrub(self, t: float) -> None:
        """Taking hold of the playhead stops it."""
        self._change(self.bench.playhead.at(t), playing=False)

    @Slot(bool)
    def play(self, playing: bool) -> None:
        """Play or stop; from the end, playing starts at the beginning."""
        head = self.bench.playhead
        self._change(head, playing=playing, t=0.0 if playing and head.t >= head.t1 else head.t)

    def begin(self, calm: bool) -> None:
        """Show a flow that is new: moving, or where nothing shall move by itself, its end."""
        head = self.bench.playhead
        self._change(head, t=head.t1 if calm else 0.0, playing=not calm)

    def toggle(self) -> None:
        self.play(not self.bench.playhead.playing)

    @Slot(bool)
    def loop(self, loop: bool) -> None:
        self._change(self.bench.playhead, loop=loop)

    def toggle_loop(self) -> None:
        self.loop(not self.bench.playhead.loop)

    @Slot(float)
    def set_speed(self, speed: float) -> None:
        self._change(self.bench.playhead, speed=speed)

    @Slot()
    def rewind(self) -> None:
        self._change(self.bench.playhead, t=0.0)

    def _change(self, head: Playhead, **changes: Any) -> None:
        self.bench.set_playhead(dataclasses.replace(head, rested=0.0, **changes))

    @Slot(object)
    def _show(self, head: Playhead) -> None:
        before, self._shown = self._shown, head
        if before is None or head.t1 != before.t1:
            self.bar.set_range(0.0, head.t1)
        if before is None or (head.playing, head.loop, head.speed) != (
            before.playing,
            before.loop,
            before.speed,
        ):
            self.bar.set_playing(head.playing)
            self.bar.set_loop(head.loop)
            self.bar.set_speed(head.speed)
