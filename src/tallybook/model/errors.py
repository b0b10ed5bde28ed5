"""What can go wrong, as the caller sees it. Only `web` knows which status a class has.

TallybookError
├── Unreadable        the request cannot be parsed at all
├── Unauthenticated   no key, or a bad one
├── Forbidden         a verb the role lacks on something it may see
├── NotFound          not there, or not yours: the two look the same
├── Conflict          somebody else changed it first
├── TooLarge          over a limit of size
├── Invalid           parsed, but it cannot mean anything
├── Overloaded        try again later
└── Unavailable       a store does not answer
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class Fault(NamedTuple):
    """One thing that is wrong with a document: a stable code, the path of the field to blame
    (`phases.1.start_date`) and a sentence with a next step.
    """

    code: str
    field: str
    detail: str

    def below(self, path: str) -> "Fault":
        """Return the same fault as seen from further up: its field lies below a path."""
        return self._replace(field=f"{path}.{self.field}".rstrip("."))


class TallybookError(Exception):
    """A refusal: `code` is stable, `detail` is a sentence with a next step.

    `facts` holds what a program may want: `limit`, `asked`, `field`, `retry_after` (seconds).
    """

    def __init__(self, code: str, detail: str, **facts: object) -> None:
        """Keep the slug, the sentence and the facts."""
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.facts: Mapping[str, object] = facts


class Unreadable(TallybookError):
    """The request cannot be parsed."""


class Unauthenticated(TallybookError):
    """No key or session, or one that is unknown, expired or revoked."""


class Forbidden(TallybookError):
    """The role lacks this verb."""


class NotFound(TallybookError):
    """There is no such thing in the scope of who asks."""


class Conflict(TallybookError):
    """The thing changed since it was read."""


class TooLarge(TallybookError):
    """Over a limit of size; `limit` and `asked` are in the facts."""


class Invalid(TallybookError):
    """Readable, but not acceptable; `field` is in the facts where one is to blame."""


class Overloaded(TallybookError):
    """More work is waiting than may wait; `retry_after` seconds are in the facts."""


class Unavailable(TallybookError):
    """A store cannot be used now; nothing was acknowledged."""


def refusal(faults: Sequence[Fault], **facts: object) -> Invalid:
    """Return the refusal of a document with these faults: in the words of the first, all listed
    as `errors`.
    """
    first = faults[0]
    errors = [fault._asdict() for fault in faults]
    return Invalid(first.code, first.detail, field=first.field, errors=errors, **facts)


def faults_of(error: TallybookError) -> list[Fault]:
    """Return what a refusal lists, or the one thing that it says."""
    listed = error.facts.get("errors")
    if isinstance(listed, Iterable):
        return [Fault(**one) for one in listed]
    return [Fault(error.code, str(error.facts.get("field") or ""), error.detail)]
