"""How well links match people: pairs of one person that are joined, pairs of two that are proposed. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, NamedTuple


class Portrait(NamedTuple):
    """A picture of a person; `media` is empty where it was not accepted."""

    person: str
    file: str
    media: str


class WrongPair(NamedTuple):
    """Pictures of two people with a candidate link between them."""

    a: str
    b: str
    score: float
    main: bool
    """Whether the link joins the people whom the pictures are named by, and not somebody in the background."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate link: two media, the score, and whether it joins the main face of both."""

    a: str
    b: str
    score: float
    main: bool = True


@dataclass(frozen=True, slots=True)
class Joins:
    """Pairs of pictures of one person and whether links join them; pairs of two people that links propose."""

    same_pairs: int
    missed: list[tuple[Portrait, Portrait]]
    different_pairs: int
    wrong: list[WrongPair]

    @property
    def joined(self) -> float:
        """Share of the pairs of one person that are joined, directly or through that person's other pictures."""
        return 1 - len(self.missed) / self.same_pairs if self.same_pairs else 1.0

    @property
    def wrong_per_1000(self) -> float:
        return 1000 * len(self.wrong) / self.different_pairs if self.different_pairs else 0.0

    def as_json(self) -> dict[str, Any]:
        return {
            "same_pairs": self.same_pairs,
            "joined_pairs": self.same_pairs - len(self.missed),
            "joined": round(self.joined, 5),
            "different_pairs": self.different_pairs,
            "wrong_pairs": len(self.wrong),
            "wrong_pairs_of_main_faces": sum(pair.main for pair in self.wrong),
            "wrong_per_1000": round(self.wrong_per_1000, 5),
        }


def joins_of(portraits: Sequence[Portrait], candidates: Iterable[Candidate]) -> Joins:
    """The joins that candidate links make among the portraits."""
    by_media: defaultdict[str, list[Portrait]] = defaultdict(list)
    people: defaultdict[str, list[Portrait]] = defaultdict(list)
    for portrait in portraits:
        people[portrait.person].append(portrait)
        if portrait.media:
            by_media[portrait.media].append(portrait)
    own: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    wrong: dict[tuple[str, str], WrongPair] = {}
    for link in sorted(candidates, key=lambda link: link.score):
        for a, b in product(by_media[link.a], by_media[link.b]):
            if a.person == b.person:
                own[a.person].append((a.media, b.media))
            else:
                pair = (min(a.file, b.file), max(a.file, b.file))
                wrong[pair] = WrongPair(*pair, link.score, link.main)
    missed = [pair for person, shown in people.items() for pair in _missed(shown, own[person])]
    same = sum(len(shown) * (len(shown) - 1) // 2 for shown in people.values())
    everything = len(portraits) * (len(portraits) - 1) // 2
    worst = sorted(wrong.values(), key=lambda pair: (-pair.score, pair.a, pair.b))
    return Joins(same, missed, everything - same, worst)


def _missed(shown: Sequence[Portrait], links: Sequence[tuple[str, str]]) -> list[tuple[Portrait, Portrait]]:
    """The pairs of a person's pictures that no chain of links over that person's pictures joins."""
    group = components({portrait.media for portrait in shown if portrait.media}, links)
    return [(a, b) for a, b in combinations(shown, 2) if not a.media or group[a.media] != group.get(b.media)]


def components(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """The name of each node's connected component: one of its nodes."""
    parent = {node: node for node in nodes}

    def root(node: str) -> str:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for a, b in edges:
        parent[root(a)] = root(b)
    return {node: root(node) for node in parent}
