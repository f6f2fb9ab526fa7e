"""Statements that return one list: many rows cost more in transfer than in the database."""

from typing import LiteralString


def in_one_row(statement: LiteralString, columns: LiteralString) -> LiteralString:
    """The statement with its rows as one list `rows` in any order, for `Tx.listed`; `columns` are split at spaces.

    If the order matters, the statement itself must collect its sorted rows.
    """
    fields = ", ".join(f"{column}: {column}" for column in columns.split())
    return "CALL () {\n" + statement + "}\nRETURN collect({" + fields + "}) AS rows\n"
