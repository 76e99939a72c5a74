"""The one stylesheet, written from a theme's colours and type sizes.

Widgets opt into a look by a dynamic property: ``role`` on labels and frames, ``kind`` on buttons.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from odeviz.exporting.palette import mix

_TEMPLATE = Template("""
* { font-size: ${body}px; }
QToolTip { background: $raised; color: $text; border: 1px solid $grid; padding: 4px 8px; }
QMainWindow, QDialog { background: $window; }
QDialog#guide { border: 1px solid $grid; }
QMainWindow::separator { background: $separator; width: 1px; height: 1px; margin: 2px; }
QMainWindow::separator:hover { background: $accent; }

QLabel { background: transparent; }
QLabel[role="title"] { font-size: ${title}px; font-weight: 600; }
QLabel[role="headline"] { font-size: ${headline}px; font-weight: 600; }
QLabel[role="caption"] { font-size: ${caption}px; color: $muted; }
QLabel[role="section"] { font-size: ${caption}px; font-weight: 600; color: $muted; }
QLabel[role="value"], QLabel[role="strong"], QLabel[role="below"] { font-weight: 600; }
QLabel[role="below"] { color: $warning; }
QLabel[role="symbol"] { color: $faint; font-style: italic; }
QLabel[role="error"] { font-size: ${caption}px; color: $danger; }
QLabel[role="readout"] { font-size: ${caption}px; color: $text; }
QLabel[role="equation"] { font-size: ${title}px; color: $accent; }
QLabel[role="muted"] { color: $muted; }
QLabel[role="remark"] { font-size: ${caption}px; color: $text; background: $raised; border: 1px solid $separator;
  border-radius: 6px; padding: 4px 8px; }

QFrame[role="card"] { background: $raised; border: 1px solid $separator; border-radius: 8px; }
QFrame[role="panel"] { background: $base; border: none; }
QFrame[role="notice"] { background: $warning_soft; border: none; border-radius: 6px; }
QFrame[role="trouble"] { background: $danger_soft; border: 1px solid $danger; border-radius: 8px; }
QFrame[role="toast"] { background: $raised; border: 1px solid $grid; border-radius: 8px; }
QFrame[role="toast"][level="warning"] { border-color: $warning; }
QFrame[role="toast"][level="error"] { border-color: $danger; }
QFrame[role="toast"]:focus { border-color: $accent; }
QFrame[role="line"] { background: $separator; border: none; max-height: 1px; min-height: 1px; }

QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QPushButton { background: $raised; color: $text; border: 1px solid $grid; border-radius: 6px;
  padding: 4px 12px; min-height: 18px; }
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $separator; }
QPushButton:focus { border-color: $accent; }
QPushButton:disabled { color: $faint; border-color: $separator; }
QPushButton[kind="primary"], QPushButton:default { background: $accent; color: $accent_text;
  border-color: $accent; font-weight: 600; }
QPushButton[kind="primary"]:hover, QPushButton:default:hover { background: $accent_hover; }
QPushButton[kind="primary"]:disabled { background: $separator; border-color: $separator; color: $faint; }
QPushButton[kind="primary"]:focus { border-color: $text; }

QToolButton { background: transparent; color: $text; border: 1px solid transparent; border-radius: 6px;
  padding: 3px; }
QToolButton:hover { background: $hover; }
QToolButton:pressed { background: $separator; }
QToolButton:checked { background: $accent_soft; color: $accent; }
QToolButton:focus { border-color: $accent; }
QToolButton:disabled { color: $faint; }
QToolButton[kind="primary"] { background: $accent; color: $accent_text; border-color: $accent; font-weight: 600;
  padding: 3px 10px 3px 6px; }
QToolButton[kind="primary"]:hover { background: $accent_hover; }
QToolButton[kind="primary"]:focus { border-color: $text; }
QToolButton[kind="primary"]:disabled { background: $separator; border-color: $separator; color: $faint; }
QToolButton::menu-indicator { image: none; }
QToolButton[kind="section"] { font-size: ${caption}px; font-weight: 600; color: $muted; padding: 4px 0;
  text-align: left; border-radius: 4px; }
QToolButton[kind="section"]:hover { color: $text; background: transparent; }
QToolButton[kind="section"]:checked { color: $muted; background: transparent; }
QToolBar { background: $window; border: none; border-bottom: 1px solid $separator; padding: 4px 8px; spacing: 4px; }
#qt_toolbar_ext_button { padding: 0; border: none; qproperty-icon: url($right); }
QToolBar::separator { background: $separator; width: 1px; margin: 4px 4px; }

QLineEdit, QAbstractSpinBox, QComboBox, QPlainTextEdit, QTextEdit { background: $base; color: $text;
  border: 1px solid $grid; border-radius: 6px; padding: 3px 8px; min-height: 18px;
  selection-background-color: $accent; selection-color: $accent_text; }
QLineEdit:hover, QAbstractSpinBox:hover, QComboBox:hover { border-color: $faint; }
QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus, QTextEdit:focus {
  border-color: $accent; }
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled { color: $faint;
  background: $window; border-color: $separator; }
*[invalid="true"] { border-color: $danger; }
QAbstractSpinBox { padding-right: ${side}px; }
QAbstractSpinBox::up-button { subcontrol-origin: border; subcontrol-position: top right;
  width: ${side}px; border: none; background: transparent; }
