"""Animations as files: GIF by Pillow, MP4 by the ffmpeg that the extra ``odeviz[video]`` installs.

ffmpeg runs as a program of its own: encoding holds no lock of ours, and a fault in it ends only itself.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

from odeviz.exporting.films import Animation
from odeviz.exporting.palette import channels
from odeviz.exporting.style import STYLES
from odeviz.storage.atomic import atomic_write
from odeviz.storage.origin import Origin

#: Frames a second, and seconds, that an animation may have.
FPS_RANGE, SECONDS_RANGE = (1, 60), (0.2, 600.0)
FPS, SECONDS, DPI = 20, 5.0, 150
#: A run has a few dozen checkpoints: they pass more slowly.
TRAINING_FPS = 10
#: How long the last frame stays, so that the end can be seen before a loop begins again.
HOLD = 1.0
#: Frames that the colours of a GIF are taken from, and colours that are kept exact for grounds and lines.
_SAMPLED, _EXACT = 9, 15
#: The colour of a GIF that stands for what did not change since the frame before.
_CLEAR = 255

VIDEO_MISSING = "MP4 needs ffmpeg, which comes with an extra: pip install imageio-ffmpeg (or 'odeviz[video]')"

#: How far it is: frames done, and frames in all.
Progress = Callable[[int, int], None]


class Cancel(Protocol):
    """Anything that can be asked whether to stop, for example ``threading.Event``."""

    def is_set(self) -> bool: ...


class _Stopped(Exception):  # noqa: N818 - no error
    pass


def save_animation(
    animation: Animation,
    path: Path | str,
    *,
    fps: int = FPS,
    style: str = "publication",
    origin: Origin | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> bool:
    """Write an animation whose suffix is ``.gif`` or ``.mp4``; False if it was cancelled, which leaves no file.

    Raises ``ValueError`` for another suffix or number of frames a second, or where ffmpeg is missing, and
    :class:`odeviz.storage.WriteError` when the disk refuses.
    """
    suffix = check_video_suffix(path)
    low, high = FPS_RANGE
    if not low <= fps <= high:
        raise ValueError(f"fps must be a whole number from {low} to {high}, not {fps!r}")
    text = "" if origin is None else origin.text()

    def frames() -> Iterator[NDArray[np.uint8]]:
        for k in range(len(animation)):
            if cancel is not None and cancel.is_set():
                raise _Stopped
            yield animation.pixels(k)
            if progress is not None:
                progress(k + 1, len(animation))

    try:
        with atomic_write(path) as temporary:
            WRITERS[suffix](animation, frames(), temporary, fps, style, text)
            if cancel is not None and cancel.is_set():
                raise _Stopped
    except _Stopped:
        return False
    return True


def check_video_suffix(path: Path | str) -> str:
    """The path's suffix in lower case; ``ValueError`` if no animation is written in that format, or not here."""
    suffix = Path(path).suffix.lower()
    if suffix not in WRITERS:
        raise ValueError(f"an animation's file must end in {', '.join(WRITERS)}, not {Path(path).name!r}")
    if suffix == ".mp4":
        _encoder()
    return suffix


def _write_gif(
    animation: Animation, frames: Iterator[NDArray[np.uint8]], path: Path, fps: int, style: str, text: str
) -> None:
    """One palette for all frames: colours that differ from frame to frame would flicker."""
    from PIL import Image

    palette = _palette(animation, style)
    nearest = _nearest(palette)

    def image(frame: NDArray[np.uint8]) -> Image.Image:
        coarse = frame.astype(np.uint16) >> 3
        found = Image.fromarray(nearest[coarse[..., 0] << 10 | coarse[..., 1] << 5 | coarse[..., 2]])
        found.putpalette(palette.tobytes())
        return found

    images = map(image, frames)
    count = len(animation)
    # GIF counts hundredths of a second. Times are rounded as they pass, so that their errors do not add up.
    ends = [round(100 * (k + 1) / fps) for k in range(count)]
    delays = [10 * (end - start) for start, end in zip([0, *ends], ends, strict=False)]
    delays[-1] += round(1000 * HOLD)
    next(images).save(
        path,
        format="GIF",
        save_all=True,
        append_images=images,
        duration=delays,
        loop=0,
        palette=palette.tobytes(),
        # What did not change since the frame before is left out.
        transparency=_CLEAR,
        optimize=True,
        comment=text.encode("ascii"),
    )


