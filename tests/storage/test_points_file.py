"""Points from CSV files written by people and spreadsheets."""

import numpy as np
import pytest

from odeviz.storage import PointsFileError, load_points


def load(tmp_path, text):
    path = tmp_path / "points.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_points(path)


@pytest.mark.parametrize(
    "text",
    ["1,2\n3,-4.5\n", "x,y\n1,2\n3,-4.5\n", "\ufeffx, y\r\n1, 2\r\n\r\n3,-4.5\r\n", '"1","2"\n"3","-4.5"'],
    ids=["bare", "header", "spreadsheet", "quoted"],
)
def test_two_columns_with_or_without_header(tmp_path, text):
    points, labels = load(tmp_path, text)
    assert points.dtype == np.float32
    assert points.tolist() == [[1, 2], [3, -4.5]]
    assert labels.tolist() == [-1, -1]


def test_a_third_column_is_the_class(tmp_path):
    points, labels = load(tmp_path, "x,y,label\n1,2,0\n3,4,1\n")
    assert points.tolist() == [[1, 2], [3, 4]]
    assert labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x,y\n1,2\n3,four\n", "line 3, column y: 'four' is not a number"),
        ("hello,world\ngood,bye\n", "line 2, column x: 'good' is not a number"),
        ("1,2\nnan,4\n", "line 2, column x: 'nan' is not a finite number"),
        ("1,inf\n", "line 1, column y: 'inf' is not a finite number"),
        ("1,1e300\n", "line 1, column y: '1e300' is not a finite number"),
        ("1,\n", "line 1, column y: '' is not a number"),
        ("1\n2\n", "it has 1 column, but points need x,y or x,y,label"),
        ("1,2,3,4\n", "it has 4 columns, but points need x,y or x,y,label"),
        ("1,2\n3\n", "line 2 has 1 column, the first line has 2"),
        ("1,2,0.5\n", "line 1, column label: '0.5' is not a class index"),
        ("", "it holds no points"),
        ("x,y\n", "it holds no points"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "it is not a text file"),
        ("1,\x00\n", "cannot use"),
        ('"1,2\n', "cannot use"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, text, problem):
    with pytest.raises(PointsFileError) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    assert problem in message
    assert "points.csv" in message
    assert "\n" not in message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PointsFileError, match=r"cannot read .*none\.csv: no such file or directory"):
        load_points(tmp_path / "none.csv")
