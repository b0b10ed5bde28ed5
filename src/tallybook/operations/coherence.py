"""Do definitions fit together? Judges a directory as it would be, before anything is written."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from tallybook import aggregations
from tallybook.model import kinds, limits
from tallybook.model.contract import Contract
from tallybook.model.directory import Directory
from tallybook.model.errors import Conflict, Invalid
from tallybook.model.nouns import Account, Meter
from tallybook.model.ports import NounName, Version
from tallybook.model.quantity import check_exponent
from tallybook.positions.charge import price_of
from tallybook.positions.hierarchy import faults

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
            f"The document is nested deeper than {limits.JSON_DEPTH_MAX}.",
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
            f"{field} has more than {limits.PRICE_DIGITS_MAX} digits.",
            field=field,
            limit=limits.PRICE_DIGITS_MAX,
        )
    elif isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as e:
            raise Invalid("text_invalid", "A text has half a character.", field=field) from e
    elif value is not None and not isinstance(value, (int, date)):
        raise Invalid(
            "number_invalid",
            f"{field} must be a text, a decimal, true, false or null.",
            field=field,
        )


def check(before: Directory, after: Directory, added: Sequence[Version], today: date) -> None:
    """Check versions that are about to be written, in the directory as it would be with them.

    Raises:
        Invalid: `tree_cycle`, `tree_too_deep`, `unknown_parent`, `unknown_account`,
            `unknown_meter`, `unknown_kind`, `property_missing`, `price_model_missing`, or what a
            price model says; `noun`, `key` and `field` tell where.
    """
    moved = []
    for version in added:
        if version.retired:
            continue
        day = version.valid_from or today
        noun = after.parsed(version)
        try:
            if isinstance(noun, Account):
                _check_parent(after, noun, day)
                if after.links(version.key) != before.links(version.key):
                    moved.append(version.key)
            elif isinstance(noun, Meter):
                _check_meter(noun)
            elif isinstance(noun, Contract):
                _check_contract(after, noun, day)
        except Invalid as e:
            raise _placed(e, version.noun, version.key) from e
    for key in _trees(after, moved):
        for code in faults(after, key):
            blame = Invalid(
                "unknown_parent" if code == "orphan" else code,
                f"account {key}: {_TREE[code]}.",
                field="parent",
            )
            raise _placed(blame, "account", key)


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


def _check_parent(after: Directory, account: Account, day: date) -> None:
    if account.parent is not None and _is_missing(after, "account", account.parent, day):
        raise Invalid(
            "unknown_parent",
            f"There is no account {account.parent}; create it first.",
            field="parent",
        )


def _check_meter(meter: Meter) -> None:
    try:
        aggregation = kinds.load(aggregations, meter.aggregation)
    except Invalid as e:
        raise Invalid(e.code, e.detail, field="aggregation") from e
    if aggregation.READS != "presence" and meter.property is None:
        raise Invalid(
            "property_missing",
            f"The aggregation {meter.aggregation} needs the property it reads, such as bytes.",
            field="property",
        )


def _check_contract(after: Directory, contract: Contract, day: date) -> None:
    if _is_missing(after, "account", contract.account, day):
        raise Invalid(
            "unknown_account",
            f"There is no account {contract.account}; create it first.",
            field="account",
        )
    for index, line in enumerate(contract.lines):
        if line.meter is not None and _is_missing(after, "meter", line.meter, day):
            raise Invalid(
                "unknown_meter",
                f"There is no meter {line.meter}; create it first.",
                field=f"lines.{index}.meter",
            )
        if line.price is not None:
            price_of(line.price, f"lines.{index}.price")


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
    for number in directory.keys("contract"):
        version = directory.version("contract", number)
        if version is None or version.document.get("status") == "ended":
            continue
        contract = directory.parsed(version)
        if not isinstance(contract, Contract):
            continue
        if key in (contract.meters if noun == "meter" else {contract.account, contract.bill_to}):
            yield f"contract {number}"


def _placed(error: Invalid, noun: NounName, key: str) -> Invalid:
    return Invalid(error.code, error.detail, **{**error.facts, "noun": noun, "key": key})
