"""All Cypher: one module for each story, every query a named constant, values only as parameters."""
