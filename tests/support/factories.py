"""Small graphs for tests, written with link's own statements, so that they have link's own shapes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO

from PIL import Image, ImageDraw

from graph.domain import ids
from graph.domain.people import Person, Role
from graph.files import MediaStore
from graph.store.queries import answers, ingest
from graph.store.session import Store, Tx

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ANNA = Person("anna@north", frozenset({Role.INVESTIGATOR}), "north")
BEN = Person("ben@south", frozenset({Role.INVESTIGATOR}), "south")
SUE = Person("sue@north", frozenset({Role.SUPERVISOR}), "north")
SAM = Person("sam@south", frozenset({Role.SUPERVISOR}), "south")
MODEL = "sface-2021dec"
BAND = "provisional: measured on adults, not on children"
NORTH, SOUTH = "local:2026-001", "other:2026/002 b"
"""The second local id has a slash and a space in it, as some case systems write them."""

DEPICTS = """
MATCH (f:Face {face_id: $face_id})
MERGE (v:Victim {victim_id: $victim_id}) SET v.registered = $registered, v.label = 'label of ' + $victim_id
MERGE (f)-[r:DEPICTS {basis: $basis}]->(v)
SET r.at = $at, r.declared_by = CASE $basis WHEN 'declared' THEN 'local' END
"""
DECIDED = "MATCH ()-[r:CANDIDATE {link_id: $link_id}]->() SET r.state = $state, r.version = 1"


def drawn_face(shade: int = 180) -> bytes:
    """A JPEG of 256 x 256 pixels that is drawn, never a person."""
    picture = Image.new("RGB", (256, 256), (shade, shade, shade))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((48, 24, 208, 232), fill=(shade // 2, shade, shade // 3))
    for x in (92, 148):
        draw.ellipse((x, 96, x + 18, 112), fill=(0, 0, 0))
    out = BytesIO()
    picture.save(out, "JPEG")
    return out.getvalue()


async def every_face(store: Store) -> tuple[str, ...]:
    """The ids of all faces: whoever names them was shown all that there is."""
    return tuple(row["id"] for row in await store.read(lambda tx: tx.rows("MATCH (f:Face) RETURN f.face_id AS id")))


@dataclass
class Scene:
    """Cases, faces and links in a real graph; a face is called by the name that the test gave it."""

    store: Store
    files: MediaStore | None = None
    faces: dict[str, str] = field(default_factory=dict[str, str])

    async def case(self, case_id: str, district: str = "north", contact: str | None = None) -> str:
        row = {
            "case_id": case_id,
            "source": ids.source_of(case_id),
            "district": district,
            "status": "open",
            "version": 1,
            "contact": contact,
            "review_by": None,
        }
        await self.store.write(lambda tx: tx.do(ingest.MERGE_CASES, rows=[row]))
        return case_id

    async def media(
        self,
        name: str,
        *cases: str,
        faces: Sequence[str] = (),
        urgency: str = "routine",
        captured_at: str | None = None,
        exif: str | None = None,
        data: bytes = b"",
    ) -> str:
        """A picture called `name` that is a member of `cases`, with one face for each of `faces`.

        It was taken at `captured_at` by what their events say, at `exif` by its file; its bytes are `data`.
        """
        media_id = ids.media_id(data or name.encode())
        medium = {
            "media_id": media_id,
            "kind": "picture",
            "content_type": "image/jpeg",
            "width": 640,
            "height": 480,
            "frames": 1,
            "captured_at": exif,
            "first_submitted_at": 1_795_000_000_000,
            "url": f"file:///{name}.jpg",
        }
        members = [
            {
                "membership_id": ids.membership_id(media_id, case),
                "media_id": media_id,
                "case_id": case,
                "scope": "register",
                "purpose": "victim identification",
                "legal_basis": "test",
                "exhibits": ["A-1"],
                "urgency": urgency,
                "submitted_at": 1_795_000_000_000,
                "ce_id": None,
                "captured_at": captured_at,
                "captured_told": 1_795_000_000_000 if captured_at else None,
            }
            for case in cases
        ]
        rows = [await self._face(media_id, ordinal, called) for ordinal, called in enumerate(faces)]

        async def work(tx: Tx) -> None:
            await tx.do(ingest.MERGE_MEDIA, rows=[medium])
            await tx.do(ingest.MERGE_MEMBERSHIPS, rows=members)
            await tx.do(ingest.MERGE_FACES, rows=rows)

        await self.store.write(work)
        return media_id

    async def _face(self, media_id: str, ordinal: int, called: str) -> dict[str, object]:
        face_id = ids.face_id(media_id, "yunet", ordinal)
        self.faces[called] = face_id
        crop = context = None
        if self.files is not None:
            crop = self.files.put_crop(media_id, face_id, "display", drawn_face(100 + ordinal))
            context = self.files.put_crop(media_id, face_id, "context", drawn_face(300 + ordinal))
        face = {
            "face_id": face_id,
            "ordinal": ordinal,
            "box": [10 + ordinal, 20, 60, 80],
            "landmarks": [0.0] * 10,
            "detection_score": 0.9,
            "quality": 0.7,
            "too_poor_because": None,
            "label": None,
            "display_crop": crop,
            "aligned_crop": None,
            "context_view": context,
        }
        return {"media_id": media_id, "face_id": face_id, "face": face}

    async def link(self, a: str, b: str, *, state: str = "candidate", score: float = 0.52) -> str:
        """The machine proposes the faces called `a` and `b`; done again it refreshes the proposal."""
        small, large = ids.ordered(self.faces[a], self.faces[b])
        link_id = ids.link_id(small, large)
        row = {
            "link_id": link_id,
            "a": small,
            "b": large,
            "state": state,
            "score": score,
            "band": BAND,
            "model_id": MODEL,
            "threshold": 0.4,
        }
        await self.store.write(lambda tx: tx.do(ingest.MERGE_LINKS, rows=[row], now=NOW.isoformat()))
        return link_id

    async def group(self, group_id: str, case_id: str, *faces: str) -> None:
        """Link proposes the faces called so as one person of the case, or adds them to that group."""
        row = {"group_id": group_id, "case_id": case_id, "joined": [self.faces[name] for name in faces], "left": []}
        await self.store.write(lambda tx: tx.do(ingest.CHANGE_GROUPS, rows=[row], now=NOW.isoformat()))

    async def depicts(self, called: str, victim_id: str, basis: str = "declared", *, registered: bool = True) -> None:
        """The face called so shows this victim: a case system said it, or people did."""
        await self.store.write(
            lambda tx: tx.do(
                DEPICTS,
                face_id=self.faces[called],
                victim_id=victim_id,
                basis=basis,
                registered=registered,
                at=NOW.isoformat(),
            )
        )

    async def decided(self, a: str, b: str, state: str) -> str:
        """The link of the faces called `a` and `b`, in a state that people brought it to."""
        link_id = await self.link(a, b)
        await self.store.write(lambda tx: tx.do(DECIDED, link_id=link_id, state=state))
        return link_id

    async def add_part(self, search_id: str, number: int, offset: int, returned: Sequence[tuple[str, float]]) -> None:
        """What link adds to the answer at a later record: the faces called so, best first."""
        found = [
            {"face_id": self.faces[called], "rank": rank, "score": score, "above": score >= 0.4, "probe_face_id": None}
            for rank, (called, score) in enumerate(returned, 1)
        ]
        part = {"number": number, "offset": offset, "gallery_size": 10, "compared": 3, "too_poor": 0, "no_face": 1}
        row = {"search_id": search_id, "returned": found, "part": part}
        await self.store.write(lambda tx: tx.do(answers.WRITE_PARTS, rows=[row], now=NOW.isoformat()))

    async def answer(
        self, search_id: str, returned: Sequence[tuple[str, float]], probe: str | None = None, **answer: object
    ) -> None:
        """Link's answer to a search: the faces called so, best first, found by the face called `probe`."""
        by = self.faces[probe] if probe else None
        found = [
            {"face_id": self.faces[called], "rank": rank, "score": score, "above": score >= 0.4, "probe_face_id": by}
            for rank, (called, score) in enumerate(returned, 1)
        ]
        told = {
            "status": "answered",
            "gallery_offset": 7,
            "gallery_size": 9,
            "compared": 8,
            "too_poor": 1,
            "no_face": 2,
            **answer,
        }
        numbers = ("compared", "too_poor", "no_face", "gallery_size")
        part = {"number": 0, "offset": told["gallery_offset"], **{name: told[name] for name in numbers}}
        row = {"search_id": search_id, "probes": [], "returned": found, "answer": told, "part": part}
        await self.store.write(lambda tx: tx.do(answers.ANSWER_SEARCHES, rows=[row], now=NOW.isoformat()))


async def two_cases(store: Store, files: MediaStore | None = None) -> Scene:
    """Two cases with a link between them, a lead, and a picture with two faces.

    NORTH: picture `n` with faces n1 and n2; SOUTH: `s` with s1, `t` with t1. Links n1-s1 (candidate) and n2-t1 (lead).
    """
    scene = Scene(store, files)
    await scene.case(NORTH, "north", "duty desk north")
    await scene.case(SOUTH, "south")
    await scene.media("n", NORTH, faces=["n1", "n2"])
    await scene.media("s", SOUTH, faces=["s1"])
    await scene.media("t", SOUTH, faces=["t1"])
    await scene.link("n1", "s1", score=0.52)
    await scene.link("n2", "t1", state="lead", score=0.37)
    return scene
