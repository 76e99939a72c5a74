"""Everything a person can do, in one registry: menus, toolbar, shortcuts and the command palette are made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence

from odeviz.analysis.projection import PROJECTIONS
from odeviz.app.situation import Situation
from odeviz.state import COLOURINGS, LAYERS
from odeviz.tasks.numerals import percent
from odeviz.tasks.presets import PRESETS
from odeviz.tasks.registry import task_of
from odeviz.training.loop import Phase
from odeviz.widgets.icons import icon
from odeviz.widgets.theme import MODES, TEXT_SIZES, Theme

#: The colour roles of the icon of Train, whose button is filled with the accent.
TRAIN_ROLES = ("accent_text", "accent_text")
#: Files that File > Open Recent remembers.
RECENT = 9
MENUS = ("File", "Edit", "View", "Model", "Presets", "Help")

Rule = Callable[[Situation], bool]


def always(now: Situation) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One thing a person can do. ``key`` names it; ``checked`` makes it a switch."""

    key: str
    title: str
    tooltip: str
    menu: str
    shortcut: str = ""
    icon: str = ""
    enabled: Rule = always
    checked: Rule | None = None
    #: Starts a new group in its menu.
    first: bool = False
    #: The submenu it stands in, if any.
    submenu: str = ""
    #: What it is called in the toolbar, where there is less room.
    short: str = ""
    #: Its title now, where that depends on what is so; "" leaves :attr:`title`.
    text: Callable[[Situation], str] | None = None
    #: Whether it is in the menus at all.
    shown: Rule = always


def _has_model(now: Situation) -> bool:
    return now.has_model


def _solves(now: Situation) -> bool:
    return now.has_model and now.solves


def _can_train(now: Situation) -> bool:
    return now.phase is not Phase.STARTING


def _shows(layer: str) -> Rule:
    return lambda now: now.layers[layer]


def _offers(layer: str) -> Rule:
    return lambda now: layer in now.offered


def _left_over(now: Situation) -> bool:
    return now.left_over


def _can_colour(key: str) -> Rule:
    return lambda now: key in now.colourings


def _colours_by(key: str) -> Rule:
    return lambda now: now.colouring == key


def _projects(kind: str) -> Rule:
    return lambda now: now.projection == kind


def _has_dimensions(now: Situation) -> bool:
    return now.dim > 2


def _wears(mode: str) -> Rule:
    return lambda now: now.theme == mode


def _layer_specs() -> list[ActionSpec]:
    return [
        ActionSpec(
            f"layer.{key}", layer.title, layer.about, "View", layer.shortcut, layer.icon,
            enabled=_offers(key), checked=_shows(key), submenu="Layers",
        )
        for key, layer in LAYERS.items()
    ]  # fmt: skip


def _look_specs() -> list[ActionSpec]:
    colours = [
        ActionSpec(
            f"colour.{key}", title, about, "View", checked=_colours_by(key), icon="palette",
            enabled=_can_colour(key), submenu="Colour Paths By",
        )
        for key, (title, about) in COLOURINGS.items()
    ]  # fmt: skip
    projections = [
        ActionSpec(
            f"projection.{kind}", title, about, "View", checked=_projects(kind), icon="cube", submenu="Projection",
            enabled=_has_dimensions,
        )
        for kind, (title, about) in PROJECTIONS.items()
    ]  # fmt: skip
    return [*colours, *projections]


def _theme_specs() -> list[ActionSpec]:
    return [
        ActionSpec(
            f"theme.{mode}", mode.capitalize(),
            "Follow the system's light or dark." if mode == "system" else f"Always {mode}.",
            "View", checked=_wears(mode), submenu="Theme",
            icon={"system": "desktop", "light": "sun", "dark": "moon"}[mode],
        )
        for mode in MODES
    ]  # fmt: skip


def _has_size(size: float) -> Rule:
    return lambda now: now.text_size == size


def _text_size_specs() -> list[ActionSpec]:
    sizes = [
        ActionSpec(
            f"text.{size:.0%}", percent(size), "As large as the system has it." if size == 1.0 else
            f"Text {size:.4g} times as large as the system has it.", "View", icon="text-aa", checked=_has_size(size),
            submenu="Text Size",
        )
        for size in TEXT_SIZES
    ]  # fmt: skip
    return [
        *sizes,
        ActionSpec("text.larger", "Larger", "The next larger text.", "View", "Ctrl+=", "magnifying-glass-plus",
                   lambda now: now.text_size < TEXT_SIZES[-1], submenu="Text Size", first=True),
        ActionSpec("text.smaller", "Smaller", "The next smaller text.", "View", "Ctrl+-", "magnifying-glass-minus",
                   lambda now: now.text_size > TEXT_SIZES[0], submenu="Text Size"),
    ]  # fmt: skip


