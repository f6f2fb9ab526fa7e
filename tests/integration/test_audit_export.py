"""The audit is taken out of the real graph, proves itself, and tells when the graph was changed by hand."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from graph.actions.decide.decision import Judgement
from graph.actions.decide.verdicts import do_verdict
from graph.actions.operate import audit_export, audit_file
from graph.actions.read.search import Question, ask_with_faces
from graph.domain import audit
from graph.domain.audit_export import ExportRequest
from graph.domain.audit_verify import Finding
from graph.domain.errors import Forbidden, Invalid, NotFound
from graph.domain.link import Decision
from graph.domain.people import Person, Role
from graph.store import log
from graph.store.session import Store, Tx
from streams.settings import Addresses
from tests.support.access import access_of
from tests.support.commands import redthread_forked
from tests.support.factories import ANNA, NORTH, NOW, Scene

pytestmark = pytest.mark.anyio
LATER = NOW + timedelta(days=2)


async def act(store: Store, *acts: audit.Act) -> None:
    async def work(tx: Tx) -> None:
        await log.append(tx, await log.lock_head(tx), acts)

    await store.write(work)


def asked(kind: Any = "chain", value: str = "") -> ExportRequest:
    return ExportRequest(kind, value, "audrey", LATER.isoformat(), "complaint 7")


async def export(store: Store, path: Path, what: ExportRequest | None = None) -> tuple[Finding, list[dict[str, Any]]]:
    """What the file proves, and its lines behind the header."""
    await audit_file.write_export(store, what or asked(), path, now=LATER)
    return audit_file.verify_file(path, None), read(path)


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()[1:]]


def names(folder: Path) -> list[str]:
    return [path.name for path in sorted(folder.iterdir())]


def shown(lines: list[dict[str, Any]]) -> list[str]:
    """Who did what, in the entries that are shown, without the export's own."""
    return [f"{line['actor']} {line['action']} {line['subject']}" for line in lines[:-1] if "actor" in line]


async def test_the_whole_chain_is_exported_with_the_record_of_the_export(
    store: Store, scene: Scene, tmp_path: Path
) -> None:
    await ask_with_faces(access_of(store, ANNA, NOW), Question(NORTH, "p", "b", "register"), [scene.faces["n1"]])
    await act(store, *(audit.Act(NOW, "anna", "face.seen", f"face{number}", "ü") for number in range(30)))

    found, lines = await export(store, tmp_path / "export")

    assert (found.fault, found.shown, found.left_out, found.last) == (None, 32, 0, 32)
    assert (lines[-1]["actor"], lines[-1]["action"], lines[-1]["purpose"]) == (
        "audrey",
        "audit.exported",
        "complaint 7",
    )
    assert (tmp_path / "export").stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["export", "store"]


@pytest.mark.parametrize(
    ("kind", "value"), [("chain", ""), ("person", ANNA.actor), ("period", "2026-11-20/2026-11-21")]
)
async def test_an_auditor_downloads_what_the_command_writes(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any, value: str
) -> None:
    monkeypatch.setattr(audit_export, "PAGE", 3)
    for day in (-1, 0, 0, 0, 0, 1):
        await act(store, audit.Act(NOW + timedelta(days=day), ANNA.actor, "face.seen", "face"))
    access = access_of(store, Person("audrey", frozenset({Role.AUDITOR})), LATER, "complaint 7")

    path = tmp_path / "download"
    path.write_bytes(b"".join([part async for part in await audit_export.do_export(access, kind, value)]))
    found, _ = await export(store, tmp_path / "written", asked(kind, value))

    downloaded = audit_file.verify_file(path, None)
    assert downloaded.fault is None and downloaded.header is not None and found.header is not None
    assert downloaded.last == found.last - 1 == 7
    assert downloaded.shown == found.shown - (kind == "chain"), "the second export shows the record of the first"
    assert downloaded.header.start == found.header.start
    with pytest.raises(Forbidden):
        await audit_export.do_export(access_of(store, ANNA, LATER, "curiosity"), kind, value)


async def test_a_chain_longer_than_a_page_is_whole(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_export, "PAGE", 7)
    await act(store, *(audit.Act(NOW, "anna", "face.seen", f"face{number}") for number in range(21)))

    found, _ = await export(store, tmp_path / "export")

    assert (found.fault, found.shown) == (None, 22)


