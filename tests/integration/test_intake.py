"""What operators see of the intake: counts of what came in, of what is on its way, and of what waits."""

from datetime import timedelta

import pytest

from graph.actions.link.lag import SourceLag, write_lags
from graph.actions.read.intake import HOURS, read_intake, read_intake_now
from graph.domain.errors import Forbidden
from graph.domain.people import Person, Role
from graph.store.session import Row, Store
from tests.integration.conftest import entries
from tests.support.access import access_of
from tests.support.factories import ANNA, NOW, Scene

pytestmark = pytest.mark.anyio
OPERATOR = Person("olga@ops", frozenset({Role.OPERATOR}), None)


async def notices(store: Store, *told: tuple[str, timedelta]) -> None:
    rows: list[Row] = [
        {"notice_id": f"n{number}", "outcome": outcome, "at": (NOW - ago).isoformat()}
        for number, (outcome, ago) in enumerate(told)
    ]
    await store.write(lambda tx: tx.do("UNWIND $rows AS row CREATE (n:Notice) SET n = row", rows=rows))


async def quarantined(store: Store, *waiting: tuple[str, str]) -> None:
    rows: list[Row] = [
        {"quarantine_id": f"q{number}", "code": code, "status": status} for number, (code, status) in enumerate(waiting)
    ]
    await store.write(lambda tx: tx.do("UNWIND $rows AS row CREATE (q:Quarantined) SET q = row", rows=rows))


async def test_pictures_are_counted_by_the_hour_in_which_their_events_finished(store: Store) -> None:
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    this = timedelta(minutes=NOW.minute, seconds=NOW.second)
    await notices(
        store,
        ("faces_found", timedelta()),
        ("no_face", this),
        ("faces_found", this + minute),
        ("case_changed", this + minute),
        ("faces_found", (HOURS - 1) * hour + this),
        ("faces_found", (HOURS - 1) * hour + this + minute),
    )

    found = await read_intake(access_of(store, OPERATOR, NOW))

    assert [(hour.start, hour.total) for hour in found.hours if hour.total] == [
        ((NOW - this - (HOURS - 1) * hour).isoformat(), 1),
        ((NOW - this - hour).isoformat(), 1),
        ((NOW - this).isoformat(), 2),
    ]
    assert found.hours[-1].events | {"faces_found": 1, "no_face": 1} == found.hours[-1].events


async def test_what_waits_is_told_by_source_and_by_reason(store: Store, scene: Scene) -> None:
    lags = [SourceLag("north", 12, 30), SourceLag("south", 3, None)]
    await write_lags(store, lags, now=NOW)
    await quarantined(
        store,
        ("wrong_sha256", "waiting"),
        ("truncated", "waiting"),
        ("truncated", "waiting"),
        ("truncated", "resolved"),
    )

    found = await read_intake(access_of(store, OPERATOR, NOW))

    assert [(one.source, one.events, one.seconds, one.at) for one in found.now.sources] == [
        ("north", 12, 30, NOW.isoformat()),
        ("south", 3, None, NOW.isoformat()),
    ]
    assert [(one.code, one.events) for one in found.reasons] == [("truncated", 2), ("wrong_sha256", 1)]
    assert (found.now.events, found.now.sizes.quarantined, found.now.broken) == (15, 3, None)
    assert found.now.sizes.media > 0
    assert found.now == await read_intake_now(access_of(store, OPERATOR, NOW))


async def test_it_is_for_operators_and_tells_so_little_that_the_audit_holds_nothing(store: Store) -> None:
    before = len(await entries(store))
    await read_intake(access_of(store, OPERATOR, NOW))

    assert len(await entries(store)) == before
    with pytest.raises(Forbidden):
        await read_intake(access_of(store, ANNA, NOW))
    with pytest.raises(Forbidden):
        await read_intake_now(access_of(store, ANNA, NOW))
