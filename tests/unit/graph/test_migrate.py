"""Migrations are known to a graph by their numbers."""

from graph.store.migrate import migrations


def test_no_two_migrations_have_one_number_and_none_is_left_out() -> None:
    """Symptom: an index was missing in a graph. Cause: of two migrations of one number the second counted as done."""
    assert [number for number, _, _ in migrations()] == list(range(1, len(migrations()) + 1))
