"""Figures as files: formats, metadata, what is refused, and what is not imported."""

import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sample_results import (
    RESULTS,
    gaussian,
    history,
    spiral_flow,
    two_points,
)

from odeviz.exporting.figures import FIGURES, draw_figure, save_figure
from odeviz.exporting.style import COLUMN
from odeviz.storage import WriteError
from odeviz.training.snapshot import History


def test_registry_is_keyed_by_panel_and_says_what_a_figure_needs() -> None:
    assert set(FIGURES) == {*RESULTS, "view", "filmstrip"}
    assert all(key == panel.key and panel.title for key, panel in FIGURES.items())
    assert FIGURES["density"].needs == ("density",)
    assert FIGURES["flow"].needs == ()
    assert "trajectories" in FIGURES["flow"].takes


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
@pytest.mark.parametrize("key", RESULTS)
def test_every_figure_is_written_in_every_format(key: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"figure{suffix}"
    save_figure(key, path, dpi=72, **RESULTS[key])
    assert path.read_bytes().startswith({".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix])
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("key", ["flow", "steps"])
def test_same_input_gives_the_same_bytes(key: str, tmp_path: Path) -> None:
    for suffix in (".png", ".svg", ".pdf"):
        first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
        save_figure(key, first, dpi=50, **RESULTS[key])
        save_figure(key, second, dpi=50, **RESULTS[key])
        assert first.read_bytes() == second.read_bytes()


def test_size_is_one_column_at_the_dpi(tmp_path: Path) -> None:
    save_figure("nfe", tmp_path / "nfe.png", dpi=300, history=history())
    with Image.open(tmp_path / "nfe.png") as image:
        assert abs(image.width - 300 * COLUMN) <= 1


def test_text_stays_text_in_svg_and_fonts_are_embedded_in_pdf(tmp_path: Path) -> None:
    save_figure("loss", tmp_path / "loss.svg", history=history())
    assert ">iteration</text>" in (tmp_path / "loss.svg").read_text()
    save_figure("loss", tmp_path / "loss.pdf", history=history())
    content = (tmp_path / "loss.pdf").read_bytes()
    assert b"/Type /FontDescriptor" in content
    assert b"/FontFile2" in content


def test_unknown_suffix_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.png, \.svg, \.pdf, not 'flow\.jpg'"):
        save_figure("flow", tmp_path / "flow.jpg")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dpi", [0, 35, 1201, float("nan")])
def test_dpi_out_of_range_is_refused(dpi: float, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="dpi must be a number from 36 to 1200"):
        save_figure("nfe", tmp_path / "nfe.png", dpi=dpi, history=history())


def test_folder_that_does_not_exist_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="does not exist"):
        save_figure("nfe", tmp_path / "nowhere" / "nfe.png", history=history())


@pytest.mark.parametrize(
    ("key", "results", "sentence"),
    [
        ("fluss", {}, "no figure 'fluss'; the figures are flow, density, decision, loss, nfe, steps, view"),
        ("flwo", {}, "did you mean 'flow'"),
        ("density", {}, "a density figure needs density"),
        ("density", {"density": None}, "a density figure needs density"),
        ("flow", {}, "at least one of flow, field, density, decision, data"),
        ("steps", {}, "needs flow or steps"),
        ("loss", {"history": History.empty()}, "history is empty"),
        ("nfe", {"history": history(), "density": gaussian()}, "a nfe figure does not take density"),
        ("flow", {"data": two_points(), "layers": ["dots"]}, "layers must be one of background, arrows"),
        ("flow", {"data": two_points(), "color": "red"}, "color must be one of class, time, speed, nfe"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(key: str, results: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        draw_figure(key, **results)


def test_the_callers_matplotlib_settings_are_left_alone() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    draw_figure("nfe", history=history())
    assert dict(matplotlib.rcParams) == before


def test_matplotlib_is_imported_with_the_first_figure_and_never_pyplot_or_qt(tmp_path: Path) -> None:
    program = """
import sys
import odeviz.exporting.figures as figures
assert not {'matplotlib', 'torch', 'PySide6', 'scipy'} & set(sys.modules)
from odeviz.analysis.results import StepTable
import numpy as np
table = StepTable(np.zeros(1), np.ones(1), np.full(1, .5), np.ones(1, dtype=bool))
figures.save_figure('steps', sys.argv[1], steps=table)
assert 'matplotlib' in sys.modules
assert not {'matplotlib.pyplot', 'torch', 'PySide6', 'tkinter'} & set(sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "steps.pdf"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr


def test_svg_of_a_thousand_trajectories_stays_small(tmp_path: Path) -> None:
    flow = spiral_flow(labelled=False, count=1000)
    save_figure("flow", tmp_path / "flow.svg", dpi=72, flow=flow)
    assert len(zlib.compress((tmp_path / "flow.svg").read_bytes())) < 300_000
