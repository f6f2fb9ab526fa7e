"""A register changes to another model: vectors beside vectors, the list before, one record, and people's word stays."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from graph.actions.decide.decision import Judgement, Seen
from graph.actions.decide.verdicts import do_reopening, do_verdict
from graph.actions.operate import models as actions
from graph.actions.read import answers, search
from graph.actions.read.answers import Answer
from graph.actions.read.search import Question
from graph.domain.errors import Conflict
from graph.domain.link import Decision
from graph.files import MediaStore
from graph.store.session import Store
from streams import topics
from streams.faces.embed import Embedder
from streams.faces.find import typical_landmarks
from streams.faces.geometry import Pixels
from streams.faces.models import ModelFiles, ModelsUnavailable, ensure_models
from streams.faces.packs import LICENCE, Recogniser, read_pack
from streams.faces.quality import graded, signals
from streams.faces.reembed import FaceReembedder
from streams.gallery.calibration import as_text, calibration_of, packaged
from streams.link.candidate_differences import candidate_differences
from streams.link.register_reembedding import GalleryWriter, embed_missing
from streams.media.decode import Decoder
from streams.media.fetch import Fetcher
from streams.records.gallery import (
    TYPES,
    EmbeddedFace,
    FacesEmbedded,
    GalleryRecord,
    MediaEmbedded,
    PairsJudged,
    VictimsAssigned,
)
from streams.records.reading import to_base64
from streams.settings import Addresses, cache_folder
from tests.support import factories_streams as make
from tests.support.access import access_of
from tests.support.commands import command
from tests.support.factories import ANNA, NOW
from tests.support.factories_packs import make_pack
from tests.support.harness import Site, current_notices, installation, until
from tests.support.link_in_process import LinkInProcess, link_in_process
from tests.support.reference_gallery import Reference

pytestmark = pytest.mark.anyio
CASES = ("local:n1", "local:n2", "local:n3")
PEOPLE, PICTURES = 5, 36
DULL = "picture-7"
"""Its face is nearly all grey: the old model's vectors of it are too short, the new one's are not."""
Pair = tuple[str, str]
Proposed = tuple[str, float, str, float]


@dataclass
class Register:
    """The drawn faces of a register: crops in the media store, records under either model."""

    site: LinkInProcess | Site
    files: MediaStore
    old: Recogniser
    new: Recogniser
    crops: dict[str, Pixels] = field(default_factory=dict[str, Pixels])
    embedders: dict[str, Embedder] = field(default_factory=dict[str, Embedder])
    decided: list[GalleryRecord] = field(default_factory=list[GalleryRecord])
    """What link was told of people's acts."""

    def draw(self) -> None:
        rng = np.random.default_rng(5)
        people = [rng.uniform(-60, 60, (8, 8, 3)) for _ in range(PEOPLE)]
        for number in range(PICTURES):
            drawn = people[number % PEOPLE] + rng.uniform(-1, 1, (8, 8, 3)) * rng.choice([20, 60, 90, 110])
            contrast = 0.12 if f"picture-{number}" == DULL else 1.0
            pixels = np.clip(127.5 + contrast * drawn, 0, 255).astype(np.uint8)
            self.crops[f"picture-{number}"] = pixels.repeat(14, axis=0).repeat(14, axis=1)

    def record(self, name: str, model: Recogniser, place: int | None = None) -> MediaEmbedded:
        """The gallery record of the picture as embed makes it with this model."""
        number = int(name.partition("-")[2])
        place = number if place is None else place
        embedder = self.embedders.setdefault(model.model_id, Embedder(model.path))
        (vector,), (norm,) = embedder.embed([self.crops[name]])
        media, drawn = make.media_id(name), make.face(name, 0, vector)
        out = io.BytesIO()
        Image.fromarray(self.crops[name][:, :, ::-1]).save(out, "PNG")
        x, y, w, h = drawn.box
        seen = typical_landmarks((x, y, w, h))
        quality = graded(signals(self.crops[name], seen, (640, 480), 1.0, float(norm)))
        judged = {
            "norm": float(norm),
            "quality": quality.quality,
            "too_poor_because": quality.too_poor_because,
            "landmarks": seen.ravel().tolist(),
            "aligned_crop": self.files.put_crop(media, drawn.face_id, "aligned", out.getvalue()),
        }
        found = EmbeddedFace.model_validate({**drawn.model_dump(), **judged})
        event = make.submitted(CASES[number % len(CASES)])
        value = to_base64(event.model_dump_json().encode())
        record = make.embedded(name, [], event, make.origin(place, value=value), model_id=model.model_id)
        return record.model_copy(update={"faces": [found]})

    def records(self, model: Recogniser) -> list[MediaEmbedded]:
        return [self.record(name, model) for name in self.crops]

    def recomputed(self, model: Recogniser, *, without: frozenset[str] = frozenset()) -> dict[Pair, Proposed]:
        """The links of every face with every other under the model, by brute force."""
        return self.reference(model, without=without).links

    def reference(self, model: Recogniser, *, without: frozenset[str] = frozenset()) -> Reference:
        reference = Reference(model.model_id)
        for offset, record in enumerate(self.records(model)):
            if record.media_id not in without:
                reference.apply(offset, record)
        for record in self.decided:
            reference.apply(-1, record)
        reference.recompare_all()
        return reference

    def again(self) -> FaceReembedder:
        fetcher = Fetcher([], self.files)
        return FaceReembedder(Embedder(self.new.path), self.files, fetcher, Decoder())

    async def embed(self, moved: Callable[[int], None] = lambda _: None) -> None:
        site: Any = self.site
        log = site if isinstance(site, LinkInProcess) else GalleryWriter(site.stack.kafka_connection)
        await embed_missing(site.store, self.again(), log, self.new.model_id, progress=moved, notify=lambda line: None)

    async def judged(self) -> dict[str, dict[str, Any]]:
        """The links that people said something of, as they stand."""
        rows = await self.site.rows(
            "MATCH (a:Face)-[r:CANDIDATE]->(b:Face) WHERE r.version > 0 RETURN r {.*, a: a.face_id, b: b.face_id} AS r"
        )
        return {row["r"]["link_id"]: row["r"] for row in rows}


