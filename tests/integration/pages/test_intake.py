"""The intake page: counts alone, live, with the quarantine and its replays; for operators only."""

import html
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from api.pages import intake
from graph.actions.link.lag import SourceLag, write_lags
from graph.domain.people import Person, Role
from graph.store.session import Row, Store
from tests.integration.conftest import Pages, entries
from tests.integration.test_intake import notices
from tests.support.access_table import PEOPLE
from tests.support.factories import NOW, Scene

pytestmark = pytest.mark.anyio
OLGA = Person("olga@ops", frozenset({Role.OPERATOR}))
HOSTILE = "<script>alert(1)</script>\u202e" + "e\u0301" * 40


async def quarantined(store: Store, number: int, **facts: object) -> list[str]:
    """The ids of events that wait in quarantine."""
    rows: list[Row] = [
        {
            "quarantine_id": f"q{place}",
            "event": f"redthread.media.submitted.north.v1/0/{place}",
            "topic": "redthread.media.submitted.north.v1",
            "partition": 0,
            "offset": place,
            "stage": "embed",
            "code": "not_an_image",
            "reason": HOSTILE,
            "source": "north",
            "attempts": 1,
            "status": "waiting",
            "submitted_at": 1_795_000_000_000 + place,
            "headers": "[]",
            "truncated": False,
            **facts,
        }
        for place in range(number)
    ]
    await store.write(lambda tx: tx.do("UNWIND $rows AS row CREATE (q:Quarantined) SET q = row", rows=rows))
    return [row["quarantine_id"] for row in rows]


async def test_it_says_what_came_in_what_is_on_its_way_and_why_events_wait(store: Store, pages: Pages) -> None:
    now = datetime.now(UTC)
    await write_lags(store, [SourceLag("north", 1200, 90), SourceLag("south", 0, 0)], now=now)
    await notices(store, ("faces_found", NOW - now), ("quarantined", NOW - now + timedelta(hours=2)))
    await quarantined(store, intake.A_PAGE + 1)
    olga = await pages(OLGA)
    text = (await olga.get("/app/intake")).text

    assert "Pictures are on their way" in text and "1,200" in text and "2 min" in text
    assert 'class="o-faces_found"' in text and 'class="o-quarantined"' in text
    assert "not_an_image" in text and "redthread.media.submitted.north.v1/0/1" in text
    assert "<script>alert" not in text and "&lt;script&gt;" in text
    assert "How long it takes" in text

    [following] = re.findall(r'href="([^"]+)" data-key="PageDown"', (await olga.get("/app/intake")).text)
    text = (await olga.get(html.unescape(following))).text
    assert "First page" in text and "How long it takes" not in text, "it is measured once"
    assert {"intake.seen", "quarantine.seen"} <= {entry.action for entry in await entries(store)}


async def test_a_stopped_link_is_said_first(store: Store, pages: Pages) -> None:
    await store.write(lambda tx: tx.do("MATCH (c:Cursor) SET c.broken = $why", why=HOSTILE))
    text = (await (await pages(OLGA)).get("/app/intake")).text
    assert "Nothing is taken in" in text and "<script>alert" not in text


async def test_chosen_events_are_sent_again_and_one_that_cannot_be_stops_no_other(store: Store, pages: Pages) -> None:
    first, second = await quarantined(store, 2)
    await store.write(lambda tx: tx.do("MATCH (q:Quarantined {quarantine_id: $id}) SET q.truncated = true", id=first))
    olga = await pages(OLGA)
    answer = await olga.post("/app/intake/replays", data={"event": [first, second]})
    assert answer.status_code == 303
    text = (await olga.get(answer.headers["location"])).text
    assert "1 event is sent again." in text and "1 could not be sent" in text
    states = await store.read(lambda tx: tx.rows("MATCH (q:Quarantined) RETURN q.status AS s ORDER BY q.offset"))
    assert [row["s"] for row in states] == ["waiting", "replayed"]
    assert "event.replayed" in {entry.action for entry in await entries(store)}


async def test_nothing_chosen_is_no_fault(pages: Pages) -> None:
    olga = await pages(OLGA)
    answer = await olga.post("/app/intake/replays", data={})
    assert "No event was chosen." in (await olga.get(answer.headers["location"])).text


async def test_the_counts_come_as_server_sent_events_without_a_word_of_a_case(
    store: Store, scene: Scene, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "EVERY_S", 0.01)
    monkeypatch.setattr(intake, "STREAM_S", 0.02)
    await write_lags(store, [SourceLag("north", 7, None)], now=NOW)
    answer = await (await pages(OLGA)).get("/app/intake/now", headers={"Accept": "text/event-stream"})

    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
    first, second = answer.text.strip().split("\n\n")
    told = json.loads(first.removeprefix("data: "))
    assert told == json.loads(second.removeprefix("data: "))
    assert (told["events"], told["source:north"], told["media"], told["faces"]) == ("7", "7", "3", "4")
    assert set(told) == {"media", "faces", "quarantined", "outbox", "events", "source:north"}


async def test_the_counts_are_for_operators_alone(pages: Pages) -> None:
    """The access table leaves out what lasts."""
    for who in PEOPLE.keys() - {"nobody", "operator"}:
        person = PEOPLE[who]
        assert person is not None
        assert (await (await pages(person)).get("/app/intake/now")).status_code == 403, who
