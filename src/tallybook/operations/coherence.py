"""Do definitions fit together? Judges a directory as it would be, before anything is written."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from tallybook import aggregations
from tallybook.model import kinds, limits
from tallybook.model.contract import Contract
from tallybook.model.directory import AnyNoun, Directory
from tallybook.model.errors import Conflict, Fault, Invalid
from tallybook.model.nouns import Account, Meter
from tallybook.model.ports import NounName, Version
from tallybook.model.quantity import check_exponent
from tallybook.positions import agreed
from tallybook.positions.hierarchy import faults as tree_faults
from tallybook.positions.terms import meter_on

_INTEGER_MAX: Final = 10**limits.PRICE_DIGITS_MAX
_TREE: Final = {
    "tree_cycle": "its parents lead back to itself",
    "tree_too_deep": f"its tree would be deeper than {limits.TREE_DEPTH_MAX} levels",
    "orphan": "its parent does not exist; create that first",
}


def check_json(value: Any, field: str = "", depth: int = 0) -> None:
    """Refuse what cannot be kept exactly as it came: free parts of a document hold anything.

    Raises:
        Invalid: `document_too_deep`, `text_invalid`, `number_invalid`, `number_out_of_range`.
    """
    if depth > limits.JSON_DEPTH_MAX:
        raise Invalid(
            "document_too_deep",
            f"The document is nested deeper than {limits.JSON_DEPTH_MAX}; write it flatter.",
            field=field,
            limit=limits.JSON_DEPTH_MAX,
        )
    if isinstance(value, Mapping):
        for key, item in value.items():
            check_json(str(key), field, depth + 1)
            check_json(item, f"{field}.{key}".lstrip("."), depth + 1)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            check_json(item, f"{field}.{index}", depth + 1)
    else:
        _check_scalar(value, field)


def _check_scalar(value: Any, field: str) -> None:
    if isinstance(value, Decimal):
        check_exponent(value, field=field)
    elif isinstance(value, int) and not -_INTEGER_MAX < value < _INTEGER_MAX:
        raise Invalid(
            "number_out_of_range",
            f"{field} has more than {limits.PRICE_DIGITS_MAX} digits; write fewer.",
            field=field,
            limit=limits.PRICE_DIGITS_MAX,
        )
    elif isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as e:
            raise Invalid(
                "text_invalid", "A text has half a character; write it whole.", field=field
            ) from e
    elif value is not None and not isinstance(value, (int, date)):
        raise Invalid(
            "number_invalid",
            f"{field} is something else; write a text, a decimal, true, false or null.",
            field=field,
        )


def faults(
    before: Directory, after: Directory, added: Sequence[Version], today: date
) -> Iterator[tuple[NounName, str, list[Fault]]]:
    """Yield each noun that versions would break, with all its faults.

    Codes: `tree_cycle, tree_too_deep, unknown_parent, unknown_account, unknown_kind,
    property_missing, currency_clash`, and those of `positions.agreed`.
    """
    moved = []
    for version in added:
        if version.retired:
            continue
        day = version.valid_from or today
        found = [*_of_noun(after, after.parsed(version), day)]
        if version.noun == "account" and after.links(version.key) != before.links(version.key):
            moved.append(version.key)
        if found:
            yield version.noun, version.key, found
    for key in _trees(after, moved):
        broken = [_of_tree(key, code) for code in tree_faults(after, key)]
        if broken:
            yield "account", key, broken


def _of_noun(after: Directory, noun: AnyNoun, day: date) -> Iterator[Fault]:
    if isinstance(noun, Account):
        yield from _of_account(after, noun, day)
    elif isinstance(noun, Meter):
        yield from _of_meter(noun)
    else:
        yield from _of_contract(after, noun, day)


def _of_tree(key: str, code: str) -> Fault:
    named = "unknown_parent" if code == "orphan" else code
    return Fault(named, "parent", f"account {key}: {_TREE[code]}.")


def check_unused(directory: Directory, noun: NounName, key: str) -> None:
    """Refuse to retire what others still name, today or in a planned version.

    Raises:
        Conflict: `still_used`.
    """
    users: Iterable[str] = ()
    if noun == "account":
        users = _children(directory, key)
    if noun != "contract":
        users = [*users, *_contracts(directory, noun, key)]
    for user in users:
        raise Conflict(
            "still_used", f"{user} still uses the {noun} {key}; end or change that first."
        )


def _of_account(after: Directory, account: Account, day: date) -> Iterator[Fault]:
    if account.parent is not None and _is_missing(after, "account", account.parent, day):
        yield Fault(
            "unknown_parent", "parent", f"There is no account {account.parent}; create it first."
        )


def _of_meter(meter: Meter) -> Iterator[Fault]:
    try:
        aggregation = kinds.load(aggregations, meter.aggregation)
    except Invalid as e:
        yield Fault(e.code, "aggregation", e.detail)
        return
    if aggregation.READS != "presence" and meter.property is None:
        yield Fault(
            "property_missing",
            "property",
            f"The aggregation {meter.aggregation} needs the property it reads, such as bytes.",
        )


def _of_contract(after: Directory, contract: Contract, day: date) -> Iterator[Fault]:
    missing = False
    for field, key in (("account", contract.account), ("bill_to", contract.bill_to)):
        if key is not None and _is_missing(after, "account", key, day):
            missing = True
            yield Fault("unknown_account", field, f"There is no account {key}; create it first.")

    def meter_of(key: str) -> Meter | None:
        return None if _is_missing(after, "meter", key, day) else meter_on(after, key, day)

    yield from agreed.faults(contract, meter_of)
    if not missing:
        yield from _of_currency(after, contract, day)


def _of_currency(after: Directory, contract: Contract, day: date) -> Iterator[Fault]:
    """A contract keeps its currency, and who pays pays in it."""
    own = contract.currency or _currency_of(after, contract.account, day)
    payer = own if contract.bill_to is None else _currency_of(after, contract.bill_to, day)
    if payer != own:
        yield Fault(
            "currency_clash",
            "currency",
            f"The contract is in {own} and {contract.bill_to} pays in {payer}; name one currency.",
        )
    for begins, _, version in after.in_force("contract", contract.number):
        if not version.retired:
            then = version.document
            other = then.get("currency") or _currency_of(after, then["account"], begins or day)
            if other != own:
                yield Fault(
                    "currency_clash",
                    "currency",
                    f"Another version of the contract is in {other}, and a contract keeps its "
                    f"currency; make a new contract for {own}.",
                )
                return


def _currency_of(after: Directory, account: str, day: date) -> str:
    """Return an account's currency on a day, before its first version as in that one."""
    found = after.at("account", account, day)
    if found is None:
        found = next((span.noun for span in after.spans("account", account)), Account(key=account))
    return found.currency


