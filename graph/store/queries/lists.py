"""Statements that answer with a list: a row of its own costs more on its way than in the database."""

from __future__ import annotations

from typing import LiteralString


def in_one_row(statement: LiteralString, *columns: LiteralString) -> LiteralString:
    """The statement with its rows, which have these columns, as one list `rows` in any order: for `Tx.listed`.

    Where the order counts, the statement itself collects what it has sorted.
    """
    fields = ", ".join(f"{column}: {column}" for column in columns)
    return "CALL () {\n" + statement + "}\nRETURN collect({" + fields + "}) AS rows\n"
