"""Numbers as people read them."""

import math
import re
from pathlib import Path

import pytest

import odeviz
from odeviz.tasks.numerals import AXES, coordinates, percent, power, thousands, with_error


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1, "1"), (0.05, "0.05"), (1500, "1500"), (1e-4, "10⁻⁴"), (2.3e-5, "2.3·10⁻⁵"), (1e6, "10⁶")],
)
def test_numbers_are_written_for_people(value, text):
    assert power(value) == text


def test_each_kind_of_number_is_written_one_way():
    assert [thousands(n) for n in (98, 1298, -6698.4)] == ["98", "1,298", "−6,698"]
    shares = [(0.0, 0), (0.974, 0), (0.0004, 0), (0.9996, 1), (1.0, 1), (1.25, 0)]
    assert [percent(*each).replace("\u00a0", " ") for each in shares] == [
        "0 %", "97 %", "<1 %", ">99.9 %", "100.0 %", "125 %",
    ]  # fmt: skip
    assert with_error(-0.0017, 0.00214) == "−0.0017 ± 0.0021"
    assert with_error(1832.4, 21.3) == "1,832 ± 21"
    assert with_error(0.5, math.nan) == "0.5 ± nan"
    assert with_error(1.2874997, 1.7e-17) == "1.287 ± 0.000"
    assert with_error(0.0, 1.7e-5) == "0.000000 ± 0.000017"


def test_the_state_has_one_letter_in_all_that_people_read():
    other = re.compile(r"\bf\([^)]*\bh\b|dh/d|∂h|‖h‖|\bh\((t|0)|\bh ←|\bz[₁₂]\", \"z|\"h₁")
    told = [
        f"{path.name}: {line.strip()}"
        for folder in ("app", "exporting", "panels", "state", "tasks", "widgets")
        for path in Path(odeviz.__file__).with_name(folder).rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if other.search(line) and not line.lstrip().startswith("#")
    ]
    assert not told
    assert (AXES, coordinates(3)) == (("z₁", "z₂"), ("z₁", "z₂", "z₃"))
