"""People's decisions on victims, which the graph already holds: from here on they count for the caps."""

from dataclasses import replace

from streams.link.batch import Batch
from streams.records.gallery import VictimsAssigned


def assign_victims(batch: Batch, record: VictimsAssigned) -> None:
    """Stages each face's victim after the decision."""
    for face_id, victim_id in record.faces.items():
        if (face := batch.staged.faces.get(face_id)) is not None:
            batch.staged.put_face(replace(face, assigned=victim_id))


def victims(record: VictimsAssigned) -> set[str]:
    """The victims that faces were assigned to."""
    return {victim_id for victim_id in record.faces.values() if victim_id is not None}
