"""One story told in OpenAPI: a case, a link from it to another, and a search; a test holds them to their models."""

from __future__ import annotations

from typing import Any, Final

CASE: Final = "north:2026-001"
FACE: Final = "1e9f7d5b3c1a8f6e4d2c0b9a7f5e3d1c8b6a4f2e0d9c7b5a3f1e8d6c4b20a9f7"
OTHER_FACE: Final = "b81d0e6f4a2c9b7d5e3f1a8c6b4d2e0f9a7c5b3d1e8f6a4c2b0d9e7f5a3c1b86"
MEDIA: Final = "2f1d7c9e3b5a8f6d4c2e0b9a7f5d3c1e8b6a4f2d0c9e7b5a3f1d8c6e4b2a0f97"
OTHER_CASE: Final = "south:2026-017"
OTHER_MEDIA: Final = "7c9e3b5a8f6d4c2e0b9a7f5d3c1e8b6a4f2d0c9e7b5a3f1d8c6e4b2a0f972f1d"
LINK_ID: Final = "5c3a1f9e7d5b3c1a8f6e4d2c0b9a7f5e3d1c8b6a4f2e0d9c7b5a3f1e8d6c4b20"
SEARCH_ID: Final = "0a4f5c0e6b1d4b7e9f3a8d2c6e5b1f70"

VERDICT: Final[dict[str, Any]] = {
    "decision": "confirmed", "reasons": ["ears", "marks", "against:hair"], "text": "", "faces": [FACE, OTHER_FACE],
}  # fmt: skip

GAP: Final[dict[str, Any]] = {
    "years": None, "band": "6-10",
    "limits": "a picture of a small child is found by one taken 6 to 10 years later in about two of three",
}  # fmt: skip

LINK: Final[dict[str, Any]] = {
    "link_id": LINK_ID,
    "state": "candidate",
    "version": 0,
    "proposed_by": "machine",
    "proposed_at": "2026-11-20T09:12:44+00:00",
    "score": None,
    "band": None,
    "model_id": None,
    "threshold": None,
    "by_mean": None,
    "score_id": None,
    "a": {
        "face_id": FACE, "media_id": MEDIA, "case_ids": [CASE], "box": [412, 96, 88, 117], "quality": 0.8,
        "district": "north", "contact": "duty desk north, 0100", "erased": False, "more_similar": 12,
    },
    "b": {
        "face_id": OTHER_FACE, "media_id": None, "case_ids": [], "box": None, "quality": None,
        "district": "south", "contact": "duty desk south, 0200", "erased": False, "more_similar": None,
    },
    "gap": GAP,
}  # fmt: skip

SIMILAR_FACES: Final[dict[str, Any]] = {"number": 12, "items": [LINK["b"]], "next": OTHER_FACE}

LINK_JUDGED: Final[dict[str, Any]] = {
    **LINK,
    "state": "confirmed",
    "version": 1,
    "score": 0.61,
    "band": "very strong support; provisional: measured on adults, not on children",
    "model_id": "sface-2021dec",
    "threshold": 0.4,
    "by_mean": False,
    "face_ids": [LINK["a"]["face_id"], LINK["b"]["face_id"]],
    "score_id": "score-5d41402abc4b",
    "history": [
        {
            "verdict_id": "4d1c8b6a0f972f1d7c9e3b5a8f6d4c2e", "by": "anna@north", "at": "2026-11-20T10:03:05+00:00",
            "decision": "confirmed", "reasons": ["ears", "marks", "against:hair"], "text": "", "supersedes": None,
            "blind": True,
        }
    ],
}  # fmt: skip

CASE_GRAPH: Final[dict[str, Any]] = {
    "case": {
        "case_id": CASE, "source": "north", "district": "north", "status": "open", "version": 3,
        "contact": "duty desk north, 0100", "review_by": "2027-11-01",
    },
    "media": [
        {
            "media_id": MEDIA, "kind": "picture", "content_type": "image/jpeg", "width": 1600, "height": 1200,
            "captured_at": "2026-08-02T17:20:11+02:00", "ai_generated": None, "scope": "register", "exhibits": ["A-12"],
            "urgency": "routine", "submitted_at": 1795165964000, "other_case_ids": [],
        }
    ],
    "faces": [
        {
            "face_id": FACE, "media_id": MEDIA, "ordinal": 0, "box": [412, 96, 88, 117], "quality": 0.8,
            "quality_because": "The face is hard to compare: it is blurred.", "too_poor_because": None, "label": None,
        }
    ],
    "links": [LINK],
    "cases": [
        {
            "case_id": None, "district": "south", "contact": "duty desk south, 0200", "links": {"candidate": 1},
            "shared_media": 0,
        }
    ],
}  # fmt: skip

