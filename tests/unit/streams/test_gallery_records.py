"""Records of the gallery log as former releases wrote them are read."""

import json
from typing import Any

from streams.records.gallery import MediaEmbedded

ORIGIN = {
    "event": "redthread.media.submitted.local.v1/0/7",
    "topic": "redthread.media.submitted.local.v1",
    "partition": 0,
    "offset": 7,
    "submitted_at": 1_700_000_000_000,
    "source": "local",
}
FACE = {
    "face_id": "a" * 64,
    "ordinal": 0,
    "box": [10, 20, 30, 40],
    "landmarks": [1.0] * 10,
    "detection_score": 0.9,
    "quality": 0.8,
    "vector": "AACAPw==",
    "norm": 12.0,
    "display_crop": "crop.jpg",
    "aligned_crop": "crop.png",
}
BEFORE_PAGES: dict[str, Any] = {
    "media_id": "b" * 64,
    "content_type": "image/jpeg",
    "width": 640,
    "height": 480,
    "frames": 3,
    "detector_id": "a detector",
    "model_id": "a model",
    "captured_at": "2019-07-14T18:05:09",
    "faces": [FACE],
    "submitted": {
        "case_id": "local:1",
        "district": "north",
        "url": "file:///a.jpg",
        "scope": "register",
        "purpose": "identification",
        "legal_basis": "a law",
    },
    "search": None,
    "origin": ORIGIN,
}
"""A record from before faces had a page and a context view, and media a number of examined pages."""


def test_a_media_record_without_pages_is_of_one_examined_page_that_was_decoded_whole() -> None:
    record = MediaEmbedded.model_validate_json(json.dumps(BEFORE_PAGES))

    assert (record.frames, record.frames_examined, record.partial_percent) == (3, 1, None)
    assert [(face.page, face.context_view) for face in record.faces] == [(1, None)]
