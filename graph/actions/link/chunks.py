"""A batch that is too large for one transaction, as several that are written one after the other. Pure.

Closing, opening or erasing a case concerns every picture in it. In one transaction 20,000 pictures with 60,000
undecided links overflow Neo4j's memory (512 MB of heap), and nobody else could decide or look until it ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from graph.store.session import Row

if TYPE_CHECKING:
    from graph.actions.link.commit import Changes

PART: Final = 500
"""Pictures, faces or links of one transaction: well below a second, so that people's decisions go on in between."""
T = TypeVar("T")


def in_parts(changes: Changes, size: int = PART) -> list[Changes]:
    """The batch in the order in which it is to be written; the last part has the cursor and the notices.

    Each part leaves a graph from which the same batch can be made again, to the same end: what was removed is found no
    more, what was proposed is proposed alike. So undecided links go before the memberships that lead to them, faces
    before their media (a stub keeps its cases), and files with what they belong to. What the batch adds stays in the
    last part, and so do its links: a record is told as new or as a duplicate by what stood there before.
    """
    new = {row["face_id"] for row in changes.faces}
    links = {key: row for key, row in changes.links.items() if not {row.a, row.b} & new}
    comparisons = [row for row in changes.comparisons if new.isdisjoint(_faces_of(row))]
    lists = (changes.narrowed, changes.gone_faces, changes.gone_media, changes.gone_memberships, comparisons, links)
    if max(map(len, lists)) <= size:
        return [changes]
    files = _by_owner(changes.gone_files)

    def of(owners: Iterable[str]) -> list[str]:
        return [name for owner in owners for name in files.pop(owner, ())]

    nothing = type(changes)(changes.first, changes.last)
    early = [replace(nothing, narrowed=set(some)) for some in _pieces(sorted(changes.narrowed), size)]
    early += [replace(nothing, gone_faces=some, gone_files=of(some)) for some in _pieces(changes.gone_faces, size)]
    early += [replace(nothing, gone_media=some, gone_files=of(some)) for some in _pieces(changes.gone_media, size)]
    early += [replace(nothing, gone_memberships=some) for some in _pieces(changes.gone_memberships, size)]
    early += [replace(nothing, comparisons=some) for some in _pieces(comparisons, size)]
    early += [replace(nothing, links=dict(some)) for some in _pieces([*links.items()], size)]
    rest = replace(
        changes, narrowed=set(), gone_faces=[], gone_media=[], gone_memberships=[], gone_files=of([*files]),
        comparisons=[row for row in changes.comparisons if not new.isdisjoint(_faces_of(row))],
        links={key: row for key, row in changes.links.items() if key not in links},
    )  # fmt: skip
    return [*early, rest]


def _faces_of(row: Row) -> list[str]:
    """The faces that a comparison was made for, and those that it lists as similar to them."""
    return [*row["faces"], *(face_id for cut in row["cut"] for face_id in cut["faces"])]


def _by_owner(names: Iterable[str]) -> dict[str, list[str]]:
    """Names of files, `media` or `media/face`, by the face or the media that they belong to."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        found[name.rpartition("/")[2]].append(name)
    return dict(found)


def _pieces(items: Sequence[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece
