"""The demo's result: counts, quarantined files, candidate links by case and file. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from graph.actions.read.counts import ScoredLink
from streams.client.folders import SourceFile

Notice = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One face of a link: its case, its file, and its box in pixels after EXIF rotation."""

    case: str
    file: str
    box: list[int]


@dataclass(frozen=True, slots=True)
class FoundLink:
    """A candidate link, its endpoints in the order of case, file and box."""

    a: Endpoint
    b: Endpoint
    score: float
    threshold: float
    faces: tuple[str, str]
    """Face ids of a and b."""

    @property
    def between_cases(self) -> bool:
        return self.a.case != self.b.case

    def order(self) -> tuple[object, ...]:
        """Best score first, then by place."""
        return (-self.score, self.a.case, self.a.file, self.b.case, self.b.file, self.faces)

    def as_json(self) -> dict[str, Any]:
        score = round(self.score, 4)
        return {"a": asdict(self.a), "b": asdict(self.b), "score": score, "threshold": self.threshold}


@dataclass(frozen=True, slots=True)
class Result:
    """All results. `media` counts distinct accepted media, so none in quarantine."""

    files: int
    media: int
    faces: int
    no_face: int
    too_poor: int
    quarantined: list[dict[str, str]]
    links: list[FoundLink]

    def as_json(self, seconds: Mapping[str, Any]) -> dict[str, Any]:
        """The one object of `--json`."""
        return {**asdict(self), "links": [link.as_json() for link in self.links], "seconds": dict(seconds)}


def places_by_media(files: Sequence[SourceFile], notices: Mapping[int, Notice]) -> dict[str, list[SourceFile]]:
    """The files that hold each media, in the order of the files; `notices` are by a file's position in `files`."""
    places: defaultdict[str, list[SourceFile]] = defaultdict(list)
    for position, file in enumerate(files):
        if media_id := notices[position].get("media_id"):
            places[media_id].append(file)
    return dict(places)


def result_of(files: Sequence[SourceFile], notices: Mapping[int, Notice], links: Iterable[ScoredLink]) -> Result:
    """The result, when every file has its notice and `links` are those of the graph."""
    by_media = {notice["media_id"]: notice for notice in notices.values() if notice.get("media_id")}
    quarantined = [
        {"case": file.case, "file": file.file, "reason": str(notices[position].get("reason", ""))}
        for position, file in enumerate(files)
        if notices[position]["outcome"] == "quarantined"
    ]
    places = places_by_media(files, notices)
    found = [found for row in links if row.state == "candidate" for found in found_links(row, places)]
    return Result(
        files=len(files),
        media=len(by_media),
        faces=sum(notice["faces"] for notice in by_media.values()),
        no_face=sum(notice["faces"] == 0 for notice in by_media.values()),
        too_poor=sum(notice["too_poor"] for notice in by_media.values()),
        quarantined=quarantined,
        links=sorted(found, key=FoundLink.order),
    )


def found_links(row: ScoredLink, places: Mapping[str, Sequence[SourceFile]]) -> list[FoundLink]:
    """The link once for each pair of cases that it joins; a media with two files in a case is named by the first."""
    links: list[FoundLink] = []
    for a, b in product(_first_in_each_case(places[row.a_media]), _first_in_each_case(places[row.b_media])):
        ends = [
            (Endpoint(a.case, a.file, list(row.a_box)), row.a_face),
            (Endpoint(b.case, b.file, list(row.b_box)), row.b_face),
        ]
        ends.sort(key=lambda end: (end[0].case, end[0].file, end[0].box))
        (first, first_face), (second, second_face) = ends
        links.append(FoundLink(first, second, row.score, row.threshold, (first_face, second_face)))
    return links


def _first_in_each_case(files: Sequence[SourceFile]) -> list[SourceFile]:
    return list({file.case: file for file in reversed(files)}.values())[::-1]
