"""Submits the files of a folder or an archive to one case of a running system, and remembers which are through."""

from __future__ import annotations

import hashlib
import mimetypes
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from graph.domain import ids
from graph.domain.text import printable
from graph.files import MediaStore
from streams.client.case_system import CaseSystem, NoticeReader
from streams.client.files import Files
from streams.client.journal import Journal, LocalFile, Sent
from streams.client.room import Room
from streams.client.stored import PASSING_CODES, QUARANTINED, Entry, GraphState
from streams.client.submission import Interrupted, Notice, Submission

SAVE_EVERY_S = 1.0
LAST_WORDS_S = 5.0
"""Seconds that an interrupted run waits for Kafka's acknowledgements, so that fewer events are sent again."""


ShowProgress = Callable[..., AbstractContextManager[Callable[..., None]]]
"""Called with a total and the names of counters: gives a function that is called with the counters' numbers."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What the events of one run have in common; `exhibits` tells the case each file's path, names in it included."""

    case_id: str
    district: str
    scope: str
    purpose: str
    legal_basis: str
    urgency: str
    exhibits: bool = False

    def event(self, row: int, file: str, sha256: str, url: str) -> dict[str, Any]:
        """An event that names no file, unless it was asked to."""
        content_type, _ = mimetypes.guess_type(file)
        return {
            "case_id": self.case_id, "district": self.district, "scope": self.scope, "purpose": self.purpose,
            "legal_basis": self.legal_basis, "urgency": self.urgency, "url": url, "sha256": sha256,
            "source_ref": f"ingest-{row}", "content_type": content_type,
            **({"exhibit": printable(file)[:300]} if self.exhibits else {}),
        }  # fmt: skip


@dataclass(slots=True)
class Outcome:
    """What became of the files so far, those of earlier runs included."""

    sent: int = 0
    before: int = 0
    """Files that an earlier run had sent already."""
    by_outcome: dict[str, int] = field(default_factory=dict[str, int])
    quarantined: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """File and reason."""
    not_sent: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    interrupted: bool = False

    def count(self, file: str, outcome: str, reason: str) -> None:
        self.by_outcome[outcome] = self.by_outcome.get(outcome, 0) + 1
        if outcome == QUARANTINED:
            self.quarantined.append((file, reason))


