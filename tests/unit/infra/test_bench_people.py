"""What links join is counted by people, over chains of that person's own pictures only."""

import itertools
import random

from infra.evaluation.linked_people import Candidate, Portrait, components, joins_of


def portrait(name: str, media: str | None = None) -> Portrait:
    """The picture `ann-1` shows ann and is its own media unless told otherwise."""
    return Portrait(name.split("-")[0], name, name if media is None else media)


ANN = [portrait(f"ann-{number}") for number in range(4)]
BEN = [portrait(f"ben-{number}") for number in range(2)]


def test_pictures_are_joined_through_other_pictures_of_that_person() -> None:
    joins = joins_of([*ANN, *BEN], [Candidate("ann-0", "ann-1", 0.6), Candidate("ann-1", "ann-2", 0.5)])
    assert joins.same_pairs == 7
    missed = {(a.file, b.file) for a, b in joins.missed}
    assert missed == {("ann-0", "ann-3"), ("ann-1", "ann-3"), ("ann-2", "ann-3"), ("ben-0", "ben-1")}
    assert joins.joined == 1 - 4 / 7


def test_a_chain_over_another_persons_picture_joins_nothing() -> None:
    joins = joins_of([*ANN[:2], *BEN], [Candidate("ann-0", "ben-0", 0.5), Candidate("ben-0", "ann-1", 0.45)])
    assert [(a.file, b.file) for a, b in joins.missed] == [("ann-0", "ann-1"), ("ben-0", "ben-1")]
    assert [(pair.a, pair.b, pair.score) for pair in joins.wrong] == [("ann-0", "ben-0", 0.5), ("ann-1", "ben-0", 0.45)]
    assert joins.wrong_per_1000 == 1000 * 2 / 4


def test_two_links_between_two_pictures_are_one_wrong_pair() -> None:
    joins = joins_of(
        [ANN[0], BEN[0]], [Candidate("ann-0", "ben-0", 0.47, main=False), Candidate("ben-0", "ann-0", 0.41)]
    )
    assert [(pair.a, pair.b, pair.score, pair.main) for pair in joins.wrong] == [("ann-0", "ben-0", 0.47, False)]


def test_the_same_bytes_are_joined_and_a_picture_that_was_not_taken_in_is_missed() -> None:
    same = joins_of([portrait("ann-0", "m"), portrait("ann-1", "m")], [])
    assert same.joined == 1
    assert len(joins_of([portrait("ann-0", ""), portrait("ann-1", "")], []).missed) == 1


def test_components_are_those_of_a_flood_fill() -> None:
    chance = random.Random(3)
    nodes = [str(number) for number in range(60)]
    edges = [(chance.choice(nodes), chance.choice(nodes)) for _ in range(45)]
    found = components(nodes, edges)
    for start in nodes:
        reached, todo = {start}, [start]
        while todo:
            at = todo.pop()
            near = {b for a, b in edges if a == at} | {a for a, b in edges if b == at}
            todo += near - reached
            reached |= near
        assert {node for node in nodes if found[node] == found[start]} == reached
    assert len(list(itertools.groupby(sorted(found.values())))) > 1
