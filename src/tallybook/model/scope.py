"""Who asks and what they may see. Decides nothing about how an answer is computed."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

from tallybook.model.errors import Forbidden

Role = Literal[
    "admin",
    "finance",
    "csm",
    "analyst",
    "sales_rep",
    "customer_viewer",
    "customer_admin",
    "parent_admin",
    "ingest",
]
Verb = Literal["read", "contact", "ingest", "correct", "define", "close", "administer"]

ROLES: Final[tuple[Role, ...]] = get_args(Role)

_VERBS: Final[dict[Role, frozenset[Verb]]] = {
    "admin": frozenset({"read", "contact", "ingest", "correct", "define", "close", "administer"}),
    "finance": frozenset({"read", "contact", "correct", "define", "close"}),
    "csm": frozenset({"read", "contact"}),
    "analyst": frozenset({"read", "contact"}),
    "sales_rep": frozenset({"read", "contact"}),
    "customer_viewer": frozenset({"read", "contact"}),
    "customer_admin": frozenset({"read", "contact"}),
    "parent_admin": frozenset({"read", "contact", "define"}),
    "ingest": frozenset({"ingest"}),
}
_PRICED: Final = frozenset({"admin", "finance", "csm", "customer_admin", "parent_admin"})
#: Roles of a customer's own people, bound to their account and its tree.
CUSTOMERS: Final[frozenset[Role]] = frozenset({"customer_viewer", "customer_admin", "parent_admin"})


@dataclass(frozen=True, slots=True)
class Member:
    """An account's events in the half-open span [start, end), counted for `group`.

    The unit of every tree question: membership is by date, so a moved child is in two groups,
    each for its own span.
    """

    account: str
    start: datetime
    end: datetime
    group: int = 0


@dataclass(frozen=True, slots=True)
class Scope:
    """Who asks (`who`), and what they may see and do.

    `accounts` are the accounts and spans they may see; None is everything there is. `names` are
    what contracts may call them by: a name or an e-mail address, without case.
    """

    who: str
    role: Role
    accounts: tuple[Member, ...] | None = None
    verbs: frozenset[Verb] | None = None
    names: frozenset[str] = frozenset()

    @property
    def sees_prices(self) -> bool:
        """Tell whether the prices and amounts of all that is seen may be shown."""
        return self.role in _PRICED

    def sees_prices_of(self, sales_rep: Collection[str]) -> bool:
        """Tell whether those of a contract may be shown whose sales rep has one of these names."""
        is_own = self.role == "sales_rep" and any(n.casefold() in self.names for n in sales_rep)
        return is_own or self.sees_prices

    @property
    def sees_reasons(self) -> bool:
        """Tell whether it may be shown who of the vendor changed something, and why."""
        return not self.is_customer

    @property
    def is_customer(self) -> bool:
        """Tell whether it is one of a customer's own people who asks."""
        return self.role in CUSTOMERS

    def may(self, verb: Verb) -> bool:
        """Tell whether this verb is allowed; who is bound to accounts administers nothing."""
        if verb == "administer" and self.accounts is not None:
            return False
        return verb in _VERBS[self.role] and (self.verbs is None or verb in self.verbs)

    def sees(self, account: str, at: datetime | None = None) -> bool:
        """Tell whether this account may be seen at an instant, or else at any date."""
        return self.accounts is None or any(
            m.account == account and (at is None or m.start <= at < m.end) for m in self.accounts
        )

    def narrow(self, members: Iterable[Member]) -> list[Member]:
        """Cut members to what may be seen; stores call this inside every query."""
        if self.accounts is None:
            return list(members)
        reach: dict[str, list[Member]] = {}
        for seen in self.accounts:
            reach.setdefault(seen.account, []).append(seen)
        return [
            Member(m.account, max(m.start, seen.start), min(m.end, seen.end), m.group)
            for m in members
            for seen in reach.get(m.account, ())
            if max(m.start, seen.start) < min(m.end, seen.end)
        ]

    def require(self, verb: Verb) -> None:
        """Refuse unless this verb is allowed.

        Raises:
            Forbidden: `verb_not_allowed`.
        """
        if not self.may(verb):
            raise Forbidden(
                "verb_not_allowed",
                f"The role {self.role} may not {verb}; ask an administrator for another key.",
            )


def operator(who: str = "system") -> Scope:
    """Return the scope of the installation itself: the loader, the clock, the command line."""
    return Scope(who=who, role="admin")
