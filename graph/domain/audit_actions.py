"""The closed list of audit actions: the only names under which an act is recorded.

A name reads `<noun>.<past participle>`, with what the participle is about in front of it where the noun does not say
so: `case.media_seen`. `infra/docs/audit-actions.md` shows the list to auditors.

The audit is a hash chain, so entries are never rewritten: an entry of an earlier release keeps the name under which it
was recorded. Readers treat a former name as the action that replaced it (`current`, `recorded_names`).
"""

from enum import StrEnum
from typing import Final, Self


class AuditAction(StrEnum):
    """An action with its meaning; `former` are the names under which earlier releases recorded the same."""

    _value_: str
    meaning: str
    former: tuple[str, ...]

    def __new__(cls, name: str, meaning: str, *former: str) -> Self:
        action = str.__new__(cls, name)
        action._value_ = name
        action.meaning = meaning
        action.former = former
        return action

    # Decisions about links
    LINK_JUDGED = "link.judged", "one link confirmed, dismissed or marked unsure"
    LINKS_JUDGED = "links.judged", "the links of a contact sheet judged in one act"
    LINK_MADE = "link.made", "two faces linked by a person, without a proposal of the machine"
    LINK_APPROVED = "link.approved", "a confirmed link approved by a second person (earlier releases: also returned)"
    LINK_RETURNED = "link.returned", "a confirmed link returned by a second person to the first"
    LINKS_APPROVED = (
        "links.approved",
        "the links of one act approved by a second person (earlier releases: also returned)",
    )
    LINKS_RETURNED = "links.returned", "the links of one act returned by a second person to the first"
    LINK_REOPENED = "link.reopened", "the last standing act on one link taken back"
    ACT_REOPENED = "act.reopened", "an act on several links taken back as one"
    ACT_PREVIEWED = "act.previewed", "looked at what an act on several links would change"

    # Victims, faces, media
    VICTIM_IDENTIFIED = "victim.identified", "an identification of a victim proposed"
    IDENTIFICATION_APPROVED = "identification.approved", "an identification approved by a second person"
    IDENTIFICATION_RETURNED = "identification.returned", "an identification returned by a second person"
    IDENTIFICATION_REOPENED = "identification.reopened", "the decision on an identification taken back"
    FACE_LABELLED = (
        "face.labelled",
        "a face labelled as victim, possible victim, suspect, witness, unrelated or no face",
    )
    FACE_MARKED = "face.marked", "a face marked by hand that the detector missed"
    MEDIA_REPETITION_STATED = (
        "media.repetition_stated",
        "a picture stated to show the same person more than once, or the statement taken back",
    )
    MEDIA_UPLOADED = "media.uploaded", "a picture or video uploaded to a case"
    ERASURE_ASKED = "erasure.asked", "erasure of a media, case, face or victim requested"

    # The review queue
    QUEUE_CLAIMED = "queue.claimed", "a queue item claimed for review"
    QUEUE_SKIPPED = "queue.skipped", "a claimed queue item given back undecided"
    QUEUE_RENEWED = "queue.renewed", "the claim of a queue item extended"

    # Searches
    SEARCH_ASKED = "search.asked", "a search requested"
    SEARCH_ENDED = "search.ended", "an open search ended"

    # Access to data
    APPROVALS_SEEN = "approvals.seen", "the list of decisions that wait for a second person"
    AUDIT_SEEN = "audit.seen", "entries of the audit"
    CASES_SEEN = "cases.seen", "the list of cases"
    CASE_SEEN = "case.seen", "a case or its graph"
    CASE_MEDIA_SEEN = "case.media_seen", "the media of a case"
    ERASURE_SEEN = "erasure.seen", "the receipt of an erasure"
    FACE_SEEN = "face.seen", "the picture of a face"
    FACE_CONTEXT_SEEN = "face.context_seen", "a face with its surroundings"
    FACE_LABELS_SEEN = "face.labels_seen", "the labels of a face"
    FACE_SIMILAR_SEEN = "face.similar_seen", "faces similar to a face"
    AGREEMENT_SEEN = "agreement.seen", "how often two people of a district agreed, without names"
    INBOX_SEEN = "inbox.seen", "what changed since a person's last visit"
    INBOX_CLEARED = "inbox.cleared", "all in the inbox up to a time marked as seen"
    INTAKE_SEEN = "intake.seen", "the times from event to verdict, without people's data"
    LINK_SEEN = "link.seen", "a link"
    LINKS_SEEN = "links.seen", "a list of links"
    MEDIA_SEEN = "media.seen", "a media"
    MEDIA_REPETITION_SEEN = "media.repetition_seen", "whether a picture shows the same person more than once"
    MEDIA_FACES_SEEN = "media.faces_seen", "the faces of a media"
    PATH_SEEN = "path.seen", "how two cases are linked"
    QUARANTINE_SEEN = "quarantine.seen", "events in quarantine"
    QUEUE_SEEN = "queue.seen", "the review queue"
    SEARCH_SEEN = "search.seen", "the answer of a search"
    SEARCH_UNJUDGED_SEEN = "search.unjudged_seen", "faces and media in a search's reach that could not be compared"
    SEARCHES_SEEN = "searches.seen", "a list of searches"
    VICTIM_SEEN = "victim.seen", "a victim"
    ACCESS_MISSED = "access.missed", "a request for what does not exist, or not for this person"
    ACCESS_REFUSED = "access.refused", "a refusal that disclosed the current state"

    # The pages
    SESSION_BEGUN = "session.begun", "a person signed in to the pages"
    SESSION_ENDED = "session.ended", "a person signed out of the pages"

    # The audit itself
    AUDIT_PROVED = "audit.proved", "a range of the audit chain verified"
    AUDIT_EXPORTED = "audit.exported", "the audit, or a part of it, exported to a file"
    AUDIT_COUNTED = "audit.counted", "the acts of a year counted"

    # Operation
    BATCH_COLLECTED = (
        "batch.collected",
        "a batch of compared pictures written into the register",
        "collected",
    )
    EVENT_REPLAYED = "event.replayed", "a quarantined event sent again", "replayed"
    REPLAY_REFUSED = "replay.refused", "Kafka refused a replayed event: it waits in quarantine again", "replay refused"
    MODEL_EMBEDDING_BEGUN = (
        "model.embedding_begun",
        "embedding of the register's faces with another model begun",
        "model.embedding",
    )
    MODEL_SWITCHED = "model.switched", "a switch of the register to another model or score requested"
    REEXAMINATION_BEGUN = "reexamination.begun", "examining stored media again with a newer detector begun"
    RESTORE_LOG_READ_AGAIN = "restore.log_read_again", "after a restore: link's cursor set back in the gallery log"
    RESTORE_REPLAYED = "restore.replayed", "after a restore: lost events sent again"
    RESTORE_ERASED_AGAIN = "restore.erased_again", "after a restore: later erasures requested again"
    RESTORE_PUBLISHED_AGAIN = "restore.published_again", "after a restore: lost notices and requests published again"


_CURRENT: Final = {name: action for action in AuditAction for name in (action.value, *action.former)}


def current(name: str) -> str:
    """Today's name of a recorded action: of a former name the one that replaced it, of any other the name itself."""
    action = _CURRENT.get(name)
    return name if action is None else action.value


def recorded_names(name: str) -> list[str]:
    """All names under which this action may be recorded, for a current or a former name; an unknown one: itself."""
    action = _CURRENT.get(name)
    return [name] if action is None else [action.value, *action.former]
