"""The pending events of a source and their estimated time: no estimate where nothing is known."""

from graph.actions.link.lag import SourceLag
from streams import topics
from streams.kafka.offsets import Position
from streams.relay.lag import pending_events
from streams.topics import EMBED_GROUP, LINK_GROUP

EMBED, LINK = (EMBED_GROUP, topics.media_submitted("local")), (LINK_GROUP, topics.GALLERY)


def test_the_estimate_is_that_of_the_slower_step_at_its_last_pace() -> None:
    before = {EMBED: Position(100, 600), LINK: Position(90, 100)}
    now = {EMBED: Position(200, 600), LINK: Position(190, 200)}

    assert pending_events(["local"], now, before, 10.0) == [SourceLag("local", 410, 40)]


def test_without_progress_there_is_no_estimate() -> None:
    still = {EMBED: Position(100, 600), LINK: Position(90, 90)}

    assert pending_events(["local"], still, still, 10.0) == [SourceLag("local", 500, None)]
    assert pending_events(["local"], still, {}, 10.0) == [SourceLag("local", 500, None)]


def test_each_source_has_its_own_pending_events_and_none_without_lag() -> None:
    now = {EMBED: Position(100, 600), LINK: Position(90, 90)}

    assert pending_events(["other"], now, now, 10.0) == [SourceLag("other", 0, 0)]
