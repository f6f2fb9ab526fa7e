"""A face that a person calls unrelated or a suspect leaves comparison and searches; taken back it is compared anew."""

import numpy as np
import pytest

from streams.faces.models import MODEL_ID
from streams.link.batch import Batch
from streams.records.gallery import GalleryRecord
from tests.support import factories_streams as make
from tests.support.register import Register, batch_of

RNG = np.random.default_rng(4)
CHILD = make.unit(RNG)
ONE, TWO, THREE = (make.face_id(name) for name in ("one", "two", "three"))


def picture(name: str, case: str, place: int) -> GalleryRecord:
    event = make.submitted(case, "register", make.CASES[case])
    return make.embedded(name, [make.near(RNG, CHILD, 0.95)], event, make.origin(place))


def take(gallery: Register, place: int, record: GalleryRecord) -> Batch:
    batch = batch_of(gallery, MODEL_ID, [(place, record)])
    gallery.merge(batch.staged)
    return batch


def pairs(batch: Batch) -> set[frozenset[str]]:
    return {frozenset((row.a, row.b)) for row in batch.changes.links.values()}


@pytest.mark.parametrize("label", ["unrelated", "suspect"])
def test_a_hidden_face_loses_its_undecided_links_and_is_compared_and_found_no_more(label: str) -> None:
    gallery = Register()
    take(gallery, 0, picture("one", "local:n1", 0))
    assert pairs(take(gallery, 1, picture("two", "local:s1", 1))) == {frozenset((ONE, TWO))}

    hidden = take(gallery, 2, make.label([ONE], label))
    later = take(gallery, 3, picture("three", "local:s2", 3))
    asked = take(gallery, 4, make.search("s", "local:s1", "register", [TWO]))

    assert hidden.scope_reduced == {make.media_id("one")}
    assert not hidden.staged.may_compare(ONE, TWO)
    assert pairs(later) == {frozenset((TWO, THREE))}
    assert [item["face_id"] for item in asked.changes.answers[0]["returned"]] == [THREE]


def test_a_face_hidden_in_the_batch_that_lists_it_as_similar_is_listed_no_more() -> None:
    """Symptom: a suspect's face stayed in `/faces/{id}/similar`, crop and all. Link removes what may be listed no more
    before it writes the batch's own lists; here the hidden face is in one of these."""
    gallery = Register()
    names = ["one", "two", "three", "four"]
    for place, name in enumerate(names):
        take(gallery, place, picture(name, "local:s1", place))
    new = picture("new", "local:n1", 4)
    (cut,) = listed(batch_of(gallery, MODEL_ID, [(4, new)]))

    together = batch_of(gallery, MODEL_ID, [(4, new), (5, make.label([cut], "suspect"))])

    assert together.applied == 2
    assert listed(together) == []


def listed(batch: Batch) -> list[str]:
    """The faces that the batch's one comparison lists as similar."""
    [comparison] = batch.changes.comparisons
    return comparison["cut"][0]["faces"]


def test_a_label_taken_back_recompares_the_face_with_media_that_arrived_meanwhile() -> None:
    gallery = Register()
    take(gallery, 0, picture("one", "local:n1", 0))
    take(gallery, 1, make.label([ONE], "unrelated"))
    take(gallery, 2, picture("two", "local:s1", 2))

    back = take(gallery, 3, make.label([ONE], None, taken_back=[ONE]))

    assert pairs(back) == {frozenset((ONE, TWO))}
    assert back.changes.comparisons[0]["comparison"]["compared"] == 1


def test_a_label_taken_back_is_compared_though_link_loaded_it_before_its_record() -> None:
    """The API writes the label at once: link, started again before the record, saw no change in it and compared no
    one with what had come while the face was hidden."""
    gallery = Register()
    take(gallery, 0, picture("one", "local:n1", 0))
    take(gallery, 1, make.label([ONE], "unrelated"))
    take(gallery, 2, picture("two", "local:s1", 2))
    # As a start would load it: the label is taken back in the graph, its record is still to come.
    take(gallery, 3, make.label([ONE], None))

    assert pairs(take(gallery, 4, make.label([ONE], None, taken_back=[ONE]))) == {frozenset((ONE, TWO))}


def test_other_labels_change_no_comparison_and_a_face_that_is_gone_is_passed_over() -> None:
    gallery = Register()
    take(gallery, 0, picture("one", "local:n1", 0))

    batch = take(gallery, 1, make.label([ONE, "f" * 64], "witness"))

    assert (batch.scope_reduced, batch.changes.links, batch.changes.comparisons) == (set(), {}, [])
    assert pairs(take(gallery, 2, picture("two", "local:s1", 2))) == {frozenset((ONE, TWO))}
