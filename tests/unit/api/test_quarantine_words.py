"""Every code with which an event can wait in quarantine has words on the page of a case."""

import ast
from collections.abc import Iterator
from pathlib import Path

from api.pages.quarantine_words import WORDS
from graph.domain.errors import OtherModel, SourceUnreachable, Unprocessable
from streams.media import files, formats

CHECKOUT = Path(__file__).parent.parent.parent.parent
MADE = {*files.REFUSALS, *formats.REFUSALS, "decoder_died", "decoder_timeout"}
"""Codes that are looked up or put together where the refusal is made."""


def codes() -> Iterator[str]:
    """The codes that the source names where it refuses an event."""
    for path in (CHECKOUT / "streams").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="Unprocessable"), keywords=[*_, ast.keyword(arg="code", value=code)]):
                    match code:
                        case ast.Constant(value=str(name)):
                            yield name
                        case ast.Name() | ast.JoinedStr():
                            assert path.name in ("files.py", "decode.py"), f"{path}: add its codes to MADE"
                        case _:
                            raise AssertionError(f"{path}:{node.lineno}: a code that this test cannot read")


def test_every_code_has_words() -> None:
    named = set(codes())
    assert {"wrong_sha256", "case_id_looks_alike", "record_too_large", "unexpected"} <= named
    assert named | MADE | {Unprocessable.code, SourceUnreachable.code, OtherModel.code} == set(WORDS)
