"""A deployment's own calibration is what link proposes by."""

import json
from pathlib import Path

import numpy as np
import pytest

from graph.store.session import Store
from streams.gallery.calibration import PACKAGED
from tests.support import factories_streams as make
from tests.support.link_in_process import link_in_process

pytestmark = pytest.mark.anyio


async def test_link_takes_threshold_and_band_from_the_file_that_the_setting_names(store: Store, tmp_path: Path) -> None:
    told = json.loads(PACKAGED.read_bytes())
    told["calibrations"][0] |= {
        "population": "children",
        "false_accepts": [[0.5, 1e-3], [0.6, 1e-4]],
        "floor": 0.5,
        "evidence": [[0.0, -4.0], [1.0, 6.0]],
    }
    file = tmp_path / "own.json"
    file.write_text(json.dumps(told))
    rng = np.random.default_rng(8)
    child = make.unit(rng)
    cosines = {"like": 0.55, "unlike": 0.45}
    records = [make.embedded("child", [child], make.submitted("local:n1"), make.origin(0))]
    for place, (name, cosine) in enumerate(cosines.items(), 1):
        event = make.submitted("local:s1", district="south")
        records.append(make.embedded(name, [make.near(rng, child, cosine)], event, make.origin(place), quality=0.99))

    async with link_in_process(store, tmp_path, calibration=file) as site:
        site.write(records)
        await site.linked()
        links = await site.links()

    ((state, _, band, threshold),) = links.values()
    assert (state, band, threshold) == ("candidate", "moderate support", 0.5)
