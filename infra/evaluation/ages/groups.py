"""Groups that link would propose in a case full of people of one age: how many of their pairs are strangers. Pure."""

from itertools import combinations
from typing import Final

import numpy as np

from infra.evaluation.accuracy.rates import Metrics
from infra.evaluation.ages.people import AGE_BANDS, Aged, band_name, rate
from infra.evaluation.product_score import ProductScore
from streams.gallery.groups import Groups, Member, StagedGroups

ORDERS: Final = 5
"""Random orders of the pictures: which faces join a group depends on the faces before them."""
CASE: Final = "one"


def measure_groups(aged: Aged, score: ProductScore, seed: int) -> list[Metrics]:
    """By band of ages: `strangers_per_1000` pairs of faces that one group holds, and of all pairs of strangers and of
    one person the share that it holds. One case has all pictures of the band."""
    rows: list[Metrics] = []
    chance = np.random.default_rng(seed)
    for band in AGE_BANDS:
        inside = np.flatnonzero(aged.within(band))
        person, faces = aged.person[inside], aged.faces.of(inside)
        vectors, alike = faces.vectors, score.scores(faces, faces)
        orders = [chance.permutation(len(inside)) for _ in range(ORDERS)]
        pairs = [pair for order in orders for pair in _grouped(alike, vectors, score, order)]
        a, b = np.array(pairs, np.int64).reshape(-1, 2).T
        strangers = person[a] != person[b]
        one, other = np.triu_indices(len(inside), 1)
        different = person[one] != person[other]
        found = rate(strangers, person[a], seed)
        rows.append(
            {
                "ages": band_name(band),
                "pictures": len(inside),
                "pairs": len(pairs) / ORDERS,
                "strangers_per_1000": 1000 * found["value"],
                "interval": [1000 * end for end in found["interval"]],
                "of_strangers": int(strangers.sum()) / ORDERS / max(int(different.sum()), 1),
                "of_mates": int((~strangers).sum()) / ORDERS / max(int((~different).sum()), 1),
            }
        )
    return rows


def _grouped(alike: np.ndarray, vectors: np.ndarray, score: ProductScore, order: np.ndarray) -> list[tuple[int, int]]:
    """The pairs of faces that are in one group after all were added in this order."""
    held, come = Groups(), list[int]()
    groups = StagedGroups(held)

    def member(face_id: str) -> Member:
        return Member(vectors[int(face_id)], face_id, None)

    for face in order.tolist():
        close = [str(other) for other in come if alike[face, other] >= score.group]
        if close:
            groups.add_face(str(face), CASE, close, member, threshold=score.group, offset=face)
        come.append(face)
    groups.merge(held)
    by_group = [sorted(map(int, group.faces)) for group in held.by_id.values()]
    return [pair for faces in by_group for pair in combinations(faces, 2)]