def _palette(animation: Animation, style: str) -> NDArray[np.uint8]:
    """Colours ``[256, 3]`` that suit all frames; the first are the style's own, exactly."""
    from PIL import Image

    count = len(animation)
    chosen = np.unique(np.linspace(0, count - 1, min(count, _SAMPLED)).round().astype(int))
    seen = np.concatenate([animation.pixels(int(k))[::2, ::2] for k in chosen])
    found = (
        Image.fromarray(seen).quantize(_CLEAR - _EXACT, method=Image.Quantize.MEDIANCUT).getpalette() or []
    )
    colors = STYLES[style].colors
    exact = (colors.ground, colors.text, colors.muted, colors.grid, colors.accent, *colors.classes)
    own = 255 * np.array([channels(color) for color in exact[:_EXACT]])
    rest = np.array(found, np.uint8).reshape(-1, 3)
    # No colour may be there twice; those that fill the table up are greys which no pixel needs.
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    every = np.concatenate([own.round().astype(np.uint8), rest, greys])
    _, first = np.unique(every, axis=0, return_index=True)
    return np.asarray(every[np.sort(first)][:256])


def _nearest(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The nearest colour's index for every colour of five bits a channel ``[2^15]``; the style's own stay exact."""
    grid = np.arange(4, 256, 8, dtype=np.float32)
    every = np.stack(np.meshgrid(grid, grid, grid, indexing="ij"), axis=-1).reshape(-1, 3)
    known = palette.astype(np.float32)
    # |a - b|^2 without |a|^2, which is the same for all b.
    known[_CLEAR] = 1e6  # nothing has the colour that stands for what did not change
    indices = (np.square(known).sum(axis=1) - 2 * every @ known.T).argmin(axis=1).astype(np.uint8)
    own = palette[:_EXACT].astype(np.uint16) >> 3
    indices[own[:, 0] << 10 | own[:, 1] << 5 | own[:, 2]] = np.arange(_EXACT)
    return indices


def _write_mp4(
    animation: Animation, frames: Iterator[NDArray[np.uint8]], path: Path, fps: int, style: str, text: str
) -> None:
    width, height = animation.size
    took = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"]
    # The colours' matrix is named: a player that guesses it by the size would tint large films.
    matrix = [
        word for what in ("colorspace", "color_primaries", "color_trc") for word in (f"-{what}", "bt709")
    ]
    look = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p", *matrix]
    # crf 18: no loss that is seen. faststart: a browser begins before it has all of the file.
    code = ["-c:v", "libx264", "-crf", "18", "-preset", "medium", "-movflags", "+faststart"]
    about = ["-metadata", f"comment={text}"] if text else []
    with _ffmpeg([*took, *look, *code, *about, str(path)]) as pipe:
        frame = None
        for frame in frames:
            pipe.write(frame.data)
        for _ in range(round(HOLD * fps) if frame is not None else 0):
            pipe.write(frame.data)


@contextmanager
def _ffmpeg(arguments: Sequence[str]) -> Iterator[IO[bytes]]:
    """Run ffmpeg on what is written into the pipe; killed if the block raises. ``OSError`` if it gives up."""
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            [_encoder(), "-y", "-v", "error", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        assert process.stdin is not None
        try:
            try:
                with process.stdin as pipe:
                    yield pipe
            except OSError:
                # A broken pipe says less than ffmpeg does.
                if process.wait() == 0:
                    raise
            failed = process.wait() != 0
        except BaseException:
            process.kill()
            process.wait()
            raise
        if failed:
            complaints.seek(0)
            said = complaints.read().decode("utf-8", "replace").strip().splitlines()
            raise OSError(
                f"ffmpeg gave up: {said[-1]}" if said else f"ffmpeg ended with {process.returncode}"
            )


def _encoder() -> str:
    """The program's path; ``ValueError`` where there is none."""
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        raise ValueError(VIDEO_MISSING) from None


#: How an animation is written, by suffix.
WRITERS: dict[str, Callable[[Animation, Iterator[NDArray[np.uint8]], Path, int, str, str], None]] = {
    ".gif": _write_gif,
    ".mp4": _write_mp4,
}
