"""Bookkeeping of migrations, and statements for a database that has just started."""

from typing import Final

MIGRATION_CONSTRAINT: Final = (
    "CREATE CONSTRAINT migration_number IF NOT EXISTS FOR (n:Migration) REQUIRE n.number IS UNIQUE"
)
MIGRATIONS: Final = "MATCH (m:Migration) RETURN m.number AS number ORDER BY number"
MIGRATION_DONE: Final = "MERGE (m:Migration {number: $number}) ON CREATE SET m.name = $name, m.at = datetime()"

ANSWER: Final = "RETURN 1 AS answer"

SET_PASSWORD: Final = "ALTER CURRENT USER SET PASSWORD FROM $old TO $new"