Packs = tuple[Path, Path]


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


def drawn_register(site: LinkInProcess | Site, data: Path, packs: Packs) -> Register:
    old, new = packs
    drawn = Register(site, MediaStore((data / "store").as_uri()), read_pack(old), read_pack(new))
    drawn.draw()
    return drawn


async def _filled(register: Register) -> list[str]:
    """The register under the old model, with a link confirmed, one dismissed, one unsure and one reopened."""
    site = register.site
    site.write(register.records(register.old))
    start(site)
    await site.linked()
    both = {pair for pair, (state, *_) in register.recomputed(register.new).items() if state == "candidate"}
    rows = await site.rows(
        "MATCH (a:Face)-[r:CANDIDATE {state: 'candidate'}]->(b:Face) "
        "RETURN r.link_id AS id, a.face_id AS a, b.face_id AS b ORDER BY id"
    )
    chosen = [row["id"] for row in rows if (row["a"], row["b"]) in both][:3]
    chosen.append(next(row["id"] for row in rows if (row["a"], row["b"]) not in both))
    said = [(Decision.CONFIRMED, ("ears",)), (Decision.DISMISSED, ()), (Decision.UNSURE, ()), (Decision.DISMISSED, ())]
    for link_id, (decision, reasons) in zip(chosen, said, strict=True):
        await do_verdict(access_of(site.store, ANNA, NOW), Judgement(link_id, 0, decision, reasons, ""))
    await do_reopening(access_of(site.store, ANNA, NOW), Seen(chosen[3], 1), "too quick")
    await site.linked()
    for message in site.read(topics.GALLERY):
        kind, value = kind_and_value(message)
        if kind in (VictimsAssigned, PairsJudged):
            register.decided.append(kind.model_validate_json(value))
    assert len(register.decided) == 4
    return chosen


async def _switch(register: Register) -> None:
    to = calibration_of(packaged(), register.new.model_id)
    chosen = actions.Chosen(to.model_id, to.score_id, as_text(to))
    await actions.do_switch(register.site.store, chosen, lacking=0, actor="olga@ops", now=NOW)


async def _switched(register: Register) -> None:
    async def there() -> bool:
        return (await register.site.cursor()).model_id == register.new.model_id

    await until(there, "the register has the new model")


