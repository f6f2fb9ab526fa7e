"""One story told in OpenAPI: a case, a link from it to another, and a search; a test holds them to their models."""

from __future__ import annotations

from typing import Any, Final

CASE: Final = "north:2026-001"
OTHER_CASE: Final = "south:2026-017"
FACE: Final = "1e9f7d5b3c1a8f6e4d2c0b9a7f5e3d1c8b6a4f2e0d9c7b5a3f1e8d6c4b20a9f7"
OTHER_FACE: Final = "b81d0e6f4a2c9b7d5e3f1a8c6b4d2e0f9a7c5b3d1e8f6a4c2b0d9e7f5a3c1b86"
MEDIA: Final = "2f1d7c9e3b5a8f6d4c2e0b9a7f5d3c1e8b6a4f2d0c9e7b5a3f1d8c6e4b2a0f97"
OTHER_MEDIA: Final = "7c9e3b5a8f6d4c2e0b9a7f5d3c1e8b6a4f2d0c9e7b5a3f1d8c6e4b2a0f972f1d"
LINK_ID: Final = "5c3a1f9e7d5b3c1a8f6e4d2c0b9a7f5e3d1c8b6a4f2e0d9c7b5a3f1e8d6c4b20"
SEARCH_ID: Final = "0a4f5c0e6b1d4b7e9f3a8d2c6e5b1f70"

VERDICT: Final[dict[str, Any]] = {"decision": "confirmed", "reasons": ["ears", "marks", "against:hair"], "text": ""}

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
    "a": {
        "face_id": FACE, "media_id": MEDIA, "case_ids": [CASE], "box": [412, 96, 88, 117], "quality": 0.8,
        "district": "north", "contact": "duty desk north, 0100",
    },
    "b": {
        "face_id": OTHER_FACE, "media_id": OTHER_MEDIA, "case_ids": [OTHER_CASE], "box": [77, 140, 61, 80],
        "quality": 0.6, "district": "south", "contact": None,
    },
}  # fmt: skip

LINK_JUDGED: Final[dict[str, Any]] = {
    **LINK,
    "state": "confirmed",
    "version": 1,
    "score": 0.61,
    "band": "provisional: measured on adults, not on children",
    "model_id": "sface-2021dec",
    "threshold": 0.4,
    "history": [
        {
            "verdict_id": "4d1c8b6a0f972f1d7c9e3b5a8f6d4c2e", "by": "anna@north", "at": "2026-11-20T10:03:05+00:00",
            "decision": "confirmed", "reasons": ["ears", "marks", "against:hair"], "text": "", "supersedes": None,
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
            "captured_at": None, "scope": "register", "exhibits": ["A-12"], "urgency": "routine",
            "submitted_at": 1795165964000, "other_case_ids": [],
        }
    ],
    "faces": [
        {
            "face_id": FACE, "media_id": MEDIA, "ordinal": 0, "box": [412, 96, 88, 117], "quality": 0.8,
            "too_poor_because": None, "label": None,
        }
    ],
    "links": [LINK],
    "cases": [
        {"case_id": OTHER_CASE, "district": "south", "contact": None, "links": {"candidate": 1}, "shared_media": 0}
    ],
}  # fmt: skip

QUESTION: Final[dict[str, Any]] = {
    "faces": [FACE], "case_id": CASE, "purpose": "victim identification", "legal_basis": "StPO 98c",
    "in": f"case:{OTHER_CASE}", "limit": 20,
}  # fmt: skip

ANSWER: Final[dict[str, Any]] = {
    "search_id": SEARCH_ID,
    "status": "answered",
    "headline": "1 similar among 1204 compared, 31 could not be judged: similar is not the same person",
    "reason": None,
    "case_id": CASE,
    "in": f"case:{OTHER_CASE}",
    "limit": 20,
    "purpose": "victim identification",
    "legal_basis": "StPO 98c",
    "requested_by": "anna@north",
    "asked_at": "2026-11-20T10:05:00+00:00",
    "answered_at": "2026-11-20T10:05:01+00:00",
    "compared": 1204,
    "too_poor": 31,
    "gallery_offset": 88213,
    "gallery_size": 91544,
    "faces": [FACE],
    "items": [
        {
            "rank": 1, "face_id": OTHER_FACE, "media_id": OTHER_MEDIA, "case_ids": [OTHER_CASE],
            "box": [77, 140, 61, 80], "above": True, "probe_face_id": FACE,
        }
    ],
}  # fmt: skip

VICTIM: Final = "v-3c1a8f6e4d2c0b9a7f5e3d1c8b6a4f2e"

CASE_FACTS: Final[dict[str, Any]] = {
    **CASE_GRAPH["case"], "media": 214, "faces": 96, "too_poor": 11, "links": {"candidate": 7, "approved": 1},
}  # fmt: skip

CASE_MEDIA: Final[dict[str, Any]] = {"items": [{**CASE_GRAPH["media"][0], "faces": 1, "too_poor": 0}], "next": MEDIA}

MEDIA_FACTS: Final[dict[str, Any]] = {
    "media_id": MEDIA, "kind": "picture", "content_type": "image/jpeg", "width": 1600, "height": 1200, "frames": 1,
    "duration_ms": None, "captured_at": None, "first_submitted_at": 1795165964000, "faces": 1, "too_poor": 0,
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

MEDIA_FACES: Final[dict[str, Any]] = {
    "items": [
        {
            "face_id": FACE, "media_id": MEDIA, "ordinal": 0, "box": [412, 96, 88, 117], "quality": 0.8,
            "too_poor_because": None, "label": "victim", "label_version": 1, "victim_id": VICTIM, "start_ms": None,
            "end_ms": None, "frame_ms": None,
        }
    ],
    "next": None,
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
