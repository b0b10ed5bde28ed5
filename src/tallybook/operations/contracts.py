"""Lists contracts as people look for them: by state, account, branch and people, with counts and
sums of what is listed. Reads documents as they were written; parses none of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Any, Final, Literal

from tallybook.model.directory import Directory
from tallybook.model.ports import Version
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Scope
from tallybook.operations import definitions
from tallybook.operations._shown import sees_amounts
from tallybook.positions.periods import months

State = Literal["active", "planned", "draft", "ended"]
Sort = Literal["number", "account", "type", "start_date", "end_date", "base", "csm", "status"]

#: An active contract that ends so soon needs somebody to think of what follows.
ENDING_DAYS: Final = 90

_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Listed:
    """A contract in a list. `base` is what its base charges come to in a month, unrounded: 0
    without any, None where prices may not be seen. A charge once a term is not among them.
    `version` has its amounts: `definitions.shown` hides them.
    """

    version: Version
    account: str
    account_name: str
    name: str
    state: State
    is_ending: bool
    type: str
    branch: str
    csm: str
    sales_rep: str
    start_date: date
    end_date: date | None
    renewal: str
    lines: int
    currency: str
    base: Decimal | None

    @property
    def number(self) -> str:
        """Return the contract's number."""
        return self.version.key


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What to list; an empty text is any. `state` may also be `ending`.

    `accounts` are whose contracts; `in_force` is a day on which it holds, by the version of that
    day, and `ends_before` one before which its days are over, unless it goes on by itself.
    """

    state: str = ""
    account: str = ""
    branch: str = ""
    csm: str = ""
    sales_rep: str = ""
    type: str = ""
    text: str = ""
    sort: Sort = "number"
    descending: bool = False
    currency: str = ""
    accounts: frozenset[str] | None = None
    in_force: date | None = None
    ends_before: date | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """All that match, sorted; `counts` by state among those of any state; `choices` are the values
    that the contracts one may see have, for each field one may ask by.
    """

    items: Sequence[Listed]
    counts: Mapping[str, int]
    base: Mapping[str, Decimal]
    choices: Mapping[str, Sequence[str]]
    total: int


def contracts(scope: Scope, directory: Directory, query: ListQuery, now: datetime) -> Listing:
    """List the contracts that stand today and may be seen.

    Raises:
        Forbidden: `verb_not_allowed`.
    """
    every, choices = _every(scope, directory, now.replace(second=0, microsecond=0))
    any_state = [one for one in every if _matches(directory, one, query)]
    counts = {"": len(any_state)}
    for one in any_state:
        for state in _states(one):
            counts[state] = counts.get(state, 0) + 1
    found = [one for one in any_state if not query.state or query.state in _states(one)]
    found.sort(key=lambda one: one.number)
    found.sort(key=_KEYS[query.sort], reverse=query.descending)
    return Listing(found, counts, _bases(found), choices, len(every))


@lru_cache(maxsize=2)  # a list is asked for page by page and filter by filter
def _every(
    scope: Scope, directory: Directory, now: datetime
) -> tuple[Sequence[Listed], Mapping[str, Sequence[str]]]:
    """Return all contracts that may be seen, as they stand in a minute, and what they have."""
    directory = directory.on(now.date())
    every = tuple(
        listed(scope, directory, version, now)
        for version in definitions.standing(scope, directory, "contract", now)
    )
    return every, _choices(every)


def listed(scope: Scope, directory: Directory, version: Version, now: datetime) -> Listed:
    """Return a contract as it stands at an instant, on its local day."""
    document = version.document
    account = directory.account(document["account"])
    start, end = _day(document["start_date"]), _day(document.get("end_date"))
    renewal = (document.get("renewal") or {}).get("policy", "none")
    today = account.calendar.day_of(now) if account else now.date()
    owner = account.csm if account else None
    state = _state(document, start or date.min, end, renewal, today)
    return Listed(
        version,
        document["account"],
        account.title if account else document["account"],
        document.get("name") or "",
        state,
        state == "active"
        and end is not None
        and renewal != "auto"
        and end - today < timedelta(days=ENDING_DAYS),
        document.get("type") or "",
        document.get("branch") or (account.branch if account else None) or "",
        _name(document.get("csm")) or ((owner.name or owner.email or "") if owner else ""),
        _name(document.get("sales_rep")),
        start or date.min,
        end,
        renewal,
        len(document.get("lines") or ()) + len(document.get("meter_groups") or ()),
        document.get("currency") or (account.currency if account else "USD"),
        _base(document) if sees_amounts(scope, "contract", document) else None,
    )


def _state(
    document: Mapping[str, Any], start: date, end: date | None, renewal: str, today: date
) -> State:
    """Return how a contract stands today: one whose days are over and go on by nothing ended."""
    status = document.get("status", "active")
    if status == "draft":
        return "draft"
    if status == "ended" or (end is not None and end < today and renewal != "auto"):
        return "ended"
    return "planned" if start > today else "active"


def _base(document: Mapping[str, Any]) -> Decimal:
    """Return what the base charges come to in a month, each brought to one from its own cycle."""
    billing = document.get("billing") or {}
    total = _ZERO
    with localcontext(EXACT):
        for charge in document.get("base_charges") or ():
            own = charge if charge.get("cycle_unit") else billing
            unit: Any = own.get("cycle_unit") or "month"
            if unit != "term":
                length = months(unit, own.get("cycle_length", 1))
                amount = Decimal(str(charge["amount"])) * Decimal(str(charge.get("quantity", 1)))
                total += amount * length.denominator / length.numerator
    return total


def _bases(found: Iterable[Listed]) -> Mapping[str, Decimal]:
    """Return the sums of active contracts, one a currency: currencies are never added."""
    sums: dict[str, Decimal] = {}
    with localcontext(EXACT):
        for one in found:
            if one.base and one.state == "active":
                sums[one.currency] = sums.get(one.currency, _ZERO) + one.base
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def _matches(directory: Directory, one: Listed, query: ListQuery) -> bool:
    for name in ("account", "branch", "csm", "sales_rep", "type", "currency"):
        wanted = getattr(query, name)
        if wanted and getattr(one, name) != wanted:
            return False
    if query.accounts is not None and one.account not in query.accounts:
        return False
    if query.ends_before is not None and not _ends_before(one, query.ends_before):
        return False
    if query.in_force is not None and not _in_force(directory, one.number, query.in_force):
        return False
    part = query.text.casefold()
    names = (one.number, one.name, one.account, one.account_name)
    return not part or any(part in name.casefold() for name in names)


def _ends_before(one: Listed, day: date) -> bool:
    goes_on = one.renewal == "auto" and one.version.document.get("status") == "active"
    return one.end_date is not None and one.end_date < day and not goes_on


def _in_force(directory: Directory, number: str, day: date) -> bool:
    """Tell whether a contract holds on a day; see `positions.agreement`, which parses it."""
    version = directory.on(day).version("contract", number)
    if version is None or version.retired:
        return False
    said = version.document
    start, end = _day(said["start_date"]), _day(said.get("end_date"))
    status = said.get("status", "active")
    if status == "draft" or start is None or day < start:
        return False
    if end is None:
        return bool(status == "active")
    renews = status == "active" and (said.get("renewal") or {}).get("policy") == "auto"
    return renews or day <= end


def _states(one: Listed) -> tuple[str, ...]:
    return (one.state, "ending") if one.is_ending else (one.state,)


def _choices(every: Iterable[Listed]) -> Mapping[str, Sequence[str]]:
    values: dict[str, set[str]] = {"branch": set(), "csm": set(), "sales_rep": set(), "type": set()}
    for one in every:
        for name, seen in values.items():
            seen.add(getattr(one, name))
    return {name: sorted(seen - {""}) for name, seen in values.items()}


def _name(person: Mapping[str, Any] | None) -> str:
    return (person.get("name") or person.get("email") or "") if person else ""


def _day(text: str | date | None) -> date | None:
    return date.fromisoformat(text) if isinstance(text, str) else text


_KEYS: Final[Mapping[Sort, Callable[[Listed], Any]]] = {
    "number": lambda one: one.number,
    "account": lambda one: one.account_name.casefold(),
    "type": lambda one: one.type.casefold(),
    "start_date": lambda one: one.start_date,
    "end_date": lambda one: one.end_date or date.max,
    "base": lambda one: (one.currency, one.base or _ZERO),
    "csm": lambda one: one.csm.casefold(),
    "status": lambda one: ("active", "planned", "draft", "ended").index(one.state),
}
