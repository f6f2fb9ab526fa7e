"""The README lists every setting, topic and route, and none that does not exist."""

from __future__ import annotations

import re
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from api.app import build_app
from api.services import Services
from api.settings import Settings as ApiSettings
from graph.domain.visibility import DISCLOSURES
from infra.settings import Settings
from streams import topics
from streams.settings import StreamSettings

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def test_every_setting_stands_in_the_readme_and_no_other() -> None:
    fields = {*StreamSettings.model_fields, *Settings.model_fields, *ApiSettings.model_fields}

    assert set(re.findall(r"`(REDTHREAD_[A-Z0-9_]+)`", README)) == {f"REDTHREAD_{name.upper()}" for name in fields}


def test_every_topic_stands_in_the_readme_with_its_partitions_and_no_other() -> None:
    wanted = {(topic.name, str(topic.partitions)) for topic in topics.table(["<source>"])}

    assert set(re.findall(r"^\| `(redthread\.[^`]+)` \| (\d+) \|", README, re.MULTILINE)) == wanted


def test_every_route_stands_in_the_readme_and_no_other() -> None:
    def never() -> AbstractAsyncContextManager[Services]:
        raise AssertionError("describing the API opens nothing")

    paths = build_app(never, upload_limit=1, version="0").openapi()["paths"]
    wanted = {(method.upper(), path.replace(":path}", "}")) for path, methods in paths.items() for method in methods}

    assert set(re.findall(r"^\| `([A-Z]+) (/[^`]+)` \|", README, re.MULTILINE)) == wanted


def test_it_lists_what_is_told_on_purpose() -> None:
    told = {f"| {item.fact} | {item.reason} |" for item in DISCLOSURES}
    [table] = re.findall(r"\| what is told on purpose \| why \|\n\|---\|---\|\n((?:\|.*\|\n)+)", README)
    assert set(table.splitlines()) == told
