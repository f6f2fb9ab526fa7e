"""What link should propose for new faces: every pair compared in float64, every rule applied to it in plain Python."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graph.domain import ids
from graph.domain.calibration import Calibration
from graph.domain.comparison import InScope, Scope, may_compare, similar, within_caps
from streams.gallery.means import MAX_FACES, MEAN_PENALTY
from streams.gallery.scoring import Scorer
from tests.bench.search.draw import BLOCK, SCOPES, Register, case_id, victim_id
from tests.bench.search.gallery import Links, NewFace
from tests.bench.search.store import LABEL, cases_of

Floats = npt.NDArray[np.float64]
DIGITS: Final = 9
"""Decimals of a score."""


def expected_links(register: Register, calibration: Calibration, new: Sequence[NewFace]) -> Links:
    """The links of new faces that come one after the other, by pair of face ids, with their scores."""
    scorer, floor = Scorer(calibration.score), calibration.floor
    queries = scorer.all_scored(np.stack([face.vector for face in new])).astype(np.float64)
    scopes = [_new_scope(register, face) for face in new]
    found: list[dict[str, tuple[InScope, float, str | None]]] = [{} for _ in new]
    means = _Means(register, scorer)
    for start in range(0, register.faces, BLOCK):
        vectors = scorer.all_scored(register.vectors(start, min(start + BLOCK, register.faces))).astype(np.float64)
        scores = (queries @ vectors.T).round(DIGITS)
        for query, row in np.argwhere(scores >= floor).tolist():
            face, scope = start + row, _scope(register, start + row)
            if may_compare(scopes[query], scope):
                found[query][register.face_id(face)] = scope, float(scores[query, row]), _victim(register, face)
        means.see(start, vectors)
    for query, face, score in means.near(queries, floor):
        name = register.face_id(face)
        known = found[query].get(name)
        if scopes[query].register and (known is None or known[1] < score):
            found[query][name] = _scope(register, face), score, _victim(register, face)
    links: Links = {}
    among = (queries @ queries.T).round(DIGITS)
    for place, face in enumerate(new):
        near = [
            similar(scopes[place], scope, name, score, victim) for name, (scope, score, victim) in found[place].items()
        ]
        near += [
            similar(scopes[place], scopes[other], new[other].face_id, float(among[place, other]))
            for other in range(place)
            if among[place, other] >= floor and may_compare(scopes[place], scopes[other])
        ]
        links |= {ids.ordered(face.face_id, item.face_id): item.score for item in within_caps(near)}
    return links


def compared(found: Links, expected: Links) -> dict[str, Any]:
    """How many of the expected links were found, and how many others; a link with another score counts as another."""
    right = sum(found.get(pair) == score for pair, score in expected.items())
    return {"recall": right / max(len(expected), 1), "expected": len(expected), "others": len(found) - right}


class _Means:
    """The victims' means, of the vectors of their faces that the whole register is compared with."""

    def __init__(self, register: Register, scorer: Scorer) -> None:
        counts = (register.victim >= 0) & (register.scope == SCOPES.index("register")) & ~register.is_hidden
        counts &= register.is_open[register.case] | (
            (register.second_case >= 0) & register.is_open[register.second_case]
        )
        self._faces = np.nonzero(counts)[0]
        self._victims = register.victim[self._faces]
        self._vectors: list[Floats] = []

    def see(self, start: int, vectors: Floats) -> None:
        """To be told of all scored vectors, block by block."""
        inside = self._faces[(self._faces >= start) & (self._faces < start + len(vectors))]
        self._vectors.append(vectors[inside - start])

    def near(self, queries: Floats, floor: float) -> Iterator[tuple[int, int, float]]:
        """Query, the nearest of a mean's faces, and the better of its score and the mean's, which is not under
        `floor`."""
        vectors = np.concatenate(self._vectors)
        order = np.argsort(self._victims, kind="stable")  # within a victim in the order of the face ids
        for rows in np.split(order, np.nonzero(np.diff(self._victims[order]))[0] + 1):
            if len(rows) < 2:
                continue
            chosen = vectors[rows[:MAX_FACES]]
            total, length = chosen.mean(axis=0), np.linalg.norm(chosen, axis=1).mean()
            mean = (total * (length / np.linalg.norm(total))).astype(np.float32).astype(np.float64)
            scores = (queries @ mean).round(DIGITS) - MEAN_PENALTY
            for query in np.nonzero(scores >= floor)[0].tolist():
                single = (chosen @ queries[query]).round(DIGITS)
                best = int(np.argmax(single))
                yield query, int(self._faces[rows[best]]), max(float(single[best]), float(scores[query]))


def _scope(register: Register, face: int) -> InScope:
    memberships = {case_id(case): Scope(SCOPES[int(register.scope[face])]) for case in cases_of(register, face)}
    still_open = [case_id(case) for case in cases_of(register, face) if register.is_open[case]]
    label = LABEL if register.is_hidden[face] else None
    return InScope.of(register.media_id(face), memberships, still_open, label)


def _new_scope(register: Register, face: NewFace) -> InScope:
    name = case_id(face.case)
    return InScope.of(face.media_id, {name: face.scope}, [name] if register.is_open[face.case] else [], None)


def _victim(register: Register, face: int) -> str | None:
    return victim_id(int(register.victim[face])) if register.victim[face] >= 0 else None
