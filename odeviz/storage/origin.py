"""Where a picture or a table comes from: the experiment it shows, written into the file and read back.

PNG and GIF carry it as a text and a comment, SVG and PDF in their descriptions, MP4 as its comment, NPZ as the array
``odeviz``, CSV as a first line that begins with ``#``, where that is wanted. The text is one JSON object in ASCII.
"""

from __future__ import annotations

import html
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

import odeviz
from odeviz.storage.model_file import experiment_of
from odeviz.tasks.experiment import Experiment
from odeviz.training.snapshot import Snapshot

#: The name of the array in an NPZ file, and how the first line of a CSV file begins.
FIELD, COMMENT = "odeviz", "# odeviz "
#: Longer than any experiment's text; and larger than any file that is searched for one.
_MOST, _LARGEST = 64_000, 256_000_000


class OriginError(ValueError):
    """A file tells no origin; ``str()`` is one sentence naming the file and the reason."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a file shows, of which experiment, after how many iterations, and which odeviz wrote it."""

    experiment: Experiment
    iteration: int
    title: str = ""
    version: str = odeviz.__version__

    @classmethod
    def of(cls, snapshot: Snapshot, title: str = "") -> Origin:
        """The origin of what is drawn from a snapshot."""
        return cls(snapshot.experiment, snapshot.iteration, title)

    def text(self) -> str:
        """One JSON object in ASCII."""
        settings = self.experiment.values()
        about = {"odeviz": self.version, "shows": self.title, "iteration": self.iteration}
        return json.dumps(about | {"experiment": settings}, separators=(",", ":"))


class _Text(msgspec.Struct):
    odeviz: Annotated[str, msgspec.Meta(max_length=40)]
    experiment: dict[str, bool | Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)] | float | str]
    iteration: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0
    shows: Annotated[str, msgspec.Meta(max_length=200)] = ""


def read_origin(path: Path | str) -> Origin:
    """The origin that a picture or a table carries. Raises :class:`OriginError` and nothing else."""
    path = Path(path)
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise OriginError(f"cannot read {path}: what carries an experiment ends in {', '.join(_READERS)}")
    try:
        if not path.is_file():
            raise OriginError(f"cannot read {path}: it is not a file")
        if path.stat().st_size > _LARGEST:
            raise OriginError(f"cannot read {path}: it is larger than anything odeviz exports")
        text = read(path)
    except OSError as error:
        reason = (error.strerror or str(error) or type(error).__name__).lower()
        raise OriginError(f"cannot read {path}: {reason}") from error
    if not text:
        raise OriginError(
            f"{path} carries no experiment: odeviz did not write it, or another program removed it"
        )
    try:
        found = msgspec.json.decode(text[:_MOST], type=_Text)
        experiment = experiment_of(found.experiment)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise OriginError(f"cannot read {path}: the experiment it carries is damaged") from None
    except ValueError as error:
        raise OriginError(f"cannot read {path}: {error}") from None
    shows = "".join(letter for letter in found.shows if letter.isprintable())
    return Origin(experiment, found.iteration, shows, found.odeviz)


def is_carrier(path: Path | str) -> bool:
    """Whether a file of this name may carry an experiment."""
    return Path(path).suffix.lower() in _READERS


def _image(path: Path) -> str:
    """The text of a PNG or the comment of a GIF; no pixel is decoded."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=["PNG", "GIF"]) as image:
            found = image.info.get("Description") or image.info.get("comment") or b""
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError, EOFError):
        return ""
    return found if isinstance(found, str) else bytes(found).decode("ascii", "replace")


def _svg(path: Path) -> str:
    # Not parsed as XML: of an untrusted file, only the one element counts.
    text = path.read_text(encoding="utf-8", errors="replace")
    found = re.search(r"<dc:description>([^<]{0,64000})</dc:description>", text)
    return html.unescape(found[1]) if found else ""


def _pdf(path: Path) -> str:
    found = re.search(rb"/Subject \(((?:[^()\\]|\\.){0,64000}?)\)", path.read_bytes(), re.DOTALL)
    if found is None:
        return ""
    return re.sub(rb"\\(.)", rb"\1", found[1], flags=re.DOTALL).decode("ascii", "replace")


def _mp4(path: Path) -> str:
    # The comment's atom: its size before its name, then one of data with eight bytes of type and language.
    content = path.read_bytes()
    at = content.rfind(b"\xa9cmt")
    if at < 4 or content[at + 8 : at + 12] != b"data":
        return ""
    size = int.from_bytes(content[at + 4 : at + 8], "big")
    return content[at + 20 : at + 4 + min(size, _MOST)].decode("ascii", "replace")


def _npz(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(f"{FIELD}.npy").file_size > 4 * _MOST:
                return ""
            with archive.open(f"{FIELD}.npy") as file:
                return str(np.lib.format.read_array(file, allow_pickle=False))
    except (KeyError, ValueError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
        return ""


def _csv(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        line = file.readline(_MOST)
    return line.removeprefix(COMMENT).strip() if line.startswith(COMMENT) else ""


_READERS: Mapping[str, Callable[[Path], str]] = {
    ".png": _image,
    ".svg": _svg,
    ".pdf": _pdf,
    ".gif": _image,
    ".mp4": _mp4,
    ".npz": _npz,
    ".csv": _csv,
}
