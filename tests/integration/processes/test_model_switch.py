"""A register changes to another model: vectors beside vectors, the list before, one record, and people's word stays."""

import json
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from graph.actions.operate import models as actions
from graph.actions.read import answers, search
from graph.actions.read.answers import Answer
from graph.actions.read.search import Question
from graph.domain.errors import Conflict
from graph.store.session import Store
from streams import topics
from streams.faces.embed import Embedder
from streams.faces.packs import LICENCE
from streams.gallery.calibration import calibration_of, packaged
from streams.link.candidate_differences import candidate_differences
from streams.records.gallery import (
    FacesEmbedded,
)
from streams.settings import Addresses
from tests.support import factories_streams as make
from tests.support.access import access_of
from tests.support.commands import redthread_forked
from tests.support.factories import ANNA
from tests.support.factories_packs import make_pack
from tests.support.harness import Site, current_notices, installation, until
from tests.support.link_in_process import link_in_process
from tests.support.model_register import (
    CASES,
    DULL,
    PICTURES,
    Packs,
    Register,
    check,
    drawn_register,
    fill,
    kind_and_value,
    switch,
    wait_for_switch,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Packs:
    """The old and the new model."""
    folder = tmp_path_factory.mktemp("packs")
    return make_pack(folder / "old", dimensions=24), make_pack(folder / "new", dimensions=512, seed=2)


@pytest.fixture
async def register(store: Store, tmp_path: Path, packs: Packs) -> AsyncIterator[Register]:
    """A register whose link runs in this process."""
    async with link_in_process(store, tmp_path, model_pack=packs[0], first_try_s=0.5) as site:
        yield drawn_register(site, tmp_path, packs)


@pytest.fixture
async def processes(stack: Addresses, store: Store, tmp_path: Path, packs: Packs) -> AsyncIterator[Register]:
    """A register whose workers are processes."""
    async with installation(
        stack, store, tmp_path, REDTHREAD_MODEL_PACK=str(packs[0]), REDTHREAD_UNREACHABLE_BACKOFF_S="0.5"
    ) as site:
        yield drawn_register(site, tmp_path, packs)


async def test_human_decisions_stay_and_all_other_links_are_those_of_the_new_model(register: Register) -> None:
    site = register.site
    chosen = await fill(register)
    judged, today = await register.judged(), await site.links()
    assert len(judged) == 4

    await register.embed()
    found = await candidate_differences(site.store, calibration_of(packaged(), register.new.model_id))

    # The list is what brute force says, and nothing has changed so far but for the vectors beside.
    people = {(row["a"], row["b"]) for row in judged.values()}
    now = {pair for pair, (state, *_) in today.items() if state == "candidate"} - people
    then = {pair for pair, (state, *_) in register.recomputed(register.new).items() if state == "candidate"} - people
    assert set(found.added.values()) == then - now
    assert set(found.removed.values()) == now - then
    assert found.unchanged == len(now & then)
    assert found.added and found.removed and found.unchanged
    assert await site.links() == today
    assert await actions.known_models(site.store) == dict.fromkeys((register.old.model_id, register.new.model_id), 36)

    await switch(register)
    await wait_for_switch(register)

    await check(register, judged)
    assert {judged[link_id]["state"] for link_id in chosen[:3]} == {"confirmed", "dismissed", "unsure"}
    [dull] = await site.rows("MATCH (f:Face {face_id: $id}) RETURN f.too_poor_because AS why", id=make.face_id(DULL))
    assert dull["why"] is None, "what was too poor is tried again"
    assert register.record(DULL, register.old).faces[0].too_poor_because is not None
    [act] = await site.rows("MATCH (e:AuditEntry {action: 'model.switched'}) RETURN e.actor AS by, e.subject AS what")
    assert act == {"by": "olga@ops", "what": f"model:{register.new.model_id}"}
    with pytest.raises(Conflict, match="already"):
        await switch(register)


async def test_a_link_killed_in_the_switch_repeats_it_and_a_replay_of_the_log_changes_nothing(
    processes: Register, tmp_path: Path
) -> None:
    register, site = processes, processes.site
    assert isinstance(site, Site)
    await fill(register)
    await register.embed()
    judged = await register.judged()
    await site.stop(*site.workers)
    await switch(register)
    for point in ("link-in-regrouping", "link-in-switch"):
        link = site.start("link", REDTHREAD_CRASH_AT=f"{point}@{tmp_path / point}")
        assert await link.ended() == -9, link.log_tail
    rows = await site.rows("MATCH ()-[r:CANDIDATE]->() WHERE r.version = 0 RETURN DISTINCT r.model_id AS m")
    assert {row["m"] for row in rows} == {register.old.model_id, register.new.model_id}, "it died in the middle"
    assert (await site.cursor()).model_id == register.old.model_id
    site.start("link")
    await wait_for_switch(register)
    await site.linked()
    await check(register, judged)

    before, told = await site.snapshot(), site.notices()
    await site.stop(site.workers[-1])
    await site.do("MATCH (c:Cursor) SET c.offset = -1")
    site.start("link")
    await site.linked()

    assert await site.snapshot() == before
    assert site.notices() == told


async def test_embedding_that_was_cut_short_goes_on_and_does_nothing_twice(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "PAGE", 4)
    site = register.site
    site.write(register.records(register.old))
    await site.linked()

    class Ended(Exception):
        pass

    def moved(done: int) -> None:
        if done >= 12:
            raise Ended

    with pytest.raises(Ended):
        await register.embed(moved)
    await site.linked()
    assert await actions.count_lacking(site.store, register.new.model_id) == PICTURES - 12
    await register.embed()

    log = map(kind_and_value, site.read(topics.GALLERY))
    records = [FacesEmbedded.model_validate_json(value) for kind, value in log if kind is FacesEmbedded]
    embedded = [face.face_id for record in records for face in record.faces]
    assert sorted(embedded) == sorted(make.face_id(name) for name in register.crops)
    assert await actions.count_lacking(site.store, register.new.model_id) == 0
    # What is erased goes under both models, and no older record brings a vector of it back.
    site.write([make.erasure("media_id", make.media_id("picture-3"), make.origin(99, kind="erasures"))])
    site.write(records)
    await site.linked()
    [left] = await site.rows("MATCH (e:Embedding) RETURN count(e) AS n, count{(e)-[:OF]->()} AS one")
    assert left["n"] == 2 * (PICTURES - 1)


async def test_what_the_old_model_embeds_around_the_switch_is_lost_nowhere(register: Register) -> None:
    site = register.site
    site.write(record for record in register.records(register.old) if record.media_id != make.media_id("picture-0"))
    await site.linked()
    await register.embed()
    await site.stop()

    # In the log before the switch, but after the last look: link has it without a vector of the new model.
    site.write([register.record("picture-0", register.old)])
    await switch(register)
    await site.restart(model_pack=register.new.path.parent)
    await wait_for_switch(register)
    late = make.media_id("picture-0")
    assert await site.links() == register.recomputed(register.new, without=frozenset({late}))
    await register.embed()
    assert await site.links() == register.recomputed(register.new)

    # After the switch: it waits as an event that may be replayed, which the relay does by itself, and is told so.
    register.crops["picture-36"] = register.crops["picture-1"] // 2 + 40
    site.write([register.record("picture-36", register.old)])
    event = make.origin(36).event
    await site.linked()
    waits = current_notices(site.notices())[f"event:{event}"]
    assert (waits["outcome"], waits["code"]) == ("quarantined", "other_model")
    topic = topics.media_submitted("local")
    await until(lambda: bool(site.read(topic)), "the relay tries it again")
    replayed = site.read(topic)[0]
    assert dict(replayed.headers)["redthread-event"] == event.encode()
    assert json.loads(replayed.value or b"")["case_id"] == "local:n1"
    site.write([register.record("picture-36", register.new)])

    await site.linked()
    assert current_notices(site.notices())[f"event:{event}"]["outcome"] == "faces_found"
    ours = make.face_id("picture-36")
    expected = {pair for pair in register.recomputed(register.new) if ours in pair}
    assert expected
    assert {pair for pair in await site.links() if ours in pair} <= expected
    assert {pair for pair in await site.links() if ours in pair}


async def test_a_search_that_stays_open_goes_on_under_the_new_model(register: Register) -> None:
    site, asked_with, later = register.site, "picture-0", "picture-35"
    site.write(register.record(name, register.old) for name in register.crops if name != later)
    await site.linked()
    question = Question(CASES[0], "identification", "test", "register", keep_asking=True)
    faces = [make.face_id(asked_with)]
    search_id = await search.ask_with_faces(access_of(site.store, ANNA, datetime.now(UTC)), question, faces)

    async def answer() -> Answer:
        return await answers.read_search(access_of(site.store, ANNA, datetime.now(UTC), "review"), search_id)

    await site.linked()
    assert (await answer()).status == "answered"
    seen = _seen(await answer())
    await register.embed()
    await switch(register)
    await wait_for_switch(register)
    await site.restart(model_pack=register.new.path.parent)
    site.write([register.record(later, register.new)])
    await site.linked()

    # What was seen stays as it was seen; what came since stands with the score of the new model.
    items = _seen(await answer())
    assert items[: len(seen)] == seen
    assert [face_id for *_, face_id in items[len(seen) :]] == [make.face_id(later)]
    [row] = await site.rows(
        "MATCH (:Search {search_id: $id})-[r:RETURNED]->(:Face {face_id: $face}) RETURN r.score AS score",
        id=search_id,
        face=make.face_id(later),
    )
    crops = [register.crops[asked_with], register.crops[later]]
    of_old, of_new = (float(np.dot(*Embedder(model.path).embed(crops)[0])) for model in (register.old, register.new))
    assert row["score"] == pytest.approx(of_new, abs=1e-6)
    assert abs(of_old - of_new) > 1e-3


def _seen(answer: Answer) -> list[tuple[int, int, bool, str]]:
    """By part and rank the faces that were returned, and which were similar: the rest is told as it is now."""
    return [(item.part, item.rank, item.above, item.face_id) for item in answer.items]


@pytest.mark.usefixtures("models")
async def test_the_commands_list_embed_and_switch(processes: Register, tmp_path: Path) -> None:
    register, site = processes, processes.site
    assert isinstance(site, Site)
    site.write(register.records(register.old))
    site.start("link")
    await site.linked()
    # A face whose crop is gone, and whose picture nobody may fetch.
    gone = make.face_id("picture-5")
    register.files.delete_face(make.media_id("picture-5"), gone)
    pack, file = register.new.path.parent, tmp_path / "list.jsonl"

    async def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return await redthread_forked("models", *arguments, env=site.env)

    listed = await run()
    assert listed.returncode == 0, listed.stderr
    assert register.old.model_id in listed.stdout
    first = await run("migrate", pack, "--by", "olga@ops", "--list", file)
    assert first.returncode == 0, first.stderr
    assert first.stderr.count(LICENCE) == 1
    assert "would appear" in first.stderr
    assert "1 faces have neither crop nor picture any more" in first.stderr
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert rows and all(set(row) == {"change", "link_id", "face_a", "face_b"} for row in rows)
    assert file.stat().st_mode & 0o777 == 0o600
    refused = await run("migrate", pack, "--by", "olga@ops", "--list", file, "--switch")
    assert (refused.returncode, (await site.cursor()).model_id) == (1, register.old.model_id)
    assert refused.stderr.splitlines()[-1].startswith("redthread: 1 faces would be compared with nothing any more")
    done = await run("migrate", pack, "--by", "olga@ops", "--list", file, "--switch", "--leave-out")
    assert done.returncode == 0, done.stderr
    assert f"REDTHREAD_MODEL_PACK={pack}" in done.stderr
    assert await site.links() == register.recomputed(register.new, without=frozenset({make.media_id("picture-5")}))
    again = await run("migrate", pack, "--by", "olga@ops", "--switch")
    assert again.returncode == 0, again.stderr
    nothing = await run("migrate", tmp_path / "nothing", "--by", "olga@ops")
    assert (nothing.returncode, nothing.stderr.splitlines()[-1].startswith("redthread: The model pack")) == (1, True)


@pytest.mark.usefixtures("models")
async def test_an_embed_worker_says_the_licence_once_and_a_wrong_pack_in_one_line(
    processes: Register, tmp_path: Path
) -> None:
    register = processes
    worker = register.site.start("embed")
    await register.site.wait_until(lambda: LICENCE in worker.log_tail, "the licence is told")
    assert worker.log_tail.count(LICENCE) == 1

    wrong = register.site.start("embed", "embed-1", REDTHREAD_MODEL_PACK=str(tmp_path / "nothing"))
    assert await wrong.ended() == 78
    assert [line for line in wrong.log_tail.splitlines() if "model pack" in line] == [
        line for line in wrong.log_tail.splitlines() if "no .onnx files" in line
    ]
