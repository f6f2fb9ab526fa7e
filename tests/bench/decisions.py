"""`bench decisions`: how many decisions a reviewer who never errs needs for new pictures, in the real system."""

import asyncio
import io
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from graph.actions.operate import models
from graph.actions.operate.models import EmbeddedFace
from graph.actions.read.counts import counts
from graph.domain.errors import Invalid
from graph.domain.people import Role
from graph.store.session import Store
from infra.clock import Clock
from infra.demo.run import DISTRICT, read_links, submit
from infra.evaluation.links import TERMS, Sample
from infra.foreground import in_thread
from infra.local.issuer import user_of
from infra.local.system import RunningSystem
from streams.client.folders import SourceFile, case_id_of
from streams.client.receive import Notice
from streams.faces.models import MODEL_ID
from streams.gallery.matrix import all_scores
from tests.bench.reviewer import Tally, people_of, work

ON_FILE: Final = 2
"""Pictures of the one person that are on file before the new ones."""
GOAL: Final = 10
"""Decisions for the new pictures of the one person, however many they are."""
CASE: Final = "bench-new"
GROUPS: Final = "MATCH (g:Group) RETURN COUNT { (g)<-[:IN_GROUP]-() } AS faces"
VICTIMS: Final = """
MATCH (f:Face)-[:DEPICTS {basis: 'confirmed'}]->(v:Victim)
RETURN f.face_id AS face_id, v.victim_id AS victim_id
"""
LINKED_LOOKS, LINKED_EVERY_S = 600, 0.1
ALIKE: Final = 0.528
"""Cosine of stored vectors from which on an unnamed face gets the name of a similar one: one pair of strangers in a
million (LFW)."""


@dataclass(frozen=True, slots=True)
class OnePerson:
    """A person with some pictures on file, and others from which many new ones are made."""

    name: str
    held_back: tuple[Path, ...]


def hold_back(sample: Sample) -> tuple[Sample, OnePerson]:
    """The sample without most pictures of the person who has the most; of equal ones the first by name."""
    files: defaultdict[str, list[SourceFile]] = defaultdict(list)
    for person, file in zip(sample.people, sample.files, strict=True):
        files[person].append(file)
    name = min(files, key=lambda person: (-len(files[person]), person))
    held = files[name][ON_FILE:]
    if not held:
        raise Invalid(f"the folder needs somebody with more than {ON_FILE} pictures")
    kept = [(person, file) for person, file in zip(sample.people, sample.files, strict=True) if file not in held]
    rest = Sample([file for _, file in kept], [person for person, _ in kept], sample.cases)
    return rest, OnePerson(name, tuple(file.path for file in held))


def draw(one: OnePerson, folder: Path, count: int, seed: int) -> list[SourceFile]:
    """Writes `count` pictures made from those held back, randomly mirrored, cropped, scaled, lit and compressed."""
    chance = random.Random(seed)
    sources = [Image.open(path).convert("RGB") for path in one.held_back]
    files: list[SourceFile] = []
    for number in range(count):
        image = sources[number % len(sources)]
        left, top, right, bottom = (chance.uniform(0, 0.08) for _ in range(4))
        width, height = image.size
        image = image.crop((int(width * left), int(height * top), int(width * (1 - right)), int(height * (1 - bottom))))
        image = ImageOps.mirror(image) if chance.random() < 0.5 else image
        image = ImageOps.scale(image, chance.uniform(0.7, 1.6), Image.Resampling.LANCZOS)
        image = ImageEnhance.Brightness(image).enhance(chance.uniform(0.6, 1.3))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=chance.randint(40, 95))
        path = folder / f"{number:04}.jpg"
        path.write_bytes(out.getvalue())
        files.append(SourceFile(CASE, case_id_of(CASE), path.name, path))
    return files


async def measure_decisions(
    system: RunningSystem, sample: Sample, one: OnePerson, new: Sequence[SourceFile], clock: Clock
) -> dict[str, Any]:
    """The object of `bench decisions --json`.

    `sample`: all pictures of the folder come new, spread over cases; `one_person`: then many of one person come into
    one case. Each with `decisions`, those per 1,000 new faces, and `links`, the decisions that it would take to judge
    every candidate on its own; `about_the_person` leaves out what only asks about others in the pictures. `joined`:
    share of the pairs of one person whose faces are one victim at the end.
    """
    first = await _part(system, sample.files, sample.people, {}, clock, "sample")
    people = first.pop("people")
    then = await _part(system, new, [one.name] * len(new), people, clock, "one_person")
    del first["about"], then["people"]
    about = then.pop("about")[one.name]
    return {
        "sample": first,
        "one_person": {**then, "about_the_person": about, "goal": GOAL, "reached": about <= GOAL},
        "strict": ALIKE,
        "model_id": MODEL_ID,
        "seconds": clock.as_json(),
    }


