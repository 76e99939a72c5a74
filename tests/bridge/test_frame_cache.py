import pytest

from odeviz.bridge.frames import FrameCache


@pytest.fixture
def cache():
    return FrameCache(t1=2.0, count=5, grids=(10, 20))


def test_frames_span_the_flow(cache):
    assert cache.times == (0.0, 0.5, 1.0, 1.5, 2.0)


def test_all_frames_come_coarse_before_any_comes_fine_starting_at_the_playhead(cache):
    order = []
    while (wanted := cache.next_wanted(1.0)) is not None:
        order.append(wanted)
        cache.store(*wanted, frame=wanted)
    assert order[:5] == [(1.0, 10), (1.5, 10), (2.0, 10), (0.0, 10), (0.5, 10)]
    assert [n for _, n in order] == [10] * 5 + [20] * 5


def test_at_rest_the_present_frame_is_made_fine_first(cache):
    cache.store(1.0, 10, "coarse")
    assert cache.next_wanted(1.1, still=True) == (1.0, 20)


def test_a_coarse_frame_never_replaces_a_fine_one(cache):
    cache.store(1.0, 20, "fine")
    cache.store(1.0, 10, "coarse")
    assert cache.nearest(1.0) == "fine"


def test_the_nearest_stored_frame_stands_in_for_a_missing_one(cache):
    assert cache.nearest(0.0) is None
    cache.store(1.5, 10, "late")
    assert cache.nearest(0.0) == "late"
    cache.store(0.5, 10, "early")
    assert cache.nearest(0.2) == "early"
