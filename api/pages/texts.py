"""Filters of the templates: times, numbers, and the domain's English sentences in the language of the page."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from babel.dates import format_date, format_time, format_timedelta
from babel.numbers import format_decimal
from markupsafe import Markup, escape

from api.pages import language
from graph.domain.capture_time import read_date
from graph.domain.errors import Invalid

_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")


def _(text: str) -> str:
    """Marks a text for the catalogues."""
    return text


ROLES: Final = {
    "investigator": _("investigator of %(district)s"),
    "supervisor": _("supervisor of %(district)s"),
    "somebody": _("somebody of %(district)s"),
}
TAKEN_BACK_IN_REVIEW: Final = _("taken back on the review page")
TAKEN_BACK_IN_SEARCH: Final = _("taken back on the page of a search")
TAKEN_BACK_IN_APPROVALS: Final = _("taken back on the page of approvals")
NO_FACE_IN_REVIEW: Final = _("seen on the review page: this is no face")
_REASONS: Final = {TAKEN_BACK_IN_REVIEW, TAKEN_BACK_IN_SEARCH, TAKEN_BACK_IN_APPROVALS, NO_FACE_IN_REVIEW}
"""Reasons that a page states for a person who pressed a key; they are stored in English."""
_EMPTY: Final = "–"
LOCALES: Final = {"en": "en_GB", "da": "da"}
"""How each language writes dates and numbers: in American dates the month could be taken for the day."""

_TOLD: Final = {
    "you acted first ({decision}, {at}): this link is {state} now": _(
        "you acted first yourself, in another window or by pressing twice ({decision}, {at}): this link is {state} now"
    ),
    # A name keeps its small letter, so it does not begin the sentence.
    "{who} acted first ({decision}, {at}): this link is {state} now": _(
        "before you, {who} decided ({decision}, {at}): this link is {state} now"
    ),
    "{who} decided since ({decision}, {at}): a supervisor of {places} may take that back first": _(
        "since then {who} decided ({decision}, {at}): a supervisor of {places} may take that back first"
    ),
    "{who} is judging this, until {at} at the latest": _("until {at} at the latest, {who} is judging this"),
    "the version you saw is not the one that stands: this link is {state}": _("this link is {state} now"),
    "this link is {state}: {what}": _("this link is {state}: {what}"),
    "this would make one person of {what}: see `current` for the chain that joins them": _(
        "this would make one person of {what}"
    ),
    "this would make one person of two that were identified as different people: {whom}": _(
        "this would make one person of two that were identified as different people: {whom}"
    ),
    "this contradicts what another district holds: {whom}": _("this contradicts what another district holds: {whom}"),
    "nothing is left to confirm: dismiss instead": _(
        "no picture is ticked: choose “Different” if they show different people"
    ),
    "legal_basis: from {least} to {most} characters": _("legal basis: from {least} to {most} characters"),
    "reason: from {least} to {most} characters": _("reason: from {least} to {most} characters"),
    "person_ref: from {least} to {most} characters": _("reference: from {least} to {most} characters"),
    "faces: two of them are in one picture: ask for each, or state first that it shows one person twice": _(
        "two of these faces are in one picture: search for each, or state first that it shows one person twice"
    ),
    "district {district}, call {contact}": _("district {district}, call {contact}"),
}
"""Sentences of refusals that name what they are about, and how the pages say them."""
_PATTERNS: Final = [
    (re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(sentence))), text) for sentence, text in _TOLD.items()
]


def filters(name: str) -> dict[str, Callable[..., Any]]:
    """The filters for one language."""
    locale = LOCALES[name]
    return {
        "when": partial(when, locale),
        "day": partial(day, locale),
        "local_day": partial(local_day, locale),
        "number": partial(number, locale),
        "score": partial(score, locale),
        "lasting": partial(lasting, name),
        "said": partial(said, name),
        "whom": partial(whom, name),
        "sentence": partial(sentence, name),
        "reason": partial(reason, name),
        "name": isolated,
        "short": short,
    }


def when(name: str, moment: object) -> Markup:
    """Date and time as an element `time`; `moment` is ISO 8601 text, or milliseconds since 1970 (UTC)."""
    at = _moment(moment)
    return Markup(_EMPTY) if at is None else _time(at, _local(name, at))


def day(name: str, moment: object) -> Markup:
    """The date alone as it was stated, of a picture for example, as an element `time`."""
    at = _moment(moment)
    return Markup(_EMPTY) if at is None else _time(at, format_date(at, "medium", locale=name))


def local_day(name: str, moment: object) -> Markup:
    """The local date of a time that this service recorded, as `when` writes it."""
    at = _moment(moment)
    return Markup(_EMPTY) if at is None else _time(at, format_date(at.astimezone(), "medium", locale=name))


def number(name: str, value: float | None) -> str:
    """A number with the language's separators."""
    return _EMPTY if value is None else format_decimal(value, locale=name)


