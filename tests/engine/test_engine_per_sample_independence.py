"""Where every sample has its own steps, none depends on the others, not in a bit."""

import os
import subprocess
import sys

import pytest
import torch
from per_sample_fields import BOUNCY, F64, dropped, falling, squared
from torch import nn

from odeviz.engine import Status, solve
from odeviz.fields import MLPField


def random_field(kind, dtype):
    torch.manual_seed(5)
    if kind == "module":
        net = nn.Sequential(nn.Linear(2, 64), nn.SiLU(), nn.Linear(64, 48), nn.Tanh(), nn.Linear(48, 2))
        net = net.to(dtype)
        return lambda t, y: 3 * net(y) * torch.cos(t)
    if kind == "narrow":
        return MLPField(2, (7, 19, 5), time="none", scale=4.0).to(dtype)
    return MLPField(2, (64, 32), time=kind, scale=4.0, activation="softplus").to(dtype)


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


both_precisions = pytest.mark.parametrize("dtype", [torch.float32, F64], ids=["float32", "float64"])


@both_precisions
@pytest.mark.parametrize("kind", ["none", "narrow", "concat", "concatsquash", "module"])
def test_no_bit_of_a_sample_depends_on_the_other_samples(kind, dtype):
    check_independence(kind, dtype, (5, 63, 64, 65, 130, 400, 700))


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(("kind", "dtype"), [("none", torch.float32), ("module", F64)])
def test_nor_does_one_where_threads_share_the_batch(kind, dtype):
    check_independence(kind, dtype, (65, 700))


@torch.no_grad()
def check_independence(kind, dtype, batches):
    field, own = random_field(kind, dtype), torch.randn(5, 2, dtype=dtype)
    t = torch.tensor([0.0, 0.3, 1.0])
    alone = [solve(field, y[None], t, per_sample=True, rtol=1e-5, atol=1e-5) for y in own]
    expected = torch.cat([each.y for each in alone], 1)
    evaluations = torch.cat([each.per_sample.nfe for each in alone])
    for batch in batches:
        y0 = 3 * torch.randn(batch, 2, dtype=dtype)
        places = torch.randperm(batch)[:5]
        y0[places] = own
        y0[(places + 1) % batch] = torch.where(
            torch.isin((places + 1) % batch, places)[:, None], y0[(places + 1) % batch], 1e30
        )
        together = solve(field, y0, t, per_sample=True, rtol=1e-5, atol=1e-5)
        assert torch.equal(together.y[:, places], expected)
        assert torch.equal(together.per_sample.nfe[places], evaluations)


PLACES = """
import torch
from odeviz.engine import solve
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(3, 33), torch.nn.Tanh(), torch.nn.Linear(33, 3)).double()
y0 = torch.randn(70, 3).double()
order = torch.randperm(70)
with torch.no_grad():
    y, z = (solve(lambda t, y: net(y), s, [0.0, 2.0], per_sample=True).y1 for s in (y0, y0[order]))
assert torch.equal(y[order], z)
"""


@pytest.mark.skipif(not torch.backends.mkl.is_available(), reason="the setting is MKL's")
def test_a_reproducible_mkl_makes_layers_of_odd_width_independent_too():
    environment = {**os.environ, "MKL_CBWR": "AVX2,STRICT"}
    done = subprocess.run([sys.executable, "-c", PLACES], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_sample_that_blows_up_is_named_and_disturbs_no_other():
    y0 = torch.tensor([[0.5], [2.0], [-1.0], [4.0]], dtype=F64)
    solution = solve(squared, y0, [0.0, 0.1, 1.0], per_sample=True, rtol=1e-9, atol=1e-9)
    assert solution.status in (Status.STEP_TOO_SMALL, Status.NON_FINITE)
    assert solution.samples == (1, 3)
    assert solution.message.startswith("Sample 1 stopped at t = 0.5: ")
    assert solution.message.endswith("So did 1 more.")
    torch.testing.assert_close(
        solution.per_sample.t_stop, torch.tensor([1.0, 0.5, 1.0, 0.25], dtype=F64), rtol=0, atol=1e-6
    )
    exact = y0[:, 0] / (1 - y0[:, 0] * torch.tensor([[0.0], [0.1], [1.0]], dtype=F64))
    assert torch.isnan(solution.y[2, [1, 3]]).all()
    torch.testing.assert_close(solution.y[:2, :, 0], exact[:2], rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(solution.y[2, [0, 2], 0], exact[2, [0, 2]], rtol=1e-7, atol=1e-7)
    without = solve(squared, y0[[0, 2]], [0.0, 0.1, 1.0], per_sample=True, rtol=1e-9, atol=1e-9)
    assert torch.equal(without.y, solution.y[:, [0, 2]])


def test_jumps_and_events_leave_the_bits_of_others_alone():
    heights = torch.tensor([1.0, 2.0, 5.0, 0.3], dtype=F64)
    together = solve(falling, dropped(heights), [0.0, 1.0, 2.2], per_sample=True, events=[BOUNCY])
    for sample in range(4):
        alone = solve(
            falling, dropped(heights[sample : sample + 1]), [0.0, 1.0, 2.2], per_sample=True, events=[BOUNCY]
        )
        assert torch.equal(alone.y[:, 0], together.y[:, sample])
        assert torch.equal(alone.events[0].t, together.events[0].t[together.events[0].sample == sample])
        assert alone.per_sample.nfe[0] == together.per_sample.nfe[sample]
