"""Own data from CSV files: what is read, what is left out and said, what is refused in one sentence."""

from __future__ import annotations

import time

import numpy as np
import pytest

from odeviz.storage import DataFileError, load_own
from odeviz.storage.own_data import MAX_ROWS
from odeviz.tasks.density.source import Own


def load(tmp_path, text, kind="points"):
    path = tmp_path / "own.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_own(path, kind)


@pytest.mark.parametrize("text", ["1,2\n3,4\n", "x,y\n1,2\n3,4\n", "\ufeffX, Y\r\n1,2\r\n\r\n3,4\r\n"])
def test_points_with_and_without_a_header(tmp_path, text):
    own = load(tmp_path, text)
    assert own.arrays["points"].tolist() == [[1, 2], [3, 4]]
    assert own.arrays["points"].dtype == np.float32
    assert own.arrays["labels"].tolist() == [-1, -1]
    assert own.note == ""


@pytest.mark.parametrize("text", ["x;y\n1;2\n3;4\n", "1\t2\n3\t4\n", "  1   2 \n\n3 4", "x y\n1 2\n3 4"])
def test_columns_may_be_parted_otherwise_than_by_commas(tmp_path, text):
    own = load(tmp_path, text)
    assert own.arrays["points"].tolist() == [[1, 2], [3, 4]]
    assert own.note == ""


def test_a_comma_is_a_decimal_point_beside_semicolons_and_that_is_told(tmp_path):
    own = load(tmp_path, "x;y\n1,5;2\n-3;4,25e1\n")
    assert own.arrays["points"].tolist() == [[1.5, 2], [-3, 42.5]]
    assert own.note == "Commas taken as decimal points."


def test_rows_with_missing_values_are_skipped_and_counted(tmp_path):
    own = load(tmp_path, "x,y\n1,2\nnan,4\n5,\n7,inf\n9,10\n")
    assert own.arrays["points"].tolist() == [[1, 2], [9, 10]]
    assert own.note == "3 of 5 rows skipped, as a value is missing or not finite in them."


def test_x_and_y_are_found_among_ten_columns(tmp_path):
    header = "a,b,y,c,d,x,e,f,g,label"
    own = load(tmp_path, header + "\n" + "0,0,2,0,0,1,0,0,0,7\n")
    assert own.arrays["points"].tolist() == [[1, 2]]
    assert own.arrays["labels"].tolist() == [7]
    assert own.note == "Columns x and y of 10 are used."


def test_names_of_labels_and_of_series_are_numbered_in_order_of_appearance_and_that_is_told(tmp_path):
    own = load(tmp_path, "x,y,label\n1,2,dog\n3,4,cat\n7,8,dog\n")
    assert own.arrays["labels"].tolist() == [0, 1, 0]
    assert "Each label is numbered in order of appearance: dog = 0, cat = 1" in own.note
    own = load(tmp_path, "series,t,y1\ns9,0,1\ns9,1,2\ns0,0,3\ns0,1,4\n", "series")
    assert own.arrays["series"].tolist() == [0, 0, 1, 1]
    assert "s9 = 0, s0 = 1" in own.note


def test_a_series_has_gaps(tmp_path):
    own = load(tmp_path, "t,left,right\n0,1,2\n0.5,,3\n1,,\n2,NaN,4\n", "series")
    np.testing.assert_array_equal(own.arrays["t"], [0, 0.5, 2])
    np.testing.assert_array_equal(own.arrays["y"], [[1, 2], [np.nan, 3], [np.nan, 4]])
    assert own.note == "1 row without any value skipped; 2 values missing or not finite, taken as gaps."


def test_a_new_series_begins_where_t_starts_again(tmp_path):
    own = load(tmp_path, "0,1\n1,2\n2,3\n0,4\n3,5\n", "series")
    assert own.arrays["series"].tolist() == [0, 0, 0, 1, 1]
    assert own.note == "2 series, as t starts again."