async def test_a_period_shows_its_entries_and_leaves_out_what_was_committed_among_them(
    store: Store, tmp_path: Path
) -> None:
    day = timedelta(days=1)
    moments = [NOW - day, NOW, NOW - day, NOW + day / 2, NOW + day, NOW + 2 * day]
    await act(store, *(audit.Act(at, "anna", "face.seen", f"face{number}") for number, at in enumerate(moments)))

    found, lines = await export(
        store, tmp_path / "export", asked("period", f"{NOW.isoformat()}/{(NOW + day).isoformat()}")
    )

    assert found.fault is None
    assert shown(lines) == ["anna face.seen face1", "anna face.seen face3"]
    assert [line["seq"] for line in lines] == [1, 2, 3, 4, 5, 6, 7]


async def test_a_period_without_entries_holds_the_record_of_the_export_only(store: Store, tmp_path: Path) -> None:
    await act(store, audit.Act(NOW, "anna", "face.seen", "face"))

    found, lines = await export(store, tmp_path / "export", asked("period", "2020-01-01/2020-02-01"))

    assert (found.fault, shown(lines), len(lines)) == (None, [], 1)


async def test_one_persons_uses_are_shown_and_nobody_elses(store: Store, tmp_path: Path) -> None:
    await act(store, *(audit.Act(NOW, actor, "face.seen", "face") for actor in ("ben", "anna", "ben", "anna", "ben")))

    found, lines = await export(store, tmp_path / "export", asked("person", "anna"))

    assert (found.fault, found.shown, found.left_out) == (None, 3, 3)
    assert shown(lines) == ["anna face.seen face"] * 2
    assert "ben" not in (tmp_path / "export").read_text()


async def test_one_victims_data_are_its_faces_their_media_and_links(store: Store, scene: Scene, tmp_path: Path) -> None:
    face, other = scene.faces["n1"], scene.faces["t1"]
    await store.write(
        lambda tx: tx.do(
            "MATCH (f:Face {face_id: $face}) CREATE (f)-[:DEPICTS {basis: 'declared'}]->(:Victim {victim_id: 'V-1'})",
            face=face,
        )
    )
    search_id = await ask_with_faces(access_of(store, ANNA, NOW), Question(NORTH, "p", "b", "register"), [face])
    link_id = await scene.link("n1", "s1")
    await do_verdict(access_of(store, ANNA, NOW), Judgement(link_id, 0, Decision.DISMISSED, (), ""))
    seen = ["V-1", "victim:V-1", face, other, (await scene.media("n", NORTH)), await scene.link("n2", "t1")]
    await act(store, *(audit.Act(NOW, "anna", "face.seen", subject) for subject in seen))

    found, lines = await export(store, tmp_path / "export", asked("victim", "V-1"))

    assert found.fault is None
    assert shown(lines) == [
        f"anna@north search.asked {search_id}",
        f"anna@north link.judged {link_id}",
        *(f"anna face.seen {subject}" for subject in (*seen[:3], seen[4])),
    ]
    with pytest.raises(NotFound):
        await export(store, tmp_path / "another", asked("victim", "V-2"))
    assert not (tmp_path / "another").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            "MATCH (e:AuditEntry {seq: 3}) SET e.actor = 'ben'",
            "entry 3 was changed: what it says|entry 3 (left out) was changed",
        ),
        ("MATCH (e:AuditEntry {seq: 3}) DELETE e", "entry 3 is missing: entry 4 follows entry 2"),
        ("MATCH (e:AuditEntry {seq: 1}) DELETE e", "entry 1 is missing: entry 2 follows entry 0"),
        (
            "MATCH (a:AuditEntry {seq: 3}), (b:AuditEntry {seq: 4}) SET a.seq = -1 WITH a, b "
            "CALL (a, b) { SET b.seq = 3 } CALL (a, b) { SET a.seq = 4 }",
            "entry 3 was changed",
        ),
        ("MATCH (e:AuditEntry) WHERE e.seq > 3 AND e.seq < 6 DETACH DELETE e", "entries 4 to 5 are missing"),
        ("MATCH (e:AuditEntry {seq: 3}) SET e.salt = null", "entry 3 was changed"),
    ],
)
@pytest.mark.parametrize("what", [asked(), asked("person", "anna")], ids=["chain", "person"])
async def test_what_was_done_to_the_graph_by_hand_shows_in_the_export(
    store: Store, tmp_path: Path, change: Any, told: str, what: ExportRequest
) -> None:
    await act(store, *(audit.Act(NOW, "anna", "face.seen", f"face{number}") for number in range(6)))
    await store.statement(change)

    found, _ = await export(store, tmp_path / "export", what)

    assert any((found.fault or "").startswith(words) for words in told.split("|")), found.fault


