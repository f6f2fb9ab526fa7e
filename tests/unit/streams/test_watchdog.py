"""The thread that ends a worker which no longer works."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from streams.watchdog import Watchdog


class App:
    """As Faust's app: the consumer is created where it is first asked for."""

    created = False
    should_stop = False

    @cached_property
    def consumer(self) -> Any:
        self.created = True
        raise AssertionError("created by the watchdog")


def test_looking_at_a_worker_that_is_still_starting_creates_nothing_in_it() -> None:
    """Symptom: on a slow machine link ended 60 s after its start (`got Future attached to a different loop`).

    Cause: the watchdog's first look, after two seconds, created the app's consumer on the watchdog's thread.
    """
    app = App()

    assert Watchdog(app)._fault(0.0) is None  # pyright: ignore[reportPrivateUsage]
    assert not app.created
