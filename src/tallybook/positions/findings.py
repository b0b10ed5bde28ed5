"""What is set up oddly in a contract, as it stands on a day: nothing that is refused, but what
somebody should look at, such as use that two contracts charge. Counts no use.
"""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from tallybook.model.contract import Contract
from tallybook.model.directory import Directory
from tallybook.model.errors import Fault
from tallybook.model.nouns import Account, Meter
from tallybook.positions.agreed import faults
from tallybook.positions.agreement import agreement
from tallybook.positions.hierarchy import ancestors, members
from tallybook.positions.layers import Layer, layer_on
from tallybook.positions.periods import add_days, calendar_of
from tallybook.positions.terms import meter_on


def findings(directory: Directory, number: str, day: date, *, up: bool = True) -> list[Fault]:
    """Return what is odd about a contract on a local day, or, before its first version, in that.

    Codes: `account_missing, account_closed, bill_to_outside, meter_retired, meter_counted_twice,
    line_without_price, group_without_rate, ref_unused, product_unknown, child_has_contract,
    in_a_pool, pool_unit_clash`, and those of `agreed`, where what the document names changed.
    Without `up`, pools of accounts above it are not looked at: `in_a_pool` is left out.
    """
    contract = directory.at("contract", number, day)
    if contract is None:
        spans = directory.spans("contract", number)
        if not spans or (spans[0].valid_from or day) <= day:
            return []
        contract, day = spans[0].noun, spans[0].valid_from or day

    def meter_of(key: str) -> Meter | None:
        return meter_on(directory, key, day)

    layer = layer_on(contract, day)
    return [
        *faults(contract, meter_of),
        *_accounts(directory, contract, day),
        *_counted_oddly(directory, layer, day),
        *_charged_oddly(layer),
        *_pooled(directory, layer, day),
        *(_in_pools(directory, layer, day) if up else ()),
    ]


class Counted(NamedTuple):
    """A meter that some terms count: where they say so, in which unit, and whether for money."""

    field: str
    meter: str
    unit: str | None
    priced: bool


def _counted(layer: Layer) -> Iterator[Counted]:
    for i, line in enumerate(layer.terms.lines):
        if line.meter is not None:
            unit = line.conversion.unit if line.conversion else None
            yield Counted(layer.at("lines", i, "meter"), line.meter, unit, line.price is not None)
    for i, group in enumerate(layer.terms.meter_groups):
        priced = group.overage_rate is not None or bool(group.overage_tiers)
        for j, key in enumerate(group.meters):
            yield Counted(layer.at("meter_groups", i, "meters", j), key, None, priced)


def _accounts(directory: Directory, contract: Contract, day: date) -> Iterator[Fault]:
    for field, key in (("account", contract.account), ("bill_to", contract.bill_to)):
        account = directory.at("account", key, day) if key is not None else Account(key="-")
        if account is None:
            yield Fault(
                "account_missing",
                field,
                f"There is no account {key} on {day}; create it, or name another.",
            )
        elif account.status == "closed":
            yield Fault("account_closed", field, f"The account {key} is closed; end the contract.")
    payer, owner = contract.bill_to, contract.account
    if payer is None or payer in ancestors(directory, owner):
        return
    if owner not in ancestors(directory, payer):
        yield Fault(
            "bill_to_outside",
            "bill_to",
            f"{payer} is not in the tree of {owner}; see that it should pay for it.",
        )


def _counted_oddly(directory: Directory, layer: Layer, day: date) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for field, key, _, _ in _counted(layer):
        if directory.at("meter", key, day) is None and directory.history("meter", key):
            yield Fault(
                "meter_retired", field, f"The meter {key} does not stand on {day}; name another."
            )
        if key in seen:
            yield Fault(
                "meter_counted_twice", field, f"{seen[key]} counts the same use; see that it may."
            )
        seen.setdefault(key, field)


