"""What people may type in the command palette for an action that is called otherwise."""

from __future__ import annotations

from collections.abc import Mapping

#: By an action's key, or by the part of it before its first dot for all of a family.
SEARCH_WORDS: Mapping[str, str] = {
    "open": "load file model import",
    "save": "store write disk",
    "save_as": "store write disk copy",
    "import_data": "load own csv points series table dataset",
    "draw_data": "paint sketch own points dataset",
    "export_figure": "image picture plot save png svg pdf publication",
    "copy_figure": "image picture clipboard",
    "export_view": "screenshot image picture png",
    "export_data": "numbers table spreadsheet csv npz numpy",
    "export_film": "animation video movie gif mp4 record",
    "copy_experiment": "share line text clipboard",
    "paste_experiment": "share line text clipboard",
    "reset_settings": "defaults revert",
    "clear_seeds": "delete trajectories points",
    "remove_seed": "delete trajectory point",
    "play": "start stop pause animate run time",
    "rewind": "start beginning zero",
    "loop": "repeat",
    "tighter": "accurate precise finer smaller rtol atol",
    "looser": "faster coarser larger rtol atol",
    "compare": "pin difference versus",
    "per_sample": "batch own independent steps",
    "log": "messages history errors console",
    "calm": "accessibility still",
    "full_screen": "maximise maximize presentation",
    "reset_layout": "windows docks panels default",
    "train": "start run learn fit pause stop",
    "step": "iteration single next",
    "reset": "restart weights initialise initialize again",
    "pace": "slow fast speed",
    "keep_run": "compare baseline pin",
    "gallery": "examples presets demos models",
    "preset": "example demo model",
    "explain": "help what why equation panel",
    "tour": "introduction tutorial help start",
    "shortcuts": "keys hotkeys keyboard cheat sheet",
    "about": "version licence license",
    "theme": "colours colors appearance night dark light",
    "text": "font zoom size bigger",
    "colour": "color palette",
    "projection": "axes 3d plane space pca",
}


def search_words(key: str) -> str:
    """Those of an action."""
    return SEARCH_WORDS.get(key) or SEARCH_WORDS.get(key.partition(".")[0], "")
