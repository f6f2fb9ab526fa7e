"""`bench links`: runs people's pictures, spread over cases, through the real system, and measures its links."""

import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from graph.actions.link.cursor import calibration
from graph.actions.operate import models
from graph.actions.operate.models import EmbeddedFace
from graph.actions.read.counts import ScoredLink
from graph.domain.errors import Invalid
from graph.store.session import Store
from infra.clock import Clock
from infra.demo.result import result_of
from infra.demo.run import Terms, read_links, submit
from infra.evaluation.linked_people import Candidate, Joins, Portrait, joins_of
from infra.evaluation.verification import Verification, seeded_pairs, verify
from infra.local.system import RunningSystem
from streams.client.folders import SourceFile, case_id_of, read_cases
from streams.faces.models import MODEL_ID
from streams.gallery.calibration import from_text
from streams.gallery.scoring import Scorer

GOALS = {"joined": 0.97, "wrong_per_1000": 1.0, "accuracy": 0.99}
WORST = 30
"""Pairs listed of each kind."""
TERMS = Terms("measurement of accuracy", "sample pictures")


@dataclass(frozen=True, slots=True)
class Sample:
    """The pictures of a folder with one sub-folder for each person, spread over cases."""

    files: list[SourceFile]
    people: list[str]
    """Who is in each file."""
    cases: int


def spread(folder: Path, cases: int, seed: int) -> Sample:
    """The folder's pictures, each in a case drawn by chance; the same seed always gives the same cases."""
    found = read_cases(folder, lambda _: None)
    if len({file.case for file in found}) < 2:
        raise Invalid("the folder needs a sub-folder for each of at least two people")
    chance = random.Random(seed)
    files: list[SourceFile] = []
    for file in found:
        name = f"bench-{chance.randrange(cases):03d}"
        files.append(SourceFile(name, case_id_of(name), f"{file.case}/{file.file}", file.path))
    return Sample(files, [file.case for file in found], cases)


async def measure_links(system: RunningSystem, sample: Sample, seed: int, clock: Clock) -> dict[str, Any]:
    """The object of `bench links --json`.

    `joined`: share of `same_pairs` that links join, directly or through that person's other pictures.
    `wrong_per_1000`: of 1,000 `different_pairs`, how many have a link; of them, `wrong_pairs_of_main_faces` are between
    the people whose names the pictures bear, the others between people in the background, often rightly.
    `threshold`: the middle one of the links' (null without any), since the register grew meanwhile. `verification`:
    accuracy on seeded pairs of main faces (null with fewer than ten), those too poor to compare included. `worst`:
    missed pairs, lowest score first, and wrong ones, highest first.
    """
    notices = await submit(system, sample.files, TERMS, clock)
    with clock.step("measure"):
        rows = await read_links(system)
        faces = await _main_faces(system)
        portraits = [
            Portrait(person, file.file, str(notices[position].get("media_id") or ""))
            for position, (person, file) in enumerate(zip(sample.people, sample.files, strict=True))
        ]
        joins = joins_of(portraits, _candidates(rows, {face.face_id for face in faces.values()}))
        accuracy = _verification(portraits, faces, seed)
    result = result_of(sample.files, notices, rows)
    return {
        "people": len(set(sample.people)),
        "cases": sample.cases,
        "seed": seed,
        "files": result.files,
        "media": result.media,
        "faces": result.faces,
        "no_face": result.no_face,
        "too_poor": result.too_poor,
        "quarantined": len(result.quarantined),
        "model_id": MODEL_ID,
        "threshold": statistics.median(row.threshold for row in rows) if rows else None,
        **joins.as_json(),
        "verification": accuracy.as_json() if accuracy else None,
        "goals": GOALS,
        "worst": {"missed": _missed(joins, faces), "wrong": _wrong(joins)},
        "seconds": clock.as_json(),
    }


def _candidates(rows: Sequence[ScoredLink], main: set[str]) -> list[Candidate]:
    return [
        Candidate(row.a_media, row.b_media, row.score, row.a_face in main and row.b_face in main)
        for row in rows
        if row.state == "candidate"
    ]


async def _main_faces(system: RunningSystem) -> dict[str, EmbeddedFace]:
    addresses = system.addresses
    async with Store(*addresses.neo4j) as store:
        return await main_faces(store)


async def main_faces(store: Store) -> dict[str, EmbeddedFace]:
    """By media id the face nearest to the picture's centre, with its scored vector."""
    text = await calibration(store)
    scorer = Scorer(from_text(text).score if text is not None else None)
    main: dict[str, EmbeddedFace] = {}
    async for face in models.embedded_faces(store, MODEL_ID):
        if face.media_id not in main or face.off_centre < main[face.media_id].off_centre:
            scored = scorer.scored(np.frombuffer(face.vector, "<f4"))
            main[face.media_id] = replace(face, vector=scored.astype("<f4").tobytes())
    return main


def _verification(portraits: Sequence[Portrait], faces: Mapping[str, EmbeddedFace], seed: int) -> Verification | None:
    """The accuracy on pairs of pictures with a face, those too poor to compare included."""
    media = {portrait.file: portrait.media for portrait in portraits if portrait.media in faces}
    same, different = seeded_pairs({p.file: p.person for p in portraits if p.file in media}, seed)

    def scores(pairs: Sequence[tuple[str, str]]) -> list[float]:
        return [_score(faces[media[a]], faces[media[b]]) for a, b in pairs if media[a] != media[b]]

    return verify(scores(same), scores(different))


def _score(a: EmbeddedFace, b: EmbeddedFace) -> float:
    x, y = (np.frombuffer(face.vector, "<f4").astype(np.float64) for face in (a, b))
    return float(x @ y)


def _missed(joins: Joins, faces: Mapping[str, EmbeddedFace]) -> list[dict[str, Any]]:
    """The missed pairs with what their main faces score, lowest first; null and a reason where one has none."""
    listed: list[dict[str, Any]] = []
    for a, b in joins.missed:
        found = [faces.get(portrait.media) for portrait in (a, b)]
        score = _score(found[0], found[1]) if found[0] is not None and found[1] is not None else None
        reason = "no face found" if score is None else "not similar enough"
        if any(face is not None and face.too_poor for face in found):
            reason = "too poor to compare"
        listed.append({"a": a.file, "b": b.file, "score": None if score is None else round(score, 4), "why": reason})
    listed.sort(key=lambda item: (item["score"] is not None, item["score"] or 0.0, item["a"], item["b"]))
    return listed[:WORST]


def _wrong(joins: Joins) -> list[dict[str, Any]]:
    return [
        {
            "a": pair.a,
            "b": pair.b,
            "score": round(pair.score, 4),
            "why": "both people named" if pair.main else "somebody else in the picture",
        }
        for pair in joins.wrong[:WORST]
    ]