#: Iterations a second that training can be slowed down to, by the end of its action's key; the last is no limit.
PACES: Mapping[str, float | None] = {"1": 1.0, "5": 5.0, "20": 20.0, "100": 100.0, "full": None}


def _trains_at(pace: float | None) -> Rule:
    return lambda now: now.pace == pace


def _pace_specs() -> list[ActionSpec]:
    def about(pace: float | None) -> tuple[str, str]:
        if pace is None:
            return "Full Speed", "As many iterations a second as there is time for."
        some = "1 Iteration" if pace == 1 else f"{pace:g} Iterations"
        return f"{some} a Second", f"At most {some.lower()} a second: slow enough to watch each one work."

    return [
        ActionSpec(
            f"pace.{key}", *about(pace), "Model", icon="gauge", checked=_trains_at(pace), submenu="Training Speed"
        )
        for key, pace in PACES.items()
    ]  # fmt: skip


def _recent_specs() -> list[ActionSpec]:
    def text(place: int) -> Callable[[Situation], str]:
        return lambda now: _file_text(now.recent[place]) if place < len(now.recent) else ""

    def there(place: int) -> Rule:
        return lambda now: place < len(now.recent)

    return [
        ActionSpec(
            f"recent.{place}", f"Recent File {place + 1}", "Open this file again.", "File",
            icon="clock-counter-clockwise", enabled=there(place), submenu="Open Recent", text=text(place),
            shown=there(place),
        )
        for place in range(RECENT)
    ]  # fmt: skip


def _file_text(name: str) -> str:
    """A file's name, and where it is, for a menu, where & would mark a key."""
    path = Path(name)
    folder = path.parent
    if folder.is_relative_to(Path.home()):
        folder = Path("~") / folder.relative_to(Path.home())
    return f"{path.name}  ({folder})".replace("&", "&&")


