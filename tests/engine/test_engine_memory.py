"""The process does not grow over a thousand solves with gradients, in any mode."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import memory_growth
import pytest

from odeviz.engine import ADJOINTS

SOLVES = 1000
#: A kilobyte and a half a solve, six where a field has no kernel: less than one solution with its statistics and graph.
LIMIT = 1_500_000

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="resident size is read from Linux's /proc"
)


@cache
def growth(adjoint):
    """Bytes for each field, measured in a process that does nothing else."""
    command = [sys.executable, memory_growth.__file__, adjoint, str(SOLVES), str(SOLVES // 4)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("field", memory_growth.FIELDS)
@pytest.mark.parametrize("adjoint", ADJOINTS)
def test_memory_does_not_grow_over_a_thousand_solves_with_gradients(adjoint, field):
    assert growth(adjoint)[field] < LIMIT


def test_the_measurement_sees_what_is_kept():
    assert growth("discrete")["kept"] > LIMIT
