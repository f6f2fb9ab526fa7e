"""Answers of people's searches, each at its record of the gallery log, and the parts that later records add to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from graph.actions.link.writes import GraphWrites
from graph.domain.comparison import HIDDEN_LABELS, InScope, Similar, may_find, order, people_within
from streams.gallery.counts import Coverage
from streams.gallery.entities import Face, Media
from streams.gallery.matrix import all_scores
from streams.gallery.means import MEAN_PENALTY, VictimMean, mean_of
from streams.gallery.standing_searches import REGISTER, StandingSearch
from streams.gallery.state import Staged
from streams.link.compare import Comparer
from streams.records.gallery import SearchAsked
from streams.records.incoming import SearchProbe

MediaChange = tuple[Media, Media | None]
"""A media after and before a record."""


class Answers:
    """Answers searches within a batch: reads the gallery and everything that the batch has staged so far."""

    def __init__(self, staged: Staged, changes: GraphWrites, compare: Comparer) -> None:
        self._staged = staged
        self._changes = changes
        self._lookup = compare.lookup
        self._calibration = compare.calibration

    def answer_stored(self, asked: SearchAsked) -> None:
        """Answers a search for stored faces; the pictures of these are no answer to it."""
        self._answer(self._search(asked, tuple(asked.faces), uploaded=False), keep_asking=asked.keep_asking)

    def answer_upload(self, asked: SearchProbe, media: Media) -> None:
        """Answers a search with an uploaded picture, whose faces are stored by the same record.

        If the same bytes belong to a case that the search may see, the picture itself is an answer.
        """
        self._answer(self._search(asked, media.faces, uploaded=True), keep_asking=asked.keep_asking)

    def refuse(self, search_id: str, reason: str) -> None:
        """Ends a search that cannot be answered, with the reason."""
        answer = {"status": "quarantined", "reason": reason}
        row: dict[str, Any] = {"search_id": search_id, "probes": [], "returned": [], "answer": answer, "part": None}
        self._changes.answers.append(row)

    def extend(self, submitted_at: int | None) -> None:
        """Adds to the open searches' answers what the record that was just applied made findable.

        A search whose time was over when the record was submitted is ended instead.
        """
        searches = self._staged.searches
        if not searches:
            return
        open_within: dict[str, list[StandingSearch]] = {}
        changed: dict[str, list[MediaChange]] = {}
        for media_id, before in self._staged.media_before.items():
            media = self._staged.media.get(media_id)
            if media is None or media.scope is None:
                continue
            for within in (REGISTER, *(f"case:{case_id}" for case_id in sorted(media.memberships))):
                if within not in open_within:
                    open_within[within] = searches.within(within)
                for search in open_within[within]:
                    changed.setdefault(search.search_id, []).append((media, before))
        for search_id in sorted(changed):
            search = searches.get(search_id)
            if search is not None and search.through < self._changes.last:
                self._add_part(search, submitted_at, changed[search_id])

    def end(self, search_id: str, because: str) -> None:
        """Ends an open search; does nothing for any other."""
        if self._staged.searches.get(search_id) is not None:
            self._staged.searches.remove(search_id)
            self._changes.ended_searches.append({"search_id": search_id, "because": because})

    def end_with_case(self, case_id: str, because: str) -> None:
        """Ends the open searches that this case asks, or that search in it."""
        for search in [search for search in self._staged.searches.all() if case_id in search.cases]:
            self.end(search.search_id, because)

    # --- the first part ------------------------------------------------------------------------------------------

    def _search(self, asked: SearchAsked | SearchProbe, faces: tuple[str, ...], *, uploaded: bool) -> StandingSearch:
        return StandingSearch(
            asked.search_id,
            asked.case_id,
            asked.within,
            asked.limit,
            faces,
            uploaded=uploaded,
            until=asked.until,
            through=self._changes.last,
        )

    def _answer(self, search: StandingSearch, *, keep_asking: bool) -> None:
        """Stages the answer: each found face with its best score over the query faces, best first."""
        known = [face for face in map(self._staged.faces.get, search.faces) if face is not None]
        queries, reliable = self._queries(search)
        excluded = self._own_media(search)
        coverage = self._coverage(search, excluded)
        able = any(face.vector is not None for face in known)
        status = "answered" if able else "too_poor" if known else "no_face"
        best: dict[str, tuple[float, str]] = {}
        for face, similar in zip(queries, self._similar(queries, search) if queries else [], strict=True):
            for other, score in similar:
                if other.media_id not in excluded and self._is_findable(other, search):
                    _keep_best(best, other.face_id, score, face.face_id)
        mean = _mean_of(search, queries) if reliable else None
        if mean is not None:
            for other, score in self._lookup.faces_near_mean(mean.vector):
                if other.media_id not in excluded and self._is_findable(other, search) and other.vector is not None:
                    _keep_best(best, other.face_id, score, mean.nearest(other.vector)[0])
        coverage = coverage if queries else replace(coverage, compared=0)
        part = self._part(0, coverage, self._calibration.threshold(coverage.compared))
        facts = {name: value for name, value in part.items() if name not in {"number", "offset"}}
        answer: dict[str, Any] = {"status": status, "gallery_offset": part["offset"], **facts}
        if queries and self._stays_open(search, keep_asking):
            answer["open"] = True
            if self._staged.searches.get(search.search_id) is None:  # else it is a replay
                self._staged.searches.put(search.search_id, search)
        self._changes.answers.append(
            {
                "search_id": search.search_id,
                "probes": [face.face_id for face in known],
                "returned": self._returned(search, best, part["threshold"] if reliable else None),
                "answer": answer,
                "part": part,
            }
        )

    def _similar(self, faces: Sequence[Face], search: StandingSearch) -> list[list[tuple[Face, float]]]:
        """For each face, similar faces and, in the register, nearest faces of victims with a similar mean."""
        if search.within != REGISTER:
            return self._lookup.similar_faces(faces, search.within.removeprefix("case:"))
        means = self._lookup.similar_victims(faces)
        return [[*single, *mean] for single, mean in zip(self._lookup.similar_faces(faces), means, strict=True)]

    def _stays_open(self, search: StandingSearch, keep_asking: bool) -> bool:
        known = filter(None, map(self._staged.cases.get, search.cases))
        return (keep_asking or search.within != REGISTER) and all(case.open for case in known)

    def _coverage(self, search: StandingSearch, excluded: frozenset[str]) -> Coverage:
        """What the search covers, without the `excluded` media."""
        case = self._staged.cases.get(search.within.removeprefix("case:")) if search.within != REGISTER else None
        if case is not None and not case.open:
            # The counts do not include memberships in closed cases; such a search is rare.
            counted = (self._counted(search, media) for media in self._staged.media_of_case(case.case_id))
            coverage = sum(counted, Coverage())
        else:
            coverage = self._staged.coverage(search.case_id, search.within)
        for media in filter(None, map(self._staged.media.get, excluded)):
            coverage -= self._counted(search, media)
        return coverage

    def _counted(self, search: StandingSearch, media: Media) -> Coverage:
        found = [face for face in self._staged.faces_of(media) if self._is_findable(face, search)]
        empty = not media.faces and media.scope is not None and _is_findable(media, media.scope, search)
        poor = sum(face.vector is None for face in found)
        return Coverage(len(found) - poor, poor, int(empty))

    # --- later parts ---------------------------------------------------------------------------------------------

    def _add_part(self, search: StandingSearch, submitted_at: int | None, changed: Iterable[MediaChange]) -> None:
        """Stages what these media add to the answer, if anything."""
        excluded = self._own_media(search)
        queries, reliable = self._queries(search)
        added, new = Coverage(), list[Face]()
        for now, before in changed:
            if now.media_id in excluded or not queries:
                continue
            found = [face for face in self._staged.faces_of(now) if self._is_newly_findable(search, face, now, before)]
            new += [face for face in found if face.vector is not None]
            poor = sum(face.vector is None for face in found)
            added += Coverage(len(found) - poor, poor, int(self._is_newly_empty(search, now, before)))
        if added == Coverage():
            return
        if search.until is not None and submitted_at is not None and submitted_at > search.until:
            self.end(search.search_id, "time")
            return
        best = self._best_of(new, queries, _mean_of(search, queries) if reliable else None) if new else {}
        # By everything that the search covers: with the few faces of one record the threshold would be too low.
        threshold = self._calibration.threshold(self._coverage(search, excluded).compared)
        returned = self._returned(search, best, threshold if reliable else None)
        extends = search.tail is not None and not returned
        number = search.part if extends else search.part + 1
        covered = added + search.tail if extends and search.tail is not None else added
        part = self._part(number, covered, threshold)
        row = {"search_id": search.search_id, "returned": returned, "part": part}
        self._changes.answer_parts[search.search_id, number] = row
        tail = None if returned else covered
        search = replace(search, part=number, tail=tail, through=self._changes.last)
        self._staged.searches.put(search.search_id, search)

    def _best_of(
        self, new: Sequence[Face], queries: Iterable[Face], mean: VictimMean | None
    ) -> dict[str, tuple[float, str]]:
        """The new faces, all with vectors, that are similar to a query or the mean: best score and its query face."""
        best: dict[str, tuple[float, str]] = {}
        floor = self._calibration.floor
        stacked = np.stack([face.vector for face in new if face.vector is not None])
        vectors = {face.face_id: face.vector for face in queries if face.vector is not None}
        for query, scores in zip(vectors, all_scores(np.stack([*vectors.values()]), stacked), strict=True):
            for at in np.flatnonzero(scores >= floor).tolist():
                _keep_best(best, new[at].face_id, float(scores[at]), query)
        if mean is not None:
            (scores,) = all_scores(mean.vector[None], stacked)
            for at in np.flatnonzero(scores >= floor + MEAN_PENALTY).tolist():
                nearest, _ = mean.nearest(stacked[at])
                _keep_best(best, new[at].face_id, float(scores[at]) - MEAN_PENALTY, nearest)
        return best

    def _is_newly_findable(self, search: StandingSearch, face: Face, now: Media, before: Media | None) -> bool:
        """Whether the search may find the face after the record, and could not before."""
        if not self._is_findable(face, search):
            return False
        was = self._staged.faces_before.get(face.face_id, face)
        if before is None or before.scope is None or was is None or face.face_id not in before.faces:
            return True
        hidden = was.label in HIDDEN_LABELS
        return not _is_findable(before, replace(before.scope, hidden=hidden), search) or (
            was.vector is None and face.vector is not None
        )

    def _is_newly_empty(self, search: StandingSearch, now: Media, before: Media | None) -> bool:
        if now.faces or now.scope is None or not _is_findable(now, now.scope, search):
            return False
        return before is None or before.scope is None or not _is_findable(before, before.scope, search)

    # --- both ----------------------------------------------------------------------------------------------------

    def _own_media(self, search: StandingSearch) -> frozenset[str]:
        """The media that are no answer: those of the query faces of a search for stored faces."""
        known = () if search.uploaded else map(self._staged.faces.get, search.faces)
        return frozenset(face.media_id for face in known if face is not None)

    def _queries(self, search: StandingSearch) -> tuple[list[Face], bool]:
        """The query faces, and whether they are good enough for more than leads; poor ones only if all are poor."""
        known = [face for face in map(self._staged.faces.get, search.faces) if face is not None]
        good = [face for face in known if face.vector is not None and not face.leads_only]
        poor = [face if face.vector is not None else replace(face, vector=face.poor) for face in known]
        return (good, True) if good else ([face for face in poor if face.vector is not None], False)

    def _part(self, number: int, coverage: Coverage, threshold: float) -> dict[str, Any]:
        return {
            "number": number,
            "offset": self._changes.last,
            "gallery_size": self._staged.size(),
            "compared": coverage.compared,
            "too_poor": coverage.too_poor,
            "no_face": coverage.no_face,
            "model_id": self._calibration.model_id,
            "threshold": threshold,
        }

    def _returned(
        self, search: StandingSearch, best: Mapping[str, tuple[float, str]], threshold: float | None
    ) -> list[dict[str, Any]]:
        """The found faces by rank; capped in the register, complete in one case.

        Without a threshold all are leads; a face that gives leads only is always one.
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
        """The person that a face counts as in the register's list: its victim, else its group, else itself."""
        face = self._staged.faces.get(face_id)
        if face is not None and face.victim_id is not None:
            return f"victim {face.victim_id}"
        return min(self._staged.groups.groups_of(face_id).values(), default=face_id)

    def _is_findable(self, face: Face, search: StandingSearch) -> bool:
        media, scope = self._staged.media.get(face.media_id), self._staged.scope_of(face)
        return media is not None and scope is not None and _is_findable(media, scope, search)


def _is_findable(media: Media, scope: InScope, search: StandingSearch) -> bool:
    scopes = {case_id: member.scope for case_id, member in media.memberships.items()}
    return may_find(scope, scopes, search.case_id, search.within)


def _mean_of(search: StandingSearch, queries: Iterable[Face]) -> VictimMean | None:
    """The mean of a search's faces of one person; None for fewer than two, and for an upload: it may show several.

    Of FG-NET's people to 18 years the best single picture found 78.7 % of the others first among all strangers, the
    better of it and the mean 81.2 % (2.5 points more, 95 % interval 0.9 to 4.5; without the pictures of three years
    around the one to find 66.4 for 63.9 %). The mean alone and means by age were no better than both.
    """
    if search.uploaded:
        return None
    return mean_of("", {face.face_id: face.vector for face in queries if face.vector is not None})


def _keep_best(best: dict[str, tuple[float, str]], face_id: str, score: float, query: str) -> None:
    """Of equal scores keeps the smaller query face: after a restart these are in another order."""
    if face_id not in best or (-score, query) < (-best[face_id][0], best[face_id][1]):
        best[face_id] = (score, query)
