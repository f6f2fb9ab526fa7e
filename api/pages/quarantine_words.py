"""Why events of a case wait in quarantine, by code, in words for people who investigate."""

from typing import Final


def _(text: str) -> str:
    """Marks a text for the catalogues."""
    return text


_MESSAGE: Final = _("its message is not valid")
_DAMAGED: Final = _("the file is damaged: another copy of it may be whole")
_KIND: Final = _("the file is of a kind that is not read")
_LARGE: Final = _("the file is too large")
_SYSTEM: Final = _("the system failed on it: an operator has to look")
_SENDER: Final = _("its sender may not speak for this case or district")

WORDS: Final = {
    "source_unreachable": _("the place of the file does not answer"),
    "source_refused": _("the place of the file refuses it"),
    "url_not_allowed": _("its place is not among the allowed ones"),
    "invalid_url": _("its message does not say where the file is"),
    "missing_file": _("the file is not in its place"),
    "unreadable_file": _("the file may not be read"),
    "empty_file": _("the file is empty"),
    "wrong_sha256": _("the file is another one than its message names"),
    "too_large": _LARGE,
    "too_many_pixels": _LARGE,
    "not_an_image": _KIND,
    "unsupported": _KIND,
    "truncated": _DAMAGED,
    "damaged": _DAMAGED,
    "decoder_died": _DAMAGED,
    "decoder_timeout": _DAMAGED,
    "no_page": _("no page of the file can be read"),
    "video_not_supported_yet": _("videos of this kind cannot be read yet"),
    "other_model": _("it waits for the register's model"),
    "two_districts": _("its message names another district than the case has"),
    "other_district": _SENDER,
    "other_source": _SENDER,
    "case_id_looks_alike": _("the number of its case can be taken for another one"),
    "media_unknown": _("the picture that it is about is not in the register"),
    **dict.fromkeys(
        (
            "bad_embedding",
            "bad_headers",
            "empty_record",
            "invalid_event",
            "no_headers",
            "not_an_event",
            "not_json",
            "unreadable_record",
            "wrong_type",
        ),
        _MESSAGE,
    ),
    "record_too_large": _("its message is too large"),
    **dict.fromkeys(("refused_by_graph", "unexpected", "unprocessable"), _SYSTEM),
}
