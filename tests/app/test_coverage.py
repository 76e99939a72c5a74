"""Which part of the plane is solved for."""

from odeviz.analysis.results import Extent
from odeviz.app.coverage import ROOM, Coverage

SCENE = Extent(-4.0, 4.0, -4.0, 4.0, "a", "b")


def sides(extent):
    return extent.x0, extent.x1, extent.y0, extent.y1


def test_all_that_is_seen_is_solved_for_with_room_about_it():
    coverage = Coverage()
    assert not coverage.see((-8.0, 8.0, -4.0, 4.0)), "nothing is known of the plane yet"
    coverage.place(SCENE)
    assert sides(coverage.extent) == (-8 * ROOM, 8 * ROOM, -4 * ROOM, 4 * ROOM)
    assert coverage.extent.x_label == "a"


def test_small_moves_ask_for_nothing_and_large_ones_do():
    coverage = Coverage()
    coverage.place(SCENE)
    coverage.see((-4.0, 4.0, -4.0, 4.0))
    assert not coverage.see((-3.8, 4.2, -4.0, 4.0))
    assert not coverage.see((-3.0, 3.0, -3.0, 3.0))
    assert coverage.see((-3.0, 5.0, -4.0, 4.0))
    assert coverage.extent.x1 > 5.0
    assert coverage.see((0.0, 1.0, 0.0, 1.0)), "what is looked at closely is solved more finely"
    assert coverage.extent.x1 < 1.2
    assert not coverage.see((float("nan"), 1.0, 0.0, 1.0))
    coverage.see((0.0, 1.0, -4.0, 4.0))
    assert coverage.see((0.0, 1.0, 0.0, 1.0)), "a high strip that is seen no more"


def test_another_plane_begins_anew():
    coverage = Coverage()
    coverage.place(SCENE)
    coverage.see((-4.0, 4.0, -4.0, 4.0))
    before = coverage.extent
    coverage.place(Extent(-3.9, 4.0, -4.0, 4.0, "a", "b"))
    assert coverage.extent == before, "as much of the same plane is seen"
    coverage.place(Extent(-4.0, 4.0, -4.0, 4.0, "t", "z", equal=False))
    assert coverage.extent.x_label == "t"
    coverage.place(None)
    assert coverage.extent is None
