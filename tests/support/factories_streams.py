"""Drawn vectors, and the records of the gallery log around them: no test of link needs a model or a picture."""

import base64
import hashlib
import random
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graph.domain import ids
from graph.domain.comparison import HIDDEN_LABELS
from graph.domain.label import Label
from streams.faces.models import DETECTOR_ID, MODEL_ID
from streams.records.gallery import (
    CaseRecord,
    EmbeddedFace,
    ErasureRecord,
    FacesEmbedded,
    GalleryRecord,
    LabelChanged,
    MarkEmbedded,
    MediaEmbedded,
    PairsJudged,
    ReembeddedFace,
    SearchAsked,
    SearchEnded,
    SourceEvent,
    VictimRecord,
    VictimsAssigned,
)
from streams.records.incoming import (
    CaseChanged,
    DeclaredVictim,
    ErasureRequested,
    MarkSubmitted,
    MediaSubmitted,
    SearchProbe,
    VictimChanged,
)
from tests.support import scored
from tests.support.reference_gallery import Reference

Vector = NDArray[np.float32]
START_MS = 1_795_000_000_000
NORTH = "local:n1"
CASES = {"local:n1": "north", "local:n2": "north", "local:s1": "south", "local:s2": "south", "local:s3": "south"}
NAMES = [f"picture-{number}" for number in range(14)]
Log = list[tuple[int, GalleryRecord]]


def unit(rng: np.random.Generator, dimensions: int = 128) -> Vector:
    """A drawn stored unit vector, as of a good picture: the scores of two of them are near 0."""
    drawn = rng.standard_normal(dimensions)
    if dimensions == scored.DIMENSIONS:
        return scored.stored(scored.scorable(drawn))
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


def near(rng: np.random.Generator, vector: Vector, score: float) -> Vector:
    """A stored unit vector that has this score with `vector`, to about 1e-6, where that is in no crowded place."""
    base = scored.compared_by(vector).astype(np.float64)
    drawn = rng.standard_normal(len(base))
    if len(base) == scored.DIMENSIONS:
        drawn = scored.scorable(drawn)
    across = drawn - base * (drawn @ base) / (base @ base)
    made = score * base / np.linalg.norm(base) + np.sqrt(1 - score**2) * across / np.linalg.norm(across)
    if len(base) == scored.DIMENSIONS:
        return scored.stored(made)
    return (made / np.linalg.norm(made)).astype(np.float32)


def poorer(vector: Vector, by: float) -> Vector:
    """The stored vector of the same face in a picture that is worse: it lies further along a direction of defects."""
    moved = vector + by * scored.DEFECT
    return (moved / np.linalg.norm(moved)).astype(np.float32)


