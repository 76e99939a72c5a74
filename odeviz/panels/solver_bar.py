"""The solver bar: how precisely the flow is solved, and what that costs."""

from __future__ import annotations

import dataclasses

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QHBoxLayout, QLabel, QToolButton, QWidget

from odeviz.analysis.results import FlowResult, SolverChoice
from odeviz.panels.cost_table import CostTable
from odeviz.panels.panel import Panel
from odeviz.tasks.experiment import ADAPTIVE, FIXED, PER_SAMPLE
from odeviz.tasks.numerals import power
from odeviz.widgets.headed_combo import HeadedCombo
from odeviz.widgets.help_button import HelpButton
from odeviz.widgets.icons import icon
from odeviz.widgets.log_slider import LogSlider
from odeviz.widgets.theme import Theme

#: Title, order and a sentence for each method.
METHOD_TITLES = {
    "heun": ("Heun", "2(1)", "Heun's method with an embedded Euler step for the error."),
    "bosh3": ("Bogacki–Shampine", "3(2)", "Good at loose tolerances."),
    "dopri5": ("Dormand–Prince", "5(4)", "The usual choice: order 5, 6 evaluations a step (FSAL)."),
    "tsit5": ("Tsitouras", "5(4)", "As Dormand–Prince, with smaller error constants."),
    "dop853": (
        "Dormand–Prince",
        "8(5,3)",
        "For tight tolerances on smooth fields: twelve evaluations a step.",
    ),
    "adams": (
        "Adams",
        "1–12",
        "The paper's kind of method: two evaluations a step, its order follows the field.",
    ),
    "esdirk4": (
        "ESDIRK",
        "4(3)",
        "For stiff fields: implicit stages by Newton's method, dear where nothing is stiff.",
    ),
    "asynchronous-leapfrog": (
        "Async. leapfrog",
        "2",
        "Can be undone step by step: exact gradients in constant memory.",
    ),
    "euler": ("Euler", "1", "One evaluation a step; a residual network's layer is one such step."),
    "midpoint": ("Midpoint", "2", "Two evaluations a step."),
    "ralston": ("Ralston", "2", "Two evaluations a step, with the smallest bound on their error."),
    "rk4": ("Runge–Kutta", "4", "The classical method: four evaluations a step."),
}

#: Half of float32's spacing at 1: an error below it, of states of about that size, is lost in their rounding.
_ROUNDING = 2.0**-24
_BELOW = (
    " Less than the rounding of single precision, about 10⁻⁷: the error cannot follow, and steps are wasted."
)
_NO_SOLVER = "This model makes steps of its own, block by block: there is no solver to choose."
_COMPARE = (
    "Pin this setting, and compare others with it: its paths stay under the new ones, its cost beside theirs "
    "(Ctrl+M)."
)
_SHARED = (
    "Steps per sample: off. All trajectories share their steps, chosen by the error of all together. Press to give "
    "each the steps that it needs itself (Ctrl+Shift+M)."
)
_OWN = (
    "Steps per sample: on. Each trajectory has the steps that it needs itself, which takes longer. Press to let all "
    "share theirs (Ctrl+Shift+M)."
)
_CANNOT = "Steps per sample: {} cannot give them, but " + ", ".join(PER_SAMPLE) + " can."
_EQUAL = "Steps per sample: equal steps are the same for every trajectory."
_JUMPS = (
    "Steps per sample: each trajectory of this model has its own, because each jumps at times of its own."
)
_LET_GO = "Let the pinned setting go (Ctrl+M)."
#: What Qt calls the greatest width there is.
QWIDGETSIZE_MAX = (1 << 24) - 1
#: The width from which slider and read-outs share one row.
_ONE_ROW = 1040
#: The slider's length from which the method is named in full beside it, and the least one beside a brief name; that
#: name's width. All at the system's text size.
_LONG, _SHORT, _BRIEF = 200, 120, 96
_EDGE, _GAP, _APART = 12, 10, 16


