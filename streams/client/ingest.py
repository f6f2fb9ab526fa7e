"""Submits the files of a folder or an archive to one case of a running system; a second run resumes the first."""

import hashlib
import mimetypes
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from graph.domain import ids
from graph.domain.text import printable
from graph.files import MediaStore
from streams.client.files import Files, Listing
from streams.client.free_space import FreeSpace
from streams.client.graph_state import PASSING_CODES, QUARANTINED, Entry, GraphState
from streams.client.journal import Journal, LocalFile, Sent
from streams.client.outcome import ERASED, Outcome, looked_at
from streams.client.publish import CaseSystem
from streams.client.receive import Notice, NoticeReader, media_events
from streams.client.submission import Interrupted, Submission

_WITH_FACES = frozenset({"faces_found", "too_poor"})
SAVE_EVERY_S = 1.0
LAST_WAIT_S = 5.0
"""Seconds that an interrupted run waits for Kafka's acknowledgements, so that fewer events are sent again."""

ShowProgress = Callable[..., AbstractContextManager[Callable[..., None]]]
"""Called with a total and the names of counters; returns a function that is called with their values."""


@dataclass(frozen=True, slots=True)
class IngestTerms:
    """The fields that all events of one run share."""

    case_id: str
    district: str
    scope: str
    purpose: str
    legal_basis: str
    urgency: str
    exhibits: bool = False
    """Whether each event shows its file's path to the case as the exhibit; file names may hold people's names."""

    def event(self, row: int, file: str, sha256: str, url: str) -> dict[str, Any]:
        """The event of a file, which names it only with `exhibits`."""
        event = asdict(self) | {"url": url, "sha256": sha256, "source_ref": f"ingest-{row}"}
        event["content_type"], _ = mimetypes.guess_type(file)
        if event.pop("exhibits"):
            event["exhibit"] = printable(file)[:300]
        return event


@dataclass(slots=True)
class _Files:
    """The files of a run by the state of their events."""

    unsent: list[LocalFile] = field(default_factory=list[LocalFile])
    pending: list[Sent] = field(default_factory=list[Sent])
    """Sent, and without a notice."""
    quarantined: list[Sent] = field(default_factory=list[Sent])


