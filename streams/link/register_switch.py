"""Brings a register to another model or score: lists what would differ, and switches where the operator asks for it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from graph.actions.operate import models
from graph.domain.calibration import Calibration
from graph.domain.errors import Conflict
from graph.store.session import Store
from streams.gallery.calibration import as_text
from streams.link.candidate_differences import candidate_differences, write_list
from streams.link.register_reembedding import Notify, until_switched


@dataclass(frozen=True, slots=True)
class SwitchRequest:
    """Who asks, the file for the list of differences, and whether to switch after it.

    With `leave_out` also if some faces cannot be embedded: these are compared with nothing then.
    """

    by: str
    file: Path
    switch: bool
    leave_out: bool = False


async def migrate(
    store: Store, to: Calibration, asked: SwitchRequest, embed: Callable[[], Awaitable[int]], notify: Notify
) -> bool:
    """Embeds all faces, lists the differences and switches if asked; returns whether it switched.

    `embed` embeds all faces that lack a vector of the model, and returns how many cannot be embedded.
    """
    current, lost = await models.register_model(store), await embed()
    if lost:
        notify(f"{lost} faces have neither crop nor picture any more: {to.model_id} can't embed them")
    if current == to.model_id:
        notify(f"the register holds {to.model_id}")
        return False
    if not await list_and_switch(store, to, asked, notify, lost=lost):
        return False
    await embed()  # what link took between the list and the switch
    return True


async def list_and_switch(
    store: Store, to: Calibration, asked: SwitchRequest, notify: Notify, *, lost: int = 0
) -> bool:
    """Lists the differences; True once link has switched the register to this model and score, where that is asked.

    Raises Conflict if `lost` faces would be left out and that is not allowed.
    """
    found = await candidate_differences(store, to)
    write_list(found, asked.file)
    notify(
        f"with {to.model_id} and {to.score_id} {len(found.added)} candidates would appear, {len(found.removed)} would "
        f"vanish, {found.unchanged} would stay; what people judged stays as it is. By link and face ids: {asked.file}"
    )
    if not asked.switch:
        notify("nothing is switched: run it again with --switch for that")
        return False
    if lost and not asked.leave_out:
        raise Conflict(f"{lost} faces would be compared with nothing any more: --leave-out switches all the same")
    chosen = models.Chosen(to.model_id, to.score_id, as_text(to))
    await models.do_switch(store, chosen, lacking=lost, actor=asked.by, now=datetime.now(UTC))
    notify(f"the register changes to {to.model_id}, compared by {to.score_id}")
    await until_switched(store, chosen, notify)
    return True
