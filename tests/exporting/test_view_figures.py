"""Figures and tables of a task's own views."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from matplotlib.table import Table as MplTable
from sample_results import texts

from odeviz.exporting.figures import draw_figure, save_figure
from odeviz.exporting.tables import save_table
from odeviz.tasks.chart import Chart, Charts, Curve, Map, Maps, Table, frozen

X = frozen([0.0, 1.0, 2.0])
CHART = Chart(
    "Waves",
    "time",
    "height",
    (
        Curve(
            "learnt", X, frozen([1.0, 4.0, 9.0]), low=frozen([0.5, 3.5, 8.5]), high=frozen([1.5, 4.5, 9.5])
        ),
        Curve("true", X, frozen([1.0, np.nan, 8.0]), "truth", "dashed"),
        Curve("seen", X, frozen([1.1, 4.1, 9.1]), "data", "points"),
        Curve("counts", X, frozen([1.0, 2.0, 3.0]), "muted", "bars"),
        Curve("one of many", X, frozen([2.0, 3.0, 4.0]), "class3", faint=True),
    ),
)
MAPS = Maps(
    "Two",
    (
        Map("left", (0.0, 2.0, 0.0, 1.0), frozen([[1.0, 2.0]]), points=frozen([[0.5, 0.5]])),
        Map("right", (0.0, 2.0, 0.0, 1.0), frozen([[-3.0, np.nan]])),
    ),
    columns=2,
    diverging=True,
)
TABLE = Table("Rows", ("name", "error"), (("net", 0.03125), ("ode", float("nan"))), current=1)


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (CHART, ["time", "height", "learnt", "true", "seen", "counts"]),
        (Charts("both", (CHART, CHART, CHART), columns=2), ["Waves", "height"]),
        (MAPS, ["left", "right"]),
        (TABLE, ["name", "net", "0.03125", "ode", "–"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_view_is_drawn_with_its_words(picture, words, tmp_path):
    figure = draw_figure("view", picture=picture)
    seen = texts(figure) + "".join(
        cell.get_text().get_text()
        for table in figure.findobj(MplTable)
        for cell in table.get_celld().values()
    )
    assert [word for word in words if word not in seen] == []
    assert "one of many" not in seen
    for suffix in (".png", ".svg", ".pdf"):
        save_figure("view", tmp_path / f"view{suffix}", dpi=60, picture=picture)
        assert (tmp_path / f"view{suffix}").stat().st_size > 1000


def rows(result, path):
    save_table(result, path)
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_charts_numbers_are_rows_with_their_band(tmp_path):
    table = rows(CHART, tmp_path / "chart.csv")
    assert len(table) == 15
    assert table[1] == {
        "chart": "Waves",
        "curve": "learnt",
        "x": "1.0",
        "y": "4.0",
        "low": "3.5",
        "high": "4.5",
    }
    assert table[4]["y"] == "nan"
    assert table[3]["low"] == "nan"


def test_a_maps_numbers_lie_at_their_cells_centres(tmp_path):
    table = rows(MAPS, tmp_path / "maps.csv")
    assert [(row["map"], row["x"], row["y"], row["value"]) for row in table[:2]] == [
        ("left", "0.5", "0.5", "1.0"),
        ("left", "1.5", "0.5", "2.0"),
    ]


def test_a_matrix_has_its_counts_in_its_cells_and_its_table(tmp_path):
    counts = frozen([[1.0, 199.0], [1200.0, 0.0]])
    one = Map("", (-0.5, 1.5, -0.5, 1.5), frozen(counts / counts.sum(1, keepdims=True)), counts=counts)
    matrix = Maps("Confusion", (one,), 1, axes=("taken for", "is"), matrix=(("b", "a"), ("a", "b")))
    written = {text.get_position(): text for text in draw_figure("view", picture=matrix).axes[0].texts}
    assert {place: text.get_text() for place, text in written.items()} == {
        (0.0, 0.0): "1\n<1\u00a0%", (1.0, 0.0): "199\n>99\u00a0%", (0.0, 1.0): "1,200\n100\u00a0%", (1.0, 1.0): "0",
    }  # fmt: skip
    assert written[0.0, 0.0].get_color() == "#FFFFFF", "on viridis' dark end"
    assert written[0.0, 1.0].get_color() == "#000000"
    assert [row["count"] for row in rows(matrix, tmp_path / "m.csv")] == ["1.0", "199.0", "1200.0", "0.0"]
    many = frozen(np.full((60, 60), 1234.0))
    crowded = Maps("Many", (Map("", (0.0, 60.0, 0.0, 60.0), many, counts=many),), 1)
    assert not draw_figure("view", picture=crowded).axes[0].texts


def test_a_table_is_written_as_it_stands(tmp_path):
    assert rows(TABLE, tmp_path / "table.csv") == [
        {"name": "net", "error": "0.03125"},
        {"name": "ode", "error": "nan"},
    ]


@pytest.mark.parametrize(
    "picture", [CHART, Charts("one", (CHART,)), MAPS, TABLE], ids=lambda p: type(p).__name__
)
def test_arrays_are_saved_without_objects(picture, tmp_path):
    save_table(picture, tmp_path / "view.npz")
    with np.load(tmp_path / "view.npz") as saved:
        assert all(saved[name].dtype != object for name in saved.files)
        assert len(saved.files) >= 3


def test_a_legend_keeps_clear_of_bars_and_crowds():
    figure = draw_figure("view", picture=CHART)
    assert figure.axes[0].get_legend() is None
    figure.draw_without_rendering()
    key, axes = figure.legends[0].get_window_extent(), figure.axes[0].get_window_extent()
    assert key.y0 >= axes.y1


def test_a_framed_line_is_shown_whole_where_lengths_are_equal():
    line = Curve("path", frozen([0.0, -3.0]), frozen([0.0, 1.0]))
    axes = draw_figure("view", picture=Chart("", "x", "y", (line,), equal=True, frame=(-1, 1, -1, 1))).axes[0]
    assert axes.get_xlim()[0] < -3.0
    assert axes.get_ylim() == (-1.0, 1.0)


@pytest.mark.parametrize(("name", "turn"), [("ω", 0.0), ("height in m", 90.0)])
def test_a_short_name_of_an_axis_stands_upright(name, turn):
    line = frozen(np.arange(3.0))
    figure = draw_figure("view", picture=Chart("One", "t", name, (Curve("", line, line),)))
    assert figure.axes[0].yaxis.label.get_rotation() == turn
