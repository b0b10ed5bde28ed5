"""Who is told of what was written in a case: the customer's CSM, else the vendor's administrators,
or those of the customer's people who have written. Sends nothing.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from tallybook.model.case import Case, Message
from tallybook.model.delivery import DeliveryKind
from tallybook.model.directory import Directory
from tallybook.model.limits import TREE_DEPTH_MAX
from tallybook.model.nouns import EMAIL_PATTERN, Person
from tallybook.model.people import User
from tallybook.model.ports import People
from tallybook.model.scope import CUSTOMERS, operator
from tallybook.positions.hierarchy import members

_ADDRESS: Final = re.compile(EMAIL_PATTERN)
_MOMENT: Final = timedelta(microseconds=1)
_TELL: Final = operator("recipients")


class Recipients(NamedTuple):
    """Addresses, each once, and on whose behalf these people are told."""

    kind: DeliveryKind
    addresses: tuple[str, ...]


def manager(directory: Directory, account: str, number: str) -> Person | None:
    """Return the CSM of a contract, else of its account, else of the nearest account above it that
    has one; one without an address nobody can write to.
    """
    contract = directory.contract(number)
    found = contract.csm if contract else None
    above: str | None = account
    for _ in range(TREE_DEPTH_MAX):
        if found is not None and _ADDRESS.match(found.email or ""):
            return found
        owner = directory.account(above) if above is not None else None
        found, above = (owner.csm, owner.parent) if owner else (None, None)
    return None


def vendor(people: People, csm: Person | None) -> Recipients:
    """Return the CSM, or the administrators where there is none."""
    if csm is not None and csm.email:
        return Recipients("case.to_csm", (csm.email,))
    admins = [u.email for u in people.users(_TELL) if u.role == "admin" and u.state == "active"]
    return Recipients("case.to_administrators", tuple(admins))


def customer(
    people: People, directory: Directory, case: Case, written: Iterable[Message], now: datetime
) -> Recipients:
    """Return those of the customer's people who wrote in a case and may still see it."""
    authors = sorted({message.author for message in written if message.side == "customer"})
    users = (people.user(_TELL, author) for author in authors)
    told = (user.email for user in users if user and _sees(directory, user, case, now))
    return Recipients("case.to_customer", tuple(told))


def _sees(directory: Directory, user: User, case: Case, now: datetime) -> bool:
    if user.state != "active" or user.role not in CUSTOMERS or user.account is None:
        return False
    tree = members(directory, user.account, now, now + _MOMENT)
    return any(member.account == case.account for member in tree)