def _is_missing(directory: Directory, noun: NounName, key: str, day: date) -> bool:
    """Tell whether a key was never given, or is retired by this day. It may begin later."""
    if not directory.history(noun, key):
        return True
    version = directory.on(day).version(noun, key)
    return version is not None and version.retired


def _trees(directory: Directory, roots: Iterable[str]) -> list[str]:
    """Return these accounts and all that ever stood below them, each once."""
    found: dict[str, None] = {}
    waiting = list(roots)
    while waiting:
        key = waiting.pop()
        if key not in found:
            found[key] = None
            waiting.extend(link.account for link in directory.children(key))
    return list(found)


def _children(directory: Directory, parent: str) -> Iterable[str]:
    today = directory.day
    for child in dict.fromkeys(link.account for link in directory.children(parent)):
        for span in directory.spans("account", child):
            if span.noun.parent == parent and (span.valid_to is None or span.valid_to > today):
                yield f"account {child}"


def _contracts(directory: Directory, noun: NounName, key: str) -> Iterable[str]:
    """Yield the contracts that name it in what holds today or is planned."""
    today = directory.day
    for number in sorted(directory.ever("contract")):
        for _, end, version in directory.in_force("contract", number):
            if version.retired or version.document.get("status") == "ended":
                continue
            if (end is None or end > today) and key in _named(directory.parsed(version), noun):
                yield f"contract {number}"
                break


def _named(contract: AnyNoun, noun: NounName) -> Collection[str | None]:
    """Return the keys of the meters or accounts that a contract names."""
    if not isinstance(contract, Contract):
        return ()
    return contract.meters if noun == "meter" else (contract.account, contract.bill_to)
