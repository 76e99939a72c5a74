"""Files: models, points, and where odeviz keeps things. What is read is untrusted, every write is atomic."""

from odeviz.storage.atomic import WriteError, atomic_write, check_writable
from odeviz.storage.model_file import ModelFileError, load_model, save_model
from odeviz.storage.origin import Origin, OriginError, read_origin
from odeviz.storage.own_data import DataFileError, OwnData, load_own
from odeviz.storage.session_file import SessionFileError, load_session, save_session

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
