"""Who an address is that something is sent to, and what they may see of it on that day."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tallybook.model.directory import Directory
from tallybook.model.people import User
from tallybook.model.ports import People
from tallybook.model.scope import Scope, operator
from tallybook.operations import identify
from tallybook.operations._recipients import manager
from tallybook.operations.directory import Directories

_TELL: Final = operator("readers")


@dataclass(frozen=True, slots=True)
class Reader:
    """Who gets a mail: a user with what they may see, or an address that is nobody's."""

    address: str
    user: User | None
    scope: Scope

    @property
    def account(self) -> str:
        """Return the account of a customer's user: they find the mail in their outbox."""
        is_theirs = self.user is not None and self.scope.is_customer
        return (self.user.account or "") if self.user and is_theirs else ""

    def scope_of(self, directory: Directory, account: str, contract: str) -> Scope:
        """Return what they may see of a contract: who is its CSM without being a user sees it all.

        Its sales rep does by name, as any scope with that name.
        """
        if self.user is None:
            person = manager(directory, account, contract)
            if person is not None and (person.email or "").lower() == self.address.lower():
                return Scope(self.address, "csm")
        return self.scope


def reader(
    people: People, directories: Directories, owner: Scope, address: str, now: datetime
) -> Reader | None:
    """Return who an address is; None where `owner` may send nothing to it: customers tell their own
    people only, and who may see nothing any more is told nothing.
    """
    user = people.user(_TELL, address)
    if user is None:
        scope = Scope(address, "sales_rep", names=frozenset({address.lower()}))
        return Reader(address, None, scope) if owner.accounts is None else None
    is_theirs = user.account is not None and owner.sees(user.account, now)
    seen = identify.by_name(people, directories, address, now)
    if seen is None or not seen.may("read") or not (owner.accounts is None or is_theirs):
        return None
    return Reader(address, user, seen)
