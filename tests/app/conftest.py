"""The fake window as a fixture."""

import pytest
from fake_window import Rig


@pytest.fixture
def rig(qtbot):
    rig = Rig()
    yield rig
    rig.close()
    qtbot.wait(0)
