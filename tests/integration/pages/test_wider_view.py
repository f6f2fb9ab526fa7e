"""The surroundings of a face: for a reason, for an hour, for one case, and in the audit with the reason."""

from datetime import timedelta

import pytest

from graph.actions import sessions
from graph.store.session import Store
from tests.integration.conftest import Pages, entries
from tests.support.factories import ANNA, NORTH, Scene

pytestmark = pytest.mark.anyio

REASON = "the room may be that of the other picture"


async def test_the_surroundings_are_shown_for_a_reason_that_is_in_the_audit(
    pages: Pages, store: Store, scene: Scene
) -> None:
    other = await scene.case("local:2", "north")
    await scene.media("o", other, faces=["o1"])
    anna = await pages(ANNA)
    path = f"/app/faces/{scene.faces['n1']}"
    assert (await anna.get(f"{path}/context")).headers["location"].startswith(f"{path}/wider")

    assert (await anna.post(f"{path}/wider", data={"reason": REASON})).status_code == 303
    view = await anna.get(f"{path}/context")

    assert (view.status_code, view.headers["content-type"]) == (200, "image/jpeg")
    assert "no-store" in view.headers["cache-control"]
    [seen] = [entry for entry in await entries(store) if entry.action == "face.context_seen"]
    assert (seen.actor, seen.subject, seen.purpose) == (ANNA.actor, scene.faces["n1"], REASON)
    assert (await anna.get(f"/app/faces/{scene.faces['n2']}/context")).status_code == 200, f"also of case {NORTH}"
    assert (await anna.get(f"/app/faces/{scene.faces['o1']}/context")).status_code == 303, "another case"


async def test_a_reason_holds_for_its_time(pages: Pages, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "WIDER_VIEW", timedelta(0))
    anna = await pages(ANNA)
    path = f"/app/faces/{scene.faces['n1']}"
    await anna.post(f"{path}/wider", data={"reason": REASON})
    assert (await anna.get(f"{path}/context")).status_code == 303
