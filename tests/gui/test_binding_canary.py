import sys

from PySide6.QtCore import QObject


def test_void_calls_of_the_binding_do_not_lose_references_to_none(qapp):
    """Some PySide6 releases drop one at every call, which aborts the process within seconds of plotting."""
    item = QObject()
    item.setObjectName("before")
    before = sys.getrefcount(None)
    for _ in range(1000):
        item.setObjectName("canary")
    assert sys.getrefcount(None) > before - 100
