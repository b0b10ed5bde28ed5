"""`known_at`: one opaque word for a ledger position and a Books revision."""

import re
from dataclasses import dataclass

from tallybook.model.errors import Invalid

_WORD = re.compile(r"m1\.([0-9a-z]{1,13})\.([0-9a-z]{1,13})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """What was known: ledger entries up to `seq`, definitions up to `revision`."""

    seq: int
    revision: int

    def __str__(self) -> str:
        """Write it as the opaque word of the API."""
        return f"m1.{self.seq:x}.{self.revision:x}"


def parse_mark(word: str) -> Mark:
    """Read a mark written by `Mark.__str__`.

    Raises:
        Invalid: `known_at_invalid`.
    """
    found = _WORD.fullmatch(word)
    try:
        if found:
            return Mark(int(found[1], 16), int(found[2], 16))
    except ValueError:
        pass
    raise Invalid(
        "known_at_invalid",
        "known_at must be a mark returned by an earlier answer, or an instant.",
        field="known_at",
    )
