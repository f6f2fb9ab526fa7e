"""The bench of verdicts judges every link once and leaves the audit whole."""

import pytest

from graph.store.session import Store
from streams.settings import Addresses
from tests.bench.verdicts import WARM_UP, measure_verdicts

pytestmark = pytest.mark.anyio


async def test_people_at_once_judge_as_many_links_as_one_and_the_chain_is_whole(stack: Addresses, store: Store) -> None:
    found = await measure_verdicts(stack, 20, 4, 2)

    assert found["chain"] == "whole"
    assert found["ratio"] == pytest.approx(found["many"]["verdicts_per_s"] / found["one"]["verdicts_per_s"], abs=0.001)
    row = await store.read(lambda tx: tx.one("MATCH (v:Verdict) RETURN count(DISTINCT v.link_id) AS judged"))
    assert row == {"judged": WARM_UP + 2 * 2 * 20}
