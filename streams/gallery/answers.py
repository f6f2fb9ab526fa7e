"""The answers to people's searches, each staged at its record of the gallery log."""

from __future__ import annotations

from collections.abc import Sequence

from graph.actions.ingest import Changes
from graph.domain.comparison import THRESHOLD, Similar, may_find, order
from streams.gallery.compare import Comparer
from streams.gallery.state import Face, Media, Staged
from streams.records import SearchAsked, SearchProbe


class Answers:
    """Answers within a batch; sees the gallery and everything that the batch staged so far."""

    def __init__(self, staged: Staged, changes: Changes, compare: Comparer, model_id: str) -> None:
        self._staged = staged
        self._changes = changes
        self._compare = compare
        self._model_id = model_id

    def answer_known(self, search: SearchAsked, offset: int) -> None:
        """Answers a search for stored faces; their own pictures are no answer to it."""
        found = (self._staged.face(face_id) for face_id in search.faces)
        self.answer(search, offset, search.faces, without=frozenset(face.media_id for face in found if face))

    def answer_upload(self, search: SearchProbe, media: Media, offset: int) -> None:
        """Answers a search with an uploaded picture at the record that stores its faces.

        The same bytes in a case that the search may see are an answer: the picture itself is known there.
        """
        asked = SearchAsked.model_construct(
            search_id=search.search_id, case_id=search.case_id, within=search.within, limit=search.limit, faces=[]
        )
        self.answer(asked, offset, media.faces)

    def answer(
        self, search: SearchAsked, offset: int, face_ids: Sequence[str], *, without: frozenset[str] = frozenset()
    ) -> None:
        """Stages the answer: every found face with its best score over the search's faces, best first.

        The register's answer is capped; one case's answer is not. Faces of the media in `without` are left out.
        """
        known = [face for face in map(self._staged.face, face_ids) if face is not None]
        mine = [face for face in known if face.vector is not None]
        compared, too_poor = self._findable_faces(search)
        for face in self._faces_of(without):
            if self._findable(face, search):
                compared, too_poor = compared - (face.vector is not None), too_poor - (face.vector is None)
        status = "answered" if mine else "too_poor" if known else "no_face"
        best: dict[str, tuple[float, str]] = {}
        for face, near in zip(mine, self._compare.near(mine) if mine else [], strict=True):
            for other, score in near:
                if other.media_id in without or not self._findable(other, search):
                    continue
                if other.face_id not in best or best[other.face_id][0] < score:
                    best[other.face_id] = (score, face.face_id)
        ranked = sorted(((score, face_id, probe) for face_id, (score, probe) in best.items()), key=_rank)
        if search.within == "register":
            ranked = ranked[: search.limit]
        self._changes.answers.append(
            {
                "search_id": search.search_id,
                "probes": [face.face_id for face in known],
                "returned": [
                    {
                        "face_id": face_id,
                        "rank": rank,
                        "score": score,
                        "above": score >= THRESHOLD,
                        "probe_face_id": probe,
                    }
                    for rank, (score, face_id, probe) in enumerate(ranked, 1)
                ],
                "answer": {
                    "status": status,
                    "gallery_offset": offset,
                    "gallery_size": self._staged.size(),
                    "compared": compared if mine else 0,
                    "too_poor": too_poor,
                    "model_id": self._model_id,
                    "threshold": THRESHOLD,
                },
            }
        )

    def _findable_faces(self, search: SearchAsked) -> tuple[int, int]:
        """How many faces the search compares, and how many in its reach are too poor to be."""
        within = search.within.removeprefix("case:")
        case = self._staged.case(within) if search.within != "register" else None
        if case is None or case.open:
            return self._staged.findable(search.case_id, search.within)
        # Memberships in closed cases are in no count; such a search is rare.
        media = frozenset(media.media_id for media in self._staged.media_of_case(within))
        found = [face for face in self._faces_of(media) if self._findable(face, search)]
        poor = sum(face.vector is None for face in found)
        return len(found) - poor, poor

    def _faces_of(self, media_ids: frozenset[str]) -> list[Face]:
        known = (self._staged.one_media(media_id) for media_id in media_ids)
        faces = (self._staged.face(face_id) for media in known if media is not None for face_id in media.faces)
        return [face for face in faces if face is not None]

    def refuse(self, search_id: str, reason: str) -> None:
        """Ends a search that can't be answered, with the reason."""
        answer = {"status": "quarantined", "reason": reason}
        self._changes.answers.append({"search_id": search_id, "probes": [], "returned": [], "answer": answer})

    def _findable(self, face: Face, search: SearchAsked) -> bool:
        media, scope = self._staged.one_media(face.media_id), self._staged.scope_of(face)
        if media is None or scope is None:
            return False
        scopes = {case_id: member.scope for case_id, member in media.memberships.items()}
        return may_find(scope, scopes, search.case_id, search.within)


def _rank(item: tuple[float, str, str]) -> tuple[float, str]:
    return order(Similar(item[1], item[0], "", False))
