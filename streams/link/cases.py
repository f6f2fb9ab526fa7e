"""Events about cases and victims: a case is opened or closed, a victim registered."""

from dataclasses import replace

from streams.link.batch import Batch
from streams.link.scope_reduction import reduce_scope
from streams.records.gallery import CaseRecord, VictimRecord


def change(batch: Batch, record: CaseRecord) -> None:
    """Stages the case's new state. A case that opens has its media compared; one that closes loses its comparisons.

    An older version changes nothing. Raises Unprocessable if the case belongs to another district.
    """
    changed = record.changed
    old = batch.case_of(changed.case_id, changed.district, record.origin)
    if batch.staged.cases.get(old.case_id) is not None and changed.version <= old.version:
        batch.notify(record.origin, "older_version", {"case_id": old.case_id, "version": old.version})
        return
    case = replace(old, open=changed.status == "open", version=changed.version)
    batch.put_case(case, contact=changed.contact, review_by=changed.review_by and changed.review_by.isoformat())
    if case.open != old.open:
        affected = [batch.staged.put_media(media) for media in batch.media_of_case(case.case_id)]
        if case.open:
            batch.compare.all_media(affected)
        else:
            reduce_scope(batch, affected)
            batch.answers.end_with_case(case.case_id, "case_closed")
    batch.notify(record.origin, "case_changed", {"case_id": case.case_id, "version": case.version})


def register_victim(batch: Batch, record: VictimRecord) -> None:
    """Stages a victim that a case system registers."""
    changed = record.changed
    batch.changes.victims.append(changed.model_dump())
    batch.notify(record.origin, "victim_registered", {"victim_id": changed.victim_id})
