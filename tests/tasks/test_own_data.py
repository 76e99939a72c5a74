"""A person's own data: what is taken, and the sentence for what is not."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from odeviz.tasks.own_data import check_own

OWN = SimpleNamespace(data=SimpleNamespace(name="own"))
MOONS = SimpleNamespace(data=SimpleNamespace(name="moons"))


def points(n=20):
    rng = np.random.default_rng(0)
    return {"points": rng.normal(size=(n, 2)).astype(np.float32), "labels": np.full(n, -1)}


def series(n=20):
    return {
        "t": np.arange(n) * 0.5,
        "y": np.arange(3.0 * n).reshape(n, 3),
        "series": np.zeros(n, dtype=np.int64),
    }


def two_series():
    data = series(40)
    data["series"][20:] = 1
    data["t"][20:] -= 10.0
    return data


def with_gaps():
    data = series()
    data["y"][3, 1] = np.nan
    return data


@pytest.mark.parametrize(
    ("kind", "data"), [("points", points()), ("series", two_series()), ("series", with_gaps())]
)
def test_what_is_whole_is_taken(kind, data):
    check_own(kind, OWN, data)


def changed(make, **arrays):
    return make() | arrays


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("points", {}, "needs points"),
        ("points", {"points": points()["points"]}, "must hold points, labels"),
        ("points", points(15), "at least 16 rows, not 15"),
        ("points", changed(points, points=np.zeros((20, 2), np.float32)), "all the same point"),
        ("points", changed(points, points=np.zeros((20, 3), np.float32)), "2 columns, not 3"),
        ("points", changed(points, points=np.zeros((20, 2))), "must be float32"),
        ("points", changed(points, labels=np.zeros(19, dtype=np.int64)), "as many rows"),
        ("points", changed(points, points=np.full((20, 2), np.nan, np.float32)), "must be finite"),
        ("series", changed(series, t=np.zeros(20)), "must increase"),
        ("series", changed(series, series=np.full(20, 2)), "numbered 0, 1, 2"),
        ("series", changed(series, y=np.full((20, 2), 3.0)), "all of one value"),
        ("series", changed(series, y=np.full((20, 1), np.nan)), "finite value in each channel"),
        ("times", {"t": np.arange(20.0)[::-1].copy(), "series": np.zeros(20, np.int64)}, "must increase"),
    ],
)
def test_what_is_not_gets_one_sentence(kind, data, words):
    with pytest.raises(ValueError, match=words):
        check_own(kind, OWN, data)


def test_data_that_is_not_asked_for_is_refused():
    check_own("points", MOONS, {})
    with pytest.raises(ValueError, match=r"data\.name must be own"):
        check_own("points", MOONS, points())
