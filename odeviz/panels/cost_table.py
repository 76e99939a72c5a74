"""What a solve costs, in numbers; beside those of a pinned one, with the ratio of the two."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from odeviz.analysis.results import FlowResult, SolverChoice
from odeviz.tasks.experiment import ADAPTIVE
from odeviz.tasks.numerals import power
from odeviz.widgets.theme import Theme

#: Key, caption, widest value, the widest there is always room for, and tooltip of each column.
_COLUMNS = (
    (
        "nfe",
        "NFE",
        "≤ 8888",
        "8888",
        "Number of function evaluations: how often f(h, t, θ) was evaluated in this solve of the paths on show. "
        "Training has solves of its own: the NFE panel counts those.",
    ),
    (
        "steps",
        "steps",
        "8888 + 888",
        "88 + 88",
        "Steps accepted, and rejected ones (+): tried, found too inaccurate, repeated.",
    ),
    (
        "error",
        "error",
        "8.8·10⁻⁸⁸",
        "8.8·10⁻⁸",
        "Largest distance to a float64 reference solution at t₁, ‖z(t₁) − z*(t₁)‖, among the paths on show. "
        "While training it is measured every few seconds.\n"
        "The Tolerance panel solves 64 paths of its own: they share other steps, so that its NFE and error differ.",
    ),
    ("time", "time", "8888.8 ms", "888.8 ms", "Wall-clock time of this solve."),
    (
        "apart",
        "apart",
        "8.8·10⁻⁸⁸",
        "8.8·10⁻⁸",
        "Largest distance at t₁ between a trajectory and the pinned one.",
    ),
)
_NOW, _PINNED, _RATIO = 1, 2, 3
_TIPS = {row[0]: row[4] for row in _COLUMNS}
#: Columns that go where there is no room for all, the first first.
_DISPENSABLE = ("steps", "time")


class CostTable(QWidget):
    """A row of numbers under their captions; while a setting is pinned, three rows with their names."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._flow: FlowResult | None = None
        self._pinned: FlowResult | None = None
        self._choice: SolverChoice | None = None
        self._widths: list[dict[str, int]] = [{row[0]: 0 for row in _COLUMNS}] * 2
        self._room = 10_000
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(0)
        self._names = {row: self._label("caption") for row in (_NOW, _PINNED, _RATIO)}
        self._cells: dict[tuple[str, int], QLabel] = {}
        self._names[_NOW].setText("now")
        self._names[_RATIO].setText("ratio")
        self._names[_RATIO].setToolTip("The present setting's number over the pinned one's.")
        for row, name in self._names.items():
            name.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(name, row, 0)
        for column, (key, caption, _, _, tip) in enumerate(_COLUMNS, start=1):
            self._make_column(column, key, caption, tip)
        self.set_pinned(None, None)

    def text(self, key: str, row: str = "now") -> str:
        """What stands in a column: of the present solve, the ``pinned`` one, or their ``ratio``."""
        return self._cells[key, {"now": _NOW, "pinned": _PINNED, "ratio": _RATIO}[row]].text()

    def value(self, key: str) -> QLabel:
        """The label of the present solve's value."""
        return self._cells[key, _NOW]

    def set_cost(self, flow: FlowResult | None) -> None:
        """The present solve; None shows dashes."""
        self._flow = flow
        self._fill()

    def set_pinned(self, choice: SolverChoice | None, flow: FlowResult | None) -> None:
        """The setting to compare with, and its solve as soon as it is there; None for none."""
        self._choice, self._pinned = choice, flow
        for label in self._names.values():
            label.setVisible(choice is not None)
        if choice is not None:
            self._names[_PINNED].setText(setting(choice))
            own = ", steps of its own for each trajectory" if choice.own_steps else ""
            self._names[_PINNED].setToolTip(f"The pinned setting: {setting(choice)}{own}.")
        self._fill()
        self._lay_widths()
        self.updateGeometry()

    def fit(self, theme: Theme) -> None:
        """Columns as wide as their widest values: nothing jumps while the slider is dragged."""
        self._widths = [{row[0]: theme.width(row[place]) + 4 for row in _COLUMNS} for place in (2, 3)]
        self._lay_widths()

    def set_room(self, width: int) -> None:
        """How wide it may be: in little room first the widest values go without, then whole columns."""
        self._room = width
        self._lay_widths()

    def _lay_widths(self) -> None:
        comparing = self._choice is not None
        shown = [row[0] for row in _COLUMNS if comparing or row[0] != "apart"]
        name = max(label.sizeHint().width() for label in self._names.values()) if comparing else 0
        gap = self._grid.horizontalSpacing()

        def fits(widths: dict[str, int]) -> bool:
            return name + sum(widths[key] + gap for key in shown) <= self._room

        widths = self._widths[0] if fits(self._widths[0]) else self._widths[1]
        for key in _DISPENSABLE:
            if not fits(widths):
                shown.remove(key)
        for (key, row), cell in self._cells.items():
            cell.setFixedWidth(widths[key])
            cell.setVisible(key in shown and (comparing or row < _PINNED))

    def set_busy(self, busy: bool) -> None:
        """Mute the present numbers while newer ones are on their way."""
        for (_, row), cell in self._cells.items():
            if row == _NOW:
                cell.setEnabled(not busy)

    def _make_column(self, column: int, key: str, caption: str, tip: str) -> None:
        for row in (0, _NOW, _PINNED, _RATIO):
            cell = self._label("caption" if row in (0, _RATIO) else "value")
            cell.setToolTip(tip)
            self._grid.addWidget(cell, row, column)
            self._cells[key, row] = cell
        self._cells[key, 0].setText(caption)
        for row, what in ((_NOW, caption), (_PINNED, f"{caption}, pinned"), (_RATIO, f"{caption}, ratio")):
            self._cells[key, row].setAccessibleName(what)

    def _label(self, role: str) -> QLabel:
        label = QLabel(self)
        label.setProperty("role", role)
        label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return label

    def _fill(self) -> None:
        now, pinned = _numbers(self._flow), _numbers(self._pinned)
        for row, flow, numbers in ((_NOW, self._flow, now), (_PINNED, self._pinned, pinned)):
            for key, *_ in _COLUMNS[:-1]:
                self._cells[key, row].setText(_text(key, flow, numbers.get(key, math.nan)))
                self._cells[key, row].setToolTip(_TIPS[key] + _of_each(key, flow))
        for key, *_ in _COLUMNS[:-1]:
            before, here = pinned.get(key, math.nan), now.get(key, math.nan)
            known = before > 0 and math.isfinite(here)
            self._cells[key, _RATIO].setText(_ratio(here / before) if known else "–")
        far = apart(self._flow, self._pinned)
        self._cells["apart", _NOW].setText("–" if math.isnan(far) else power(float(f"{far:.1e}")))