async def test_a_period_whose_first_entry_is_gone_is_not_whole(store: Store, tmp_path: Path) -> None:
    day = timedelta(days=1)
    await act(store, *(audit.Act(NOW + n // 3 * day, "anna", "face.seen", f"face{n}") for n in range(9)))
    what = asked("period", f"{(NOW + day).isoformat()}/{(NOW + 2 * day).isoformat()}")
    assert (await export(store, tmp_path / "whole", what))[0].fault is None
    await store.statement("MATCH (e:AuditEntry {seq: 4}) DELETE e")

    found, _ = await export(store, tmp_path / "cut", what)

    assert found.fault == "entry 4 is missing: entry 5 follows entry 3"


async def test_an_export_replaces_no_file_and_is_refused_without_name_or_purpose(store: Store, tmp_path: Path) -> None:
    (tmp_path / "export").write_text("another")
    with pytest.raises(Invalid, match="exists"):
        await export(store, tmp_path / "export")
    nobody = ExportRequest("chain", "", "", LATER.isoformat(), "p")
    with pytest.raises(Forbidden):
        await export(store, tmp_path / "new", nobody)
    assert names(tmp_path) == ["export"]
    assert (tmp_path / "export").read_text() == "another"


async def test_a_years_counts_tell_searches_with_no_result_too(store: Store, scene: Scene) -> None:
    async def search(purpose: str) -> str:
        return await ask_with_faces(
            access_of(store, ANNA, NOW), Question(NORTH, purpose, "b", "register"), [scene.faces["n1"]]
        )

    await scene.answer(await search("find"), [("s1", 0.6)])
    await scene.answer(await search("find"), [("t1", 0.37)])
    await scene.answer(await search("find"), [])
    await scene.answer(await search("check"), [], status="too_poor")
    await search("check")
    link_id = await scene.link("n1", "s1")
    await do_verdict(access_of(store, ANNA, NOW), Judgement(link_id, 0, Decision.UNSURE, (), ""))
    await act(
        store,
        audit.Act(NOW, "anna", "face.seen", "f", "find"),
        audit.Act(NOW, "anna", "case.media_seen", "c", "find"),
        audit.Act(NOW - timedelta(days=365), "a", "face.seen", "c"),
    )

    found = await audit_export.count_year(store, 2026, by="audrey", purpose="report", now=LATER)

    assert found["searches"] == {
        "find": {"similar": 1, "nothing_similar_enough": 1, "nothing_similar": 1},
        "check": {"too_poor": 1, "asked": 1},
    }
    assert found["searches_recorded"] == 5
    assert found["decisions"] == {"verdict": {"unsure": 1}}
    assert found["looks"] == {"find": {"face.seen": 1, "case.media_seen": 1}}
    assert found["acts"] == {"search.asked": 5, "link.judged": 1, "face.seen": 1, "case.media_seen": 1}


async def test_a_years_counts_join_current_and_former_names_of_an_action(store: Store) -> None:
    await act(store, *(audit.Act(NOW, "link", "batch.collected", f"gallery:{n}-{n}") for n in range(3)))
    await store.statement("MATCH (e:AuditEntry) WHERE e.seq < 3 SET e.action = 'collected'")

    found = await audit_export.count_year(store, 2026, by="audrey", purpose="report", now=LATER)

    assert found["acts"] == {"batch.collected": 3}


async def test_an_empty_answer_stays_empty_when_what_others_found_is_erased(store: Store, scene: Scene) -> None:
    question = Question(NORTH, "find", "b", "register")
    search_id = await ask_with_faces(access_of(store, ANNA, datetime.now(UTC)), question, [scene.faces["n1"]])
    await scene.answer(search_id, [("s1", 0.6)])
    await store.statement("MATCH ()-[r:RETURNED]->() DELETE r")

    year = datetime.now(UTC).year
    found = await audit_export.count_year(store, year, by="audrey", purpose="report", now=LATER)

    assert found["searches"] == {"find": {"similar": 1}}


async def test_the_commands_write_prove_and_count(store: Store, stack: Addresses, tmp_path: Path) -> None:
    await act(store, audit.Act(datetime.now(UTC), "anna", "face.seen", "face", "find"))
    who = ["--by", "audrey", "--purpose", "report", "--data", str(tmp_path / "data")]
    today = str(datetime.now(UTC).date())
    env = {**stack.env(), "COLUMNS": "1000"}

    async def run(*words: str) -> str:
        done = await redthread_forked("audit", *words, env=env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    file = str(tmp_path / "export")
    written = await run("export", file, "--period", today, today, *who)
    proved = await run("verify", file)
    counted = await run("yearly", today[:4], "--json", *who)

    assert written == proved
    assert "whole: entries 1 to 2, 2 shown, 0 left out" in proved
    assert json.loads(counted)["acts"] == {"face.seen": 1, "audit.exported": 1}