QUESTION: Final[dict[str, Any]] = {
    "faces": [FACE], "victim_id": None, "case_id": CASE, "purpose": "victim identification", "legal_basis": "StPO 98c",
    "in": "register", "limit": 20, "keep_asking": False,
}  # fmt: skip

VICTIM_QUESTION: Final[dict[str, Any]] = {
    "faces": None, "victim_id": "v-5c3a1f9e7d5b3c1a8f6e4d2c0b9a7f5e", "case_id": CASE,
    "purpose": "victim identification",
    "legal_basis": "StPO 98c", "in": f"case:{CASE}", "limit": 20, "keep_asking": True,
}  # fmt: skip

FOUND: Final[dict[str, Any]] = {
    "offset": 88213, "rank": 1, "face_id": OTHER_FACE, "media_id": None, "case_ids": [], "box": None, "above": True,
    "probe_face_id": FACE, "district": "south", "contact": "duty desk south, 0200", "erased": False,
    "victim_id": None, "group_id": None, "gap": None,
}  # fmt: skip

ANSWER: Final[dict[str, Any]] = {
    "search_id": SEARCH_ID,
    "status": "answered",
    "headline": "leads to an unknown face in 1204 compared, 31 could not be judged; similar is not the same person",
    "reason": None,
    "case_id": CASE,
    "in": "register",
    "limit": 20,
    "purpose": "victim identification",
    "legal_basis": "StPO 98c",
    "requested_by": "anna@north",
    "asked_at": "2026-11-20T10:05:00+00:00",
    "answered_at": "2026-11-20T10:05:01+00:00",
    "keep_asking": False,
    "open": False,
    "open_until": None,
    "ended_at": None,
    "ended_because": None,
    "compared": 1204,
    "too_poor": 31,
    "no_face": 77,
    "quarantined": 0,
    "to_come": {"events": 0, "seconds": 0, "as_of": "2026-11-20T10:05:00+00:00"},
    "gallery_offset": 88213,
    "gallery_size": 91544,
    "victim_id": None,
    "picture": None,
    "faces": [
        {"face_id": FACE, "media_id": MEDIA, "box": [412, 96, 88, 117], "quality": 0.8, "too_poor_because": None}
    ],
    "people": [{"kind": "face", "id": OTHER_FACE, "identified": False, "face_ids": [OTHER_FACE]}],
    "parts": [
        {
            "offset": 88213, "at": "2026-11-20T10:05:01+00:00", "compared": 1204, "too_poor": 31, "no_face": 77,
            "found": 1, "items": [FOUND],
        }
    ],
    "items": [FOUND],
    "next": None,
}  # fmt: skip

SEARCHES: Final[dict[str, Any]] = {
    "items": [
        {
            **{name: ANSWER[name] for name in (
                "search_id", "status", "case_id", "in", "purpose", "requested_by", "asked_at", "answered_at",
                "keep_asking", "open", "open_until", "ended_at", "ended_because", "victim_id",
            )},
            "found": 1, "similar": 1,
        }
    ],
    "next": None,
}  # fmt: skip

UNJUDGED: Final[dict[str, Any]] = {
    "items": [
        {
            "media_id": MEDIA, "case_ids": [CASE],
            "faces": [
                {
                    "face_id": FACE, "box": [412, 96, 21, 27], "quality": 0.1,
                    "too_poor_because": "the eyes are 9 pixels apart, 24 are needed",
                }
            ],
        },
        {"media_id": OTHER_MEDIA, "case_ids": [CASE], "faces": []},
    ],
    "next": None,
}  # fmt: skip

