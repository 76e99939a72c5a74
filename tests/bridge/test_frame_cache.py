import pytest

from odeviz.bridge.frames import FrameCache, Wanted


@pytest.fixture
def cache():
    return FrameCache(t1=2.0, count=5, grids=(10, 20), glances=(15, 20))


def test_frames_span_the_flow(cache):
    assert cache.times == (0.0, 0.5, 1.0, 1.5, 2.0)


def test_all_frames_come_coarse_before_any_comes_fine_starting_at_the_playhead(cache):
    order = []
    while (wanted := cache.next_wanted(1.0)) is not None:
        order.append((wanted.t, wanted.n))
        cache.store(wanted.t, wanted.n, wanted)
    assert order[:5] == [(1.0, 10), (1.5, 10), (2.0, 10), (0.0, 10), (0.5, 10)]
    assert [n for _, n in order] == [10] * 5 + [20] * 5


def test_at_rest_between_two_frames_one_of_that_very_time_comes_first(cache):
    cache.store(1.0, 20, "near")
    assert cache.next_wanted(1.1, still=True) == Wanted(1.1, 15, awaited=True)
    assert not cache.is_finest(1.1, still=True)
    cache.store(1.1, 15, "glance")
    assert cache.nearest(1.1) == "glance"
    assert cache.next_wanted(1.1, still=True) == Wanted(1.1, 20, awaited=True)
    cache.store(1.1, 20, "fine")
    assert cache.is_finest(1.1, still=True)
    assert cache.next_wanted(1.1, still=True) == Wanted(1.5, 10)
    cache.store(1.3, 15, "another")
    assert cache.nearest(1.1) == "near", "one glance is kept"


def test_at_rest_on_a_frame_that_one_is_made_fine_first(cache):
    cache.store(1.0, 10, "coarse")
    assert cache.next_wanted(1.0, still=True) == Wanted(1.0, 20, awaited=True)


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
