"""What `bench links` reads of the graph."""

import numpy as np
import pytest

from graph.store.session import Store
from infra.evaluation.links import main_faces
from streams.faces.models import MODEL_ID
from streams.gallery.calibration import as_text, packaged
from tests.support import factories_streams as make
from tests.support.scored import compared_by

pytestmark = pytest.mark.anyio

ONE_FACE = """
CREATE (f:Face {face_id: 'f', box: [0, 0, 2, 2]})-[:SEEN_IN]->(:Media {media_id: 'm', width: 4, height: 4}),
       (:Embedding {embedding_id: 'e', model_id: $model_id, vector: $vector})-[:OF]->(f)
WITH f MATCH (c:Cursor) SET c.calibration = $calibration
"""


async def test_a_pair_is_scored_as_links_are_not_by_the_cosine_of_stored_vectors(store: Store) -> None:
    """Symptom: a missed pair was listed with 0.47 beside a threshold of 0.43, as not similar enough."""
    stored = make.unit(np.random.default_rng(1))
    text = as_text(packaged()[MODEL_ID])
    await store.write(
        lambda tx: tx.do(ONE_FACE, model_id=MODEL_ID, vector=stored.astype("<f4").tobytes(), calibration=text)
    )

    face = (await main_faces(store))["m"]

    assert np.frombuffer(face.vector, "<f4").tolist() == compared_by(stored).tolist()