APPROVAL: Final[dict[str, Any]] = {
    "decision": "returned",
    "reason": "the marks on the left cheek differ",
    "faces": None,
}

LINK_BY_HAND: Final[dict[str, Any]] = {
    "face_a": FACE, "face_b": OTHER_FACE, "reasons": ["marks", "context"], "text": "", "faces": None,
}  # fmt: skip

ACT: Final[dict[str, Any]] = {
    "links": [{"link_id": LINK_ID, "version": 0}], "faces": [], "faces_apart": [], "decision": "confirmed",
    "reasons": ["ears"], "text": "",
}  # fmt: skip

ACT_ID: Final = "b1d7c9e35f8a4d2c9b7e3f1a6c8d4e20"
VICTIM_ID: Final = "v-5c3a1f9e7d5b3c1a8f6e4d2c0b9a7f5e"

ACT_APPROVAL: Final[dict[str, Any]] = {
    "links": [{"link_id": LINK_ID, "version": 1}], "decision": "approved", "reason": "",
    "faces": [FACE, OTHER_FACE],
}  # fmt: skip

ACT_DONE: Final[dict[str, Any]] = {
    "act_id": ACT_ID, "links": [{"link_id": LINK_ID, "state": "confirmed", "version": 1}], "faces": 3, "cases": 2,
    "victims": [{"victim_id": VICTIM_ID, "faces": 3}], "pending": [], "identifications_to_approve_again": [],
    "in_part": False,
}  # fmt: skip

IDENTIFICATION: Final[dict[str, Any]] = {
    "person_ref": "north:person-4711", "basis": "interview", "reason": "named by her teacher",
    "faces": [FACE, OTHER_FACE],
}  # fmt: skip

IDENTIFICATION_SEEN: Final[dict[str, Any]] = {
    "identification_id": "9e7d5b3c1a8f6e4d2c0b9a7f5e3d1c8b", "victim_id": VICTIM_ID,
    "person_ref": IDENTIFICATION["person_ref"], "basis": "interview", "reason": IDENTIFICATION["reason"],
    "state": "proposed", "version": 0, "by": "anna@north", "at": "2026-11-20T11:00:00+00:00",
    "face_ids": [FACE, OTHER_FACE], "decided_by": None, "decided_at": None, "decision_reason": None,
}  # fmt: skip

HASH: Final = "9c4e0a2f6b8d1357ace02468bdf13579ace02468bdf13579ace02468bdf13579"
OTHER_HASH: Final = "13579ace02468bdf13579ace02468bdf13579ace02468bdf9c4e0a2f6b8d1357"

AUDIT_ENTRY: Final[dict[str, Any]] = {
    "seq": 4711, "at": "2026-11-20T10:03:05+00:00", "actor": "anna@north", "action": "link.judged", "subject": LINK_ID,
    "purpose": "victim identification", "digest": "a" * 64, "previous_hash": HASH, "hash": OTHER_HASH,
}  # fmt: skip

PROVED: Final[dict[str, Any]] = {
    "from": 1, "to": {"seq": 10000, "hash": HASH}, "head": {"seq": 48211, "hash": OTHER_HASH}, "roots": 3,
    "result": "whole", "fault": None, "next": 10000,
}  # fmt: skip

QUARANTINED: Final[dict[str, Any]] = {
    "quarantine_id": "c0b9a7f5e3d1c8b6a4f2e0d9c7b5a3f1", "event": "redthread.media.submitted.north.v1/3/1204",
    "topic": "redthread.media.submitted.north.v1", "partition": 3, "offset": 1204, "stage": "embed",
    "code": "wrong_sha256", "reason": "the bytes are not those of the named SHA-256", "source": "north",
    "attempts": 1, "status": "waiting", "submitted_at": 1795165964000,
}  # fmt: skip

