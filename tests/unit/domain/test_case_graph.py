"""Which people, cases and pictures a graph of limited size has, and where they are drawn."""

from graph.actions.read.case_graph import places
from graph.domain.case_graph import NodeKind, around, case_graph
from graph.domain.queue import Kind, Subject
from graph.domain.threads import Column, Seen, Strength, Thread, ThreadTable, columns_of

CASE = "local:1"
COLUMNS = [Column(f"local:{number}", "north", None) for number in range(2, 60)]
HIDDEN = Column(None, "south", "desk")


def thread(strength: Strength = Strength.CANDIDATE) -> Thread:
    return Thread(1, None, strength, None)


def person(number: int) -> Subject:
    return Subject(Kind.FACE, f"{number:03}")


def test_a_large_case_has_no_more_nodes_than_allowed_and_counts_the_rest() -> None:
    threads = {person(number): {COLUMNS[number % 50]: thread()} for number in range(400)}
    faces = {each: [{"face_id": each.id, "media_id": f"m{number // 2}"}] for number, each in enumerate(threads)}

    graph = case_graph(CASE, threads, {}, around(threads, ""), faces, limit=60)

    assert len(graph.nodes) <= 60
    shown = sum(node.kind is NodeKind.FACE for node in graph.nodes)
    assert graph.left_out[NodeKind.FACE] == 400 - shown
    cases = sum(node.kind is NodeKind.CASE for node in graph.nodes) - 1
    assert graph.left_out[NodeKind.CASE] == 50 - cases
    assert sum(node.kind is NodeKind.MEDIA for node in graph.nodes) == shown // 2
    assert all(edge.a < len(graph.nodes) and edge.b < len(graph.nodes) for edge in graph.edges)


def test_the_focus_comes_first_then_who_shares_most_cases_with_it() -> None:
    threads = {
        person(1): {COLUMNS[0]: thread(), COLUMNS[1]: thread(), COLUMNS[2]: thread()},
        person(2): {COLUMNS[3]: thread(), COLUMNS[4]: thread()},
        person(3): {COLUMNS[3]: thread(), COLUMNS[4]: thread(), HIDDEN: thread()},
    }
    assert around(threads, str(person(2))) == [person(2), person(3), person(1)]
    assert around(threads, "hidden:south:desk")[0] == person(3)
    assert around(threads, "") == list(threads)


def test_one_person_in_more_cases_than_have_room_is_shown_all_the_same() -> None:
    threads = {person(1): {column: thread() for column in COLUMNS}}
    graph = case_graph(CASE, threads, {}, around(threads, ""), {}, limit=30)
    assert graph.nodes[1].id == "001"
    assert len(graph.nodes) == 20 and graph.left_out == {NodeKind.CASE: 40}


def test_columns_are_ordered_by_people_then_by_id_with_hidden_ones_last() -> None:
    rows = [{COLUMNS[1]: thread(), HIDDEN: thread()}, {COLUMNS[1]: thread(), COLUMNS[0]: thread()}]
    assert list(columns_of(rows, {COLUMNS[5]: 3})) == [COLUMNS[1], COLUMNS[0], HIDDEN, COLUMNS[5]]


def test_a_cell_counts_a_face_once_and_shows_the_best_visible_picture() -> None:
    table = ThreadTable()
    for seen in (
        Seen("a", 0.9, Strength.CONFIRMED, shown=False),
        Seen("b", 0.5, Strength.CANDIDATE, "link-1"),
        Seen("b", 0.5, Strength.CONFIRMED, "link-2"),
        Seen("c", 0.6, Strength.LEAD, "link-3"),
    ):
        table.add(person(1), HIDDEN, seen)
    assert table.threads(list(Strength)) == {person(1): {HIDDEN: Thread(3, "c", Strength.CONFIRMED, "link-2")}}
    assert table.threads([Strength.APPROVED]) == {}


def test_places_are_within_the_picture_and_always_the_same() -> None:
    threads = {person(number): {COLUMNS[number % 7]: thread()} for number in range(40)}
    graph = case_graph(CASE, threads, {}, around(threads, ""), {})
    found = places(graph.nodes, graph.edges)
    assert found == places(graph.nodes, graph.edges)
    assert len(set(found)) == len(graph.nodes)
    assert all(0 <= place.x <= 1 and 0 <= place.y <= 1 for place in found)
    assert len(places(graph.nodes[:1], [])) == 1
