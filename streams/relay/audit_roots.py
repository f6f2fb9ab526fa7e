"""Draws the daily roots of the audit; they are published through the outbox and stored as files.

A file appears whole, is never replaced, and is read-only. That keeps the application from altering it by
mistake or by a defect; whoever has the rights of its user can still remove files or the folder. So copy the folder
to another system each day, and let an auditor read the topic.
"""

import asyncio
import logging
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from graph.actions.operate import audit_roots
from graph.atomic import sync_folder, write_whole
from graph.domain.audit_root import Root
from graph.domain.errors import Fenced, StoreUnavailable
from graph.store.session import Store
from streams.log_hold import LogHold
from streams.process import EXIT_FENCED, CrashPoint, describe_failure, end_process

log = logging.getLogger(__name__)

EVERY_S: Final = 60.0
"""Between checks whether a day has ended: one indexed read."""
FOLDER: Final = "anchors"
"""Below the data folder."""


@dataclass(slots=True)
class Roots:
    """Draws the roots of finished days while this process holds the epoch."""

    store: Store
    hold: LogHold
    folder: Path
    crash: CrashPoint
    _files_complete: bool = field(default=False, init=False)

    async def draw_for_ever(self) -> None:
        """Draws the roots that are due, and writes the files that a crash prevented."""
        await self.hold.ready.wait()
        while True:
            try:
                await self._draw()
            except asyncio.CancelledError:
                raise
            except Fenced as fenced:
                end_process(EXIT_FENCED, fenced.message)
            except StoreUnavailable as away:
                log.warning("roots wait: %s", away.message)
            except Exception as defect:  # noqa: BLE001
                # Broad: link must go on whatever it is, a full disk too; the next round repeats it.
                log.error("ALARM the audit's root could not be drawn, trying again: %s", describe_failure(defect))
            await asyncio.sleep(EVERY_S)

    async def _draw(self) -> None:
        if not self._files_complete:
            known = await audit_roots.all_roots(self.store)
            await asyncio.to_thread(self._write, known)
            self._files_complete = True
        while root := await audit_roots.draw_next(self.store, self.hold.epoch, now=datetime.now(UTC)):
            self._files_complete = False
            self.crash.reach("roots-before-file")
            await asyncio.to_thread(self._write, [root])
            self._files_complete = True
            log.warning("the audit's root of %s: entry %s", root.date, root.seq)

    def _write(self, known: list[Root]) -> None:
        for root in known:
            if not write_root(self.folder, root):
                log.error("ALARM the root of %s in the graph is not the one in %s", root.date, self.folder)


def write_root(folder: Path, root: Root) -> bool:
    """Whether the root's file holds the root; creates the file where it is absent and never changes an existing one.

    The file appears whole or not at all, is read-only, and is on the disk when this returns.
    """
    path = folder / f"{root.date}.json"
    if not path.exists():
        scratch = folder / f".{root.date}.{os.getpid()}"
        write_whole(scratch, root.line, mode=0o400)
        try:
            # Unlike a rename, a link refuses a name that is taken.
            path.hardlink_to(scratch)
        except FileExistsError:
            pass  # another process of ours was first; its file is compared below
        finally:
            scratch.unlink()
        sync_folder(folder)
    return path.read_bytes() == root.line