async def _part(
    system: RunningSystem,
    files: Sequence[SourceFile],
    names: Sequence[str],
    known: Mapping[str, str],
    clock: Clock,
    step: str,
) -> dict[str, Any]:
    notices = await submit(system, files, TERMS, clock)
    links = [row for row in await read_links(system) if row.state == "candidate"]
    addresses = system.addresses
    async with Store(*addresses.neo4j) as store:
        faces = [face async for face in models.embedded_faces(store, MODEL_ID)]
        people = _people(faces, names, notices, known)
        groups = [row["faces"] for row in await store.read(lambda tx: tx.rows(GROUPS))]
        with clock.step(f"review {step}"):
            worked = await in_thread(lambda _: _review(system, people))
        for _ in range(LINKED_LOOKS):
            if not (await counts(store)).outbox:
                break
            await asyncio.sleep(LINKED_EVERY_S)
        rows = await store.read(lambda tx: tx.rows(VICTIMS))
    victims = {row["face_id"]: row["victim_id"] for row in rows}
    new = [face for face in faces if face.face_id not in known]
    able = [face for face in new if not face.too_poor]
    return {
        "pictures": len(files),
        "faces": len(new),
        "too_poor": len(new) - len(able),
        "links": len(links),
        "groups": len(groups),
        "in_groups": sum(groups),
        **_counted(worked, len(able)),
        "links_per_1000_faces": round(1000 * len(links) / max(len(able), 1), 1),
        **_joined([face.face_id for face in faces if not face.too_poor], people, victims),
        "people": people,
    }


def _review(system: RunningSystem, people: Mapping[str, str]) -> Tally:
    who = user_of(Role.INVESTIGATOR, DISTRICT)
    assert who is not None and system.sign_in is not None
    headers = {"Authorization": f"Bearer {system.sign_in.token(who)}", "Redthread-Purpose": TERMS.purpose}
    with httpx.Client(base_url=system.api_url, headers=headers, trust_env=False, timeout=60) as client:
        return work(client, people)


def _people(
    faces: Sequence[EmbeddedFace], names: Sequence[str], notices: Mapping[int, Notice], known: Mapping[str, str]
) -> dict[str, str]:
    """The person of each face: the face nearest to a picture's centre has its name, others that of a similar face."""
    main: dict[str, EmbeddedFace] = {}
    for face in faces:
        if face.media_id not in main or face.off_centre < main[face.media_id].off_centre:
            main[face.media_id] = face
    named = dict(known)
    for position, name in enumerate(names):
        face = main.get(str(notices[position].get("media_id") or ""))
        if face is not None:
            named.setdefault(face.face_id, name)
    others = [face for face in faces if face.face_id not in named]
    if not others:
        return named
    vectors = [np.stack([np.frombuffer(face.vector, "<f4") for face in some]) for some in (others, faces)]
    alike = [
        (face.face_id, faces[at].face_id, float(scores[at]))
        for face, scores in zip(others, all_scores(vectors[0], vectors[1]), strict=True)
        for at in np.flatnonzero(scores >= ALIKE).tolist()
        if faces[at].face_id != face.face_id
    ]
    return people_of(named, [face.face_id for face in others], alike)


def _counted(worked: Tally, faces: int) -> dict[str, Any]:
    return {
        "decisions": worked.decisions,
        "confirmed": worked.confirmed,
        "shown": worked.shown,
        "refused": dict(worked.refused),
        "about": worked.about,
        "decisions_per_1000_faces": round(1000 * worked.decisions / max(faces, 1), 1),
    }


def _joined(faces: Sequence[str], people: Mapping[str, str], victims: Mapping[str, str]) -> dict[str, Any]:
    """The share of the pairs of one person in one victim, and the number of victims of two people."""
    of_person: defaultdict[str, list[str]] = defaultdict(list)
    of_victim: defaultdict[str, set[str]] = defaultdict(set)
    for face in faces:
        of_person[people[face]].append(victims.get(face, face))
        if face in victims:
            of_victim[victims[face]].add(people[face])
    pairs = joined = 0
    for held in of_person.values():
        pairs += len(held) * (len(held) - 1) // 2
        joined += sum(n * (n - 1) // 2 for n in (held.count(name) for name in set(held)))
    wrong = sum(len(names) > 1 for names in of_victim.values())
    return {"same_pairs": pairs, "joined": round(joined / pairs, 5) if pairs else None, "victims_of_two": wrong}
