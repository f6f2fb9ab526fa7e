"""The rows of the outbox that must be sent one after the other."""

from graph.actions.link.outbox import OutboxRow
from streams.relay.outgoing import in_sending_order


def row(seq: int, kind: str, key: str, source: str = "local") -> OutboxRow:
    return OutboxRow(seq, kind, key, source, "{}")


def test_notices_of_one_subject_and_all_records_of_the_gallery_log_are_sent_in_order() -> None:
    """Symptom: of two notices in one round the second was in the topic first.

    Cause: all sends of a round began together, and nothing says in which order such sends reach the broker.
    """
    rows = [
        row(1, "notice", "link:a"),
        row(2, "victims", "f1"),
        row(3, "notice", "link:b"),
        row(4, "label", "f2"),
        row(5, "notice", "link:a"),
        row(6, "search", "s1"),
        row(7, "notice", "link:a", "other"),
        row(8, "erasure", "e"),
    ]

    assert sorted([item.seq for item in group] for group in in_sending_order(rows)) == [[1, 5], [2, 4, 6, 8], [3], [7]]
