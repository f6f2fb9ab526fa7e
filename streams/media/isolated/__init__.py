"""Everything that runs in the decoding process, which parses hostile bytes.

It imports the parsers, `graph.domain.media_kinds` (names of first bytes, no imports of its own) and nothing else of
this project, so that it starts fast and holds no settings and no passwords.
"""
