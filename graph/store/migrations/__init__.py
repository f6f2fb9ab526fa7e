"""Numbered schema changes, `NNNN_what.cypher`, each statement ended by a semicolon; never edited once released."""