async def _check(register: Register, judged: dict[str, dict[str, Any]]) -> None:
    """What people said stands; every other link is one that the new model proposes, with its score."""
    by_pair = {(row["a"], row["b"]) for row in judged.values()}
    undecided = {pair: link for pair, link in (await register.site.links()).items() if pair not in by_pair}
    assert undecided == {pair: link for pair, link in register.recomputed(register.new).items() if pair not in by_pair}
    assert await register.judged() == judged
    rows = await register.site.rows("MATCH ()-[r:CANDIDATE]->() WHERE r.version = 0 RETURN DISTINCT r.model_id AS m")
    assert [row["m"] for row in rows] == [register.new.model_id]
    groups = await register.site.rows(
        "MATCH (g:Group) RETURN g.case_id AS c, COLLECT { MATCH (g)<-[:IN_GROUP]-(f:Face) RETURN f.face_id } AS f"
    )
    known = register.reference(register.new)
    assert groups and all(known.is_group(row["c"], row["f"]) for row in groups)


async def test_people_s_word_stays_and_all_else_is_what_the_new_model_proposes(register: Register) -> None:
    site = register.site
    chosen = await _filled(register)
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

    await _switch(register)
    await _switched(register)

    await _check(register, judged)
    assert {judged[link_id]["state"] for link_id in chosen[:3]} == {"confirmed", "dismissed", "unsure"}
    [dull] = await site.rows("MATCH (f:Face {face_id: $id}) RETURN f.too_poor_because AS why", id=make.face_id(DULL))
    assert dull["why"] is None, "what was too poor is tried again"
    assert register.record(DULL, register.old).faces[0].too_poor_because is not None
    [act] = await site.rows("MATCH (e:AuditEntry {action: 'model.switched'}) RETURN e.actor AS by, e.subject AS what")
    assert act == {"by": "olga@ops", "what": f"model:{register.new.model_id}"}
    with pytest.raises(Conflict, match="already"):
        await _switch(register)


async def test_a_link_that_dies_in_the_switch_does_it_again_and_the_log_read_anew_changes_nothing(
    processes: Register, tmp_path: Path
) -> None:
    register, site = processes, processes.site
    assert isinstance(site, Site)
    await _filled(register)
    await register.embed()
    judged = await register.judged()
    await site.stop(*site.workers)
    await _switch(register)
    for point in ("link-in-regrouping", "link-in-switch"):
        link = site.start("link", REDTHREAD_CRASH_AT=f"{point}@{tmp_path / point}")
        assert await link.ended() == -9, link.log_tail
    rows = await site.rows("MATCH ()-[r:CANDIDATE]->() WHERE r.version = 0 RETURN DISTINCT r.model_id AS m")
    assert {row["m"] for row in rows} == {register.old.model_id, register.new.model_id}, "it died in the middle"
    assert (await site.cursor()).model_id == register.old.model_id
    site.start("link")
    await _switched(register)
    await site.linked()
    await _check(register, judged)

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
    await _switch(register)
    await site.restart(model_pack=register.new.path.parent)
    await _switched(register)
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
    await _switch(register)
    await _switched(register)
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


async def test_the_commands_list_embed_and_switch(processes: Register, tmp_path: Path) -> None:
    _models()
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
        line, env = command("models", *arguments)
        return await asyncio.to_thread(
            subprocess.run, line, env={**env, **site.env}, capture_output=True, text=True, timeout=120, check=False
        )

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


async def test_an_embed_worker_says_the_licence_once_and_a_wrong_pack_in_one_line(
    processes: Register, tmp_path: Path
) -> None:
    _models()
    register = processes
    worker = register.site.start("embed")
    await register.site.wait_until(lambda: LICENCE in worker.log_tail, "the licence is told")
    assert worker.log_tail.count(LICENCE) == 1

    wrong = register.site.start("embed", "embed-1", REDTHREAD_MODEL_PACK=str(tmp_path / "nothing"))
    assert await wrong.ended() == 78
    assert [line for line in wrong.log_tail.splitlines() if "model pack" in line] == [
        line for line in wrong.log_tail.splitlines() if "no .onnx files" in line
    ]


def kind_and_value(message: Any) -> tuple[type[GalleryRecord], bytes]:
    """The kind and the JSON of a record, read from Kafka or from a log in memory."""
    headers, value = message.headers, message.value
    if callable(headers):
        headers, value = headers(), message.value()
    return TYPES[dict(headers)["ce_type"].decode()], value or b""


def start(site: LinkInProcess | Site) -> None:
    """Starts link where it is a process; in this process it starts by itself."""
    if isinstance(site, Site):
        site.start("link")


def _models() -> ModelFiles:
    try:
        return ensure_models(cache_folder() / "models")
    except ModelsUnavailable as absent:
        pytest.skip(absent.message)
