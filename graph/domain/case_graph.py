"""The people, cases and pictures around one focus of a case, as nodes and edges of limited number. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from graph.domain.queue import Kind, Subject
from graph.domain.threads import Column, Strength, Thread

NODES_MAX: Final = 300
"""More nodes than this are no picture that anybody can read."""
MEDIA_SHARE: Final = 3
"""At most every third node is a picture, so that pictures leave room for people."""
PEOPLE_MAX: Final = NODES_MAX - NODES_MAX // MEDIA_SHARE
"""People and cases of a whole graph."""


class NodeKind(StrEnum):
    CASE = "case"
    VICTIM = "victim"
    GROUP = "group"
    FACE = "face"
    MEDIA = "media"


@dataclass(frozen=True, slots=True)
class Node:
    """A person, case or picture; `id` is None for hidden cases of one district and contact.

    `key` names the node in this graph. `face_id` is a face of a person to show; `faces` counts all of that person.
    `number` is that of a person's row in the table of threads, from 1.
    """

    key: str
    kind: NodeKind
    id: str | None
    district: str | None = None
    contact: str | None = None
    face_id: str | None = None
    faces: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True)
class Edge:
    """A line between two nodes, by their numbers.

    Between a person and another case: its thread, with `strength`. Without one: a person is in this case or in a
    picture, or `media` pictures lie in this case and another.
    """

    a: int
    b: int
    strength: Strength | None = None
    thread: Thread | None = None
    media: int = 0


@dataclass
class CaseGraph:
    """Nodes, the case at hand first, and edges; `left_out` counts the nodes that had no room, by kind."""

    nodes: list[Node] = field(default_factory=list[Node])
    edges: list[Edge] = field(default_factory=list[Edge])
    left_out: dict[NodeKind, int] = field(default_factory=dict[NodeKind, int])
    numbers: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, node: Node) -> int:
        """The number of the node, which is added unless the graph has it."""
        if node.key not in self.numbers:
            self.numbers[node.key] = len(self.nodes)
            self.nodes.append(node)
        return self.numbers[node.key]


def key_of(column: Column) -> str:
    """The key of another case; hidden cases have that of their district and contact."""
    return f"case:{column.case_id}" if column.case_id else f"hidden:{column.district}:{column.contact}"


def around(threads: Mapping[Subject, Mapping[Column, Thread]], focus: str) -> list[Subject]:
    """The people of a case, those nearest to the focus first: the focus itself, then whoever shares most cases with it.

    The focus is the key of a person or of another case; any other text is the case at hand, and everybody is as near.
    """
    wanted = {key_of(column) for person, cells in threads.items() if str(person) == focus for column in cells} or {
        focus
    }

    def nearness(person: Subject) -> tuple[bool, int]:
        return str(person) != focus, -len(wanted & {key_of(column) for column in threads[person]})

    return sorted(threads, key=nearness)


def case_graph(
    case_id: str,
    threads: Mapping[Subject, Mapping[Column, Thread]],
    media: Mapping[Column, int],
    nearest: Sequence[Subject],
    faces: Mapping[Subject, Collection[Mapping[str, str]]],
    limit: int = NODES_MAX,
) -> CaseGraph:
    """The graph of the `nearest` people with their cases, and of pictures that show several of them.

    `faces` has the faces (face_id, media_id) of these people in the case, the best picture first.
    """
    graph = CaseGraph()
    here = graph.add(Node(f"case:{case_id}", NodeKind.CASE, case_id))
    shown: list[Subject] = []
    numbers = {person: number for number, person in enumerate(threads, 1)}
    room = limit - limit // MEDIA_SHARE
    for person in nearest:
        if len(graph.nodes) + 1 >= room:
            break
        shown.append(person)
        number = graph.add(_person(person, numbers[person], faces.get(person, ())))
        graph.edges.append(Edge(here, number))
        for column, thread in threads[person].items():
            if key_of(column) in graph.numbers or len(graph.nodes) < room:
                graph.edges.append(Edge(number, graph.add(_case(column)), thread.strength, thread))
    for column, number in media.items():
        if key_of(column) in graph.numbers:
            graph.edges.append(Edge(here, graph.numbers[key_of(column)], media=number))
    together = _pictures_of_several(shown, faces)
    for media_id, people in together[: limit - len(graph.nodes)]:
        number = graph.add(Node(f"media:{media_id}", NodeKind.MEDIA, media_id))
        graph.edges += [Edge(graph.numbers[str(person)], number) for person in people]
    _count_rest(graph, threads, len(together))
    return graph


def _count_rest(graph: CaseGraph, threads: Mapping[Subject, Mapping[Column, Thread]], media: int) -> None:
    """Sets `left_out`."""
    for person in threads:
        if str(person) not in graph.numbers:
            kind = NodeKind(person.kind.value)
            graph.left_out[kind] = graph.left_out.get(kind, 0) + 1
    cases = {key_of(column) for cells in threads.values() for column in cells} - graph.numbers.keys()
    pictures = media - sum(node.kind is NodeKind.MEDIA for node in graph.nodes)
    graph.left_out |= {kind: n for kind, n in ((NodeKind.CASE, len(cases)), (NodeKind.MEDIA, pictures)) if n}


def _pictures_of_several(
    people: Iterable[Subject], faces: Mapping[Subject, Collection[Mapping[str, str]]]
) -> list[tuple[str, list[Subject]]]:
    """The pictures that show more than one of these people, those of the most people first."""
    together: dict[str, list[Subject]] = {}
    for person in people:
        for media_id in sorted({face["media_id"] for face in faces.get(person, ())}):
            together.setdefault(media_id, []).append(person)
    several = [item for item in together.items() if len(item[1]) > 1]
    return sorted(several, key=lambda item: (-len(item[1]), item[0]))


def _person(person: Subject, number: int, faces: Collection[Mapping[str, str]]) -> Node:
    best = next(iter(faces), None)
    kind = {Kind.VICTIM: NodeKind.VICTIM, Kind.GROUP: NodeKind.GROUP, Kind.FACE: NodeKind.FACE}[person.kind]
    face_id = best["face_id"] if best else None
    return Node(str(person), kind, person.id, face_id=face_id, faces=len(faces), number=number)


def _case(column: Column) -> Node:
    return Node(key_of(column), NodeKind.CASE, column.case_id, column.district, column.contact)