def _charged_oddly(layer: Layer) -> Iterator[Fault]:
    terms = layer.terms
    for i, line in enumerate(terms.lines):
        unlimited = line.allotment is not None and line.allotment.quantity is None
        if line.price is None and not unlimited and not line.hard_limit:
            yield Fault(
                "line_without_price",
                layer.at("lines", i, "price"),
                f"What {line.code} uses beyond its allotment costs nothing; give it a price.",
            )
    for i, group in enumerate(terms.meter_groups):
        if group.overage_rate is None and not group.overage_tiers:
            yield Fault(
                "group_without_rate",
                layer.at("meter_groups", i, "overage_rate"),
                f"Overage of {group.name} costs nothing; give it a rate or tiers.",
            )
    products = {line.product for line in terms.lines} | {g.product for g in terms.meter_groups}
    for i, base in enumerate(terms.base_charges):
        field = layer.at("base_charges", i, "ref")
        if base.level == "contract" and base.ref is not None:
            detail = f"A charge of the contract is for nothing else; take out {base.ref}."
            yield Fault("ref_unused", field, detail)
        if base.level == "product" and base.ref is not None and base.ref not in products:
            yield Fault(
                "product_unknown",
                field,
                f"No line has the product {base.ref}; give it to one, or name another.",
            )


def _pooled(directory: Directory, layer: Layer, day: date) -> Iterator[Fault]:
    """Yield what other contracts of its tree charge or allot of what a pool counts."""
    terms = layer.terms
    if terms.pooling == "none":
        return
    own = [*_counted(layer)]
    days = calendar_of(terms, directory.at("account", terms.account, day))
    tree = members(
        directory, terms.account, days.start_of(day), days.start_of(add_days(day, 1)), rollup=True
    )
    for key in dict.fromkeys(member.account for member in tree):
        for number in directory.contracts_of(key):
            other = agreement(directory, number).on(day) if number != terms.number else None
            if other is not None and other.account == key:
                yield from _beside(own, terms, layer_on(other, day))


def _beside(own: list[Counted], pool: Contract, layer: Layer) -> Iterator[Fault]:
    """Yield what a contract within a pool has in common with it."""
    number = layer.terms.number
    for one in own:
        for other in _counted(layer):
            if other.meter != one.meter:
                continue
            if _charges_twice(pool, other):
                yield Fault(
                    "child_has_contract",
                    one.field,
                    f"{number} charges use of {one.meter} that the pool counts too; end one.",
                )
            if pool.pooling == "sum_of_children" and other.unit != one.unit:
                yield Fault(
                    "pool_unit_clash",
                    one.field,
                    f"{number} allots {one.meter} in another unit; convert both alike.",
                )


def _in_pools(directory: Directory, layer: Layer, day: date) -> Iterator[Fault]:
    """Yield which pools above count what a contract counts."""
    terms = layer.terms
    own = [*_counted(layer)]
    days = calendar_of(terms, directory.at("account", terms.account, day))
    now = days.start_of(day)
    for above in sorted(ancestors(directory, terms.account) - {terms.account}):
        tree = members(directory, above, now, days.start_of(add_days(day, 1)), rollup=True)
        if not any(member.account == terms.account for member in tree):
            continue
        for number in directory.contracts_of(above):
            pool = agreement(directory, number).on(day)
            if pool is None or pool.account != above or pool.pooling == "none":
                continue
            counted = {other.meter for other in _counted(layer_on(pool, day))}
            for one in own:
                if one.meter in counted and _charges_twice(pool, one):
                    yield Fault(
                        "in_a_pool",
                        one.field,
                        f"The pool of {number} counts use of {one.meter} too; end one of them.",
                    )


def _charges_twice(pool: Contract, child: Counted) -> bool:
    """Tell whether a child's terms and a pool are for the same use. Where a pool has the sum of
    its children's allotments they have contracts, and those should have no price.
    """
    return pool.pooling == "parent_pool" or child.priced