def media_id(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def face_id(name: str, ordinal: int = 0) -> str:
    """The id of a face of the media called `name`."""
    return ids.face_id(media_id(name), DETECTOR_ID, ordinal)


def face(
    name: str, ordinal: int, vector: Vector, too_poor_because: str | None = None, quality: float = 0.999
) -> EmbeddedFace:
    media, identity = media_id(name), face_id(name, ordinal)
    return EmbeddedFace(
        face_id=identity,
        ordinal=ordinal,
        box=[10 * ordinal, 20, 60, 80],
        landmarks=[float(number) for number in range(10)],
        detection_score=0.9,
        quality=0.4 if too_poor_because else quality,
        too_poor_because=too_poor_because,
        vector=base64.b64encode(vector.astype("<f4").tobytes()).decode(),
        norm=8.0 if too_poor_because else 12.5,
        display_crop=f"{media[:2]}/{media}/{identity}.display.jpg",
        aligned_crop=f"{media[:2]}/{media}/{identity}.aligned.png",
        context_view=f"{media[:2]}/{media}/{identity}.context.jpg",
    )


def origin(place: int, *, at: int | None = None, kind: str = "media.submitted", **facts: Any) -> SourceEvent:
    """The source event at this place of an input topic, submitted at START_MS + `at`."""
    topic = f"redthread.{kind}.local.v1"
    told: dict[str, Any] = {
        "event": f"{topic}/0/{place}",
        "topic": topic,
        "partition": 0,
        "offset": place,
        "source": "local",
        "submitted_at": START_MS + (place if at is None else at),
        "ce_id": f"ce-{place:06}",
        "key": "a2V5",
        "value": "e30=",
        "headers": [],
    }
    return SourceEvent(**{**told, **facts})


def submitted(case_id: str = NORTH, scope: str = "register", district: str = "north", **facts: Any) -> MediaSubmitted:
    told: dict[str, Any] = {
        "case_id": case_id,
        "district": district,
        "url": "file:///nowhere/picture.jpg",
        "scope": scope,
        "purpose": "victim identification",
        "legal_basis": "test",
    }
    return MediaSubmitted(**{**told, **facts})


def embedded(
    name: str,
    vectors: Sequence[Vector],
    event: MediaSubmitted,
    source: SourceEvent,
    *,
    poor: Sequence[int] = (),
    quality: float = 0.999,
    model_id: str = MODEL_ID,
    search: SearchProbe | None = None,
    captured_at: str | None = None,
) -> MediaEmbedded:
    """The gallery record of a media with these faces, all of one quality; those at the ordinals `poor` are too poor."""
    faces = [face(name, n, vector, "too blurred" if n in poor else None, quality) for n, vector in enumerate(vectors)]
    return MediaEmbedded(
        media_id=media_id(name),
        content_type="image/jpeg",
        width=640,
        height=480,
        frames=1,
        detector_id=DETECTOR_ID,
        model_id=model_id,
        captured_at=captured_at,
        faces=faces,
        submitted=event,
        search=search,
        origin=source,
    )


def case_changed(case_id: str, status: str, version: int, source: SourceEvent, district: str = "north") -> CaseRecord:
    changed = CaseChanged.model_validate(
        {"case_id": case_id, "district": district, "status": status, "version": version}
    )
    return CaseRecord(changed=changed, origin=source)


def erasure(kind: str, subject: str, source: SourceEvent) -> ErasureRecord:
    wanted = ErasureRequested.model_validate({"subject": {kind: subject}, "reason": "asked for"})
    return ErasureRecord(erasure=wanted, origin=source)


def victim(victim_id: str, source: SourceEvent) -> VictimRecord:
    return VictimRecord(changed=VictimChanged(victim_id=victim_id, label="a label"), origin=source)


def search(
    search_id: str, case_id: str, within: str, faces: Sequence[str], limit: int = 20, **more: Any
) -> SearchAsked:
    told: dict[str, Any] = {"search_id": search_id, "case_id": case_id, "within": within, "limit": limit, **more}
    return SearchAsked(faces=list(faces), **told)


def probe(
    name: str,
    vectors: Sequence[Vector],
    search_id: str,
    case_id: str,
    within: str,
    source: SourceEvent,
    turn: Literal[0, 90, 180, 270] = 0,
) -> MediaEmbedded:
    """The gallery record of a search with an uploaded picture."""
    event = submitted(case_id, "none")
    asked = SearchProbe(**event.model_dump(), search_id=search_id, within=within, turn=turn)
    return embedded(name, vectors, event, source, search=asked)


def label(faces: Sequence[str], said: str | None, *, taken_back: Sequence[str] = ()) -> LabelChanged:
    """The record of a person's label; the same act is told alike."""
    named = Label(said) if said else None
    return LabelChanged(act_id="act", faces=list(faces), label=named, taken_back=list(taken_back))


def judged(pairs: Sequence[tuple[str, str]], *, apart: bool = True) -> PairsJudged:
    """The record of people's verdicts that these pairs are two people, or no more."""
    return PairsJudged(pairs=[ids.ordered(*pair) for pair in pairs], apart=apart)


def marked(
    name: str,
    act: str,
    vector: Vector,
    marked_on: dict[str, int],
    source: SourceEvent,
    *,
    poor: bool = False,
    model_id: str = MODEL_ID,
) -> MarkEmbedded:
    """The record of a face that a person marked in that act; `marked_on` in milliseconds since START_MS."""
    media, identity = media_id(name), ids.marked_face_id(media_id(name), act)
    drawn = face(name, 9, vector, "too blurred" if poor else None)
    names = ("display_crop", "aligned_crop", "context_view")
    crops = {name: f"{media[:2]}/{media}/{identity}.{name.partition('_')[0]}" for name in names}
    unseen = {"face_id": identity, "landmarks": None, "detection_score": None, **crops}
    mark = MarkSubmitted(
        act_id=act,
        media_id=media,
        url="file:///nowhere/picture.jpg",
        content_type="image/jpeg",
        box=drawn.box,
        ordinal=9,
        marked_on={case: START_MS + at for case, at in marked_on.items()},
    )
    whole = drawn.model_copy(update=unseen)
    return MarkEmbedded(media_id=media, model_id=model_id, face=whole, mark=mark, origin=source)


def embedded_again(faces: Mapping[str, Vector], *, model_id: str = MODEL_ID, poor: Sequence[str] = ()) -> FacesEmbedded:
    """The record of stored faces, by id, that were embedded once more."""
    made = [
        ReembeddedFace(
            face_id=name,
            vector=base64.b64encode(vector.astype("<f4").tobytes()).decode(),
            norm=12.0,
            quality=0.98,
            too_poor_because="too blurred" if name in poor else None,
        )
        for name, vector in faces.items()
    ]
    return FacesEmbedded(model_id=model_id, faces=made)


def drawn_log(
    seed: int,
    length: int,
    *,
    acts: bool = False,
    other_model: float = 0.0,
    alike: Sequence[float] = (0.5, 0.6, 0.62, 0.64, 0.95),
) -> Log:
    """A log with a few people in many pictures, told again, moved, closed, reopened, erased and asked for.

    With `acts` people label some of the faces, make them victims, tell pairs of them apart and mark others by hand.
    `other_model` is the share of media records that were embedded under another model than the current one, `alike`
    are the cosines that a picture has with its person; a third of the pictures are worse in the same way, a fifth are
    compared for leads only.
    """
    dice, rng = random.Random(seed), np.random.default_rng(seed)
    people = [unit(rng) for _ in range(3)]
    pictures: dict[str, list[Vector]] = {
        name: [near(rng, dice.choice(people), dice.choice(alike)) for _ in range(dice.choice([0, 1, 1, 1, 2, 3]))]
        for name in NAMES
    }
    for name in NAMES[::3]:
        pictures[name] = [poorer(vector, 0.15) for vector in pictures[name]]
    pictures[NAMES[1]] = [pictures[NAMES[0]][0] if pictures[NAMES[0]] else people[0]]
    poor = {name: [0] if dice.random() < 0.2 else [] for name in NAMES}
    qualities = {name: 0.45 + 0.1 * (index % 5) for index, name in enumerate(NAMES)}
    versions = dict.fromkeys(CASES, 0)
    marks: list[str] = []
    late: list[MarkEmbedded] = []
    seen = Reference()
    log: Log = []

    def _media(place: int) -> GalleryRecord:
        name, case = dice.choice(NAMES), dice.choice(list(CASES))
        district = CASES[case] if dice.random() < 0.97 else "west"
        told = None
        if dice.random() < 0.2:
            told = DeclaredVictim(victim_id=dice.choice(["v1", "v2"]), declared_by="source")
        exhibit = dice.choice([None, "e1", "e2"])
        scope = dice.choice(["register", "register", "case", "none"])
        event = submitted(case, scope, district, victim=told, exhibit=exhibit)
        late = place - dice.choice([0, 0, 0, 5, 20])
        model = "another-model" if other_model and dice.random() < other_model else MODEL_ID
        facts: dict[str, Any] = {"poor": poor[name], "quality": qualities[name], "model_id": model}
        return embedded(name, pictures[name], event, origin(place, at=late), **facts)

    def _case(place: int) -> GalleryRecord:
        name = dice.choice(list(CASES))
        versions[name] += dice.choice([0, 1, 1])
        source = origin(place, kind="cases.changed")
        return case_changed(name, dice.choice(["open", "closed"]), max(versions[name], 1), source, CASES[name])

    def _erasure(place: int) -> GalleryRecord:
        kind = dice.choice(["media_id", "media_id", "case_id", "face_id"])
        name = dice.choice(NAMES)
        subject = {"media_id": media_id(name), "case_id": dice.choice(list(CASES)), "face_id": face_id(name)}[kind]
        if marks and kind == "face_id" and dice.random() < 0.5:
            subject = dice.choice(marks)
        return erasure(kind, subject, origin(place, at=place - dice.choice([0, 0, 10]), kind="erasures"))

    def _search(place: int) -> GalleryRecord:
        faces = [face_id(dice.choice(NAMES)) for _ in range(dice.choice([1, 2]))]
        within = dice.choice(["register", *(f"case:{name}" for name in CASES)])
        until = START_MS + place + dice.choice([10, 30]) if dice.random() < 0.3 else None
        asking, keep = dice.choice(list(CASES)), dice.random() < 0.5
        asked.append(f"search-{place}")
        return search(asked[-1], asking, within, sorted(set(faces)), dice.choice([1, 5]), keep_asking=keep, until=until)

    asked: list[str] = []

    def _ended(place: int) -> GalleryRecord:
        return SearchEnded(search_id=dice.choice(asked)) if asked else _search(place)

    said: dict[str, str | None] = {}

    def _label(_: int) -> GalleryRecord:
        new = dice.choice(["unrelated", "suspect", "witness", None])
        faces = sorted({face_id(dice.choice(NAMES), dice.choice([0, 0, 1])) for _ in range(dice.choice([1, 2]))})
        back = [face for face in faces if said.get(face) in HIDDEN_LABELS and new not in HIDDEN_LABELS]
        said.update(dict.fromkeys(faces, new))
        return label(faces, new, taken_back=back)

    def _judged(_: int) -> GalleryRecord:
        a, b = dice.sample(NAMES, 2)
        return judged([(face_id(a), face_id(b))], apart=dice.random() < 0.8)

    def _assigned(_: int) -> GalleryRecord:
        faces = {face_id(name, dice.choice([0, 0, 1])) for name in dice.sample(NAMES, dice.choice([1, 2, 3]))}
        return VictimsAssigned(faces=dict.fromkeys(sorted(faces), dice.choice(["v1", "v2", "v3", None])))

    def _mark(place: int) -> GalleryRecord:
        name, vector = dice.choice(NAMES), near(rng, dice.choice(people), dice.choice([0.6, 0.64, 0.95]))
        known = seen.media.get(media_id(name))
        if known is None:
            return _media(place)
        on = {case: member.age[0] - START_MS for case, member in known.members.items()}
        source = origin(place, kind="probes", source="")
        late.append(marked(name, f"act-{place}", vector, on, source, poor=dice.random() < 0.2))
        marks.append(late[-1].face.face_id)
        # Some of them are embedded late: their media may be erased meanwhile, and back again.
        return late.pop(dice.randrange(len(late))) if dice.random() < 0.6 else _media(place)

    kinds = [_media] * 12 + [_case] * 3 + [_erasure] + [_search] * 2 + [_ended]
    if acts:
        kinds += [_label, _judged, _assigned] * 3 + [_mark] * 6 + [_erasure] * 3
    for place in range(length):
        record = dice.choice(kinds)(place)
        if log and dice.random() < 0.1:
            record = dice.choice(log)[1]
            if not hasattr(record, "origin"):
                record = _media(place)
        log.append((place, record))
        if acts:
            seen.apply(place, record)
    return log
