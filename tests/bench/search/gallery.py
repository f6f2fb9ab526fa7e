"""The gallery as `bench search` uses it: the one place that follows a change of it."""

import base64
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.domain import ids
from graph.domain.calibration import Calibration
from graph.domain.comparison import Scope
from graph.store.session import Store
from streams import topics
from streams.faces.models import MODEL_ID
from streams.gallery import matrix
from streams.gallery.calibration import packaged
from streams.gallery.load import load_gallery
from streams.gallery.matrix import BLOCK, Rows
from streams.gallery.state import Gallery
from streams.link.apply import batch_of
from streams.records.gallery import EmbeddedFace, GalleryRecord, MediaEmbedded, SourceEvent
from streams.records.incoming import MediaSubmitted
from tests.bench.search.draw import CROWDS, DIMENSIONS, Register, Vectors, case_id

Records = list[tuple[int, GalleryRecord]]
Links = dict[tuple[str, str], float]
"""By pair of face ids, the smaller first, the score."""
DETECTOR: Final = "bench"
NEW_MS: Final = 1_795_000_000_000
NEAREST: Final = 10
THREADS: Final = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class NewFace:
    """A new media's one face and how it comes: its stored vector (d,), its case and that one's scope."""

    name: str
    vector: Vectors
    case: int
    scope: Scope

    @property
    def media_id(self) -> str:
        return ids.digest("bench search", self.name)

    @property
    def face_id(self) -> str:
        return ids.face_id(self.media_id, DETECTOR, 0)


def calibration(*, mapped: bool) -> Calibration:
    """The packaged one; or one that has its thresholds and compares vectors as they are stored."""
    found = packaged()[MODEL_ID]
    if mapped:
        return found
    return Calibration(
        found.model_id, found.population, found.false_accepts, found.evidence, found.cap, found.floor, None
    )


def uses_codes() -> bool:
    """Whether link compares 8-bit codes first on this machine."""
    return matrix.is_faster(DIMENSIONS)


def without_codes() -> None:
    """From here on this process compares float32 alone."""
    setattr(matrix, "is_faster", _never)  # noqa: B010 (a plain assignment is no type of it)


def _never(dimensions: int) -> bool:
    return False


async def loaded(store: Store, used: Calibration) -> Gallery:
    """The gallery of what the store tells, as link has it after its start."""
    return await load_gallery(store, MODEL_ID, calibrations={MODEL_ID: used})


def new_faces(register: Register, batch: int, size: int, *, crowds: bool = False) -> list[NewFace]:
    """New media: one in five shows a person of the register, half of these in a case of that person.

    With `crowds` four of them are of the people with hundreds of faces.
    """
    chance = np.random.default_rng([register.seed, 7, batch])
    known = np.nonzero(register.person >= 0)[0]
    chosen = chance.choice(known, size=size // 5) if len(known) else known
    if crowds:
        for row, (_, _, person) in enumerate(CROWDS * 2):
            found = np.nonzero(register.person == person)[0]
            if len(found) and row < len(chosen):
                chosen[row] = found[row]
    vectors = register.new_faces(batch, size, register.person[chosen].tolist())
    still_open = np.nonzero(register.is_open)[0]
    cases = chance.choice(still_open, size=size)
    for row, face in enumerate(chosen.tolist()):
        if row % 2 == 0 and register.is_open[register.case[face]]:
            cases[row] = register.case[face]
    scopes = np.where(chance.random(size) < 0.8, Scope.REGISTER, Scope.CASE)
    return [NewFace(f"{batch}-{row}", vectors[row], int(cases[row]), Scope(str(scopes[row]))) for row in range(size)]


def records(faces: Sequence[NewFace]) -> Records:
    """The faces as records of the gallery log."""
    return [(place, _record(place, face)) for place, face in enumerate(faces)]


def link(gallery: Gallery, batch: Records) -> Links:
    """What link proposes for a batch, which the gallery does not take in."""
    rows = batch_of(gallery, MODEL_ID, batch).changes.links.values()
    return {(row.a, row.b): row.score for row in rows}


def blocks(gallery: Gallery) -> list[Vectors]:
    """All compared vectors in blocks of BLOCK rows, not copied."""
    stored = gallery.faces.matrix
    found: list[Vectors] = []
    for start in range(0, len(stored), BLOCK):
        first, rows = stored.row(start), min(BLOCK, len(stored) - start)
        # A block lies in one piece, and its rows are nowhere to be had together.
        strides = (first.strides[0] * len(first), first.strides[0])
        found.append(np.lib.stride_tricks.as_strided(first, (rows, len(first)), strides, writeable=False))
    return found


def search(gallery: Gallery, queries: Vectors, floor: float) -> None:
    """Searches the best NEAREST stored vectors at or above the floor, exactly, for each of the scored vectors."""
    gallery.faces.matrix.nearest(queries, floor, NEAREST, _all)


def _all(which: Rows, rows: Rows) -> NDArray[np.bool_]:
    return np.ones(len(rows), np.bool_)


def pool() -> ThreadPoolExecutor:
    """The threads that link compares with."""
    return ThreadPoolExecutor(THREADS)


def _record(place: int, face: NewFace) -> MediaEmbedded:
    media_id, name = face.media_id, case_id(face.case)
    found = EmbeddedFace(
        face_id=face.face_id,
        ordinal=0,
        box=[10, 20, 60, 80],
        landmarks=[float(number) for number in range(10)],
        detection_score=0.9,
        quality=0.9,
        vector=base64.b64encode(face.vector.astype("<f4").tobytes()).decode(),
        norm=12.5,
        display_crop=f"{media_id}.display.jpg",
        aligned_crop=f"{media_id}.aligned.png",
    )
    topic = topics.media_submitted("bench")
    origin = SourceEvent(
        event=f"{topic}/0/{face.name}",
        topic=topic,
        partition=0,
        offset=place,
        submitted_at=NEW_MS + place,
        source="bench",
        ce_id=f"ce-{face.name}",
    )
    submitted = MediaSubmitted(
        case_id=name,
        district=f"d{face.case % 4}",
        url="file:///nowhere/picture.jpg",
        scope=face.scope,
        purpose="measurement",
        legal_basis="drawn by chance",
    )
    return MediaEmbedded(
        media_id=media_id,
        content_type="image/jpeg",
        width=640,
        height=480,
        frames=1,
        detector_id=DETECTOR,
        model_id=MODEL_ID,
        faces=[found],
        submitted=submitted,
        origin=origin,
    )
