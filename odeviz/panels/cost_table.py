"""What a solve costs, in numbers; above those of a pinned one, with the ratio of the two."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QLabel, QWidget

from odeviz.analysis.results import FlowResult, SolverChoice
from odeviz.tasks.experiment import ADAPTIVE
from odeviz.tasks.numerals import figure, power, thousands
from odeviz.widgets.theme import Theme

#: Key, caption, widest value, the widest there is always room for, and tooltip of each column.
_COLUMNS = (
    (
        "nfe",
        "NFE",
        "≤ 8,888",
        "8,888",
        "Number of function evaluations: how often f(z, t, θ) was evaluated in this solve of the paths on show. "
        "Training has solves of its own: the NFE panel counts those.",
    ),
    (
        "steps",
        "steps",
        "8,888 + 888",
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
    ("time", "time", "8,888.8 ms", "888.8 ms", "Wall-clock time of this solve."),
    (
        "apart",
        "apart",
        "8.8·10⁻⁸⁸",
        "8.8·10⁻⁸",
        "Largest distance at t₁ between a trajectory and the pinned one.",
    ),
)
_CAPTION, _NOW, _PINNED, _RATIO = range(4)
_TIPS = {row[0]: row[4] for row in _COLUMNS}
#: The widest ratio there is always room for, of errors and of the rest.
_RATIOS = {"error": "×8.8·10⁻⁸"}
_USUAL_RATIO = "×0.064"
#: The column of the settings' names, and a name that there is room for where there are any.
_NAMES, _USUAL_NAME = "names", "dopri5 10⁻⁴"
_RATIO_TIP = "The present setting's number over the pinned one's."
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
#: Columns that go where there is no room for all, the first first.
_DISPENSABLE = ("steps", "time", "apart", _NAMES)
#: Pixels between columns at least, and between a number and what stands beside it.
_GAP, _NEAR = 12, 5


class CostTable(QWidget):
    """Numbers under their captions; while a setting is pinned, above its own, with captions and ratios beside them.

    That is two lines either way, so that nothing around it moves when a setting is pinned.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        #: The present solve as it is shown, and the latest there is.
        self._flow: FlowResult | None = None
        self._latest: FlowResult | None = None
        self._pinned: FlowResult | None = None
        self._choice: SolverChoice | None = None
        #: Pixels of the numbers, first the widest; of what stands beside them; of a name; of a line.
        self._widths: list[dict[str, int]] = [{row[0]: 0 for row in _COLUMNS}] * 2
        self._beside = self._widths[0]
        self._name = self._line = 0
        self._names = {_NOW: self._label("caption"), _PINNED: self._label("caption")}
        self._names[_NOW].setText("now")
        for name in self._names.values():
            name.setAlignment(_LEFT)
        self._cells: dict[tuple[str, int], QLabel] = {}
        for key, caption, _, _, tip in _COLUMNS:
            self._make_column(key, caption, tip)
        self.set_pinned(None, None)

    def text(self, key: str, row: str = "now") -> str:
        """What stands in a column: of the present solve, the ``pinned`` one, or their ``ratio``."""
        return self._cells[key, {"now": _NOW, "pinned": _PINNED, "ratio": _RATIO}[row]].text()

    def value(self, key: str) -> QLabel:
        """The label of the present solve's value."""
        return self._cells[key, _NOW]

    def set_cost(self, flow: FlowResult | None) -> None:
        """The present solve; None shows dashes. One of a later model than the pinned solve's waits for its pair."""
        self._latest = flow
        if flow is None or self._pinned is None or flow.iteration == self._pinned.iteration:
            self._flow = flow
            self._fill()

    def set_pinned(self, choice: SolverChoice | None, flow: FlowResult | None) -> None:
        """The setting to compare with, and its solve as soon as it is there; None for none."""
        self._choice, self._pinned, self._flow = choice, flow, self._latest
        if choice is not None:
            own = ", steps of its own for each trajectory" if choice.own_steps else ""
            self._names[_PINNED].setToolTip(f"The pinned setting: {setting(choice)}{own}.")
        for (_, row), cell in self._cells.items():
            cell.setAlignment(_LEFT if choice is not None and row in (_CAPTION, _RATIO) else _RIGHT)
        self._fill()
        self._place()
        self.updateGeometry()

    def fit(self, theme: Theme) -> None:
        """Columns as wide as their widest values: nothing jumps while the slider is dragged."""
        self._widths = [{row[0]: theme.width(row[place]) + 4 for row in _COLUMNS} for place in (2, 3)]
        texts = {row[0]: (row[1], _RATIOS.get(row[0], _USUAL_RATIO)) for row in _COLUMNS}
        self._beside = {key: max(theme.width(text, -1) for text in both) for key, both in texts.items()}
        self._name = theme.width(_USUAL_NAME, -1)
        self._line = QFontMetrics(theme.font(0, QFont.Weight.DemiBold)).height()
        self._place()
        self.updateGeometry()

    def reserve(self, room: int) -> int:
        """The width it needs of ``room`` while comparing: what it can be given before, so that nothing moves."""
        return self._wide(*self._choose(room, True), True)

    def sizeHint(self) -> QSize:
        comparing = self._choice is not None
        return QSize(self._wide(*self._choose(10_000, comparing), comparing), 2 * self._line)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 2 * self._line)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _wide(self, shown: list[str], widths: dict[str, int], comparing: bool) -> int:
        return sum(self._column(key, widths, comparing) for key in shown) + _GAP * (len(shown) - 1)

    def _column(self, key: str, widths: dict[str, int], comparing: bool) -> int:
        if key == _NAMES:
            return self._name
        return widths[key] + (_NEAR + self._beside[key] if comparing else 0)

    def _choose(self, room: int, comparing: bool) -> tuple[list[str], dict[str, int]]:
        """The columns there is room for, and the widths of their numbers: first the widest go without, then columns."""
        shown = [_NAMES, *self._beside] if comparing else [key for key in self._beside if key != "apart"]
        for widths in self._widths:
            if self._wide(shown, widths, comparing) <= room:
                return shown, widths
        for key in _DISPENSABLE:
            if key in shown and self._wide(shown, widths, comparing) > room:
                shown.remove(key)
        return shown, widths

    def _place(self) -> None:
        """Columns from the left to the right end, what is beside a number near it."""
        comparing = self._choice is not None
        shown, widths = self._choose(self.width(), comparing)
        spare = max(self.width() - self._wide(shown, widths, comparing), 0)
        named = self._place_names(spare) if _NAMES in shown else 0
        for name in self._names.values():
            name.setVisible(_NAMES in shown)
        columns = [key for key in shown if key != _NAMES]
        each = _GAP + (spare - max(named - self._name, 0)) / len(columns)
        x = float(named) if named else -_GAP
        for key in columns:
            x += each
            self._place_column(key, round(x), widths[key], comparing)
            x += self._column(key, widths, comparing)
        for (key, row), cell in self._cells.items():
            cell.setVisible(key in shown and (comparing or row in (_CAPTION, _NOW)))

    def _place_column(self, key: str, x: int, width: int, comparing: bool) -> None:
        line, right, beside = self._line, x + width + _NEAR, self._beside[key]
        first, second = QRect(x, 0, width, line), QRect(x, line, width, line)
        self._cells[key, _CAPTION].setGeometry(QRect(right, 0, beside, line) if comparing else first)
        self._cells[key, _NOW].setGeometry(first if comparing else second)
        self._cells[key, _PINNED].setGeometry(second)
        self._cells[key, _RATIO].setGeometry(QRect(right, line, beside, line))

    def _place_names(self, spare: int) -> int:
        """The names at the left; returns how wide they are."""
        assert self._choice is not None
        name, text = self._names[_PINNED], setting(self._choice)
        width = min(max(self._name, name.fontMetrics().horizontalAdvance(text) + 2), self._name + spare)
        name.setText(name.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, width))
        self._names[_NOW].setGeometry(0, 0, width, self._line)
        name.setGeometry(0, self._line, width, self._line)
        return width

    def set_busy(self, busy: bool) -> None:
        """Mute the present numbers while newer ones are on their way."""
        for (_, row), cell in self._cells.items():
            if row == _NOW:
                cell.setEnabled(not busy)

    def _make_column(self, key: str, caption: str, tip: str) -> None:
        for row in (_CAPTION, _NOW, _PINNED, _RATIO):
            self._cells[key, row] = cell = self._label("caption" if row in (_CAPTION, _RATIO) else "value")
            cell.setToolTip(_RATIO_TIP if row == _RATIO else tip)
        self._cells[key, _CAPTION].setText(caption)
        for row, what in ((_NOW, caption), (_PINNED, f"{caption}, pinned"), (_RATIO, f"{caption}, ratio")):
            self._cells[key, row].setAccessibleName(what)

    def _label(self, role: str) -> QLabel:
        label = QLabel(self)
        label.setProperty("role", role)
        label.setAlignment(_RIGHT)
        return label

    def _fill(self) -> None:
        now, pinned = _numbers(self._flow), _numbers(self._pinned)
        for row, flow, numbers in ((_NOW, self._flow, now), (_PINNED, self._pinned, pinned)):
            for key, *_ in _COLUMNS[:-1]:
                self._cells[key, row].setText(_text(key, flow, numbers.get(key, math.nan)))
                # The name has no room everywhere.
                of = f"Pinned: {setting(self._choice)}.\n" if self._choice and row == _PINNED else ""
                self._cells[key, row].setToolTip(of + _TIPS[key] + _of_each(key, flow))
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
            f"\nEvery trajectory has steps of its own and takes {thousands(low)} to {thousands(high)} "
            f"evaluations, {mean:,.1f} on average. "
            f"f was called {thousands(flow.nfe)} times, each time for all that were still under way."
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
    return f"×{value:.0f}" if 10 <= value < 1000 else f"×{figure(value, 2)}"


def _numbers(flow: FlowResult | None) -> dict[str, float]:
    if flow is None:
        return {}
    steps = flow.accepted + flow.rejected
    return {"nfe": flow.nfe, "steps": steps, "error": flow.error, "time": flow.milliseconds}


def _text(key: str, flow: FlowResult | None, number: float) -> str:
    if flow is None or math.isnan(number):
        return "–"
    if key == "steps":
        accepted, rejected = thousands(flow.accepted), thousands(flow.rejected)
        return f"{accepted} + {rejected}" if flow.choice.method in ADAPTIVE else accepted
    if key == "error":
        return power(float(f"{number:.1e}"))
    if key == "nfe" and flow.nfe_each is not None:
        return f"≤ {thousands(number)}"
    return f"{number:,.1f} ms" if key == "time" else thousands(number)
