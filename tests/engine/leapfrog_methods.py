"""What the tests of the leapfrogs share."""

import pytest
import torch

from odeviz.engine import solve
from odeviz.engine.families.leapfrog import AsynchronousLeapfrogStepper, LeapfrogStepper

ALF = "asynchronous-leapfrog"
STEPPERS = {"leapfrog": LeapfrogStepper, ALF: AsynchronousLeapfrogStepper}
START = torch.tensor([[1.0, -0.5, 0.3, 0.8], [-0.2, 1.1, 0.4, -0.7]], dtype=torch.float64)

both_methods = pytest.mark.parametrize("method", [*STEPPERS])


def pendulum(t, y):
    q, p = y.chunk(2, -1)
    return torch.cat([p, -torch.sin(q)], -1)


def reference(field, y0, times):
    return solve(field, y0, times, method="dop853", rtol=1e-13, atol=1e-13).y
