"""A record that the graph refuses: the batch is committed record by record, the bad one waits in quarantine."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from graph.actions.link.commit import AlreadyCommitted
from graph.actions.link.writes import GraphWrites
from graph.domain.errors import StoreUnavailable
from graph.store.session import StoreRefused
from streams import retry
from streams.faces.models import MODEL_ID
from streams.gallery.calibration import packaged
from streams.link import worker as module
from streams.link.worker import LinkWorker
from streams.log_hold import LogHold
from streams.process import EXIT_ALARM, CrashPoint
from streams.records.gallery import TYPES, GalleryRecord, SearchEnded, VictimsAssigned
from streams.records.message import Message
from tests.support import factories_streams as make

pytestmark = pytest.mark.anyio
RNG = np.random.default_rng(5)


class Graph:
    """Commits in memory; refuses each batch that holds one of the `bad` offsets, and the bad record once by itself."""

    def __init__(self, *bad: int) -> None:
        self.bad = bad
        self.tried: list[tuple[int, int]] = []
        self.committed: list[GraphWrites] = []
        self.failures: list[Exception] = []
        """Raised one after the other, the last first, before anything else is done."""

    async def commit(
        self, store: object, epoch: int, changes: GraphWrites, *_: object, known_offset: int, **__: Any
    ) -> None:
        span = (changes.first, changes.last)
        is_second_try = span[0] == span[1] and span in self.tried
        self.tried.append(span)
        if self.failures:
            raise self.failures.pop()
        if any(span[0] <= offset <= span[1] for offset in self.bad) and not is_second_try:
            raise StoreRefused("Neo4j refused a statement (Neo.ClientError.Schema)")
        assert known_offset == span[0] - 1
        self.committed.append(changes)


class Ended(Exception):
    """The process would have ended."""


@pytest.fixture(autouse=True)
def ends(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit codes with which link ended its process."""
    codes: list[int] = []

    def end(code: int, reason: str) -> None:
        codes.append(code)
        raise Ended(reason)

    monkeypatch.setattr(module, "end_process", end)
    return codes


