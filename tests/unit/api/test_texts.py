"""What the domain says in English, as a Danish page says it."""

import time

import pytest

from api.pages.texts import filters

FIRST = "ben@south acted first (confirmed, 2026-11-29T16:40:00+00:00): this link is confirmed now"


@pytest.mark.parametrize(
    ("sentence", "danish"),
    [
        ("weak support; provisional: measured on adults, not on children", "svag støtte; foreløbigt: målt på voksne"),
        ("The face is hard to compare: it has only 12 pixels between the eyes.", "der er kun 12 pixel mellem øjnene."),
        (FIRST, "før dig har ben@south taget stilling (bekræftet, 29. nov. 2026"),
        (
            FIRST.replace("ben@south", "you"),
            "du har selv taget stilling først, i et andet vindue eller ved at trykke to gange (",
        ),
        (
            "investigator of south is judging this, until 2026-11-29T16:40:00Z at the latest",
            "er efterforsker i south i gang",
        ),
        ("this link is dismissed: reopen it before judging it again", "forbindelsen er afvist: fortryd den"),
        ("this contradicts what another district holds: district south, call {0} x", "kreds south, kontakt {0} x"),
        ("<script> {0} {name} %(x)s", "<script> {0} {name} %(x)s"),
    ],
)
def test_a_sentence_is_said_in_danish_with_its_numbers_and_words(sentence: str, danish: str) -> None:
    assert danish in filters("da")["said"](sentence)


def test_times_and_scores_are_written_as_the_language_does_and_day_and_month_differ() -> None:
    english = filters("en")
    assert (english["score"](0.5), filters("da")["score"](0.5)) == ("0.50", "0,50")
    assert "2 Nov 2026" in english["when"]("2026-11-02T12:40:00Z")
    assert "(confirmed, 29 Nov 2026" in english["said"](FIRST)
    assert "2. nov. 2026" in filters("da")["day"](1_793_620_800_000)


def test_what_is_recorded_has_one_day_and_what_was_stated_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Confirmed at half past midnight in Copenhagen: the day beside that time was the day before."""
    english = filters("en")
    try:
        with monkeypatch.context() as local:
            local.setenv("TZ", "Europe/Copenhagen")
            time.tzset()
            recorded = "2026-11-01T23:30:00+00:00"
            assert ">2 Nov 2026<" in english["local_day"](recorded) and "2 Nov 2026 00:30" in english["when"](recorded)
            assert ">1 Nov 2026<" in english["day"](recorded)
    finally:
        time.tzset()
