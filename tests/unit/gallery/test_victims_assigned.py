"""What people decided about victims reaches link by the log and counts for the caps from there on."""

import json

import numpy as np

from graph.actions.link.outbox import OutboxRow
from streams import topics
from streams.faces.models import MODEL_ID
from streams.link.worker import parse
from streams.records.gallery import GalleryRecord, VictimsAssigned
from streams.records.message import Message
from streams.relay.outgoing import outgoing
from tests.support import factories_streams as make
from tests.support.register import Register, batch_of


def linked_with_new(*between: GalleryRecord) -> int:
    """How many of five like faces in five cases are proposed for a sixth, after the records `between`."""
    vector = make.unit(np.random.default_rng(1))
    log: list[GalleryRecord] = [
        make.embedded(f"old{n}", [vector], make.submitted(f"local:n{n}"), make.origin(n)) for n in range(5)
    ]
    log += [*between, make.embedded("new", [vector], make.submitted("local:n9"), make.origin(9))]
    gallery = Register()
    for offset, record in enumerate(log):
        batch = batch_of(gallery, MODEL_ID, [(offset, record)])
        gallery.merge(batch.staged)
    return len(batch.changes.links)


def test_faces_that_people_made_one_victim_count_as_three_at_most() -> None:
    faces: dict[str, str | None] = {make.face_id(f"old{n}"): "v-1" for n in range(5)}
    taken_back: dict[str, str | None] = dict.fromkeys(faces)

    assert linked_with_new() == 5
    assert linked_with_new(VictimsAssigned(faces=faces)) == 3
    assert linked_with_new(VictimsAssigned(faces=faces), VictimsAssigned(faces=taken_back)) == 5
    assert linked_with_new(VictimsAssigned(faces={"f" * 64: "v-1"})) == 5


def test_the_relay_publishes_them_as_a_record_that_link_reads() -> None:
    body = {"faces": {make.face_id("one"): "v-1", make.face_id("two"): None}}
    topic, key, value, headers = outgoing(OutboxRow(1, "victims", make.face_id("one"), "", ""), body)
    message = Message(topic, 0, 7, key, value, [(name, text) for name, text in headers], 0)

    assert topic == topics.GALLERY
    assert json.loads(value or b"") == body
    assert parse(message) == VictimsAssigned.model_validate(body)