def test_a_column_tells_the_series(tmp_path):
    own = load(tmp_path, "id,time,y\n7,0,1\n7,1,2\n9,5,3\n9,6,4\n", "series")
    assert own.arrays["series"].tolist() == [0, 0, 1, 1]
    assert own.arrays["y"].tolist() == [[1], [2], [3], [4]]


def test_times_of_events_of_several_series(tmp_path):
    own = load(tmp_path, "0.1\n0.4\n2\n0.3\n0.9\n", "times")
    assert own.arrays["t"].tolist() == [0.1, 0.4, 2, 0.3, 0.9]
    assert own.arrays["series"].tolist() == [0, 0, 0, 1, 1]
    grouped = load(tmp_path, "series,t\n3,1\n3,2\n4,1\n", "times")
    assert grouped.arrays["series"].tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        ("points", "1,2,3,4\n", "it has 4 columns, but points need x,y"),
        ("points", "1\n", "it has 1 column, but"),
        ("points", "x,y\n1,four\n", "line 2, column y: 'four' is not a number"),
        ("points", "1,2\n3\n", "line 2 has 1 column, the first line has 2"),
        ("points", "", "it holds no numbers"),
        ("points", "x,y\n", "it holds no numbers"),
        ("points", "x,y\n1,\n", "it holds no row with both coordinates"),
        ("points", "1,\x00\n", "cannot use"),
        ("points", '"1,2\n', "cannot use"),
        ("points", "1,1e300\n", "beyond the range of float32"),
        ("points", "x,y,label\n1,2,0.5\n", "class indices"),
        ("points", b"\x89PNG\xff\xfe", "it is not a text file"),
        ("series", "1\n2\n", "no column besides t"),
        ("series", "0,1\n0,2\n", "line 2: t must increase"),
        ("series", "0,1\n2,1\n1,1\n3,1\n0,1\n5,5\n4,4\n", "sort the rows"),
        ("series", "id,t,y\n1,0,1\n2,0,1\n1,1,1\n", "each id must follow one another"),
        ("series", ",".join("0" for _ in range(70)), "69 channels"),
        ("times", "1,2\n", "times of events need t"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, kind, text, problem):
    with pytest.raises(DataFileError) as caught:
        load(tmp_path, text, kind)
    message = str(caught.value)
    assert problem in message
    assert "own.csv" in message
    assert "\n" not in message


def test_millions_of_rows_are_refused_before_they_fill_the_memory(tmp_path):
    path = tmp_path / "long.csv"
    path.write_bytes(b"1,2\n" * (10 * MAX_ROWS))
    started = time.perf_counter()
    with pytest.raises(DataFileError, match="more than 1,000,000 rows"):
        load_own(path, "points")
    assert time.perf_counter() - started < 30


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataFileError, match=r"cannot read .*none\.csv: no such file"):
        load_own(tmp_path / "none.csv", "points")


def test_a_point_far_outside_all_others_is_told_and_left_out_of_the_picture(tmp_path):
    near = np.random.default_rng(0).standard_normal((99, 2))
    path = tmp_path / "far.csv"
    np.savetxt(path, [*near, [1e5, 1e5]], delimiter=",")
    own = load_own(path, "points")
    assert "1 of 100 points lies more than 20 robust scales from the median" in own.note
    x0, x1, y0, y1 = Own(own.arrays["points"], np.random.default_rng(0)).extent()
    assert max(-x0, x1, -y0, y1) < 6
    np.savetxt(path, near, delimiter=",")
    assert load_own(path, "points").note == ""


def test_a_row_of_a_series_far_outside_is_told_with_how_data_are_scaled(tmp_path):
    rng = np.random.default_rng(0)
    table = np.c_[np.arange(99.0), rng.standard_normal((99, 2))]
    table[::7, 1] = np.nan
    path = tmp_path / "far.csv"
    np.savetxt(path, table, delimiter=",")
    assert "robust" not in load_own(path, "series").note
    table[50, 2] = 1e5
    np.savetxt(path, table, delimiter=",")
    note = load_own(path, "series").note
    assert "1 of 99 rows lies more than 20 robust scales from the median" in note
    assert "scaled by their mean and standard deviation" in note
