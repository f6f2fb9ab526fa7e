"""Media as the graph stores them, and what a record of another detector means for them.

Link reads the stored ones per batch: comparison needs neither boxes nor detectors, so memory holds none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import TypeVar

from graph.actions.link import register
from graph.domain.same_faces import Place, same_faces
from graph.files import crop_name
from graph.store.session import Row, Store
from streams.gallery.state import Gallery, Staged
from streams.records.gallery import (
    EmbeddedFace,
    ErasureRecord,
    ExaminedMedia,
    GalleryRecord,
    MediaEmbedded,
    MediaReexamined,
)

Examined = TypeVar("Examined", bound=ExaminedMedia)


class Detector(Enum):
    """The detector of a record, compared with the one whose faces the media has."""

    SAME = auto()
    NEWER = auto()
    OLDER = auto()


@dataclass(frozen=True, slots=True)
class StoredFace:
    """A face's rank and place, the id under which its crops are stored, and its ids by other detectors."""

    ordinal: int
    place: Place
    crop: str
    seen_as: tuple[str, ...] = ()

    @classmethod
    def of(cls, face: EmbeddedFace, seen_as: tuple[str, ...] = ()) -> StoredFace:
        return cls(face.ordinal, Place(face.page, face.box), crop_name(face.display_crop), seen_as)


@dataclass(frozen=True, slots=True)
class StoredMedia:
    """A media's detector, those that it had before, and its faces by their ids.

    `face_erased_at` is when one of its faces was last erased, in Kafka milliseconds; releases before this one did not
    store it. `size` is that of the first page, upright, as the detector saw it.
    """

    detector_id: str
    former: tuple[str, ...] = ()
    faces: Mapping[str, StoredFace] = field(default_factory=dict[str, StoredFace])
    face_erased_at: int = -1
    size: tuple[int, int] | None = None

    @property
    def detectors(self) -> tuple[str, ...]:
        """All detectors that the media ever had."""
        return (*self.former, self.detector_id)

    def detector_of(self, record: ExaminedMedia) -> Detector:
        """Detector ids have no order: whichever the media had before is older, and a reexamination is never older."""
        if record.detector_id == self.detector_id:
            return Detector.SAME
        is_newer = isinstance(record, MediaReexamined) or record.detector_id not in self.former
        return Detector.NEWER if is_newer else Detector.OLDER

    def with_faces(self, faces: Mapping[str, StoredFace]) -> StoredMedia:
        """The media with these faces added or replaced."""
        return replace(self, faces={**self.faces, **faces})

    def examined_by(self, record: ExaminedMedia) -> StoredMedia:
        """The media after the record of a newer detector."""
        former = [name for name in self.detectors if name != record.detector_id]
        size = record.width, record.height
        return replace(self, detector_id=record.detector_id, former=tuple(dict.fromkeys(former)), size=size)


def with_stored_ids(record: Examined, stored: StoredMedia, staged: Staged) -> Examined:
    """The record with the ids and ranks of the faces that are stored already, whichever detector found them.

    A face that was erased after another detector had found it too keeps its first id. New faces come after the stored
    ones, in their order. Boxes mean nothing in a picture that is decoded to another size now, as one that is turned.
    """
    found = {face.face_id: Place(face.page, face.box) for face in record.faces}
    places = {name: face.place for name, face in stored.faces.items()}
    aliases = {other: name for name, face in stored.faces.items() for other in face.seen_as}
    is_alike = stored.size in {None, (record.width, record.height)}
    known = same_faces(found, places, aliases, by_box=is_alike)
    for name in found:
        erased = staged.erasures.get(f"face:{name}") if name not in known else None
        if erased is not None and erased.face_id is not None and erased.face_id not in known.values():
            known[name] = erased.face_id
    # Under the media's own detector ranks are its own; under another one they count from the last stored face on.
    last = max((face.ordinal for face in stored.faces.values()), default=-1)
    is_other = record.detector_id != stored.detector_id
    faces: list[EmbeddedFace] = []
    for face in sorted(record.faces, key=lambda face: face.ordinal):
        name = known.get(face.face_id, face.face_id)
        ordinal = face.ordinal
        if name in stored.faces:
            ordinal = stored.faces[name].ordinal
        elif is_other:
            last += 1
            ordinal = last
        faces.append(face.model_copy(update={"face_id": name, "ordinal": ordinal}))
    return record.model_copy(update={"faces": faces})


async def stored_media(store: Store, gallery: Gallery, records: Iterable[GalleryRecord]) -> dict[str, StoredMedia]:
    """The stored media that these records concern, by id: known ones examined again, or of which other faces are named.

    Most records are of new media, or repeat faces that have their vectors, so most batches read nothing.
    """
    wanted: set[str] = set()
    for record in records:
        if isinstance(record, ErasureRecord):
            face = gallery.faces.get(record.erasure.subject.get("face_id", ""))
            wanted |= {face.media_id} if face is not None else set()
        elif isinstance(record, ExaminedMedia) and (media := gallery.media.get(record.media_id)) is not None:
            names = {face.face_id for face in record.faces}
            repeats = isinstance(record, MediaEmbedded) and names and names <= set(media.faces)
            repeats = repeats and all(face.vector is not None for face in map(gallery.faces.get, names) if face)
            wanted |= set() if repeats else {record.media_id}
    return {row["media_id"]: _media(row) for row in await register.media_as_stored(store, sorted(wanted))}


def _media(row: Row) -> StoredMedia:
    faces = {
        face["face_id"]: StoredFace(
            face["ordinal"] or 0,
            Place(face["page"], face["box"]),
            crop_name(face["display_crop"] or face["face_id"]),
            tuple(face["seen_as"]),
        )
        for face in row["faces"]
        if face["box"] is not None
    }
    return StoredMedia(
        row["detector_id"] or "",
        tuple(row["former_detectors"]),
        faces,
        row["face_erased_at"],
        (row["width"], row["height"]) if row["width"] else None,
    )
