from odeviz.bridge.mailbox import Mailbox


def test_the_latest_message_wins():
    box = Mailbox()
    box.put(1)
    box.put(2)
    assert box.take() == 2


def test_a_message_is_taken_once():
    box = Mailbox()
    box.put(1)
    box.take()
    assert box.take() is None
