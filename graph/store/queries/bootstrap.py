"""Statements for a database that has just started."""

from typing import Final

ANSWER: Final = "RETURN 1 AS answer"

SET_PASSWORD: Final = "ALTER CURRENT USER SET PASSWORD FROM $old TO $new"
