"""All Cypher: one module for each story, every query a named constant, values only as parameters.

A face lies in the cases of its media, and the stub of an erased one in those that its media was in: both are
`(f)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case)`, so that who was concerned still is. What people read names no
case of a stub, only its district and its duty contact.
"""
