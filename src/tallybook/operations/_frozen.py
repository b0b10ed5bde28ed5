"""What closed statements forbid: their contract stays agreed, and in the currency that they are in.
Judges changes by what is closed; whatever else these change is adjusted on a later statement.
"""

from collections.abc import Callable, Collection, Iterator, Sequence

from tallybook.model.directory import Directory
from tallybook.model.errors import Fault
from tallybook.model.ports import NounName, Version
from tallybook.model.statement import ClosedStatement
from tallybook.positions.agreement import agreement

#: Returns the closed statements of contracts, in order of (contract, start_date).
Closed = Callable[[Collection[str]], Sequence[ClosedStatement]]


def frozen_faults(
    before: Directory, after: Directory, added: Sequence[Version], closed: Closed
) -> Iterator[tuple[NounName, str, list[Fault]]]:
    """Yield each noun whose new versions contradict what is closed, with its faults.

    Codes: `already_closed, currency_closed`.
    """
    for version in added:
        name, key = version.noun, version.key
        if name == "contract":
            numbers: Sequence[str] = [key]
        elif name == "account" and _currency(before, key) != _currency(after, key):
            numbers = before.contracts_of(key)
        else:
            continue
        found = [f for number in numbers for f in _of_contract(before, after, number, name, closed)]
        if found:
            yield name, key, found


def _of_contract(
    before: Directory, after: Directory, number: str, named: NounName, closed: Closed
) -> Iterator[Fault]:
    was, becomes = agreement(before, number), agreement(after, number)
    if not was.stretches or (becomes.stretches and becomes.currency == was.currency):
        return
    told = closed([number])
    if told and not becomes.stretches:
        yield Fault(
            "already_closed",
            "status",
            f"The statement of {number} from {told[0].start_date} is closed, so the contract "
            "cannot have been in force never; end it with an end_date, and what was charged "
            "beyond that is adjusted.",
        )
        return
    other = next((one for one in told if one.document["currency"] != becomes.currency), None)
    if other is not None:
        own, new = other.document["currency"], becomes.currency
        instead = f"make a new contract for {new}"
        if named == "account":
            instead = f"name {own} in the contract before"
        yield Fault(
            "currency_closed",
            "currency",
            f"The statement of {number} from {other.start_date} is closed in {own} and never "
            f"changes; keep {own}, or {instead}.",
        )


def _currency(directory: Directory, account: str) -> str | None:
    spans = directory.spans("account", account)
    return spans[-1].noun.currency if spans else None
