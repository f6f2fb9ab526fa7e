"""Statements for Neo4j's own vector index over generated vectors."""

from typing import Final

WRITE_PROBES: Final = """
UNWIND $rows AS row
CREATE (:BenchVector {number: row.number, vector: row.vector})
"""

CREATE_INDEX: Final = """
CREATE VECTOR INDEX bench_vector IF NOT EXISTS FOR (n:BenchVector) ON n.vector
OPTIONS {indexConfig: {`vector.dimensions`: 128, `vector.similarity_function`: 'cosine'}}
"""

STATE: Final = "SHOW VECTOR INDEXES YIELD name, state WHERE name = 'bench_vector' RETURN state"

NEAREST: Final = """
UNWIND range(0, size($vectors) - 1) AS query
CALL (query) {
  CALL db.index.vector.queryNodes('bench_vector', $most, $vectors[query]) YIELD node
  RETURN collect(node.number) AS found
}
RETURN query, found
"""