def link(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> LinkWorker:
    """A link worker that holds an empty log, before this graph."""

    async def no_memberships(*_: object) -> dict[object, object]:
        return {}

    async def no_pairs(*_: object) -> None:
        pass

    monkeypatch.setattr(module.commit, "commit", graph.commit)
    monkeypatch.setattr(module, "stored_memberships", no_memberships)
    monkeypatch.setattr(module, "remove_incomparable_pairs", no_pairs)
    monkeypatch.setattr(retry, "RETRY_S", 0.0)
    monkeypatch.setattr(module, "PACE_S", 0.0)
    unused: Any = None
    watchdog: Any = SimpleNamespace(progress=lambda: None)
    hold = LogHold()
    hold.ready.set()
    worker = LinkWorker(unused, hold, watchdog, CrashPoint(""), MODEL_ID, unused, packaged())
    worker._read_at = float("inf")  # no gap, however slow the test is: the log is not compared with the cursor
    return worker


def messages(*records: GalleryRecord) -> list[Message]:
    """The records as the gallery log has them, from its first offset."""
    kinds = {model: kind for kind, model in TYPES.items()}
    found: list[Message] = []
    for offset, record in enumerate(records):
        headers = [("ce_type", kinds[type(record)].encode()), ("ce_id", f"record-{offset}".encode())]
        value = record.model_dump_json().encode()
        found.append(Message("gallery", 0, offset, None, value, headers, make.START_MS))
    return found


def media(name: str, place: int, case: str = make.NORTH) -> GalleryRecord:
    event = make.submitted(case)
    return make.embedded(name, [make.unit(RNG)], event, make.origin(place))


async def test_only_the_refused_record_is_set_aside_and_the_cursor_passes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Graph(1)
    worker = link(graph, monkeypatch)

    await worker.handle(messages(*(media(f"picture-{place}", place) for place in range(4))))

    assert graph.tried == [(0, 3), (0, 0), (1, 1), (1, 1), (2, 2), (3, 3)]
    assert [(changes.first, changes.last) for changes in graph.committed] == [(n, n) for n in range(4)]
    stored = [row["media_id"] for changes in graph.committed for row in changes.media]
    assert stored == [make.media_id(f"picture-{place}") for place in (0, 2, 3)]
    assert worker.applied == 4
    assert set(worker._gallery.faces) == {make.face_id(f"picture-{place}") for place in (0, 2, 3)}


async def test_the_refused_record_waits_in_quarantine_as_its_source_event(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Graph(0)
    worker = link(graph, monkeypatch)

    await worker.handle(messages(media("picture", 7)))

    (changes,) = graph.committed
    (row,) = changes.quarantined
    reason = "the graph refused the record: Neo4j refused a statement (Neo.ClientError.Schema)"
    assert row == {**make.origin(7).model_dump(), "code": "refused_by_graph", "stage": "link", "reason": reason}
    assert changes == GraphWrites(0, 0, quarantined=[row])  # nothing else of the record is written


async def test_records_behind_the_refused_one_see_those_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The retry goes on from what is committed: two pictures of one face around a bad record become a link."""
    graph = Graph(1)
    worker = link(graph, monkeypatch)
    face = make.unit(RNG)
    records = [
        make.embedded("one", [face], make.submitted("local:n1"), make.origin(0)),
        media("bad", 1),
        make.embedded("two", [make.near(RNG, face, 0.95)], make.submitted("local:n2"), make.origin(2)),
    ]

    await worker.handle(messages(*records))

    (pair,) = [{row.a, row.b} for changes in graph.committed for row in changes.links.values()]
    assert pair == {make.face_id("one"), make.face_id("two")}


async def test_a_refused_search_is_answered_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Graph(1)
    worker = link(graph, monkeypatch)
    asked = make.search("search-1", make.NORTH, "register", [make.face_id("picture")])

    await worker.handle(messages(media("picture", 0), asked))

    (answer,) = graph.committed[-1].answers
    assert (answer["search_id"], answer["answer"]["status"]) == ("search-1", "quarantined")
    assert "the graph refused the record" in answer["answer"]["reason"]
    assert graph.committed[-1] == GraphWrites(1, 1, answers=[answer])


@pytest.mark.parametrize(
    "act",
    [
        SearchEnded(search_id="search-1"),
        VictimsAssigned(faces={make.face_id("picture"): "victim-1"}),
        make.judged([(make.face_id("picture"), make.face_id("other"))]),
        make.label([make.face_id("picture")], "suspect"),
        make.embedded_again({make.face_id("picture"): make.unit(RNG)}),
    ],
    ids=lambda act: type(act).__name__,
)
async def test_what_follows_of_an_act_is_passed_over_and_said_in_the_log(
    act: GalleryRecord, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No case system's event stands behind it: the act itself is in the graph."""
    graph = Graph(1)
    worker = link(graph, monkeypatch)

    await worker.handle(messages(media("picture", 0), act))

    assert graph.tried == [(0, 1), (0, 0), (1, 1), (1, 1)]
    assert graph.committed[-1] == GraphWrites(1, 1)
    assert worker.applied == 2
    assert "the graph refused the consequences of record 1: Neo4j refused a statement" in caplog.text


async def test_a_graph_that_refuses_even_the_cursor_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, ends: list[int]
) -> None:
    """Nothing is acknowledged that is not in the graph."""
    graph = Graph()
    graph.failures = [StoreRefused("no")] * 2
    worker = link(graph, monkeypatch)

    with pytest.raises(Ended, match="StoreRefused"):
        await worker.handle(messages(media("picture", 0)))

    assert ends == [EXIT_ALARM]
    assert (graph.committed, worker.applied) == ([], 0)


async def test_a_graph_that_is_away_during_the_retry_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Graph()
    graph.failures = [StoreUnavailable("away"), StoreUnavailable("away"), StoreRefused("no")]
    worker = link(graph, monkeypatch)

    await worker.handle(messages(media("one", 0), media("two", 1)))

    assert graph.tried == [(0, 1), (0, 0), (0, 0), (0, 0), (1, 1)]
    assert [changes.quarantined for changes in graph.committed] == [[], []]


async def test_a_record_that_was_committed_without_our_knowing_is_not_committed_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The answer to the commit was lost: the gallery is loaded again from the graph, which has the record."""
    graph = Graph()
    graph.failures = [AlreadyCommitted()]
    worker = link(graph, monkeypatch)

    async def load() -> None:
        worker._offset = 0

    monkeypatch.setattr(worker, "_load", load)

    await worker.handle(messages(media("picture", 0)))

    assert (graph.tried, graph.committed, worker.applied) == ([(0, 0)], [], 1)
