"""Neo4j's memory follows the machine's: a large graph on the least of it takes seconds for what takes milliseconds."""

import pytest

from infra.local.neo4j.server import memory

GIB = 1024**3


@pytest.mark.parametrize(
    ("total", "heap_and_pages"),
    [(GIB, (512, 96)), (4 * GIB, (512, 256)), (32 * GIB, (2048, 2048)), (1024 * GIB, (4096, 8192))],
)
def test_heap_and_page_cache_are_a_share_of_the_machine_within_their_bounds(
    total: int, heap_and_pages: tuple[int, int]
) -> None:
    assert memory(total) == heap_and_pages
