import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.errors import Invalid
from tallybook.model.mark import Mark, parse_mark


@given(st.integers(0, 2**50), st.integers(0, 2**50))
def test_a_mark_survives_being_written_and_read(seq: int, revision: int) -> None:
    mark = Mark(seq, revision)
    assert parse_mark(str(mark)) == mark


@pytest.mark.parametrize(
    "word",
    [
        "",
        "m1",
        "m1.1",
        "m1.1.2.3",
        "m1.-1.2",
        "m2.1.2",
        "m1.g.1",
        "m1.1.z",
        "m1.1.2 ",
        "M1.1.2",
        "m1.٣.1",
    ],
)
def test_what_is_no_mark_is_refused(word: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_mark(word)
    assert refusal.value.code == "known_at_invalid"
