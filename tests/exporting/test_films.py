"""Films: shared scales, frames that differ in nothing but the flow, files that are whole or not there."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
import threading

import numpy as np
import pytest
from matplotlib.image import AxesImage
from PIL import Image, ImageSequence
from sample_results import SQUARE, gaussian, half_plane, rotation_field, spiral_flow, texts, two_points

from odeviz.analysis.film import Film, Frame, tails
from odeviz.exporting.figures import draw_figure, save_figure
from odeviz.exporting.films import Animation
from odeviz.exporting.style import COLUMN, Look
from odeviz.exporting.tables import save_table
from odeviz.exporting.video import HOLD, VIDEO_MISSING, save_animation
from odeviz.storage import Origin, WriteError, read_origin
from odeviz.tasks import Experiment

ORIGIN = Origin(Experiment.of("density"), 5, "a film")


def film(count=4, background=gaussian, labelled=False):
    """Frames whose density grows by a nat from one to the next."""
    flow = spiral_flow(labelled=labelled)
    frames = []
    for k in range(count):
        behind = background()
        if background is gaussian:
            behind = dataclasses.replace(behind, log_density=behind.log_density + k)
        t = k / (count - 1)
        frames.append(Frame(f"t = {t:.2f}", t, 5, flow, rotation_field(), behind))
    return Film(SQUARE, tuple(frames))


@pytest.fixture(scope="module")
def animation():
    return Animation(film(), "flow", Look(width=1.6), 60)


def test_a_strip_has_a_picture_for_each_moment_on_one_scale():
    strip = draw_figure("filmstrip", film=film(), panel="density")
    images = [image for image in strip.findobj(AxesImage) if image.get_array() is not None]
    assert len({image.get_clim() for image in images}) == 1
    assert sum(image.get_array().shape == (24, 24) for image in images) == 4
    assert all(f"t = {t:.2f}" in texts(strip) for t in (0, 1 / 3, 1))


@pytest.mark.parametrize("panel", ["flow", "decision"])
def test_a_strip_wraps_in_a_column(panel):
    background = half_plane if panel == "decision" else gaussian
    strip = draw_figure("filmstrip", Look(width=COLUMN), film=film(6, background), panel=panel)
    assert strip.get_figwidth() == pytest.approx(COLUMN)
    assert len({round(axes.get_position().y0, 2) for axes in strip.axes[:6]}) == 2


def test_tails_end_at_the_time():
    shown = tails(spiral_flow(), 0.5, share=0.2)
    assert (shown.t[0], shown.t[-1]) == (pytest.approx(0.3), pytest.approx(0.5))
    assert len(tails(spiral_flow(), 0.0).t) == 1


def test_frames_differ_in_the_plane_alone(animation):
    first, last = animation.pixels(0), animation.pixels(3)
    height, width = first.shape[:2]
    assert (width, height) == animation.size
    assert width % 2 == height % 2 == 0
    changed = np.argwhere((first != last).any(axis=2))
    assert len(changed) > 50
    left = animation._axes.get_position().x0 * width
    assert changed[:, 1].min() >= int(left) - 1
    assert np.array_equal(animation.pixels(0), first)


def test_frames_of_a_flow_have_the_layers_that_are_asked_for(animation):
    def ink(layers):
        bare = Animation(dataclasses.replace(film(), layers=layers), "flow", Look(width=1.6), 60)
        return int((bare.pixels(3) < 250).any(axis=2).sum())

    nothing, some = ink(()), ink(("background", "particles"))
    assert nothing < some < int((animation.pixels(3) < 250).any(axis=2).sum())


def test_a_gif_has_all_frames_one_palette_and_its_experiment(animation, tmp_path):
    done = []
    path = tmp_path / "a.gif"
    assert save_animation(animation, path, fps=8, origin=ORIGIN, progress=lambda *count: done.append(count))
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert read_origin(path) == ORIGIN
    with Image.open(path) as image:
        assert image.info["loop"] == 0
        assert image.getpixel((0, 0)) == 0  # the ground is the first colour, exactly
        assert image.getpalette()[:3] == [255, 255, 255]
        delays = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
    assert sum(delays) == 4 / 8 * 1000 + 1000 * HOLD
    assert not has_local_palette(path.read_bytes())


def has_local_palette(content):
    """Whether any frame of a GIF has a colour table of its own: a flag of its image descriptor."""
    at = 13 + 3 * 2 ** ((content[10] & 7) + 1)
    while content[at] != 0x3B:
        if content[at] == 0x2C:
            if content[at + 9] & 0x80:
                return True
            at += 11
        else:
            at += 2
        while content[at]:
            at += content[at] + 1
        at += 1
    return False


@pytest.mark.parametrize("suffix", ["gif", "mp4"])
def test_a_cancelled_film_leaves_no_file(animation, tmp_path, suffix):
    cancel = threading.Event()
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"before")
    assert not save_animation(animation, path, progress=lambda *_: cancel.set(), cancel=cancel)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_is_one_sentence(animation, monkeypatch, tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.gif, \.mp4, not 'a\.avi'"):
        save_animation(animation, tmp_path / "a.avi")
    with pytest.raises(ValueError, match="fps must be a whole number from 1 to 60"):
        save_animation(animation, tmp_path / "a.gif", fps=90)
    with pytest.raises(WriteError, match="does not exist"):
        save_animation(animation, tmp_path / "nowhere" / "a.gif")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ValueError, match=r"pip install imageio-ffmpeg"):
        save_animation(animation, tmp_path / "a.mp4")
    assert "odeviz[video]" in VIDEO_MISSING
    with pytest.raises(ValueError, match="the film has no decision to show"):
        Animation(film(), "decision", Look(), 60)


def played(path, size):
    """Every frame of a film ``[frame, height, width, 3]``, and what ffmpeg says of the file."""
    from imageio_ffmpeg import get_ffmpeg_exe

    command = [get_ffmpeg_exe(), "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, size[1], size[0], 3), done.stderr.decode()


def test_an_mp4_shows_all_frames_holds_the_last_and_tells_its_experiment(animation, tmp_path):
    path = tmp_path / "a.mp4"
    assert save_animation(animation, path, fps=4, origin=ORIGIN)
    assert read_origin(path) == ORIGIN
    assert list(tmp_path.iterdir()) == [path]
    frames, about = played(path, animation.size)
    assert re.search(rf"Video: h264 .*yuv420p\(.*bt709.*, {'{}x{}'.format(*animation.size)}.* 4 fps", about)
    assert f"Duration: 00:00:{4 / 4 + HOLD:05.2f}" in about
    assert len(frames) == 4 + 4 * HOLD
    for shown, k in ((frames[0], 0), (frames[3], 3), (frames[-1], 3)):
        # Half the colours' resolution blurs thin lines; the whole keeps its colours.
        assert np.abs(shown.astype(int) - animation.pixels(k)).mean() < 3


def test_an_mp4_that_ffmpeg_gives_up_leaves_what_was_there(animation, monkeypatch, tmp_path):
    broken = tmp_path / "ffmpeg"
    broken.write_text("#!/bin/sh\necho No space left on device >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", lambda: str(broken))
    path = tmp_path / "a.mp4"
    path.write_bytes(b"before")
    with pytest.raises(WriteError, match=r"a\.mp4: ffmpeg gave up: No space left on device$"):
        save_animation(animation, path)
    assert path.read_bytes() == b"before"
    assert sorted(tmp_path.iterdir()) == [path, broken]


def test_a_strip_is_written_as_a_figure_and_as_its_numbers(tmp_path):
    shown = dataclasses.replace(film(2), data=two_points())
    save_figure("filmstrip", tmp_path / "a.svg", film=shown, panel="flow")
    save_table(shown, tmp_path / "a.csv")
    rows = (tmp_path / "a.csv").read_text().splitlines()
    assert rows[0] == "frame,iteration,t,x,y,log_density_nats"
    assert len(rows) == 1 + 2 * 24 * 24
    save_table(shown, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as saved:
        assert saved["frames.1.background.log_density"].shape == (24, 24)
