"""Deterministic ids: the same facts always get the same id, so every write can be repeated.

Ids never depend on the recogniser, so a new model never orphans a verdict.
"""

import hashlib
import re
import unicodedata
import uuid

_HEX64 = re.compile(r"[0-9a-f]{64}")
_CASE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}:[^\s\x00-\x1f][^\x00-\x1f]{0,127}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


def new_id() -> str:
    """A random id of 32 hex digits, for objects without identifying facts. Tests replace it."""
    return uuid.uuid4().hex


def digest(*parts: object) -> str:
    """The SHA-256, in 64 hex digits, of the parts joined by `|`."""
    return hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()


def media_id(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def face_id(media: str, detector: str, ordinal: int) -> str:
    return digest(media, detector, ordinal)


def marked_face_id(media: str, act: str) -> str:
    """The id of a face that a person marked in that act."""
    return digest(media, "person", act)


def verdict_id(act: str, link: str) -> str:
    """The id of an act's verdict on one link."""
    return digest(act, link)[:32]


def embedding_id(face: str, model: str) -> str:
    return digest(face, model)


def membership_id(media: str, case: str) -> str:
    return digest(media, case)


def ordered(face_a: str, face_b: str) -> tuple[str, str]:
    """The two face ids in order; ValueError for the same face twice."""
    if face_a == face_b:
        raise ValueError("a link joins two different faces")
    return (face_a, face_b) if face_a < face_b else (face_b, face_a)


def link_id(face_a: str, face_b: str) -> str:
    return digest(*ordered(face_a, face_b))


def notice_id(subject: str, number: int) -> str:
    return digest("notice", subject, number)


def quarantine_id(event: str) -> str:
    return digest("quarantine", event)


def fingerprint(ce_id: str, submitted_at: int) -> str:
    """Distinguishes events at the same offset of a topic that was lost and created again.

    `submitted_at` is when the broker first appended the event, in milliseconds; every replay keeps it.
    """
    return digest("event", ce_id, submitted_at)[:16]


def comparison_id(face_media: str, offset: int) -> str:
    return digest("comparison", face_media, offset)


def is_digest(text: str) -> bool:
    return bool(_HEX64.fullmatch(text))


def is_case_id(text: str) -> bool:
    """Whether `text` reads `<source>:<local id>`, as the id of a case that exists may; see `case_id_fault`."""
    return bool(_CASE.fullmatch(text))


def case_id_fault(text: str) -> str:
    """Why no new case may have this id, since readers could take it for another one; empty where it may."""
    if unicodedata.normalize("NFC", text) != text:
        return "a case id is written in Unicode's composed form (NFC)"
    if text != text.strip():
        return "a case id does not end in a space"
    if not text.isprintable():
        return "a case id holds no line ends, and nothing that is invisible or turns the direction of writing"
    return ""


def case_key(case_id: str) -> str:
    """What case ids that look alike have in common: they differ in capitals, width or composition only."""
    return unicodedata.normalize("NFKC", case_id).casefold()


def is_name(text: str) -> bool:
    """Whether `text` can name a source or a district: lower case letters, digits and hyphens."""
    return bool(_NAME.fullmatch(text))


def source_of(case_id: str) -> str:
    return case_id.partition(":")[0]
