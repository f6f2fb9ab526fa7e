"""Statements for a database that has just started."""

from __future__ import annotations

from typing import Final

ANSWER: Final = "RETURN 1 AS answer"

SET_PASSWORD: Final = "ALTER CURRENT USER SET PASSWORD FROM $old TO $new"
