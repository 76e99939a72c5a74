"""Files: models, points, and where odeviz keeps things. What is read is untrusted, every write is atomic."""

from odeviz.storage.atomic import WriteError, atomic_write, check_writable
from odeviz.storage.model_file import ModelFileError, load_model, save_model
from odeviz.storage.points import PointsFileError, load_points

__all__ = [
    "ModelFileError",
    "PointsFileError",
    "WriteError",
    "atomic_write",
    "check_writable",
    "load_model",
    "load_points",
    "save_model",
]