class Ingest:
    """One run over one folder or archive. Blocks: call `run` in a thread."""

    def __init__(
        self,
        batch: Batch,
        source: Files,
        journal: Journal,
        uploads: MediaStore,
        system: CaseSystem,
        graph: GraphState,
        *,
        max_bytes: int,
        room: Room,
        announce: Callable[[str], None],
        show_progress: ShowProgress,
    ) -> None:
        """`announce` shows a person one line."""
        self._batch = batch
        self._source = source
        self._journal = journal
        self._uploads = uploads
        self._system = system
        self._max_bytes = max_bytes
        self._graph = graph
        self._room = room
        self._announce = announce
        self._show_progress = show_progress
        self._files: dict[int, str] = {}
        self._event_ids: dict[int, str] = {}
        self._told: dict[int, tuple[str, str]] = {}
        self._saved = time.monotonic()
        self._skipped = 0
        self._outcome = Outcome()

    def run(self, files: list[str], stop: threading.Event, explain: Callable[[], str]) -> Outcome:
        """What became of the files once each has its notice, or by the time that `stop` was set."""
        waiting, refused, missing = self._look(files)
        waiting, lost = self._still_held(waiting)
        # Where Kafka lost events it may have lost notices too, and what comes now stands before the old places.
        start = 0 if lost else min((sent.notices_from for sent in waiting), default=None)
        missing += [self._source.look(sent.file) for sent in lost]
        total = len(waiting) + len(missing)
        self._replay(refused, stop)
        with self._system.read_notices(start) as reader, self._show_progress(total, "sent", "noticed") as move:
            submission = Submission[int](
                self._system, reader, event_id=self._event_ids.__getitem__,
                acknowledged=self._journal.acknowledged, noticed=self._noticed,
                progress=lambda sent, noticed: self._progress(move, sent, noticed),
                is_held_up=lambda: not self._room.look(),
            )  # fmt: skip
            for sent in waiting:
                self._files[sent.row] = sent.file
                submission.expect(sent.row, sent.event_id or sent.place)
            try:
                submission.publish(self._events(missing, reader), stop)
                submission.wait(stop, explain)
            except Interrupted:
                self._outcome.interrupted = True
                self._system.unacknowledged(LAST_WORDS_S)
            for row, (outcome, reason) in self._told.items():
                self._outcome.count(self._files[row], outcome, reason)
        return self._outcome

    def _look(self, files: list[str]) -> tuple[list[Sent], list[Sent], list[LocalFile]]:
        """The events whose notices are still to come, those in quarantine, and the files that were never sent."""
        waiting: list[Sent] = []
        refused: list[Sent] = []
        missing: list[LocalFile] = []
        done: list[tuple[Sent, LocalFile]] = []
        for name in files:
            try:
                file = self._source.look(name)
            except OSError as error:
                self._outcome.not_sent.append((name, error.strerror or "cannot be read"))
                continue
            sent = self._journal.find(file)
            if sent is None or not sent.place:
                missing.append(file)
            elif sent.outcome == QUARANTINED:
                refused.append(sent)
            elif sent.outcome:
                done.append((sent, file))
            else:
                waiting.append(sent)
        # An older dump may have been loaded since: what its graph lacks is sent once more.
        kept = self._graph.kept(self._batch.case_id, [sent.sha256 for sent, _ in done])
        for sent, file in done:
            if sent.sha256 in kept:
                self._through(sent)
            else:
                missing.append(file)
        return waiting, refused, missing

    def _still_held(self, waiting: list[Sent]) -> tuple[list[Sent], list[Sent]]:
        """The events that Kafka holds, and those that it does not hold any more."""
        if not waiting:
            return [], []
        held = self._system.held()
        found: list[Sent] = []
        lost: list[Sent] = []
        for sent in waiting:
            is_held = sent.event_id in held.ids if sent.event_id else held.sha256_at.get(sent.place) == sent.sha256
            (found if is_held else lost).append(sent)
        return found, lost

    def _replay(self, refused: list[Sent], stop: threading.Event) -> None:
        """Events in quarantine go through embed again where the reason may have passed; the others stay as they are."""
        entries = self._graph.find([sent.quarantine_id or ids.quarantine_id(sent.place) for sent in refused])
        again: list[Sent] = []
        for sent, entry in zip(refused, entries, strict=True):
            passing = entry is not None and entry.status == "waiting" and entry.code in PASSING_CODES
            if passing and self._stored_again(sent):
                again.append(sent)
            else:
                self._settle(sent, entry)
        if again:
            self._announce(
                f"{len(again)} events wait in quarantine for a reason that may have passed: they are tried again"
            )
        names = [sent.quarantine_id or ids.quarantine_id(sent.place) for sent in again]
        for sent, entry in zip(again, self._graph.replay(names, stop), strict=True):
            self._settle(sent, entry)

    def _stored_again(self, sent: Sent) -> bool:
        """Whether the file can be read, and lies in the media store once more."""
        try:
            data = self._source.read(self._source.look(sent.file), self._max_bytes)
        except OSError:
            return False
        if data is None:
            return False
        self._room.write(partial(self._uploads.put_upload, data))
        return True

    def _settle(self, sent: Sent, entry: Entry | None) -> None:
        """The file counts with the outcome that its event has now."""
        if entry is not None and entry.outcome:
            sent = replace(sent, outcome=entry.outcome, reason=entry.reason if entry.outcome == QUARANTINED else "")
            self._journal.noticed(sent.row, sent.outcome, sent.reason, sent.quarantine_id)
        self._through(sent)

    def _through(self, sent: Sent) -> None:
        self._outcome.before += 1
        self._outcome.count(sent.file, sent.outcome, sent.reason)

    def _events(self, files: list[LocalFile], reader: NoticeReader) -> Generator[tuple[int, Mapping[str, Any]]]:
        for file in files:
            self._room.wait()
            try:
                data = self._source.read(file, self._max_bytes)
            except OSError as error:
                self._skip(file.file, error.strerror or "cannot be read")
                continue
            if data is None:
                self._skip(file.file, f"larger than {self._max_bytes // 1024**2} MB")
                continue
            sha256 = hashlib.sha256(data).hexdigest()
            sent = self._journal.find_content(file, sha256)
            if sent is not None and sent.outcome and self._graph.kept(self._batch.case_id, [sha256]):
                self._through(sent)
                self._skipped += 1
                continue
            # Beside the crops, not in a folder of our own: an erasure of the media deletes it there.
            self._room.write(partial(self._uploads.put_upload, data))
            row, self._event_ids[row] = self._journal.begin(file, sha256, reader.position)
            self._files[row] = file.file
            self._outcome.sent += 1
            yield row, self._batch.event(row, file.file, sha256, self._uploads.upload_url(sha256))

    def _skip(self, file: str, reason: str) -> None:
        self._outcome.not_sent.append((file, reason))
        self._skipped += 1

    def _noticed(self, row: int, notice: Notice) -> None:
        self._told[row] = (sys.intern(str(notice["outcome"])), sys.intern(str(notice.get("reason", ""))))
        self._journal.noticed(row, *self._told[row], str(notice.get("quarantine_id") or ""))

    def _progress(self, move: Any, sent: int, noticed: int) -> None:
        move(sent + self._skipped, noticed + self._skipped)
        if time.monotonic() - self._saved > SAVE_EVERY_S:
            self._journal.save()
            self._saved = time.monotonic()
