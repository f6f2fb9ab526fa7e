"""The answers to people's searches, each at its record of the gallery log, and what later records add to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from graph.actions.link.writes import GraphWrites
from graph.domain.comparison import HIDDEN_LABELS, InScope, Similar, may_find, order, people_within
from streams.gallery.entities import Face, Media
from streams.gallery.matrix import all_scores
from streams.gallery.means import MEAN_PENALTY, VictimMean, mean_of
from streams.gallery.standing_searches import REGISTER, Coverage, StandingSearch
from streams.gallery.state import Staged
from streams.link.compare import Comparer
from streams.records.gallery import SearchAsked
from streams.records.incoming import SearchProbe


class Answers:
    """Answers within a batch; sees the gallery and everything that the batch staged so far."""

    def __init__(self, staged: Staged, changes: GraphWrites, compare: Comparer) -> None:
        self._staged = staged
        self._changes = changes
        self._compare = compare
        self._calibration = compare.calibration

    def answer_known(self, search: SearchAsked, offset: int) -> None:
        """Answers a search for stored faces; their own pictures are no answer to it."""
        asked = StandingSearch(
            search.search_id, search.case_id, search.within, search.limit, tuple(search.faces), uploaded=False,
            until=search.until, through=offset,
        )  # fmt: skip
        self._answer(asked, offset, keep_asking=search.keep_asking)

    def answer_upload(self, search: SearchProbe, media: Media, offset: int) -> None:
        """Answers a search with an uploaded picture at the record that stores its faces.

        The same bytes in a case that the search may see are an answer: the picture itself is known there.
        """
        asked = StandingSearch(
            search.search_id, search.case_id, search.within, search.limit, media.faces, uploaded=True,
            until=search.until, through=offset,
        )  # fmt: skip
        self._answer(asked, offset, keep_asking=search.keep_asking)

    def refuse(self, search_id: str, reason: str) -> None:
        """Ends a search that can't be answered, with the reason."""
        answer = {"status": "quarantined", "reason": reason}
        self._changes.answers.append(
            {"search_id": search_id, "probes": [], "returned": [], "answer": answer, "part": None}
        )

    def append(self, offset: int, submitted_at: int | None) -> None:
        """Compares what the record that was applied last made findable with the faces of all open searches.

        One whose time was over when the record was submitted ends instead.
        """
        searches = self._staged.searches
        if not searches:
            return
        asked: dict[str, list[StandingSearch]] = {}
        added: dict[str, list[tuple[Media, Media | None]]] = {}
        for media_id, before in self._staged.media_before.items():
            media = self._staged.media.get(media_id)
            if media is None or media.scope is None:
                continue
            for within in (REGISTER, *(f"case:{case_id}" for case_id in sorted(media.memberships))):
                if within not in asked:
                    asked[within] = searches.within(within)
                for search in asked[within]:
                    added.setdefault(search.search_id, []).append((media, before))
        for search_id in sorted(added):
            search = searches.get(search_id)
            if search is not None and search.through < offset:
                self._add(search, offset, submitted_at, added[search_id])

    def end(self, search_id: str, because: str) -> None:
        """The search is open no more; of one that is not open nothing changes."""
        if self._staged.searches.get(search_id) is not None:
            self._staged.searches.remove(search_id)
            self._changes.ended_searches.append({"search_id": search_id, "because": because})

    def end_with_case(self, case_id: str, because: str) -> None:
        """Ends the open searches that this case asks, or that ask in it."""
        for search in [search for search in self._staged.searches.all() if case_id in search.cases]:
            self.end(search.search_id, because)

    # --- the first part ------------------------------------------------------------------------------------------

    def _answer(self, search: StandingSearch, offset: int, *, keep_asking: bool) -> None:
        """Stages the answer: every found face with its best score over the search's faces, best first."""
        known = [face for face in map(self._staged.faces.get, search.faces) if face is not None]
        mine, surely = self._probes(search)
        without = self._own_media(search)
        reach = self._reach(search, without)
        able = any(face.vector is not None for face in known)
        status = "answered" if able else "too_poor" if known else "no_face"
        best: dict[str, tuple[float, str]] = {}
        for face, near in zip(mine, self._near(mine, search) if mine else [], strict=True):
            for other, score in near:
                if other.media_id not in without and self._findable(other, search):
                    _keep_best(best, other.face_id, score, face.face_id)
        mean = _mean_of(search, mine) if surely else None
        if mean is not None:
            for other, score in self._compare.near_mean(mean.vector):
                if other.media_id not in without and self._findable(other, search) and other.vector is not None:
                    _keep_best(best, other.face_id, score, mean.nearest(other.vector)[0])
        reach = reach if mine else replace(reach, compared=0)
        part = self._part(0, offset, reach, self._calibration.threshold(reach.compared))
        answer: dict[str, Any] = {
            "status": status, "gallery_offset": offset, "gallery_size": part["gallery_size"],
            "compared": reach.compared, "too_poor": reach.too_poor, "no_face": reach.no_face,
            "model_id": self._calibration.model_id, "threshold": part["threshold"],
        }  # fmt: skip
        if mine and self._stays_open(search, keep_asking):
            answer["open"] = True
            if self._staged.searches.get(search.search_id) is None:  # else it is read again
                self._staged.searches.put(search.search_id, search)
        self._changes.answers.append(
            {
                "search_id": search.search_id,
                "probes": [face.face_id for face in known],
                "returned": self._returned(search, best, part["threshold"] if surely else None),
                "answer": answer,
                "part": part,
            }
        )

    def _near(self, faces: Sequence[Face], search: StandingSearch) -> list[list[tuple[Face, float]]]:
        """What each face resembles: single faces and, in the register, victims by their mean, as their nearest face."""
        if search.within != REGISTER:
            return self._compare.everyone_like(faces, search.within.removeprefix("case:"))
        means = self._compare.victims_like(faces)
        return [[*single, *mean] for single, mean in zip(self._compare.everyone_like(faces), means, strict=True)]

    def _stays_open(self, search: StandingSearch, keep_asking: bool) -> bool:
        known = filter(None, map(self._staged.cases.get, search.cases))
        return (keep_asking or search.within != REGISTER) and all(case.open for case in known)

    def _reach(self, search: StandingSearch, without: frozenset[str]) -> Coverage:
        """What the search covers, but for the media in `without`."""
        case = self._staged.cases.get(search.within.removeprefix("case:")) if search.within != REGISTER else None
        if case is not None and not case.open:
            # Memberships in closed cases are in no count; such a search is rare.
            found = (self._counted(search, media) for media in self._staged.media_of_case(case.case_id))
            reach = sum(found, Coverage())
        else:
            reach = self._staged.coverage(search.case_id, search.within)
        for media in filter(None, map(self._staged.media.get, without)):
            own = self._counted(search, media)
            reach += Coverage(-own.compared, -own.too_poor, -own.no_face)
        return reach

    def _counted(self, search: StandingSearch, media: Media) -> Coverage:
        faces = [face for face in map(self._staged.faces.get, media.faces) if face is not None]
        found = [face for face in faces if self._findable(face, search)]
        empty = not media.faces and media.scope is not None and _findable(media, media.scope, search)
        poor = sum(face.vector is None for face in found)
        return Coverage(len(found) - poor, poor, int(empty))

    # --- later parts ---------------------------------------------------------------------------------------------

    def _add(
        self, search: StandingSearch, offset: int, submitted_at: int | None, media: Iterable[tuple[Media, Media | None]]
    ) -> None:
        """Stages what these media, each with what it was before, add to the answer; nothing where they add nothing."""
        without = self._own_media(search)
        probes, surely = self._probes(search)
        reach, new = Coverage(), list[Face]()
        for now, before in media:
            if now.media_id in without or not probes:
                continue
            faces = [face for face in map(self._staged.faces.get, now.faces) if face is not None]
            found = [face for face in faces if self._is_new(search, face, now, before)]
            new += [face for face in found if face.vector is not None]
            poor = sum(face.vector is None for face in found)
            reach += Coverage(len(found) - poor, poor, int(self._is_newly_empty(search, now, before)))
        if reach == Coverage():
            return
        if search.until is not None and submitted_at is not None and submitted_at > search.until:
            self.end(search.search_id, "time")
            return
        best: dict[str, tuple[float, str]] = {}
        if new:
            stacked = np.stack([face.vector for face in new if face.vector is not None])
            asked = {face.face_id: face.vector for face in probes if face.vector is not None}
            for probe, scores in zip(asked, all_scores(np.stack([*asked.values()]), stacked), strict=True):
                for at in np.flatnonzero(scores >= self._calibration.floor):
                    _keep_best(best, new[at].face_id, float(scores[at]), probe)
            if surely and (mean := _mean_of(search, probes)) is not None:
                (scores,) = all_scores(mean.vector[None], stacked)
                for at in np.flatnonzero(scores >= self._calibration.floor + MEAN_PENALTY):
                    nearest, _ = mean.nearest(stacked[at])
                    _keep_best(best, new[at].face_id, float(scores[at]) - MEAN_PENALTY, nearest)
        # By all that the search covers: the few faces of one record alone would be similar too easily.
        threshold = self._calibration.threshold(self._reach(search, without).compared)
        returned = self._returned(search, best, threshold if surely else None)
        grows = search.tail is not None and not returned
        number = search.part if grows else search.part + 1
        covered = reach + search.tail if grows and search.tail is not None else reach
        self._changes.answer_parts[search.search_id, number] = {
            "search_id": search.search_id, "returned": returned, "part": self._part(number, offset, covered, threshold),
        }  # fmt: skip
        extended = replace(search, part=number, tail=None if returned else covered, through=offset)
        self._staged.searches.put(search.search_id, extended)

    def _is_new(self, search: StandingSearch, face: Face, now: Media, before: Media | None) -> bool:
        """Whether the search may find the face now, and could not before this record."""
        if not self._findable(face, search):
            return False
        was = self._staged.faces_before.get(face.face_id, face)
        if before is None or before.scope is None or was is None or face.face_id not in before.faces:
            return True
        hidden = was.label in HIDDEN_LABELS
        return not _findable(before, replace(before.scope, hidden=hidden), search) or (
            was.vector is None and face.vector is not None
        )

    def _is_newly_empty(self, search: StandingSearch, now: Media, before: Media | None) -> bool:
        if now.faces or now.scope is None or not _findable(now, now.scope, search):
            return False
        return before is None or before.scope is None or not _findable(before, before.scope, search)

    # --- both ----------------------------------------------------------------------------------------------------

    def _own_media(self, search: StandingSearch) -> frozenset[str]:
        """The pictures that are no answer: those of the faces that a search for known ones asks for."""
        known = () if search.uploaded else map(self._staged.faces.get, search.faces)
        return frozenset(face.media_id for face in known if face is not None)

    def _probes(self, search: StandingSearch) -> tuple[list[Face], bool]:
        """The faces that the search compares by; where all are poor, these and False: for leads only."""
        known = [face for face in map(self._staged.faces.get, search.faces) if face is not None]
        good = [face for face in known if face.vector is not None and not face.leads_only]
        poor = [face if face.vector is not None else replace(face, vector=face.poor) for face in known]
        return (good, True) if good else ([face for face in poor if face.vector is not None], False)

    def _part(self, number: int, offset: int, reach: Coverage, threshold: float) -> dict[str, Any]:
        return {
            "number": number, "offset": offset, "gallery_size": self._staged.size(), "compared": reach.compared,
            "too_poor": reach.too_poor, "no_face": reach.no_face, "model_id": self._calibration.model_id,
            "threshold": threshold,
        }  # fmt: skip

    def _returned(
        self, search: StandingSearch, best: Mapping[str, tuple[float, str]], threshold: float | None
    ) -> list[dict[str, Any]]:
        """What was found by rank; the register's answer is capped, one case's answer is not.

        Without a threshold all of it are leads, and any face that gives leads only is one.
        """
        found = [Similar(face_id, score, "", False) for face_id, (score, _) in best.items()]
        if search.within == REGISTER:
            found = people_within(found, search.limit, self._person)
        return [
            {
                "face_id": item.face_id,
                "rank": rank,
                "score": item.score,
                "above": threshold is not None and item.score >= threshold and not self._leads_only(item.face_id),
                "probe_face_id": best[item.face_id][1],
            }
            for rank, item in enumerate(sorted(found, key=order), 1)
        ]

    def _leads_only(self, face_id: str) -> bool:
        face = self._staged.faces.get(face_id)
        return face is not None and face.leads_only

    def _person(self, face_id: str) -> str:
        """Who counts as one person in the register's list: a victim, a group, else the face itself."""
        face = self._staged.faces.get(face_id)
        if face is not None and face.victim_id is not None:
            return f"victim {face.victim_id}"
        return min(self._staged.groups.groups_of(face_id).values(), default=face_id)

    def _findable(self, face: Face, search: StandingSearch) -> bool:
        media, scope = self._staged.media.get(face.media_id), self._staged.scope_of(face)
        return media is not None and scope is not None and _findable(media, scope, search)


def _findable(media: Media, scope: InScope, search: StandingSearch) -> bool:
    scopes = {case_id: member.scope for case_id, member in media.memberships.items()}
    return may_find(scope, scopes, search.case_id, search.within)


def _mean_of(search: StandingSearch, probes: Iterable[Face]) -> VictimMean | None:
    """The mean of the faces by which a search asks for one person; None with fewer than two, or of an uploaded picture,
    whose faces are several people's.

    Of FG-NET's people to 18 years the best single picture found 78.7 % of the others first among all strangers, the
    better of it and the mean 81.2 % (2.5 points more, 95 % interval 0.9 to 4.5; without the pictures of three years
    around the one to find 66.4 for 63.9 %). The mean alone and means by age were no better than both.
    """
    if search.uploaded:
        return None
    return mean_of("", {face.face_id: face.vector for face in probes if face.vector is not None})


def _keep_best(best: dict[str, tuple[float, str]], face_id: str, score: float, probe: str) -> None:
    """Of equal scores the one by the smaller probe: after a restart the probes come in another order."""
    if face_id not in best or (-score, probe) < (-best[face_id][0], best[face_id][1]):
        best[face_id] = (score, probe)