def score(name: str, value: float) -> str:
    """A score with two decimals."""
    return format_decimal(value, "0.00", locale=name)


def lasting(name: str, seconds: float) -> str:
    """A length of time in its largest unit."""
    return format_timedelta(timedelta(seconds=seconds), threshold=1.5, format="short", locale=name)


def said(name: str, sentence: str | None) -> str:
    """A sentence of the domain in the language of the page.

    Its parts, separated by `; `, are looked up with their numbers as `{0}`, `{1}`, ..., or by a pattern of refusals,
    whose words are looked up as well; what no catalogue has stays as it is.
    """
    return "; ".join(_said(name, part) for part in sentence.split("; ")) if sentence else ""


def sentence(name: str, text: str) -> str:
    """What `said` gives, as a sentence that stands by itself: with a capital and a full stop."""
    told = said(name, text)
    return told[:1].upper() + told[1:] + "." * (told[-1:] not in ".!?")


def reason(name: str, text: str) -> Markup:
    """A stored reason as its author wrote it; one that a page stated, in the language of the page."""
    return isolated(language.translations(name).gettext(text) if text in _REASONS else text)


def whom(name: str, by: str) -> Markup:
    """Who did something: a name, or role and district (`people.display_name`) in the language of the page."""
    return isolated(_who(name, by))


def _who(name: str, by: str) -> str:
    role, of, district = by.partition(" of ")
    if not of or role not in ROLES:
        return by
    gettext = language.translations(name).gettext
    return gettext(ROLES[role]) % {"district": gettext(district)}


def isolated(text: str) -> Markup:
    """A name in an element `bdi`, so that it cannot turn the direction of the sentence around it."""
    return Markup("<bdi>{}</bdi>").format(text)


def short(text: str, length: int = 8) -> str:
    """The beginning of an id."""
    return text[:length]


def with_places(part: str) -> tuple[str, list[str]]:
    """A part of a sentence as the catalogues have it, with a place for each number, and the numbers."""
    numbers = _NUMBER.findall(part)
    places = iter(range(len(numbers)))
    return _NUMBER.sub(lambda _: f"{{{next(places)}}}", part), numbers


def _said(name: str, part: str) -> str:
    for pattern, text in _PATTERNS:
        if told := pattern.fullmatch(part):
            words = {key: _word(name, key, word) for key, word in told.groupdict().items()}
            return language.translations(name).gettext(text).format_map(words)
    message, numbers = with_places(part)
    found = language.translations(name).gettext(message)
    return part if found == message else found.format(*numbers)


def _word(name: str, key: str, word: str) -> str:
    if key == "who":
        return _who(name, word)
    if key == "places":
        return f" {language.translations(name).gettext(_('or'))} ".join(word.split(" or "))
    at = _moment(word) if key == "at" else None
    return _said(name, word) if at is None else _local(LOCALES[name], at)


def _local(name: str, at: datetime) -> str:
    local = at.astimezone()
    return f"{format_date(local, 'medium', name)} {format_time(local, 'short', locale=name)}"


def _moment(moment: object) -> datetime | None:
    if isinstance(moment, int):
        return datetime.fromtimestamp(moment / 1000, UTC)
    try:
        return read_date(moment) if isinstance(moment, str) and moment else None
    except Invalid:
        return None


def _time(at: datetime, text: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), escape(text))