def setting(choice: SolverChoice) -> str:
    """A solver setting in few words."""
    if choice.method in ADAPTIVE:
        each = " each" if choice.own_steps else ""
        return f"{choice.method} {power(float(f'{choice.rtol:.1g}'))}{each}"
    return f"{choice.method}, {choice.steps} steps"


def theirs(whose: str) -> str:
    """Whose steps are shown where every trajectory has its own."""
    return f"Every trajectory has steps of its own: these are of {whose}."


def _of_each(key: str, flow: FlowResult | None) -> str:
    """What a column's number stands for where every trajectory has steps of its own."""
    if flow is None or flow.nfe_each is None or flow.costliest is None:
        return ""
    if key == "nfe":
        low, mean, high = flow.nfe_each.min(), flow.nfe_each.mean(), flow.nfe_each.max()
        return (
            f"\nEvery trajectory has steps of its own and takes {low} to {high} evaluations, {mean:.1f} on average. "
            f"f was called {flow.nfe} times, each time for all that were still under way."
        )
    return f"\n{theirs(f'number {flow.costliest + 1}, the costliest')}" if key == "steps" else ""


def apart(flow: FlowResult | None, pinned: FlowResult | None) -> float:
    """The largest distance at t1 between the same trajectories of two solves; NaN where they are not the same."""
    if flow is None or pinned is None or flow.paths.shape[1:] != pinned.paths.shape[1:]:
        return math.nan
    distance = np.linalg.norm(flow.paths[-1] - pinned.paths[-1], axis=-1)
    distance = distance[np.isfinite(distance)]
    return float(distance.max()) if distance.size else math.nan


def _ratio(value: float) -> str:
    """To two digits, in a few letters."""
    return (
        f"×{value:.2g}"
        if value < 10
        else f"×{value:.0f}"
        if value < 1000
        else f"×{power(float(f'{value:.1e}'))}"
    )


def _numbers(flow: FlowResult | None) -> dict[str, float]:
    if flow is None:
        return {}
    steps = flow.accepted + flow.rejected
    return {"nfe": flow.nfe, "steps": steps, "error": flow.error, "time": flow.milliseconds}


def _text(key: str, flow: FlowResult | None, number: float) -> str:
    if flow is None or math.isnan(number):
        return "–"
    if key == "steps":
        return f"{flow.accepted} + {flow.rejected}" if flow.choice.method in ADAPTIVE else f"{flow.accepted}"
    if key == "error":
        return power(float(f"{number:.1e}"))
    if key == "nfe" and flow.nfe_each is not None:
        return f"≤ {number:.0f}"
    return f"{number:.1f} ms" if key == "time" else f"{number:.0f}"
