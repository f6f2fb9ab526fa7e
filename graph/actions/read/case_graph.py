"""Reads the graph around a focus of a case, laid out; every access is in the audit before its answer leaves."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import cos, sin, sqrt, tau
from typing import Any, Final

import networkx

from graph.actions.access import Access
from graph.actions.read.case_list import find_case
from graph.actions.read.threads import WITHOUT_LEADS, faces_in_case, surroundings_of, weave
from graph.domain.audit_actions import AuditAction
from graph.domain.case_graph import PEOPLE_MAX, CaseGraph, Edge, Node, NodeKind, around, case_graph
from graph.domain.threads import Strength
from graph.store.session import Tx

ROUNDS: Final = 80
"""Steps of the layout: for 300 nodes a fifth of a second, after which little moves any more."""
SEED: Final = 1
APART: Final = 1.6
"""How far nodes keep apart, as a multiple of the distance between as many points that are spread over a square."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node is drawn: from 0 to 1, to the right and down."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class PlacedGraph:
    """A graph with one place for each node, in their order."""

    graph: CaseGraph
    places: tuple[Place, ...]


async def read_case_graph(
    access: Access, case_id: str, *, focus: str = "", strengths: Collection[Strength] = WITHOUT_LEADS
) -> PlacedGraph:
    """The people, cases and pictures around the focus: the key of a person or of another case, else the case itself."""

    async def work(tx: Tx) -> CaseGraph:
        await find_case(tx, case_id, access.person)
        woven = await weave(tx, case_id, access.person, strengths)
        nearest = around(woven.threads, focus)
        shown = nearest[:PEOPLE_MAX]
        view = (await surroundings_of(tx, woven, shown)).view_of(access.person)
        faces = await faces_in_case(tx, case_id, view, shown)
        return case_graph(case_id, woven.threads, woven.media, nearest, faces)

    graph = await access.store.read(work)
    shown = [name for node in graph.nodes for name in (node.id, node.face_id) if name]
    await access.record(AuditAction.CASE_SEEN, case_id, shown=shown)
    return PlacedGraph(graph, tuple(await asyncio.to_thread(places, graph.nodes, graph.edges)))


def places(nodes: Sequence[Node], edges: Sequence[Edge]) -> list[Place]:
    """The place of each node, of at least one: the first in the middle, the cases around it, the others between them.

    Linked ones are near each other. The same nodes and edges always have the same places.
    """
    graph: networkx.Graph[int] = networkx.Graph()
    graph.add_nodes_from(range(len(nodes)))
    # The first node is joined to every person: with a full pull it would draw them all into one heap.
    graph.add_edges_from((edge.a, edge.b, {"weight": 1.0 if edge.a and edge.b else 0.1}) for edge in edges)
    # Cases that move would be drawn into the middle by the many people that they share, one over the other.
    cases = [number for number, node in enumerate(nodes) if number and node.kind is NodeKind.CASE]
    turns = ((number, tau * turn / len(cases)) for turn, number in enumerate(cases))
    fixed = {0: (0.0, 0.0)} | {number: (cos(turn), sin(turn)) for number, turn in turns}
    start: dict[int, Any] = dict(networkx.circular_layout(graph, scale=0.5)) | fixed
    apart = APART / sqrt(len(nodes))
    found = networkx.spring_layout(graph, apart, start, list(fixed), iterations=ROUNDS, seed=SEED)
    return _fitted((float(x), float(y)) for x, y in (found[number] for number in range(len(nodes))))


def _fitted(points: Iterable[tuple[float, float]]) -> list[Place]:
    """The points stretched over the whole picture in both directions."""
    listed = list(points)
    (left, top), (right, bottom) = (tuple(map(end, zip(*listed, strict=True))) for end in (min, max))
    across, down = right - left or 1.0, bottom - top or 1.0
    return [Place(round((x - left) / across, 4), round((y - top) / down, 4)) for x, y in listed]
