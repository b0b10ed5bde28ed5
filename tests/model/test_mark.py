from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.errors import Invalid
from tallybook.model.mark import Mark, minute_of, parse_mark
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT

LAST = minute_of(LAST_INSTANT)
INSTANTS = st.datetimes(timezones=st.just(UTC))


@given(st.integers(0, 2**50), st.integers(0, 2**50), st.sampled_from([0, 1, LAST]))
def test_a_mark_survives_being_written_and_read(seq: int, revision: int, minute: int) -> None:
    mark = Mark(seq, revision, minute)
    assert parse_mark(str(mark)) == mark


@given(INSTANTS)
def test_a_mark_is_of_the_minute_that_an_instant_lies_in(instant: datetime) -> None:
    mark = parse_mark(str(Mark(1, 2, minute_of(instant))))
    assert mark.now == instant.replace(second=0, microsecond=0)
    assert minute_of(mark.now) == mark.minute


def test_the_first_and_the_last_minute_can_be_told() -> None:
    assert (minute_of(FIRST_INSTANT), Mark(0, 0, 0).now) == (0, FIRST_INSTANT)
    assert LAST_INSTANT - Mark(0, 0, LAST).now < timedelta(minutes=1)


@pytest.mark.parametrize(
    "word",
    [
        "",
        "m1",
        "m1.1",
        "m1.1.2",
        "m1.1.2.3.4",
        "m1.-1.2.3",
        "m2.1.2.3",
        "m1.g.1.1",
        "m1.1.z.1",
        "m1.1.1.-1",
        "m1.1.2.3 ",
        "M1.1.2.3",
        "m1.٣.1.1",
        f"m1.1.1.{LAST + 1:x}",
        "m1.1.1.fffffffffffff",
    ],
)
def test_what_is_no_mark_is_refused(word: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_mark(word)
    assert refusal.value.code == "known_at_invalid"
