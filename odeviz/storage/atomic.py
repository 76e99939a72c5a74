"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


class WriteError(OSError):
    """A file could not be written; ``str()`` is one sentence naming the file and the reason."""


@contextlib.contextmanager
def atomic_write(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path with the same suffix; it takes ``path``'s place when the block ends.

    It lies in the same folder. If the block or the replacement fails, an existing file at ``path`` stays
    as it was and nothing is left behind. ``OSError`` in the block (a full disk, a read-only folder)
    becomes :class:`WriteError`.
    """
    path = Path(path)
    # Through a symbolic link, the file it points to is replaced and the link stays.
    target = path.resolve()
    try:
        _refuse_odd_target(target)
        temporary = _create_beside(target)
    except OSError as error:
        raise _explain(path, error) from error
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        _discard(temporary)
        raise _explain(path, error) from error
    except BaseException:
        _discard(temporary)
        raise


def check_writable(path: Path | str) -> None:
    """Raise :class:`WriteError` if ``path`` could not be written now; a long run asks before it starts."""
    target = Path(path).resolve()
    try:
        _refuse_odd_target(target)
        _discard(_create_beside(target))
    except OSError as error:
        raise _explain(Path(path), error) from error


def _refuse_odd_target(target: Path) -> None:
    """Only a regular file may be replaced: renaming over a device or a pipe would destroy it."""
    if target.is_dir():
        raise IsADirectoryError("it is a folder")
    if target.exists() and not target.is_file():
        raise OSError("it is not a regular file")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"the folder {target.parent} does not exist")


def _create_beside(target: Path) -> Path:
    # The stem is cut so that the temporary name stays within a file system's limit when the final one does.
    temporary = target.with_name(f".{target.stem[:40]}-{secrets.token_hex(4)}{target.suffix}")
    # Made with the mode an ordinary new file would get; a file that is replaced keeps its own.
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    if target.exists():
        with contextlib.suppress(OSError):
            temporary.chmod(target.stat().st_mode & 0o777)
    return temporary


def _discard(temporary: Path) -> None:
    with contextlib.suppress(OSError):
        temporary.unlink(missing_ok=True)


def _explain(path: Path, error: OSError) -> WriteError:
    if isinstance(error, WriteError):
        return error
    reason = (error.strerror or str(error) or type(error).__name__).strip().rstrip(".")
    return WriteError(f"cannot write {path}: {reason[0].lower()}{reason[1:]}")
