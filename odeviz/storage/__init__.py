"""Files: models, points, and where odeviz keeps things. What is read is untrusted, every write is atomic.

A name's module is imported when the name is first used: the window opens before it reads any file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odeviz.storage.atomic import WriteError, atomic_write, check_writable
    from odeviz.storage.model_file import ModelFileError, load_model, save_model
    from odeviz.storage.origin import Origin, OriginError, read_origin
    from odeviz.storage.own_data import DataFileError, OwnData, load_own
    from odeviz.storage.session_file import SessionFileError, load_session, save_session

_MODULES = {
    "atomic": ("WriteError", "atomic_write", "check_writable"),
    "model_file": ("ModelFileError", "load_model", "save_model"),
    "origin": ("Origin", "OriginError", "read_origin"),
    "own_data": ("DataFileError", "OwnData", "load_own"),
    "session_file": ("SessionFileError", "load_session", "save_session"),
}

__all__ = [
    "DataFileError",
    "ModelFileError",
    "Origin",
    "OriginError",
    "OwnData",
    "SessionFileError",
    "WriteError",
    "atomic_write",
    "check_writable",
    "load_model",
    "load_own",
    "load_session",
    "read_origin",
    "save_model",
    "save_session",
]


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"odeviz.storage.{module}"), name)
    raise AttributeError(f"module 'odeviz.storage' has no attribute {name!r}")
