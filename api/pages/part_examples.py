"""Made-up values for `/app/_parts`: the threads, graph, time line, outcomes and plots in all their states."""

from dataclasses import dataclass
from typing import Final

from api.pages.case import Cell, cells_of
from api.pages.plots import Bars, Plot, bars, plot
from api.pages.victim import ShownFace, Year
from graph.actions.read.answers import Coming
from graph.actions.read.case_graph import Place, PlacedGraph
from graph.actions.read.intake import OUTCOMES, Hour
from graph.actions.read.outcomes import Completeness, Outcome, Waiting
from graph.actions.read.threads import CaseThreads, OtherCase, PersonRow
from graph.actions.read.times import Proposals
from graph.actions.read.victim import VictimFace
from graph.domain.case_graph import CaseGraph, Edge, Node, NodeKind
from graph.domain.queue import Kind, Subject
from graph.domain.threads import Strength, Thread

LONG: Final = "local:2026-001 " + "long " * 12


@dataclass(frozen=True, slots=True)
class Examples:
    """One value for each part; crops are left out, as no face has these ids."""

    full: Completeness
    empty: Completeness
    threads: CaseThreads
    cells: dict[Subject, list[Cell]]
    graph: PlacedGraph
    years: list[Year]
    hours: tuple[Hour, ...]
    bars: Bars
    days: tuple[Proposals, ...]
    plot: Plot | None


def _threads() -> CaseThreads:
    columns = tuple(
        OtherCase(case_id, district, contact, people=5 - number, media=number)
        for number, (case_id, district, contact) in enumerate(
            [(LONG, "north", None), ("local:2", "north", None), (None, "south", "duty desk"), (None, None, None)]
        )
    )
    rows = tuple(
        PersonRow(
            person=Subject(kind, f"p{number}"),
            label=label,
            identified=number == 0,
            face_id=None,
            face_ids=("f",) * (number + 1),
            threads={number % 4: Thread(number + 1, None, strength, None), 3: Thread(1, None, Strength.LEAD, None)},
        )
        for number, (kind, label, strength) in enumerate(
            [
                (Kind.VICTIM, LONG, Strength.APPROVED),
                (Kind.VICTIM, None, Strength.DECLARED),
                (Kind.GROUP, None, Strength.CONFIRMED),
                (Kind.FACE, None, Strength.CANDIDATE),
            ]
        )
    )
    return CaseThreads(columns, columns[1:], rows, cases=9, people=90, first=26, next=None)


def _graph() -> PlacedGraph:
    nodes = [
        Node("case:local:1", NodeKind.CASE, "local:1"),
        Node("victim:local:child", NodeKind.VICTIM, "local:child", faces=3, number=1),
        Node("group:g", NodeKind.GROUP, "g", faces=2, number=2),
        Node("face:f", NodeKind.FACE, "f", faces=1, number=3),
        Node("media:m", NodeKind.MEDIA, "0123456789abcdef"),
        Node("hidden:south:desk", NodeKind.CASE, None, "south", "desk"),
    ]
    strengths = zip((1, 2, 3), (Strength.APPROVED, Strength.CONFIRMED, Strength.CANDIDATE), strict=True)
    edges = [Edge(0, 1), Edge(1, 4), Edge(2, 4), Edge(0, 5, media=2)]
    edges += [Edge(person, 5, strength, Thread(1, None, strength, None)) for person, strength in strengths]
    points = ((0.5, 0.5), (0.2, 0.1), (0.4, 0.9), (0.9, 0.8), (0.1, 0.6), (0.9, 0.1))
    return PlacedGraph(CaseGraph(nodes, edges), tuple(Place(x, y) for x, y in points))


def _years() -> list[Year]:
    face = ShownFace(VictimFace("f", bases=()), (), "2014-05-01", None, None, is_own=True)
    return [Year("2014", 0, (face,)), Year("2019", 4, (face,) * 14)]


def _outcomes(many: int) -> Completeness:
    return Completeness(
        media={outcome: many * number for number, outcome in enumerate(Outcome, 1)},
        in_part=many,
        faces=many,
        too_poor_faces=many,
        coming=Coming(many),
        quarantined=(Waiting("unprocessable", many, None),),
    )


_THREADS: Final = _threads()
_HOURS: Final = tuple(
    Hour(f"2026-11-20T{hour:02}:00:00+00:00", {name: (hour * place) % 7 for place, name in enumerate(OUTCOMES)})
    for hour in range(24)
)
_DAYS: Final = tuple(Proposals(f"2026-11-{day}", 200, 3.0 * day, 40_000.0 / day) for day in range(10, 29))
EXAMPLES: Final = Examples(
    full=_outcomes(1234),
    empty=_outcomes(0),
    threads=_THREADS,
    cells={row.person: cells_of(row, len(_THREADS.columns)) for row in _THREADS.rows},
    graph=_graph(),
    years=_years(),
    hours=_HOURS,
    bars=bars([hour.events for hour in _HOURS]),
    days=_DAYS,
    plot=plot([(day.half, day.most) for day in _DAYS]),
)
