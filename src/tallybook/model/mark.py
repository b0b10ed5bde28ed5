"""`known_at`: one opaque word for what an answer rests on, its business minute among it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tallybook.model.errors import Invalid
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT

_WORD: Final = re.compile(r"m1\.([0-9a-f]{1,13})\.([0-9a-f]{1,13})\.([0-9a-f]{1,13})", re.ASCII)
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """What was known, and when: ledger entries up to `seq`, definitions up to `revision`, and the
    business instant, in whole minutes since the first there is (see `minute_of`).
    """

    seq: int
    revision: int
    minute: int

    @property
    def now(self) -> datetime:
        """Return the instant that is `now` for an answer of this mark."""
        return FIRST_INSTANT + self.minute * _MINUTE

    def __str__(self) -> str:
        """Write it as the opaque word of the API."""
        return f"m1.{self.seq:x}.{self.revision:x}.{self.minute:x}"


def minute_of(instant: datetime) -> int:
    """Count the whole minutes that lie before an instant.

    Local days, hours and whatever else `now` is compared with begin on whole minutes, so that an
    answer is the same for a minute unless something new is known.
    """
    return (instant - FIRST_INSTANT) // _MINUTE


def parse_mark(word: str) -> Mark:
    """Read a mark written by `Mark.__str__`.

    Raises:
        Invalid: `known_at_invalid`.
    """
    found = _WORD.fullmatch(word)
    if found:
        mark = Mark(*(int(number, 16) for number in found.groups()))
        if mark.minute <= minute_of(LAST_INSTANT):
            return mark
    raise Invalid(
        "known_at_invalid",
        "known_at must be a mark returned by an earlier answer, or an instant.",
        field="known_at",
    )