CLAIM_ID: Final = "9d0c5b1e7f3a4c8e8b6d2f0a1c3e5d70"
FILTERS: Final[dict[str, Any]] = {
    "case_id": CASE, "district": None, "victim_id": None, "submitted_before": None, "submitted_after": None,
    "leads": False, "identified": False,
}  # fmt: skip
CLAIM_REQUEST: Final[dict[str, Any]] = {"filters": FILTERS, "n": 1, "after": None}
CLAIM: Final[dict[str, Any]] = {
    "claim_id": CLAIM_ID, "at": "2026-11-20T10:00:00+00:00", "until": "2026-11-20T10:15:00+00:00",
    "purpose": f"claim:{CLAIM_ID}",
}  # fmt: skip
SKIPPED: Final[dict[str, Any]] = {"claim_id": CLAIM_ID, "until": "2026-11-20T14:00:00Z"}
QUEUE: Final[dict[str, Any]] = {
    "items": [
        {
            "status": "claimed",
            "urgency": "danger_now",
            "submitted_at": 1795165964000,
            "units": [
                {"kind": "face", "id": FACE, "face_ids": [FACE]},
                {"kind": None, "id": None, "face_ids": [OTHER_FACE]},
            ],
            "links": [LINK],
            "claim": CLAIM,
            "returned": None,
        }
    ],
    "next": None,
}
APPROVALS: Final[dict[str, Any]] = {
    "items": [
        {
            "kind": "links",
            "urgency": "urgent",
            "by": "anna@north",
            "at": "2026-11-20T10:03:05+00:00",
            "face_ids": [LINK["a"]["face_id"], LINK["b"]["face_id"]],
            "victim_ids": ["v-5c3a1f9e7d5b3c1a8f6e4d2c0b9a7f5e"],
            "act_id": "4b0a5c0e6b1d4b7e9f3a8d2c6e5b1f70",
            "links": [{**LINK, "state": "confirmed", "version": 1}],
            "identification": None,
        },
        {
            "kind": "identification",
            "urgency": "routine",
            "by": "anna@north",
            "at": "2026-11-20T10:09:00+00:00",
            "face_ids": [FACE],
            "victim_ids": ["v-5c3a1f9e7d5b3c1a8f6e4d2c0b9a7f5e"],
            "act_id": None,
            "links": [],
            "identification": {
                "identification_id": "1c0a5c0e6b1d4b7e9f3a8d2c6e5b1f71", "state": "proposed",
                "person_ref": "north:person/77", "basis": "document", "face_ids": [FACE],
            },
        },
    ],
    "next": None,
}  # fmt: skip

VICTIM: Final = "v-3c1a8f6e4d2c0b9a7f5e3d1c8b6a4f2e"

CASE_FACTS: Final[dict[str, Any]] = {
    **CASE_GRAPH["case"], "media": 214, "faces": 96, "too_poor": 11, "links": {"candidate": 7, "approved": 1},
}  # fmt: skip

CASE_MEDIA: Final[dict[str, Any]] = {"items": [{**CASE_GRAPH["media"][0], "faces": 1, "too_poor": 0}], "next": MEDIA}

MEDIA_FACTS: Final[dict[str, Any]] = {
    "media_id": MEDIA, "kind": "picture", "content_type": "image/jpeg", "width": 1600, "height": 1200, "frames": 1,
    "duration_ms": None, "captured_at": None, "ai_generated": False, "first_submitted_at": 1795165964000, "faces": 1,
    "too_poor": 0,
    "memberships": [
        {
            "case_id": CASE, "district": "north", "contact": "duty desk north, 0100", "scope": "register",
            "purpose": "victim identification", "legal_basis": "StPO 98c", "exhibits": ["A-12"], "urgency": "routine",
            "submitted_at": 1795165964000,
        },
        {
            "case_id": None, "district": "south", "contact": None, "scope": None, "purpose": None, "legal_basis": None,
            "exhibits": None, "urgency": None, "submitted_at": None,
        },
    ],
}  # fmt: skip

MARK: Final[dict[str, Any]] = {"box": [820, 310, 64, 80]}

WAITING_MARK: Final[dict[str, Any]] = {
    "face_id": "d3f1b86a4c2e0d9f7a5c3b1e9f7d5b3c1a8f6e4d2c0b9a7f5e3d1c8b6a4f2e0d", "box": MARK["box"],
    "marked_by": "anna@north", "marked_at": "2026-11-20T10:03:05+00:00", "status": "waiting", "reason": None,
}  # fmt: skip