@dataclass(slots=True, kw_only=True)
class Ingest:
    """One run over one folder or archive. Blocks: call `run` in a thread. `announce` shows a person one line."""

    terms: IngestTerms
    source: Files
    journal: Journal
    uploads: MediaStore
    system: CaseSystem
    graph: GraphState
    max_bytes: int
    resubmit_erased: bool = False
    """Whether to send again what was erased after an earlier run had sent it."""
    space: FreeSpace
    announce: Callable[[str], None]
    show_progress: ShowProgress
    _sent_files: dict[int, LocalFile] = field(default_factory=dict[int, LocalFile], init=False)
    """By the journal's row; the name in the journal is escaped."""
    _names: dict[int, str] = field(default_factory=dict[int, str], init=False)
    _event_ids: dict[int, str] = field(default_factory=dict[int, str], init=False)
    _notified: dict[int, tuple[str, str]] = field(default_factory=dict[int, tuple[str, str]], init=False)
    _saved: float = field(default_factory=time.monotonic, init=False)
    _skipped: int = field(default=0, init=False)
    _outcome: Outcome = field(default_factory=Outcome, init=False)

    def run(self, listing: Listing, stop: threading.Event, explain: Callable[[], str]) -> Outcome:
        """The result once each file has its notice, or at the time that `stop` was set."""
        self._outcome.not_sent += listing.not_sent
        self._outcome.left_out = listing.left_out
        files = self._sort(listing.names)
        pending, lost = self._in_kafka(files.pending)
        # Where Kafka lost events it may have lost notices too, and new ones are at lower offsets than noted.
        start = 0 if lost else min((sent.notices_from for sent in pending), default=None)
        files.unsent += [self._sent_files[sent.row] for sent in lost]
        total = len(pending) + len(files.unsent)
        self._replay(files.quarantined, stop)
        with self.system.read_notices(start) as reader, self.show_progress(total, "sent", "noticed") as move:
            submission = Submission[int](
                self.system,
                reader,
                event_id=self._event_ids.__getitem__,
                acknowledged=self.journal.acknowledged,
                noticed=self._notice,
                progress=lambda sent, noticed: self._progress(move, sent, noticed),
                is_held_up=lambda: not self.space.is_enough(),
            )
            for sent in pending:
                self._names[sent.row] = sent.file
                submission.expect(sent.row, sent.event_id or sent.place)
            try:
                submission.publish(self._events(files.unsent, reader), stop)
                submission.wait(stop, explain)
            except Interrupted:
                self._outcome.interrupted = True
                self.system.unacknowledged(LAST_WAIT_S)
            for row, (outcome, reason) in self._notified.items():
                self._outcome.count(self._names[row], outcome, reason)
        return self._outcome

    def _sort(self, names: list[str]) -> _Files:
        """The files by state; those that an earlier run finished are counted and left out."""
        files, done = _Files(), list[tuple[Sent, LocalFile]]()
        for name in names:
            try:
                file = self.source.stat(name)
            except OSError as error:
                self._outcome.not_sent.append((name, error.strerror or "cannot be read"))
                continue
            sent = self.journal.find(file) or self._find_by_content(file)
            if sent is not None:
                self._sent_files[sent.row] = file
            if sent is None or not sent.place:
                files.unsent.append(file)
            elif sent.outcome == QUARANTINED:
                files.quarantined.append(sent)
            elif sent.outcome:
                done.append((sent, file))
            else:
                files.pending.append(sent)
        now = self.graph.in_case(self.terms.case_id, [sent.sha256 for sent, _ in done])
        for sent, file in done:
            found = now[sent.sha256]
            lost_faces = found.faces == 0 and sent.outcome in _WITH_FACES
            if found.faces is not None and not lost_faces:
                self._count_done(sent)
            elif self.resubmit_erased or not (found.erased or lost_faces):
                # Without an erasure an older dump was loaded since: its graph lacks the media.
                files.unsent.append(file)
            else:
                self._count_done(replace(sent, outcome=ERASED))
        return files

    def _find_by_content(self, file: LocalFile) -> Sent | None:
        """The event sent for the file's bytes: its folder was moved, or it was written anew, perhaps as it was."""
        if not self.journal.has_path(file):
            return None
        try:
            data = self.source.read(file, self.max_bytes)
        except OSError:  # said when it is sent
            return None
        sent = self.journal.find_content(file, hashlib.sha256(data).hexdigest()) if data is not None else None
        if sent is not None:
            self.journal.seen(sent.row, file)
        return sent

    def _in_kafka(self, pending: list[Sent]) -> tuple[list[Sent], list[Sent]]:
        """The events that Kafka holds, and those that it has lost."""
        if not pending:
            return [], []
        events = media_events(self.system.kafka, self.system.source)
        present: list[Sent] = []
        lost: list[Sent] = []
        for sent in pending:
            known = sent.event_id in events.ids if sent.event_id else events.sha256_at.get(sent.place) == sent.sha256
            (present if known else lost).append(sent)
        return present, lost

    def _replay(self, quarantined: list[Sent], stop: threading.Event) -> None:
        """Replays the events whose reason may have passed; the others are counted as they are."""
        entries = self.graph.entries([_quarantine_id(sent) for sent in quarantined])
        replayed: list[Sent] = []
        for sent, entry in zip(quarantined, entries, strict=True):
            may_pass = entry is not None and entry.status == "waiting" and entry.code in PASSING_CODES
            if may_pass and self._store_again(sent):
                replayed.append(sent)
            else:
                self._settle(sent, entry)
        if replayed:
            self.announce(
                f"{len(replayed)} events wait in quarantine for a reason that may have passed: they are tried again"
            )
        found = self.graph.replay([_quarantine_id(sent) for sent in replayed], stop)
        for sent, entry in zip(replayed, found, strict=True):
            self._settle(sent, entry)

    def _store_again(self, sent: Sent) -> bool:
        """Whether the file could be read, and is in the media store again."""
        try:
            data = self.source.read(self._sent_files[sent.row], self.max_bytes)
        except OSError:
            return False
        if data is None:
            return False
        self.space.write(partial(self.uploads.put_upload, data))
        return True

    def _settle(self, sent: Sent, entry: Entry | None) -> None:
        """Counts the file with the outcome that its event has now."""
        if entry is not None and entry.outcome:
            sent = replace(sent, outcome=entry.outcome, reason=entry.reason if entry.outcome == QUARANTINED else "")
            self.journal.noticed(sent.row, sent.outcome, sent.reason, sent.quarantine_id)
        self._count_done(sent)

    def _count_done(self, sent: Sent) -> None:
        self._outcome.before += 1
        self._outcome.count(sent.file, sent.outcome, sent.reason)

    def _events(self, files: list[LocalFile], reader: NoticeReader) -> Generator[tuple[int, Mapping[str, Any]]]:
        for file in files:
            self.space.wait()
            try:
                data = self.source.read(file, self.max_bytes)
            except OSError as error:
                self._skip(file.file, error.strerror or "cannot be read")
                continue
            if data is None:
                self._skip(file.file, f"larger than {self.max_bytes // 1024**2} MB")
                continue
            sha256 = hashlib.sha256(data).hexdigest()
            # In the media store, not in a folder of our own: an erasure of the media deletes it there.
            self.space.write(partial(self.uploads.put_upload, data))
            row, self._event_ids[row] = self.journal.begin(file, sha256, reader.position)
            self._names[row] = file.file
            self._outcome.sent += 1
            yield row, self.terms.event(row, file.file, sha256, self.uploads.upload_url(sha256))

    def _skip(self, file: str, reason: str) -> None:
        self._outcome.not_sent.append((file, reason))
        self._skipped += 1

    def _notice(self, row: int, notice: Notice) -> None:
        reason = str(notice.get("reason") or looked_at(notice))
        self._notified[row] = (sys.intern(str(notice["outcome"])), sys.intern(reason))
        self.journal.noticed(row, *self._notified[row], str(notice.get("quarantine_id") or ""))

    def _progress(self, move: Any, sent: int, noticed: int) -> None:
        move(sent + self._skipped, noticed + self._skipped)
        if time.monotonic() - self._saved > SAVE_EVERY_S:
            self.journal.save()
            self._saved = time.monotonic()


def _quarantine_id(sent: Sent) -> str:
    return sent.quarantine_id or ids.quarantine_id(sent.place)
