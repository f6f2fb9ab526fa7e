"""`bench review` in small: reviewers on a drawn graph disturb nobody and decide nothing twice."""

import httpx
import pytest

from graph.domain import ids
from graph.files import MediaStore
from graph.store.session import Store
from tests.bench.review import cypher
from tests.bench.review.graph import Sizes, build
from tests.bench.review.run import Load, Measured, is_reached, percentiles, work
from tests.support.signed_in import ISSUER

pytestmark = pytest.mark.anyio

SIZES = Sizes(200, 60, cases=8, districts=2)


async def test_reviewers_at_work_meet_no_error_and_decide_nothing_twice(
    api: httpx.AsyncClient, store: Store, files: MediaStore
) -> None:
    media_id = ids.digest("bench")
    await build(store, SIZES, files.put_crop(media_id, media_id, "display", b"jpeg"), 1, lambda _: None)

    measured = await work(api, SIZES, Load(reviewers=6, seconds=4, think_s=0.05, warm_up_s=0), ISSUER)

    twice = await store.read(lambda tx: tx.one(cypher.JUDGED_TWICE, since="2026"))
    assert measured.judged > 5
    assert (dict(measured.errors), measured.claimed_twice, twice) == ({}, 0, {"links": 0})
    assert {"claim", "crop", "verdict"} <= set(measured.times)


def test_percentiles_are_measured_values() -> None:
    told = percentiles([0.01] * 98 + [0.02, 0.09])

    assert told == {"number": 100, "p50_ms": 10.0, "p99_ms": 90.0, "longest_ms": 90.0, "p99_in_p50": 9.0}


async def test_an_error_or_a_double_decision_misses_the_goal() -> None:
    fine = Measured()
    fine.times["claim"] = [0.01] * 10
    assert is_reached(fine, 0)
    assert not is_reached(fine, 1)
    fine.errors["claim 503"] += 1
    assert not is_reached(fine, 0)