def _preset_specs() -> list[ActionSpec]:
    specs = []
    for preset in PRESETS.values():
        task = task_of(preset.experiment).title
        tip = f"{preset.sentence} {preset.look_for}"
        specs.append(
            ActionSpec(f"preset.{preset.name}", preset.title, tip, "Presets", icon="cards", submenu=task)
        )
    return specs


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("open", "Open…", "Open a trained model (.odeviz) or a session (.odeviz-session).", "File", "Ctrl+O",
               "folder-open"),
    *_recent_specs(),
    ActionSpec("forget_recent", "Clear This List", "Forget which files were opened lately.", "File", icon="x-circle",
               enabled=lambda now: bool(now.recent), submenu="Open Recent", first=True),
    ActionSpec("save", "Save", "Save the model on show or the session to its file.", "File", "Ctrl+S", "floppy-disk"),
    ActionSpec("save_as", "Save As…", "Save the model on show or the session to another file.", "File", "Ctrl+Shift+S",
               "floppy-disk-back"),
    ActionSpec("save_session", "Save Session As…", "Save the model with its run, seeds, views, playhead and panels.",
               "File", "Ctrl+Alt+S", "bookmark-simple"),
    ActionSpec("restore", "Restore Unsaved Session", "Show what was not saved when odeviz ended unexpectedly.", "File",
               icon="first-aid-kit", enabled=_left_over, shown=_left_over, first=True),
    ActionSpec("discard", "Discard Unsaved Session", "Forget what was not saved when odeviz ended unexpectedly.",
               "File", icon="trash", enabled=_left_over, shown=_left_over),
    ActionSpec("import_data", "Import Data…", "Learn from your own points, series or event times (CSV).", "File",
               "Ctrl+I", "table", first=True),
    ActionSpec("draw_data", "Draw Data…", "Draw points with the mouse and learn their density.", "File",
               "Ctrl+Shift+D", "pencil-simple"),
    ActionSpec("export_figure", "Export Figure…", "Any panel or view as PNG, SVG, PDF, or a film.", "File",
               "Ctrl+E", "export", _has_model, first=True, short="Export"),
    ActionSpec("copy_figure", "Copy Figure", "Put the figure of the panel in hand on the clipboard, drawn for print.",
               "File", "Ctrl+Shift+P", "copy", _has_model),
    ActionSpec("export_view", "Export View as Seen…", "Save the flow view as a PNG, exactly as it looks.", "File",
               "Ctrl+Shift+E", "camera", _has_model),
    ActionSpec("export_data", "Export Data…", "Save a panel's numbers as CSV or NPZ.", "File", "Ctrl+D",
               "table", _has_model),
    ActionSpec("export_film", "Export Film…", "An animation of the flow, or of its training (GIF, MP4).", "File",
               icon="film-strip", enabled=_has_model),
    ActionSpec("cancel_export", "Cancel Export", "Give up the film that is being written; no file is left.", "File",
               icon="x-circle", enabled=lambda now: now.exporting, shown=lambda now: now.exporting),
    ActionSpec("quit", "Quit", "Close the window.", "File", "Ctrl+Q", "sign-out", first=True),

    ActionSpec("undo", "Undo", "Take back the last change of settings, seeds, layers or solver.", "Edit",
               "Ctrl+Z", "arrow-u-up-left", lambda now: now.can_undo,
               text=lambda now: f"Undo {now.undo_text}" if now.undo_text else ""),
    ActionSpec("redo", "Redo", "Make the change again.", "Edit", "Ctrl+Shift+Z", "arrow-u-up-right",
               lambda now: now.can_redo, text=lambda now: f"Redo {now.redo_text}" if now.redo_text else ""),
    ActionSpec("copy_experiment", "Copy Experiment", "Copy the experiment as one line of text that repeats its run "
               "wherever it is pasted.", "Edit", "Ctrl+Shift+C", "copy", first=True),
    ActionSpec("paste_experiment", "Paste Experiment", "Show the experiment of a copied line, ready to be trained.",
               "Edit", "Ctrl+Shift+V", "clipboard-text"),
    ActionSpec("reset_settings", "Reset Settings to Preset", "Take back all changes of the preset's settings.", "Edit",
               icon="arrow-counter-clockwise", first=True),
    ActionSpec("copy_seeds", "Copy Coordinates", "Copy the seeds' coordinates, one seed a line; of the selected "
               "ones if there are any.", "Edit", "Ctrl+Alt+C", "copy", lambda now: now.has_seeds, first=True),
    ActionSpec("remove_seed", "Remove Selected Seeds", "Remove the seeds that are selected (Delete in the flow view).",
               "Edit", icon="trash", enabled=lambda now: now.seed_selected),
    ActionSpec("clear_seeds", "Remove All Seeds", "Remove all trajectories you have set.", "Edit",
               icon="trash-simple", enabled=lambda now: now.has_seeds),

    ActionSpec("palette", "Command Palette…", "Find and do anything by typing its name.", "View", "Ctrl+K",
               "command", short="Commands"),
    ActionSpec("play", "Play", "Play the flow from t = 0 to t₁.", "View", "Space", "play", _has_model,
               lambda now: now.playing, first=True),
    ActionSpec("rewind", "Go to t = 0", "Put the playhead at the start.", "View", "Home", "skip-back", _has_model),
    ActionSpec("loop", "Loop", "Start again at the end.", "View", "Ctrl+L", "repeat",
               checked=lambda now: now.looping),
    ActionSpec("tighter", "Tighten Tolerance", "Look through a ten times smaller tolerance (or twice the steps).",
               "View", "Ctrl+]", "minus-circle", _solves, first=True),
    ActionSpec("looser", "Loosen Tolerance", "Look through a ten times larger tolerance (or half the steps).",
               "View", "Ctrl+[", "plus-circle", _solves),
    ActionSpec("compare", "Compare Solver Settings",
               "Pin the solver's setting: its paths and its cost stay beside those of others; once more lets it go.",
               "View", "Ctrl+M", "scales", _solves, lambda now: now.comparing),
    ActionSpec("per_sample", "Per-Sample Steps", "Give each trajectory steps of its own instead of shared ones.",
               "View", "Ctrl+Shift+M", "git-fork", lambda now: now.can_own_steps, lambda now: now.own_steps),
    *_layer_specs(),
    *_look_specs(),
    *_theme_specs(),
    *_text_size_specs(),
    ActionSpec("calm", "Reduced Motion", "Nothing moves that you have not moved: models open standing still, tracers "
               "rest, messages do not slide.", "View", icon="hand-palm", checked=lambda now: now.calm),
    ActionSpec("full_screen", "Full Screen", "All of the screen for the window; once more gives it back.", "View",
               "F11", "arrows-out", checked=lambda now: now.full_screen),
    ActionSpec("log", "Log", "Everything the window has told, with details.", "View", "Ctrl+Shift+L", "list-bullets",
               first=True),
    ActionSpec("dismiss", "Dismiss Message", "Put away the newest message at the bottom right.", "View",
               "Shift+Esc", "x"),
    ActionSpec("reset_layout", "Reset Layout", "Put all panels back where they were at first.", "View",
               icon="layout", first=True),

    ActionSpec("train", "Train", "Train the model: from scratch, or on from where it was paused.", "Model",
               "Ctrl+T", "play", _can_train, lambda now: now.phase is Phase.TRAINING),
    ActionSpec("step", "Step", "One iteration of training, then pause.", "Model", "Ctrl+.", "skip-forward",
               lambda now: _can_train(now) and now.phase is not Phase.TRAINING),
    ActionSpec("reset", "Reset", "Fresh weights from the experiment's seed, ready to be trained.", "Model",
               "Ctrl+Shift+T", "arrow-counter-clockwise", _can_train),
    *_pace_specs(),
    ActionSpec("earlier", "Earlier Checkpoint", "Show the model as it was earlier in its training.", "Model",
               "Alt+Left", "caret-left", lambda now: now.can_look_back, first=True),
    ActionSpec("later", "Later Checkpoint", "Show the model as it was later in its training.", "Model",
               "Alt+Right", "caret-right", lambda now: now.looking_back),
    ActionSpec("live", "Back to the Latest", "Show what training has reached, and follow it.", "Model",
               "Alt+End", "skip-forward", lambda now: now.looking_back),
    ActionSpec("keep_run", "Keep Run for Comparison", "Keep this run's loss and NFE, dashed, beside those of the runs "
               "to come; once more puts it away.", "Model", "Ctrl+Shift+K", "push-pin", _has_model,
               lambda now: now.keeping, first=True),

    ActionSpec("gallery", "Gallery…", "All presets with what to look for.", "Presets", "Ctrl+G",
               "squares-four", short="Gallery"),
    *_preset_specs(),

    ActionSpec("explain", "What Am I Seeing?", "Say what the panel that has the keyboard shows, with its symbols and "
               "its equation.", "Help", "Shift+F1", "question"),
    ActionSpec("tour", "Tour", "Six short steps through the window.", "Help", icon="map-trifold",
               short="Start the tour"),
    ActionSpec("shortcuts", "Keyboard Shortcuts", "All shortcuts on one sheet.", "Help", "F1", "keyboard"),
    ActionSpec("about", "About odeviz", "Version and what this is.", "Help", icon="info"),
)  # fmt: skip