QAbstractSpinBox::down-button { subcontrol-origin: border;
  subcontrol-position: bottom right; width: ${side}px; border: none; background: transparent; }
QAbstractSpinBox::up-arrow { image: url($up); width: ${arrow}px; height: ${arrow}px; }
QAbstractSpinBox::down-arrow { image: url($down); width: ${arrow}px; height: ${arrow}px; }
QComboBox { padding-right: 0; }
QComboBox::drop-down { border: none; width: ${drop}px; }
QComboBox::down-arrow { image: url($down); width: ${arrow}px; height: ${arrow}px; }
QComboBox QAbstractItemView { background: $raised; color: $text; border: 1px solid $grid; padding: 4px;
  selection-background-color: $accent_soft; selection-color: $text; outline: none; }

QCheckBox { spacing: 8px; background: transparent; }
QCheckBox::indicator { width: ${tick}px; height: ${tick}px; border: 1px solid $faint; border-radius: 4px;
  background: $base; }
QCheckBox::indicator:hover, QCheckBox:focus::indicator { border-color: $accent; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: url($check); }

QSlider::groove:horizontal { background: $grid; height: 4px; border-radius: 2px; margin: 0 2px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 2px; margin: 0 2px; }
QSlider::handle:horizontal { background: #FFFFFF; border: 2px solid $accent; border-radius: 7px; width: 10px;
  height: 10px; margin: -5px -2px; }

QScrollArea { background: transparent; border: none; }
QScrollArea > QWidget > QWidget { background: transparent; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: $grid; border-radius: 3px; margin: 2px; }
QScrollBar::handle:hover { background: $faint; }
QScrollBar::handle:vertical { min-height: 24px; }
QScrollBar::handle:horizontal { min-width: 24px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; border: none; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QMenuBar { background: $window; color: $text; border-bottom: 1px solid $separator; }
QMenuBar::item { padding: 4px 8px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $raised; color: $text; border: 1px solid $grid; padding: 4px; }
QMenu::item { padding: 4px 24px 4px 12px; border-radius: 4px; min-height: 16px; }
QMenu::item:selected { background: $accent_soft; }
QMenu::item:disabled { color: $faint; }
QMenu::separator { background: $separator; height: 1px; margin: 4px 8px; }
QMenu::icon { padding-left: 8px; }

QTabWidget::pane { border: none; border-top: 1px solid $separator; }
QTabBar { background: $window; qproperty-drawBase: 0; }
QTabBar::tab { background: transparent; color: $muted; padding: 6px 10px; border: none;
  border-bottom: 2px solid transparent; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QTabBar::tab:focus { color: $accent; }
QTabBar::scroller { width: ${side}px; }
QTabBar QToolButton { background: $window; border: none; border-radius: 0; padding: 0; }
QTabBar QToolButton::left-arrow { image: url($left); width: ${arrow}px; height: ${arrow}px; }
QTabBar QToolButton::right-arrow { image: url($right); width: ${arrow}px; height: ${arrow}px; }
QFrame[role="card"]:focus { border-color: $accent; }

QStatusBar { background: $window; color: $muted; border-top: 1px solid $separator; }
QStatusBar::item { border: none; }
QSplitter::handle { background: $separator; }
QSplitter::handle:hover { background: $accent; }
QProgressBar { background: $separator; border: none; border-radius: 2px; max-height: 4px; min-height: 4px;
  color: transparent; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }
QListView, QTreeView, QTableView { background: $base; color: $text; border: 1px solid $separator;
  border-radius: 6px; outline: none; alternate-background-color: $hover; }
QListView::item, QTreeView::item { padding: 4px 8px; }
QListView::item { border-radius: 4px; }
QListView::item:hover, QTreeView::item:hover { background: $hover; }
QListView::item:selected, QTreeView::item:selected, QTableView::item:selected { background: $accent_soft;
  color: $text; }
QTableView::item { padding: 0 6px; }
QHeaderView::section { background: $window; color: $muted; border: none; border-bottom: 1px solid $separator;
  padding: 4px 6px; font-size: ${caption}px; }
""")

_GLYPH_NAMES = ("up", "down", "left", "right", "check")
_GLYPHS = Path(__file__).with_name("glyphs")


#: Pixels at the system's text size: arrows of numbers and lists and the room they have, the box of a
#: check.
_GROWING = {"arrow": 8, "side": 18, "drop": 20, "tick": 14}


def stylesheet(colors: Any, sizes: Sequence[int], scale: float = 1.0) -> str:
    """The application's stylesheet for :class:`~odeviz.widgets.theme.Colors` and the four type sizes in pixels.

    ``scale`` is what text is larger by than the system's.
    """
    caption, body, title, headline = sizes
    roles = {name: getattr(colors, name) for name in colors.__slots__ if name != "classes"}
    return _TEMPLATE.substitute(
        roles,
        accent_hover=mix(colors.accent, colors.text, 0.16),
        caption=caption,
        body=body,
        title=title,
        headline=headline,
        **{name: round(scale * pixels) for name, pixels in _GROWING.items()},
        **{name: (_GLYPHS / f"{name}.svg").as_posix() for name in _GLYPH_NAMES},
    )
