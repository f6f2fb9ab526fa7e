"""A drawn register that changes to another model, in processes or in this process."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from graph.actions.decide.decision import Judgement, Seen
from graph.actions.decide.verdicts import do_reopening, do_verdict
from graph.actions.operate import models as actions
from graph.domain.link import Decision
from graph.files import MediaStore
from streams import topics
from streams.faces.embed import Embedder
from streams.faces.find import typical_landmarks
from streams.faces.geometry import Pixels
from streams.faces.packs import Recogniser, read_pack
from streams.faces.quality import graded, signals
from streams.faces.reembed import FaceReembedder
from streams.gallery.calibration import as_text, calibration_of, packaged
from streams.link.register_reembedding import GalleryWriter, embed_missing
from streams.media.decode import Decoder
from streams.media.fetch import Fetcher
from streams.records.gallery import (
    TYPES,
    EmbeddedFace,
    GalleryRecord,
    MediaEmbedded,
    PairsJudged,
    VictimsAssigned,
)
from streams.records.reading import to_base64
from tests.support import factories_streams as make
from tests.support.access import access_of
from tests.support.factories import ANNA, NOW
from tests.support.harness import Site, until
from tests.support.link_in_process import LinkInProcess
from tests.support.reference_gallery import Reference

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


def drawn_register(site: LinkInProcess | Site, data: Path, packs: Packs) -> Register:
    old, new = packs
    drawn = Register(site, MediaStore((data / "store").as_uri()), read_pack(old), read_pack(new))
    drawn.draw()
    return drawn


async def fill(register: Register) -> list[str]:
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


async def switch(register: Register) -> None:
    to = calibration_of(packaged(), register.new.model_id)
    chosen = actions.Chosen(to.model_id, to.score_id, as_text(to))
    await actions.do_switch(register.site.store, chosen, lacking=0, actor="olga@ops", now=NOW)


async def wait_for_switch(register: Register) -> None:
    async def there() -> bool:
        return (await register.site.cursor()).model_id == register.new.model_id

    await until(there, "the register has the new model")


async def check(register: Register, judged: dict[str, dict[str, Any]]) -> None:
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
