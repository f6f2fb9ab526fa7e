"""A register of the release before is compared as until then, until a person brings it over to the score of today."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from graph.actions.decide.decision import Judgement
from graph.actions.decide.verdicts import do_verdict
from graph.actions.link.cursor import raise_epoch, read_cursor
from graph.domain.link import Decision
from graph.store.session import Store
from streams.faces.models import MODEL_ID
from streams.gallery.calibration import legacy_calibration, packaged
from streams.link.register_score import adopt_score
from streams.records.gallery import GalleryRecord
from streams.settings import Addresses
from tests.support import factories_streams as make
from tests.support.access import access_of
from tests.support.commands import redthread_forked
from tests.support.factories import ANNA, NOW
from tests.support.link_in_process import link_in_process
from tests.support.reference_gallery import Reference

pytestmark = pytest.mark.anyio

NOW_ID = packaged()[MODEL_ID].score_id
OLDER = legacy_calibration(MODEL_ID, {})


def pictures() -> list[GalleryRecord]:
    """Twelve people twice, one picture of each in every case: alike by either score, and strangers by one alone."""
    rng = np.random.default_rng(4)
    people = [make.unit(rng) for _ in range(12)]
    return [
        make.embedded(
            f"{case}-{number}",
            [make.near(rng, vector, 0.36 + 0.03 * number)],
            make.submitted(f"local:{case}", "register", make.CASES[f"local:{case}"]),
            make.origin(place),
        )
        for place, (number, vector, case) in enumerate(
            (number, vector, case) for number, vector in enumerate(people) for case in ("n1", "s1")
        )
    ]


async def models(stack: Addresses, *arguments: object) -> subprocess.CompletedProcess[str]:
    return await redthread_forked("models", *arguments, env=stack.env())


def links_of(
    records: list[GalleryRecord], reference: Reference
) -> dict[tuple[str, str], tuple[str, float, str, float]]:
    for offset, record in enumerate(records):
        reference.apply(offset, record)
    reference.recompare_all()
    return reference.links


async def test_links_of_an_older_release_are_compared_again_at_one_record_and_judged_ones_keep_their_score(
    stack: Addresses, store: Store, tmp_path: Path
) -> None:
    first, *rest = pictures()
    async with link_in_process(store, tmp_path) as site:
        site.write([first])
        await site.linked()
        await site.stop()
        # What the release before left: no score in the cursor, and none on a link.
        await site.do("MATCH (c:Cursor) REMOVE c.score_id, c.calibration")

        site.write(rest)
        await site.linked()

        assert (await site.cursor()).score_id == OLDER.score_id
        assert await site.links() == links_of([first, *rest], Reference(calibrations={MODEL_ID: OLDER}))
        listed = await models(stack)
        assert "models rescore" in listed.stdout
        [judged] = await site.rows("MATCH ()-[r:CANDIDATE {state: 'candidate'}]->() RETURN r.link_id AS id LIMIT 1")
        await do_verdict(
            access_of(site.store, ANNA, NOW), Judgement(judged["id"], 0, Decision.CONFIRMED, ("ears",), "")
        )
        await site.linked()

        looked = await models(stack, "rescore", "--by", "olga@ops")
        assert (looked.returncode, (await site.cursor()).score_id) == (0, OLDER.score_id), looked.stderr
        assert "would appear" in looked.stderr
        done = await models(stack, "rescore", "--by", "olga@ops", "--switch")
        assert done.returncode == 0, done.stderr

        assert (await site.cursor()).score_id == NOW_ID
        by_score = await site.rows("MATCH ()-[r:CANDIDATE]->() RETURN r.score_id AS s, collect(r.link_id) AS links")
        of = {row["s"]: row["links"] for row in by_score}
        assert of[OLDER.score_id] == [judged["id"]]
        wanted = links_of([first, *rest], Reference())
        found = {pair: told for pair, told in (await site.links()).items()}
        differing = {pair for pair in found.keys() | wanted.keys() if found.get(pair) != wanted.get(pair)}
        assert len(differing) == 1, "all but the judged link"
        again = await models(stack, "rescore", "--by", "olga@ops", "--switch")
        assert "already" in again.stderr
        assert "rescore" not in (await models(stack)).stdout


@pytest.mark.parametrize(("faces", "score_id"), [(0, NOW_ID), (1, OLDER.score_id)])
async def test_a_register_of_an_older_release_is_recognised_by_its_faces(
    store: Store, faces: int, score_id: str
) -> None:
    """Symptom: an older dump that was loaded, and whose log `restore` then had read again from its beginning, was taken
    for a new register: its links kept their old scores, and `models rescore` said that there is nothing to do."""
    await store.write(
        lambda tx: tx.do("UNWIND range(1, $faces) AS n CREATE (:Face {face_id: toString(n)})", faces=faces)
    )
    cursor = await raise_epoch(store, "log", MODEL_ID)
    assert cursor.offset == -1

    await adopt_score(store, cursor.epoch, cursor, MODEL_ID, packaged())

    assert (await read_cursor(store)).score_id == score_id