MEDIA_FACES: Final[dict[str, Any]] = {
    "items": [
        {
            "face_id": FACE, "media_id": MEDIA, "ordinal": 0, "box": [412, 96, 88, 117], "quality": 0.8,
            "quality_because": "The face is hard to compare: it is blurred.", "too_poor_because": None,
            "label": "victim", "label_version": 1, "landmarks_seen": True, "marked_by": None, "marked_at": None,
            "victim_id": VICTIM, "start_ms": None, "end_ms": None, "frame_ms": None,
        }
    ],
    "waiting": [WAITING_MARK],
    "next": None,
}  # fmt: skip

MARKED: Final[dict[str, Any]] = {
    "face_id": WAITING_MARK["face_id"], "media_id": MEDIA, "box": MARK["box"], "status": "waiting",
}  # fmt: skip

VICTIM_SHEET: Final[dict[str, Any]] = {
    "victim_id": VICTIM, "label": None, "registered": False, "identity": None, "erased": 0,
    "cases": [
        {
            "case_id": CASE, "district": "north", "contact": "duty desk north, 0100",
            "faces": [
                {
                    "face_id": FACE, "media_id": MEDIA, "box": [412, 96, 88, 117], "quality": 0.8,
                    "too_poor_because": None, "label": "victim", "bases": ["confirmed"], "declared": [],
                    "links": [{"link_id": LINK_ID, "state": "confirmed"}],
                }
            ],
        },
        {
            "case_id": None, "district": "south", "contact": None,
            "faces": [
                {
                    "face_id": OTHER_FACE, "media_id": None, "box": None, "quality": None, "too_poor_because": None,
                    "label": None, "bases": None, "declared": None, "links": None,
                }
            ],
        },
    ],
}  # fmt: skip


def _step(kind: str, **known: Any) -> dict[str, Any]:
    names = ("case_id", "media_id", "face_id", "to_face_id", "link_id", "state", "district", "contact")
    return {"kind": kind, **dict.fromkeys(names), **known}


PATH: Final[dict[str, Any]] = {
    "from_case": CASE,
    "to_case": OTHER_CASE,
    "linked": True,
    "steps": [
        _step("in_case", case_id=CASE, media_id=MEDIA, district="north", contact="duty desk north, 0100"),
        _step("seen_in", media_id=MEDIA, face_id=FACE, district="north", contact="duty desk north, 0100"),
        _step("link", face_id=FACE, to_face_id=OTHER_FACE, link_id=LINK_ID, state="approved"),
        _step("seen_in", media_id=OTHER_MEDIA, face_id=OTHER_FACE, district="south"),
        _step("in_case", case_id=OTHER_CASE, media_id=OTHER_MEDIA, district="south"),
    ],
}

UPLOAD: Final[dict[str, Any]] = {
    "case_id": CASE, "purpose": "victim identification", "legal_basis": "StPO 98c", "scope": "register",
    "urgency": "routine", "exhibit": "A-12", "captured_at": None, "source_ref": "4711",
}  # fmt: skip

UPLOADED: Final[dict[str, Any]] = {"media_id": MEDIA, "status": "submitted"}

LABEL: Final[dict[str, Any]] = {"label": "unrelated", "reason": "a nurse on a poster", "also": [OTHER_FACE]}

LABELS: Final[dict[str, Any]] = {
    "face_id": FACE, "label": "unrelated", "label_version": 1,
    "items": [
        {
            "act_id": "8f6d4c2e0b9a7f5d3c1e8b6a4f2d0c9e", "by": "anna@north", "at": "2026-11-20T10:03:05+00:00",
            "label": "unrelated", "reason": "a nurse on a poster", "version": 1,
        }
    ],
    "next": None,
}  # fmt: skip

ERASURE: Final[dict[str, Any]] = {"subject": {"media_id": MEDIA}, "reason": "review date passed"}

ERASURE_RECEIPT: Final[dict[str, Any]] = {
    "erasure_id": "c1e8b6a4f2d0c9e7b5a3f1d8c6e4b2a0", "state": "done", "subject": {"media_id": MEDIA}, "subjects": 1,
    "waiting": 0, "reason": "review date passed", "by": "sue@north", "at": "2026-11-20T10:03:05+00:00",
    "done_at": "2026-11-20T10:03:07+00:00",
}  # fmt: skip
