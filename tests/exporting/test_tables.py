"""Tables: every result as tidy CSV and as NPZ, readable without odeviz."""

import csv
import dataclasses
import math

import numpy as np
import pytest

from odeviz.analysis.results import (
    DataResult,
    DecisionResult,
    DensityResult,
    Extent,
    FieldResult,
    FlowResult,
    ProbeResult,
    SolverChoice,
    StepTable,
)
from odeviz.exporting.tables import save_table
from odeviz.storage import WriteError
from odeviz.tasks.classes import Classes
from odeviz.tasks.own_time import OwnTime
from odeviz.training.snapshot import History

rng = np.random.default_rng(0)
EXTENT = Extent(-2.0, 2.0, -1.0, 1.0)
STEPS = StepTable(
    t=np.array([0.0, 0.0, 0.4]),
    h=np.array([0.8, 0.4, 0.6]),
    error=np.array([3.0, 0.5, math.nan]),
    accepted=np.array([False, True, True]),
)
FLOW = FlowResult(
    t=np.array([0.0, 0.5, 1.0]),
    paths=rng.normal(size=(3, 2, 2)).astype(np.float32),
    labels=np.array([0, 1]),
    steps=STEPS,
    choice=SolverChoice(),
    iteration=7,
    nfe=20,
    error=1e-6,
    milliseconds=1.5,
)
DENSITY = DensityResult(t=0.5, extent=EXTENT, log_density=np.arange(8.0).reshape(2, 4), mass=1.0, iteration=7)
DECISION = DecisionResult(t=0.5, extent=EXTENT, probability=rng.random((3, 2, 4)), iteration=7)
FIELD = FieldResult(
    t=np.array([0.0, 1.0]),
    x=np.array([-1.0, 0.0, 1.0]),
    y=np.array([5.0, 6.0]),
    velocity=rng.normal(size=(2, 2, 3, 2)).astype(np.float32),
    iteration=7,
)
HISTORY = History(
    iteration=np.array([1, 2]),
    seconds=np.array([0.1, 0.2]),
    loss=np.array([2.0, 1.0]),
    nfe_forward=np.array([14.0, 20.0]),
    nfe_backward=np.array([14.0, 20.0]),
    metric=np.array([math.nan, 0.9]),
)
DATA = DataResult(points=rng.normal(size=(5, 2)).astype(np.float32), labels=np.array([0, 1, 0, 1, -1]))
PROBE = ProbeResult(t=0.1, point=(1.0, 2.0), velocity=(3.0, 4.0), speed=5.0, divergence=-1.0)
RESULTS = [FLOW, STEPS, DATA, FIELD, DENSITY, DECISION, PROBE, HISTORY, EXTENT, SolverChoice()]


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: type(result).__name__)
def test_every_result_has_a_rectangular_csv_of_numbers(result, tmp_path):
    save_table(result, tmp_path / "t.csv")
    table = rows(tmp_path / "t.csv")
    assert table
    for row in table:
        assert None not in row
        for name, cell in row.items():
            assert name.isidentifier()
            if name not in ("method", "x_label", "y_label"):
                float(cell)


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: type(result).__name__)
def test_every_result_comes_back_from_npz_without_pickle(result, tmp_path):
    save_table(result, tmp_path / "t.npz")
    with np.load(tmp_path / "t.npz", allow_pickle=False) as arrays:
        for field in dataclasses.fields(result):
            value = getattr(result, field.name)
            if dataclasses.is_dataclass(value):
                for inner in dataclasses.fields(value):
                    assert np.array_equal(
                        arrays[f"{field.name}.{inner.name}"],
                        np.asarray(getattr(value, inner.name)),
                        equal_nan=inner.name == "error",
                    )
            elif value is None:
                assert field.name not in arrays
            else:
                stored = arrays[field.name]
                assert stored.dtype != object
                assert np.array_equal(stored, np.asarray(value), equal_nan=stored.dtype.kind == "f")


def test_trajectories_are_tidy_and_exact(tmp_path):
    save_table(FLOW, tmp_path / "paths.csv")
    table = rows(tmp_path / "paths.csv")
    assert list(table[0]) == ["t", "trajectory", "label", "x", "y"]
    assert len(table) == 6
    for row in table:
        step, b = [0.0, 0.5, 1.0].index(float(row["t"])), int(row["trajectory"])
        assert int(row["label"]) == FLOW.labels[b]
        assert np.float32(row["x"]) == FLOW.paths[step, b, 0]
        assert np.float32(row["y"]) == FLOW.paths[step, b, 1]