class Actions(QObject):
    """The registry's actions as ``QAction`` objects, by key."""

    #: The key of an action a person has triggered.
    triggered = Signal(str)

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._actions: dict[str, QAction] = {}
        self._theme = theme
        for spec in ACTIONS:
            action = QAction(spec.title, self)
            action.setObjectName(spec.key)
            action.setToolTip(_with_keys(spec, spec.tooltip))
            action.setStatusTip("")
            if spec.short:
                action.setIconText(spec.short)
            if spec.shortcut:
                action.setShortcut(QKeySequence(spec.shortcut))
            if spec.icon:
                action.setIcon(icon(spec.icon, theme))
            action.setIconVisibleInMenu(False)
            action.setCheckable(spec.checked is not None)
            action.triggered.connect(self._on_triggered)
            self._actions[spec.key] = action
        self.now: Situation | None = None
        self.update(Situation())

    def __getitem__(self, key: str) -> QAction:
        return self._actions[key]

    def update(self, now: Situation) -> None:
        """Apply the rules: what is enabled, what is checked, and what Train is called."""
        if now == self.now:
            return
        training = now.phase is Phase.TRAINING
        self.now = now
        for spec in ACTIONS:
            action = self._actions[spec.key]
            action.setEnabled(spec.enabled(now))
            action.setVisible(spec.shown(now))
            if spec.text is not None:
                text = spec.text(now)
                action.setText(text or spec.title)
                action.setToolTip(_with_keys(spec, f"{text}. {spec.tooltip}" if text else spec.tooltip))
            if spec.checked is not None:
                action.setChecked(spec.checked(now))
        self._actions["train"].setText("Pause" if training else "Train")
        self._actions["train"].setIcon(icon("pause" if training else "play", self._theme, *TRAIN_ROLES))

    def _on_triggered(self) -> None:
        action = self._actions[self.sender().objectName()]
        if self.now is not None:
            # A switch shows what is so, not what was clicked: it changes when the state has changed.
            spec = next(spec for spec in ACTIONS if spec.key == action.objectName())
            if spec.checked is not None:
                action.setChecked(spec.checked(self.now))
        self.triggered.emit(action.objectName())


def _with_keys(spec: ActionSpec, tip: str) -> str:
    """A tooltip that also names the shortcut."""
    keys = QKeySequence(spec.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
    return f"{tip}  ({keys})" if keys else tip
