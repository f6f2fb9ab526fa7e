"""The one clock of the service: tests set it, so that two runs of the same requests answer the same."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The time now, aware, in UTC."""
    return datetime.now(UTC)
