"""A new case gets no id that people could take for another case's; cases of older releases go on."""

import numpy as np
import pytest

from streams.faces.models import MODEL_ID
from tests.support import factories_streams as make
from tests.support.register import Register, batch_of


def refused(register: Register, first: int, *case_ids: str, checks: bool = True) -> list[str]:
    """The reasons of what is quarantined of a batch with a picture for each case."""
    unit, records = make.unit(np.random.default_rng(first)), make.Log()
    for number, case_id in enumerate(case_ids, start=first):
        origin = make.origin(number, checks_case_id=checks)
        records.append((number, make.embedded(f"p{number}", [unit], make.submitted(case_id), origin)))
    batch = batch_of(register, MODEL_ID, records)
    register.merge(batch.staged)
    assert {row["code"] for row in batch.changes.quarantined} <= {"case_id_looks_alike"}
    return [row["reason"] for row in batch.changes.quarantined]


@pytest.mark.parametrize("known", ["local:A-1 Zoë", "local:a-1 zoë", "local:\uff21-1 Zoë"])
def test_a_case_whose_id_looks_like_a_known_ones_is_refused_with_that_id(known: str) -> None:
    register, alike = Register(), "local:a-1 ZOË"
    assert refused(register, 0, "local:other", "local:a-2 zoë") == []

    [in_one_batch] = refused(register, 5, known, alike, known)
    [later] = refused(register, 10, alike, known)

    assert in_one_batch == later == f"there is a case {known}: use its id, or one that differs more"
    assert alike not in register.cases


def test_a_case_id_in_another_composition_is_refused() -> None:
    [reason] = refused(Register(), 0, "local:Zoe\u0308")

    assert "NFC" in reason


def test_odd_cases_of_an_older_release_are_read_from_the_log_and_go_on() -> None:
    register = Register()

    assert refused(register, 0, "local:x ", "local:X ", checks=False) == []
    assert refused(register, 5, "local:x ") == []
    assert {"local:x ", "local:X "} <= set(register.cases)
