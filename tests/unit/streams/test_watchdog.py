"""The watchdog only looks: what it looks at is the app's own."""

from __future__ import annotations

from pathlib import Path

from streams.agents import LINK_GROUP, make_app
from streams.settings import StreamSettings
from streams.watchdog import Watchdog


def test_a_look_before_the_app_has_started_makes_it_no_consumer(tmp_path: Path) -> None:
    """Symptom: on a busy machine link ended at its start, time after time (*attached to a different loop*).

    Cause: the first look came before the app had a consumer, and made one that belonged to the watchdog's thread.
    """
    app = make_app(LINK_GROUP, StreamSettings(kafka="127.0.0.1:1", data=tmp_path), instance=None, session_timeout_s=6.0)

    assert Watchdog(app)._look() == (False, None)

    assert app._consumer is None
