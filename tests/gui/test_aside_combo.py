"""A remark beside what is chosen in a box."""

import numpy as np
import pytest
from PySide6.QtGui import QImage

from odeviz.widgets.aside_combo import AsideCombo


@pytest.fixture
def box(show):
    box = show(AsideCombo, size=(300, 28))
    box.addItem("Error against NFE")
    return box


def ink(box):
    """How dark the right half is, column by column, without the arrow."""
    image = box.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return 255.0 - rows[4:-4, image.width() // 2 : image.width() - 30]


def test_the_remark_is_drawn_in_the_room_beside_and_dim_when_it_is_old(box):
    # Room enough, whatever size of text a test before has left.
    box.resize(460, 28)
    size = box.sizeHint()
    bare = ink(box).max()
    box.set_aside(("iteration 2,000", "it. 2,000"))
    said = ink(box).max()
    box.set_aside(("iteration 2,000", "it. 2,000"), old=True)
    assert bare < ink(box).max() < said
    assert box.sizeHint() == size


def test_in_little_room_it_is_shorter_then_left_out_unless_it_is_old(box):
    box.set_aside(("iteration 2,000", "it. 2,000"))
    shown = []
    for width in range(300, 150, -4):
        box.resize(width, 28)
        shown.append(box.aside)
    assert list(dict.fromkeys(shown)) == ["iteration 2,000", "it. 2,000", ""]
    box.set_aside(("iteration 2,000", "it. 2,000"), old=True)
    assert box.aside == "it. 2,000"
    assert box.accessibleDescription() == "iteration 2,000"
