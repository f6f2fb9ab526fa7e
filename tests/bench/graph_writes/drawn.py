"""The batches of `bench graph-writes`: what link would write for drawn pictures, one after the other. No I/O."""

import base64
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from graph.domain import ids
from graph.domain.comparison import Scope
from streams import topics
from streams.faces.models import DETECTOR_ID
from streams.gallery.matrix import Vectors
from streams.gallery.state import Gallery
from streams.link.apply import batch_of
from streams.link.batch import Batch
from streams.records.gallery import EmbeddedFace, GalleryRecord, MediaEmbedded, SourceEvent
from streams.records.incoming import MediaSubmitted

MODEL_ID: Final = "bench-graph-writes"
"""No calibration knows it, so that stored vectors are compared as they are."""
DIMENSIONS: Final = 128
CASES: Final = 20
OF_ONE_PERSON: Final = 3
"""Pictures, in cases drawn by chance: with two faces a picture at times, so that each picture makes a link or two."""
ALIKE: Final = 0.8
"""Of a picture's vector the share that is the person's: two pictures of one have a cosine of about 0.64."""
START_MS: Final = 1_795_000_000_000


class Drawn:
    """Pictures of a world of its own: ids begin with `name`, everything else is the same for the same seed."""

    def __init__(self, name: str, seed: int) -> None:
        self._name = name
        self._chance = np.random.default_rng(seed)
        self._gallery = Gallery()
        self._people: list[Vectors] = []
        self._offset = -1

    def batches(self, pictures: int, batch: int) -> Iterator[Batch]:
        """What link writes for the next pictures, in batches of so many; a batch counts as written once the next one is
        asked for."""
        for start in range(0, pictures, batch):
            records = [self._picture() for _ in range(min(batch, pictures - start))]
            plan = batch_of(self._gallery, MODEL_ID, records)
            yield plan
            self._gallery.merge(plan.staged)

    def _picture(self) -> tuple[int, GalleryRecord]:
        self._offset += 1
        number, chance = self._offset, self._chance
        if number % OF_ONE_PERSON == 0:
            self._people.append(_unit(chance.standard_normal(DIMENSIONS)))
        shown = [self._people[int(chance.integers(len(self._people)))]] if number % 4 == 0 else []
        media_id = ids.media_id(f"{self._name}-{number}".encode())
        case = int(chance.integers(CASES))
        return number, MediaEmbedded(
            media_id=media_id,
            content_type="image/jpeg",
            width=640,
            height=480,
            frames=1,
            detector_id=DETECTOR_ID,
            model_id=MODEL_ID,
            faces=self._faces(media_id, [self._people[-1], *shown]),
            submitted=MediaSubmitted(
                case_id=f"local:{self._name}-{case:03d}",
                district="north" if case % 2 else "south",
                url=f"file:///{self._name}/{number}.jpg",
                purpose="measurement of speed",
                legal_basis="none",
                scope=Scope.REGISTER,
            ),
            origin=SourceEvent(
                event=f"{topics.media_submitted(self._name)}/0/{number}",
                topic=topics.media_submitted(self._name),
                partition=0,
                offset=number,
                source=self._name,
                submitted_at=START_MS + number,
                ce_id=f"{self._name}-{number}",
            ),
        )

    def _faces(self, media_id: str, people: Sequence[Vectors]) -> list[EmbeddedFace]:
        found: list[EmbeddedFace] = []
        for ordinal, person in enumerate(people):
            noise = _unit(self._chance.standard_normal(DIMENSIONS))
            vector = _unit(ALIKE * person + np.sqrt(1 - ALIKE**2) * noise)
            face_id = ids.face_id(media_id, DETECTOR_ID, ordinal)
            found.append(
                EmbeddedFace(
                    face_id=face_id,
                    ordinal=ordinal,
                    box=[200 * ordinal, 100, 120, 150],
                    landmarks=[50.0] * 10,
                    detection_score=0.9,
                    quality=0.99,
                    vector=base64.b64encode(vector.tobytes()).decode(),
                    norm=12.0,
                    display_crop=f"{media_id[:2]}/{media_id}/{face_id}.display.jpg",
                    aligned_crop=f"{media_id[:2]}/{media_id}/{face_id}.aligned.png",
                )
            )
        return found


def _unit(vector: np.ndarray) -> Vectors:
    return (vector / np.linalg.norm(vector)).astype("<f4")