def test_trajectories_of_a_persons_own_data_are_told_in_their_own_time(tmp_path):
    own = dataclasses.replace(FLOW, clock=OwnTime(10.0, start=100.0))
    save_table(own, tmp_path / "paths.csv")
    told = {(float(row["t"]), float(row["model_t"])) for row in rows(tmp_path / "paths.csv")}
    assert told == {(100.0, 0.0), (105.0, 0.5), (110.0, 1.0)}


def test_labels_that_have_names_are_told_by_them_too(tmp_path):
    save_table(dataclasses.replace(DATA, classes=Classes(names=("in", "out"))), tmp_path / "data.csv")
    assert [row["class"] for row in rows(tmp_path / "data.csv")] == ["in", "out", "in", "out", ""]


def test_step_table_writes_acceptance_as_one_and_zero(tmp_path):
    save_table(STEPS, tmp_path / "steps.csv")
    assert (tmp_path / "steps.csv").read_text().splitlines() == [
        "step,t,h,error,accepted",
        "0,0.0,0.8,3.0,0",
        "1,0.0,0.4,0.5,1",
        "2,0.4,0.6,nan,1",
    ]


def test_history_columns_and_missing_values(tmp_path):
    save_table(HISTORY, tmp_path / "h.csv")
    assert (tmp_path / "h.csv").read_text().splitlines() == [
        "iteration,seconds,loss,nfe_forward,nfe_backward,metric",
        "1,0.1,2.0,14.0,14.0,nan",
        "2,0.2,1.0,20.0,20.0,0.9",
    ]


def test_density_rows_lie_at_cell_centres_lowest_row_first(tmp_path):
    save_table(DENSITY, tmp_path / "d.csv")
    table = rows(tmp_path / "d.csv")
    assert list(table[0]) == ["t", "x", "y", "log_density_nats"]
    places = [(float(r["x"]), float(r["y"]), float(r["log_density_nats"])) for r in table]
    assert places[0] == (-1.5, -0.5, 0.0)
    assert places[3] == (1.5, -0.5, 3.0)
    assert places[4] == (-1.5, 0.5, 4.0)


def test_columns_are_called_as_the_axes_and_classes_that_are_numbers_stand_once(tmp_path):
    fall = dataclasses.replace(
        FLOW, axes=("height in m", "velocity in m/s"), classes=Classes("ball", ("1", "2"))
    )
    save_table(fall, tmp_path / "fall.csv")
    table = rows(tmp_path / "fall.csv")
    assert list(table[0]) == ["t", "trajectory", "ball", "height_m", "velocity_m_per_s"]
    assert {row["ball"] for row in table} == {str(1 + label) for label in FLOW.labels}
    for axes, names in ((("z₁", "z₂"), ["x", "y"]), (("z₁", "z₃"), ["z1", "z3"]), (("t", "z"), ["x", "y"])):
        save_table(dataclasses.replace(FLOW, axes=axes), tmp_path / "flow.csv")
        assert list(rows(tmp_path / "flow.csv")[0])[3:] == names
    # A person's own classes keep the column they came from.
    own = dataclasses.replace(DATA, classes=Classes(names=("3", "5")))
    save_table(own, tmp_path / "own.csv")
    assert [row["label"] for row in rows(tmp_path / "own.csv")] == ["3", "5", "3", "5", "-1"]


def test_decision_has_one_column_a_class(tmp_path):
    save_table(DECISION, tmp_path / "d.csv")
    table = rows(tmp_path / "d.csv")
    assert list(table[0])[3:] == ["probability_0", "probability_1", "probability_2"]
    assert float(table[5]["probability_2"]) == DECISION.probability[2, 1, 1]


def test_field_rows_carry_their_own_coordinates(tmp_path):
    save_table(FIELD, tmp_path / "f.csv")
    table = rows(tmp_path / "f.csv")
    assert len(table) == 12
    row = table[1 * 6 + 1 * 3 + 2]
    assert (float(row["t"]), float(row["x"]), float(row["y"])) == (1.0, 1.0, 6.0)
    assert np.float32(row["velocity_y"]) == FIELD.velocity[1, 1, 2, 1]


def test_an_unknown_suffix_names_those_allowed(tmp_path):
    with pytest.raises(ValueError, match=r"table\.xlsx: the name of a table must end in \.csv or \.npz"):
        save_table(STEPS, tmp_path / "table.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_suffixes_may_be_capitals(tmp_path):
    save_table(STEPS, tmp_path / "A.CSV")
    save_table(STEPS, tmp_path / "A.NPZ")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["A.CSV", "A.NPZ"]


def test_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(WriteError, match=r"the folder .*nowhere does not exist"):
        save_table(STEPS, tmp_path / "nowhere" / "t.csv")


def test_what_is_no_result_is_refused(tmp_path):
    with pytest.raises(TypeError, match="not dict"):
        save_table({"a": 1}, tmp_path / "t.csv")