class SolverBar(Panel):
    """A tolerance slider (steps for fixed-step methods), the method, and the cost of the last solve."""

    key = "solver"
    title = "Solver"
    about = "How precisely the flow is solved, and what it costs."

    choice_changed = Signal(object)
    #: The present setting is to be pinned, or the pinned one let go.
    compare_toggled = Signal()
    drag_started = Signal()
    drag_finished = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._choice, self._jumps = SolverChoice(), False
        self._label = QLabel(self)
        self._label.setProperty("role", "caption")
        self._value = QLabel(self)
        self._value.setProperty("role", "value")
        self.slider = LogSlider(theme, 1e-1, 1e-9, self)
        self.method = HeadedCombo(theme, self)
        self.method.brief = True
        self.method.setAccessibleName("Method")
        for name in ADAPTIVE + FIXED:
            title, order, sentence = METHOD_TITLES[name]
            self.method.addItem(f"{title} {order}", name)
            kind = "adaptive steps" if name in ADAPTIVE else "equal steps"
            tip = f"{name}: order {order}, {kind}. {sentence}"
            self.method.setItemData(self.method.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.method.insertSeparator(len(ADAPTIVE))
        self.costs = CostTable(self)
        self.own = self._switch("git-fork", "Steps per sample")
        self.compare = self._switch("scales", "Compare")
        self.compare.setToolTip(_COMPARE)
        self.help = HelpButton(theme, self.key, self.title, self.about, self)
        self._lay_out()
        self.own.clicked.connect(self._own_chosen)
        self.compare.clicked.connect(self.compare_toggled)
        self.slider.number_changed.connect(self._slider_moved)
        self.slider.drag_started.connect(self.drag_started)
        self.slider.drag_finished.connect(self.drag_finished)
        self.method.activated.connect(self._method_chosen)
        self.set_choice(SolverChoice())
        self.set_cost(None)

    def set_choice(self, choice: SolverChoice) -> None:
        """Show a choice; nothing is emitted."""
        self._choice = choice
        adaptive = choice.method in ADAPTIVE
        if adaptive:
            self.slider.set_ends(1e-1, 1e-9)
        else:
            self.slider.set_ends(1, 1000, whole=True)
        if not self.slider.dragging:
            self.slider.set_number(choice.rtol if adaptive else choice.steps)
        self.method.setCurrentIndex(self.method.findData(choice.method))
        self.method.setToolTip(self.method.itemData(self.method.currentIndex(), Qt.ItemDataRole.ToolTipRole))
        self._label.setText("tolerance" if adaptive else "steps")
        tip = (
            "Error allowed in each step, rtol = atol: ‖error‖ ≤ atol + rtol · |h|. Drag to solve again."
            if adaptive
            else "Number n of equal steps from t₀ to t₁. Drag to solve again."
        )
        below = adaptive and choice.rtol < _ROUNDING
        for widget in (self.slider, self._label, self._value):
            widget.setToolTip(tip + _BELOW * below)
        role = "below" if below else "value"
        if self._value.property("role") != role:
            self._value.setProperty("role", role)
            self._value.style().polish(self._value)
        self.slider.setAccessibleName("Tolerance" if adaptive else "Steps")
        self._value.setText(power(float(f"{choice.rtol:.1g}")) if adaptive else str(choice.steps))
        self._show_own()

    def set_solves(self, solves: bool, jumps: bool = False) -> None:
        """Whether the model on show is solved at all; for a stack of blocks or layers a sentence takes the place.

        Where states jump every trajectory has steps of its own.
        """
        self._jumps = jumps
        self._show_own()
        self._controls.setVisible(solves)
        self._no_solver.setVisible(not solves)

    def set_cost(self, flow: FlowResult | None) -> None:
        """What a solve cost; None shows dashes."""
        self.costs.set_cost(flow)

    def set_pinned(self, choice: SolverChoice | None, flow: FlowResult | None) -> None:
        """The setting that is pinned to compare with, and its solve as soon as it is there."""
        self.compare.setChecked(choice is not None)
        self.compare.setToolTip(_COMPARE if choice is None else _LET_GO)
        self.costs.set_pinned(choice, flow)

    def set_busy(self, busy: bool) -> None:
        """Mute the numbers while newer ones are on their way."""
        self.costs.set_busy(busy)

    def minimumSizeHint(self) -> QSize:
        return QSize(max(360, self.theme.px(220)), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._make_room()
        super().resizeEvent(event)

    def _make_room(self) -> None:
        """So that the slider keeps its length: read-outs below, the method by its short name, the slider below too."""
        narrow = self.width() < self.theme.px(_ONE_ROW)
        direction = QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
        room = self.width() - 2 * _EDGE
        if self._outer.direction() != direction:
            self._outer.setDirection(direction)
            self._outer.setSpacing(4 if narrow else _APART)
        brief, wanted = self.theme.px(_BRIEF), self.method.sizeHint().width()
        buttons = sum(each.sizeHint().width() for each in (self.own, self.compare, self.help))
        fixed = self._names.minimumSize().width() + buttons + 5 * _GAP
        room -= fixed
        if narrow:
            self.costs.setMinimumWidth(0)
            self.costs.setMaximumWidth(QWIDGETSIZE_MAX)
        else:
            # As wide as while comparing, so that no button moves from under the mouse that presses it.
            self.costs.setFixedWidth(self.costs.reserve(room - _APART - brief - self.theme.px(_LONG)))
            room -= _APART + self.costs.width()
        self._set_below(room - brief < self.theme.px(_SHORT))
        full = self._below or room - wanted >= self.theme.px(_LONG)
        self.method.setMaximumWidth(wanted if full else brief)

    def _set_below(self, below: bool) -> None:
        """Put the slider in a row of its own, or back between its name and the method."""
        if below != self._below:
            self._below = below
            self._grid.removeWidget(self.slider)
            if below:
                self._grid.addWidget(self.slider, 1, 0, 1, 6)
            else:
                self._grid.addWidget(self.slider, 0, 1)
            self.updateGeometry()

    def _lay_out(self) -> None:
        self._controls = QWidget(self)
        self._below = False
        self._grid = controls = QGridLayout(self._controls)
        controls.setContentsMargins(0, 0, 0, 0)
        controls.setHorizontalSpacing(_GAP)
        controls.setVerticalSpacing(2)
        controls.setColumnStretch(1, 1)
        self._no_solver = QLabel(_NO_SOLVER, self)
        self._no_solver.setProperty("role", "muted")
        self._no_solver.setWordWrap(True)
        self._no_solver.setToolTip("A residual net, z ← z + f(z), is Euler's method with one step a layer.")
        self._no_solver.hide()
        names = QGridLayout()
        controls.addLayout(names, 0, 0)
        names.setSpacing(0)
        names.addWidget(self._label, 0, 0)
        names.addWidget(self._value, 1, 0)
        self._names = names
        controls.addWidget(self.slider, 0, 1)
        controls.addWidget(self.method, 0, 2)
        controls.addWidget(self.own, 0, 3)
        controls.addWidget(self.compare, 0, 4)
        controls.addWidget(self.help, 0, 5)
        self._outer = QHBoxLayout(self)
        self._outer.setContentsMargins(_EDGE, 4, 8, 7)
        self._outer.setSpacing(_APART)
        self._outer.setSizeConstraint(QBoxLayout.SizeConstraint.SetNoConstraint)
        self._outer.addWidget(self._controls, 1)
        self._outer.addWidget(self._no_solver, 1)
        self._outer.addWidget(self.costs)
        self._fit()

    def restyle(self) -> None:
        super().restyle()
        self._fit()

    def _fit(self) -> None:
        """Texts have the room of the widest, and the bar keeps its height without a solver."""
        wide = max(self.theme.width(text) for text in ("tolerance", "8·10⁻⁸"))
        self._names.setColumnMinimumWidth(0, wide + 4)
        self.method.setMinimumWidth(self.theme.px(60))
        self.costs.fit(self.theme)
        self._make_room()
        self._no_solver.setMinimumHeight(self._controls.sizeHint().height())

    def _switch(self, name: str, title: str) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icon(name, self.theme, "muted", "accent"))
        button.setIconSize(QSize(18, 18))
        button.setCheckable(True)
        button.setAccessibleName(title)
        return button

    def _show_own(self) -> None:
        """Whether trajectories have steps of their own, and why that cannot be chosen if it cannot."""
        method, reason = self._choice.method, ""
        if method not in PER_SAMPLE + FIXED:
            reason = _CANNOT.format(method)
        elif self._jumps:
            reason = _JUMPS
        elif method in FIXED:
            reason = _EQUAL
        own = self._choice.own_steps or reason == _JUMPS
        self.own.setChecked(own)
        self.own.setEnabled(not reason)
        self.own.setToolTip(reason or (_OWN if own else _SHARED))

    def _slider_moved(self, number: float) -> None:
        if self._choice.method in ADAPTIVE:
            choice = dataclasses.replace(self._choice, rtol=number, atol=number)
        else:
            choice = dataclasses.replace(self._choice, steps=round(number))
        if choice != self._choice:
            self.set_choice(choice)
            self.choice_changed.emit(choice)

    def _method_chosen(self, index: int) -> None:
        name = self.method.itemData(index)
        if name and name != self._choice.method:
            choice = dataclasses.replace(self._choice, method=name)
            self.set_choice(choice)
            self.choice_changed.emit(choice)

    def _own_chosen(self, own: bool) -> None:
        choice = dataclasses.replace(self._choice, per_sample=own)
        self.set_choice(choice)
        self.choice_changed.emit(choice)
