"""Figures drawn from results: what is on them, what is in the files, and what is refused."""

import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.image import AxesImage
from matplotlib.quiver import Quiver
from matplotlib.text import Text
from PIL import Image

from odeviz.analysis.results import (
    DataResult,
    DecisionResult,
    DensityResult,
    Extent,
    FieldResult,
    FlowResult,
    SolverChoice,
    StepTable,
)
from odeviz.exporting.figures import FIGURES, draw_figure, save_figure
from odeviz.exporting.palette import LIGHT
from odeviz.exporting.style import COLUMN, running_median
from odeviz.storage import WriteError
from odeviz.training.snapshot import History

SQUARE = Extent(-4.0, 4.0, -4.0, 4.0)


def gaussian(n: int = 24) -> DensityResult:
    x = np.linspace(-4, 4, 2 * n + 1)[1::2]
    log_density = -0.5 * (x[None] ** 2 + x[:, None] ** 2) - np.log(2 * np.pi)
    return DensityResult(0.7, SQUARE, log_density, float(np.exp(log_density).sum() * (8 / n) ** 2), 10)


def spiral_flow(labelled: bool = True, count: int = 12) -> FlowResult:
    t = np.linspace(0, 1, 21)
    start = np.linspace(0, 2 * np.pi, count, endpoint=False)
    angle = start + 2 * t[:, None]
    paths = (1 + t)[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    labels = np.arange(count) % 2 if labelled else np.full(count, -1)
    return FlowResult(t, paths, labels, steps(), SolverChoice(), 10, 26, 1e-5, 1.0)


def steps(rejected: bool = True) -> StepTable:
    accepted = np.array([True, not rejected, True, True])
    return StepTable(
        np.array([0.0, 0.25, 0.25, 0.5]),
        np.array([0.25, 0.5, 0.25, 0.5]),
        np.array([0.1, 3.0, 0.2, 0.4]),
        accepted,
    )


def rotation_field() -> FieldResult:
    x = np.linspace(-4, 4, 9)
    velocity = np.stack(np.broadcast_arrays(-x[:, None], x[None]), axis=-1)
    return FieldResult(np.array([0.0, 1.0]), x, x, np.stack([velocity, -velocity]), 10)


def half_plane(classes: int = 2) -> DecisionResult:
    x = np.linspace(-4, 4, 33)[1::2]
    scores = np.stack(
        [np.broadcast_to(np.cos(2 * np.pi * k / classes) * x, (16, 16)) for k in range(classes)]
    )
    weights = np.exp(3 * scores)
    return DecisionResult(0.0, SQUARE, weights / weights.sum(axis=0), 10)


def two_points() -> DataResult:
    return DataResult(np.array([[-1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]))


def history(rows: int = 50) -> History:
    i = np.arange(1, rows + 1)
    metric = np.where(i % 10 == 0, 0.9, np.nan)
    return History(i, 0.1 * i, 3.0 / i, np.full(rows, 14.0), np.full(rows, 17.0), metric)


RESULTS: dict[str, dict[str, Any]] = {
    "flow": {
        "flow": spiral_flow(),
        "field": rotation_field(),
        "decision": half_plane(),
        "data": two_points(),
    },
    "density": {"density": gaussian(), "data": two_points()},
    "decision": {"decision": half_plane(), "data": two_points()},
    "loss": {"history": history()},
    "nfe": {"history": history()},
    "steps": {"flow": spiral_flow()},
}


def texts(figure: Any) -> str:
    figure.draw_without_rendering()
    return " | ".join(text.get_text() for text in figure.findobj(Text))


def test_registry_is_keyed_by_panel_and_says_what_a_figure_needs() -> None:
    assert set(FIGURES) == set(RESULTS)
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


def test_metadata_is_in_the_file_without_a_date(tmp_path: Path) -> None:
    about = {"title": "Zwei Monde, η = 0.01", "experiment": "task=density"}
    for suffix in (".png", ".svg", ".pdf"):
        save_figure("nfe", tmp_path / f"nfe{suffix}", metadata=about, history=history())
    with Image.open(tmp_path / "nfe.png") as image:
        assert image.text["Title"] == about["title"]
        assert image.text["Description"] == about["experiment"]
    svg = (tmp_path / "nfe.svg").read_text(encoding="utf-8")
    assert about["title"] in svg
    assert "dc:date" not in svg
    pdf = (tmp_path / "nfe.pdf").read_bytes()
    assert b"task=density" in pdf
    assert b"/CreationDate" not in pdf


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
        ("fluss", {}, "no figure 'fluss'; the figures are flow, density, decision, loss, nfe, steps"),
        ("flwo", {}, "did you mean 'flow'"),
        ("density", {}, "a density figure needs density"),
        ("density", {"density": None}, "a density figure needs density"),
        ("flow", {}, "at least one of flow, field, density, decision, data"),
        ("steps", {}, "needs flow or steps"),
        ("loss", {"history": History.empty()}, "history is empty"),
        ("loss", {"history": history(), "task": "regression"}, "task must be one of classification, density"),
        ("nfe", {"history": history(), "density": gaussian()}, "a nfe figure does not take density"),
        ("flow", {"data": two_points(), "lines": "dots"}, "lines must be one of arrows, streamlines"),
        ("flow", {"data": two_points(), "color": "red"}, "color must be one of class, time"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(key: str, results: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        draw_figure(key, **results)


def test_unknown_metadata_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="title and experiment, not 'author'"):
        save_figure("nfe", tmp_path / "nfe.png", metadata={"author": "me"}, history=history())


def test_missing_layers_are_not_drawn() -> None:
    axes = draw_figure("flow", data=two_points()).axes[0]
    assert not axes.images
    assert not [c for c in axes.collections if isinstance(c, LineCollection | Quiver)]
    full = draw_figure("flow", **RESULTS["flow"]).axes[0]
    assert len(full.images) == 1
    assert len([c for c in full.collections if isinstance(c, Quiver)]) == 1


def test_trajectories_of_a_class_have_its_color_and_their_own_points() -> None:
    flow = spiral_flow()
    lines = [c for c in draw_figure("flow", flow=flow).axes[0].collections if isinstance(c, LineCollection)]
    assert len(lines) == 2
    for label, collection in enumerate(lines):
        from matplotlib.colors import to_hex

        assert to_hex(collection.get_colors()[0]).upper() == LIGHT.of_class(label)
        np.testing.assert_allclose(collection.get_segments()[0], flow.paths[:, label])


def test_points_stand_where_the_trajectories_are_at_the_time() -> None:
    flow = spiral_flow()
    axes = draw_figure("flow", flow=flow, time=0.5).axes[0]
    heads = max((c for c in axes.collections if isinstance(c, PathCollection)), key=lambda c: c.get_zorder())
    np.testing.assert_allclose(heads.get_offsets(), flow.paths[10])


def test_at_most_so_many_trajectories_but_every_point() -> None:
    axes = draw_figure("flow", flow=spiral_flow(count=40), trajectories=10).axes[0]
    drawn = sum(len(c.get_segments()) for c in axes.collections if isinstance(c, LineCollection))
    assert drawn == 10
    assert max(len(c.get_offsets()) for c in axes.collections if isinstance(c, PathCollection)) == 40


def test_trajectories_without_a_class_are_colored_by_time_with_a_color_bar() -> None:
    figure = draw_figure("flow", flow=spiral_flow(labelled=False))
    assert len(figure.axes) == 2
    assert figure.axes[1].get_ylabel() == "$t$"


def test_trajectories_end_where_the_solver_stopped() -> None:
    flow = spiral_flow()
    paths = flow.paths.copy()
    paths[8:] = np.nan
    for labels in (flow.labels, np.full(12, -1)):
        stopped = FlowResult(
            flow.t, paths, labels, flow.steps, flow.choice, 1, 8, np.nan, 1.0, "non_finite", "x"
        )
        figure = draw_figure("flow", flow=stopped, data=two_points())
        figure.canvas.draw()
        for collection in figure.axes[0].collections:
            for path in collection.get_paths():
                assert np.isfinite(path.vertices).all()


def test_time_chooses_the_field() -> None:
    def arrows(time: float) -> Quiver:
        axes = draw_figure("flow", field=rotation_field(), time=time).axes[0]
        return next(c for c in axes.collections if isinstance(c, Quiver))

    np.testing.assert_allclose(arrows(0.0).U, -arrows(1.0).U)


def test_field_can_be_streamlines_and_a_still_field_draws_none() -> None:
    field = rotation_field()
    moving = draw_figure("flow", field=field, lines="streamlines").axes[0]
    assert any(isinstance(c, LineCollection) for c in moving.collections)
    still = FieldResult(field.t, field.x, field.y, np.zeros_like(field.velocity), 0)
    for lines in ("arrows", "streamlines"):
        draw_figure("flow", field=still, lines=lines).canvas.draw()


def test_density_shows_nats_mass_and_impossible_places_as_lowest() -> None:
    density = gaussian()
    log_density = density.log_density.copy()
    log_density[0, 0] = -np.inf
    figure = draw_figure("density", density=DensityResult(0.7, SQUARE, log_density, density.mass, 10))
    seen = texts(figure)
    assert "nats" in seen
    assert f"mass {density.mass:.3f}" in seen
    assert "$t$ = 0.70" in seen
    image = figure.axes[0].images[0]
    assert isinstance(image, AxesImage)
    assert image.get_array()[0, 0] == image.get_clim()[0]
    assert image.get_clim()[1] == log_density.max()


def test_row_zero_of_a_map_is_the_lowest() -> None:
    log_density = np.full((4, 4), -20.0)
    log_density[0] = 0.0
    figure = draw_figure("density", density=DensityResult(0.0, SQUARE, log_density, 1.0, 0))
    assert figure.axes[0].images[0].origin == "lower"


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_decision_paints_the_likeliest_class(classes: int) -> None:
    decision = half_plane(classes)
    figure = draw_figure("decision", decision=decision)
    image = np.asarray(figure.axes[0].images[0].get_array())
    best = decision.probability.argmax(axis=0)
    for label in range(classes):
        where = best == label
        if where.any():
            strongest = image[where][np.argmin(image[where].sum(axis=1))]
            expected = 1 - np.array([int(LIGHT.of_class(label)[i : i + 2], 16) / 255 for i in (1, 3, 5)])
            # Mixed with white: the tint's difference from white points along the class colour's.
            tint = 1 - strongest
            assert tint @ expected / np.linalg.norm(tint) / np.linalg.norm(expected) > 0.999
    assert len(figure.axes) == (2 if classes == 2 else 1)


def test_all_of_one_class_has_no_boundary() -> None:
    sure = np.stack([np.full((8, 8), 0.9), np.full((8, 8), 0.1)])
    draw_figure("decision", decision=DecisionResult(0.0, SQUARE, sure, 0)).canvas.draw()


def test_density_loss_shows_the_entropy_where_it_is_known() -> None:
    with_entropy = texts(draw_figure("loss", history=history(), task="density", entropy=2.397))
    assert "$H$ = 2.397" in with_entropy
    assert "nats" in with_entropy
    assert "$H$" not in texts(draw_figure("loss", history=history(), task="density"))


def test_classification_loss_shows_accuracy_in_percent() -> None:
    seen = texts(draw_figure("loss", history=history()))
    assert "accuracy (%)" in seen
    assert "90.0 %" in seen


@pytest.mark.parametrize("task", ["classification", "density"])
def test_a_history_of_one_row_or_with_gaps_is_drawn(task: str) -> None:
    draw_figure("loss", history=history(1), task=task).canvas.draw()
    whole = history(30)
    loss = whole.loss.copy()
    loss[20:] = np.nan
    gaps = History(whole.iteration, whole.seconds, loss, whole.nfe_forward, whole.nfe_backward, whole.metric)
    draw_figure("loss", history=gaps, task=task).canvas.draw()
    nothing = np.full(30, np.nan)
    lost = History(whole.iteration, whole.seconds, nothing, nothing, nothing, nothing)
    draw_figure("loss", history=lost, task=task).canvas.draw()
    draw_figure("nfe", history=lost).canvas.draw()


def test_nfe_names_both_directions_beside_their_curves() -> None:
    seen = texts(draw_figure("nfe", history=history()))
    assert "forward" in seen
    assert "backward" in seen


def test_rejected_steps_are_red_crosses_at_their_start() -> None:
    axes = draw_figure("steps", steps=steps()).axes[0]
    crosses = next(line for line in axes.lines if line.get_marker() == "x")
    assert crosses.get_color() == LIGHT.danger
    np.testing.assert_array_equal(crosses.get_xydata(), [[0.25, 0.5]])


def test_steps_tell_what_the_solve_cost() -> None:
    seen = texts(draw_figure("steps", flow=spiral_flow()))
    assert "dopri5" in seen
    assert "26 evaluations, 3 accepted, 1 rejected" in seen
    assert "scaled error" in seen


def test_steps_without_error_estimates_and_backwards_in_time() -> None:
    table = steps(rejected=False)
    fixed = StepTable(1 - table.t, -table.h, np.full(4, np.nan), table.accepted)
    figure = draw_figure("steps", steps=fixed)
    assert len(figure.axes) == 1
    assert figure.axes[0].get_ylim()[0] > 0
    low, high = figure.axes[0].get_xlim()
    assert low <= 0.0 < high


def test_a_solve_without_a_step_is_one_sentence() -> None:
    none = StepTable(np.empty(0), np.empty(0), np.empty(0), np.empty(0, dtype=bool))
    with pytest.raises(ValueError, match="took no step"):
        draw_figure("steps", steps=none)


def test_running_median_ignores_outliers_and_gaps() -> None:
    values = np.array([1.0, 1.0, 50.0, 1.0, np.nan, 1.0])
    np.testing.assert_array_equal(running_median(values, 5), np.ones(6))


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
