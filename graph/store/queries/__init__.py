"""All Cypher: one module for each subject, every statement a named constant, values only as parameters.

A face lies in the cases of its media, and the stub of an erased one in those that its media was in: both are
`(f)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case)`, so the districts concerned stay the same. Statements for people name no
case of a stub, only its district and duty contact.
"""
